package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/factor/passkey"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

func factorTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"authenticator":                 testAuthenticator,
		"passkeys":                      testPasskeys,
		"recovery codes":                testRecoveryCodes,
		"take all away":                 testRemoveFactors,
		"delete with the user":          testFactorsOfDeleted,
		"end sessions":                  testFactorsEndSessions,
		"refuse an actor who changed":   testFactorsOfChangedActor,
		"guesses at codes":              testGuesses,
		"race for a step":               testRaceSteps,
		"race for a guess":              testRaceGuesses,
		"race for a recovery code":      testRaceRecoveryCodes,
		"race for a passkey's question": testRacePasskey,
		"race to be the first":          testRaceFirstFactors,
		"race to take the last away":    testRaceLastFactors,
	}
}

// someCodes are two recovery codes as they are stored, numbered from n.
func someCodes(n int) []keyring.Digest { return []keyring.Digest{digest(1, n), digest(1, n+1)} }

func appOf(userID uuid.UUID) factor.Authenticator {
	return factor.Authenticator{UserID: userID, Wrapped: []byte{0, 255, 7}, LastStep: 100, CreatedAt: start()}
}

// addAuthenticator gives a user an authenticator app, and recovery codes where it is the first.
func addAuthenticator(t *testing.T, s Store, userID uuid.UUID, codes int) bool {
	t.Helper()
	first, err := s.AddAuthenticator(t.Context(), appOf(userID), someCodes(codes), event(audit.AuthenticatorAdd, userID, start()))
	must(t, err)
	return first
}

func passkeyOf(userID uuid.UUID, name string) factor.StoredPasskey {
	return factor.StoredPasskey{
		Passkey: factor.Passkey{ID: newID(), Name: name, CreatedAt: start()}, UserID: userID,
		Key: passkey.Credential{ID: []byte(name + "\x00\xff"), PublicKey: []byte{0, 1, 255}, SignCount: 4_000_000_000, BackupEligible: true, Transports: []string{"internal", "usb"}},
	}
}

func addPasskey(t *testing.T, s Store, p factor.StoredPasskey, codes int) bool {
	t.Helper()
	first, err := s.AddPasskey(t.Context(), p, someCodes(codes), 3, event(audit.PasskeyAdd, p.UserID, start()))
	must(t, err)
	return first
}

// checkFactors compares what a user has. Its mark is another after any change of the user, and after none of its factors.
func checkFactors(t *testing.T, s Store, userID uuid.UUID, want factor.Records) {
	t.Helper()
	want.Username, want.Version, want.UpdatedAt = "alice", 1, start()
	got, err := s.Factors(t.Context(), userID)
	must(t, err)
	same(t, got, want)
	on, err := s.HasFactor(t.Context(), userID)
	must(t, err)
	same(t, on, want.On())
}

func testAuthenticator(t *testing.T, s Store) {
	alice, bob := born(t, s, person("alice"), "hash").ID, born(t, s, person("bob"), "hash").ID
	checkFactors(t, s, alice, factor.Records{})
	if _, err := s.Factors(t.Context(), newID()); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v of nobody's factors", err)
	}
	if on, err := s.HasFactor(t.Context(), newID()); on || err != nil {
		t.Errorf("got on %v and error %v of nobody", on, err)
	}
	ev := event(audit.AuthenticatorAdd, alice, start())
	var first bool
	add := func(a factor.Authenticator) func() error {
		return func() (err error) {
			first, err = s.AddAuthenticator(t.Context(), a, someCodes(1), ev)
			return err
		}
	}
	refuses(t, s, authority.ErrNotFound, add(appOf(newID())))
	does(t, s, ev, one(feed.User, alice), add(appOf(alice)))
	same(t, first, true)
	refuses(t, s, authority.ErrConflict, add(appOf(alice)))
	app := appOf(alice)
	checkFactors(t, s, alice, factor.Records{Authenticator: &app, Codes: 2})

	for _, step := range []struct {
		number int64
		want   error
	}{{100, authority.ErrConflict}, {99, authority.ErrConflict}, {101, nil}, {101, authority.ErrConflict}, {103, nil}, {102, authority.ErrConflict}} {
		before := readLog(t, s)
		if err := s.CountStep(t.Context(), alice, step.number, time.Time{}); !errors.Is(err, step.want) {
			t.Errorf("step %d: got error %v, want %v", step.number, err, step.want)
		}
		same(t, readLog(t, s).head, before.head)
	}
	refuses(t, s, authority.ErrNotFound, func() error { return s.CountStep(t.Context(), bob, 7, time.Time{}) })
	app.LastStep = 103
	checkFactors(t, s, alice, factor.Records{Authenticator: &app, Codes: 2})

	gone := event(audit.AuthenticatorRemove, alice, start())
	refuses(t, s, authority.ErrNotFound, func() error { return s.RemoveAuthenticator(t.Context(), bob, gone) })
	does(t, s, gone, []feed.Change{{Kind: feed.Authenticator, ID: alice, Gone: true}, {Kind: feed.User, ID: alice}}, func() error {
		return s.RemoveAuthenticator(t.Context(), alice, gone)
	})
	checkFactors(t, s, alice, factor.Records{})
}

