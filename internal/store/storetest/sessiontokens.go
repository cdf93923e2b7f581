package storetest

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/session"
)

func sessionTokenTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"create":                          testCreateSessionToken,
		"create none of nobody":           testSessionTokenOfNobody,
		"create none twice":               testSessionTokenConflicts,
		"create none for who may no more": testSessionTokenOfSilent,
		"under two peppers":               testSessionTokenPeppers,
		"under a newer pepper":            testRedigestSessionToken,
		"expire":                          testExpireSessionToken,
		"list":                            testSessionTokens,
		"end":                             testEndSessionToken,
		"end all sessions":                testEndSessions,
		"end all sessions of nobody":      testEndSessionsOfNobody,
		"keep a thousand":                 testManySessionTokens,
		"note uses":                       testTouchSessionTokens,
		"prune":                           testPruneSessionTokens,
		"at a change of the password":     testTokensAtChange,
		"at a reset of the password":      testTokensAtReset,
		"of the blocked":                  testTokensOfBlocked,
		"of administrators":               testTokensOfAdmins,
		"of users who lose a role":        testTokensOfUnspoken,
		"of the deleted":                  testTokensOfDeleted,
	}
}

// sessionToken returns a token of a user that begins at the start and lasts for two weeks.
func sessionToken(userID, platformID uuid.UUID) session.Token {
	return session.Token{ID: newID(), UserID: userID, PlatformID: platformID, CreatedAt: start(), ExpiresAt: start().Add(14 * 24 * time.Hour), Pepper: 1}
}

// createToken returns the creation of a token under digest(1, n), to be run, and its event.
func createToken(t *testing.T, s Store, token session.Token, n int) (audit.Event, func() error) {
	ev := event(audit.SessionTokenCreate, token.ID, token.CreatedAt)
	return ev, func() error { return s.CreateSessionToken(t.Context(), token, digest(1, n), ev) }
}

// takeToken creates a token of a user under digest(1, n), got for a password, or for a platform's assertion where there is one.
func takeToken(t *testing.T, s Store, userID, platformID uuid.UUID, n int) session.Token {
	t.Helper()
	token := sessionToken(userID, platformID)
	_, run := createToken(t, s, token, n)
	must(t, run())
	return token
}

// endToken returns the end of a token, to be run.
func endToken(t *testing.T, s Store, token session.Token, ev audit.Event) func() error {
	return func() error { return s.EndSessionToken(t.Context(), token.UserID, token.ID, ev) }
}

// checkToken makes sure that the token under digest(1, n) is as it is wanted.
func checkToken(t *testing.T, s Store, n int, want session.Token) {
	t.Helper()
	found, err := s.SessionTokenByDigest(t.Context(), []keyring.Digest{digest(1, n)})
	must(t, err)
	same(t, found.Token, want)
	got, err := s.SessionToken(t.Context(), want.ID)
	must(t, err)
	same(t, got, want)
}

// checkTokenEnded makes sure when the token under digest(1, n) ended: not at all where the time is zero.
func checkTokenEnded(t *testing.T, s Store, n int, token session.Token, at time.Time) {
	t.Helper()
	token.EndedAt = at
	checkToken(t, s, n, token)
}

// checkNoToken makes sure that digests find no token.
func checkNoToken(t *testing.T, s Store, digests ...keyring.Digest) {
	t.Helper()
	if got, err := s.SessionTokenByDigest(t.Context(), digests); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got session token %+v and error %v, want %v", got, err, authority.ErrNotFound)
	}
}

func testCreateSessionToken(t *testing.T, s Store) {
	r, p := born(t, s, person("alice"), ""), enrol(t, s, "portal")
	token := sessionToken(r.ID, uuid.Nil)
	token.ExpiresAt = start().Add(time.Microsecond) // each in its place
	ev, run := createToken(t, s, token, 1)
	does(t, s, ev, nil, run) // nothing was taken away: nothing to forget
	checkToken(t, s, 1, token)
	got, err := s.SessionTokenByDigest(t.Context(), []keyring.Digest{digest(1, 1)})
	must(t, err)
	for _, at := range []time.Time{got.CreatedAt, got.ExpiresAt} {
		if at.Location() != time.UTC {
			t.Errorf("got a time in %v, want UTC whatever the machine's zone", at.Location())
		}
	}
	checkNoToken(t, s, digest(2, 1))
	checkNoToken(t, s, digest(1, 2))
	if _, err := s.FindPersonalToken(t.Context(), []keyring.Digest{digest(1, 1)}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("as a personal token: got error %v, want %v", err, authority.ErrNotFound)
	}

	spoken := sessionToken(r.ID, p.ID)
	ev, run = createToken(t, s, spoken, 2)
	does(t, s, ev, nil, run)
	checkToken(t, s, 2, spoken)
	checkToken(t, s, 1, token) // another program's goes on
}

