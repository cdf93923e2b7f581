package account

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

// guesses bounds how many wrong passwords are looked at: for each user, whatever the door and the address, and for each
// address, whatever the user. Who is over the bound is refused before anything is hashed, right or wrong, and told when to
// come back. There is no lock that somebody would have to open again.
//
//	bound           at once   then one more each   under way
//	for a user         10        minute                2
//	for an address     60        ten seconds          10
//
// So of any number of guesses at one password, ten are looked at and 1,440 a day after (NIST SP 800-63B-4, section 3.2.2,
// wants 100 at most in a row), and whoever tries one password on many users gets through 60 of them. A right password
// costs nothing, however often it comes: an attempt is taken off before it is looked at, lest a hundred at once all find
// room, and given back if it was right. That there are few under way keeps one account, whose owner may have as many right
// guesses as it likes, from taking every slot.
//
// A user under attack would have no room left to log in. So whoever has given the right password from an address has a
// bound of its own there, which guesses from elsewhere don't touch. (A password that was still remembered makes no address
// known: it never comes here.) An attacker behind the same address has that bound, too: ten more. It should not show who is
// known where: while the general bounds are spent, a wrong guess there is answered as any other is. By its time it can be
// told, since it is looked at: an attacker at an address can find out who else logs in there, and no more.
//
// Where right passwords came from is in the database, too, so that a restart in the middle of an attack keeps nobody out.
// All else is in this process's memory. That can't be filled: an entry stands for a wrong password that was hashed
// within the last minutes, and hashing is slow. What it doesn't stop is one guess at each of very many users from very many
// addresses.
type guesses struct {
	now func() time.Time

	mu       sync.Mutex
	spent    map[bucket]time.Time             // when its bound will be whole again
	underWay map[bucket]int                   // guesses being looked at, of a user and of an address
	known    map[[16]byte]map[netip.Addr]seen // of a user: addresses with a right password
	sweep    int                              // the size of spent at which it is swept
}

// bucket is what one bound is for: a user, an address, or a user at an address.
type bucket struct {
	user [16]byte // the ID or, of nobody's name, half its hash; zero for any
	from netip.Addr
}

// bound is a bound in the form of the generic cell rate algorithm: most attempts at once, then one more each period.
type bound struct {
	most  int
	every time.Duration
}

// boundOf returns the bound of a bucket: an address's, or a user's, at one address or anywhere.
func boundOf(b bucket) bound {
	if b.user == [16]byte{} {
		return bound{60, 10 * time.Second}
	}
	return bound{10, time.Minute}
}

const (
	knownFor          = 30 * 24 * time.Hour
	maxKnownAddresses = 32      // of a user: the one that was longest ago is forgotten
	maxKnownUsers     = 1 << 16 // any one is forgotten
	notedFor          = 24 * time.Hour
	minSweep          = 1 << 10

	maxUnderWayUser    = 2
	maxUnderWayAddress = 10
)

func newGuesses(now func() time.Time) *guesses {
	return &guesses{
		now: now, spent: map[bucket]time.Time{}, underWay: map[bucket]int{}, known: map[[16]byte]map[netip.Addr]seen{}, sweep: minSweep,
	}
}

// userBucket is the bucket of a user or, where nobody has the name, of the name: an attacker shall not learn from the
// bounds which of the two it is. Every name of a user comes to the same.
func userBucket(id uuid.UUID, key string) bucket {
	if id == uuid.Nil {
		sum := sha256.Sum256([]byte(key))
		copy(id[:], sum[:])
	}
	return bucket{user: id}
}

// attempt is one guess that was let through. It ends by undo, right or wrong.
type attempt struct {
	g          *guesses
	user, from bucket
	taken      []bucket      // what it was taken off
	last       bool          // there is no room for another at this known address
	masked     time.Duration // how long the general bounds are spent, which a known address doesn't mind
}

