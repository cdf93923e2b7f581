package storetest

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/personal"
)

// digest returns the digest of the n-th made-up token under the pepper of a version.
func digest(pepper int64, n int) (d keyring.Digest) {
	d.Pepper = pepper
	binary.BigEndian.PutUint64(d.Sum[:], uint64(n)) //nolint:gosec // G115: a small number
	return d
}

// put gives a user a token.
func put(t *testing.T, s Store, userID uuid.UUID, d keyring.Digest) {
	t.Helper()
	must(t, s.PutPersonalToken(t.Context(), userID, d, event(audit.PersonalTokenRotate, userID, start())))
}

// checkLive makes sure that a digest is found, as the valid token of a user.
func checkLive(t *testing.T, s Store, userID uuid.UUID, d keyring.Digest) {
	t.Helper()
	got, err := s.FindPersonalToken(t.Context(), []keyring.Digest{d})
	if err != nil || got.UserID != userID || got.Pepper != d.Pepper {
		t.Errorf("got token %+v and error %v, want the one of user %s", got, err, userID)
	}
}

// checkDead makes sure that no valid token is found under a digest.
func checkDead(t *testing.T, s Store, d keyring.Digest) {
	t.Helper()
	if got, err := s.FindPersonalToken(t.Context(), []keyring.Digest{d}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got token %+v and error %v, want %v", got, err, authority.ErrNotFound)
	}
}

// checkFormer makes sure whose former token a digest is: nobody's where the ID is zero.
func checkFormer(t *testing.T, s Store, want uuid.UUID, d keyring.Digest) {
	t.Helper()
	got, err := s.FindPersonalToken(t.Context(), []keyring.Digest{d})
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		t.Fatal(err)
	}
	former := errors.Is(err, personal.ErrFormer)
	if former != (want != uuid.Nil) || former && got != (personal.Found{UserID: want}) {
		t.Errorf("got token %+v and error %v, want the former one of user %s", got, err, want)
	}
}

func personalTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"issue the first":       testFirstToken,
		"rotate":                testRotate,
		"under two peppers":     testTwoPeppers,
		"of a blocked user":     testTokenOfBlocked,
		"revoke":                testRevoke,
		"digest anew":           testRedigest,
		"note uses":             testTouch,
		"note more than a page": testTouchMany,
	}
}

func testFirstToken(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	ev := event(audit.PersonalTokenRotate, r.ID, start())
	does(t, s, ev, nil, func() error { return s.PutPersonalToken(t.Context(), r.ID, digest(3, 1), ev) })

	want := personal.Token{UserID: r.ID, CreatedAt: start(), Pepper: 3}
	got, err := s.PersonalToken(t.Context(), r.ID)
	must(t, err)
	same(t, got, want)
	checkLive(t, s, r.ID, digest(3, 1))
	checkDead(t, s, digest(2, 1))
	checkDead(t, s, digest(3, 2))
	checkFormer(t, s, uuid.Nil, digest(3, 1))
}

func testRotate(t *testing.T, s Store) {
	r, bystander := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	put(t, s, r.ID, digest(1, 1))
	put(t, s, bystander.ID, digest(1, 9))
	must(t, s.TouchPersonalTokens(t.Context(), []authority.Use{{ID: r.ID, At: start().Add(time.Minute), From: netip.MustParseAddr("192.0.2.1")}}))

	at := start().Add(time.Hour)
	ev := event(audit.PersonalTokenRotate, r.ID, at)
	does(t, s, ev, one(feed.PersonalToken, r.ID), func() error { return s.PutPersonalToken(t.Context(), r.ID, digest(2, 2), ev) })
	got, err := s.PersonalToken(t.Context(), r.ID)
	must(t, err)
	same(t, got, personal.Token{UserID: r.ID, CreatedAt: at, Pepper: 2}) // and was never used
	checkLive(t, s, r.ID, digest(2, 2))
	checkDead(t, s, digest(1, 1))
	checkFormer(t, s, r.ID, digest(1, 1))
	checkFormer(t, s, uuid.Nil, digest(2, 2))

	put(t, s, r.ID, digest(2, 3))
	checkFormer(t, s, uuid.Nil, digest(1, 1)) // only the last is remembered
	checkFormer(t, s, r.ID, digest(2, 2))
	checkLive(t, s, bystander.ID, digest(1, 9))
}