func testSessionTokenOfNobody(t *testing.T, s Store) {
	dead, p := born(t, s, person("dead"), ""), enrol(t, s, "portal")
	must(t, remove(t, s, dead.ID)())
	for n, id := range []uuid.UUID{dead.ID, newID(), uuid.Nil} {
		for _, platformID := range []uuid.UUID{uuid.Nil, p.ID} {
			_, run := createToken(t, s, sessionToken(id, platformID), n)
			refuses(t, s, authority.ErrNotFound, run)
			checkNoToken(t, s, digest(1, n))
		}
	}
}

// testSessionTokenConflicts creates tokens with what another has: an ID, or a digest, which no honest source of randomness gives
// twice.
func testSessionTokenConflicts(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	first := takeToken(t, s, r.ID, uuid.Nil, 1)
	_, run := createToken(t, s, first, 2)
	refuses(t, s, authority.ErrConflict, run)
	_, run = createToken(t, s, sessionToken(r.ID, uuid.Nil), 1)
	refuses(t, s, authority.ErrConflict, run)
	checkToken(t, s, 1, first)
	checkNoToken(t, s, digest(1, 2))
}

// testSessionTokenOfSilent creates tokens by the word of platforms that may not speak, and of one that may.
func testSessionTokenOfSilent(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	speaks, disabled, deleted := enrol(t, s, "speaks"), enrol(t, s, "disabled"), enrol(t, s, "deleted")
	_, run := updatePlatform(t, s, disabled, func(c *platform.Change) { c.Enabled = false })
	must(t, run())
	_, run = deletePlatform(t, s, deleted.ID)
	must(t, run())
	for n, id := range []uuid.UUID{disabled.ID, deleted.ID, newID()} {
		_, run := createToken(t, s, sessionToken(r.ID, id), n)
		refuses(t, s, authority.ErrActorChanged, run)
		checkNoToken(t, s, digest(1, n))
	}
	_, run = createToken(t, s, sessionToken(r.ID, speaks.ID), 9)
	must(t, run())
}

func testSessionTokenPeppers(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	var tokens [3]session.Token // under peppers 1 and 2
	for pepper := 1; pepper <= 2; pepper++ {
		tokens[pepper] = sessionToken(r.ID, uuid.Nil)
		ev := event(audit.SessionTokenCreate, tokens[pepper].ID, start())
		must(t, s.CreateSessionToken(t.Context(), tokens[pepper], digest(int64(pepper), pepper), ev))
	}
	for _, test := range []struct {
		digests []keyring.Digest
		want    uuid.UUID
	}{
		{[]keyring.Digest{digest(2, 8), digest(1, 1)}, tokens[1].ID},
		{[]keyring.Digest{digest(2, 2), digest(1, 8)}, tokens[2].ID},
		{[]keyring.Digest{digest(2, 2)}, tokens[2].ID},
		{[]keyring.Digest{digest(1, 2), digest(2, 1)}, uuid.Nil}, // each under the other's pepper
	} {
		got, err := s.SessionTokenByDigest(t.Context(), test.digests)
		if got.ID != test.want || (err == nil) != (test.want != uuid.Nil) {
			t.Errorf("%v: got token %+v and error %v, want token %s", test.digests, got, err, test.want)
		}
	}
	for _, n := range []int{0, 3} {
		_, err := s.SessionTokenByDigest(t.Context(), make([]keyring.Digest, n))
		if err == nil || errors.Is(err, authority.ErrNotFound) {
			t.Errorf("by %d digests: got error %v, want one that says that nobody has so many peppers", n, err)
		}
	}
}

// testRedigestSessionToken moves a token to a newer pepper where it is still stored under the old digest.
func testRedigestSessionToken(t *testing.T, s Store) {
	token := takeToken(t, s, born(t, s, person("alice"), "").ID, uuid.Nil, 1)
	redigest := func(id uuid.UUID, old, replacement keyring.Digest) {
		t.Helper()
		quietly(t, s, func() error { return s.RedigestSessionToken(t.Context(), id, old, replacement) })
	}
	redigest(token.ID, digest(1, 2), digest(2, 1)) // it isn't that one
	redigest(token.ID, digest(2, 1), digest(2, 2))
	redigest(newID(), digest(1, 1), digest(2, 1))
	checkToken(t, s, 1, token)
	redigest(token.ID, digest(1, 1), digest(2, 1))
	checkNoToken(t, s, digest(1, 1))
	got, err := s.SessionTokenByDigest(t.Context(), []keyring.Digest{digest(2, 1), digest(1, 1)})
	must(t, err)
	token.Pepper = 2
	same(t, got.Token, token)
}

