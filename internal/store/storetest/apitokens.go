package storetest

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

func apiTokenTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"create":                    testCreateAPIToken,
		"keep limits":               testAPITokenLimits,
		"refuse a name taken":       testAPITokenNames,
		"update":                    testUpdateAPIToken,
		"delete":                    testDeleteAPIToken,
		"list":                      testListAPITokens,
		"name those that there are": testAPITokensNamed,
		"of a deleted user":         testAPITokensOfDeleted,
		"note uses":                 testTouchAPITokens,
		"grounds of access tokens":  testGroundsOfAPIToken,
		"take back access tokens":   testRevokeAccessToken,
		"forget those long ended":   testPruneRevoked,
		"see revoked signing keys":  testAPITokenKeys,
	}
}

// apiToken returns an unlimited API token of a user, signed with signingKey(0), to be stored.
func apiToken(userID uuid.UUID, name string) apitoken.Record {
	return apitoken.Record{Token: apitoken.Token{
		ID: newID(), UserID: userID, Name: name, KeyID: signingKey(0).ID, Enabled: true, CreatedAt: start(), UpdatedAt: start(), Version: 1,
	}, NameKey: strings.ToLower(name)}
}

// createAPIToken stores an API token.
func createAPIToken(t *testing.T, s Store, r apitoken.Record) apitoken.Record {
	t.Helper()
	must(t, s.CreateAPIToken(t.Context(), r, event(audit.APITokenCreate, r.ID, start())))
	return r
}

// tokenOwner returns a user, and has the key stored with which its tokens are signed.
func tokenOwner(t *testing.T, s Store) account.Record {
	t.Helper()
	_ = firstSigningKey(t, s)
	return born(t, s, person("alice"), "")
}

// checkAPIToken makes sure that a living token is as wanted, to whoever lists, reads or presents it.
func checkAPIToken(t *testing.T, s Store, want apitoken.Token) {
	t.Helper()
	read, err := s.APIToken(t.Context(), want.ID)
	must(t, err)
	named, err := s.APITokenByName(t.Context(), strings.ToLower(want.Name))
	must(t, err)
	found, err := s.FindAPIToken(t.Context(), want.ID, want.KeyID)
	must(t, err)
	exactly(t, read, want)
	exactly(t, named, want)
	exactly(t, found.Token, want)
}

// testCreateAPIToken stores a token, which changes no verdict that was given: there is an event of it and nothing in the feed. An
// ID is used once, and nobody but a living user has tokens.
func testCreateAPIToken(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	r := apiToken(owner.ID, "Nightly export")
	ev := event(audit.APITokenCreate, r.ID, start())
	does(t, s, ev, nil, func() error { return s.CreateAPIToken(t.Context(), r, ev) })
	checkAPIToken(t, s, r.Token)
	again := r
	again.NameKey, again.Name = "other", "Other"
	refuses(t, s, authority.ErrConflict, func() error { return s.CreateAPIToken(t.Context(), again, ev) })
	nobodys := apiToken(newID(), "nobody's")
	refuses(t, s, authority.ErrNotFound, func() error { return s.CreateAPIToken(t.Context(), nobodys, ev) })
	if _, err := s.FindAPIToken(t.Context(), newID(), r.KeyID); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("one that never was: got error %v, want %v", err, authority.ErrNotFound)
	}
}

