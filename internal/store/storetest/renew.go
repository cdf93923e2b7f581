package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/project"
)

func renewTests() map[string]func(*testing.T, Archived) {
	return map[string]func(*testing.T, Archived){
		"suspend everybody":         testSuspendAll,
		"end every token":           testSuspendTokens,
		"users":                     testRenewUsers,
		"personal tokens":           testRenewPersonal,
		"API tokens":                testRenewAPITokens,
		"client secrets and keys":   testRenewClients,
		"browser sessions":          testRenewSessions,
		"session tokens":            testRenewSessionTokens,
		"links":                     testRenewLinks,
		"second factors":            testRenewFactors,
		"platforms":                 testRenewPlatforms,
		"platform keys":             testRenewPlatformKeys,
		"disable every platform":    testSuspendPlatforms,
		"projects":                  testRenewProjects,
		"token sets deleted":        testRenewTokenSets,
		"turn off every token set":  testSuspendProjects,
		"services":                  testRenewServices,
		"services that are resumed": testResumeServices,
		"where services lead":       testRenewRoutes,
		"signing keys":              testRenewKeys,
		"the position and the feed": testRenewPosition,
		"how much was known":        testRenewReach,
		"what isn't there":          testRenewUnknown,
		"twice":                     testRenewTwice,
	}
}

// renewed is when the renewals of these tests are done.
func renewed() time.Time { return start().Add(time.Hour) }

// renewal returns a renewal after a change to it.
func renewal(change func(*archive.Renewal)) *archive.Renewal {
	r := &archive.Renewal{At: renewed(), Event: func(o archive.Outcome) audit.Event {
		return audit.New(audit.StoreRestore, audit.Actor{}, audit.Target{Kind: "store", ID: o.Position.Instance}, renewed())
	}}
	change(r)
	return r
}

// renew tells a store of changes since.
func renew(t *testing.T, s Archived, changes ...feed.Change) archive.Outcome {
	t.Helper()
	o, err := s.Renew(t.Context(), renewal(func(r *archive.Renewal) { r.Changes = changes }))
	must(t, err)
	return o
}

func changed(kind feed.Kind, id uuid.UUID) feed.Change { return feed.Change{Kind: kind, ID: id} }

func gone(kind feed.Kind, id uuid.UUID) feed.Change {
	return feed.Change{Kind: kind, ID: id, Gone: true}
}

// checkState makes sure of a user's state, and that it was changed by the renewal if that is wanted.
func checkState(t *testing.T, s Store, r account.Record, want account.State, version int64) {
	t.Helper()
	u, err := s.User(t.Context(), r.ID)
	must(t, err)
	if u.State != want || u.Version != version {
		t.Errorf("%s: got the state %s and version %d, want %s and %d", r.Username, u.State, u.Version, want, version)
	}
}

func testSuspendAll(t *testing.T, s Archived) {
	alice, bob, dead := born(t, s, person("alice", authority.AdminRole), "hash"), person("bob"), born(t, s, person("dead"), "")
	bob.State = account.Blocked
	born(t, s, bob, "")
	must(t, remove(t, s, dead.ID)())
	one, two := logIn(t, s, alice.ID, 1), logIn(t, s, bob.ID, 2)
	put(t, s, alice.ID, digest(1, 1))
	ended := logIn(t, s, alice.ID, 3)
	must(t, end(t, s, ended.ID, event(audit.SessionEnd, ended.ID, start()))())
	o, err := s.Renew(t.Context(), renewal(func(r *archive.Renewal) { r.Suspend = true }))
	must(t, err)
	if o.Suspended != 1 || o.Sessions != 2 || o.Tokens != 1 || o.Administer {
		t.Errorf("got %+v, want one user suspended, two sessions and a token ended, and no administrator", o)
	}
	checkState(t, s, alice, account.Suspended, 2)
	checkState(t, s, bob, account.Blocked, 1)
	checkNoUser(t, s, dead)
	checkEnded(t, s, 1, one, renewed())
	checkEnded(t, s, 2, two, renewed())
	checkEnded(t, s, 3, ended, start())
	checkDead(t, s, digest(1, 1)) // it may have been revoked since, and its user may be let in again
	checkFormer(t, s, alice.ID, digest(1, 1))
	u, err := s.User(t.Context(), alice.ID)
	must(t, err)
	if !u.UpdatedAt.Equal(renewed()) {
		t.Errorf("got updated at %v, want %v", u.UpdatedAt, renewed())
	}
}

