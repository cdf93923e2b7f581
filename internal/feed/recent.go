package feed

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"sort"
	"sync"
	"time"

	"github.com/google/uuid"
)

// recentKept is how many applied changes a listener can look back on. Who was away for more forgets everything.
const recentKept = 4096

// recent are the latest changes that this node has applied, for those who listen to it. It is memory alone: whatever a listener
// says of where it stands, no database is asked for it.
type recent struct {
	mu       sync.Mutex
	from     Position // what is kept goes on from it
	changes  []Change // after from, in order
	forgets  int64    // how often everything was to be forgotten
	further  chan struct{}
	recovers bool // there is a position: the feed was heard
}

// Heard is what a listener is to be told.
type Heard struct {
	// Cursor stands for all that is told here and before.
	Cursor string
	// Reset says that what the listener knew of can't be gone on from: it must forget everything that it remembers.
	Reset bool
	// Changes are those since its cursor, in order; none where Reset.
	Changes []Change
	// Revision is the one up to which it has been told.
	Revision int64
	// Fresh and Age are those of the Feed, from before Changes were looked for: so everything that was committed Age ago is told.
	Fresh bool
	Age   time.Duration
	// Further is closed when there is more.
	Further <-chan struct{}

	forgets int64
}

// Since returns what has been applied since a listener's cursor, which may be any text, and since what it was told before on this
// node, if anything. It takes no look at the database, so that nobody can cause one.
//
// A cursor holds a hash of the mark that was drawn at random with its revision. So a forged one, one of another history and one
// that is too old are all alike: their bearer is told to forget everything. One of another node, or from before a restart, is as
// good as any where this node knows its revision.
func (f *Feed) Since(cursor string, before *Heard) Heard {
	h := Heard{Fresh: f.Fresh(), Age: f.Age()}
	r := &f.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.further == nil {
		r.further = make(chan struct{})
	}
	h.Further, h.forgets = r.further, r.forgets
	at, known := r.find(cursor)
	if known && (before == nil || before.forgets == r.forgets) {
		h.Changes = append(h.Changes, r.changes[at:]...)
	} else {
		h.Reset = true
	}
	head := r.head()
	h.Cursor, h.Revision = head.cursor(), head.Revision
	return h
}

// head is the newest position of which listeners are told.
func (r *recent) head() Position {
	head := r.from
	if n := len(r.changes); n > 0 {
		head.Revision, head.Mark = r.changes[n-1].Revision, r.changes[n-1].Mark
	}
	return head
}

// find returns how many of the changes a cursor has behind it.
func (r *recent) find(cursor string) (at int, ok bool) {
	revision, ok := revisionOf(cursor)
	if !ok || !r.recovers || revision < r.from.Revision {
		return 0, false
	}
	p := r.from
	if revision > p.Revision {
		at = sort.Search(len(r.changes), func(i int) bool { return r.changes[i].Revision >= revision })
		if at == len(r.changes) || r.changes[at].Revision != revision {
			return 0, false
		}
		p.Revision, p.Mark = revision, r.changes[at].Mark
		at++
	}
	return at, p.Mark != 0 && subtle.ConstantTimeCompare([]byte(p.cursor()), []byte(cursor)) == 1
}

// add keeps a change that was applied: of everything, where its ID is zero, with the position that is known from then on.
func (r *recent) add(c Change, from Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.ID == uuid.Nil {
		r.from, r.changes, r.recovers = from, nil, true
		r.forgets++
	} else {
		if len(r.changes) == 2*recentKept {
			last := r.changes[recentKept-1]
			r.from.Revision, r.from.Mark = last.Revision, last.Mark
			r.changes = append(make([]Change, 0, 2*recentKept), r.changes[recentKept:]...)
		}
		r.changes = append(r.changes, c)
	}
	if r.further != nil {
		close(r.further)
	}
	r.further = make(chan struct{})
}

// cursorSize is the length of a cursor before it is text: a revision and half a hash.
const cursorSize = 8 + sha256.Size/2

// cursor returns the text that stands for a position.
func (p *Position) cursor() string {
	var all [16 + 3*8]byte
	copy(all[:], p.Instance[:])
	binary.BigEndian.PutUint64(all[16:], uint64(p.Epoch))    //nolint:gosec // G115: the same bits
	binary.BigEndian.PutUint64(all[24:], uint64(p.Revision)) //nolint:gosec // G115: the same bits
	binary.BigEndian.PutUint64(all[32:], uint64(p.Mark))     //nolint:gosec // G115: the same bits
	sum := sha256.Sum256(all[:])
	var text [cursorSize]byte
	copy(text[:8], all[24:32])
	copy(text[8:], sum[:])
	return base64.RawURLEncoding.EncodeToString(text[:])
}

// revisionOf returns the revision of which a cursor speaks.
func revisionOf(cursor string) (revision int64, ok bool) {
	if len(cursor) != base64.RawURLEncoding.EncodedLen(cursorSize) {
		return 0, false
	}
	all, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(all) != cursorSize {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(all)), true //nolint:gosec // G115: the same bits
}
