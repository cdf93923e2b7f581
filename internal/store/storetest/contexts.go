package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
)

func contextTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"ended before a write":               testEndedWrites,
		"ended before a write of a platform": testEndedPlatformWrites,
		"ended before a write of a project":  testEndedProjectWrites,
		"ended before a read":                testEndedReads,
		"ended in the middle":                testEndedMeanwhile,
	}
}

func testEndedWrites(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, v := born(t, s, person("alice"), "hash"), setUp(t, s, api("reports"))
	put(t, s, r.ID, digest(1, 1))
	b, active := logIn(t, s, r.ID, 0), firstSigningKey(t, s)
	other := person("bob")
	owner := born(t, s, person("carol"), "")
	signed := createAPIToken(t, s, apiToken(owner.ID, "signed"))
	batch := client(t, s)
	secret, key := addSecret(t, s, batch.ID, 1), addKey(t, s, batch.ID, 2)
	taken := accesstoken.Revocation{ID: newID(), Parent: signed.ID, Until: start()}
	ev := event(audit.UserUpdate, r.ID, start())
	for name, write := range map[string]func() error{
		"CreateUser":               func() error { return s.CreateUser(ctx, other, "", ev) },
		"UpdateUser":               func() error { return s.UpdateUser(ctx, r, ev) },
		"DeleteUser":               func() error { return s.DeleteUser(ctx, r.ID, ev) },
		"ChangePassword":           func() error { return s.ChangePassword(ctx, r.ID, account.Rehash{Old: "hash", New: "new"}, ev) },
		"ResetPassword":            func() error { return s.ResetPassword(ctx, r.ID, "new", ev) },
		"UpgradePassword":          func() error { return s.UpgradePassword(ctx, r.ID, "hash", "new") },
		"NotePasswordFrom":         func() error { return s.NotePasswordFrom(ctx, r.ID, "192.0.2.1", start(), 3) },
		"PrunePasswordAddresses":   func() error { _, err := s.PrunePasswordAddresses(ctx, start()); return err },
		"PutPersonalToken":         func() error { return s.PutPersonalToken(ctx, r.ID, digest(1, 2), ev) },
		"RevokePersonalToken":      func() error { return s.RevokePersonalToken(ctx, r.ID, ev) },
		"RedigestPersonalToken":    func() error { return s.RedigestPersonalToken(ctx, r.ID, digest(1, 1), digest(1, 2)) },
		"TouchPersonalTokens":      func() error { return s.TouchPersonalTokens(ctx, []authority.Use{{ID: r.ID, At: start()}}) },
		"CreateBrowserSession":     func() error { return s.CreateBrowserSession(ctx, visit(r.ID), cookies(1, 1), b.ID, ev) },
		"EndBrowserSession":        func() error { return s.EndBrowserSession(ctx, b.ID, ev) },
		"ExpireBrowserSession":     func() error { return s.ExpireBrowserSession(ctx, b.ID, b.ExpiresAt) },
		"TouchBrowserSessions":     func() error { return s.TouchBrowserSessions(ctx, []authority.Use{{ID: b.ID, At: b.ExpiresAt}}) },
		"PruneBrowserSessions":     func() error { _, err := s.PruneBrowserSessions(ctx, b.ExpiresAt.Add(time.Hour)); return err },
		"CreateAPIToken":           func() error { return s.CreateAPIToken(ctx, apiToken(owner.ID, "new"), ev) },
		"UpdateAPIToken":           func() error { return s.UpdateAPIToken(ctx, signed, ev) },
		"DeleteAPIToken":           func() error { return s.DeleteAPIToken(ctx, signed.ID, ev) },
		"TouchAPITokens":           func() error { return s.TouchAPITokens(ctx, []authority.Use{{ID: signed.ID, At: start()}}) },
		"TouchParents":             func() error { return s.TouchParents(ctx, []authority.Use{{ID: signed.ID, At: start()}}) },
		"RevokeAccessToken":        func() error { return s.RevokeAccessToken(ctx, taken, ev) },
		"PruneRevokedAccessTokens": func() error { _, err := s.PruneRevokedAccessTokens(ctx, start()); return err },
		"AddClientSecret":          func() error { return s.AddClientSecret(ctx, clientSecret(batch.ID, 3), digest(1, 3), ev) },
		"RedigestClientSecret":     func() error { return s.RedigestClientSecret(ctx, secret.ID, digest(1, 1), digest(2, 1)) },
		"DeleteClientSecret":       func() error { return s.DeleteClientSecret(ctx, batch.ID, secret.ID, ev) },
		"AddClientKey":             func() error { return s.AddClientKey(ctx, clientKey(batch.ID, 3), ev) },
		"DeleteClientKey":          func() error { return s.DeleteClientKey(ctx, batch.ID, key.ID, ev) },
		"UseAssertion":             func() error { return s.UseAssertion(ctx, [32]byte{1}, start()) },
		"PruneUsedAssertions":      func() error { _, err := s.PruneUsedAssertions(ctx, start()); return err },
		"TouchClientSecrets":       func() error { return s.TouchClientSecrets(ctx, []authority.Use{{ID: secret.ID, At: start()}}) },
		"SetMasterCheck":           func() error { _, err := s.SetMasterCheck(ctx, []byte{1}); return err },
		"AddPepper":                func() error { return s.AddPepper(ctx, keyring.WrappedPepper{Version: 1, Wrapped: []byte{1}}, ev) },
		"AddSigningKey":            func() error { return s.AddSigningKey(ctx, signingKey(1), active.ID, ev) },
		"RevokeSigningKey":         func() error { return s.RevokeSigningKey(ctx, active.ID, signingKey(1), ev) },
		"CreateService":            func() error { return s.CreateService(ctx, api("new"), ev) },
		"UpdateService":            func() error { return s.UpdateService(ctx, v, ev) },
		"DeleteService":            func() error { return s.DeleteService(ctx, v.ID, ev) },
		"ReplaceOperations":        func() error { return s.ReplaceOperations(ctx, v.ID, 1, nil, ev) },
		"AppendRefusals":           func() error { return s.AppendRefusals(ctx, []audit.Event{ev}) },
		"PruneEvents":              func() error { _, err := s.PruneEvents(ctx, start()); return err },
		"PruneChanges":             func() error { _, err := s.PruneChanges(ctx, start()); return err },
	} {
		t.Run(name, func(t *testing.T) { refuses(t, s, context.Canceled, write) })
	}
	got, err := s.User(t.Context(), r.ID)
	must(t, err)
	same(t, got, r.User)
	checkHash(t, s, r, "hash")
	checkLive(t, s, r.ID, digest(1, 1))
	checkSession(t, s, 0, b)
	checkSigningKeys(t, s, active)
	checkAPIToken(t, s, signed.Token)
	checkClientParent(t, s, secret.ID, batch.ID, accesstoken.Live)
}