// testSuspendTokens suspends everybody where API tokens are signed, and access tokens.
func testSuspendTokens(t *testing.T, s Archived) {
	owner := tokenOwner(t, s)
	enabled, disabled := createAPIToken(t, s, apiToken(owner.ID, "enabled")), apiToken(owner.ID, "disabled")
	disabled.Enabled = false
	disabled = createAPIToken(t, s, disabled)
	keys, err := s.SigningKeys(t.Context())
	must(t, err)
	access := signingKey(7)
	access.Purpose = keyring.ForAccessTokens
	_, run := addSigningKey(t, s, access, "")
	must(t, run())
	o, err := s.Renew(t.Context(), renewal(func(r *archive.Renewal) { r.Suspend = true }))
	must(t, err)
	if o.Tokens != 1 || o.Keys != 1 {
		t.Errorf("got %+v, want one token disabled and one key revoked", o)
	}
	enabled.Enabled, enabled.Version, enabled.UpdatedAt = false, 2, renewed()
	checkAPIToken(t, s, enabled.Token)
	checkAPIToken(t, s, disabled.Token)
	access.Wrapped, access.RevokedAt = nil, renewed()
	checkSigningKeys(t, s, append([]keyring.WrappedSigningKey{access}, keys...)...)
	next := signingKey(8)
	next.Purpose = keyring.ForAccessTokens
	_, run = addSigningKey(t, s, next, "")
	must(t, run())
}

// testRenewUsers has users deleted, changed and left alone since.
func testRenewUsers(t *testing.T, s Archived) {
	kept := born(t, s, person("kept", authority.AdminRole), "hash")
	removed, altered, blocked := born(t, s, person("removed"), "hash"), born(t, s, person("altered", authority.AdminRole), "hash"), person("blocked")
	blocked.State = account.Blocked
	born(t, s, blocked, "")
	for i, r := range []account.Record{kept, removed, altered} {
		put(t, s, r.ID, digest(1, i))
	}
	one, two := logIn(t, s, kept.ID, 1), logIn(t, s, altered.ID, 2)
	o := renew(t, s, gone(feed.User, removed.ID), changed(feed.User, altered.ID), changed(feed.User, blocked.ID))
	if o.Deleted != 1 || o.Suspended != 1 || o.Sessions != 1 || o.Unknown != 0 || !o.Administer {
		t.Errorf("got %+v, want one user deleted, one suspended, and an administrator left", o)
	}
	checkState(t, s, kept, account.Active, 1)
	checkState(t, s, altered, account.Suspended, 2)
	checkState(t, s, blocked, account.Blocked, 1)
	checkNoUser(t, s, removed)
	checkLive(t, s, kept.ID, digest(1, 0))
	checkDead(t, s, digest(1, 1))
	checkFormer(t, s, uuid.Nil, digest(1, 1)) // a tombstone keeps nothing
	checkEnded(t, s, 1, one, time.Time{})
	checkEnded(t, s, 2, two, renewed())
}

func testRenewPersonal(t *testing.T, s Archived) {
	alice, bob := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	put(t, s, alice.ID, digest(1, 1))
	put(t, s, bob.ID, digest(1, 2))
	if o := renew(t, s, changed(feed.PersonalToken, alice.ID)); o.Tokens != 1 || o.Suspended != 0 {
		t.Errorf("got %+v, want one token ended", o)
	}
	checkDead(t, s, digest(1, 1))
	checkFormer(t, s, alice.ID, digest(1, 1)) // the audit log can still tell whose it was
	checkLive(t, s, bob.ID, digest(1, 2))
}

