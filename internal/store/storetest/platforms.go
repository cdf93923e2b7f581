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
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

func platformTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"read what was added":            testAddPlatform,
		"for whom they speak":            testPlatformScopes,
		"find nobody":                    testNoPlatform,
		"refuse what is taken":           testPlatformConflicts,
		"a code is nobody's issuer":      testCodeAsIssuer,
		"list in the order of names":     testPlatforms,
		"update":                         testUpdatePlatform,
		"update, and end sessions":       testSilencePlatform,
		"refuse a stale update":          testStalePlatform,
		"pin keys anew":                  testRepin,
		"delete":                         testDeletePlatform,
		"inherit nothing from a tomb":    testPlatformInheritance,
		"keys, five at most":             testPlatformKeys,
		"keys of nobody":                 testKeysOfNoPlatform,
		"refuse a key that is another's": testKeyConflicts,
		"delete a key":                   testDeletePlatformKey,
		"public keys":                    testPublicPlatformKeys,
		"note uses":                      testTouchPlatforms,
	}
}

// platformOf returns a new platform of that name, which is its own canonical form.
func platformOf(name string) platform.Platform {
	id := newID()
	return platform.Platform{
		ID: id, Code: id.String()[28:], Name: name, Algorithm: jose.RS512, SpeaksFor: platform.Scope{All: true}, MaxLife: 15 * time.Minute,
		Enabled: true, Version: 1, CreatedAt: start(), UpdatedAt: start(),
	}
}

// firstKey returns a platform's first key, whose public half nobody else has.
func firstKey(p *platform.Platform) platform.Key {
	return platform.Key{ID: newID(), PlatformID: p.ID, Algorithm: p.Algorithm, PublicKey: "PEM of " + p.Name, CreatedAt: p.CreatedAt}
}

// addPlatform adds a platform with its first key.
func addPlatform(t *testing.T, s Store, p platform.Platform, k platform.Key) {
	t.Helper()
	ev := event(audit.PlatformCreate, p.ID, p.CreatedAt)
	does(t, s, ev, nil, func() error { return s.AddPlatform(t.Context(), p, p.Name, k, ev) })
}

// enrol adds a platform of that name.
func enrol(t *testing.T, s Store, name string) platform.Platform {
	t.Helper()
	p := platformOf(name)
	addPlatform(t, s, p, firstKey(&p))
	return p
}

// updatePlatform returns a change of a platform an hour after the start, which ends its sessions, to be run, and its event.
func updatePlatform(t *testing.T, s Store, p platform.Platform, change func(*platform.Change)) (audit.Event, func() error) {
	c := platform.Change{Platform: p, EndSessions: true}
	c.UpdatedAt = start().Add(time.Hour)
	change(&c)
	ev := event(audit.PlatformUpdate, p.ID, c.UpdatedAt)
	return ev, func() error { return s.UpdatePlatform(t.Context(), c, c.Name, ev) }
}

// deletePlatform returns the deletion of a platform an hour after the start, to be run, and its event.
func deletePlatform(t *testing.T, s Store, id uuid.UUID) (audit.Event, func() error) {
	ev := event(audit.PlatformDelete, id, start().Add(time.Hour))
	return ev, func() error { return s.DeletePlatform(t.Context(), id, ev) }
}

// checkPlatform makes sure that a platform is as it is wanted, by its ID and by its code.
func checkPlatform(t *testing.T, s Store, want platform.Platform) {
	t.Helper()
	byID, err := s.Platform(t.Context(), want.ID)
	must(t, err)
	same(t, byID, want)
	byCode, err := s.PlatformNamed(t.Context(), want.Code)
	must(t, err)
	same(t, byCode, want)
}

// checkNotNamed makes sure that no platform is found by names.
func checkNotNamed(t *testing.T, s Store, names ...string) {
	t.Helper()
	for _, name := range names {
		if got, err := s.PlatformNamed(t.Context(), name); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("%q: got platform %+v and error %v, want %v", name, got, err, authority.ErrNotFound)
		}
	}
}

// checkKeys makes sure that a platform has the keys that are wanted, the newest first.
func checkKeys(t *testing.T, s Store, id uuid.UUID, want ...platform.Key) {
	t.Helper()
	got, err := s.PlatformKeys(t.Context(), id)
	must(t, err)
	same(t, got, want)
}