// testGuesses has each guess, and each code that is right, count as of what was read, and of nothing else.
func testGuesses(t *testing.T, s Store) {
	alice, bob := born(t, s, person("alice"), "hash").ID, born(t, s, person("bob"), "hash").ID
	addAuthenticator(t, s, alice, 1)
	addAuthenticator(t, s, bob, 3)
	before := readLog(t, s)
	spend := func(was, free time.Time) func() error {
		return func() error { return s.SpendGuess(t.Context(), alice, was, free) }
	}
	count := func(step int64, free time.Time) func() error {
		return func() error { return s.CountStep(t.Context(), alice, step, free) }
	}
	never, one, two := time.Time{}, start().Add(time.Hour), start().Add(2*time.Hour)
	refuses(t, s, authority.ErrConflict, spend(one, two))
	must(t, spend(never, one)())
	refuses(t, s, authority.ErrConflict, spend(never, one))
	refuses(t, s, authority.ErrConflict, count(101, never))
	refuses(t, s, authority.ErrConflict, count(101, two))
	must(t, spend(one, two)())
	must(t, count(101, two)())
	must(t, spend(two, one)())
	same(t, readLog(t, s).head, before.head)
	app, others := appOf(alice), appOf(bob)
	app.LastStep, app.GuessesFree = 101, one
	for id, want := range map[uuid.UUID]*factor.Authenticator{alice: &app, bob: &others} {
		r, err := s.Factors(t.Context(), id)
		must(t, err)
		same(t, r.Authenticator, want)
	}
}

func testPasskeys(t *testing.T, s Store) {
	alice, bob := born(t, s, person("alice"), "hash").ID, born(t, s, person("bob"), "hash").ID
	k, other := passkeyOf(alice, "k"), passkeyOf(alice, "other")
	ev := event(audit.PasskeyAdd, alice, start())
	add := func(p factor.StoredPasskey) func() error {
		return func() error {
			_, err := s.AddPasskey(t.Context(), p, someCodes(1), 2, ev)
			return err
		}
	}
	refuses(t, s, authority.ErrNotFound, add(passkeyOf(newID(), "nobody's")))
	does(t, s, ev, one(feed.User, alice), add(k))
	taken := passkeyOf(bob, "k")
	refuses(t, s, authority.ErrConflict, add(taken))
	ev = event(audit.PasskeyAdd, alice, start())
	does(t, s, ev, nil, add(other))
	refuses(t, s, authority.ErrConflict, add(passkeyOf(alice, "one too many")))
	checkFactors(t, s, alice, factor.Records{Passkeys: []factor.StoredPasskey{k, other}, Codes: 2})

	use := factor.PasskeyUse{ID: k.ID, Asked: start(), At: start().Add(time.Second), SignCount: k.Key.SignCount}
	count := func() error { return s.CountPasskey(t.Context(), use) }
	refuses(t, s, authority.ErrConflict, count) // its counter hasn't grown
	use.SignCount++
	must(t, count())
	use.SignCount++
	refuses(t, s, authority.ErrConflict, count) // the question was put before the last use
	use.Asked = use.At
	refuses(t, s, authority.ErrConflict, count) // or in that moment
	use.Asked, use.At = use.At.Add(time.Microsecond), use.At.Add(time.Minute)
	must(t, count())
	k.Key.SignCount, k.LastUsedAt = use.SignCount, use.At
	use.ID = newID()
	refuses(t, s, authority.ErrNotFound, count)
	checkFactors(t, s, alice, factor.Records{Passkeys: []factor.StoredPasskey{k, other}, Codes: 2})

	without := passkeyOf(bob, "without a counter")
	without.Key.SignCount = 0
	addPasskey(t, s, without, 11)
	use = factor.PasskeyUse{ID: without.ID, Asked: start(), At: start()}
	must(t, count())

	gone := event(audit.PasskeyRemove, alice, start())
	remove := func(user, id uuid.UUID) func() error {
		return func() error { return s.RemovePasskey(t.Context(), user, id, gone) }
	}
	refuses(t, s, authority.ErrNotFound, remove(bob, k.ID))
	does(t, s, gone, []feed.Change{{Kind: feed.Passkey, ID: k.ID, Gone: true}, {Kind: feed.User, ID: alice}}, remove(alice, k.ID))
	checkFactors(t, s, alice, factor.Records{Passkeys: []factor.StoredPasskey{other}, Codes: 2})
	gone = event(audit.PasskeyRemove, alice, start())
	does(t, s, gone, []feed.Change{{Kind: feed.Passkey, ID: other.ID, Gone: true}, {Kind: feed.User, ID: alice}}, remove(alice, other.ID))
	checkFactors(t, s, alice, factor.Records{})
}