func testRenewAPITokens(t *testing.T, s Archived) {
	owner := tokenOwner(t, s)
	kept, altered, removed := createAPIToken(t, s, apiToken(owner.ID, "kept")), createAPIToken(t, s, apiToken(owner.ID, "altered")), createAPIToken(t, s, apiToken(owner.ID, "removed"))
	o := renew(t, s, changed(feed.APIToken, altered.ID), gone(feed.APIToken, removed.ID))
	if o.Tokens != 2 || o.Suspended != 0 || o.Unknown != 0 {
		t.Errorf("got %+v, want two tokens ended", o)
	}
	checkAPIToken(t, s, kept.Token)
	altered.Enabled, altered.Version, altered.UpdatedAt = false, 2, renewed()
	checkAPIToken(t, s, altered.Token)
	if _, err := s.APIToken(t.Context(), removed.ID); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
	}
	if found, err := s.FindAPIToken(t.Context(), removed.ID, removed.KeyID); err != nil || !found.DeletedAt.Equal(renewed()) {
		t.Errorf("got %+v and error %v, want a tombstone", found, err)
	}
}

func testRenewClients(t *testing.T, s Archived) {
	batch := client(t, s)
	other := person("other")
	other.Kind = account.Service
	born(t, s, other, "")
	secret, key, kept := addSecret(t, s, batch.ID, 1), addKey(t, s, batch.ID, 0), addSecret(t, s, batch.ID, 2)
	o := renew(t, s, gone(feed.ClientSecret, secret.ID), gone(feed.ClientSecret, key.ID))
	if o.Tokens != 2 || o.Suspended != 0 || o.Unknown != 0 {
		t.Errorf("got %+v, want a secret and a key ended", o)
	}
	secrets, err := s.ClientSecrets(t.Context(), batch.ID)
	must(t, err)
	keys, err := s.ClientKeys(t.Context(), batch.ID)
	must(t, err)
	if len(secrets) != 1 || secrets[0].ID != kept.ID || len(keys) != 0 {
		t.Errorf("got the secrets %+v and keys %+v, want the one that was left alone", secrets, keys)
	}
	// An access token that was got for one was taken back: which, nobody knows.
	checkState(t, s, batch, account.Active, 1)
	if o := renew(t, s, changed(feed.ClientSecret, kept.ID)); o.Suspended != 1 || o.Tokens != 0 {
		t.Errorf("got %+v, want its user suspended", o)
	}
	checkState(t, s, batch, account.Suspended, 2)
	checkState(t, s, other, account.Active, 1)
}

func testRenewSessions(t *testing.T, s Archived) {
	alice := born(t, s, person("alice"), "")
	one, two := logIn(t, s, alice.ID, 1), logIn(t, s, alice.ID, 2)
	if o := renew(t, s, gone(feed.BrowserSession, one.ID)); o.Sessions != 1 {
		t.Errorf("got %+v, want one session ended", o)
	}
	checkEnded(t, s, 1, one, renewed())
	checkEnded(t, s, 2, two, time.Time{})
}

func testRenewSessionTokens(t *testing.T, s Archived) {
	alice, bob, p := born(t, s, person("alice"), ""), born(t, s, person("bob"), ""), enrol(t, s, "portal")
	first, second := takeToken(t, s, alice.ID, p.ID, 1), takeToken(t, s, alice.ID, uuid.Nil, 2)
	bobs := takeToken(t, s, bob.ID, p.ID, 3)
	if o := renew(t, s, gone(feed.SessionToken, first.ID)); o.Sessions != 1 || len(o.Platforms) != 0 {
		t.Errorf("got %+v, want one session ended", o)
	}
	checkTokenEnded(t, s, 1, first, renewed())
	checkToken(t, s, 2, second)
	// A change of the user may have been the end of all its sessions.
	if o := renew(t, s, changed(feed.User, alice.ID)); o.Sessions != 1 || o.Suspended != 1 {
		t.Errorf("got %+v, want the other session ended, too", o)
	}
	checkTokenEnded(t, s, 1, first, renewed())
	checkTokenEnded(t, s, 2, second, renewed())
	checkToken(t, s, 3, bobs)
	renew(t, s, gone(feed.User, alice.ID))
	checkNoToken(t, s, digest(1, 1))
	checkToken(t, s, 3, bobs)
}

