package account

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestGuessesAreForgotten makes a guess a second for hours, each at another name from another address, and right ones of
// one user from a hundred thousand addresses, and of as many users: what is kept stays bounded.
func TestGuessesAreForgotten(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := newGuesses(func() time.Time { return now })
	take := func(user bucket, i int) *attempt {
		t.Helper()
		now = now.Add(time.Second)
		a, err := g.take(user, addressOf(i))
		if err != nil {
			t.Fatalf("guess %d: %v", i, err)
		}
		return a
	}
	for i := range 20_000 {
		if err := take(userBucket(uuid.Nil, fmt.Sprint(i)), i).wrong(); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(g.spent); got > minSweep {
		t.Errorf("got %d buckets kept, want %d at most", got, minSweep)
	}
	user := userBucket(uuid.UUID{1}, "")
	for i := range 100_000 {
		take(user, i).right()
		take(userBucket(uuid.Nil, fmt.Sprint("user", i)), i).right()
	}
	if got := len(g.known); got > maxKnownUsers {
		t.Errorf("got %d known users, want %d at most", got, maxKnownUsers)
	}
	for user, addresses := range g.known {
		if len(addresses) > maxKnownAddresses {
			t.Errorf("got %d known addresses of %x, want %d at most", len(addresses), user, maxKnownAddresses)
		}
	}
	if len(g.underWay) > 0 {
		t.Errorf("got %d guesses under way, want none", len(g.underWay))
	}
}

// TestLatestAddressesStayKnown has one user log in from more addresses than are kept.
func TestLatestAddressesStayKnown(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := newGuesses(func() time.Time { return now })
	user := userBucket(uuid.UUID{1}, "")
	for i := range maxKnownAddresses + 5 {
		now = now.Add(time.Second)
		a, err := g.take(user, addressOf(i))
		if err != nil {
			t.Fatal(err)
		}
		a.right()
	}
	for i := range maxKnownAddresses + 5 {
		if _, known := g.known[user.user][addressOf(i)]; known != (i >= 5) {
			t.Errorf("address %d: got it known: %t, want the latest %d known", i, known, maxKnownAddresses)
		}
	}
}

// addressOf returns the n-th address, each of another customer.
func addressOf(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}
