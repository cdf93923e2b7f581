package e2e_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	googlejwt "golang.org/x/oauth2/jwt"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// The addresses where BitCanuck's clients log in and out.
const (
	passwordPath  = "/api/v1/authenticate"
	assertionPath = "/api/v1/authenticate-jwt/" // and a platform's ID or code
	logoutPath    = "/api/v1/logout"
)

// fortnight is how long a session token lasts.
const fortnight = 1209600

// sessionID is the form of a session token, as BitCanuck's clients know it.
var sessionID = regexp.MustCompile(`^jts[0-9A-Za-z]{48}$`)

// partner is a platform, and the user whom it logs in.
type partner struct {
	*stack
	id, code    string // the platform's
	key         *rsa.PrivateKey
	keyFile     string
	john, other string // IDs of users: the one who logs in, and another
}

const johnsEmail = "john@email.com"

// recipes are the programs that the guides show, by what they are written in; how each is run, and by which method it logs out.
var recipes = map[string]struct {
	command []string
	logout  string
}{
	"password": {[]string{"bash", "clients/assertion/password.sh"}, "POST " + logoutPath},
	"openssl":  {[]string{"bash", "clients/assertion/openssl.sh"}, "DELETE " + logoutPath},
	"go":       {[]string{"go", "run", "./clients/assertion/go"}, "POST " + logoutPath + "/"},
	"node":     {[]string{"node", "clients/node/assert.mjs"}, "DELETE " + logoutPath + "/?"},
	"python":   {[]string{"/usr/bin/python3", "clients/assertion/assert.py"}, "POST " + logoutPath + "?x=1"},
}

// TestSessionTokens logs a user in by each recipe, has each proxy honour what that gets, for the user's own path alone, and logs
// it out; then looks what else could pass.
func TestSessionTokens(t *testing.T) {
	s := newStack(t, separate())
	p := s.newPartner(t)
	for _, s.via = range s.proxies {
		t.Run(s.via.name, func(t *testing.T) {
			for name := range recipes {
				t.Run(name, func(t *testing.T) { p.testRecipe(t, name) })
			}
			for name, test := range map[string]func(*testing.T){
				"grant": p.testGrant, "grant by x oauth2": p.testStandardClient, "self": p.testSelf, "spellings": p.testSpellings,
				"no way round": p.testNoOtherWay, "assertions": p.testAssertions, "refused": p.testRefused, "stopped": p.testStopped, "published": p.testPublished,
			} {
				t.Run(name, test)
			}
		})
	}
	if total := s.api.total(); total != s.passed {
		t.Errorf("the API saw %d requests, and clients got %d answers with status 200", total, s.passed)
	}
	for _, p := range s.proxies {
		s.stop(t, p.cmd)
	}
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// newPartner enrols a platform with a key of its own.
func (s *stack) newPartner(t *testing.T) *partner {
	t.Helper()
	p := s.partnerToBe(t)
	enrolled := s.v1(t, http.MethodPost, "/platforms", object{"name": "Partner", "public_key": publicPEM(t, &p.key.PublicKey)}, http.StatusCreated)
	p.id, p.code = enrolled.text("id"), enrolled.text("code")
	if len(p.code) != 8 || enrolled["private_key"] != nil || enrolled["secret"] != nil {
		t.Fatalf("got the code %q, and a private half: %v; want 8 characters and none", p.code, enrolled["private_key"] != nil || enrolled["secret"] != nil)
	}
	return p
}

// partnerToBe makes a key for a platform that is yet to be enrolled, a user whom it may log in, and a service in which everybody has
// a path.
func (s *stack) partnerToBe(t *testing.T) *partner {
	t.Helper()
	p := &partner{stack: s, keyFile: filepath.Join(t.TempDir(), "key.pem")}
	john := s.v1(t, http.MethodPost, "/users", object{"username": "john", "email": johnsEmail, "password": userPassword}, http.StatusCreated)
	other, _, err := s.admin.User(t.Context(), "bob")
	must(t, err)
	p.john, p.other = john.text("id"), other.ID
	s.service(t, api.NewService{Name: "people", Host: "api.example.com", PathPrefix: "/people"}, "GET /{userId}/books self:{userId}")

	p.key, err = rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	must(t, os.WriteFile(p.keyFile, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(p.key)}), 0o600))
	return p
}

func publicPEM(t *testing.T, key *rsa.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// recipe runs a program with what it needs in its environment, and returns what it printed.
func (p *partner) recipe(t *testing.T, command ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "API_URL=http://"+p.via.address, "TOKEN_ENDPOINT="+p.url+"/oauth/token", "EMAIL="+johnsEmail,
		"PASSWORD="+userPassword, "KEY_FILE="+p.keyFile, "PLATFORM="+p.code)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v; is all installed that test/deps.sh names?", strings.Join(command, " "), err)
	}
	return out
}

// begun is what BitCanuck's clients hear of a session.
type begun struct {
	ID, UserID     string
	TTL            int
	Until, Created string
}