// testRenewPlatforms has platforms deleted, changed and left alone since.
func testRenewPlatforms(t *testing.T, s Archived) {
	alice := born(t, s, person("alice"), "")
	kept, altered, removed, disabled := enrol(t, s, "kept"), enrol(t, s, "altered"), enrol(t, s, "removed"), platformOf("disabled")
	disabled.Enabled = false
	addPlatform(t, s, disabled, firstKey(&disabled))
	key := keyOf(t, s, removed.ID)
	first, second, third := takeToken(t, s, alice.ID, kept.ID, 1), takeToken(t, s, alice.ID, altered.ID, 2), takeToken(t, s, alice.ID, removed.ID, 3)
	o := renew(t, s, changed(feed.PlatformRules, altered.ID), gone(feed.Platform, removed.ID), changed(feed.Platform, disabled.ID), changed(feed.Platform, newID()))
	same(t, o.Platforms, []string{altered.Code, disabled.Code})
	if o.Deleted != 1 || o.Sessions != 2 || o.Unknown != 1 || o.Suspended+o.Tokens != 0 {
		t.Errorf("got %+v, want a platform deleted and the sessions of two ended", o)
	}
	altered.Enabled, altered.Version, altered.UpdatedAt = false, 2, renewed()
	removed.Version, removed.UpdatedAt, removed.DeletedAt, key.DeletedAt = 2, renewed(), renewed(), renewed()
	for _, p := range []platform.Platform{kept, altered, removed, disabled} {
		checkPlatform(t, s, p)
	}
	checkKeys(t, s, removed.ID, key)
	checkToken(t, s, 1, first)
	checkTokenEnded(t, s, 2, second, renewed())
	checkTokenEnded(t, s, 3, third, renewed())
}

func testRenewPlatformKeys(t *testing.T, s Archived) {
	p := enrol(t, s, "portal")
	kept, removed := keyOf(t, s, p.ID), addPlatformKey(t, s, p.ID, 1)
	token := takeToken(t, s, born(t, s, person("alice"), "").ID, p.ID, 1)
	if o := renew(t, s, gone(feed.PlatformKey, removed.ID), gone(feed.PlatformKey, newID())); o.Tokens != 1 || o.Sessions != 0 || len(o.Platforms) != 0 {
		t.Errorf("got %+v, want one key ended", o)
	}
	removed.DeletedAt, removed.Wrapped = renewed(), nil
	checkKeys(t, s, p.ID, removed, kept)
	checkPlatform(t, s, p)
	checkToken(t, s, 1, token)
}

// testRenewFactors tells of second factors that were taken away since, and of a recovery code that was used: they don't come back, and
// what else a user has stays. Codes of whoever was changed otherwise may be former ones.
func testRenewFactors(t *testing.T, s Archived) {
	alice, bob := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	app := appOf(alice.ID)
	addAuthenticator(t, s, alice.ID, 1)
	k, other := passkeyOf(alice.ID, "k"), passkeyOf(alice.ID, "other")
	addPasskey(t, s, k, 3)
	addPasskey(t, s, other, 3)
	addAuthenticator(t, s, bob.ID, 11)
	use := func(user uuid.UUID, d keyring.Digest) error {
		return s.UseRecoveryCode(t.Context(), user, []keyring.Digest{d}, event(audit.RecoveryCodeUse, user, renewed()))
	}
	_ = renew(t, s, gone(feed.RecoveryCode, factor.CodeID(digest(1, 1))), gone(feed.RecoveryCode, newID()), gone(feed.Passkey, k.ID), gone(feed.Passkey, newID()), gone(feed.Authenticator, newID()))
	refuses(t, s, authority.ErrConflict, func() error { return use(alice.ID, digest(1, 1)) })
	checkFactors(t, s, alice.ID, factor.Records{Authenticator: &app, Passkeys: []factor.StoredPasskey{other}, Codes: 1})
	checkState(t, s, alice, account.Active, 1)
	must(t, use(alice.ID, digest(1, 2)))
	must(t, use(bob.ID, digest(1, 11)))
	_ = renew(t, s, gone(feed.Authenticator, alice.ID))
	checkFactors(t, s, alice.ID, factor.Records{Passkeys: []factor.StoredPasskey{other}})

	_ = renew(t, s, changed(feed.User, bob.ID))
	checkState(t, s, bob, account.Suspended, 2)
	refuses(t, s, authority.ErrConflict, func() error { return use(bob.ID, digest(1, 12)) })
	must(t, s.ReplaceRecoveryCodes(t.Context(), alice.ID, someCodes(21), event(audit.RecoveryCodesRenew, alice.ID, renewed())))
	_, err := s.Renew(t.Context(), renewal(func(r *archive.Renewal) { r.Suspend = true }))
	must(t, err)
	refuses(t, s, authority.ErrConflict, func() error { return use(alice.ID, digest(1, 21)) })
}

