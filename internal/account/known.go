package account

import (
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
)

// seen is when a right password came from an address.
type seen struct {
	last  time.Time
	noted time.Time // when it was last to be noted in the database
}

// knows reports whether a right password of the user came from an address. The caller holds the lock.
func (g *guesses) knows(user bucket, from netip.Addr, now time.Time) bool {
	s, known := g.known[user.user][from]
	return known && now.Sub(s.last) < knownFor
}

// learn takes note of an address, in the place of those of longest ago. The caller holds the lock.
func (g *guesses) learn(user bucket, from netip.Addr, s seen) {
	addresses := g.known[user.user]
	if addresses == nil {
		if len(g.known) >= maxKnownUsers {
			for any := range g.known {
				delete(g.known, any)
				break
			}
		}
		addresses = make(map[netip.Addr]seen)
		g.known[user.user] = addresses
	}
	addresses[from] = s
	if len(addresses) > maxKnownAddresses {
		delete(addresses, oldest(addresses))
	}
}

// recall has what the database knows of an address known here, too. It is asked alike for users and for names that nobody
// has, and only about what isn't known yet.
func (g *guesses) recall(user bucket, from netip.Addr, ask func(userID uuid.UUID, address string, since time.Time) (bool, error)) {
	from = audit.Customer(from)
	g.mu.Lock()
	now := g.now()
	known := g.knows(user, from, now)
	g.mu.Unlock()
	if known {
		return
	}
	// Where the database can't tell, the general bounds hold.
	if known, err := ask(user.user, addressText(from), now.Add(-knownFor)); err != nil || !known {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	// For a day: then the database is asked again, which knows when it was. The next right one is noted anew.
	g.learn(user, from, seen{last: now.Add(notedFor - knownFor), noted: now.Add(-notedFor)})
}

// forget forgets from where a user's password came.
func (g *guesses) forget(id uuid.UUID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.known, id)
}

// addressText returns an address as it is stored, where none is known as well.
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return "unknown"
	}
	return a.String()
}

// oldest returns the address of longest ago.
func oldest(addresses map[netip.Addr]seen) (found netip.Addr) {
	first := time.Time{}
	for address, s := range addresses {
		if first.IsZero() || s.last.Before(first) {
			found, first = address, s.last
		}
	}
	return found
}
