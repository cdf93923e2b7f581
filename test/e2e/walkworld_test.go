package e2e_test

import (
	"crypto/rand"
	"crypto/rsa"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // what a restore does is done to the database

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// world is a Jeton of which every table has rows, and these are in every state, once it is furnished.
type world struct {
	*jetontest.Server
	folder string // of its database
	names  map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return worldOf(t, jetontest.New(t))
}

func worldOf(t *testing.T, j *jetontest.Server) *world {
	t.Helper()
	w := &world{Server: j, folder: filepath.Dir(t.TempDir()), names: map[string]string{"url": j.URL}}
	me, err := w.Admin.Me(t.Context())
	must(t, err)
	w.names["admin"] = me.User.ID
	return w
}

// resolve puts the world's names in the place of {alice} and the like.
func (w *world) resolve(text string) string {
	for name, value := range w.names {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// fillers is how many records of a kind it takes for a second page.
const fillers = 51

// furnish makes what there is to be seen. Some of it is 85 days old.
func (w *world) furnish(t *testing.T) {
	t.Helper()
	w.furnishUsers(t)
	w.furnishPlatforms(t)
	w.furnishProjects(t)
	w.furnishServices(t)
	w.token(t, "expired", api.NewAPIToken{Name: "Expired", User: "app-service", ExpiresInDays: 1})
	w.Advance(85 * 24 * time.Hour) // a key of 90 days is in the last tenth of its age
	w.invite(t)
	w.furnishTokens(t)
	w.furnishKeys(t)
	w.restore(t)
	w.useAndMisuse(t)
}

func (w *world) furnishUsers(t *testing.T) {
	t.Helper()
	for _, u := range []api.NewUser{
		{Username: "alice", DisplayName: "Alice-Whose-Name-Is-As-Long-As-Names-Get", Email: "alice.whose.address.is.as.long.as.addresses.get@mail.example.com", Roles: []string{"partner", "auditor"}, Password: jetontest.Password},
		{Username: "bob", Password: jetontest.Password},
		{Username: "app-service", Kind: "service"},
		{Username: "service-full", Kind: "service"},
		{Username: "barred", State: "blocked"},
		{Username: "after-restore"},
		{Username: "changed"},
	} {
		w.user(t, u)
	}
	for _, whose := range append([]string{"idle"}, walkers...) {
		w.user(t, api.NewUser{Username: "service-" + whose, Kind: "service"})
		for _, name := range []string{"carol", "dave", "olga", "gone"} {
			w.user(t, api.NewUser{Username: name + "-" + whose, Password: jetontest.Password})
		}
	}
	for n := range 5 {
		_, err := w.Admin.CreateClientKey(t.Context(), "service-full", api.NewClientKey{JWKSURI: fmt.Sprintf("https://keys.example.com/full/%d.json", n)})
		must(t, err)
	}
	_, err := w.Admin.CreateClientSecret(t.Context(), "app-service")
	must(t, err)
	_, err = w.Admin.CreateClientKey(t.Context(), "app-service", api.NewClientKey{JWKSURI: "https://keys.example.com/jwks.json"})
	must(t, err)
	_, err = w.Admin.UpdateUser(t.Context(), "changed", client.AnyVersion, api.UserPatch{DisplayName: api.Some("Changed")})
	must(t, err)
	for n := range fillers {
		_, err := w.Admin.CreateUser(t.Context(), api.NewUser{Username: fmt.Sprintf("worker-%02d", n)})
		must(t, err)
	}
	w.Token("alice")
}

// freeAddress returns one on this machine at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

// idOf returns the ID of a user whom the world has.
func (w *world) idOf(t *testing.T, name string) string {
	t.Helper()
	u, _, err := w.Admin.User(t.Context(), name)
	must(t, err)
	return u.ID
}

// user makes a user, of which the paths of visits can say {its name} for its ID.
func (w *world) user(t *testing.T, u api.NewUser) {
	t.Helper()
	made, err := w.Admin.CreateUser(t.Context(), u)
	must(t, err)
	w.names[u.Username] = made.ID
}

// invite makes an invitation, which lasts for a week.
func (w *world) invite(t *testing.T) {
	t.Helper()
	made, err := w.Admin.InviteUser(t.Context(), "bob")
	must(t, err)
	w.names["welcome"] = consolePath(made.URL)
}

// consolePath returns the path of an address of the console.
func consolePath(address string) string { return address[strings.Index(address, "/console/"):] }

func (w *world) furnishPlatforms(t *testing.T) {
	t.Helper()
	for _, whose := range append([]string{"platform", "keyless", "full", "next"}, walkers...) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		must(t, err)
		w.names["publicKey-"+whose] = publicPEM(t, &key.PublicKey)
	}
	for name, p := range map[string]api.NewPlatform{
		"platform": {Name: "with-public-key", PublicKey: w.names["publicKey-platform"], OneTime: true, CreateUsers: true, NewUserRoles: []string{"partner"}},
		"shared": {
			Name: "with-secret", Algorithm: "HS256", Secret: "canary-of-thirty-two-bytes-at-least", KeyID: "first", Issuer: "https://issuer.example.com", Audience: "jeton",
			SpeaksFor: []string{"role:partner", "user:alice"}, Administrators: true, Enabled: api.Some(false),
		},
		"keyless": {Name: "without-key", PublicKey: w.names["publicKey-keyless"]},
		"full":    {Name: "with-all-keys", PublicKey: w.names["publicKey-full"], CreateUsers: true},
	} {
		made, err := w.Admin.CreatePlatform(t.Context(), p)
		must(t, err)
		w.names[name] = made.ID
	}
	for k, err := range w.Admin.PlatformKeys(t.Context(), w.names["keyless"]) {
		must(t, err)
		must(t, w.Admin.DeletePlatformKey(t.Context(), w.names["keyless"], k.ID))
	}
	for n := range 4 {
		_, err := w.Admin.CreatePlatformKey(t.Context(), w.names["full"], api.NewPlatformKey{JWKSURI: fmt.Sprintf("https://keys.example.com/%d.json", n)})
		must(t, err)
	}
}

func (w *world) furnishProjects(t *testing.T) {
	t.Helper()
	for _, p := range []api.NewProject{
		{Number: 1000, Name: "Portal", SecurityContext: "MySecurityContext", AppKeys: []string{"MyAppKey"}, AllowedIPs: []string{"192.0.2.0/24"}},
		{Number: 2000, Name: "without-token-sets", TokenRequired: api.Some(false)},
	} {
		made, err := w.Admin.CreateProject(t.Context(), p)
		must(t, err)
		w.names[fmt.Sprintf("account-%d", p.Number)] = w.idOf(t, made.ServiceAccount)
	}
	for n, whose := range walkers {
		w.names["number-"+whose] = fmt.Sprint(3000 + n)
	}
	for name, s := range map[string]api.NewTokenSet{
		"gcm":      {Name: "Sealed"},
		"cbc":      {Name: "Forgeable", Mode: api.Some("CBC")},
		"inactive": {Name: "Inactive", Active: api.Some(false), KeyDerivation: "pbkdf2", Salt: "salted-salt"},
	} {
		made, err := w.Admin.CreateTokenSet(t.Context(), 1000, s)
		must(t, err)
		w.names[name] = made.ID
	}
	sealed, err := w.Admin.Seal(t.Context(), 1000, w.names["gcm"], api.SealRequest{Parameter: "XST", Plaintext: "<SecurityToken><Context>Another</Context></SecurityToken>"})
	must(t, err)
	w.names["sealed"] = sealed.Base64
}

func (w *world) furnishServices(t *testing.T) {
	t.Helper()
	w.Service("reports", "api.example.com", "GET /reports/{id} role:partner reports.read", "PUT /reports/{id} user:alice reports.write", "GET /users/{userId}/reports self:{userId}")
	for _, whose := range append([]string{""}, walkers...) {
		w.Service("restored"+whose, "restored"+whose+".example.com", "GET /anything role:partner")
	}
	w.Service("bare", "bare.example.com")
	_, err := w.Admin.CreateService(t.Context(), api.NewService{
		Name: "everything", Host: "everything.example.com", PathPrefix: "/api", Default: "authenticated", AllowInPath: ";", Verifiers: []string{"alice"}, AcceptAPITokens: true,
		Project: 1000, Upstream: "http://127.0.0.1:9000", Profile: "xdoc", RateLimit: &api.RateLimit{Calls: 100, PerSeconds: 60},
	})
	must(t, err)
	all := make([]string, 1800)
	for n := range all {
		all[n] = fmt.Sprintf("GET /a/rather/long/path/to/make/many/bytes/of/few/operations/and/so/to/fill/a/form/%04d user:alice", n)
	}
	w.Service("vast", "vast.example.com", all...)
	few, version, err := w.Admin.Operations(t.Context(), "vast")
	must(t, err)
	few[0].Audience = []string{}
	_, err = w.Admin.ReplaceOperations(t.Context(), "vast", version, few)
	must(t, err)
}

func (w *world) furnishTokens(t *testing.T) {
	t.Helper()
	w.token(t, "ending", api.NewAPIToken{Name: "ending-soon", User: "alice", ExpiresInDays: 20, Scopes: []string{"reports.read", "reports.write"}})
	w.token(t, "disabled", api.NewAPIToken{Name: "Disabled", User: "alice", ExpiresInDays: 30, Enabled: api.Some(false)})
	w.token(t, "lasting", api.NewAPIToken{Name: "Lasting", User: "app-service", NeverExpires: true})
	for _, whose := range walkers {
		w.token(t, "batch-"+whose, api.NewAPIToken{Name: "batch-" + whose, User: "bob", ExpiresInDays: 25})
	}
	for n := range fillers {
		w.token(t, "", api.NewAPIToken{Name: fmt.Sprintf("worker-%02d", n), User: "app-service", ExpiresInDays: 365})
	}
}

func (w *world) token(t *testing.T, name string, token api.NewAPIToken) string {
	t.Helper()
	made, err := w.Admin.CreateAPIToken(t.Context(), token)
	must(t, err)
	w.names[name] = made.ID
	return made.Token
}

// furnishKeys makes a key of each state: one that signs, one that has retired, one that is revoked.
func (w *world) furnishKeys(t *testing.T) {
	t.Helper()
	_, err := w.Client(w.AccessToken(w.token(t, "", api.NewAPIToken{Name: "automation", User: "admin", ExpiresInDays: 90, Scopes: []string{"jeton.admin"}}))).
		CreateUser(t.Context(), api.NewUser{Username: "made-by-automation"}) // for the audit log to tell of a token's name
	must(t, err)
	w.AccessToken(w.token(t, "exchanged", api.NewAPIToken{Name: "Exchanged", User: "alice", ExpiresInDays: 90}))
	for _, name := range append([]string{"first", "key"}, walkers...) {
		former, err := w.Admin.RotateKey(t.Context(), api.KeyRotation{Purpose: "access_token"})
		must(t, err)
		w.names["key-"+name] = former.ID
	}
	for key, err := range w.Admin.Keys(t.Context()) {
		must(t, err)
		if key.ID == w.names["key-first"] {
			must(t, w.Admin.RevokeKey(t.Context(), key.ID))
			w.names["revoked"] = key.ID
		}
	}
}

// restore suspends a user and some services, as what was in doubt after a restore is, and leaves a user whom an application's
// tokens have made.
func (w *world) restore(t *testing.T) {
	t.Helper()
	w.Stop()
	for statement, want := range map[string]int64{
		`UPDATE user SET state = 'suspended', version = version + 1 WHERE username = 'after-restore'`:        1,
		`UPDATE user SET external_profile = 'Portal', external_id = '4711' WHERE username = 'after-restore'`: 1,
		`UPDATE service SET suspended = 1, version = version + 1 WHERE name LIKE 'restored%'`:                int64(1 + len(walkers)),
	} {
		if n := w.sql(t, statement); n != want {
			t.Fatalf("%s: changed %d rows, want %d", statement, n, want)
		}
	}
	w.Start()
}

// sql does something to the database, and returns how many rows it has changed.
func (w *world) sql(t *testing.T, statement string) int64 {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.folder, "*", "jeton", "jeton.db"))
	if err != nil || len(found) != 1 {
		t.Fatalf("got the databases %q, want one: %v", found, err)
	}
	db, err := sql.Open("sqlite", "file:"+found[0]+"?_pragma=busy_timeout(5000)")
	must(t, err)
	result, err := db.ExecContext(t.Context(), statement)
	must(t, err)
	n, err := result.RowsAffected()
	must(t, err)
	must(t, db.Close())
	return n
}

// useAndMisuse has calls be refused, and a user be guessed at until there is no more room.
func (w *world) useAndMisuse(t *testing.T) {
	t.Helper()
	for range 100 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/v1/me", http.NoBody)
		must(t, err)
		r.SetBasicAuth("guessed", "wrong")
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Fatal("a hundred wrong passwords were looked at")
}