// testSuspendPlatforms suspends everybody where platforms speak; one that was changed since is told of once.
func testSuspendPlatforms(t *testing.T, s Archived) {
	alice, second, first := born(t, s, person("alice"), ""), enrol(t, s, "second"), enrol(t, s, "first")
	disabled, dead := platformOf("disabled"), enrol(t, s, "dead")
	disabled.Enabled = false
	addPlatform(t, s, disabled, firstKey(&disabled))
	_, run := deletePlatform(t, s, dead.ID)
	must(t, run())
	spoken, byWord, ended := takeToken(t, s, alice.ID, first.ID, 1), takeToken(t, s, alice.ID, uuid.Nil, 2), takeToken(t, s, alice.ID, uuid.Nil, 3)
	must(t, endToken(t, s, ended, event(audit.SessionTokenEnd, ended.ID, start()))())
	o, err := s.Renew(t.Context(), renewal(func(r *archive.Renewal) {
		r.Suspend, r.Changes = true, []feed.Change{changed(feed.Platform, first.ID)}
	}))
	must(t, err)
	same(t, o.Platforms, []string{first.Code, second.Code})
	if o.Sessions != 2 || o.Deleted+o.Unknown != 0 {
		t.Errorf("got %+v, want two sessions ended", o)
	}
	for _, p := range []platform.Platform{first, second} {
		p.Enabled, p.Version, p.UpdatedAt = false, 2, renewed()
		checkPlatform(t, s, p)
	}
	checkPlatform(t, s, disabled)
	checkTokenEnded(t, s, 1, spoken, renewed())
	checkTokenEnded(t, s, 2, byWord, renewed())
	checkTokenEnded(t, s, 3, ended, start())
}

// testRenewProjects has projects deleted, changed and left alone since.
func testRenewProjects(t *testing.T, s Archived) {
	alice := born(t, s, person("alice"), "")
	kept, altered, removed, off := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2)), addProject(t, s, projectOf(3)), addProject(t, s, projectOf(4))
	lives, one, two := addSet(t, s, tokenSet(kept.ID, "set")), addSet(t, s, tokenSet(altered.ID, "one")), addSet(t, s, tokenSet(altered.ID, "two"))
	addSet(t, s, tokenSet(removed.ID, "set"))
	inactive := tokenSet(off.ID, "set")
	inactive.Active = false
	addSet(t, s, inactive)
	first, second, third := comeIn(t, s, alice.ID, kept, 1), comeIn(t, s, alice.ID, altered, 2), comeIn(t, s, alice.ID, removed, 3)
	byHand := logIn(t, s, alice.ID, 4)
	o := renew(t, s, changed(feed.Project, altered.ID), gone(feed.User, removed.ServiceAccount), gone(feed.Project, removed.ID),
		changed(feed.Project, off.ID), gone(feed.Project, newID()))
	same(t, o.Projects, []string{"2", "4"})
	if o.Deleted != 2 || o.Sessions != 2 || o.Unknown != 1 || o.Suspended+o.Tokens != 0 {
		t.Errorf("got %+v, want a project and its account deleted and the sessions of two ended", o)
	}
	for _, set := range []*project.TokenSet{&one, &two} {
		set.Active, set.Version, set.UpdatedAt = false, 2, renewed()
	}
	checkProject(t, s, kept, lives)
	checkProject(t, s, altered, one, two)
	checkProject(t, s, off, inactive)
	checkNoProject(t, s, removed)
	checkSession(t, s, 1, first)
	checkEnded(t, s, 2, second, renewed())
	checkEnded(t, s, 3, third, renewed())
	checkSession(t, s, 4, byHand)
	if o := renew(t, s, gone(feed.Project, off.ID)); o.Deleted != 2 || o.Unknown != 0 {
		t.Errorf("got %+v, want the account deleted with its project, though nothing else told of it", o)
	}
	if _, err := s.User(t.Context(), off.ServiceAccount); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v for the account, want %v", err, authority.ErrNotFound)
	}
}

