package sqlite_test

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/factor/passkey"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// The records of a golden dump have IDs that don't change from one run to the next.
func id(n byte) uuid.UUID { return uuid.UUID{0: 1, 6: 0x70, 8: 0x80, 15: n} }

// cookies returns the digests of a browser session's two cookies.
func cookies(n byte) session.Digests {
	return session.Digests{
		Console: keyring.Digest{Pepper: 1, Sum: secret.Sum{0: n, 31: 2}}, API: keyring.Digest{Pepper: 1, Sum: secret.Sum{0: n, 31: 3}},
	}
}

func token(n byte) keyring.Digest { return keyring.Digest{Pepper: 1, Sum: secret.Sum{0: n, 31: 1}} }

func signingKey(n byte) keyring.WrappedSigningKey {
	return keyring.WrappedSigningKey{
		ID: strings.Repeat("0", 21) + string('0'+n), Purpose: keyring.ForAPITokens, Algorithm: jose.RS256, Wrapped: []byte{n, 6}, CreatedAt: now().Add(time.Duration(n) * time.Second),
	}
}

// populate leaves some rows in every table.
func populate(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx, at := t.Context(), now()
	ev := func(n byte) audit.Event {
		e := audit.New(audit.UserUpdate, audit.Actor{UserID: id(1), Username: "root"}, audit.Target{Kind: "user", ID: id(n)}, at, "field", "value")
		e.ID = id(n)
		return e
	}
	user := func(n byte, name string, roles ...string) account.Record {
		return account.Record{
			User:        account.User{ID: id(n), Kind: account.Person, Username: name, Email: name + "@Example.com", Roles: roles, State: account.Active, Version: 1, CreatedAt: at, UpdatedAt: at},
			UsernameKey: name, EmailKey: name + "@example.com",
		}
	}
	refused := ev(20)
	refused.Action, refused.Reason, refused.MergeKey, refused.LastAt = audit.Refused, "unknown", "key", at
	api := catalog.Service{ID: id(10), Name: "reports", Host: "api.example.com", PathPrefix: "/", Default: policy.DefaultDeny, Verifiers: []uuid.UUID{id(2)}, Version: 1, CreatedAt: at, UpdatedAt: at}
	ops := []policy.Operation{{Pattern: "GET /reports/{id}", Scope: "read", Audience: []policy.Audience{policy.UserAudience(id(2)), policy.RoleAudience("r"), policy.SelfAudience("id")}}}
	browser := func(n, userID byte) session.Session {
		return session.Session{ID: id(n), UserID: id(userID), CreatedAt: at, LastUsedAt: at, LastUsedIP: "192.0.2.2", ExpiresAt: at.Add(12 * time.Hour)}
	}
	_, err := s.SetMasterCheck(ctx, []byte{1, 2, 3})
	if err := errors.Join(err,
		s.AddPepper(ctx, keyring.WrappedPepper{Version: 1, Wrapped: []byte{4, 5}, CreatedAt: at}, ev(11)),
		s.CreateUser(ctx, user(1, "root", "admin"), "$argon2id$", ev(12)),
		s.CreateUser(ctx, user(2, "alice", "r"), "", ev(13)),
		s.CreateUser(ctx, user(3, "dead", "r"), "hash", ev(14)),
		s.PutPersonalToken(ctx, id(2), token(1), ev(15)),
		s.PutPersonalToken(ctx, id(2), token(2), ev(16)),
		s.PutPersonalToken(ctx, id(3), token(3), ev(17)),
		s.TouchPersonalTokens(ctx, []authority.Use{{ID: id(2), At: at.Add(time.Minute), From: netip.MustParseAddr("192.0.2.1")}}),
		s.CreateBrowserSession(ctx, browser(30, 2), cookies(1), uuid.Nil, ev(22)),
		s.CreateBrowserSession(ctx, browser(31, 2), cookies(2), id(30), ev(23)), // the first ends
		s.CreateBrowserSession(ctx, browser(32, 3), cookies(3), uuid.Nil, ev(24)),
		s.NotePasswordFrom(ctx, id(2), "192.0.2.1", at, 3),
		s.TouchBrowserSessions(ctx, []authority.Use{{ID: id(31), At: at.Add(time.Minute)}}),
		s.DeleteUser(ctx, id(3), ev(18)),
		s.CreateService(ctx, api, ev(19)),
		s.ReplaceOperations(ctx, api.ID, 1, ops, ev(21)),
		s.AppendRefusals(ctx, []audit.Event{refused}),
		s.AddSigningKey(ctx, signingKey(1), "", ev(25)),
		s.AddSigningKey(ctx, signingKey(2), signingKey(1).ID, ev(26)),
		s.RevokeSigningKey(ctx, signingKey(2).ID, signingKey(3), ev(27)),
	); err != nil {
		t.Fatal(err)
	}
	populateSigned(t, s, user(4, "batch"), ev)
	populateLinks(t, s, ev)
	populatePlatforms(t, s, ev)
	populateProjects(t, s, ev)
	populateFactors(t, s, user(80, "guarded"), ev)
}