func testRecoveryCodes(t *testing.T, s Store) {
	alice, bob := born(t, s, person("alice"), "hash").ID, born(t, s, person("bob"), "hash").ID
	replace := func(ev audit.Event, user uuid.UUID, codes []keyring.Digest) func() error {
		return func() error { return s.ReplaceRecoveryCodes(t.Context(), user, codes, ev) }
	}
	refuses(t, s, authority.ErrNotFound, replace(event(audit.RecoveryCodesRenew, bob, start()), bob, someCodes(1)))
	addAuthenticator(t, s, alice, 1)
	addAuthenticator(t, s, bob, 11)
	use := func(ev audit.Event, user uuid.UUID, digests ...keyring.Digest) func() error {
		return func() error { return s.UseRecoveryCode(t.Context(), user, digests, ev) }
	}
	ev := event(audit.RecoveryCodeUse, alice, start())
	for _, d := range []keyring.Digest{digest(1, 9), digest(2, 1), digest(1, 11)} {
		refuses(t, s, authority.ErrNotFound, use(ev, alice, d))
	}
	does(t, s, ev, usedCode(digest(1, 1)), use(ev, alice, digest(2, 7), digest(1, 1)))
	refuses(t, s, authority.ErrConflict, use(ev, alice, digest(2, 7), digest(1, 1)))
	app := appOf(alice)
	checkFactors(t, s, alice, factor.Records{Authenticator: &app, Codes: 1})

	renewed := event(audit.RecoveryCodesRenew, alice, start())
	does(t, s, renewed, one(feed.User, alice), replace(renewed, alice, someCodes(21)))
	refuses(t, s, authority.ErrNotFound, use(ev, alice, digest(1, 1)))
	refuses(t, s, authority.ErrNotFound, use(ev, alice, digest(1, 2)))
	other := event(audit.RecoveryCodeUse, alice, start())
	does(t, s, other, usedCode(digest(1, 21)), use(other, alice, digest(1, 21)))
	bobs := event(audit.RecoveryCodeUse, bob, start())
	does(t, s, bobs, usedCode(digest(1, 11)), use(bobs, bob, digest(1, 11)))
}

// usedCode is what the feed tells of a recovery code that was used.
func usedCode(d keyring.Digest) []feed.Change {
	return []feed.Change{{Kind: feed.RecoveryCode, ID: factor.CodeID(d), Gone: true}}
}

func testRemoveFactors(t *testing.T, s Store) {
	alice, bob := born(t, s, person("alice"), "hash").ID, born(t, s, person("bob"), "hash").ID
	addAuthenticator(t, s, alice, 1)
	k := passkeyOf(alice, "k")
	addPasskey(t, s, k, 3)
	addAuthenticator(t, s, bob, 5)
	ev := event(audit.SecondFactorRemove, alice, start())
	remove := func() error { return s.RemoveFactors(t.Context(), alice, ev) }
	does(t, s, ev, []feed.Change{{Kind: feed.Passkey, ID: k.ID, Gone: true}, {Kind: feed.Authenticator, ID: alice, Gone: true}, {Kind: feed.User, ID: alice}}, remove)
	refuses(t, s, authority.ErrNotFound, remove)
	checkFactors(t, s, alice, factor.Records{})
	if on, err := s.HasFactor(t.Context(), bob); !on || err != nil {
		t.Errorf("another's: got on %v and error %v", on, err)
	}
	same(t, addPasskey(t, s, passkeyOf(alice, "k"), 7), true) // it may come back, as the first
}