func testTwoPeppers(t *testing.T, s Store) {
	a, b := born(t, s, person("a"), ""), born(t, s, person("b"), "")
	put(t, s, a.ID, digest(1, 1))
	put(t, s, b.ID, digest(2, 2))
	for _, test := range []struct {
		digests []keyring.Digest
		want    uuid.UUID
	}{
		{[]keyring.Digest{digest(2, 8), digest(1, 1)}, a.ID},
		{[]keyring.Digest{digest(2, 2), digest(1, 8)}, b.ID},
		{[]keyring.Digest{digest(1, 2), digest(2, 1)}, uuid.Nil},
	} {
		got, err := s.FindPersonalToken(t.Context(), test.digests)
		if got.UserID != test.want || (err == nil) != (test.want != uuid.Nil) {
			t.Errorf("%v: got token %+v and error %v, want the one of user %s", test.digests, got, err, test.want)
		}
	}
	must(t, s.RevokePersonalToken(t.Context(), a.ID, event(audit.PersonalTokenRevoke, a.ID, start())))
	for _, digests := range [][]keyring.Digest{{digest(2, 8), digest(1, 1)}, {digest(1, 1), digest(2, 8)}} {
		got, err := s.FindPersonalToken(t.Context(), digests)
		if got != (personal.Found{UserID: a.ID}) || !errors.Is(err, personal.ErrFormer) {
			t.Errorf("%v: got token %+v and error %v, want the former one of user %s", digests, got, err, a.ID)
		}
	}
	got, err := s.FindPersonalToken(t.Context(), []keyring.Digest{digest(2, 1), digest(1, 8)})
	if !errors.Is(err, authority.ErrNotFound) || errors.Is(err, personal.ErrFormer) {
		t.Errorf("got token %+v and error %v, want %v", got, err, authority.ErrNotFound)
	}
	for _, n := range []int{0, 3} {
		_, err := s.FindPersonalToken(t.Context(), make([]keyring.Digest, n))
		if err == nil || errors.Is(err, authority.ErrNotFound) {
			t.Errorf("by %d digests: got error %v, want one that says that nobody has so many peppers", n, err)
		}
	}
}

// testTokenOfBlocked finds a blocked user's token: whether it is honoured is for the authority to say.
func testTokenOfBlocked(t *testing.T, s Store) {
	r := person("alice")
	r.State = account.Blocked
	r = born(t, s, r, "")
	put(t, s, r.ID, digest(1, 1))
	checkLive(t, s, r.ID, digest(1, 1))
}

func testRevoke(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	revoke := func(ev audit.Event) func() error {
		return func() error { return s.RevokePersonalToken(t.Context(), r.ID, ev) }
	}
	ev := event(audit.PersonalTokenRevoke, r.ID, start())
	refuses(t, s, authority.ErrNotFound, revoke(ev))
	put(t, s, r.ID, digest(1, 1))
	does(t, s, ev, one(feed.PersonalToken, r.ID), revoke(ev))
	checkDead(t, s, digest(1, 1))
	checkFormer(t, s, r.ID, digest(1, 1))
	if _, err := s.PersonalToken(t.Context(), r.ID); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v for a revoked token, want %v", err, authority.ErrNotFound)
	}
	refuses(t, s, authority.ErrNotFound, revoke(ev))

	again := event(audit.PersonalTokenRotate, r.ID, start())
	does(t, s, again, nil, func() error { // nothing valid went: nothing to forget
		return s.PutPersonalToken(t.Context(), r.ID, digest(1, 2), again)
	})
	checkLive(t, s, r.ID, digest(1, 2))
	checkFormer(t, s, r.ID, digest(1, 1))
}