// testAPITokenLimits reads back each limit as it was given, alone. No scopes at all are another thing than no limit to scopes.
func testAPITokenLimits(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	for name, limits := range map[string]authority.Limits{
		"none":      {},
		"no scope":  {Scopes: []string{}},
		"scopes":    {Scopes: []string{"a.read", "b"}},
		"addresses": {From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")}},
		"rate":      {Rate: authority.Rate{Calls: 600, Per: time.Minute}},
	} {
		r := apiToken(owner.ID, name)
		r.Limits, r.ExpiresAt = limits, start().Add(time.Hour).Truncate(time.Second)
		createAPIToken(t, s, r)
		checkAPIToken(t, s, r.Token)
		parent, err := s.APITokenParent(t.Context(), r.ID)
		must(t, err)
		want := accesstoken.Parent{ID: r.ID, UserID: owner.ID, State: accesstoken.Live, NotAfter: r.ExpiresAt, Limits: &limits}
		exactly(t, parent, want)
	}
}

// testAPITokenNames gives out a name, in any case, once among living tokens, and anew when its token is deleted.
func testAPITokenNames(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	first, second := createAPIToken(t, s, apiToken(owner.ID, "First")), createAPIToken(t, s, apiToken(owner.ID, "Second"))
	ev := event(audit.APITokenCreate, first.ID, start())
	isNamed := func(err error) {
		t.Helper()
		if field, ok := errors.AsType[*authority.FieldError](err); !ok || field.Field != "name" {
			t.Errorf("got error %v, want one that names the field", err)
		}
	}
	isNamed(s.CreateAPIToken(t.Context(), apiToken(owner.ID, "FIRST"), ev))
	refuses(t, s, authority.ErrConflict, func() error { return s.CreateAPIToken(t.Context(), apiToken(owner.ID, "FIRST"), ev) })
	second.Name, second.NameKey = "first", "first"
	isNamed(s.UpdateAPIToken(t.Context(), second, ev))
	refuses(t, s, authority.ErrConflict, func() error { return s.UpdateAPIToken(t.Context(), second, ev) })
	must(t, s.DeleteAPIToken(t.Context(), first.ID, ev))
	must(t, s.UpdateAPIToken(t.Context(), second, event(audit.APITokenUpdate, second.ID, start()))) // the name is free again
}

// testUpdateAPIToken changes everything that can change in one step, which counts for the next access token, too. Of two changes
// of one version the first wins.
func testUpdateAPIToken(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	r := createAPIToken(t, s, apiToken(owner.ID, "Old"))
	r.Name, r.NameKey, r.Enabled, r.UpdatedAt = "New", "new", false, start().Add(time.Hour)
	r.Limits = authority.Limits{Scopes: []string{"a"}, From: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, Rate: authority.Rate{Calls: 1, Per: time.Second}}
	ev := event(audit.APITokenUpdate, r.ID, r.UpdatedAt)
	does(t, s, ev, one(feed.APIToken, r.ID), func() error { return s.UpdateAPIToken(t.Context(), r, ev) })
	want := r.Token
	want.Version = 2
	checkAPIToken(t, s, want)
	if parent, err := s.APITokenParent(t.Context(), r.ID); err != nil || parent.State != accesstoken.Disabled {
		t.Errorf("got %+v and error %v, want it disabled", parent, err)
	}
	refuses(t, s, authority.ErrStale, func() error { return s.UpdateAPIToken(t.Context(), r, ev) })
	must(t, s.DeleteAPIToken(t.Context(), r.ID, ev))
	r.Version = 3
	refuses(t, s, authority.ErrNotFound, func() error { return s.UpdateAPIToken(t.Context(), r, ev) })
}

// testDeleteAPIToken leaves a tombstone that a verdict finds and nobody reads, and leaves other tokens alone.
func testDeleteAPIToken(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	r, other := createAPIToken(t, s, apiToken(owner.ID, "gone")), createAPIToken(t, s, apiToken(owner.ID, "other"))
	ev := event(audit.APITokenDelete, r.ID, start().Add(time.Hour))
	does(t, s, ev, one(feed.APIToken, r.ID), func() error { return s.DeleteAPIToken(t.Context(), r.ID, ev) })
	refuses(t, s, authority.ErrNotFound, func() error { return s.DeleteAPIToken(t.Context(), r.ID, ev) })
	if _, err := s.APIToken(t.Context(), r.ID); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
	}
	if _, err := s.APITokenByName(t.Context(), r.NameKey); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v by name, want %v", err, authority.ErrNotFound)
	}
	found, err := s.FindAPIToken(t.Context(), r.ID, r.KeyID)
	must(t, err)
	if !found.DeletedAt.Equal(ev.At) || found.Name != "gone" {
		t.Errorf("got %+v, want the tombstone of %s", found, ev.At)
	}
	if parent, err := s.APITokenParent(t.Context(), r.ID); err != nil || parent.State != accesstoken.Deleted {
		t.Errorf("got %+v and error %v, want it deleted", parent, err)
	}
	refuses(t, s, authority.ErrConflict, func() error { return s.CreateAPIToken(t.Context(), r, ev) }) // its ID is never used again
	checkAPIToken(t, s, other.Token)
}

