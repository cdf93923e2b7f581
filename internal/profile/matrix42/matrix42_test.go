package matrix42_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/profile/matrix42"
	"github.com/jeton-io/jeton/internal/web"
)

func TestNew(t *testing.T) {
	d := newEdge(t)
	whole := matrix42.Config{Authority: d.Authority, Access: d.access, Peers: new(web.Peers), RefusalStatus: 401}
	if _, err := matrix42.New(whole); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	for name, change := range map[string]func(*matrix42.Config){
		"no authority":         func(c *matrix42.Config) { c.Authority = nil },
		"no access":            func(c *matrix42.Config) { c.Access = nil },
		"no peers":             func(c *matrix42.Config) { c.Peers = nil },
		"no status":            func(c *matrix42.Config) { c.RefusalStatus = 0 },
		"a status of its own":  func(c *matrix42.Config) { c.RefusalStatus = 403 },
		"a status of no error": func(c *matrix42.Config) { c.RefusalStatus = 204 },
	} {
		cfg := whole
		change(&cfg)
		if _, err := matrix42.New(cfg); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestServes(t *testing.T) {
	for path, want := range map[string]bool{
		"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken":      true,
		"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/":     true,
		"/M42Services/api/ApiToken/GenerateAccessTokenFromApiToken":      true,
		"/m42services/api/apitoken/generateaccesstokenfromapitoken":      true,
		"/M42SERVICES/API/APITOKEN/GENERATEACCESSTOKENFROMAPITOKEN/":     true,
		"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken//":    false,
		"//m42Services/api/ApiToken/GenerateAccessTokenFromApiToken":     false,
		"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/x":    false,
		"/m42Services/api/ApiToken/GenerateAccessTokenFromApiTokens":     false,
		"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToke%6e":    false,
		"/m42Services%2fapi/ApiToken/GenerateAccessTokenFromApiToken":    false,
		"/x/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken":    false,
		"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken?":     false, // the query is no part of a path
		"/m42\u017fervices/api/ApiToken/GenerateAccessTokenFromApiToken": false, // folds into s
		"/m42Services/api/ApiTo\u212aen/GenerateAccessTokenFromApiToken": false, // folds into k
		"/m42Services/": false,
		"/":             false,
		"":              false,
		"/v1/me":        false,
	} {
		if got := matrix42.Serves(path); got != want {
			t.Errorf("%q: got %t, want %t", path, got, want)
		}
	}
}

// exchanged is the answer as third parties' clients read it: one of them wants the end to have these digits exactly.
type exchanged struct {
	RawToken string
	LifeTime string
}

// wantExchanged checks that an answer holds an access token that is good for the user until the time that it tells.
func (d *edge) wantExchanged(t *testing.T, a answer, life time.Duration) {
	t.Helper()
	var got *exchanged
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK || got == nil {
		t.Errorf("got %d %s, %v, want a token", a.status, a.body, err)
		return
	}
	end, err := time.Parse("2006-01-02T15:04:05Z", got.LifeTime)
	if err != nil || !end.Equal(d.Now().Add(life).Truncate(time.Second)) {
		t.Errorf("got an end of %q, %v, want one in %s", got.LifeTime, err, life)
	}
	door := &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.AccessToken)}
	p, err := d.Authority.Identify(t.Context(), &authority.Presented{Authorization: []string{"Bearer " + got.RawToken}, Peer: netip.MustParseAddr(clientAddress)}, door)
	if err != nil || p.ID != d.user.ID || p.CredentialKind != authority.AccessToken {
		t.Errorf("got %s by %s, %v, want the token's user", p.Username, p.CredentialKind, err)
	}
}