func testFactorsOfDeleted(t *testing.T, s Store) {
	alice := born(t, s, person("alice"), "hash").ID
	addAuthenticator(t, s, alice, 1)
	p := passkeyOf(alice, "k")
	addPasskey(t, s, p, 1)
	must(t, s.DeleteUser(t.Context(), alice, event(audit.UserDelete, alice, start())))
	if _, err := s.Factors(t.Context(), alice); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v", err)
	}
	if on, err := s.HasFactor(t.Context(), alice); on || err != nil {
		t.Errorf("got on %v and error %v", on, err)
	}
	refuses(t, s, authority.ErrNotFound, func() error { return s.CountStep(t.Context(), alice, 1000, time.Time{}) })
	refuses(t, s, authority.ErrNotFound, func() error { return s.SpendGuess(t.Context(), alice, time.Time{}, start()) })
	refuses(t, s, authority.ErrNotFound, func() error {
		return s.CountPasskey(t.Context(), factor.PasskeyUse{ID: p.ID, Asked: start(), At: start(), SignCount: 4_000_000_001})
	})
	refuses(t, s, authority.ErrNotFound, func() error {
		return s.UseRecoveryCode(t.Context(), alice, someCodes(1), event(audit.RecoveryCodeUse, alice, start()))
	})
}

// testFactorsEndSessions has the first factor come and the last one go, by a browser whose session stays.
func testFactorsEndSessions(t *testing.T, s Store) {
	alice := born(t, s, person("alice"), "hash").ID
	by := func(action audit.Action, own uuid.UUID) audit.Event {
		ev := event(action, alice, start())
		ev.Actor.CredentialKind, ev.Actor.CredentialID = authority.ConsoleSession.String(), own
		return ev
	}
	lasting := func(want ...uuid.UUID) {
		t.Helper()
		sessions, err := s.BrowserSessions(t.Context(), alice, start())
		must(t, err)
		var got []uuid.UUID
		for _, b := range sessions {
			got = append(got, b.ID)
		}
		same(t, got, want)
	}
	own := logIn(t, s, alice, 1).ID
	_ = logIn(t, s, alice, 2)
	_, err := s.AddAuthenticator(t.Context(), appOf(alice), someCodes(1), by(audit.AuthenticatorAdd, own))
	must(t, err)
	lasting(own)
	other := logIn(t, s, alice, 3).ID
	k := passkeyOf(alice, "k")
	_, err = s.AddPasskey(t.Context(), k, nil, 3, by(audit.PasskeyAdd, own))
	must(t, err)
	must(t, s.RemoveAuthenticator(t.Context(), alice, by(audit.AuthenticatorRemove, own)))
	lasting(other, own)
	must(t, s.RemovePasskey(t.Context(), alice, k.ID, by(audit.PasskeyRemove, own)))
	lasting(own)
}

// testFactorsOfChangedActor has a user change since it was verified.
func testFactorsOfChangedActor(t *testing.T, s Store) {
	alice := born(t, s, person("alice"), "hash").ID
	by := func(action audit.Action) audit.Event {
		ev := event(action, alice, start())
		ev.Actor.UserID, ev.Actor.AsOf = alice, batchAfter(t, s, 0).Head
		return ev
	}
	stale := by(audit.AuthenticatorAdd)
	must(t, s.ChangePassword(t.Context(), alice, account.Rehash{Old: "hash", New: "new"}, event(audit.UserPassword, alice, start())))
	refuses(t, s, authority.ErrActorChanged, func() error {
		_, err := s.AddAuthenticator(t.Context(), appOf(alice), nil, stale)
		return err
	})
	refuses(t, s, authority.ErrActorChanged, func() error {
		_, err := s.AddPasskey(t.Context(), passkeyOf(alice, "k"), nil, 3, stale)
		return err
	})
	_, err := s.AddAuthenticator(t.Context(), appOf(alice), nil, by(audit.AuthenticatorAdd))
	must(t, err)
	refuses(t, s, authority.ErrActorChanged, func() error { return s.RemoveAuthenticator(t.Context(), alice, stale) })
	refuses(t, s, authority.ErrActorChanged, func() error { return s.RemoveFactors(t.Context(), alice, stale) })
	refuses(t, s, authority.ErrActorChanged, func() error { return s.ReplaceRecoveryCodes(t.Context(), alice, someCodes(1), stale) })
}

