package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

// platformKey returns a key to be stored, the nth second's: of three, one by its address, one in PEM and one that is shared.
func platformKey(platformID uuid.UUID, n int) platform.Key {
	k := platform.Key{ID: newID(), PlatformID: platformID, Algorithm: jose.RS512, KeyID: fmt.Sprint("kid", n), CreatedAt: start().Add(time.Duration(n) * time.Second)}
	switch n % 3 {
	case 0:
		k.JWKSURI = "https://portal.example/jwks.json"
	case 1:
		k.Algorithm, k.Wrapped = jose.HS512, []byte{1, 0, 255}
	case 2:
		k.PublicKey = "PEM " + k.ID.String()
	}
	return k
}

// addPlatformKey adds a key and returns it.
func addPlatformKey(t *testing.T, s Store, platformID uuid.UUID, n int) platform.Key {
	t.Helper()
	k := platformKey(platformID, n)
	ev := event(audit.PlatformKeyCreate, k.ID, k.CreatedAt)
	does(t, s, ev, nil, func() error { return s.AddPlatformKey(t.Context(), k, ev) })
	return k
}

// deletePlatformKey returns the deletion of a key an hour after the start, to be run, and its event.
func deletePlatformKey(t *testing.T, s Store, k platform.Key) (audit.Event, func() error) {
	ev := event(audit.PlatformKeyDelete, k.ID, start().Add(time.Hour))
	return ev, func() error { return s.DeletePlatformKey(t.Context(), k.PlatformID, k.ID, ev) }
}

// testPlatformKeys gives a platform five keys and no sixth, until one of them is deleted. The newest comes first: it is most
// likely in use.
func testPlatformKeys(t *testing.T, s Store) {
	p, other := enrol(t, s, "portal"), enrol(t, s, "other")
	keys := []platform.Key{keyOf(t, s, p.ID)}
	for n := 1; n < platform.MaxKeys; n++ {
		keys = append(keys, addPlatformKey(t, s, p.ID, n))
	}
	sixth := platformKey(p.ID, 9)
	add := func() error {
		return s.AddPlatformKey(t.Context(), sixth, event(audit.PlatformKeyCreate, sixth.ID, sixth.CreatedAt))
	}
	refuses(t, s, authority.ErrConflict, add)
	slices.Reverse(keys)
	checkKeys(t, s, p.ID, keys...)
	addPlatformKey(t, s, other.ID, 1) // the same secret may be another's: nobody can tell

	_, run := deletePlatformKey(t, s, keys[1])
	must(t, run())
	must(t, add())
	keys[1].DeletedAt, keys[1].Wrapped = start().Add(time.Hour), nil
	checkKeys(t, s, p.ID, slices.Insert(keys, 0, sixth)...)
	refuses(t, s, authority.ErrConflict, func() error {
		return s.AddPlatformKey(t.Context(), platformKey(p.ID, 10), event(audit.PlatformKeyCreate, p.ID, start()))
	})
}

func testKeysOfNoPlatform(t *testing.T, s Store) {
	dead := enrol(t, s, "dead")
	_, run := deletePlatform(t, s, dead.ID)
	must(t, run())
	for _, id := range []uuid.UUID{dead.ID, newID(), uuid.Nil} {
		refuses(t, s, authority.ErrNotFound, func() error {
			return s.AddPlatformKey(t.Context(), platformKey(id, 1), event(audit.PlatformKeyCreate, id, start()))
		})
	}
	checkKeys(t, s, newID())
}

