package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// hashCheap is PBKDF2 of one round of "password": a test of bounds has no use for slow hashing. Each right guess betters
// it, which oneUser forgets.
const hashCheap = "$pbkdf2-sha256$1$c2FsdHNhbHQ$O+xIxXdlOv3CQzuTp9jujq55iV7ZO/Yn6XZ0x/Rfikw"

// guesser makes guesses at oneUser, by a clock of its own.
type guesser struct {
	*account.Accounts
	now       atomic.Int64       // seconds after noon
	exhausted func(id uuid.UUID) // what Exhausted calls
}

func newGuesser(t *testing.T) *guesser {
	t.Helper()
	g := new(guesser)
	now := func() time.Time { return noon.Add(time.Duration(g.now.Load()) * time.Second) }
	var err error
	g.Accounts, err = account.New(account.Config{
		Store: oneUser{hash: hashCheap}, Applied: nothing, Now: now, Random: newRandom(), PasswordSlots: 8,
		Exhausted: func(id uuid.UUID) {
			if g.exhausted != nil {
				g.exhausted(id)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// guess returns the reason why a password was refused, or "right". Where it was throttled, it says for how long.
func (g *guesser) guess(ctx context.Context, name, password, from string) string {
	address, _ := netip.ParseAddr(from)
	_, err := g.Prove(ctx, authority.Credential{Kind: authority.Password, Name: name, Text: secret.Text(password), From: address})
	return verdict(err)
}

func verdict(err error) string {
	ref, refused := errors.AsType[*authority.Refusal](err)
	switch {
	case err == nil:
		return "right"
	case refused && ref.RetryAfter > 0:
		return fmt.Sprint(ref.Reason, " ", ref.RetryAfter)
	case refused:
		return string(ref.Reason)
	}
	return err.Error()
}

// wrong makes wrong guesses, each another, and returns how many were looked at.
func (g *guesser) wrong(t *testing.T, n int, name, from string) (looked int) {
	t.Helper()
	for i := range n {
		if got := g.guess(t.Context(), name, fmt.Sprint("wrong", i), from); got == "wrong_password" || got == "unknown_user" {
			looked++
		}
	}
	return looked
}

const (
	home      = "192.0.2.1"
	elsewhere = "198.51.100.1"
)

// TestGuessesAtUser: ten at once are looked at, whoever has the name and nobody, then one a minute.
func TestGuessesAtUser(t *testing.T) {
	for _, name := range []string{"ann", "nobody"} {
		t.Run(name, func(t *testing.T) {
			g := newGuesser(t)
			if got := g.wrong(t, 200, name, home); got != 10 {
				t.Errorf("got %d of 200 guesses looked at, want 10", got)
			}
			if got := g.wrong(t, 200, name, elsewhere); got != 0 {
				t.Errorf("got %d looked at from elsewhere, want none", got)
			}
			for _, spelling := range []string{"ANN", "Ann", "ａnn"} {
				if got := g.guess(t.Context(), spelling, "password", elsewhere); name == "ann" && got != "throttled 1m0s" {
					t.Errorf("%s: got %s for the right password, want it throttled for a minute", spelling, got)
				}
			}
			g.now.Add(59)
			if got := g.guess(t.Context(), name, "x", home); got != "throttled 1s" {
				t.Errorf("after 59 seconds: got %s, want one more to wait", got)
			}
			g.now.Add(1)
			if got := g.wrong(t, 5, name, elsewhere); got != 1 {
				t.Errorf("after a minute: got %d looked at, want 1", got)
			}
			g.now.Add(3600)
			if got := g.wrong(t, 200, name, home); got != 10 {
				t.Errorf("after an hour: got %d looked at, want 10 and not more", got)
			}
			g.now.Add(-7200)
			if got := g.guess(t.Context(), name, "x", home); got != "throttled 1m0s" {
				t.Errorf("after the clock was set back: got %s, want no longer a wait than before", got)
			}
			g.now.Add(60)
			if got := g.wrong(t, 5, name, home); got != 1 {
				t.Errorf("a minute after that: got %d looked at, want 1, though the clock is behind still", got)
			}
		})
	}
}

// TestGuessesFromAddress: sixty at once are looked at from one customer's addresses, whatever the names.
func TestGuessesFromAddress(t *testing.T) {
	for what, address := range map[string]func(int) string{
		"one address":       func(int) string { return home },
		"its IPv6 form":     func(i int) string { return []string{home, "::ffff:" + home}[i%2] },
		"one network":       func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) },
		"no known address":  func(int) string { return "" },
		"many, and no more": func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i%2) },
	} {
		t.Run(what, func(t *testing.T) {
			g, looked := newGuesser(t), 0
			for i := range 130 {
				looked += g.wrong(t, 1, fmt.Sprint("guest", i), address(i))
			}
			want := 60
			if what == "many, and no more" {
				want = 120
			}
			if looked != want {
				t.Errorf("got %d of 130 guesses looked at, want %d", looked, want)
			}
			g.now.Add(10)
			if got := g.wrong(t, 1, "guest of one", address(0)) + g.wrong(t, 1, "guest of another", address(0)); got != 1 {
				t.Errorf("after ten seconds: got %d looked at, want 1", got)
			}
		})
	}
}

// TestRightGuessesAreFree gives the right password more often than wrong ones may come, one after the other and at once.
func TestRightGuessesAreFree(t *testing.T) {
	g := newGuesser(t)
	for range 30 {
		if got := g.guess(t.Context(), "ann", "password", home); got != "right" {
			t.Fatalf("got %s for the right password", got)
		}
	}
	if got := g.wrong(t, 200, "ann", elsewhere); got != 10 {
		t.Errorf("got %d wrong ones looked at after right ones, want 10", got)
	}
}

// TestGuessesAtBlocked gives the right password of a blocked user as often as it is looked at: it counts as wrong ones do,
// and nobody learns from the bounds that it is right.
func TestGuessesAtBlocked(t *testing.T) {
	for _, password := range []string{"password", "passwore"} {
		g, throttled := newGuesser(t), 0
		for range 30 {
			if got := g.guess(t.Context(), "guest blocked", password, home); got == "throttled 1m0s" {
				throttled++
			}
		}
		if throttled != 20 {
			t.Errorf("%s: got %d of 30 throttled, want 20", password, throttled)
		}
	}
}

// TestGuessesAtOnce makes two hundred guesses at the same time, which find no more room than one after the other.
func TestGuessesAtOnce(t *testing.T) {
	g := newGuesser(t)
	began := g.Hashed()
	var running sync.WaitGroup
	for i := range 200 {
		running.Go(func() { g.guess(t.Context(), "nobody", fmt.Sprint("wrong", i), home) })
	}
	running.Wait()
	if got := g.Hashed() - began; got == 0 || got > 10 { // fewer, where two were under way when the others came
		t.Errorf("got %d hashed, want some, and 10 at most", got)
	}
}

// TestBusyGuessesAreGivenBack has the queue full for twenty guesses: none was looked at, so ten still may be.
func TestBusyGuessesAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, open := new(guesser), &gate{newRandom(), make(chan struct{})}
		close(open.open)
		var err error
		if g.Accounts, err = account.New(account.Config{
			Store: oneUser{hash: hashCheap}, Applied: nothing, Now: time.Now, Random: open, PasswordSlots: 1,
		}); err != nil {
			t.Fatal(err)
		}
		open.open = make(chan struct{})
		var queued sync.WaitGroup
		queued.Go(func() { g.guess(t.Context(), "ann", "password", elsewhere) })
		synctest.Wait() // it hangs in its slot, for its imported hash is bettered
		for i := range 21 {
			queued.Go(func() { g.guess(t.Context(), fmt.Sprint("guest", i), "wrong", fmt.Sprintf("198.51.100.%d", i)) })
		}
		synctest.Wait()
		for i := range 20 {
			if got := g.guess(t.Context(), "guest", fmt.Sprint("wrong", i), home); !strings.HasPrefix(got, "checking a password: busy") {
				t.Fatalf("guess %d: got %s before a full queue", i, got)
			}
		}
		close(open.open)
		queued.Wait()
		if got := g.wrong(t, 30, "guest", home); got != 10 {
			t.Errorf("got %d looked at after twenty that weren't, want 10", got)
		}
	})
}