// testRenewTokenSets has a set deleted since, of a project that was changed with it: the others are there, turned off, and it is not.
func testRenewTokenSets(t *testing.T, s Archived) {
	for name, order := range map[string]func(set, p feed.Change) []feed.Change{
		"the set first":     func(set, p feed.Change) []feed.Change { return []feed.Change{set, p} },
		"the project first": func(set, p feed.Change) []feed.Change { return []feed.Change{p, set} },
	} {
		number := map[string]int{"the set first": 1, "the project first": 2}[name]
		p, other := addProject(t, s, projectOf(number)), addProject(t, s, projectOf(number+10))
		removed, off, kept := addSet(t, s, tokenSet(p.ID, "removed")), addSet(t, s, tokenSet(p.ID, "off")), addSet(t, s, tokenSet(other.ID, "set"))
		o := renew(t, s, order(gone(feed.TokenSet, removed.ID), changed(feed.Project, p.ID))...)
		if o.Tokens != 1 || o.Deleted+o.Unknown != 0 {
			t.Errorf("%s: got %+v, want a token set deleted, and no project", name, o)
		}
		off.Active, off.Version, off.UpdatedAt = false, 2, renewed()
		checkProject(t, s, p, off)
		checkProject(t, s, other, kept)
		_, again := updateSet(t, s, removed, func(set *project.TokenSet) { set.Version = 3 })
		refuses(t, s, authority.ErrNotFound, again)
		if o := renew(t, s, gone(feed.TokenSet, removed.ID), gone(feed.TokenSet, newID())); o.Tokens+o.Deleted+o.Unknown != 0 {
			t.Errorf("%s: got %+v the second time, want nothing changed", name, o)
		}
		addSet(t, s, tokenSet(p.ID, "removed")) // its name is free
	}
}

// testSuspendProjects suspends everybody where projects seal; one that was changed since is told of once.
func testSuspendProjects(t *testing.T, s Archived) {
	second, first, none, dead := addProject(t, s, projectOf(20)), addProject(t, s, projectOf(3)), addProject(t, s, projectOf(4)), addProject(t, s, projectOf(5))
	one, two := addSet(t, s, tokenSet(first.ID, "set")), addSet(t, s, tokenSet(second.ID, "set"))
	inactive := tokenSet(second.ID, "inactive")
	inactive.Active = false
	addSet(t, s, inactive)
	addSet(t, s, tokenSet(dead.ID, "set"))
	dropProject(t, s, dead)
	b := comeIn(t, s, born(t, s, person("alice"), "").ID, first, 1)
	o, err := s.Renew(t.Context(), renewal(func(r *archive.Renewal) {
		r.Suspend, r.Changes = true, []feed.Change{changed(feed.Project, first.ID)}
	}))
	must(t, err)
	same(t, o.Projects, []string{"3", "20"})
	if o.Sessions != 1 || o.Deleted+o.Unknown != 0 {
		t.Errorf("got %+v, want a session ended", o)
	}
	for _, set := range []*project.TokenSet{&one, &two} {
		set.Active, set.Version, set.UpdatedAt = false, 2, renewed()
	}
	checkProject(t, s, first, one)
	checkProject(t, s, second, two, inactive)
	checkProject(t, s, none)
	checkEnded(t, s, 1, b, renewed())
}

func testRenewServices(t *testing.T, s Archived) {
	kept, altered, removed := setUp(t, s, api("kept")), setUp(t, s, api("altered")), setUp(t, s, api("removed"))
	o := renew(t, s, changed(feed.Service, altered.ID), gone(feed.Service, removed.ID))
	same(t, o.Services, []string{"altered"})
	if o.Deleted != 1 || o.Unknown != 0 {
		t.Errorf("got %+v, want one service deleted", o)
	}
	checkNoService(t, s, removed)
	altered.Suspended, altered.Version, altered.UpdatedAt = true, 2, renewed()
	for _, v := range []catalog.Service{kept, altered} {
		got, err := s.Service(t.Context(), v.Name)
		must(t, err)
		same(t, got, catalog.Entry{Service: v})
	}
	list, err := s.Services(t.Context(), "", 10)
	must(t, err)
	same(t, list, []catalog.Service{altered, kept})
}

