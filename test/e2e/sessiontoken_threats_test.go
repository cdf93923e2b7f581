package e2e_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// sign makes an assertion, of RS512, and keeps it among the secrets.
func (p *partner) sign(t *testing.T, claims object) string {
	t.Helper()
	return p.signAs(t, object{"alg": "RS512", "typ": "JWT"}, p.key, claims)
}

// signAs makes an assertion with a header and a key of its own.
func (p *partner) signAs(t *testing.T, header object, key *rsa.PrivateKey, claims object) string {
	t.Helper()
	top, err := json.Marshal(header)
	must(t, err)
	payload, err := json.Marshal(claims)
	must(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode(top) + "." + encode(payload)
	digest := sha512.Sum512([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA512, digest[:])
	must(t, err)
	p.secrets = append(p.secrets, signed+"."+encode(signature))
	return signed + "." + encode(signature)
}

// assertion is one that john logs in. Each is another one.
func (p *partner) assertion(t *testing.T) string {
	t.Helper()
	return p.sign(t, object{"email": johnsEmail, "expire": time.Now().Add(5 * time.Minute).Unix(), "jti": fmt.Sprint(len(p.secrets), time.Now().UnixNano())})
}

// post is a whole request with a body in JSON.
func post(target, body string, fields ...string) string {
	return head("POST", target, append(fields, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)))...) + "\r\n" + body
}

// present is a whole request with an assertion.
func present(target, assertion string, fields ...string) string {
	return head("POST", target, append(fields, "Token: "+assertion, "Content-Length: 0")...) + "\r\n"
}

