package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
)

// signingKey returns the n-th made-up signing key for API tokens, which is an hour younger than the one before.
func signingKey(n int) keyring.WrappedSigningKey {
	return keyring.WrappedSigningKey{
		ID: fmt.Sprintf("%022d", n), Purpose: keyring.ForAPITokens, Algorithm: jose.RS256, Wrapped: fmt.Append([]byte{0, 255}, n),
		CreatedAt: start().Add(time.Duration(n) * time.Hour),
	}
}

// addSigningKey returns the storing of a key in place of a former, to be run, and its event, of the key's own time.
func addSigningKey(t *testing.T, s Store, key keyring.WrappedSigningKey, former string) (audit.Event, func() error) {
	ev := event(audit.SigningKeyRotate, newID(), key.CreatedAt)
	return ev, func() error { return s.AddSigningKey(t.Context(), key, former, ev) }
}

// firstSigningKey stores a first key for API tokens.
func firstSigningKey(t *testing.T, s Store) keyring.WrappedSigningKey {
	t.Helper()
	_, run := addSigningKey(t, s, signingKey(0), "")
	must(t, run())
	return signingKey(0)
}

// retiredSigningKey stores a first key for API tokens and another in its place, and returns both.
func retiredSigningKey(t *testing.T, s Store) (retired, active keyring.WrappedSigningKey) {
	t.Helper()
	retired, active = firstSigningKey(t, s), signingKey(1)
	_, run := addSigningKey(t, s, active, retired.ID)
	must(t, run())
	retired.RetiredAt = active.CreatedAt
	return retired, active
}

// revokeSigningKey returns the revocation of a key at a time, to be run, and its event.
func revokeSigningKey(t *testing.T, s Store, kid string, successor keyring.WrappedSigningKey, at time.Time) (audit.Event, func() error) {
	ev := event(audit.SigningKeyRevoke, newID(), at)
	return ev, func() error { return s.RevokeSigningKey(t.Context(), kid, successor, ev) }
}

// checkSigningKeys makes sure that these are all signing keys, the newest first.
func checkSigningKeys(t *testing.T, s Store, want ...keyring.WrappedSigningKey) {
	t.Helper()
	got, err := s.SigningKeys(t.Context())
	must(t, err)
	same(t, got, want)
}

// doesToKey runs a change of a signing key that must succeed, with its event and one row of the feed of that kind.
func doesToKey(t *testing.T, s Store, kind feed.Kind, ev audit.Event, change func() error) {
	t.Helper()
	before := readLog(t, s)
	must(t, change())
	after := readLog(t, s)
	if got := after.events[len(before.events):]; len(got) != 1 || got[0].ID != ev.ID {
		t.Errorf("got events %+v, want %s alone", got, ev.ID)
	}
	// Zero would mean every record; which ID stands for a key is the store's affair.
	got := after.changes[len(before.changes):]
	if len(got) != 1 || got[0].Kind != kind || got[0].ID == [16]byte{} || after.head != before.head+1 {
		t.Errorf("got changes %+v and revision %d after %d, want one of kind %s", got, after.head, before.head, kind)
	}
}

func testCreateSigningKey(t *testing.T, s Store) {
	checkSigningKeys(t, s)
	first, other := signingKey(0), signingKey(1)
	other.Purpose, other.Algorithm = keyring.ForAccessTokens, jose.EdDSA
	for _, key := range []keyring.WrappedSigningKey{first, other} { // each purpose has an active key of its own
		ev, run := addSigningKey(t, s, key, "")
		doesToKey(t, s, feed.SigningKey, ev, run)
	}
	checkSigningKeys(t, s, other, first)
	for kid, want := range map[string]bool{first.ID: true, other.ID: true, signingKey(2).ID: false, "": false} {
		got, err := s.HasSigningKey(t.Context(), kid)
		must(t, err)
		if got != want {
			t.Errorf("got %q there: %t, want %t", kid, got, want)
		}
	}
	got, err := s.SigningKeys(t.Context())
	must(t, err)
	if at := got[0].CreatedAt; at.Location() != time.UTC {
		t.Errorf("got a time in %v, want UTC whatever the machine's zone", at.Location())
	}
}

func testRotateSigningKey(t *testing.T, s Store) {
	other := signingKey(9)
	other.Purpose = keyring.ForAccessTokens
	_, run := addSigningKey(t, s, other, "")
	must(t, run())
	first, second, third := firstSigningKey(t, s), signingKey(1), signingKey(2)
	second.Algorithm = jose.ES256
	ev, run := addSigningKey(t, s, second, first.ID)
	doesToKey(t, s, feed.SigningKey, ev, run)
	first.RetiredAt = second.CreatedAt
	checkSigningKeys(t, s, other, second, first)
	ev, run = addSigningKey(t, s, third, second.ID)
	doesToKey(t, s, feed.SigningKey, ev, run)
	second.RetiredAt = third.CreatedAt // and the first stays retired since when it was
	checkSigningKeys(t, s, other, third, second, first)
}