// testListAPITokens lists living tokens in each order, a page at a time, by each filter and by all together.
func testListAPITokens(t *testing.T, s Store) {
	owner, other := tokenOwner(t, s), born(t, s, person("bob"), "")
	made := map[string]apitoken.Record{}
	place := func(name string) apitoken.Place { return apitoken.Place{ID: made[name].ID, End: made[name].ExpiresAt} }
	for i, name := range []string{"d", "b", "a", "c"} {
		r := apiToken(owner.ID, name)
		r.ID = uuid.UUID{5: byte(i), 6: 0x70, 8: 0x80, 15: 9} // the order of their making
		r.Enabled = name != "b"
		if name != "c" {
			r.ExpiresAt = start().Add(time.Duration(i+1) * time.Hour)
		}
		if name == "a" {
			r.UserID = other.ID
		}
		made[name] = createAPIToken(t, s, r)
	}
	gone := createAPIToken(t, s, apiToken(owner.ID, "e"))
	must(t, s.DeleteAPIToken(t.Context(), gone.ID, event(audit.APITokenDelete, gone.ID, start())))
	for _, test := range []struct {
		name  string
		query apitoken.Query
		want  string
	}{
		{"all", apitoken.Query{Limit: 9}, "abcd"},
		{"a page", apitoken.Query{Limit: 2}, "ab"},
		{"the next", apitoken.Query{After: apitoken.Place{Name: "b"}, Limit: 2}, "cd"},
		{"backwards", apitoken.Query{Descending: true, After: apitoken.Place{Name: "d"}, Limit: 2}, "cb"},
		{"of a user", apitoken.Query{UserID: owner.ID, Limit: 9}, "bcd"},
		{"enabled", apitoken.Query{Enabled: new(true), Limit: 9}, "acd"},
		{"enabled, the next", apitoken.Query{Enabled: new(true), After: apitoken.Place{Name: "a"}, Limit: 1}, "c"},
		{"disabled", apitoken.Query{Enabled: new(false), Limit: 9}, "b"},
		{"by name", apitoken.Query{Find: "c", Limit: 9}, "c"},
		{"by name, in vain", apitoken.Query{Find: "aa", Limit: 9}, ""},
		{"by name, of a user, enabled", apitoken.Query{Find: "c", UserID: other.ID, Enabled: new(true), Limit: 9}, ""},
		{"by name, after it", apitoken.Query{Find: "c", After: apitoken.Place{Name: "c"}, Limit: 9}, ""},
		{"by age", apitoken.Query{Order: apitoken.ByAge, Limit: 9}, "dbac"},
		{"by age, the next", apitoken.Query{Order: apitoken.ByAge, After: apitoken.Place{ID: made["b"].ID}, Limit: 9}, "ac"},
		{"the newest", apitoken.Query{Order: apitoken.ByAge, Descending: true, Limit: 2}, "ca"},
		{"the newest enabled one before", apitoken.Query{Order: apitoken.ByAge, Descending: true, Enabled: new(true), After: apitoken.Place{ID: made["a"].ID}, Limit: 9}, "d"},
		{"disabled, by age", apitoken.Query{Order: apitoken.ByAge, Enabled: new(false), Limit: 9}, "b"},
		{"of a user, by age", apitoken.Query{Order: apitoken.ByAge, UserID: owner.ID, Limit: 9}, "dbc"},
		{"by end", apitoken.Query{Order: apitoken.ByEnd, Limit: 9}, "dbac"},
		{"by end, the next", apitoken.Query{Order: apitoken.ByEnd, After: place("b"), Limit: 9}, "ac"},
		{"by end, the last", apitoken.Query{Order: apitoken.ByEnd, After: place("c"), Limit: 9}, ""},
		{"the latest", apitoken.Query{Order: apitoken.ByEnd, Descending: true, Limit: 2}, "ca"},
		{"the latest, the next", apitoken.Query{Order: apitoken.ByEnd, Descending: true, After: place("c"), Limit: 2}, "ab"},
		{"of a user, by end", apitoken.Query{Order: apitoken.ByEnd, UserID: owner.ID, After: place("d"), Limit: 9}, "bc"},
		{"ending soon", apitoken.Query{Order: apitoken.ByEnd, ExpiringBefore: start().Add(3 * time.Hour), Limit: 9}, "db"},
		{"ending soon, disabled", apitoken.Query{Order: apitoken.ByEnd, Enabled: new(false), ExpiringBefore: start().Add(3 * time.Hour), Limit: 9}, "b"},
		{"the soonest", apitoken.Query{Order: apitoken.ByEnd, EndingFrom: start().Add(2 * time.Hour), Limit: 2}, "ba"},
		{"ending within", apitoken.Query{Order: apitoken.ByEnd, EndingFrom: start(), ExpiringBefore: start().Add(3 * time.Hour), Enabled: new(true), Limit: 9}, "d"},
		{"all at once", apitoken.Query{
			Order: apitoken.ByEnd, Find: "b", UserID: owner.ID, Enabled: new(false), EndingFrom: start(), ExpiringBefore: start().Add(3 * time.Hour),
			After: place("d"), Limit: 9,
		}, "b"},
	} {
		tokens, err := s.APITokens(t.Context(), test.query)
		must(t, err)
		got := ""
		for _, token := range tokens {
			got += token.Name
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// testAPITokensNamed names tokens, deleted ones too: the audit log tells of both.
func testAPITokensNamed(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	a, gone := createAPIToken(t, s, apiToken(owner.ID, "A")), createAPIToken(t, s, apiToken(owner.ID, "gone"))
	createAPIToken(t, s, apiToken(owner.ID, "other"))
	must(t, s.DeleteAPIToken(t.Context(), gone.ID, event(audit.APITokenDelete, gone.ID, start())))
	got, err := s.APITokensNamed(t.Context(), []uuid.UUID{gone.ID, newID(), owner.ID, a.ID, a.ID})
	must(t, err)
	same(t, got, map[uuid.UUID]string{a.ID: "A", gone.ID: "gone"})
	got, err = s.APITokensNamed(t.Context(), nil)
	must(t, err)
	same(t, got, map[uuid.UUID]string{})
}

// testAPITokensOfDeleted ends a user's tokens with the user; a new user of the same name inherits none.
func testAPITokensOfDeleted(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	r := createAPIToken(t, s, apiToken(owner.ID, "orphan"))
	must(t, remove(t, s, owner.ID)())
	if _, err := s.APIToken(t.Context(), r.ID); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
	}
	if parent, err := s.APITokenParent(t.Context(), r.ID); err != nil || parent.State != accesstoken.Deleted {
		t.Errorf("got %+v and error %v, want it deleted", parent, err)
	}
	createAPIToken(t, s, apiToken(born(t, s, person("alice"), "").ID, "orphan")) // the name is free
}

// testTouchAPITokens keeps the latest use, by a token or by an access token of it; an older one that comes late changes nothing,
// and nobody need hear of it.
func testTouchAPITokens(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	r := createAPIToken(t, s, apiToken(owner.ID, "used"))
	at, from := start().Add(time.Minute), netip.MustParseAddr("2001:db8::7")
	want := r.Token
	for _, use := range []struct {
		used    authority.Use
		at      time.Time
		from    string
		through func(used []authority.Use) error
	}{
		{authority.Use{ID: r.ID, At: at, From: from}, at, from.String(), func(u []authority.Use) error { return s.TouchAPITokens(t.Context(), u) }},
		{authority.Use{ID: r.ID, At: at.Add(-time.Second)}, at, from.String(), func(u []authority.Use) error { return s.TouchAPITokens(t.Context(), u) }},
		{authority.Use{ID: r.ID, At: at.Add(time.Second)}, at.Add(time.Second), from.String(), func(u []authority.Use) error { return s.TouchParents(t.Context(), u) }},
		{authority.Use{ID: newID(), At: at.Add(time.Hour)}, at.Add(time.Second), from.String(), func(u []authority.Use) error { return s.TouchParents(t.Context(), u) }},
	} {
		quietly(t, s, func() error { return use.through([]authority.Use{use.used}) })
		want.LastUsedAt, want.LastUsedIP = use.at, use.from
		checkAPIToken(t, s, want)
	}
}

// testGroundsOfAPIToken returns all that an access token rests on, in one read; a key that nobody knows is as good as a revoked one.
// The tokens of clients are not among these parents.
func testGroundsOfAPIToken(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	r := createAPIToken(t, s, apiToken(owner.ID, "parent"))
	grounds, err := s.GroundsOfAPIToken(t.Context(), r.ID, r.KeyID, newID())
	must(t, err)
	user := owner.Holder()
	want := accesstoken.Grounds{Parent: accesstoken.Parent{ID: r.ID, UserID: owner.ID, State: accesstoken.Live, Limits: &authority.Limits{}}, User: &user}
	exactly(t, grounds, want)
	if grounds, err = s.GroundsOfAPIToken(t.Context(), r.ID, "unknown", newID()); err != nil || !grounds.KeyRevoked {
		t.Errorf("of a key that there isn't: got %+v and error %v, want it taken for revoked", grounds, err)
	}
	if _, err := s.GroundsOfAPIToken(t.Context(), newID(), r.KeyID, newID()); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("of no parent: got error %v, want %v", err, authority.ErrNotFound)
	}
	if _, err := s.GroundsOfClient(t.Context(), r.ID, r.KeyID, newID()); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("as a client's: got error %v, want %v", err, authority.ErrNotFound)
	}
}