// TestKnownAddress: whoever gave the right password from an address isn't kept out by guesses from elsewhere, and has no
// more guesses of its own than anybody.
func TestKnownAddress(t *testing.T) {
	g := newGuesser(t)
	if got := g.guess(t.Context(), "ann", "password", "2001:db8::1"); got != "right" {
		t.Fatalf("got %s for the right password", got)
	}
	g.wrong(t, 200, "ann", elsewhere)
	if got := g.guess(t.Context(), "ann", "password", home); got != "throttled 1m0s" {
		t.Errorf("from a new address: got %s, want it throttled", got)
	}
	for range 20 {
		if got := g.guess(t.Context(), "ann", "password", "2001:db8::2"); got != "right" {
			t.Errorf("from the same network as before: got %s, want it right", got)
		}
	}
	before := g.Hashed()
	g.wrong(t, 200, "ann", "2001:db8::3")
	if got := g.Hashed() - before; got != 10 {
		t.Errorf("got %d wrong ones looked at from there, want 10", got)
	}
	if got := g.guess(t.Context(), "ann", "password", "2001:db8::1"); got != "throttled 1m0s" {
		t.Errorf("got %s there after ten wrong ones, want it throttled", got)
	}
	g.now.Add(30 * 24 * 3600)
	g.wrong(t, 200, "ann", elsewhere)
	if got := g.guess(t.Context(), "ann", "password", "2001:db8::1"); got != "throttled 1m0s" {
		t.Errorf("after a month: got %s, want it as anywhere else", got)
	}
}