// testRotateStale rotates keys that are not, or no longer, the active one of the purpose.
func testRotateStale(t *testing.T, s Store) {
	_, run := addSigningKey(t, s, signingKey(5), signingKey(0).ID)
	refuses(t, s, authority.ErrStale, run) // there is none yet
	checkSigningKeys(t, s)

	retired, active := retiredSigningKey(t, s)
	other := signingKey(4)
	other.Purpose = keyring.ForAccessTokens
	_, run = addSigningKey(t, s, other, active.ID) // would leave the other purpose without a key
	refuses(t, s, authority.ErrStale, run)
	checkSigningKeys(t, s, active, retired)
	_, run = addSigningKey(t, s, other, "")
	must(t, run())
	for _, former := range []string{"", retired.ID, other.ID, signingKey(8).ID} {
		_, run := addSigningKey(t, s, signingKey(5), former)
		refuses(t, s, authority.ErrStale, run)
	}
	checkSigningKeys(t, s, other, active, retired)
	_, run = addSigningKey(t, s, signingKey(5), active.ID) // the twin
	must(t, run())
}

// testSigningKeyConflicts adds keys under a kid that another has or had, which no honest source of randomness gives twice.
func testSigningKeyConflicts(t *testing.T, s Store) {
	retired, active := retiredSigningKey(t, s)
	_, run := revokeSigningKey(t, s, retired.ID, keyring.WrappedSigningKey{}, start())
	must(t, run())
	retired.RevokedAt, retired.Wrapped = start(), nil
	for _, kid := range []string{active.ID, retired.ID} {
		again := signingKey(5)
		again.ID = kid
		_, run := addSigningKey(t, s, again, active.ID)
		refuses(t, s, authority.ErrConflict, run)
		_, run = revokeSigningKey(t, s, active.ID, again, start())
		refuses(t, s, authority.ErrConflict, run)
	}
	checkSigningKeys(t, s, active, retired)
}

func testRevokeActive(t *testing.T, s Store) {
	retired, active := retiredSigningKey(t, s)
	successor, at := signingKey(2), start().Add(3*time.Hour)
	for name, wrong := range map[string]keyring.WrappedSigningKey{
		"none": {}, "one of another purpose": {ID: successor.ID, Purpose: keyring.ForAccessTokens, Algorithm: jose.RS256, Wrapped: []byte{1}},
	} {
		t.Run(name, func(t *testing.T) {
			_, run := revokeSigningKey(t, s, active.ID, wrong, at)
			refuses(t, s, authority.ErrStale, run)
		})
	}
	checkSigningKeys(t, s, active, retired)
	ev, run := revokeSigningKey(t, s, active.ID, successor, at)
	doesToKey(t, s, feed.RevokedKey, ev, run)
	active.RevokedAt, active.Wrapped = at, nil
	checkSigningKeys(t, s, successor, active, retired)
}

func testRevokeRetired(t *testing.T, s Store) {
	retired, active := retiredSigningKey(t, s)
	at := start().Add(3 * time.Hour)
	_, run := revokeSigningKey(t, s, retired.ID, signingKey(2), at)
	refuses(t, s, authority.ErrStale, run) // a successor would be a second active key
	checkSigningKeys(t, s, active, retired)
	ev, run := revokeSigningKey(t, s, retired.ID, keyring.WrappedSigningKey{}, at)
	doesToKey(t, s, feed.RevokedKey, ev, run)
	retired.RevokedAt, retired.Wrapped = at, nil
	checkSigningKeys(t, s, active, retired)
}

func testRevokeNone(t *testing.T, s Store) {
	retired, active := retiredSigningKey(t, s)
	_, run := revokeSigningKey(t, s, retired.ID, keyring.WrappedSigningKey{}, start())
	must(t, run())
	retired.RevokedAt, retired.Wrapped = start(), nil
	for _, kid := range []string{retired.ID, signingKey(8).ID, "", "' OR 1=1"} {
		for _, successor := range []keyring.WrappedSigningKey{{}, signingKey(2)} {
			_, run := revokeSigningKey(t, s, kid, successor, start().Add(time.Hour))
			refuses(t, s, authority.ErrNotFound, run)
		}
	}
	checkSigningKeys(t, s, active, retired) // revoked when it was, and nothing more
}

