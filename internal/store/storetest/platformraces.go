package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/session"
)

func platformRaceTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"log-ins and their platform's end":     testRaceLogInsAndPlatform,
		"log-ins and a promotion":              testRaceLogInsAndPromotion,
		"log-ins and the user's deletion":      testRaceTokensAndDeletion,
		"log-ins and the end of all sessions":  testRaceTokensAndEnd,
		"log-ins beyond a thousand":            testRaceManyTokens,
		"ends of one token":                    testRaceTokenEnds,
		"enrolments of one name":               testRaceEnrolments,
		"changes of one version of a platform": testRacePlatformUpdates,
		"keys, the last two":                   testRacePlatformKeys,
	}
}

// lastingTokens returns how many of the tokens under digest(pepper, 1) and so on last.
func lastingTokens(t *testing.T, s Store, pepper int64, most int) (n int) {
	t.Helper()
	for i := 1; i <= most; i++ {
		token, err := s.SessionTokenByDigest(t.Context(), []keyring.Digest{digest(pepper, i)})
		if errors.Is(err, authority.ErrNotFound) {
			continue
		}
		must(t, err)
		if token.EndedAt.IsZero() {
			n++
		}
	}
	return n
}

// spokenFor creates a token under a digest by the word of its platform, as of a revision.
func spokenFor(t *testing.T, s Store, token session.Token, d keyring.Digest, asOf int64) error {
	ev, _ := createToken(t, s, token, 0)
	ev.Actor = audit.Actor{UserID: token.UserID, Username: "user", CredentialKind: "assertion", CredentialID: token.PlatformID, AsOf: asOf}
	return s.CreateSessionToken(t.Context(), token, d, ev)
}

// testRaceLogInsAndPlatform has users log in by the word of a platform that is about to lose its say, in each way there is:
// whoever comes first, no session is left that it got.
func testRaceLogInsAndPlatform(t *testing.T, s Store) {
	const users = 5
	var people [users + 1]account.Record
	for i := range people {
		people[i] = born(t, s, person(fmt.Sprint("u", i)), "")
	}
	pepper := int64(0)
	made := 0
	for way, lose := range map[string]func(*platform.Change){
		"disabled": func(c *platform.Change) { c.Enabled = false },
		"narrowed": func(c *platform.Change) { c.SpeaksFor = platform.Scope{Roles: []string{"r"}} },
		"deleted":  nil,
	} {
		for round := range rounds {
			pepper++
			p := enrol(t, s, fmt.Sprint(way, round))
			asOf := readLog(t, s).head
			errs := together(users+1, func(i int) error {
				if i > 0 {
					return spokenFor(t, s, sessionToken(people[i].ID, p.ID), digest(pepper, i), asOf)
				}
				_, run := deletePlatform(t, s, p.ID)
				if lose != nil {
					_, run = updatePlatform(t, s, p, lose)
				}
				return run()
			})
			must(t, errs[0])
			for _, err := range errs[1:] {
				if err != nil && !errors.Is(err, authority.ErrActorChanged) {
					t.Errorf("%s: got error %v, want none or %v", way, err, authority.ErrActorChanged)
				}
				if err == nil {
					made++
				}
			}
			if n := lastingTokens(t, s, pepper, users); n != 0 {
				t.Errorf("%s: %d sessions last that it got", way, n)
			}
		}
	}
	t.Logf("%d of %d log-ins came before the end of their platform", made, pepper*users)
}

// testRaceLogInsAndPromotion has a user become an administrator while a platform that may not speak for such logs it in.
func testRaceLogInsAndPromotion(t *testing.T, s Store) {
	p := enrol(t, s, "portal")
	for round := range rounds {
		r := born(t, s, person(fmt.Sprint("u", round)), "")
		asOf, pepper := readLog(t, s).head, int64(round+1)
		errs := together(4, func(i int) error {
			if i > 0 {
				return spokenFor(t, s, sessionToken(r.ID, p.ID), digest(pepper, i), asOf)
			}
			admin := r
			admin.Roles = []string{authority.AdminRole}
			return update(t, s, admin)()
		})
		must(t, errs[0])
		for _, err := range errs[1:] {
			if err != nil && !errors.Is(err, authority.ErrActorChanged) {
				t.Errorf("got error %v, want none or %v", err, authority.ErrActorChanged)
			}
		}
		if n := lastingTokens(t, s, pepper, 3); n != 0 {
			t.Errorf("%d sessions of an administrator last that a platform got which may not speak for such", n)
		}
	}
}

func testRaceTokensAndDeletion(t *testing.T, s Store) {
	for round := range rounds {
		r := born(t, s, person(fmt.Sprint("u", round)), "")
		errs := together(6, func(i int) error {
			if i == 0 {
				return remove(t, s, r.ID)()
			}
			token := sessionToken(r.ID, uuid.Nil)
			return s.CreateSessionToken(t.Context(), token, digest(int64(round), i), event(audit.SessionTokenCreate, token.ID, start()))
		})
		must(t, errs[0])
		for i, err := range errs[1:] {
			if err != nil && !errors.Is(err, authority.ErrNotFound) {
				t.Errorf("got error %v, want none or %v", err, authority.ErrNotFound)
			}
			checkNoToken(t, s, digest(int64(round), i+1))
		}
	}
}