// The authenticator, the passkey and the recovery codes that populateFactors leaves.
const (
	appSecret  = "unmistakable secret of an app"
	passkeyID  = "unmistakable passkey"
	passkeyKey = "unmistakable key of a passkey"
)

func recoveryCodes() []keyring.Digest { return []keyring.Digest{token(21), token(22)} }

// populateFactors leaves some rows in the tables of second factors.
func populateFactors(t *testing.T, s *sqlite.Store, guarded account.Record, ev func(n byte) audit.Event) {
	t.Helper()
	ctx, at := t.Context(), now()
	_, first := s.AddAuthenticator(ctx, factor.Authenticator{UserID: id(80), Wrapped: []byte(appSecret), LastStep: 59_000_000, CreatedAt: at}, nil, ev(0))
	if !errors.Is(first, authority.ErrNotFound) {
		t.Fatalf("got error %v for a user that there isn't", first)
	}
	err := s.CreateUser(ctx, guarded, "hash", ev(81))
	_, first = s.AddAuthenticator(ctx, factor.Authenticator{UserID: id(80), Wrapped: []byte(appSecret), LastStep: 59_000_000, CreatedAt: at}, recoveryCodes(), ev(82))
	_, second := s.AddPasskey(ctx, factor.StoredPasskey{
		Passkey: factor.Passkey{ID: id(83), Name: "Key", CreatedAt: at}, UserID: id(80),
		Key: passkey.Credential{ID: []byte(passkeyID), PublicKey: []byte(passkeyKey), SignCount: 7, BackupEligible: true, Transports: []string{"internal", "usb"}},
	}, nil, 9, ev(84))
	if err := errors.Join(err, first, second,
		s.CountPasskey(ctx, factor.PasskeyUse{ID: id(83), Asked: at, At: at.Add(time.Minute), SignCount: 8}),
		s.UseRecoveryCode(ctx, id(80), recoveryCodes()[:1], ev(85)), s.SpendGuess(ctx, id(80), time.Time{}, at.Add(time.Hour)),
	); err != nil {
		t.Fatal(err)
	}
}

// shop is a project that populate leaves, and shopSet its token set.
func shop() project.Project {
	return project.Project{
		ID: id(60), Number: 1000, Name: "Shop", SecurityContext: "context", ContextRequired: true, AppKeys: []byte("unmistakable app keys\x00\xff"), AppKeyCount: 2,
		AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")}, MaxAge: time.Minute,
		CreateUsers: true, NewUserRoles: []string{"r", "s"}, ServiceAccount: id(61), Version: 1, CreatedAt: now(), UpdatedAt: now(),
	}
}

func shopSet() project.TokenSet {
	return project.TokenSet{
		ID: id(62), ProjectID: id(60), Name: "Set", Active: true, Key: []byte("unmistakable key\x00\xff"), OneTime: true, Version: 1, CreatedAt: now(), UpdatedAt: now(),
		Settings: sealed.Settings{
			Mode: sealed.CBC, KeySize: 256, Padding: sealed.PKCS7, IV: "12345678", IVExpansion: sealed.UTF16LE, Derivation: sealed.PBKDF2, Salt: "saltsalt",
			Hash: "SHA256", Iterations: 1000,
		},
	}
}