// testExpireSessionToken notes that a token is over, which nobody did and which alters no verdict.
func testExpireSessionToken(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	token, bystander := takeToken(t, s, r.ID, uuid.Nil, 1), takeToken(t, s, r.ID, uuid.Nil, 2)
	expire := func(id uuid.UUID, at time.Time) {
		t.Helper()
		quietly(t, s, func() error { return s.ExpireSessionToken(t.Context(), id, at) })
	}
	at := start().Add(time.Hour)
	expire(token.ID, at)
	checkTokenEnded(t, s, 1, token, at)
	checkToken(t, s, 2, bystander)
	expire(token.ID, at.Add(time.Hour)) // the first time counts
	expire(newID(), at)
	checkTokenEnded(t, s, 1, token, at)
}

// testSessionTokens lists what a user has that lasts, the newest first.
func testSessionTokens(t *testing.T, s Store) {
	r, bystander, p := born(t, s, person("alice"), ""), born(t, s, person("bob"), ""), enrol(t, s, "portal")
	at := func(n int, platformID uuid.UUID, lasts time.Duration) session.Token {
		token := sessionToken(r.ID, platformID)
		token.CreatedAt, token.ExpiresAt = start().Add(time.Duration(n)*time.Second), start().Add(lasts)
		_, run := createToken(t, s, token, n)
		must(t, run())
		return token
	}
	list := func(now time.Time, want ...session.Token) {
		t.Helper()
		got, err := s.SessionTokens(t.Context(), r.ID, now)
		must(t, err)
		same(t, got, want)
	}
	list(start())
	second, first := at(2, p.ID, 2*time.Hour), at(1, uuid.Nil, time.Hour)
	third, ended := at(3, uuid.Nil, 3*time.Hour), at(4, uuid.Nil, 3*time.Hour)
	_ = takeToken(t, s, bystander.ID, uuid.Nil, 9)
	must(t, endToken(t, s, ended, event(audit.SessionTokenEnd, ended.ID, start()))())
	list(start(), third, second, first)
	list(start().Add(time.Hour-time.Microsecond), third, second, first)
	list(start().Add(time.Hour), third, second) // it is over at its end, and not after
	if none, err := s.SessionTokens(t.Context(), newID(), start()); err != nil || len(none) != 0 {
		t.Errorf("of nobody: got %+v and error %v, want none", none, err)
	}
	if none, err := s.SessionToken(t.Context(), newID()); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("of no ID: got %+v and error %v, want not found", none, err)
	}
}

func testEndSessionToken(t *testing.T, s Store) {
	r, other := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	token, beside := takeToken(t, s, r.ID, uuid.Nil, 1), takeToken(t, s, r.ID, uuid.Nil, 2)
	others := takeToken(t, s, other.ID, uuid.Nil, 3)
	at := start().Add(time.Hour)
	ev := event(audit.SessionTokenEnd, token.ID, at)
	does(t, s, ev, one(feed.SessionToken, token.ID), endToken(t, s, token, ev))
	checkTokenEnded(t, s, 1, token, at) // it is found, for the audit log to know it by
	checkToken(t, s, 2, beside)

	again := event(audit.SessionTokenEnd, token.ID, at.Add(time.Hour))
	for _, pair := range [][2]uuid.UUID{
		{r.ID, token.ID}, {r.ID, others.ID}, {other.ID, beside.ID}, {r.ID, newID()}, {uuid.Nil, beside.ID}, {r.ID, uuid.Nil}, {newID(), beside.ID},
	} {
		refuses(t, s, authority.ErrNotFound, func() error { return s.EndSessionToken(t.Context(), pair[0], pair[1], again) })
	}
	refuses(t, s, authority.ErrNotFound, endToken(t, s, beside, event(audit.SessionTokenEnd, beside.ID, beside.ExpiresAt))) // it is over
	checkTokenEnded(t, s, 1, token, at)
	checkToken(t, s, 2, beside)
	checkToken(t, s, 3, others)
}

