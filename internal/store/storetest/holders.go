package storetest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
)

// holderTests look at the users that come with what is looked up for a verdict, in the same statement.
func holderTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"as they are":       testHolders,
		"as they become":    testHolderChanges,
		"under two peppers": testHoldersOfTwo,
		"who are deleted":   testDeletedHolders,
	}
}

// holding is a user with a credential of each kind that is looked up together with it.
type holding struct {
	account.Record
	apiToken, secret, key uuid.UUID
}

// equip gives a new service account, which alone has clients, a credential of each kind.
func equip(t *testing.T, s Store, r account.Record) holding {
	t.Helper()
	_ = firstSigningKey(t, s)
	r.Kind = account.Service
	h := holding{Record: born(t, s, r, "")}
	put(t, s, r.ID, digest(1, 1))
	takeToken(t, s, r.ID, uuid.Nil, 1)
	logIn(t, s, r.ID, 1)
	h.apiToken = createAPIToken(t, s, apiToken(r.ID, "holder's")).ID
	h.secret, h.key = addSecret(t, s, r.ID, 1).ID, addKey(t, s, r.ID, 0).ID
	return h
}

// found returns the user that comes with each credential of h, by what it is looked up as.
func (h *holding) found(t *testing.T, s Store) map[string]*authority.User {
	t.Helper()
	users := make(map[string]*authority.User)
	token, err := s.SessionTokenByDigest(t.Context(), []keyring.Digest{digest(1, 1)})
	must(t, err)
	users["session token"] = token.User
	for kind, d := range map[authority.Kind]keyring.Digest{authority.ConsoleSession: cookies(1, 1).Console, authority.APISession: cookies(1, 1).API} {
		b, err := s.BrowserSessionByDigest(t.Context(), kind, []keyring.Digest{d})
		must(t, err)
		users[kind.String()] = b.User
	}
	api, err := s.FindAPIToken(t.Context(), h.apiToken, signingKey(0).ID)
	must(t, err)
	users["API token"] = api.User
	grounds, err := s.GroundsOfAPIToken(t.Context(), h.apiToken, signingKey(0).ID, newID())
	must(t, err)
	users["access token of an API token"] = grounds.User
	for what, id := range map[string]uuid.UUID{"access token of a secret": h.secret, "access token of a key": h.key} {
		grounds, err := s.GroundsOfClient(t.Context(), id, signingKey(0).ID, newID())
		must(t, err)
		users[what] = grounds.User
	}
	return users
}

// check makes sure that each credential of h comes with its user as it is wanted.
func (h *holding) check(t *testing.T, s Store, want authority.User) {
	t.Helper()
	users := h.found(t, s)
	personal, err := s.FindPersonalToken(t.Context(), []keyring.Digest{digest(1, 1)})
	must(t, err)
	users["personal token"] = personal.User
	for what, got := range users {
		if got == nil {
			t.Errorf("%s: got no user, want %s", what, want.Username)
			continue
		}
		t.Run(what, func(t *testing.T) { same(t, *got, want) })
	}
}

// testHolders reads a user with each of its credentials. A stranger, who has as many, is beside it.
func testHolders(t *testing.T, s Store) {
	stranger := person("stranger", "other")
	put(t, s, born(t, s, stranger, "").ID, digest(1, 2))
	r := person("alice", "b", "a.x", "Z")
	r.Username, r.DisplayName = "Alice", "Alice Ågren"
	r.Email, r.EmailKey = "Alice@example.com", "alice@example.com"
	h := equip(t, s, r)
	h.check(t, s, authority.User{
		ID: r.ID, Username: "Alice", DisplayName: "Alice Ågren", Email: "Alice@example.com", Roles: []string{"Z", "a.x", "b"}, Active: true,
	})
}

// testHolderChanges reads a user as each change leaves it: without roles, with others, blocked, and suspended.
func testHolderChanges(t *testing.T, s Store) {
	h := equip(t, s, person("alice", "a"))
	want := authority.User{ID: h.ID, Username: "alice", Roles: []string{"a"}, Active: true}
	at := start()
	h.check(t, s, want)
	change := func(change func(*account.Record)) {
		t.Helper()
		h.Record, at = updates(t, s, h.Record, at, change)
		h.check(t, s, want)
	}
	want.Roles = nil
	change(func(r *account.Record) { r.Roles = nil })
	want.Roles = []string{"admin", "c"}
	change(func(r *account.Record) { r.Roles = []string{"admin", "c"} })
	want.Active = false
	change(func(r *account.Record) { r.State = account.Blocked })
	want.Suspended = true
	change(func(r *account.Record) { r.State = account.Suspended })
}

// testHoldersOfTwo reads the user of what is stored under either of two peppers, with its own pepper's version.
func testHoldersOfTwo(t *testing.T, s Store) {
	a, b := born(t, s, person("a", "r"), ""), born(t, s, person("b"), "")
	put(t, s, a.ID, digest(1, 1))
	put(t, s, b.ID, digest(2, 2))
	for _, test := range []struct {
		digests []keyring.Digest
		want    account.Record
		pepper  int64
	}{
		{[]keyring.Digest{digest(2, 8), digest(1, 1)}, a, 1},
		{[]keyring.Digest{digest(2, 2), digest(1, 8)}, b, 2},
		{[]keyring.Digest{digest(1, 1), digest(2, 8)}, a, 1},
	} {
		got, err := s.FindPersonalToken(t.Context(), test.digests)
		must(t, err)
		if got.User == nil || got.Pepper != test.pepper {
			t.Errorf("%v: got %+v, want the token of %s under pepper %d", test.digests, got, test.want.Username, test.pepper)
			continue
		}
		same(t, *got.User, test.want.Holder())
	}
}

// testDeletedHolders finds no user beside a credential of one that was deleted, and no personal token, which goes with it.
func testDeletedHolders(t *testing.T, s Store) {
	h := equip(t, s, person("alice", "a"))
	twin := born(t, s, person("bob", "a"), "")
	put(t, s, twin.ID, digest(1, 9))
	must(t, remove(t, s, h.ID)())
	checkDead(t, s, digest(1, 1))
	checkFormer(t, s, uuid.Nil, digest(1, 1))
	checkNoToken(t, s, digest(1, 1))
	token, err := s.FindAPIToken(t.Context(), h.apiToken, signingKey(0).ID)
	if err != nil || token.DeletedAt.IsZero() || token.User != nil {
		t.Errorf("API token: got %+v and error %v, want it deleted and nobody's", token, err)
	}
	grounds, err := s.GroundsOfAPIToken(t.Context(), h.apiToken, signingKey(0).ID, newID())
	if err != nil || grounds.Parent.State != accesstoken.Deleted || grounds.User != nil {
		t.Errorf("access token: got %+v and error %v, want its parent deleted and nobody's", grounds, err)
	}
	for _, id := range []uuid.UUID{h.secret, h.key} {
		grounds, err := s.GroundsOfClient(t.Context(), id, signingKey(0).ID, newID())
		if err != nil || grounds.Parent.State != accesstoken.Deleted || grounds.User != nil {
			t.Errorf("client's access token: got %+v and error %v, want its parent deleted and nobody's", grounds, err)
		}
	}
	checkLive(t, s, twin.ID, digest(1, 9))
}