// deletedKey is the key of a token set that populate leaves as a tombstone.
const deletedKey = "unmistakable key of the deleted"

// populateProjects leaves some rows in the tables of projects, and what refers to them.
func populateProjects(t *testing.T, s *sqlite.Store, ev func(n byte) audit.Event) {
	t.Helper()
	ctx, at := t.Context(), now()
	record := func(n byte, kind account.Kind, name string) account.Record {
		return account.Record{User: account.User{ID: id(n), Kind: kind, Username: name, State: account.Active, Version: 1, CreatedAt: at, UpdatedAt: at}, UsernameKey: name}
	}
	comer := record(63, account.Person, "comer")
	comer.External = account.External{Profile: "profile", ID: "x1", Ref: "ref", Data: "data", Flags: 5}
	deleted := shopSet()
	deleted.ID, deleted.Name, deleted.Key = id(64), "Deleted", []byte(deletedKey)
	orders := catalog.Service{
		ID: id(65), Name: "orders", Host: "api.example.com", PathPrefix: "/orders", Default: policy.DefaultDeny, Project: id(60),
		Version: 1, CreatedAt: at, UpdatedAt: at,
	}
	orders.Route, orders.Rate = route()
	in := session.Session{ID: id(66), UserID: id(63), CreatedAt: at, LastUsedAt: at, ExpiresAt: at.Add(12 * time.Hour), Sealed: session.SealedOrigin{Project: id(60)}}
	if err := errors.Join(
		s.AddProject(ctx, shop(), "shop", project.OwnAccount{Record: record(61, account.Service, "project-1000"), Event: ev(68)}, ev(67)),
		s.AddTokenSet(ctx, shopSet(), "set", ev(69)),
		s.AddTokenSet(ctx, deleted, "deleted", ev(70)),
		s.DeleteTokenSet(ctx, id(60), id(64), ev(71)),
		s.TouchTokenSets(ctx, []authority.Use{{ID: id(62), At: at.Add(time.Minute), From: netip.MustParseAddr("192.0.2.6")}}),
		s.CreateUser(ctx, comer, "", ev(72)),
		s.CreateBrowserSession(ctx, in, cookies(4), uuid.Nil, ev(73)),
		s.CreateService(ctx, orders, ev(74)),
	); err != nil {
		t.Fatal(err)
	}
}

// route is what populateProjects leaves of a service's route.
func route() (catalog.Route, authority.Rate) {
	return catalog.Route{Upstream: "http://127.0.0.1:9000", Profile: "xdoc", ForwardQueryTokens: true, IdentityToken: true},
		authority.Rate{Calls: 100, Per: time.Minute}
}

// checkRoute finds what populateProjects left, or nothing where the schema had no place for it.
func checkRoute(t *testing.T, s *sqlite.Store, written bool) {
	t.Helper()
	var want catalog.Service
	if written {
		want.Route, want.Rate = route()
	}
	entries, err := s.Catalog(t.Context())
	check(t, "catalog", err, len(entries) > 0)
	for _, e := range entries {
		if e.Name == "orders" {
			check(t, "route", nil, e.Route == want.Route && e.Rate == want.Rate)
		} else {
			check(t, "route of "+e.Name, nil, e.Route == catalog.Route{} && e.Rate == authority.Rate{})
		}
	}
}

// checkProjects finds what populateProjects left.
func checkProjects(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx, set := t.Context(), shopSet()
	set.LastUsedAt, set.LastUsedIP = now().Add(time.Minute), "192.0.2.6"
	e, err := s.Project(ctx, 1000)
	check(t, "project", err, reflect.DeepEqual(e, project.Entry{Project: shop(), Sets: []project.TokenSet{set}}))
	comer, err := s.User(ctx, id(63))
	check(t, "external columns", err, comer.External == account.External{Profile: "profile", ID: "x1", Ref: "ref", Data: "data", Flags: 5})
	in, err := s.BrowserSessionByDigest(ctx, authority.APISession, []keyring.Digest{cookies(4).API})
	check(t, "session begun by a token", err, in.ID == id(66) && in.Sealed.Project == id(60) && slices.Equal(in.Sealed.From, shop().AllowedIPs))
	orders, err := s.Service(ctx, "orders")
	check(t, "project of a service", err, orders.Project == id(60) && orders.ProjectNumber == 1000)
}