func testAddPlatform(t *testing.T, s Store) {
	p := platformOf("ångström")
	p.Algorithm, p.Issuer, p.Audience = jose.HS512, "https://portal.example/ä", `urn:"jeton"`
	p.SpeaksFor = platform.Scope{Roles: []string{"a", "b.c"}, Users: []uuid.UUID{newID(), newID()}}
	p.Administrators, p.CreateUsers, p.NewUserRoles, p.MaxLife = true, true, []string{"partner", "x"}, 90*time.Second
	p.OneTime, p.Enabled, p.UpdatedAt = true, false, start().Add(time.Microsecond)
	k := platform.Key{ID: newID(), PlatformID: p.ID, Algorithm: jose.HS384, KeyID: `k"1`, Wrapped: []byte{0, 255, 1}, CreatedAt: start().Add(2 * time.Microsecond)}
	addPlatform(t, s, p, k)
	checkPlatform(t, s, p)
	checkKeys(t, s, p.ID, k)
	byIssuer, err := s.PlatformNamed(t.Context(), p.Issuer)
	must(t, err)
	same(t, byIssuer, p)
	if zone := byIssuer.CreatedAt.Location(); zone != time.UTC {
		t.Errorf("got a time in %v, want UTC whatever the machine's zone", zone)
	}

	plain := platformOf("plain")
	remote := platform.Key{ID: newID(), PlatformID: plain.ID, Algorithm: jose.ES256, JWKSURI: "https://plain.example/jwks.json", CreatedAt: start()}
	addPlatform(t, s, plain, remote)
	checkPlatform(t, s, plain)
	checkKeys(t, s, plain.ID, remote)
}

// testPlatformScopes keeps apart who speaks for all and who speaks for none.
func testPlatformScopes(t *testing.T, s Store) {
	for name, scope := range map[string]platform.Scope{
		"all": {All: true}, "none": {}, "a role named all": {Roles: []string{"all"}}, "roles": {Roles: []string{"a", "role", "user"}},
		"users": {Users: []uuid.UUID{newID(), newID()}}, "both": {Roles: []string{"a"}, Users: []uuid.UUID{newID()}},
	} {
		p := platformOf(name)
		p.SpeaksFor = scope
		addPlatform(t, s, p, firstKey(&p))
		got, err := s.Platform(t.Context(), p.ID)
		must(t, err)
		exactly(t, got.SpeaksFor, scope)
		exactly(t, got.NewUserRoles, nil)
	}
}

func testNoPlatform(t *testing.T, s Store) {
	checkNotNamed(t, s, "", "unknown0")
	p := platformOf("portal")
	p.Code, p.Issuer = "Ab3dEf7h", "https://portal.example"
	addPlatform(t, s, p, firstKey(&p))
	checkNotNamed(t, s, "", "ab3def7h", "AB3DEF7H", "Ab3dEf7", "Ab3dEf7h ", "portal", "https://portal.example/", "HTTPS://portal.example", p.ID.String(), "a\x00b", "\xff")
	for _, id := range []uuid.UUID{newID(), uuid.Nil} {
		if _, err := s.Platform(t.Context(), id); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
		}
	}
}

