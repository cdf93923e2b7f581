package client

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/policy"
)

// remembered holds the credentials that Jeton has found good, by the SHA-256 of their bytes and never by their text, and forgets
// exactly those that the feed tells of.
//
// It is a cache of fixed size, of sets of eight places: a reader looks at eight pointers, takes no lock and allocates nothing. A
// credential rests on its record and on its user. What was taken away is marked dead there, once, however many credentials rest on
// it. Writers (what Jeton answered, what the feed tells) share a lock.
type remembered struct {
	size    int // sets; a power of two
	current atomic.Pointer[places]

	mu      sync.Mutex
	grounds map[recordID]*ground
	vouched map[string]bool // the kids of tokens that Jeton has found good since everything was last forgotten
	forgets int64           // how often that was
	floor   int64           // the revision of the feed that is heard of since
	recent  [recentEvents]told
	events  int // so many were told since
	next    int // the place to give up where all of a set are taken
}

// recentEvents is how many events an answer can be compared with that was under way meanwhile.
const recentEvents = 1024

// setSize is how many places a set has: one cache line of pointers.
const setSize = 8

// places are the sets. They are thrown away whole when everything is forgotten.
type places []set

type set [setSize]atomic.Pointer[known]

// recordID is the ID of a record.
type recordID [16]byte

// told is an event of the feed.
type told struct {
	revision int64
	id       recordID
}

// ground is a record on which credentials rest.
type ground struct {
	dead atomic.Bool
	id   recordID
	refs int // credentials that rest on it, under the lock
	// parent is what access tokens have in common that are got for the credential; nil for a user, and where Jeton has said nothing of one.
	parent *parent
}

// parent is what is known of a credential for which access tokens are got.
type parent struct {
	user      *ground
	principal api.Principal
	since     int64 // seconds since 1970 by Jeton's clock when it was so
}

// known is a credential that was found good. It never changes.
type known struct {
	sum        [sha256.Size]byte
	record     *ground
	user       *ground
	until      int64 // microseconds since 1970; math.MaxInt64 for never
	service    string
	narrowed   bool // to scopes, which may be none
	raw        bool // an API token that wasn't exchanged
	subject    policy.Subject
	principal  api.Principal
	rememberAs *parent // where it is an access token
}

// never is the end of what has none.
const never = int64(math.MaxInt64)

func newRemembered(size int) *remembered {
	m := &remembered{size: 1}
	for m.size*setSize < size {
		m.size *= 2
	}
	m.clear()
	return m
}

// recall returns what is known of a token at a time, in microseconds; nil where that is nothing, or holds no more.
func (m *remembered) recall(token string, now int64) *known {
	sum := sumOf(token)
	s := m.set(&sum)
	for i := range s {
		if k := s[i].Load(); k != nil && k.sum == sum {
			if k.record.dead.Load() || k.user.dead.Load() || now >= k.until {
				return nil
			}
			return k
		}
	}
	return nil
}

// sumOf hashes a token without copying it.
func sumOf(token string) [sha256.Size]byte {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token))) //nolint:gosec // G103: it is only read
}

func (m *remembered) set(sum *[sha256.Size]byte) *set {
	all := *m.current.Load()
	return &all[binary.LittleEndian.Uint64(sum[:])&uint64(len(all)-1)] //nolint:gosec // G115: it isn't negative
}

// asOf returns what keep is told of an answer that is asked for now.
func (m *remembered) asOf() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.forgets
}

// answered is an answer of Jeton's about a credential.
type answered struct {
	record, user recordID
	forgets      int64  // how often everything had been forgotten when it was asked for
	revision     int64  // up to which the node that answered had heard the feed, at least
	kid          string // of the key that has signed the credential; empty for none
}

// keep remembers a credential by an answer, unless what that says may be from before something that the feed has told: then it is
// good for the one call.
func (m *remembered) keep(k *known, a answered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.forgets != m.forgets || m.touchedSince(a.revision, a.user, a.record) {
		return
	}
	k.record, k.user = m.ground(a.record), m.ground(a.user)
	if k.rememberAs != nil && k.record.parent == nil { // else what is known is older, and still so
		k.rememberAs.user, k.record.parent = k.user, k.rememberAs
	}
	if a.kid != "" {
		m.vouched[a.kid] = true
	}
	m.place(k)
}

// keepSigned remembers an access token that was checked here, if what it rests on is as it was then.
func (m *remembered) keepSigned(k *known, p *parent) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := k.record
	if g.dead.Load() || p.user.dead.Load() || g.parent != p || m.grounds[g.id] != g || m.grounds[p.user.id] != p.user {
		return false
	}
	g.refs++
	p.user.refs++
	k.user = p.user
	m.place(k)
	return true
}

// place gives a credential a place in its set: a free one, one whose credential holds no more, or any.
func (m *remembered) place(k *known) {
	s := m.set(&k.sum)
	at := -1
	for i := range s {
		old := s[i].Load()
		if old != nil && old.sum == k.sum {
			at = i
			break
		}
		if at < 0 && (old == nil || old.record.dead.Load() || old.user.dead.Load()) {
			at = i
		}
	}
	if at < 0 {
		m.next++
		at = m.next % setSize
	}
	if old := s[at].Swap(k); old != nil {
		m.release(old.record)
		m.release(old.user)
	}
}

// ground returns the ground of a record, for one more credential to rest on.
func (m *remembered) ground(id recordID) *ground {
	g := m.grounds[id]
	if g == nil {
		g = &ground{id: id}
		m.grounds[id] = g
	}
	g.refs++
	return g
}

func (m *remembered) release(g *ground) {
	if g.refs--; g.refs == 0 && m.grounds[g.id] == g {
		delete(m.grounds, g.id)
	}
}

// parentOf returns the ground and the parent of access tokens that are got for a credential and signed by a key; nil where Jeton
// hasn't told of either.
func (m *remembered) parentOf(record recordID, kid string) (*ground, *parent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.grounds[record]
	if g == nil || g.parent == nil || !m.vouched[kid] {
		return nil, nil
	}
	return g, g.parent
}

// forget drops what rests on a record of which the feed has told, up to a revision.
func (m *remembered) forget(id recordID, revision int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recent[m.events%recentEvents] = told{revision, id}
	m.events++
	if g := m.grounds[id]; g != nil {
		g.dead.Store(true)
		delete(m.grounds, id)
	}
}

// forgetAll drops everything: from a revision on the feed is heard anew.
func (m *remembered) forgetAll(revision int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
	m.forgets++
	m.floor, m.events = revision, 0
}

func (m *remembered) clear() {
	all := make(places, m.size)
	m.current.Store(&all)
	m.grounds, m.vouched = map[recordID]*ground{}, map[string]bool{}
}

// touchedSince reports whether an event that was told of a later revision touches one of the records, or might.
func (m *remembered) touchedSince(revision int64, ids ...recordID) bool {
	if revision < m.floor {
		return true
	}
	if m.events > recentEvents && m.recent[m.events%recentEvents].revision > revision { // and maybe another before it
		return true
	}
	for _, e := range m.recent[:min(m.events, recentEvents)] {
		for _, id := range ids {
			if e.revision > revision && e.id == id {
				return true
			}
		}
	}
	return false
}

// parseID reads an ID in its canonical text (RFC 9562): any other spelling is none that Jeton has written.
func parseID(text string) (id recordID, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	for _, c := range []byte(digits) {
		if c >= 'A' && c <= 'F' {
			return id, false
		}
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil
}