// testRevokeAccessToken takes back one access token of a parent, of either sort, and no other of it. The feed names the parent,
// for that is what verdicts are remembered by; to take it back twice is to do it once.
func testRevokeAccessToken(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	r := createAPIToken(t, s, apiToken(owner.ID, "parent"))
	c := addSecret(t, s, client(t, s).ID, 1)
	for _, test := range []struct {
		parent  uuid.UUID
		client  bool
		kind    feed.Kind
		grounds func(ctx context.Context, parent uuid.UUID, kid string, id uuid.UUID) (accesstoken.Grounds, error)
	}{
		{r.ID, false, feed.APIToken, s.GroundsOfAPIToken},
		{c.ID, true, feed.ClientSecret, s.GroundsOfClient},
	} {
		revocation := accesstoken.Revocation{ID: newID(), Parent: test.parent, Until: start().Add(time.Minute), Client: test.client}
		ev := event(audit.AccessTokenRevoke, revocation.ID, start())
		does(t, s, ev, one(test.kind, test.parent), func() error { return s.RevokeAccessToken(t.Context(), revocation, ev) })
		quietly(t, s, func() error { return s.RevokeAccessToken(t.Context(), revocation, ev) })
		for token, want := range map[uuid.UUID]bool{revocation.ID: true, newID(): false} {
			grounds, err := test.grounds(t.Context(), test.parent, r.KeyID, token)
			if err != nil || grounds.Parent.ID != test.parent || grounds.Revoked != want || grounds.KeyRevoked {
				t.Errorf("of %s: got %+v and error %v, want revoked %t, and its key not", test.kind, grounds, err, want)
			}
		}
	}
}