// testManySessionTokens has a user log in more often than tokens are kept: the oldest goes each time, ended or not, and the feed
// tells of it.
func testManySessionTokens(t *testing.T, s Store) {
	r, bystander := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	others := takeToken(t, s, bystander.ID, uuid.Nil, 0)
	first, second := takeToken(t, s, r.ID, uuid.Nil, 1), takeToken(t, s, r.ID, uuid.Nil, 2)
	must(t, endToken(t, s, second, event(audit.SessionTokenEnd, second.ID, start()))())
	var third session.Token
	for n := 3; n <= session.MaxTokens; n++ {
		token := takeToken(t, s, r.ID, uuid.Nil, n)
		if n == 3 {
			third = token
		}
	}
	checkToken(t, s, 1, first)
	tooMany := func(token session.Token, n int, oldest session.Token) {
		t.Helper()
		ev, run := createToken(t, s, token, n)
		does(t, s, ev, []feed.Change{{Kind: feed.SessionToken, ID: oldest.ID, Gone: true}}, run)
		checkToken(t, s, n, token)
	}
	tooMany(sessionToken(r.ID, uuid.Nil), 2001, first)
	checkNoToken(t, s, digest(1, 1))
	checkTokenEnded(t, s, 2, second, start())

	// One that another node made, whose clock is years behind, isn't the one that goes for it.
	late := sessionToken(r.ID, uuid.Nil)
	late.ID = uuid.MustParse("01000000-0000-7000-8000-000000000001")
	tooMany(late, 2002, second)
	tooMany(sessionToken(r.ID, uuid.Nil), 2003, late)
	checkToken(t, s, 3, third)
	checkToken(t, s, 0, others)
}

func testTouchSessionTokens(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	a, b := takeToken(t, s, r.ID, uuid.Nil, 1), takeToken(t, s, r.ID, uuid.Nil, 2)
	late, early := start().Add(time.Hour), start().Add(time.Minute)
	v4, v6 := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::2")
	touch := func(used ...authority.Use) {
		t.Helper()
		quietly(t, s, func() error { return s.TouchSessionTokens(t.Context(), used) })
	}
	check := func(n int, token session.Token, at time.Time, ip string) {
		t.Helper()
		token.LastUsedAt, token.LastUsedIP = at, ip
		checkToken(t, s, n, token)
	}
	touch()
	touch(authority.Use{ID: newID(), At: late}, authority.Use{ID: a.ID, At: late, From: v4})
	check(1, a, late, "192.0.2.9")
	check(2, b, time.Time{}, "")
	touch(authority.Use{ID: a.ID, At: early, From: v6}, authority.Use{ID: a.ID, At: late, From: v6}) // told late, and told twice
	check(1, a, late, "192.0.2.9")
	touch(authority.Use{ID: a.ID, At: late.Add(time.Microsecond)}, authority.Use{ID: b.ID, At: start(), From: v6})
	check(1, a, late.Add(time.Microsecond), "192.0.2.9") // the last known address stays
	check(2, b, start(), "2001:db8::2")

	used := make([]authority.Use, 1234) // more than a page
	for i := range used {
		used[i] = authority.Use{ID: b.ID, At: start().Add(time.Duration(i) * time.Second), From: v6}
	}
	touch(used...)
	check(2, b, used[len(used)-1].At, "2001:db8::2")
}

func testPruneSessionTokens(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	lasts := func(n int, d time.Duration) session.Token {
		token := sessionToken(r.ID, uuid.Nil)
		token.ExpiresAt = start().Add(d)
		_, run := createToken(t, s, token, n)
		must(t, run())
		return token
	}
	prune := func(before time.Time, want int64) {
		t.Helper()
		quietly(t, s, func() error {
			n, err := s.PruneSessionTokens(t.Context(), before)
			same(t, n, want)
			return err
		})
	}
	prune(start().Add(time.Hour), 0)
	lasts(1, time.Hour)
	gone := lasts(2, time.Hour)
	must(t, endToken(t, s, gone, event(audit.SessionTokenEnd, gone.ID, start()))())
	ended, next := lasts(3, time.Hour+time.Microsecond), lasts(4, 2*time.Hour)
	must(t, endToken(t, s, ended, event(audit.SessionTokenEnd, ended.ID, start()))()) // long ended, and still to be known by

	prune(start().Add(time.Hour), 0)
	prune(start().Add(time.Hour+time.Microsecond), 2)
	prune(start().Add(time.Hour+time.Microsecond), 0)
	checkNoToken(t, s, digest(1, 1))
	checkNoToken(t, s, digest(1, 2))
	checkTokenEnded(t, s, 3, ended, start())
	checkToken(t, s, 4, next)
}