// populateLinks leaves a link, and how far people were told.
func populateLinks(t *testing.T, s *sqlite.Store, ev func(n byte) audit.Event) {
	t.Helper()
	l := link.Link{ID: id(80), UserID: id(2), Purpose: link.Invitation, CreatedAt: now(), ExpiresAt: now().Add(time.Hour)}
	_, err := s.KeepTold(t.Context(), "events", 0, 7)
	if err := errors.Join(err, s.PutLink(t.Context(), l, token(7), ev(81)), s.UseLink(t.Context(), l.ID, ev(82))); err != nil {
		t.Fatal(err)
	}
}

// checkLinks finds what populateLinks left.
func checkLinks(t *testing.T, s *sqlite.Store) {
	t.Helper()
	l, err := s.LinkByDigest(t.Context(), []keyring.Digest{token(7)})
	check(t, "link", err, l.ID == id(80) && l.UserID == id(2) && l.Purpose == link.Invitation && l.UsedAt.Equal(now()) && l.EndedAt.IsZero())
	told, err := s.Told(t.Context(), "events")
	check(t, "how far people were told", err, told == 7)
}

// portal is a platform that populate leaves, and portalKey its key that is a shared secret.
func portal() platform.Platform {
	return platform.Platform{
		ID: id(50), Code: "Ab3dEf7h", Name: "Portal", Algorithm: jose.RS512, Issuer: "https://portal.example", Audience: "urn:jeton",
		SpeaksFor: platform.Scope{Roles: []string{"r"}, Users: []uuid.UUID{id(2)}}, CreateUsers: true, NewUserRoles: []string{"r", "s"},
		MaxLife: time.Minute, OneTime: true, Enabled: true, Version: 1, CreatedAt: now(), UpdatedAt: now(),
	}
}

func portalKey() platform.Key {
	return platform.Key{ID: id(52), PlatformID: id(50), Algorithm: jose.HS512, KeyID: "kid", Wrapped: []byte("unmistakably wrapped\x00\xff"), CreatedAt: now().Add(time.Second)}
}

// populatePlatforms leaves some rows in the tables of platforms and of session tokens.
func populatePlatforms(t *testing.T, s *sqlite.Store, ev func(n byte) audit.Event) {
	t.Helper()
	ctx, at := t.Context(), now()
	key := platform.Key{ID: id(51), PlatformID: id(50), Algorithm: jose.RS512, PublicKey: "PEM", CreatedAt: at}
	lasts := session.Token{ID: id(54), UserID: id(2), PlatformID: id(50), CreatedAt: at, ExpiresAt: at.Add(time.Hour), Pepper: 1}
	ended := session.Token{ID: id(55), UserID: id(2), CreatedAt: at, ExpiresAt: at.Add(time.Hour), Pepper: 1}
	if err := errors.Join(
		s.AddPlatform(ctx, portal(), "portal", key, ev(35)),
		s.AddPlatformKey(ctx, portalKey(), ev(36)),
		s.DeletePlatformKey(ctx, id(50), id(51), ev(37)),
		s.CreateSessionToken(ctx, lasts, token(5), ev(38)),
		s.CreateSessionToken(ctx, ended, token(6), ev(39)),
		s.EndSessionToken(ctx, id(2), id(55), ev(56)),
		s.TouchSessionTokens(ctx, []authority.Use{{ID: id(54), At: at.Add(time.Minute), From: netip.MustParseAddr("192.0.2.5")}}),
	); err != nil {
		t.Fatal(err)
	}
}

