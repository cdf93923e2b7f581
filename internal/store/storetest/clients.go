package storetest

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
)

func clientTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"secrets, two at most":       testClientSecrets,
		"delete a secret":            testDeleteClientSecret,
		"secret under two peppers":   testClientSecretPeppers,
		"keys, five at most":         testClientKeys,
		"delete a key":               testDeleteClientKey,
		"of people":                  testNoClient,
		"of a deleted user":          testClientOfDeleted,
		"note uses":                  testTouchClient,
		"use an assertion once":      testUseAssertion,
		"use an assertion, together": testRaceAssertions,
	}
}

// client returns a service account.
func client(t *testing.T, s Store) account.Record {
	t.Helper()
	r := person("batch")
	r.Kind = account.Service
	return born(t, s, r, "")
}

// clientSecret returns a secret to be stored, the nth second's.
func clientSecret(userID uuid.UUID, n int) clientauth.Secret {
	return clientauth.Secret{ID: newID(), UserID: userID, CreatedAt: start().Add(time.Duration(n) * time.Second), Pepper: 1}
}

// clientKey returns a key to be stored, the nth second's: the even ones in PEM, the odd ones by their address.
func clientKey(userID uuid.UUID, n int) clientauth.Key {
	k := clientauth.Key{ID: newID(), UserID: userID, CreatedAt: start().Add(time.Duration(n) * time.Second)}
	if n%2 == 0 {
		k.Algorithm, k.PublicKey = jose.ES256, "PEM"
	} else {
		k.JWKSURI = "https://client.example/jwks.json"
	}
	return k
}

// addSecret stores a secret under digest(1, n), and returns it.
func addSecret(t *testing.T, s Store, userID uuid.UUID, n int) clientauth.Secret {
	t.Helper()
	c := clientSecret(userID, n)
	ev := event(audit.ClientSecretCreate, c.ID, c.CreatedAt)
	does(t, s, ev, nil, func() error { return s.AddClientSecret(t.Context(), c, digest(1, n), ev) })
	return c
}

// addKey stores a key and returns it.
func addKey(t *testing.T, s Store, userID uuid.UUID, n int) clientauth.Key {
	t.Helper()
	c := clientKey(userID, n)
	ev := event(audit.ClientKeyCreate, c.ID, c.CreatedAt)
	does(t, s, ev, nil, func() error { return s.AddClientKey(t.Context(), c, ev) })
	return c
}

// testClientSecrets gives a service account two secrets and no third, until one of them is deleted. Each is found by its digest,
// under its own pepper alone.
func testClientSecrets(t *testing.T, s Store) {
	u := client(t, s)
	first, second := addSecret(t, s, u.ID, 1), addSecret(t, s, u.ID, 2)
	got, err := s.ClientSecrets(t.Context(), u.ID)
	must(t, err)
	same(t, got, []clientauth.Secret{first, second})
	ev := event(audit.ClientSecretCreate, u.ID, start())
	refuses(t, s, authority.ErrConflict, func() error { return s.AddClientSecret(t.Context(), clientSecret(u.ID, 3), digest(1, 3), ev) })
	found, err := s.ClientSecretByDigest(t.Context(), []keyring.Digest{digest(1, 2)})
	must(t, err)
	same(t, found, clientauth.FoundSecret{Secret: second, UsernameKey: "batch"})
	for _, d := range []keyring.Digest{digest(1, 3), digest(2, 2)} {
		if _, err := s.ClientSecretByDigest(t.Context(), []keyring.Digest{d}); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
		}
	}
	must(t, s.DeleteClientSecret(t.Context(), u.ID, first.ID, ev))
	_ = addSecret(t, s, u.ID, 4)
}

// testDeleteClientSecret ends a secret of its own user, once. Its digest stays, so that the audit log can tell what was presented.
func testDeleteClientSecret(t *testing.T, s Store) {
	u, other := client(t, s), born(t, s, person("alice"), "")
	c := addSecret(t, s, u.ID, 1)
	ev := event(audit.ClientSecretDelete, c.ID, start().Add(time.Hour))
	refuses(t, s, authority.ErrNotFound, func() error { return s.DeleteClientSecret(t.Context(), other.ID, c.ID, ev) })
	does(t, s, ev, one(feed.ClientSecret, c.ID), func() error { return s.DeleteClientSecret(t.Context(), u.ID, c.ID, ev) })
	refuses(t, s, authority.ErrNotFound, func() error { return s.DeleteClientSecret(t.Context(), u.ID, c.ID, ev) })
	found, err := s.ClientSecretByDigest(t.Context(), []keyring.Digest{digest(1, 1)})
	if err != nil || !found.DeletedAt.Equal(ev.At) {
		t.Errorf("got %+v and error %v, want it known as deleted", found, err)
	}
	checkClientParent(t, s, c.ID, u.ID, accesstoken.Deleted)
}