// testPlatformConflicts adds platforms with what another has, and changes one so: nothing of them is there.
func testPlatformConflicts(t *testing.T, s Store) {
	first := platformOf("first")
	first.Issuer = "https://first.example"
	firsts := firstKey(&first)
	addPlatform(t, s, first, firsts)
	second := enrol(t, s, "second")
	for name, test := range map[string]struct {
		change func(*platform.Platform, *platform.Key)
		field  string
	}{
		"name":       {func(p *platform.Platform, _ *platform.Key) { p.Name = "first" }, "name"},
		"issuer":     {func(p *platform.Platform, _ *platform.Key) { p.Issuer = first.Issuer }, "issuer"},
		"code":       {func(p *platform.Platform, _ *platform.Key) { p.Code = first.Code }, ""},
		"ID":         {func(p *platform.Platform, _ *platform.Key) { p.ID = first.ID }, ""},
		"public key": {func(_ *platform.Platform, k *platform.Key) { k.PublicKey = firsts.PublicKey }, "public_key"},
		"key's ID":   {func(_ *platform.Platform, k *platform.Key) { k.ID = firsts.ID }, ""},
	} {
		p := platformOf("third")
		k := firstKey(&p)
		test.change(&p, &k)
		refuses(t, s, authority.ErrConflict, func() error {
			err := s.AddPlatform(t.Context(), p, p.Name, k, event(audit.PlatformCreate, p.ID, start()))
			if got := fieldOf(err); got != test.field {
				t.Errorf("%s: got a conflict about %q, want it about %q", name, got, test.field)
			}
			return err
		})
	}
	for field, change := range map[string]func(*platform.Change){
		"name":   func(c *platform.Change) { c.Name = "first" },
		"issuer": func(c *platform.Change) { c.Issuer = first.Issuer },
	} {
		_, run := updatePlatform(t, s, second, change)
		refuses(t, s, authority.ErrConflict, func() error {
			err := run()
			if got := fieldOf(err); got != field {
				t.Errorf("got a conflict about %q, want it about %q", got, field)
			}
			return err
		})
	}
	checkPlatform(t, s, first)
	checkPlatform(t, s, second)
	enrol(t, s, "third") // which nobody is, and without an issuer as others are
}

// testCodeAsIssuer has a platform call itself by another's code: that finds the other.
func testCodeAsIssuer(t *testing.T, s Store) {
	first, second := enrol(t, s, "first"), platformOf("second")
	second.Issuer = first.Code
	addPlatform(t, s, second, firstKey(&second))
	checkPlatform(t, s, first)
	_, run := deletePlatform(t, s, first.ID)
	must(t, run())
	got, err := s.PlatformNamed(t.Context(), first.Code)
	must(t, err)
	same(t, got.ID, first.ID)
}

func testPlatforms(t *testing.T, s Store) {
	c, a, d := enrol(t, s, "c"), enrol(t, s, "a"), enrol(t, s, "d")
	b := platformOf("B") // whose canonical name is b
	must(t, s.AddPlatform(t.Context(), b, "b", firstKey(&b), event(audit.PlatformCreate, b.ID, start())))
	_, run := deletePlatform(t, s, d.ID)
	must(t, run())
	for _, test := range []struct {
		after string
		limit int
		want  []platform.Platform
	}{
		{"", 10, []platform.Platform{a, b, c}},
		{"", 2, []platform.Platform{a, b}},
		{"b", 2, []platform.Platform{c}},
		{"bb", 2, []platform.Platform{c}},
		{"c", 2, nil},
	} {
		got, err := s.Platforms(t.Context(), test.after, test.limit)
		must(t, err)
		same(t, got, test.want)
	}
}

// testUpdatePlatform changes all that may be changed. No verdict that was given rests on it, and nothing ends; a restore is to hear
// of it.
func testUpdatePlatform(t *testing.T, s Store) {
	p, other := enrol(t, s, "portal"), enrol(t, s, "other")
	token := takeToken(t, s, born(t, s, person("alice"), "").ID, p.ID, 1)
	change := func(c *platform.Change) {
		c.Name, c.Algorithm, c.Issuer, c.Audience = "Portal", jose.EdDSA, "issuer", "audience"
		c.SpeaksFor = platform.Scope{Roles: []string{"r"}}
		c.Administrators, c.CreateUsers, c.NewUserRoles, c.MaxLife, c.OneTime = true, true, []string{"r"}, time.Second, true
		c.Code, c.CreatedAt, c.EndSessions = "changed0", start().Add(time.Minute), false // the first two aren't its to change
	}
	ev, run := updatePlatform(t, s, p, change)
	does(t, s, ev, one(feed.PlatformRules, p.ID), run)
	want := platform.Change{Platform: p}
	change(&want)
	want.Code, want.CreatedAt, want.Version, want.UpdatedAt = p.Code, p.CreatedAt, 2, ev.At
	checkPlatform(t, s, want.Platform)
	byIssuer, err := s.PlatformNamed(t.Context(), "issuer")
	must(t, err)
	same(t, byIssuer, want.Platform)
	checkPlatform(t, s, other)
	checkToken(t, s, 1, token)
	checkKeys(t, s, p.ID, keyOf(t, s, p.ID)) // whose algorithm is its own

	_, run = updatePlatform(t, s, want.Platform, func(c *platform.Change) { c.Issuer, c.SpeaksFor, c.NewUserRoles = "", platform.Scope{}, nil })
	must(t, run())
	checkNotNamed(t, s, "issuer", "")
}