// checkPlatforms finds what populatePlatforms left.
func checkPlatforms(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx := t.Context()
	for _, name := range []string{portal().Code, portal().Issuer} {
		p, err := s.PlatformNamed(ctx, name)
		check(t, "platform", err, cmp.Equal(p, portal()))
	}
	keys, err := s.PlatformKeys(ctx, id(50))
	check(t, "platform keys", err, len(keys) == 2 && cmp.Equal(keys[0], portalKey()) && keys[1].ID == id(51) && keys[1].DeletedAt.Equal(now()))
	lasts, err := s.SessionTokenByDigest(ctx, []keyring.Digest{token(5)})
	check(t, "session token", err, lasts.ID == id(54) && lasts.PlatformID == id(50) && lasts.EndedAt.IsZero() && lasts.LastUsedIP == "192.0.2.5")
	ended, err := s.SessionTokenByDigest(ctx, []keyring.Digest{token(6)})
	check(t, "ended session token", err, ended.ID == id(55) && ended.PlatformID == uuid.Nil && ended.EndedAt.Equal(now()))
}

// populateSigned leaves some rows in the tables of signed tokens, for a service account to be made.
func populateSigned(t *testing.T, s *sqlite.Store, batch account.Record, ev func(n byte) audit.Event) {
	t.Helper()
	ctx, at := t.Context(), now()
	batch.Kind = account.Service
	if err := errors.Join(
		s.CreateUser(ctx, batch, "", ev(28)),
		s.CreateAPIToken(ctx, apiToken(40), ev(29)),
		s.CreateAPIToken(ctx, apiToken(41), ev(30)),
		s.DeleteAPIToken(ctx, id(41), ev(31)),
		s.TouchAPITokens(ctx, []authority.Use{{ID: id(40), At: at.Add(time.Minute), From: netip.MustParseAddr("192.0.2.4")}}),
		s.RevokeAccessToken(ctx, accesstoken.Revocation{ID: id(42), Parent: id(40), Until: at.Add(time.Minute)}, ev(32)),
		s.AddClientSecret(ctx, clientauth.Secret{ID: id(43), UserID: id(4), CreatedAt: at}, token(4), ev(33)),
		s.AddClientKey(ctx, clientauth.Key{ID: id(44), UserID: id(4), Algorithm: jose.ES256, PublicKey: "PEM", CreatedAt: at}, ev(34)),
		s.UseAssertion(ctx, [32]byte{9}, at.Add(time.Minute)),
	); err != nil {
		t.Fatal(err)
	}
}

func apiToken(n byte) apitoken.Record {
	return apitoken.Record{Token: apitoken.Token{
		ID: id(n), UserID: id(4), Name: "Token " + string('0'+n%10), KeyID: signingKey(1).ID, Enabled: true, Version: 1,
		Limits: authority.Limits{
			Scopes: []string{"a", "b"}, From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")},
			Rate: authority.Rate{Calls: 6, Per: time.Minute},
		},
		ExpiresAt: now().Add(time.Hour), CreatedAt: now(), UpdatedAt: now(),
	}, NameKey: "token " + string('0'+n%10)}
}

// checkSigned finds what populateSigned left.
func checkSigned(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx := t.Context()
	want := apiToken(40).Token
	want.LastUsedAt, want.LastUsedIP = now().Add(time.Minute), "192.0.2.4"
	got, err := s.APIToken(ctx, id(40))
	check(t, "API token", err, reflect.DeepEqual(got, want))
	deleted, err := s.FindAPIToken(ctx, id(41), signingKey(3).ID)
	check(t, "deleted API token", err, deleted.DeletedAt.Equal(now()) && !deleted.KeyRevoked)
	grounds, err := s.GroundsOfAPIToken(ctx, id(40), signingKey(2).ID, id(42))
	check(t, "revoked access token", err, grounds.Revoked && grounds.KeyRevoked && grounds.Parent.State == accesstoken.Live)
	found, err := s.ClientSecretByDigest(ctx, []keyring.Digest{token(4)})
	check(t, "client secret", err, found.ID == id(43) && found.UsernameKey == "batch")
	keys, err := s.ClientKeysByName(ctx, "batch")
	check(t, "client key", err, len(keys) == 1 && keys[0].ID == id(44))
	check(t, "used assertion", nil, errors.Is(s.UseAssertion(ctx, [32]byte{9}, now()), authority.ErrConflict))
}

// check complains of a record that couldn't be read, or is another than wanted.
func check(t *testing.T, what string, err error, ok bool) {
	t.Helper()
	if err != nil || !ok {
		t.Errorf("%s: got error %v, and another record than wanted: %t", what, err, !ok)
	}
}