// testKeyConflicts adds keys with what another has: its own or another platform's.
func testKeyConflicts(t *testing.T, s Store) {
	p, other := enrol(t, s, "portal"), enrol(t, s, "other")
	first, others := keyOf(t, s, p.ID), keyOf(t, s, other.ID)
	for _, taken := range []platform.Key{first, others} {
		k := platformKey(p.ID, 2)
		k.PublicKey = taken.PublicKey
		add := func() error {
			err := s.AddPlatformKey(t.Context(), k, event(audit.PlatformKeyCreate, k.ID, start()))
			if got := fieldOf(err); err != nil && got != "public_key" {
				t.Errorf("got a conflict about %q, want it about public_key", got)
			}
			return err
		}
		refuses(t, s, authority.ErrConflict, add)
		_, run := deletePlatformKey(t, s, taken)
		must(t, run())
		must(t, add()) // which is nobody's any more
	}
	again := platformKey(p.ID, 2)
	again.ID = first.ID
	refuses(t, s, authority.ErrConflict, func() error {
		return s.AddPlatformKey(t.Context(), again, event(audit.PlatformKeyCreate, again.ID, start()))
	})
}

// testDeletePlatformKey ends a key of its own platform, once. A public half stays, so that the audit log can tell what has signed;
// a secret doesn't. No session ends: it was the platform that spoke.
func testDeletePlatformKey(t *testing.T, s Store) {
	p, other := enrol(t, s, "portal"), enrol(t, s, "other")
	first := keyOf(t, s, p.ID)
	keys := []platform.Key{addPlatformKey(t, s, p.ID, 1), addPlatformKey(t, s, p.ID, 2), addPlatformKey(t, s, p.ID, 3)}
	token := takeToken(t, s, born(t, s, person("alice"), "").ID, p.ID, 1)
	for i, k := range keys {
		others := k
		others.PlatformID = other.ID
		_, run := deletePlatformKey(t, s, others)
		refuses(t, s, authority.ErrNotFound, run)
		ev, run := deletePlatformKey(t, s, k)
		does(t, s, ev, one(feed.PlatformKey, k.ID), run)
		_, again := deletePlatformKey(t, s, k)
		refuses(t, s, authority.ErrNotFound, again)
		keys[i].DeletedAt, keys[i].Wrapped = ev.At, nil
	}
	checkKeys(t, s, p.ID, keys[2], keys[1], keys[0], first)
	checkToken(t, s, 1, token)
	_, run := deletePlatformKey(t, s, platform.Key{PlatformID: p.ID, ID: newID()})
	refuses(t, s, authority.ErrNotFound, run)
	_, run = deletePlatformKey(t, s, first) // the last one, too
	must(t, run())
}

// testPublicPlatformKeys lists the public keys that live, of platforms that do, for others to be compared with.
func testPublicPlatformKeys(t *testing.T, s Store) {
	list := func(want ...platform.Key) {
		t.Helper()
		got, err := s.PublicPlatformKeys(t.Context())
		must(t, err)
		same(t, got, want)
	}
	list()
	p, dead, disabled := enrol(t, s, "portal"), enrol(t, s, "dead"), enrol(t, s, "disabled")
	addPlatformKey(t, s, p.ID, 0)
	addPlatformKey(t, s, p.ID, 1)
	second := addPlatformKey(t, s, p.ID, 2)
	first, disableds := keyOf(t, s, dead.ID), keyOf(t, s, disabled.ID)
	list(append(publicOf(t, s, p.ID, 1), first, disableds, second)...)
	_, run := deletePlatform(t, s, dead.ID)
	must(t, run())
	_, run = updatePlatform(t, s, disabled, func(c *platform.Change) { c.Enabled = false })
	must(t, run())
	list(append(publicOf(t, s, p.ID, 1), disableds, second)...)
	_, run = deletePlatformKey(t, s, second)
	must(t, run())
	list(append(publicOf(t, s, p.ID, 1), disableds)...)
}

// publicOf returns the oldest keys of a platform.
func publicOf(t *testing.T, s Store, id uuid.UUID, n int) []platform.Key {
	t.Helper()
	keys, err := s.PlatformKeys(t.Context(), id)
	must(t, err)
	slices.Reverse(keys)
	return keys[:n]
}