// TestGuessesAtCurrent: changing a password asks for the current one, which is no other way to guess it.
func TestGuessesAtCurrent(t *testing.T) {
	g := newGuesser(t)
	if got := g.wrong(t, 4, "ann", home); got != 4 {
		t.Fatalf("got %d looked at, want 4", got)
	}
	actor, looked := audit.Actor{Address: home}, 0
	for i := range 200 {
		err := g.ChangePassword(t.Context(), annID, secret.Text(fmt.Sprint("guess", i)), password, actor)
		if fieldOf(err) == "current" {
			looked++
		} else if got := verdict(err); got != "throttled 1m0s" {
			t.Fatalf("got %v, want it throttled", err)
		}
	}
	if looked != 6 {
		t.Errorf("got %d of 200 looked at after 4, want 6", looked)
	}
}

// TestKnownAddressIsNotShown: while no guess from an address is looked at any more, or none at a user, a wrong guess by
// someone who is known there hears what everybody hears.
func TestKnownAddressIsNotShown(t *testing.T) {
	for what, spend := range map[string]func(g *guesser){
		"the address": func(g *guesser) {
			for i := range 70 {
				g.guess(t.Context(), fmt.Sprint("guest", i), "wrong", home)
			}
		},
		"the user": func(g *guesser) { g.wrong(t, 20, "ann", elsewhere) },
	} {
		g := newGuesser(t)
		if got := g.guess(t.Context(), "ann", "password", home); got != "right" {
			t.Fatalf("got %s for the right password", got)
		}
		if got := g.guess(t.Context(), "ann", "wrong", home); got != "wrong_password" {
			t.Errorf("%s: got %s before it is spent", what, got)
		}
		spend(g)
		before := g.Hashed()
		for i := range 9 {
			if got := g.guess(t.Context(), "ann", fmt.Sprint("wrong", i), home); !strings.HasPrefix(got, "throttled") {
				t.Errorf("%s: got %s for guess %d, want it throttled for all one can see", what, got, i)
			}
		}
		if got := g.Hashed() - before; got != 9 {
			t.Errorf("%s: got %d looked at, want 9 after one", what, got)
		}
		g.now.Add(60)
		if got := g.guess(t.Context(), "ann", "password", home); got != "right" {
			t.Errorf("%s: got %s for the right password a minute later", what, got)
		}
	}
}