// checkPopulated finds what populate left, through the methods that the packages inside use. Of the tables, had holds those
// that the schema had in which the rows were written.
func checkPopulated(t *testing.T, s *sqlite.Store, had map[string]int) {
	t.Helper()
	ctx := t.Context()
	alice, err := s.User(ctx, id(2))
	check(t, "user", err, alice.Username == "alice" && len(alice.Roles) == 1 && alice.CreatedAt.Equal(now()))
	root, err := s.PasswordByName(ctx, "root")
	check(t, "password", err, root == account.Credentials{UserID: id(1), Hash: "$argon2id$"})
	live, err := s.FindPersonalToken(ctx, []keyring.Digest{token(2)})
	check(t, "token", err, live.UserID == id(2) && live.User != nil && live.User.Username == "alice")
	former, err := s.FindPersonalToken(ctx, []keyring.Digest{token(1)})
	check(t, "former token", nil, former.UserID == id(2) && errors.Is(err, personal.ErrFormer))
	kept, err := s.PersonalToken(ctx, id(2))
	check(t, "use of a token", err, kept.LastUsedIP == "192.0.2.1")
	_, err = s.User(ctx, id(3))
	check(t, "tombstone", nil, errors.Is(err, authority.ErrNotFound))
	peppers, err := s.Peppers(ctx)
	check(t, "pepper", err, len(peppers) == 1 && len(peppers[0].Wrapped) == 2)
	service, err := s.Service(ctx, "reports")
	check(t, "service", err, service.Version == 2 && len(service.Verifiers) == 1 && len(service.Operations) == 1 && len(service.Operations[0].Audience) == 3)
	batch, err := s.ChangesAfter(ctx, 0)
	check(t, "feed", err, batch.Head.Revision > 0 && int64(len(batch.Changes)) == batch.Head.Revision)
	events, err := s.Events(ctx, audit.Query{Reason: "unknown"})
	check(t, "refusal", err, len(events) == 1 && events[0].ID == id(20))
	mark, err := s.MasterCheck(ctx)
	check(t, "check value", err, len(mark) == 3)
	if had["password_address"] > 0 {
		known, err := s.PasswordKnownFrom(ctx, id(2), "192.0.2.1", now())
		check(t, "address of a password", err, known)
	}
	if had["browser_session"] > 0 {
		checkSessions(t, s)
	}
	if had["api_token"] > 0 {
		checkSigned(t, s)
	}
	if had["link"] > 0 {
		checkLinks(t, s)
	}
	if had["platform"] > 0 {
		checkPlatforms(t, s)
	}
	if had["project"] > 0 {
		checkProjects(t, s)
	}
	if had["signing_key"] > 0 {
		keys, err := s.SigningKeys(ctx)
		check(t, "signing keys", err, len(keys) == 3)
		retired, revoked, active := signingKey(1), signingKey(2), signingKey(3)
		retired.RetiredAt, revoked.RevokedAt, revoked.Wrapped = now(), now(), nil
		check(t, "signing keys", nil, cmp.Equal(keys, []keyring.WrappedSigningKey{active, revoked, retired}))
	}
}

// checkSessions finds the browser's sessions that populate left, each by both cookies.
func checkSessions(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ended, lasts, none := cookies(1), cookies(2), cookies(3)
	for kind, by := range map[authority.Kind][3]keyring.Digest{
		authority.ConsoleSession: {ended.Console, lasts.Console, none.Console}, authority.APISession: {ended.API, lasts.API, none.API},
	} {
		find := func(d keyring.Digest) (session.Found, error) {
			return s.BrowserSessionByDigest(t.Context(), kind, []keyring.Digest{d})
		}
		b, err := find(by[0])
		check(t, "ended session", err, b.ID == id(30) && b.EndedAt.Equal(now()) && b.LastUsedIP == "192.0.2.2")
		b, err = find(by[1])
		check(t, "session", err, b.ID == id(31) && b.UserID == id(2) && b.EndedAt.IsZero() && b.LastUsedIP == "" && b.LastUsedAt.Equal(now().Add(time.Minute)))
		_, err = find(by[2])
		check(t, "session of the deleted", nil, errors.Is(err, authority.ErrNotFound))
	}
}