// testRaceTokensAndEnd ends all sessions of a user while one begins: what was there before has ended, and what came after lasts.
func testRaceTokensAndEnd(t *testing.T, s Store) {
	for round := range rounds {
		r, pepper := born(t, s, person(fmt.Sprint("u", round)), ""), int64(round+1)
		for _, err := range together(2, func(i int) error {
			if i == 0 {
				return s.EndSessions(t.Context(), r.ID, event(audit.SessionsEnd, r.ID, start()))
			}
			token := sessionToken(r.ID, uuid.Nil)
			return s.CreateSessionToken(t.Context(), token, digest(pepper, 1), event(audit.SessionTokenCreate, token.ID, start()))
		}) {
			must(t, err)
		}
		events := readLog(t, s).events
		want := 0
		if events[len(events)-1].Action == audit.SessionTokenCreate {
			want = 1
		}
		if got := lastingTokens(t, s, pepper, 1); got != want {
			t.Errorf("got %d sessions that last, want %d as the last was %s", got, want, events[len(events)-1].Action)
		}
	}
}

// testRaceManyTokens has a user with as many tokens as are kept log in many times at once: as many are kept.
func testRaceManyTokens(t *testing.T, s Store) {
	const more = 8
	r := born(t, s, person("alice"), "")
	for n := 1; n <= session.MaxTokens; n++ {
		takeToken(t, s, r.ID, uuid.Nil, n)
	}
	head := readLog(t, s).head
	for _, err := range together(more, func(i int) error {
		_, run := createToken(t, s, sessionToken(r.ID, uuid.Nil), session.MaxTokens+1+i)
		return run()
	}) {
		must(t, err)
	}
	if got := lastingTokens(t, s, 1, session.MaxTokens+more); got != session.MaxTokens {
		t.Errorf("got %d tokens, want %d", got, session.MaxTokens)
	}
	same(t, readLog(t, s).head-head, more)
}

func testRaceTokenEnds(t *testing.T, s Store) {
	token := takeToken(t, s, born(t, s, person("alice"), "").ID, uuid.Nil, 1)
	before := readLog(t, s)
	oneWins(t, together(20, func(i int) error {
		return endToken(t, s, token, event(audit.SessionTokenEnd, token.ID, start().Add(time.Duration(i)*time.Minute)))()
	}), authority.ErrNotFound)
	after := readLog(t, s)
	if events, changes := len(after.events)-len(before.events), after.head-before.head; events != 1 || changes != 1 {
		t.Errorf("got %d events and %d changes, want one of each", events, changes)
	}
	checkTokenEnded(t, s, 1, token, after.events[len(after.events)-1].At) // when it did for the one who did it
}

// testRaceEnrolments enrols many platforms at once that have something in common.
func testRaceEnrolments(t *testing.T, s Store) {
	for field, share := range map[string]func(*platform.Platform, *platform.Key){
		"name":       func(p *platform.Platform, _ *platform.Key) { p.Name = "one" },
		"issuer":     func(p *platform.Platform, _ *platform.Key) { p.Issuer = "one" },
		"public_key": func(_ *platform.Platform, k *platform.Key) { k.PublicKey = "one" },
	} {
		before := len(readLog(t, s).events)
		errs := together(10, func(int) error {
			p := platformOf(newID().String())
			k := firstKey(&p)
			share(&p, &k)
			return s.AddPlatform(t.Context(), p, p.Name, k, event(audit.PlatformCreate, p.ID, start()))
		})
		oneWins(t, errs, authority.ErrConflict)
		for _, err := range errs {
			if err != nil && fieldOf(err) != field {
				t.Errorf("got error %v, want one about the %s", err, field)
			}
		}
		same(t, len(readLog(t, s).events)-before, 1)
	}
}

func testRacePlatformUpdates(t *testing.T, s Store) {
	p := enrol(t, s, "portal")
	errs := together(20, func(i int) error {
		_, run := updatePlatform(t, s, p, func(c *platform.Change) { c.Audience = fmt.Sprint(i) })
		return run()
	})
	oneWins(t, errs, authority.ErrStale)
	got, err := s.Platform(t.Context(), p.ID)
	must(t, err)
	same(t, got.Version, 2)
	for i, err := range errs {
		if (err == nil) != (got.Audience == fmt.Sprint(i)) {
			t.Errorf("caller %d got %v, and the audience is %q", i, err, got.Audience)
		}
	}
}

// testRacePlatformKeys adds keys at once to a platform that has room for two.
func testRacePlatformKeys(t *testing.T, s Store) {
	p := enrol(t, s, "portal")
	for n := 1; n < platform.MaxKeys-2; n++ {
		addPlatformKey(t, s, p.ID, n)
	}
	added := 0
	for _, err := range together(8, func(i int) error {
		k := platformKey(p.ID, i)
		return s.AddPlatformKey(t.Context(), k, event(audit.PlatformKeyCreate, k.ID, start()))
	}) {
		switch {
		case err == nil:
			added++
		case !errors.Is(err, authority.ErrConflict):
			t.Errorf("got error %v, want %v", err, authority.ErrConflict)
		}
	}
	keys, err := s.PlatformKeys(t.Context(), p.ID)
	must(t, err)
	if added != 2 || len(keys) != platform.MaxKeys {
		t.Errorf("got %d keys added and %d in all, want 2 and %d", added, len(keys), platform.MaxKeys)
	}
}