// testRenewRoutes puts back services whose upstream and limit were changed since: the former ones are in force again, and may lead
// callers, with who they are, to a machine that is another's by now. So nobody is let through.
func testRenewRoutes(t *testing.T, s Archived) {
	altered, kept := api("altered"), api("kept")
	altered.Route, altered.Rate = route()
	kept.Route, kept.Rate = route()
	setUp(t, s, altered)
	setUp(t, s, kept)
	former := batchAfter(t, s, 0).Head
	since := altered
	since.Upstream = "https://[2001:db8::2]:9000"
	must(t, s.UpdateService(t.Context(), since, event(audit.ServiceUpdate, since.ID, start())))
	since.Version = 2
	changes := batchAfter(t, s, former).Changes
	since.Upstream = altered.Upstream // as the backup has it
	must(t, s.UpdateService(t.Context(), since, event(audit.ServiceUpdate, since.ID, start())))
	same(t, renew(t, s, changes...).Services, []string{"altered"})
	altered.Suspended, altered.Version, altered.UpdatedAt = true, 4, renewed()
	entries, err := s.Catalog(t.Context())
	must(t, err)
	slices.SortFunc(entries, func(a, b catalog.Entry) int { return strings.Compare(a.Name, b.Name) })
	same(t, entries, []catalog.Entry{{Service: altered}, {Service: kept}})
}

// testResumeServices changes suspended services: whatever the change is, it is what a person has looked for.
func testResumeServices(t *testing.T, s Archived) {
	one, two := setUp(t, s, api("one")), setUp(t, s, api("two"))
	same(t, renew(t, s, changed(feed.Service, one.ID), changed(feed.Service, two.ID)).Services, []string{"one", "two"})
	one.Version, two.Version, two.Suspended = 2, 2, true
	refuses(t, s, authority.ErrStale, func() error { // made before it was suspended
		return s.ReplaceOperations(t.Context(), one.ID, 1, nil, event(audit.OperationsReplace, one.ID, renewed()))
	})
	must(t, s.ReplaceOperations(t.Context(), one.ID, 2, nil, event(audit.OperationsReplace, one.ID, renewed())))
	must(t, s.UpdateService(t.Context(), two, event(audit.ServiceUpdate, two.ID, renewed())))
	entries, err := s.Catalog(t.Context())
	must(t, err)
	for _, e := range entries {
		if e.Suspended || e.Version != 3 {
			t.Errorf("got %+v, want version 3 that is suspended no more", e)
		}
	}
}

func testRenewKeys(t *testing.T, s Archived) {
	retired, active := retiredSigningKey(t, s)
	before := batchAfter(t, s, 0).Head
	extra := signingKey(7)
	extra.Purpose = keyring.ForAccessTokens
	_, run := addSigningKey(t, s, extra, "")
	must(t, run())
	id := batchAfter(t, s, before).Changes[0].ID
	same(t, id, feed.KeyID(extra.ID)) // as in any other store, whose journal this one may be told of
	if o := renew(t, s, gone(feed.RevokedKey, id)); o.Keys != 1 || o.Unknown != 0 {
		t.Errorf("got %+v, want one key revoked", o)
	}
	extra.Wrapped, extra.RevokedAt = nil, renewed()
	checkSigningKeys(t, s, extra, active, retired)
	if o := renew(t, s, gone(feed.RevokedKey, newID())); o.Keys != 0 || o.Unknown != 1 {
		t.Errorf("got %+v, want no key revoked", o)
	}
}

// testRenewPosition makes sure that nodes hear of it, once, and that the epoch is above every one that is known.
func testRenewPosition(t *testing.T, s Archived) {
	alice := born(t, s, person("alice"), "")
	must(t, update(t, s, alice)())
	was, err := s.Position(t.Context())
	must(t, err)
	o, err := s.Renew(t.Context(), renewal(func(r *archive.Renewal) {
		r.Epoch, r.Known, r.Changes = 5, feed.Position{Epoch: 4, Revision: 9}, []feed.Change{changed(feed.User, alice.ID)}
	}))
	must(t, err)
	now, err := s.Position(t.Context())
	must(t, err)
	same(t, o.Position, now)
	if now.Epoch != 6 || now.Revision != was.Revision+1 || now.Mark == was.Mark || now.Mark == 0 || now.Instance != was.Instance {
		t.Errorf("got %+v after %+v, want epoch 6, the next revision and another mark", now, was)
	}
	told := feed.RestoredTo(feed.Position{Epoch: 4, Revision: 9}, renewed())
	told.Revision = now.Revision
	same(t, batchAfter(t, s, was.Revision).Changes, []feed.Change{told})
	events, err := s.Events(t.Context(), audit.Query{Action: audit.StoreRestore})
	must(t, err)
	if len(events) != 1 || events[0].Target.ID != now.Instance || !events[0].At.Equal(renewed()) {
		t.Errorf("got the events %+v, want one of the restore", events)
	}
	if o := renew(t, s); o.Position.Epoch != 7 {
		t.Errorf("got epoch %d, want the next, 7", o.Position.Epoch)
	}
}