// session reads an answer to a log-in, of which a program may print the data alone. The token is kept among the secrets.
func (p *partner) session(t *testing.T, answer []byte) string {
	t.Helper()
	var printed struct {
		begun
		Data begun
	}
	must(t, json.Unmarshal(answer, &printed))
	got := printed.Data
	if got.ID == "" {
		got = printed.begun
	}
	p.secrets = append(p.secrets, got.ID)
	if !sessionID.MatchString(got.ID) || got.UserID != p.john || got.TTL != fortnight {
		t.Fatalf("got a token of %d characters for the user %s and %d seconds, want one of 51 for %s and a fortnight", len(got.ID), got.UserID, got.TTL, p.john)
	}
	created, err := time.Parse(time.RFC3339, got.Created)
	must(t, err)
	until, err := time.Parse(time.RFC3339, got.Until)
	must(t, err)
	if age := time.Since(created); age < -time.Second || age > time.Minute || until.Sub(created) != fortnight*time.Second {
		t.Errorf("got a session from %s until %s, want one that has just begun and lasts a fortnight", got.Created, got.Until)
	}
	return got.ID
}

// testRecipe is the way of a program: it logs in, reaches its user's own path and no other's, and logs out.
func (p *partner) testRecipe(t *testing.T, name string) {
	p.wantHonoured(t, p.session(t, p.recipe(t, recipes[name].command...)), recipes[name].logout)
}

// wantHonoured holds a session token to what it is good for, and logs it out.
func (p *partner) wantHonoured(t *testing.T, token, logout string) {
	t.Helper()
	bearer := "Authorization: Bearer " + token
	own, others := get("/people/"+p.john+"/books", bearer), get("/people/"+p.other+"/books", bearer)
	seen := p.wantPassed(t, "the own path", p.send(t, own))
	if field(seen, "Remote-User") != "john" || field(seen, "X-Jeton-Credential-Kind") != "session_token" || field(seen, "Authorization") != "" {
		t.Errorf("the API saw %s as %q, with a credential: %v; want john's session token, and none of it", field(seen, "X-Jeton-Credential-Kind"), field(seen, "Remote-User"), field(seen, "Authorization") != "")
	}
	p.wantRefused(t, "another's path", p.send(t, others), http.StatusForbidden)
	p.wantRefused(t, "another operation", p.send(t, get("/reports/7", bearer)), http.StatusForbidden)

	method, path, _ := strings.Cut(logout, " ")
	out := head(method, path, bearer, "Content-Length: 0")
	p.wantRefused(t, logout, p.send(t, out), http.StatusNoContent)
	p.wantRefused(t, "the own path, logged out", p.send(t, own), http.StatusUnauthorized)
	p.wantRefused(t, logout+" again", p.send(t, out), http.StatusUnauthorized)
}

// testGrant has Authlib get a session token by the grant of RFC 7523.
func (p *partner) testGrant(t *testing.T) {
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	must(t, json.Unmarshal(p.recipe(t, "/usr/bin/python3", "clients/assertion/grant.py"), &answer))
	p.secrets = append(p.secrets, answer.AccessToken)
	if !sessionID.MatchString(answer.AccessToken) || answer.TokenType != "Bearer" || answer.ExpiresIn != fortnight {
		t.Fatalf("got a %s of %d characters for %d s, want a session token for a fortnight", answer.TokenType, len(answer.AccessToken), answer.ExpiresIn)
	}
	p.wantHonoured(t, answer.AccessToken, "POST "+logoutPath)
}

// testStandardClient has the grant asked for as Google's clients ask, which know RS256 alone.
func (p *partner) testStandardClient(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	enrolled := p.v1(t, http.MethodPost, "/platforms", object{"name": "RS256 by " + p.via.name, "algorithm": "RS256", "public_key": publicPEM(t, &key.PublicKey)}, http.StatusCreated)
	config := googlejwt.Config{
		Email: enrolled.text("id"), Subject: johnsEmail, TokenURL: p.url + "/oauth/token", Expires: 5 * time.Minute,
		PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}
	token, err := config.TokenSource(t.Context()).Token()
	must(t, err)
	p.secrets = append(p.secrets, token.AccessToken)
	if left := time.Until(token.Expiry).Round(time.Hour); !sessionID.MatchString(token.AccessToken) || left != fortnight*time.Second {
		t.Fatalf("got a token of %d characters for %s, want a session token for a fortnight", len(token.AccessToken), left)
	}
	p.wantHonoured(t, token.AccessToken, "DELETE "+logoutPath)
	p.v1(t, http.MethodDelete, "/platforms/"+enrolled.text("code"), nil, http.StatusNoContent)
	if _, err := config.TokenSource(t.Context()).Token(); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("got %v of a platform that is deleted, want invalid_grant", err)
	}
}

// logIn begins a session by e-mail and password.
func (p *partner) logIn(t *testing.T) string {
	t.Helper()
	a := exchange(t, "127.0.0.1", p.via.address, post(passwordPath, `{"email":"`+johnsEmail+`","password":"`+userPassword+`"}`))
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s, want a session", a.status, a.body)
	}
	return p.session(t, []byte(a.body))
}

// ended waits until a session token opens no way any more.
func (p *partner) ended(t *testing.T, token string) {
	t.Helper()
	p.wantRefused(t, "an ended session", p.send(t, get("/people/"+p.john+"/books", "Authorization: Bearer "+token)), http.StatusUnauthorized)
}

// events returns what the audit log has of an action, the newest first.
func (s *stack) events(t *testing.T, action string) (all []api.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for e, err := range s.admin.Events(ctx, client.EventFilter{Action: action}) {
		must(t, err)
		all = append(all, e)
	}
	return all
}