func testRedigest(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	put(t, s, r.ID, digest(1, 1))
	quietly(t, s, func() error { return s.RedigestPersonalToken(t.Context(), r.ID, digest(1, 2), digest(2, 2)) })
	checkLive(t, s, r.ID, digest(1, 1))
	quietly(t, s, func() error { return s.RedigestPersonalToken(t.Context(), r.ID, digest(1, 1), digest(2, 1)) })
	checkLive(t, s, r.ID, digest(2, 1))
	checkDead(t, s, digest(1, 1))
	checkFormer(t, s, uuid.Nil, digest(1, 1)) // it is the same token

	must(t, s.RevokePersonalToken(t.Context(), r.ID, event(audit.PersonalTokenRevoke, r.ID, start())))
	quietly(t, s, func() error { return s.RedigestPersonalToken(t.Context(), r.ID, digest(2, 1), digest(3, 1)) })
	checkDead(t, s, digest(3, 1)) // what was revoked doesn't revive
}

func testTouch(t *testing.T, s Store) {
	a, b, dead := born(t, s, person("a"), ""), born(t, s, person("b"), ""), born(t, s, person("dead"), "")
	for i, r := range []account.Record{a, b, dead} {
		put(t, s, r.ID, digest(1, i))
	}
	must(t, remove(t, s, dead.ID)())
	late, early := start().Add(time.Hour), start().Add(time.Minute)
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::2")
	touch := func(used ...authority.Use) {
		t.Helper()
		quietly(t, s, func() error { return s.TouchPersonalTokens(t.Context(), used) })
	}
	check := func(id uuid.UUID, at time.Time, ip string) {
		t.Helper()
		got, err := s.PersonalToken(t.Context(), id)
		must(t, err)
		if diff := cmp.Diff(personal.Token{UserID: id, CreatedAt: start(), Pepper: 1, LastUsedAt: at, LastUsedIP: ip}, got); diff != "" {
			t.Errorf("token not as wanted (-want +got):\n%s", diff)
		}
	}
	touch()
	check(a.ID, time.Time{}, "")
	touch(authority.Use{ID: dead.ID, At: late}, authority.Use{ID: newID(), At: late}, authority.Use{ID: a.ID, At: late, From: v4})
	check(a.ID, late, "192.0.2.1")
	check(b.ID, time.Time{}, "")
	touch(authority.Use{ID: a.ID, At: early, From: v6})
	check(a.ID, late, "192.0.2.1")
	touch(authority.Use{ID: a.ID, At: late.Add(time.Second)}, authority.Use{ID: b.ID, At: start(), From: v6})
	check(a.ID, late.Add(time.Second), "192.0.2.1") // from an address that isn't known: the last one stays
	check(b.ID, start(), "2001:db8::2")

	must(t, s.PutPersonalToken(t.Context(), b.ID, digest(1, 5), event(audit.PersonalTokenRotate, b.ID, late)))
	touch(authority.Use{ID: b.ID, At: late.Add(-1 * time.Microsecond)}) // that was the former
	got, err := s.PersonalToken(t.Context(), b.ID)
	must(t, err)
	same(t, got, personal.Token{UserID: b.ID, CreatedAt: late, Pepper: 1})
}

func testTouchMany(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	put(t, s, r.ID, digest(1, 1))
	used := make([]authority.Use, 1234)
	for i := range used {
		used[i] = authority.Use{ID: r.ID, At: start().Add(time.Duration(i) * time.Second)}
	}
	quietly(t, s, func() error { return s.TouchPersonalTokens(t.Context(), used) })
	got, err := s.PersonalToken(t.Context(), r.ID)
	must(t, err)
	same(t, got.LastUsedAt, used[len(used)-1].At)
}