// TestSpellings exchanges a token in every way in which clients are known to ask, and some more that say as much.
func TestSpellings(t *testing.T) {
	d := newEdge(t)
	text, _ := d.token(t)
	const none, empty = "Content-Length: 0", "Content-Length: 2"
	bearer := "Authorization: Bearer " + text
	for name, q := range map[string]request{
		"the product's documents":         {"POST /m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?", []string{bearer, none}, ""},
		"without a slash":                 {"POST /m42Services/api/ApiToken/GenerateAccessTokenFromApiToken?", []string{bearer, none}, ""},
		"without a question mark":         {"POST /m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/", []string{bearer, none}, ""},
		"without either":                  {"POST /m42Services/api/ApiToken/GenerateAccessTokenFromApiToken", []string{bearer, none}, ""},
		"another case":                    {"POST /M42Services/api/ApiToken/GenerateAccessTokenFromApiToken/", []string{bearer, none}, ""},
		"another case and an empty value": {"POST /M42Services/api/ApiToken/GenerateAccessTokenFromApiToken", []string{bearer, empty, "Content-Type: application/json"}, "{}"},
		"all in small letters":            {"POST /m42services/api/apitoken/generateaccesstokenfromapitoken?", []string{bearer, none}, ""},
		"a query":                         {"POST /m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?a=b&a=c", []string{bearer, none}, ""},
		"no length":                       {"", []string{bearer}, ""},
		"a type without a body":           {"", []string{bearer, none, "Content-Type: application/json"}, ""},
		"an empty object":                 {"", []string{bearer, empty}, "{}"},
		"an empty object of JSON":         {"", []string{bearer, empty, "Content-Type: application/json"}, "{}"},
		"an empty object of UTF-8":        {"", []string{bearer, empty, "Content-Type: application/json;charset=UTF-8"}, "{}"},
		"an empty object of text":         {"", []string{bearer, empty, "Content-Type: text/json"}, "{}"},
		"a form":                          {"", []string{bearer, "Content-Length: 3", "Content-Type: application/x-www-form-urlencoded"}, "a=b"},
		"no JSON":                         {"", []string{bearer, "Content-Length: 1", "Content-Type: application/json"}, "{"},
		"chunks":                          {"", []string{bearer, "Transfer-Encoding: chunked"}, "2\r\n{}\r\n0\r\n\r\n"},
		"a wait for leave to go on":       {"", []string{bearer, empty, "Content-Type: application/json", "Expect: 100-continue"}, ""},
		"the scheme in small letters":     {"", []string{"authorization: bearer " + text, none}, ""},
		"a cookie beside it":              {"", []string{bearer, none, "Cookie: jeton=x; jeton_api=y"}, ""},
		"a type that it wants":            {"", []string{bearer, none, "Accept: text/plain"}, ""},
	} {
		t.Run(name, func(t *testing.T) { d.wantExchanged(t, send(t, d.Server, q), 5*time.Minute) })
	}
	if events := d.refused(); len(events) != 0 {
		t.Errorf("got refusals %+v, want none", events)
	}
}

// unreadable is a body that nobody may look into.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("unreadable")
}

func TestBodyIsNotRead(t *testing.T) {
	d := newEdge(t)
	text, _ := d.token(t)
	h, err := matrix42.New(matrix42.Config{Authority: d.Authority, Access: d.access, Peers: d.Peers, RefusalStatus: 401})
	check(t, err)
	for authorization, want := range map[string]int{"Bearer " + text: 200, "Bearer " + text + "x": 401} {
		r := httptest.NewRequest(http.MethodPost, path, unreadable{t})
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("got %d, want %d", w.Code, want)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	d := newEdge(t)
	text, _ := d.token(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "TRACE"} {
		q := exchange(text)
		q.line = method + " " + path
		a := send(t, d.Server, q)
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" || strings.Contains(a.body, "RawToken") {
			t.Errorf("%s: got %d, Allow %q, %s, want 405 and POST", method, a.status, a.header.Get("Allow"), a.body)
		}
	}
	if events := d.refused(); len(events) != 0 {
		t.Errorf("got refusals %+v, want none: nobody was asked who calls", events)
	}
}

// TestEndsWithItsParent exchanges a token in its last minute.
func TestEndsWithItsParent(t *testing.T) {
	d := newEdge(t)
	text, made := d.token(t)
	d.Advance(t, made.ExpiresAt.Sub(d.Now())-time.Minute)
	d.wantExchanged(t, send(t, d.Server, exchange(text)), time.Minute)
}