// testEndedPlatformWrites is testEndedWrites for platforms and the sessions of programs.
func testEndedPlatformWrites(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, r, b := enrol(t, s, "portal"), born(t, s, person("alice"), ""), platformOf("new")
	key, token := keyOf(t, s, p.ID), takeToken(t, s, r.ID, p.ID, 1)
	browser := logIn(t, s, r.ID, 1)
	ev, late := event(audit.PlatformUpdate, p.ID, start()), token.ExpiresAt.Add(time.Hour)
	silence := platform.Change{Platform: p, Repin: []uuid.UUID{key.ID}, EndSessions: true}
	silence.Enabled = false
	for name, write := range map[string]func() error{
		"AddPlatform":          func() error { return s.AddPlatform(ctx, b, b.Name, firstKey(&b), ev) },
		"UpdatePlatform":       func() error { return s.UpdatePlatform(ctx, silence, p.Name, ev) },
		"DeletePlatform":       func() error { return s.DeletePlatform(ctx, p.ID, ev) },
		"AddPlatformKey":       func() error { return s.AddPlatformKey(ctx, platformKey(p.ID, 1), ev) },
		"DeletePlatformKey":    func() error { return s.DeletePlatformKey(ctx, p.ID, key.ID, ev) },
		"TouchPlatforms":       func() error { return s.TouchPlatforms(ctx, []authority.Use{{ID: p.ID, At: late}}) },
		"CreateSessionToken":   func() error { return s.CreateSessionToken(ctx, sessionToken(r.ID, p.ID), digest(1, 2), ev) },
		"RedigestSessionToken": func() error { return s.RedigestSessionToken(ctx, token.ID, digest(1, 1), digest(2, 1)) },
		"ExpireSessionToken":   func() error { return s.ExpireSessionToken(ctx, token.ID, late) },
		"EndSessionToken":      func() error { return s.EndSessionToken(ctx, r.ID, token.ID, ev) },
		"EndSessions":          func() error { return s.EndSessions(ctx, r.ID, ev) },
		"TouchSessionTokens":   func() error { return s.TouchSessionTokens(ctx, []authority.Use{{ID: token.ID, At: late}}) },
		"PruneSessionTokens":   func() error { _, err := s.PruneSessionTokens(ctx, late); return err },
	} {
		t.Run(name, func(t *testing.T) { refuses(t, s, context.Canceled, write) })
	}
	checkPlatform(t, s, p)
	checkKeys(t, s, p.ID, key)
	checkToken(t, s, 1, token)
	checkNoToken(t, s, digest(1, 2))
	checkSession(t, s, 1, browser)
}