// checkClientParent makes sure what the tokens of a client rest on.
func checkClientParent(t *testing.T, s Store, id, userID uuid.UUID, want accesstoken.State) {
	t.Helper()
	parent, err := s.ClientParent(t.Context(), id)
	if err != nil || parent.ID != id || parent.UserID != userID || parent.State != want || !parent.NotAfter.IsZero() {
		t.Errorf("got parent %+v and error %v, want it %s", parent, err, want)
	}
	grounds, err := s.GroundsOfClient(t.Context(), id, "unknown", newID())
	if err != nil || grounds.Parent.State != want || !grounds.KeyRevoked || grounds.Revoked {
		t.Errorf("got %+v and error %v, want it %s, and the key unknown", grounds, err, want)
	}
}

// testClientSecretPeppers moves a secret to a newer pepper where it is still stored under the old digest, and is found under
// either meanwhile.
func testClientSecretPeppers(t *testing.T, s Store) {
	u := client(t, s)
	c := addSecret(t, s, u.ID, 1)
	quietly(t, s, func() error { return s.RedigestClientSecret(t.Context(), c.ID, digest(1, 2), digest(2, 1)) }) // it isn't that one
	found, err := s.ClientSecretByDigest(t.Context(), []keyring.Digest{digest(2, 1), digest(1, 1)})
	if err != nil || found.Pepper != 1 {
		t.Errorf("got %+v and error %v, want it under the older pepper", found, err)
	}
	quietly(t, s, func() error { return s.RedigestClientSecret(t.Context(), c.ID, digest(1, 1), digest(2, 1)) })
	found, err = s.ClientSecretByDigest(t.Context(), []keyring.Digest{digest(2, 1), digest(1, 1)})
	if err != nil || found.Pepper != 2 {
		t.Errorf("got %+v and error %v, want it under the newer pepper", found, err)
	}
}

// testClientKeys gives a service account five keys and no sixth, and finds them by its name, the newest first: that one is most
// likely in use. Who has none is told from who isn't there.
func testClientKeys(t *testing.T, s Store) {
	u := client(t, s)
	if keys, err := s.ClientKeysByName(t.Context(), "batch"); err != nil || len(keys) != 0 {
		t.Errorf("before the first: got %+v and error %v, want none", keys, err)
	}
	var added []clientauth.Key
	for n := range clientauth.MaxKeys {
		added = append(added, addKey(t, s, u.ID, n))
	}
	ev := event(audit.ClientKeyCreate, u.ID, start())
	refuses(t, s, authority.ErrConflict, func() error { return s.AddClientKey(t.Context(), clientKey(u.ID, 6), ev) })
	got, err := s.ClientKeys(t.Context(), u.ID)
	must(t, err)
	same(t, got, added)
	byName, err := s.ClientKeysByName(t.Context(), "batch")
	must(t, err)
	slices.Reverse(added)
	same(t, byName, added)
	if _, err := s.ClientKeysByName(t.Context(), "nobody"); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
	}
}

// testDeleteClientKey ends a key of its own user, once. It is found by the name still, so that the audit log can tell whose
// assertion that was.
func testDeleteClientKey(t *testing.T, s Store) {
	u, other := client(t, s), born(t, s, person("alice"), "")
	c := addKey(t, s, u.ID, 0)
	checkClientParent(t, s, c.ID, u.ID, accesstoken.Live)
	ev := event(audit.ClientKeyDelete, c.ID, start().Add(time.Hour))
	refuses(t, s, authority.ErrNotFound, func() error { return s.DeleteClientKey(t.Context(), other.ID, c.ID, ev) })
	does(t, s, ev, one(feed.ClientSecret, c.ID), func() error { return s.DeleteClientKey(t.Context(), u.ID, c.ID, ev) })
	refuses(t, s, authority.ErrNotFound, func() error { return s.DeleteClientKey(t.Context(), u.ID, c.ID, ev) })
	if keys, err := s.ClientKeys(t.Context(), u.ID); err != nil || len(keys) != 0 {
		t.Errorf("got %+v and error %v, want none that live", keys, err)
	}
	if keys, err := s.ClientKeysByName(t.Context(), "batch"); err != nil || len(keys) != 1 || !keys[0].DeletedAt.Equal(ev.At) {
		t.Errorf("got %+v and error %v, want it known as deleted", keys, err)
	}
	checkClientParent(t, s, c.ID, u.ID, accesstoken.Deleted)
}