// testRenewReach makes sure that nodes hear how much was known at the last restore.
func testRenewReach(t *testing.T, s Archived) {
	reach := func() feed.Position {
		b, err := s.ChangesAfter(t.Context(), 0)
		must(t, err)
		return b.Reach
	}
	same(t, reach(), feed.Position{})
	_, err := s.Renew(t.Context(), renewal(func(r *archive.Renewal) { r.Suspend, r.Known = true, feed.Position{Epoch: 1, Revision: 7} }))
	must(t, err)
	same(t, reach(), feed.Everything())
	_, err = s.Renew(t.Context(), renewal(func(r *archive.Renewal) { r.Known = feed.Position{Instance: newID(), Epoch: 3, Revision: 7, Mark: 5} }))
	must(t, err)
	same(t, reach(), feed.Position{Epoch: 3, Revision: 7})
}

// testRenewUnknown tells of records that were made since, and of an access token.
func testRenewUnknown(t *testing.T, s Archived) {
	token, secret := newID(), newID()
	o := renew(t, s, gone(feed.User, newID()), changed(feed.APIToken, token), gone(feed.ClientSecret, secret),
		changed(feed.Service, newID()), changed(feed.PersonalToken, newID()), gone(feed.BrowserSession, newID()), changed(feed.Pepper, newID()),
		gone(feed.Platform, newID()), gone(feed.PlatformKey, newID()), gone(feed.SessionToken, newID()), changed(feed.Project, newID()), gone(feed.TokenSet, newID()))
	if o.Unknown != 6 || o.Deleted+o.Suspended+o.Tokens+o.Sessions+o.Keys != 0 || len(o.Services)+len(o.Platforms)+len(o.Projects) != 0 {
		t.Errorf("got %+v, want nothing changed", o)
	}
	owner := tokenOwner(t, s)
	parent := createAPIToken(t, s, apiToken(owner.ID, "parent"))
	for _, id := range []uuid.UUID{token, secret} {
		if grounds, err := s.GroundsOfAPIToken(t.Context(), parent.ID, parent.KeyID, id); err != nil || !grounds.Revoked {
			t.Errorf("got %+v and error %v, want an access token of that ID refused", grounds, err)
		}
	}
}

// testRenewTwice renews again with the same changes: nothing more is changed.
func testRenewTwice(t *testing.T, s Archived) {
	owner := tokenOwner(t, s)
	token, v, p := createAPIToken(t, s, apiToken(owner.ID, "token")), setUp(t, s, api("reports")), enrol(t, s, "portal")
	spoken, shop := takeToken(t, s, owner.ID, p.ID, 1), addProject(t, s, projectOf(1))
	put(t, s, owner.ID, digest(1, 1))
	changes := []feed.Change{
		gone(feed.APIToken, token.ID), changed(feed.PersonalToken, owner.ID), gone(feed.Service, v.ID), gone(feed.User, owner.ID), gone(feed.User, owner.ID),
		gone(feed.SessionToken, spoken.ID), gone(feed.Platform, p.ID), gone(feed.PlatformKey, keyOf(t, s, p.ID).ID),
		gone(feed.Project, shop.ID), gone(feed.User, shop.ServiceAccount),
	}
	if o := renew(t, s, changes...); o.Tokens != 2 || o.Deleted != 5 {
		t.Errorf("got %+v, want all ended", o)
	}
	if o := renew(t, s, changes...); o.Deleted+o.Suspended+o.Tokens+o.Sessions+o.Keys != 0 {
		t.Errorf("got %+v the second time, want nothing changed", o)
	}
}