// keyOf returns the first key of a platform of which there is one, which has the algorithm of its enrolment.
func keyOf(t *testing.T, s Store, id uuid.UUID) platform.Key {
	t.Helper()
	keys, err := s.PlatformKeys(t.Context(), id)
	must(t, err)
	if len(keys) != 1 || keys[0].Algorithm != jose.RS512 {
		t.Fatalf("got the keys %+v, want one for RS512", keys)
	}
	return keys[0]
}

// testSilencePlatform takes a platform the right to say what it said: what it got ends, and the feed tells of the platform.
func testSilencePlatform(t *testing.T, s Store) {
	p, other := enrol(t, s, "portal"), enrol(t, s, "other")
	alice, bob := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	first, two, ended := takeToken(t, s, alice.ID, p.ID, 1), takeToken(t, s, bob.ID, p.ID, 2), takeToken(t, s, alice.ID, p.ID, 3)
	byWord, others := takeToken(t, s, alice.ID, uuid.Nil, 4), takeToken(t, s, alice.ID, other.ID, 5)
	must(t, endToken(t, s, ended, event(audit.SessionTokenEnd, ended.ID, start()))())
	ev, run := updatePlatform(t, s, p, func(c *platform.Change) { c.Enabled = false })
	does(t, s, ev, one(feed.Platform, p.ID), run)
	checkTokenEnded(t, s, 1, first, ev.At)
	checkTokenEnded(t, s, 2, two, ev.At)
	checkTokenEnded(t, s, 3, ended, start())
	checkToken(t, s, 4, byWord)
	checkToken(t, s, 5, others)
	p.Enabled, p.Version, p.UpdatedAt = false, 2, ev.At
	checkPlatform(t, s, p)

	// Enabled again it may speak, and what has ended stays so.
	ev, run = updatePlatform(t, s, p, func(c *platform.Change) { c.Enabled, c.EndSessions = true, false })
	does(t, s, ev, one(feed.PlatformRules, p.ID), run)
	takeToken(t, s, alice.ID, p.ID, 6)
	checkTokenEnded(t, s, 1, first, start().Add(time.Hour))
}

func testStalePlatform(t *testing.T, s Store) {
	p, dead := enrol(t, s, "portal"), enrol(t, s, "dead")
	token := takeToken(t, s, born(t, s, person("alice"), "").ID, p.ID, 1)
	_, run := deletePlatform(t, s, dead.ID)
	must(t, run())
	for _, version := range []int64{0, 2} {
		_, run := updatePlatform(t, s, p, func(c *platform.Change) { c.Version, c.Enabled = version, false })
		refuses(t, s, authority.ErrStale, run)
	}
	for _, gone := range []platform.Platform{dead, platformOf("new")} {
		_, run := updatePlatform(t, s, gone, func(c *platform.Change) { c.Name = "free" })
		refuses(t, s, authority.ErrNotFound, run)
	}
	checkPlatform(t, s, p)
	checkToken(t, s, 1, token)
}

// testRepin gives keys the platform's algorithm: of its own, those that are named and live.
func testRepin(t *testing.T, s Store) {
	p, other := enrol(t, s, "portal"), enrol(t, s, "other")
	first, others := keyOf(t, s, p.ID), keyOf(t, s, other.ID)
	second, deleted := addPlatformKey(t, s, p.ID, 1), addPlatformKey(t, s, p.ID, 2)
	_, end := deletePlatformKey(t, s, deleted)
	must(t, end())
	ev, run := updatePlatform(t, s, p, func(c *platform.Change) {
		c.Algorithm, c.Repin, c.EndSessions = jose.RS256, []uuid.UUID{first.ID, deleted.ID, others.ID, newID()}, false
	})
	does(t, s, ev, one(feed.PlatformRules, p.ID), run)
	first.Algorithm, deleted.DeletedAt = jose.RS256, start().Add(time.Hour)
	checkKeys(t, s, p.ID, deleted, second, first)
	checkKeys(t, s, other.ID, others)
}

