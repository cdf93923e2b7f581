package bitcanuck_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/profile/bitcanuck"
	"github.com/jeton-io/jeton/internal/web"
)

func TestNew(t *testing.T) {
	d := newEdge(t)
	whole := bitcanuck.Config{Authority: d.Authority, Sessions: d.sessions, Feed: d.feed, Peers: new(web.Peers)}
	if _, err := bitcanuck.New(whole); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	for name, change := range map[string]func(*bitcanuck.Config){
		"no authority": func(c *bitcanuck.Config) { c.Authority = nil },
		"no sessions":  func(c *bitcanuck.Config) { c.Sessions = nil },
		"no feed":      func(c *bitcanuck.Config) { c.Feed = nil },
		"no peers":     func(c *bitcanuck.Config) { c.Peers = nil },
	} {
		cfg := whole
		change(&cfg)
		if _, err := bitcanuck.New(cfg); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestServes(t *testing.T) {
	for path, want := range map[string]bool{
		"/api/v1/authenticate":                  true,
		"/api/v1/authenticate/":                 true,
		"/api/v1/authenticate//":                false,
		"/api/v1/authenticate/x":                false,
		"/api/v1/Authenticate":                  false,
		"/API/v1/authenticate":                  false,
		"//api/v1/authenticate":                 false,
		"/api/v1/authenticat%65":                false,
		"/api/v1%2fauthenticate":                false,
		"/api/v1/authenticate?":                 false, // the query is no part of a path
		"/x/api/v1/authenticate":                false,
		"/api/v1/authenticate-jwt":              false,
		"/api/v1/authenticate-jwt/":             false,
		"/api/v1/authenticate-jwt//":            false,
		"/api/v1/authenticate-jwt/PARTNER1":     true,
		"/api/v1/authenticate-jwt/PARTNER1/":    true,
		"/api/v1/authenticate-jwt/PARTNER1//":   false,
		"/api/v1/authenticate-jwt//PARTNER1":    false,
		"/api/v1/authenticate-jwt/PARTNER1/x":   false,
		"/api/v1/authenticate-jwt/PARTNER1%2fx": true, // a name that no platform has
		"/api/v1/authenticate-jwt/eyJhbGciOi.x": true, // likewise
		"/api/v1/logout":                        true,
		"/api/v1/logout/":                       true,
		"/api/v1/logout/x":                      false,
		"/api/v1/":                              false,
		"/v1/me":                                false,
		"/":                                     false,
		"":                                      false,
	} {
		if got := bitcanuck.Serves(path); got != want {
			t.Errorf("%q: got %t, want %t", path, got, want)
		}
	}
}

// TestSpellings logs john in in every way in which clients may ask, and some more that say as much.
func TestSpellings(t *testing.T) {
	d := newEdge(t)
	body := logIn(email, password).body
	typed := func(headers ...string) request { return request{headers: headers, body: body} }
	for name, q := range map[string]request{
		"the product's documents":     logIn(email, password),
		"a slash at the end":          logIn(email, password).at("POST " + passwordPath + "/"),
		"a query":                     logIn(email, password).at("POST " + passwordPath + "?a=b&email=c"),
		"no type":                     typed(),
		"an empty type":               typed("Content-Type: "),
		"a charset":                   typed("Content-Type: application/json; charset=utf-8"),
		"a charset in capitals":       typed("Content-Type: Application/JSON;charset=UTF-8"),
		"a charset that is no matter": typed("Content-Type: application/json; charset=iso-8859-1"),
		"no coding":                   typed(jsonType, "Content-Encoding: identity"),
		"another case of the e-mail":  logIn("John@EMAIL.com", password),
		"by user name":                logIn("john", password),
		"members of the client's own": withBody(`{"ttl":60,"email":"john@email.com","remember":{"a":[1,{"email":"x"}]},"password":"correct horse: battery"}`),
		"a member in another case":    withBody(`{"Email":"x","email":"john@email.com","password":"correct horse: battery"}`),
		"escapes":                     withBody("\r\n\t{\"e\\u006dail\":\"john\\u0040email.com\",\"password\":\"correct horse: b\\u0061ttery\"} "),
		"chunks":                      {headers: []string{jsonType, "Transfer-Encoding: chunked"}, body: fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)},
		"as large as can be":          withBody(body + strings.Repeat(" ", 8<<10-len(body))),
		"a cookie beside it":          logIn(email, password).plus("Cookie: jeton=x; jeton_api=y"),
		"from a page of the API":      logIn(email, password).plus("Sec-Fetch-Site: same-origin"),
		"by Origin":                   logIn(email, password).plus("Origin: https://api.example.com"),
		"a type that it wants":        logIn(email, password).plus("Accept: text/plain"),
	} {
		t.Run(name, func(t *testing.T) { d.wantBegun(t, d.send(t, q)) })
	}
	d.wantRefused(t, "", "")
}

// TestAssertions takes an assertion in every way in which clients may send it.
func TestAssertions(t *testing.T) {
	d := newEdge(t)
	by := func(path string, headers ...string) func(string) request {
		return func(text string) request {
			all := append([]string{}, headers...)
			for i := range all {
				all[i] = strings.ReplaceAll(all[i], "$", text)
			}
			return request{line: "POST " + path, headers: all}
		}
	}
	const field = "Token: $"
	for name, q := range map[string]func(string) request{
		"as documented":              by(d.assertionPath(), field),
		"a slash at the end":         by(d.assertionPath()+"/", field),
		"a query":                    by(d.assertionPath()+"?Token=x", field),
		"by the platform's ID":       by(assertionBase+d.platform.ID.String(), field),
		"a scheme":                   by(d.assertionPath(), "Token: Bearer $"),
		"a scheme in small letters":  by(d.assertionPath(), "Token:bearer   $\t"),
		"the field in small letters": by(d.assertionPath(), "token: $"),
		"a body's type":              by(d.assertionPath(), field, "Content-Type: text/plain"),
		"a cookie beside it":         by(d.assertionPath(), field, "Cookie: jeton=x; jeton_api=y"),
		"from a page elsewhere":      by(d.assertionPath(), field, "Sec-Fetch-Site: cross-site"), // which may not send the field without leave
	} {
		t.Run(name, func(t *testing.T) { d.wantBegun(t, d.send(t, q(d.assertion(t, 5*time.Minute)))) })
	}
	withBody := d.fresh(t)
	withBody.body = "email=john"
	d.wantBegun(t, d.send(t, withBody))
	d.wantRefused(t, "", "")
	tokens, err := d.Sessions.List(t.Context(), d.user.ID)
	check(t, err)
	for _, s := range tokens {
		if s.PlatformID != d.platform.ID {
			t.Errorf("got a session of the platform %s, want %s", s.PlatformID, d.platform.ID)
		}
	}
}

// unreadable is a body that nobody may look into.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("unreadable")
}