// testNoClient gives people what only service accounts have; an account that becomes a person's is no client from then on.
func testNoClient(t *testing.T, s Store) {
	alice := born(t, s, person("alice"), "")
	ev := event(audit.ClientKeyCreate, alice.ID, start())
	for _, id := range []uuid.UUID{alice.ID, newID()} {
		refuses(t, s, authority.ErrNotFound, func() error { return s.AddClientSecret(t.Context(), clientSecret(id, 1), digest(1, 1), ev) })
		refuses(t, s, authority.ErrNotFound, func() error { return s.AddClientKey(t.Context(), clientKey(id, 1), ev) })
	}
	if _, err := s.ClientKeysByName(t.Context(), "alice"); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
	}
	u := client(t, s)
	_ = addSecret(t, s, u.ID, 2)
	u.Kind = account.Person
	must(t, update(t, s, u)())
	if _, err := s.ClientSecretByDigest(t.Context(), []keyring.Digest{digest(1, 2)}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("of one who became a person: got error %v, want %v", err, authority.ErrNotFound)
	}
}

// testClientOfDeleted ends secrets and keys with their user. What was got with them is refused as of something deleted.
func testClientOfDeleted(t *testing.T, s Store) {
	u := client(t, s)
	c, k := addSecret(t, s, u.ID, 1), addKey(t, s, u.ID, 2)
	must(t, remove(t, s, u.ID)())
	if found, err := s.ClientSecretByDigest(t.Context(), []keyring.Digest{digest(1, 1)}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %+v and error %v, want %v: its digest is gone", found, err, authority.ErrNotFound)
	}
	if _, err := s.ClientKeysByName(t.Context(), "batch"); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
	}
	checkClientParent(t, s, c.ID, u.ID, accesstoken.Deleted)
	checkClientParent(t, s, k.ID, u.ID, accesstoken.Deleted)
}

// testTouchClient keeps the latest use, by a secret or key itself or by an access token of it; an older one that comes late
// changes nothing.
func testTouchClient(t *testing.T, s Store) {
	u := client(t, s)
	c, k := addSecret(t, s, u.ID, 1), addKey(t, s, u.ID, 2)
	at, from := start().Add(time.Hour), netip.MustParseAddr("192.0.2.9")
	quietly(t, s, func() error {
		return s.TouchParents(t.Context(), []authority.Use{{ID: c.ID, At: at, From: from}, {ID: k.ID, At: at, From: from}})
	})
	quietly(t, s, func() error {
		return s.TouchClientSecrets(t.Context(), []authority.Use{{ID: c.ID, At: at.Add(-time.Second)}})
	})
	c.LastUsedAt, c.LastUsedIP, k.LastUsedAt, k.LastUsedIP = at, from.String(), at, from.String()
	secrets, err := s.ClientSecrets(t.Context(), u.ID)
	must(t, err)
	same(t, secrets, []clientauth.Secret{c})
	keys, err := s.ClientKeys(t.Context(), u.ID)
	must(t, err)
	same(t, keys, []clientauth.Key{k})
}

// testUseAssertion takes each assertion once, until it is forgotten; and none is forgotten before its end has passed.
func testUseAssertion(t *testing.T, s Store) {
	once, other := [32]byte{1}, [32]byte{1, 1}
	use := func(digest [32]byte) func() error {
		return func() error { return s.UseAssertion(t.Context(), digest, start().Add(time.Minute)) }
	}
	isUsed := func(want bool) {
		t.Helper()
		if used, err := s.AssertionUsed(t.Context(), once); err != nil || used != want {
			t.Errorf("got used %t and error %v, want %t", used, err, want)
		}
	}
	isUsed(false)
	quietly(t, s, use(once))
	isUsed(true)
	refuses(t, s, authority.ErrConflict, use(once))
	quietly(t, s, use(other))
	quietly(t, s, func() error {
		n, err := s.PruneUsedAssertions(t.Context(), start().Add(time.Minute))
		if n != 0 {
			t.Errorf("got %d forgotten, want none before its end", n)
		}
		return err
	})
	refuses(t, s, authority.ErrConflict, use(once))
	if n, err := s.PruneUsedAssertions(t.Context(), start().Add(time.Minute+time.Microsecond)); err != nil || n != 2 {
		t.Errorf("got %d forgotten and error %v, want both", n, err)
	}
	isUsed(false)
}

// testRaceAssertions presents one assertion fifty times at once: what makes it good once is the database, not a look beforehand.
func testRaceAssertions(t *testing.T, s Store) {
	oneWins(t, together(50, func(int) error { return s.UseAssertion(t.Context(), [32]byte{7}, start()) }), authority.ErrConflict)
}