func testDeletePlatform(t *testing.T, s Store) {
	p, other := platformOf("portal"), enrol(t, s, "other")
	p.Issuer = "https://portal.example"
	k := firstKey(&p)
	addPlatform(t, s, p, k)
	shared := addPlatformKey(t, s, p.ID, 1)
	token, others := takeToken(t, s, born(t, s, person("alice"), "").ID, p.ID, 1), takeToken(t, s, born(t, s, person("bob"), "").ID, other.ID, 2)
	ev, run := deletePlatform(t, s, p.ID)
	does(t, s, ev, one(feed.Platform, p.ID), run)
	checkTokenEnded(t, s, 1, token, ev.At)
	checkToken(t, s, 2, others)
	p.Version, p.UpdatedAt, p.DeletedAt = 2, ev.At, ev.At
	checkPlatform(t, s, p) // for whoever reads of it in the audit log, and to be refused by
	checkNotNamed(t, s, "https://portal.example")
	k.DeletedAt, shared.DeletedAt, shared.Wrapped = ev.At, ev.At, nil
	checkKeys(t, s, p.ID, shared, k)
	checkPlatform(t, s, other)
	for _, id := range []uuid.UUID{p.ID, newID(), uuid.Nil} {
		_, again := deletePlatform(t, s, id)
		refuses(t, s, authority.ErrNotFound, again)
	}
}

// testPlatformInheritance enrols a platform in place of one that was deleted: name, issuer and key are free again, ID and code
// never, and nothing of what the other had is the new one's.
func testPlatformInheritance(t *testing.T, s Store) {
	former := platformOf("portal")
	former.Issuer = "https://portal.example"
	k := firstKey(&former)
	addPlatform(t, s, former, k)
	token := takeToken(t, s, born(t, s, person("alice"), "").ID, former.ID, 1)
	_, run := deletePlatform(t, s, former.ID)
	must(t, run())
	for _, change := range []func(*platform.Platform){
		func(p *platform.Platform) { p.ID = former.ID }, func(p *platform.Platform) { p.Code = former.Code },
	} {
		p := platformOf("portal")
		change(&p)
		refuses(t, s, authority.ErrConflict, func() error {
			return s.AddPlatform(t.Context(), p, p.Name, firstKey(&p), event(audit.PlatformCreate, p.ID, start()))
		})
	}
	next := platformOf("portal")
	next.Issuer = former.Issuer
	nexts := firstKey(&next)
	same(t, nexts.PublicKey, k.PublicKey)
	addPlatform(t, s, next, nexts)
	byIssuer, err := s.PlatformNamed(t.Context(), former.Issuer)
	must(t, err)
	same(t, byIssuer, next)
	checkKeys(t, s, next.ID, nexts)
	checkTokenEnded(t, s, 1, token, start().Add(time.Hour))
}

// testTouchPlatforms keeps the latest use; an older one that comes late changes nothing.
func testTouchPlatforms(t *testing.T, s Store) {
	p, other := enrol(t, s, "portal"), enrol(t, s, "other")
	at, from := start().Add(time.Hour), netip.MustParseAddr("192.0.2.9")
	touch := func(used ...authority.Use) {
		t.Helper()
		quietly(t, s, func() error { return s.TouchPlatforms(t.Context(), used) })
	}
	touch()
	touch(authority.Use{ID: p.ID, At: at, From: from}, authority.Use{ID: newID(), At: at})
	touch(authority.Use{ID: p.ID, At: at.Add(-time.Second), From: netip.MustParseAddr("192.0.2.8")})
	p.LastUsedAt, p.LastUsedIP = at, "192.0.2.9"
	checkPlatform(t, s, p) // whose version is as before
	checkPlatform(t, s, other)
	touch(authority.Use{ID: p.ID, At: at.Add(time.Second)})
	p.LastUsedAt = at.Add(time.Second)
	checkPlatform(t, s, p)

	// Of its keys it is known which.
	first, second := keyOf(t, s, p.ID), addPlatformKey(t, s, p.ID, 1)
	touch(authority.Use{ID: second.ID, At: at, From: from})
	touch(authority.Use{ID: second.ID, At: at.Add(-time.Second)})
	second.LastUsedAt, second.LastUsedIP = at, "192.0.2.9"
	checkKeys(t, s, p.ID, second, first)
	checkPlatform(t, s, p)
}