// testSigningKeyActor has keys changed by somebody who was changed meanwhile.
func testSigningKeyActor(t *testing.T, s Store) {
	active, actor := firstSigningKey(t, s), born(t, s, person("actor"), "hash")
	asOf := readLog(t, s).head
	must(t, s.ResetPassword(t.Context(), actor.ID, "new", ofJeton(audit.UserPasswordReset, actor.ID)))
	ev := event(audit.SigningKeyRotate, newID(), start())
	ev.Actor.UserID, ev.Actor.AsOf = actor.ID, asOf
	refuses(t, s, authority.ErrActorChanged, func() error { return s.AddSigningKey(t.Context(), signingKey(1), active.ID, ev) })
	refuses(t, s, authority.ErrActorChanged, func() error { return s.RevokeSigningKey(t.Context(), active.ID, signingKey(1), ev) })
	checkSigningKeys(t, s, active)
	ev.Actor.AsOf++ // the twin: known after the change
	must(t, s.RevokeSigningKey(t.Context(), active.ID, signingKey(1), ev))
}

func isActive(k keyring.WrappedSigningKey) bool { return k.RetiredAt.IsZero() && k.RevokedAt.IsZero() }

// states counts the active, retired and revoked signing keys.
func states(t *testing.T, s Store) (active, retired, revoked int) {
	t.Helper()
	keys, err := s.SigningKeys(t.Context())
	must(t, err)
	for _, k := range keys {
		switch {
		case isActive(k):
			active++
		case k.RevokedAt.IsZero():
			retired++
		default:
			revoked++
		}
	}
	return active, retired, revoked
}

// testRaceSigningKeys has fifty callers rotate at once, each again and again from the key that it finds active, until it
// has. Whatever the order, one key is active in the end, and each rotation retired the one before.
func testRaceSigningKeys(t *testing.T, s Store) {
	const rotations = 50
	firstSigningKey(t, s)
	before := readLog(t, s)
	for i, err := range together(rotations, func(i int) error {
		for {
			keys, err := s.SigningKeys(t.Context())
			if err != nil {
				return err
			}
			_, run := addSigningKey(t, s, signingKey(i+1), keys[slices.IndexFunc(keys, isActive)].ID)
			if err := run(); !errors.Is(err, authority.ErrStale) {
				return err
			}
		}
	}) {
		if err != nil {
			t.Errorf("rotation %d: %v", i, err)
		}
	}
	if active, retired, revoked := states(t, s); active != 1 || retired != rotations || revoked != 0 {
		t.Errorf("got %d active, %d retired and %d revoked keys, want 1, %d and none", active, retired, revoked, rotations)
	}
	after := readLog(t, s)
	if events, changes := len(after.events)-len(before.events), after.head-before.head; events != rotations || changes != rotations {
		t.Errorf("got %d events and %d changes, want %d of each", events, changes, rotations)
	}
	// All from one key: one wins.
	keys, err := s.SigningKeys(t.Context())
	must(t, err)
	last := keys[slices.IndexFunc(keys, isActive)]
	oneWins(t, together(rotations, func(i int) error {
		_, run := addSigningKey(t, s, signingKey(100+i), last.ID)
		return run()
	}), authority.ErrStale)
}

func testRaceFirstSigningKeys(t *testing.T, s Store) {
	oneWins(t, together(20, func(i int) error {
		_, run := addSigningKey(t, s, signingKey(i), "")
		return run()
	}), authority.ErrStale)
	if active, retired, revoked := states(t, s); active != 1 || retired+revoked != 0 {
		t.Errorf("got %d active keys and %d others, want one alone", active, retired+revoked)
	}
}

// testRaceRevocation rotates a key while it is revoked: one of both finds that it has changed, and one key is active.
func testRaceRevocation(t *testing.T, s Store) {
	former := firstSigningKey(t, s)
	for round := range rounds {
		rotated, successor := signingKey(2*round+1), signingKey(2*round+2)
		oneWins(t, together(2, func(i int) error {
			if i == 0 {
				_, run := addSigningKey(t, s, rotated, former.ID)
				return run()
			}
			_, run := revokeSigningKey(t, s, former.ID, successor, start())
			return run()
		}), authority.ErrStale)
		if active, _, _ := states(t, s); active != 1 {
			t.Fatalf("got %d active keys, want one", active)
		}
		keys, err := s.SigningKeys(t.Context())
		must(t, err)
		former = keys[slices.IndexFunc(keys, isActive)]
	}
}

func testRaceRevocations(t *testing.T, s Store) {
	active := firstSigningKey(t, s)
	oneWins(t, together(20, func(i int) error {
		_, run := revokeSigningKey(t, s, active.ID, signingKey(i+1), start())
		return run()
	}), authority.ErrNotFound)
	if active, retired, revoked := states(t, s); active != 1 || retired != 0 || revoked != 1 {
		t.Errorf("got %d active, %d retired and %d revoked keys, want 1, none and 1", active, retired, revoked)
	}
}