// testEndedProjectWrites is testEndedWrites for projects.
func testEndedProjectWrites(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, next := addProject(t, s, projectOf(1)), projectOf(2)
	set, own := addSet(t, s, tokenSet(p.ID, "set")), accountOf(&next)
	alice := born(t, s, person("alice"), "")
	b := comeIn(t, s, alice.ID, p, 1)
	ev, late := event(audit.ProjectUpdate, p.ID, start()), start().Add(time.Hour)
	for name, write := range map[string]func() error{
		"AddProject":           func() error { return s.AddProject(ctx, next, next.Name, own, ev) },
		"UpdateProject":        func() error { return s.UpdateProject(ctx, p, p.Name, ev) },
		"DeleteProject":        func() error { return s.DeleteProject(ctx, p.ID, ev, ev) },
		"AddTokenSet":          func() error { return s.AddTokenSet(ctx, tokenSet(p.ID, "new"), "new", ev) },
		"UpdateTokenSet":       func() error { return s.UpdateTokenSet(ctx, set, set.Name, ev) },
		"DeleteTokenSet":       func() error { return s.DeleteTokenSet(ctx, p.ID, set.ID, ev) },
		"NoteTokenSet":         func() error { return s.NoteTokenSet(ctx, set.ID, ev) },
		"TouchTokenSets":       func() error { return s.TouchTokenSets(ctx, []authority.Use{{ID: set.ID, At: late}}) },
		"CreateBrowserSession": func() error { return s.CreateBrowserSession(ctx, sealedVisit(alice.ID, p), cookies(1, 2), b.ID, ev) },
	} {
		t.Run(name, func(t *testing.T) { refuses(t, s, context.Canceled, write) })
	}
	checkProject(t, s, p, set)
	checkSession(t, s, 1, b)
	checkNoProject(t, s, next)
	checkNoUser(t, s, own.Record)
}

