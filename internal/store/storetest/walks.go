package storetest

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/session"
)

// walkTests read all tokens of a kind, page by page, as a node does that has just started.
func walkTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"personal tokens": testWalkPersonal,
		"session tokens":  testWalkSessions,
		"nothing":         testWalkNothing,
	}
}

// walkPersonal reads all personal tokens in pages of so many.
func walkPersonal(t *testing.T, s Store, limit int) (all []personal.Stored) {
	t.Helper()
	for after := uuid.Nil; ; after = all[len(all)-1].UserID {
		page, err := s.PersonalTokensAfter(t.Context(), after, limit)
		must(t, err)
		if all = append(all, page...); len(page) < limit {
			return all
		}
	}
}

// walkSessions reads all session tokens in pages of so many.
func walkSessions(t *testing.T, s Store, limit int) (all []session.StoredToken) {
	t.Helper()
	for after := uuid.Nil; ; after = all[len(all)-1].ID {
		page, err := s.SessionTokensAfter(t.Context(), after, limit)
		must(t, err)
		if all = append(all, page...); len(page) < limit {
			return all
		}
	}
}

// testWalkPersonal reads the valid tokens of living users, each once, with its digest, pepper and user, in pages of any size.
func testWalkPersonal(t *testing.T, s Store) {
	var want []personal.Stored
	for i, r := range []account.Record{person("a", "z", "b"), person("b"), person("c"), person("d", "r"), person("e")} {
		if i == 1 {
			r.State = account.Blocked
		}
		r = born(t, s, r, "")
		d := digest(int64(1+i%2), i+1)
		put(t, s, r.ID, d)
		user := r.Holder()
		want = append(want, personal.Stored{Found: personal.Found{UserID: r.ID, Pepper: d.Pepper, User: &user}, Sum: d.Sum})
	}
	_ = born(t, s, person("without"), "")
	revoked, deleted := born(t, s, person("revoked"), ""), born(t, s, person("deleted"), "")
	put(t, s, revoked.ID, digest(1, 11))
	put(t, s, deleted.ID, digest(1, 12))
	must(t, s.RevokePersonalToken(t.Context(), revoked.ID, event(audit.PersonalTokenRevoke, revoked.ID, start())))
	must(t, remove(t, s, deleted.ID)())
	put(t, s, want[2].UserID, digest(2, 9)) // the former isn't there
	want[2].Pepper, want[2].Sum = 2, digest(2, 9).Sum
	slices.SortFunc(want, func(a, b personal.Stored) int { return slices.Compare(a.UserID[:], b.UserID[:]) })
	for _, limit := range []int{1, 2, 5, 6, 2000} {
		same(t, walkPersonal(t, s, limit), want)
	}
}

// testWalkSessions reads all session tokens with their digests, and with the living users of those that weren't ended.
func testWalkSessions(t *testing.T, s Store) {
	alice, bob := born(t, s, person("alice", "r"), ""), born(t, s, person("bob"), "")
	var want []session.StoredToken
	for i, r := range []account.Record{alice, bob, alice, alice, bob} {
		user := r.Holder()
		stored := session.StoredToken{FoundToken: session.FoundToken{Token: takeToken(t, s, r.ID, uuid.Nil, i+1), User: &user}, Sum: digest(1, i+1).Sum}
		want = append(want, stored)
	}
	ended := &want[3]
	ev := event(audit.SessionTokenEnd, ended.ID, start())
	must(t, endToken(t, s, ended.Token, ev)())
	ended.EndedAt, ended.User = ev.At, nil
	gone := born(t, s, person("gone"), "")
	takeToken(t, s, gone.ID, uuid.Nil, 9)
	must(t, remove(t, s, gone.ID)())
	slices.SortFunc(want, func(a, b session.StoredToken) int { return slices.Compare(a.ID[:], b.ID[:]) })
	for _, limit := range []int{1, 2, 5, 6, 2000} {
		same(t, walkSessions(t, s, limit), want)
	}
}

// testWalkNothing reads an empty database.
func testWalkNothing(t *testing.T, s Store) {
	same(t, walkPersonal(t, s, 10), nil)
	same(t, walkSessions(t, s, 10), nil)
}