// crowd is how many come with one answer.
const crowd = 50

func testRaceSteps(t *testing.T, s Store) {
	alice := born(t, s, person("alice"), "hash").ID
	addAuthenticator(t, s, alice, 1)
	oneWins(t, together(crowd, func(int) error { return s.CountStep(t.Context(), alice, 101, time.Time{}) }), authority.ErrConflict)
}

func testRaceGuesses(t *testing.T, s Store) {
	alice := born(t, s, person("alice"), "hash").ID
	addAuthenticator(t, s, alice, 1)
	oneWins(t, together(crowd, func(n int) error {
		return s.SpendGuess(t.Context(), alice, time.Time{}, start().Add(time.Duration(n+1)*time.Second))
	}), authority.ErrConflict)
}

func testRaceRecoveryCodes(t *testing.T, s Store) {
	alice := born(t, s, person("alice"), "hash").ID
	addAuthenticator(t, s, alice, 1)
	oneWins(t, together(crowd, func(int) error {
		return s.UseRecoveryCode(t.Context(), alice, []keyring.Digest{digest(1, 1)}, event(audit.RecoveryCodeUse, alice, start()))
	}), authority.ErrConflict)
	app := appOf(alice)
	checkFactors(t, s, alice, factor.Records{Authenticator: &app, Codes: 1})
}

func testRacePasskey(t *testing.T, s Store) {
	alice := born(t, s, person("alice"), "hash").ID
	p := passkeyOf(alice, "k")
	addPasskey(t, s, p, 1)
	oneWins(t, together(crowd, func(i int) error {
		return s.CountPasskey(t.Context(), factor.PasskeyUse{ID: p.ID, Asked: start(), At: start(), SignCount: p.Key.SignCount + 1 + uint32(i)}) //nolint:gosec // G115: a small number
	}), authority.ErrConflict)
}

// testRaceFirstFactors has two factors come at once: one of them is the first, and its recovery codes are those that count.
func testRaceFirstFactors(t *testing.T, s Store) {
	for n := range rounds {
		user := born(t, s, person("alice"+string(rune('a'+n))), "hash").ID
		var first [2]bool
		for _, err := range together(2, func(i int) (err error) {
			if i == 0 {
				first[i], err = s.AddAuthenticator(t.Context(), appOf(user), someCodes(10*n), event(audit.AuthenticatorAdd, user, start()))
			} else {
				p := passkeyOf(user, user.String())
				first[i], err = s.AddPasskey(t.Context(), p, someCodes(10*n+5), 3, event(audit.PasskeyAdd, user, start()))
			}
			return err
		}) {
			must(t, err)
		}
		if first[0] == first[1] {
			t.Errorf("got the first %v", first)
		}
		good := map[bool]int{true: 10 * n, false: 10*n + 5}[first[0]]
		must(t, s.UseRecoveryCode(t.Context(), user, []keyring.Digest{digest(1, good)}, event(audit.RecoveryCodeUse, user, start())))
	}
}

// testRaceLastFactors has both factors of a user go at once: with the last one go the codes.
func testRaceLastFactors(t *testing.T, s Store) {
	for n := range rounds {
		user := born(t, s, person("alice"+string(rune('a'+n))), "hash").ID
		addAuthenticator(t, s, user, 10*n)
		p := passkeyOf(user, user.String())
		addPasskey(t, s, p, 0)
		for _, err := range together(2, func(i int) error {
			if i == 0 {
				return s.RemoveAuthenticator(t.Context(), user, event(audit.AuthenticatorRemove, user, start()))
			}
			return s.RemovePasskey(t.Context(), user, p.ID, event(audit.PasskeyRemove, user, start()))
		}) {
			must(t, err)
		}
		got, err := s.Factors(t.Context(), user)
		must(t, err)
		if got.On() || got.Codes != 0 {
			t.Errorf("got %+v left", got)
		}
	}
}