func testEndedReads(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := born(t, s, person("alice"), "hash")
	digests := []keyring.Digest{digest(1, 1)}
	for name, read := range map[string]func() error{
		"User":                   func() error { _, err := s.User(ctx, r.ID); return err },
		"UserByName":             func() error { _, err := s.UserByName(ctx, "alice"); return err },
		"UsersNamed":             func() error { _, err := s.UsersNamed(ctx, nil); return err },
		"CountEvents":            func() error { _, _, err := s.CountEvents(ctx, start(), 1); return err },
		"Users":                  func() error { _, err := s.Users(ctx, account.Query{Limit: 1}); return err },
		"PasswordByName":         func() error { _, err := s.PasswordByName(ctx, "alice"); return err },
		"PasswordKnownFrom":      func() error { _, err := s.PasswordKnownFrom(ctx, r.ID, "192.0.2.1", start()); return err },
		"AnyUser":                func() error { _, err := s.AnyUser(ctx); return err },
		"PersonalToken":          func() error { _, err := s.PersonalToken(ctx, r.ID); return err },
		"FindPersonalToken":      func() error { _, err := s.FindPersonalToken(ctx, digests); return err },
		"BrowserSessionByDigest": func() error { _, err := s.BrowserSessionByDigest(ctx, authority.APISession, digests); return err },
		"BrowserSessions":        func() error { _, err := s.BrowserSessions(ctx, r.ID, start()); return err },
		"SessionTokenByDigest":   func() error { _, err := s.SessionTokenByDigest(ctx, digests); return err },
		"PersonalTokensAfter":    func() error { _, err := s.PersonalTokensAfter(ctx, r.ID, 1); return err },
		"SessionTokensAfter":     func() error { _, err := s.SessionTokensAfter(ctx, r.ID, 1); return err },
		"SessionToken":           func() error { _, err := s.SessionToken(ctx, r.ID); return err },
		"SessionTokens":          func() error { _, err := s.SessionTokens(ctx, r.ID, start()); return err },
		"Platform":               func() error { _, err := s.Platform(ctx, r.ID); return err },
		"PlatformNamed":          func() error { _, err := s.PlatformNamed(ctx, "x"); return err },
		"Platforms":              func() error { _, err := s.Platforms(ctx, "", 1); return err },
		"PlatformKeys":           func() error { _, err := s.PlatformKeys(ctx, r.ID); return err },
		"PublicPlatformKeys":     func() error { _, err := s.PublicPlatformKeys(ctx); return err },
		"Project":                func() error { _, err := s.Project(ctx, 1); return err },
		"Projects":               func() error { _, err := s.Projects(ctx, 0, 1); return err },
		"AllProjects":            func() error { _, err := s.AllProjects(ctx); return err },
		"AssertionUsed":          func() error { _, err := s.AssertionUsed(ctx, [32]byte{1}); return err },
		"UserByEmail":            func() error { _, err := s.UserByEmail(ctx, "x"); return err },
		"APIToken":               func() error { _, err := s.APIToken(ctx, r.ID); return err },
		"APITokenByName":         func() error { _, err := s.APITokenByName(ctx, "x"); return err },
		"APITokensNamed":         func() error { _, err := s.APITokensNamed(ctx, nil); return err },
		"FindAPIToken":           func() error { _, err := s.FindAPIToken(ctx, r.ID, ""); return err },
		"APITokens":              func() error { _, err := s.APITokens(ctx, apitoken.Query{Limit: 1}); return err },
		"APITokenParent":         func() error { _, err := s.APITokenParent(ctx, r.ID); return err },
		"GroundsOfAPIToken":      func() error { _, err := s.GroundsOfAPIToken(ctx, r.ID, "", r.ID); return err },
		"ClientParent":           func() error { _, err := s.ClientParent(ctx, r.ID); return err },
		"GroundsOfClient":        func() error { _, err := s.GroundsOfClient(ctx, r.ID, "", r.ID); return err },
		"ClientSecrets":          func() error { _, err := s.ClientSecrets(ctx, r.ID); return err },
		"ClientSecretByDigest":   func() error { _, err := s.ClientSecretByDigest(ctx, digests); return err },
		"ClientKeys":             func() error { _, err := s.ClientKeys(ctx, r.ID); return err },
		"ClientKeysByName":       func() error { _, err := s.ClientKeysByName(ctx, "alice"); return err },
		"MasterCheck":            func() error { _, err := s.MasterCheck(ctx); return err },
		"Peppers":                func() error { _, err := s.Peppers(ctx); return err },
		"HasSigningKey":          func() error { _, err := s.HasSigningKey(ctx, "x"); return err },
		"SigningKeys":            func() error { _, err := s.SigningKeys(ctx); return err },
		"Service":                func() error { _, err := s.Service(ctx, "x"); return err },
		"Services":               func() error { _, err := s.Services(ctx, "", 1); return err },
		"Catalog":                func() error { _, err := s.Catalog(ctx); return err },
		"ChangesAfter":           func() error { _, err := s.ChangesAfter(ctx, 0); return err },
		"Events":                 func() error { _, err := s.Events(ctx, audit.Query{}); return err },
		"NoteIssuer":             func() error { _, err := s.NoteIssuer(ctx, "http://a"); return err },
		"Position":               func() error { _, err := s.Position(ctx); return err },
		"Horizon":                func() error { _, err := s.Horizon(ctx); return err },
		"KeepHorizon":            func() error { return s.KeepHorizon(ctx, start()) },
	} {
		t.Run(name, func(t *testing.T) {
			// Not ErrNotFound above all: that would refuse a valid token for good.
			if err := read(); !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want %v", err, context.Canceled)
			}
		})
	}
}

// testEndedMeanwhile ends the contexts of writes that are under way: each was then done, event and all, or it returned
// the context's error and nothing was. There is no third answer.
func testEndedMeanwhile(t *testing.T, s Store) {
	made := 0
	for round := range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		names := [3]string{}
		for i := range names {
			names[i] = fmt.Sprintf("u%d.%d", round, i)
		}
		errs := together(len(names)+1, func(i int) error {
			if i < len(names) {
				r := person(names[i])
				return s.CreateUser(ctx, r, "", event(audit.UserCreate, r.ID, start()))
			}
			for range round { // a little later each time
				runtime.Gosched()
			}
			cancel()
			return nil
		})
		for i, name := range names {
			_, missing := s.UserByName(t.Context(), name)
			switch {
			case errs[i] == nil && missing == nil:
				made++
			case errors.Is(errs[i], context.Canceled) && errors.Is(missing, authority.ErrNotFound):
			default:
				t.Errorf("%s: got error %v from the write, and then %v from a look-up", name, errs[i], missing)
			}
		}
	}
	if events := readLog(t, s).events; len(events) != made {
		t.Errorf("got %d events for %d users made", len(events), made)
	}
	t.Logf("%d of 150 writes were accepted before their context ended", made)
}