// testPruneRevoked forgets the access tokens that had ended before a time, and none that ends at it or later.
func testPruneRevoked(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	r := createAPIToken(t, s, apiToken(owner.ID, "parent"))
	early, late := newID(), newID()
	for id, until := range map[uuid.UUID]time.Time{early: start(), late: start().Add(time.Microsecond)} {
		must(t, s.RevokeAccessToken(t.Context(), accesstoken.Revocation{ID: id, Parent: r.ID, Until: until}, event(audit.AccessTokenRevoke, id, start())))
	}
	quietly(t, s, func() error {
		n, err := s.PruneRevokedAccessTokens(t.Context(), start().Add(time.Microsecond))
		if n != 1 {
			t.Errorf("got %d, want 1", n)
		}
		return err
	})
	for id, want := range map[uuid.UUID]bool{early: false, late: true} {
		if grounds, err := s.GroundsOfAPIToken(t.Context(), r.ID, r.KeyID, id); err != nil || grounds.Revoked != want {
			t.Errorf("got %+v and error %v, want revoked %t", grounds, err, want)
		}
	}
}

// testAPITokenKeys tells of a revoked signing key with the record, whichever of a token's own two reads asks.
func testAPITokenKeys(t *testing.T, s Store) {
	owner := tokenOwner(t, s)
	r := createAPIToken(t, s, apiToken(owner.ID, "signed"))
	_, revoke := revokeSigningKey(t, s, r.KeyID, signingKey(1), start())
	must(t, revoke())
	for kid, want := range map[string]bool{r.KeyID: true, signingKey(1).ID: false, "": true} {
		found, err := s.FindAPIToken(t.Context(), r.ID, kid)
		must(t, err)
		grounds, err := s.GroundsOfAPIToken(t.Context(), r.ID, kid, newID())
		must(t, err)
		if found.KeyRevoked != want || grounds.KeyRevoked != want {
			t.Errorf("key %q: got revoked %t and %t, want %t", kid, found.KeyRevoked, grounds.KeyRevoked, want)
		}
	}
}