// TestExhausted: whoever remembers a password hears that no more guesses at it are looked at from where it was right, once
// each time that it comes to that.
func TestExhausted(t *testing.T) {
	g, heard := newGuesser(t), 0
	g.exhausted = func(id uuid.UUID) {
		if id != annID {
			t.Errorf("heard of %s", id)
		}
		heard++
	}
	step := func(want int, what string) {
		t.Helper()
		if heard != want {
			t.Errorf("%s: heard %d times, want %d", what, heard, want)
		}
	}
	g.wrong(t, 30, "ann", elsewhere)
	step(0, "guesses from where it was never right")
	g.now.Add(3600)
	g.guess(t.Context(), "ann", "password", home)
	g.wrong(t, 9, "ann", home)
	step(0, "nine wrong ones")
	g.wrong(t, 30, "ann", home)
	step(1, "thirty more")
	g.now.Add(60)
	g.wrong(t, 30, "ann", home)
	step(2, "a minute later")
}

// TestTooLong: no longer password is looked at, at no door.
func TestTooLong(t *testing.T) {
	g := newGuesser(t)
	before := g.Hashed()
	if got := g.guess(t.Context(), "ann", strings.Repeat("x", 1025), home); got != "too_long" {
		t.Errorf("got %s", got)
	}
	if err := g.ChangePassword(t.Context(), annID, secret.Text(strings.Repeat("x", 1025)), password, audit.Actor{}); verdict(err) != "too_long" {
		t.Errorf("got %v for a current password", err)
	}
	if got := g.Hashed() - before; got != 0 {
		t.Errorf("got %d hashed, want none", got)
	}
	if got := g.guess(t.Context(), "ann", strings.Repeat("x", 1024), home); got != "wrong_password" {
		t.Errorf("got %s for one that is not too long", got)
	}
}

// TestFewUnderWay fills what one user and one address may have looked at at a time: others find room in the queue.
func TestFewUnderWay(t *testing.T) {
	for what, test := range map[string]struct {
		name, from func(i int) string
		room       int
	}{
		"a user":     {func(int) string { return "guest" }, func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }, 2},
		"an address": {func(i int) string { return fmt.Sprint("guest", i) }, func(int) string { return home }, 10},
	} {
		synctest.Test(t, func(t *testing.T) {
			g, open := new(guesser), &gate{newRandom(), make(chan struct{})}
			close(open.open)
			var err error
			if g.Accounts, err = account.New(account.Config{
				Store: oneUser{hash: hashCheap}, Applied: nothing, Now: time.Now, Random: open, PasswordSlots: 1,
			}); err != nil {
				t.Fatal(err)
			}
			open.open = make(chan struct{})
			var running sync.WaitGroup
			running.Go(func() { g.guess(t.Context(), "ann", "password", elsewhere) })
			synctest.Wait() // the only slot hangs
			refused := make(chan string, 20)
			for i := range 20 {
				running.Go(func() {
					if got := g.guess(t.Context(), test.name(i), fmt.Sprint("wrong", i), test.from(i)); strings.HasPrefix(got, "checking a password beside others") {
						refused <- got
					}
				})
			}
			synctest.Wait()
			if got := 20 - len(refused); got != test.room {
				t.Errorf("%s: got %d guesses waiting, want %d", what, got, test.room)
			}
			close(open.open)
			running.Wait()
			if got := g.guess(t.Context(), test.name(0), "wrong again", test.from(0)); got != "wrong_password" {
				t.Errorf("%s: got %s when all were looked at", what, got)
			}
		})
	}
}