// take lets a guess through. It returns a *authority.Refusal with the time after which there is room again, or ErrBusy
// where too many are under way.
func (g *guesses) take(user bucket, from netip.Addr) (*attempt, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	a := &attempt{g: g, user: user, from: bucket{from: audit.Customer(from)}}
	pair := bucket{user.user, a.from.from}
	known := g.knows(user, a.from.from, now)
	general := max(g.wait(a.user, now), g.wait(a.from, now))
	if known {
		a.taken, a.masked = []bucket{pair}, max(general, 0)
	} else {
		a.taken = []bucket{a.user, a.from}
	}
	for _, b := range a.taken {
		if wait := g.wait(b, now); wait > 0 {
			return nil, throttled(wait)
		}
	}
	if g.underWay[a.user] >= maxUnderWayUser || g.underWay[a.from] >= maxUnderWayAddress {
		return nil, fmt.Errorf("checking a password beside others: %w", authority.ErrBusy)
	}
	for _, b := range a.taken {
		g.add(b, now, boundOf(b).every)
	}
	g.underWay[a.user]++
	g.underWay[a.from]++
	a.last = known && g.wait(pair, now) > 0
	g.sweepOut(now)
	return a, nil
}

func throttled(wait time.Duration) error {
	return &authority.Refusal{Reason: authority.ReasonThrottled, RetryAfter: wait}
}

// debt returns how long it takes until a bucket is whole again: never longer than if it were empty. Where a clock that
// was set back says so, it is empty as of now, lest it be so for as long as the clock is behind. The caller holds the lock.
func (g *guesses) debt(b bucket, now time.Time) time.Duration {
	whole, spent := g.spent[b]
	if !spent {
		return 0
	}
	limit := boundOf(b)
	debt, empty := max(whole.Sub(now), 0), time.Duration(limit.most)*limit.every
	if debt > empty {
		debt = empty
		g.spent[b] = now.Add(empty)
	}
	return debt
}

// wait returns how long there is no room in a bucket yet. The caller holds the lock.
func (g *guesses) wait(b bucket, now time.Time) time.Duration {
	limit := boundOf(b)
	return g.debt(b, now) - time.Duration(limit.most-1)*limit.every
}

// add takes time off a bucket, or gives some back. The caller holds the lock.
func (g *guesses) add(b bucket, now time.Time, period time.Duration) {
	if debt := g.debt(b, now) + period; debt > 0 {
		g.spent[b] = now.Add(debt)
	} else {
		delete(g.spent, b)
	}
}

// sweepOut drops buckets that are whole again. It looks at all of them each time they have doubled. The caller holds the
// lock.
func (g *guesses) sweepOut(now time.Time) {
	if len(g.spent) < g.sweep {
		return
	}
	for b, whole := range g.spent {
		if !whole.After(now) {
			delete(g.spent, b)
		}
	}
	g.sweep = max(2*len(g.spent), minSweep)
}

// undo gives the guess back: nothing was looked at.
func (a *attempt) undo() {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	a.land()
	a.giveBack(a.g.now())
}

// right gives the guess back, for it was right, and remembers where it came from. It reports whether that should be noted
// in the database, which is once a day.
func (a *attempt) right() (note bool) {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	a.land()
	now := a.g.now()
	a.giveBack(now)
	noted := a.g.known[a.user.user][a.from.from].noted
	if note = noted.IsZero() || now.Sub(noted) >= notedFor; note {
		noted = now
	}
	a.g.learn(a.user, a.from.from, seen{now, noted})
	return note
}

// wrong ends a guess that was wrong. The error is a *authority.Refusal where the guess must look as one that wasn't looked
// at.
func (a *attempt) wrong() error {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	a.land()
	if a.masked > 0 {
		return throttled(a.masked)
	}
	return nil
}

// land takes the guess off those under way. The caller holds the lock.
func (a *attempt) land() {
	for _, b := range []bucket{a.user, a.from} {
		if a.g.underWay[b]--; a.g.underWay[b] <= 0 {
			delete(a.g.underWay, b)
		}
	}
}

// giveBack puts back what was taken. The caller holds the lock.
func (a *attempt) giveBack(now time.Time) {
	for _, b := range a.taken {
		a.g.add(b, now, -boundOf(b).every)
	}
}