// testSelf spells one's own path and another's in every way that some server might take for it. Each but the plain one is
// refused, or reaches the API as what nobody takes for another's.
func (p *partner) testSelf(t *testing.T) {
	token := p.logIn(t)
	bearer := "Authorization: Bearer " + token
	p.wantPassed(t, "the own path", p.send(t, get("/people/"+p.john+"/books", bearer)))
	for _, id := range []string{p.john, p.other} {
		dashless, encoded := strings.ReplaceAll(id, "-", ""), fmt.Sprintf("%%%02x%s", id[0], id[1:])
		for _, path := range []string{
			"/people/" + strings.ToUpper(id) + "/books", "/people/" + strings.ToUpper(id[:8]) + id[8:] + "/books", "/people/" + encoded + "/books",
			"/people/" + dashless + "/books", "/people/{" + id + "}/books", "/people/%7B" + id + "%7D/books", "/people/urn:uuid:" + id + "/books",
			"/people/" + id + "%20/books", "/people/" + id + "%00/books", "/people/" + id + ";x/books", "/people/" + id + "%2fbooks", "/people/" + id + "/books/",
			"/people//" + id + "/books", "/people/" + id + "//books", "/people/./" + id + "/books", "/people/x/../" + id + "/books",
			"/people/" + p.john + "/../" + id + "/books", "/people/" + p.john + "/%2e%2e/" + id + "/books", "/people/" + p.john + "%2f..%2f" + id + "/books",
			"/people/" + p.john + "/books/../../" + id + "/books", "/people/" + p.john + "," + id + "/books", `/people/` + p.john + `\..\` + id + `/books`,
			"/People/" + id + "/books", "/people/" + id + "/Books", "/people/" + id + "/books%2f", "/people/" + id + ".json/books",
		} {
			if path == "/people/"+strings.ToUpper(id)+"/books" && strings.ToUpper(id) == id {
				t.Fatalf("the ID %s has no letter", id) // nothing would be tried
			}
			p.wantRefused(t, path, p.send(t, get(path, bearer)), http.StatusForbidden, http.StatusBadRequest)
		}
	}
	// What stands elsewhere than in the path makes no difference.
	for _, fields := range [][]string{
		{"X-Original-URL: /people/" + p.john + "/books"},
		{"X-Forwarded-Uri: /people/" + p.john + "/books"},
		{"X-Jeton-User-Id: " + p.other},
		{"X-HTTP-Method-Override: GET"},
		{"X-Rewrite-URL: /people/" + p.john + "/books"},
	} {
		raw := get("/people/"+p.other+"/books?userId="+p.john, append(fields, bearer)...)
		p.wantRefused(t, raw, p.send(t, raw), http.StatusForbidden)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		p.wantRefused(t, method, p.send(t, head(method, "/people/"+p.other+"/books", bearer, "Content-Length: 0")), http.StatusForbidden)
	}
}

// testSpellings logs in at each address that is the product's, as clients spell it. Of what the proxies understand otherwise
// than it is written, Jeton gets what they understood.
func (p *partner) testSpellings(t *testing.T) {
	body := `{"email":"` + johnsEmail + `","password":"` + userPassword + `"}`
	for _, path := range []string{passwordPath, passwordPath + "/", passwordPath + "?", passwordPath + "/?a=b"} {
		p.wantSession(t, path, post(path, body))
	}
	for _, more := range []string{"Content-Type: application/json", "Content-Type: application/json; charset=utf-8", "Accept: text/html"} {
		raw := head("POST", passwordPath, more, fmt.Sprintf("Content-Length: %d", len(body))) + "\r\n" + body
		p.wantSession(t, more, raw)
	}
	p.wantSession(t, "another case of the e-mail", post(passwordPath, strings.Replace(body, "john", "John", 1)))
	p.wantSession(t, "chunked", head("POST", passwordPath, "Content-Type: application/json", "Transfer-Encoding: chunked")+
		fmt.Sprintf("\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body))
	for _, path := range []string{p.code, p.id, p.code + "/", p.id + "/", p.code + "?", p.id + "/?Token=x"} {
		p.wantSession(t, path, present(assertionPath+path, p.assertion(t)))
	}
	p.wantSession(t, "Bearer", present(assertionPath+p.code, "Bearer "+p.assertion(t)))
	for name, wanted := range map[string]string{p.code: "", p.id: "", "NOBODY22": "wrong_audience"} { // the address that it goes to, and another's
		said := present(assertionPath+p.code, p.sign(t, object{
			"email": johnsEmail, "expire": time.Now().Add(5 * time.Minute).Unix(), "jti": name + p.via.name, "aud": p.url + assertionPath + name,
		}))
		if wanted == "" {
			p.wantSession(t, "for the address of "+name, said)
		} else {
			p.wantLoginFailed(t, "for the address of "+name, said, wanted)
		}
	}
	p.wantSession(t, "a body", post(assertionPath+p.code, "{}", "Token: "+p.assertion(t)))
}

func (p *partner) wantSession(t *testing.T, name, raw string) {
	t.Helper()
	a := exchange(t, "127.0.0.1", p.via.address, raw)
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		t.Errorf("%s: got %d %v %.90s, want 200 and JSON that nobody stores", name, a.status, a.header, a.body)
		return
	}
	p.session(t, []byte(a.body))
	if seen := p.api.seen(); len(seen) > 0 {
		t.Errorf("%s: the API saw %q, want nothing of it", name, seen)
	}
}

// testNoOtherWay: beside those addresses no call passes the gateway by, and on them none reaches the API or another address of
// Jeton's.
func (p *partner) testNoOtherWay(t *testing.T) {
	body := `{"email":"` + johnsEmail + `","password":"` + userPassword + `"}`
	for _, path := range []string{
		passwordPath + "X", passwordPath + "/x", passwordPath[:len(passwordPath)-1], "/x" + passwordPath, "/API/v1/authenticate", "/api/v2/authenticate",
		passwordPath + "-jwt", assertionPath, assertionPath + p.code + "/x", assertionPath + p.code + ".x", assertionPath + "a%20b", logoutPath + "s", "/api/v1", "/api/v1/",
	} {
		p.wantRefused(t, path, exchange(t, "127.0.0.1", p.via.address, post(path, body, "Token: "+p.assertion(t))), http.StatusUnauthorized)
		want := http.StatusForbidden
		if p.via.address == oneBase && (path == assertionPath+p.code+".x" || path == assertionPath+"a%20b") {
			want = http.StatusUnauthorized // to Jeton itself it is the address of a platform that isn't there
		}
		p.wantRefused(t, path, exchange(t, "127.0.0.1", p.via.address, post(path, body, p.bearer("alice"))), want)
	}
	for _, path := range []string{"/" + passwordPath, passwordPath + "//", passwordPath + "%2f", "/reports/.." + passwordPath, assertionPath + p.code + "%2f", assertionPath + "..%2fauthenticate"} {
		a := exchange(t, "127.0.0.1", p.via.address, post(path, body, p.bearer("alice")))
		p.wantRefused(t, path, a, 200, 307, 308, 400, 401, 403, 404) // a session at most, as at the path that it is
		if a.status == http.StatusOK {
			p.session(t, []byte(a.body))
		}
	}
	// Jeton's own addresses aren't reached by way of these.
	admin := "Authorization: Bearer " + p.tokens["admin"]
	for _, path := range []string{"/v1/users/x%2f..%2f..%2f.." + logoutPath, "/console/x%2f..%2f.." + logoutPath, "/v1/me/.%2e/.%2e" + logoutPath, assertionPath + "..%2f..%2f..%2fv1%2fusers", logoutPath + "/../../../v1/users"} {
		for _, method := range []string{"GET", "DELETE"} {
			a := p.send(t, head(method, path, admin, "Content-Length: 0"))
			p.wantRefused(t, path, a, 400, 401, 403, 404, 405)
			if strings.Contains(a.body, "username") {
				t.Errorf("%s: got %.90q of Jeton's own", path, a.body)
			}
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "OPTIONS"} {
		for _, path := range []string{passwordPath, assertionPath + p.code, logoutPath} {
			a := p.send(t, head(method, path, p.bearer("alice"), "Content-Length: 0"))
			p.wantRefused(t, method+" "+path, a, http.StatusMethodNotAllowed)
			if allow := a.header.Get("Allow"); !strings.Contains(allow, "POST") {
				t.Errorf("%s %s: got Allow %q, want POST in it", method, path, allow)
			}
		}
	}
	long := post(passwordPath, `{"email":"`+johnsEmail+`","password":"`+strings.Repeat("a", 9000)+`"}`)
	p.wantRefused(t, "a long body", exchange(t, "127.0.0.1", p.via.address, long), http.StatusRequestEntityTooLarge)
}

// testAssertions presents assertions where they don't belong, and more than once.
func (p *partner) testAssertions(t *testing.T) {
	once := p.assertion(t)
	p.wantRefused(t, "as Bearer", p.send(t, get("/people/"+p.john+"/books", "Authorization: Bearer "+once)), http.StatusUnauthorized)
	p.wantRefused(t, "as Token, at the API", p.send(t, get("/people/"+p.john+"/books", "Token: "+once)), http.StatusUnauthorized)
	p.wantRefused(t, "as Bearer, at the log-out", p.send(t, head("POST", logoutPath, "Authorization: Bearer "+once, "Content-Length: 0")), http.StatusUnauthorized)
	p.wantRefused(t, "as Bearer, at the log-in", p.send(t, head("POST", assertionPath+p.code, "Authorization: Bearer "+once, "Content-Length: 0")), http.StatusUnauthorized)
	for _, path := range []string{"/people/" + p.john + "/" + once, assertionPath + once, assertionPath + p.code + "?Token=" + once} {
		p.wantRefused(t, "in the URL", p.send(t, head("POST", path, "Content-Length: 0")), http.StatusUnauthorized)
	}
	// None of that has used it up.
	p.wantSession(t, "the first time", present(assertionPath+p.code, once))
	p.wantLoginFailed(t, "the second time", present(assertionPath+p.code, once), "replayed")

	// One beside a good credential goes no further than to the proxy.
	raw := get("/people/"+p.john+"/books", "Token: "+p.assertion(t), "Authorization: Bearer "+p.logIn(t))
	if seen := p.wantPassed(t, "an assertion beside a session", p.send(t, raw)); field(seen, "Token") != "" {
		t.Error("the API saw an assertion")
	}
}

// wantLoginFailed checks that a log-in is refused in the product's words, and that the audit log knows why.
func (p *partner) wantLoginFailed(t *testing.T, name, raw, reason string) {
	t.Helper()
	before := p.refused(t, reason)
	a := exchange(t, "127.0.0.1", p.via.address, raw)
	if want := `{"error":{"statusCode":401,"name":"Error","message":"login failed","code":"LOGIN_FAILED"}}`; a.status != http.StatusUnauthorized || strings.TrimSpace(a.body) != want {
		t.Errorf("%s: got %d %.200s, want 401 %s", name, a.status, a.body, want)
	}
	within(t, 10*time.Second, name+" to be refused as "+reason, func() bool { return p.refused(t, reason) == before+1 })
	if seen := p.api.seen(); len(seen) > 0 {
		t.Errorf("%s: the API saw %q, want nothing", name, seen)
	}
}

// refused counts refusals at the product's addresses, by reason.
func (s *stack) refused(t *testing.T, reason string) (count int64) {
	t.Helper()
	for _, e := range s.events(t, "refused") {
		if e.Door == "bitcanuck" && e.Reason == reason {
			count += e.Count
		}
	}
	return count
}

// testRefused is what a caller hears of passwords and assertions that aren't good, each beside its twin that is.
func (p *partner) testRefused(t *testing.T) {
	login := func(email, password string) string {
		return post(passwordPath, `{"email":"`+email+`","password":"`+password+`"}`)
	}
	p.wantSession(t, "the twin", login(johnsEmail, userPassword))
	p.wantLoginFailed(t, "a wrong password", login(johnsEmail, userPassword+"x"), "wrong_password")
	p.wantLoginFailed(t, "an unknown e-mail", login("johx@email.com", userPassword), "unknown_user")
	p.setState(t, "john", "blocked")
	p.wantLoginFailed(t, "a blocked user", login(johnsEmail, userPassword), "blocked")
	p.wantLoginFailed(t, "an assertion for a blocked user", present(assertionPath+p.code, p.assertion(t)), "blocked")
	p.setState(t, "john", "active")

	later := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	good := p.assertion(t)
	at := strings.LastIndexByte(good, '.')
	for _, tc := range []struct{ name, path, assertion, reason string }{
		{"an unknown user", p.code, p.sign(t, object{"email": "johx@email.com", "expire": later(time.Minute)}), "unknown_user"},
		{"an end in the past", p.code, p.sign(t, object{"email": johnsEmail, "expire": later(-time.Second)}), "expired"},
		{"an end too far ahead", p.code, p.sign(t, object{"email": johnsEmail, "expire": later(time.Hour)}), "wrong_claims"},
		{"no end", p.code, p.sign(t, object{"email": johnsEmail}), "wrong_claims"},
		{"another signature", p.code, good[:at+1] + strings.Repeat("A", len(good)-at-1), "bad_signature"},
		{"another platform", "ZZZZZZZZ", good, "unknown_platform"},
		{"no assertion", p.code, "x", "malformed"},
	} {
		p.secrets = append(p.secrets, tc.assertion[max(0, len(tc.assertion)-43):])
		if tc.assertion == "x" {
			p.secrets = p.secrets[:len(p.secrets)-1]
		}
		p.wantLoginFailed(t, tc.name, present(assertionPath+tc.path, tc.assertion), tc.reason)
	}
	p.wantSession(t, "the twin", present(assertionPath+p.code, good))

	// The address is the client's, as the proxy says, and no client's to choose.
	a := exchange(t, "127.0.0.9", p.via.address, present(assertionPath+p.code, p.assertion(t), "X-Real-IP: 203.0.113.9", "X-Forwarded-For: 203.0.113.9"))
	p.session(t, []byte(a.body))
	e := p.events(t, "session_token.create")[0]
	if e.Actor == nil || e.Actor.Address != "127.0.0.9" {
		t.Errorf("the audit log tells of a log-in by %+v, want it from 127.0.0.9", e.Actor)
	}
}

// testStopped takes away what a session rests on.
func (p *partner) testStopped(t *testing.T) {
	byAssertion := func() string {
		t.Helper()
		a := exchange(t, "127.0.0.1", p.via.address, present(assertionPath+p.code, p.assertion(t)))
		return p.session(t, []byte(a.body))
	}
	lives := func(token string) {
		t.Helper()
		p.wantPassed(t, "a session", p.send(t, get("/people/"+p.john+"/books", "Authorization: Bearer "+token)))
	}
	first, second, third := p.logIn(t), byAssertion(), byAssertion()
	for _, token := range []string{first, second, third} {
		lives(token)
	}
	p.wantRefused(t, "a log-out", p.send(t, head("DELETE", logoutPath, "Authorization: Bearer "+third, "Content-Length: 0")), http.StatusNoContent)
	p.ended(t, third)
	lives(first)
	lives(second)

	p.v1(t, http.MethodPatch, "/platforms/"+p.code, object{"enabled": false}, http.StatusOK)
	p.ended(t, second) // it came by the platform
	lives(first)
	p.wantLoginFailed(t, "an assertion of a disabled platform", present(assertionPath+p.code, p.assertion(t)), "disabled")
	p.v1(t, http.MethodPatch, "/platforms/"+p.id, object{"enabled": true}, http.StatusOK)
	p.ended(t, second)
	fourth := byAssertion()
	lives(fourth)

	sessions := p.v1(t, http.MethodGet, "/users/john/sessions", nil, http.StatusOK)
	items, _ := sessions["items"].([]any)
	if text := fmt.Sprint(items...); len(items) < 2 || strings.Contains(text, "jts") {
		t.Errorf("got %d sessions of john's, want those that last, without their secrets", len(items))
	}
	p.v1(t, http.MethodDelete, "/users/john/sessions", nil, http.StatusNoContent)
	p.ended(t, first)
	p.ended(t, fourth)

	last := p.logIn(t)
	lives(last)
	p.setState(t, "john", "blocked")
	p.ended(t, last)
	p.setState(t, "john", "active")
	p.ended(t, last)
}