// TestOneChangeAtATime: of changes of one password at once, one is made, and the others are told to wait.
func TestOneChangeAtATime(t *testing.T) {
	d := newDesk(t)
	u := d.create(t, account.Draft{Username: "alice", Password: password})
	errs := make(chan error, 20)
	for i := range cap(errs) {
		go func() {
			errs <- d.ChangePassword(t.Context(), u.ID, password, secret.Text(fmt.Sprint("another password ", i)), root)
		}()
	}
	made := 0
	for range cap(errs) {
		switch err := <-errs; {
		case err == nil:
			made++
		case errors.Is(err, authority.ErrBusy), fieldOf(err) == "current":
		default:
			t.Errorf("got %v", err)
		}
	}
	if made != 1 {
		t.Errorf("got %d changes made, want 1", made)
	}
}

// TestKnownAddressAfterRestart has everybody kept out by guesses when Jeton starts anew: whoever logged in from an address
// before still does from there, and from nowhere else, until an administrator resets the password.
func TestKnownAddressAfterRestart(t *testing.T) {
	d := newDesk(t)
	u := d.create(t, account.Draft{Username: "alice", PasswordHash: argon2Hash})
	start := func() *guesser {
		a, err := account.New(account.Config{
			Store: d.store, Applied: nothing, Now: func() time.Time { return d.now }, Random: newRandom(), PasswordSlots: 2,
		})
		if err != nil {
			t.Fatal(err)
		}
		return &guesser{Accounts: a}
	}
	const right = "password"
	if got := start().guess(t.Context(), "alice", right, "2001:db8::1"); got != "right" {
		t.Fatalf("got %s", got)
	}
	anew := start()
	anew.wrong(t, 20, "alice", elsewhere)
	if got := anew.guess(t.Context(), "alice", right, home); got != "throttled 1m0s" {
		t.Errorf("from an address that was never known: got %s", got)
	}
	if got := anew.guess(t.Context(), "alice", right, "2001:db8::2"); got != "right" {
		t.Errorf("from the network of before: got %s", got)
	}

	// That it is recalled from the database makes it known no longer than it was.
	d.now = d.now.Add(30*24*time.Hour - time.Second)
	idle := start()
	if got := idle.guess(t.Context(), "alice", "wrong", "2001:db8::1"); got != "wrong_password" {
		t.Errorf("a wrong one almost a month later: got %s", got)
	}
	d.now = d.now.Add(25 * time.Hour)
	idle.wrong(t, 20, "alice", elsewhere)
	if got := idle.guess(t.Context(), "alice", right, "2001:db8::1"); got != "throttled 1m0s" {
		t.Errorf("a month and a day later: got %s", got)
	}

	d.now = d.now.Add(-25 * time.Hour)
	again := start()
	again.wrong(t, 20, "alice", elsewhere)
	if got := again.guess(t.Context(), "alice", right, "2001:db8::1"); got != "right" {
		t.Errorf("almost a month later: got %s", got)
	}
	d.update(t, u.ID, account.Patch{Password: new(secret.Text("a new password"))})
	last := start()
	last.wrong(t, 20, "alice", elsewhere)
	if got := last.guess(t.Context(), "alice", "a new password", "2001:db8::1"); got != "throttled 1m0s" {
		t.Errorf("after a reset: got %s", got)
	}
}

// TestUpgradedOnce has many come at once with the right password of an imported hash: it is bettered once.
func TestUpgradedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := &gate{newRandom(), make(chan struct{})}
		close(open.open)
		a, err := account.New(account.Config{Store: oneUser{hash: hashCheap}, Applied: nothing, Now: time.Now, Random: open, PasswordSlots: 4})
		if err != nil {
			t.Fatal(err)
		}
		open.open = make(chan struct{})
		began := a.Hashed()
		g := &guesser{Accounts: a}
		var running sync.WaitGroup
		for range 50 {
			running.Go(func() {
				if got := g.guess(t.Context(), "ann", "password", home); got != "right" {
					t.Errorf("got %s", got)
				}
			})
		}
		synctest.Wait()              // the upgrade hangs at the gate
		hashed := a.Hashed() - began // the checks, of which as many as came at once are one, and an upgrade
		close(open.open)
		running.Wait()
		if got := a.Hashed() - began; got != hashed {
			t.Errorf("got %d hashed in the end after %d: others waited to better the same hash", got, hashed)
		}
	})
}