// TestBodyIsNotRead: where the header says all, no body is read, nor one that is said to be too long.
func TestBodyIsNotRead(t *testing.T) {
	d := newEdge(t)
	h := d.handler(t)
	for _, tc := range []struct {
		path, field, value string
		length             int64
		want               int
	}{
		{d.assertionPath(), "Token", d.assertion(t, time.Minute), -1, 200},
		{d.assertionPath(), "Token", "something", -1, 401},
		{logoutPath, "Authorization", "Bearer " + d.begin(t), -1, 204},
		{logoutPath, "Authorization", "Bearer x", -1, 401},
		{passwordPath, "Content-Type", "application/json", 8<<10 + 1, 413},
		{passwordPath, "Content-Type", "text/plain", -1, 415},
	} {
		r := httptest.NewRequest(http.MethodPost, tc.path, unreadable{t})
		r.ContentLength = tc.length
		r.Header.Set(tc.field, tc.value)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != tc.want {
			t.Errorf("%s: got %d, want %d", tc.path, w.Code, tc.want)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	d := newEdge(t)
	out := d.begin(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "TRACE"} {
		for path, q := range map[string]request{
			passwordPath: logIn(email, password), d.assertionPath(): d.fresh(t), logoutPath: logOut(out),
		} {
			allow := "POST"
			if path == logoutPath {
				allow = "DELETE, POST"
			}
			if strings.Contains(allow, method) {
				continue
			}
			a := d.send(t, q.at(method+" "+path))
			if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != allow || strings.Contains(a.body, "data") {
				t.Errorf("%s %s: got %d, Allow %q, %s, want 405 and %s", method, path, a.status, a.header.Get("Allow"), a.body, allow)
			}
			if method == "OPTIONS" && a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("got leave for pages from elsewhere")
			}
		}
	}
	d.wantRefused(t, "", "") // nobody was asked who calls
}

// TestLogOut ends one session by either method, and leaves the others.
func TestLogOut(t *testing.T) {
	d := newEdge(t)
	first, second, third := d.begin(t), d.begin(t), d.wantBegun(t, d.send(t, d.fresh(t)))
	if first == second || second == third {
		t.Error("got one token twice")
	}
	for token, line := range map[string]string{first: "POST /api/v1/logout", second: "DELETE /api/v1/logout/?x=y"} {
		if a := d.send(t, logOut(token).at(line)); a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("%s: got %d %s, want 204 alone", line, a.status, a.body)
		}
		d.wantRefused(t, "", "")
		if got := d.refusedAtGateway(t, token); got != "ended" {
			t.Errorf("%s: got %q at the gateway, want it ended", line, got)
		}
		d.refused()
		wantFailure(t, d.send(t, logOut(token).at(line)), 401, "AUTHORIZATION_REQUIRED")
		d.wantRefused(t, "ended", "session_token")
	}
	if got := d.refusedAtGateway(t, third); got != "" {
		t.Errorf("the third: got %q, want it good still", got)
	}
}
