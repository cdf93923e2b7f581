package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The exchange as Matrix42's page has it; the host is the API's.
const (
	exchangePath = "/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken"
	seedRequest  = `curl -X POST 'http://server.example.com` + exchangePath + `/?' -H "Authorization: Bearer $ApiToken"`
)

// jwt is the form of every signed token.
var jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)

// TestExchange does what Matrix42's page says, step by step: a person ExternalApp, whom the audience of one method is
// changed for, a token for it, and the exchange, by way of each proxy; then what a disabled and a deleted token are worth.
func TestExchange(t *testing.T) {
	s := newStack(t, separate())
	s.user(t, "person", "ExternalApp")
	s.allow(t, "GET /reports/{id}", "user:ExternalApp")
	for _, s.via = range s.proxies {
		t.Run(s.via.name, func(t *testing.T) {
			id, apiToken := s.apiToken(t, "Worker behind "+s.via.name, "ExternalApp")
			for _, part := range []struct {
				name string
				run  func(t *testing.T, id, apiToken string)
			}{
				{"recipe", s.testRecipe},
				{"spellings", s.testSpellings},
				{"no way round", s.testNoOtherPath},
				{"disabled and deleted", s.testStopped},
			} {
				t.Run(part.name, func(t *testing.T) { part.run(t, id, apiToken) })
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

// seedExchange types the page's request, and returns the status and the body of its answer.
func (s *stack) seedExchange(t *testing.T, apiToken string) (status, body string) {
	t.Helper()
	home := t.TempDir()
	_, port, _ := strings.Cut(s.via.address, ":")
	must(t, os.WriteFile(filepath.Join(home, ".curlrc"), []byte("silent\nshow-error\nwrite-out = \"\\n%{http_code}\"\n"+
		"connect-to = server.example.com:80:127.0.0.1:"+port+"\n"), 0o600))
	cmd := exec.CommandContext(t.Context(), "bash", "-c", seedRequest)
	cmd.Env = append(os.Environ(), "CURL_HOME="+home, "ApiToken="+apiToken)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v", seedRequest, err)
	}
	at := strings.LastIndexByte(string(out), '\n')
	return string(out[at+1:]), string(out[:at])
}

// rawToken reads the access token out of the answer to an exchange, and keeps it among the secrets.
func (s *stack) rawToken(t *testing.T, body string) string {
	t.Helper()
	var answer map[string]string
	err := json.Unmarshal([]byte(body), &answer)
	until, timeErr := time.Parse("2006-01-02T15:04:05Z", answer["LifeTime"])
	left := time.Until(until)
	if err != nil || timeErr != nil || len(answer) != 2 || !jwt.MatchString(answer["RawToken"]) || left < 4*time.Minute || left > 5*time.Minute+time.Second {
		t.Fatalf("got an answer of %d members, LifeTime %q; want RawToken and LifeTime, five minutes from now: %v, %v", len(answer), answer["LifeTime"], err, timeErr)
	}
	s.secrets = append(s.secrets, answer["RawToken"])
	return answer["RawToken"]
}

// exchanged returns an access token.
func (s *stack) exchanged(t *testing.T, apiToken string) string {
	t.Helper()
	status, body := s.seedExchange(t, apiToken)
	if status != "200" {
		t.Fatalf("%s: got %s, want 200", seedRequest, status)
	}
	return s.rawToken(t, body)
}

// testRecipe is the page's example, and what else the token then does.
func (s *stack) testRecipe(t *testing.T, _, apiToken string) {
	bearer := "Authorization: Bearer " + s.exchanged(t, apiToken)
	raw := get("/reports/7", bearer)
	seen := s.wantPassed(t, "the method of the audience", s.send(t, raw))
	if field(seen, "Remote-User") != "ExternalApp" || field(seen, "Authorization") != "" || strings.Contains(seen, "eyJ") {
		t.Errorf("the API saw %s as %q, with a credential: %v; want ExternalApp's call without any", field(seen, "X-Jeton-Credential-Kind"), field(seen, "Remote-User"), strings.Contains(seen, "eyJ"))
	}
	if got := field(seen, "X-Jeton-Credential-Kind"); got != "access_token" {
		t.Errorf("the API was told of the credential %q, want access_token", got)
	}
	for _, other := range []struct{ method, path string }{
		{"POST", "/uploads"}, {"GET", "/any/thing"}, {"PUT", "/changes/7"}, {"DELETE", "/reports/7"}, {"GET", "/reports/7/pages"}, {"GET", "/m42Services/api/data"},
	} {
		s.wantRefused(t, other.method+" "+other.path, s.send(t, head(other.method, other.path, bearer, "Content-Length: 0")), 403)
	}
	s.wantRefused(t, "without a token", s.send(t, get("/reports/7")), 401)

	before, _ := s.refusals(t, "exchange_first")
	a := s.send(t, get("/reports/7", "Authorization: Bearer "+apiToken))
	s.wantRefused(t, "the API token itself", a, 401)
	if got := a.header.Get("WWW-Authenticate"); !strings.Contains(got, `error="invalid_token"`) || !strings.Contains(got, `error_description="exchange it first"`) {
		t.Errorf("got the challenge %q, want to be told to exchange the token first", got)
	}
	if after, _ := s.refusals(t, "exchange_first"); after != before+1 {
		t.Errorf("the audit log tells of %d tokens that weren't exchanged, want 1", after-before)
	}
}

// testSpellings exchanges the token in every way that clients are known to.
func (s *stack) testSpellings(t *testing.T, _, apiToken string) {
	paths := []string{exchangePath + "/?", exchangePath + "/", exchangePath + "?", exchangePath, "/M42Services" + exchangePath[12:] + "/", strings.ToLower(exchangePath), strings.ToUpper(exchangePath)}
	json := "Content-Type: application/json"
	bodies := []string{
		"\r\n", "Content-Length: 0\r\n\r\n", json + "\r\nContent-Length: 0\r\n\r\n", json + "\r\nContent-Length: 2\r\n\r\n{}",
		json + ";charset=UTF-8\r\nContent-Length: 2\r\n\r\n{}", "Content-Type: text/json\r\nContent-Length: 2\r\n\r\n{}", "Content-Length: 2\r\n\r\n{}",
	}
	try := func(path, rest string) {
		t.Helper()
		a := exchange(t, "127.0.0.1", s.via.address, head("POST", path, "Authorization: Bearer "+apiToken)+rest)
		if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s %q: got %d, %v, want 200 and JSON that nobody stores", path, rest, a.status, a.header)
			return
		}
		s.rawToken(t, a.body)
	}
	for _, path := range paths {
		try(path, bodies[0])
	}
	for _, rest := range bodies {
		try(paths[0], rest)
	}
	if seen := s.api.seen(); len(seen) > 0 {
		t.Errorf("the API saw %q, want nothing of an exchange", seen)
	}
}

// testNoOtherPath: beside that path, no call passes Jeton by, nor does one on it reach the API. Where the proxies read a path
// in another way than they pass it on, it is Jeton that gets it.
func (s *stack) testNoOtherPath(t *testing.T, _, apiToken string) {
	bearer := "Authorization: Bearer " + s.exchanged(t, apiToken)
	for _, path := range []string{exchangePath + "X", exchangePath + "/x", "/x" + exchangePath, exchangePath[:len(exchangePath)-1], "/m42Services/api/ApiToken/", "/m42Services"} {
		s.wantRefused(t, path, s.send(t, head("POST", path, "Content-Length: 0")), 401)
		s.wantRefused(t, path, s.send(t, head("POST", path, bearer, "Content-Length: 0")), 403)
	}
	for _, path := range []string{"/" + exchangePath, "/reports/.." + exchangePath, exchangePath + "%2f", strings.Replace(exchangePath, "k", "%e2%84%aa", 1), exchangePath + "//"} {
		s.wantRefused(t, path, s.send(t, head("POST", path, bearer, "Content-Length: 0")), 307, 308, 401, 403, 404)
	}
	// The proxies compare the path as they understand it. What Jeton gets is the one path, and never another of its own.
	for _, path := range []string{"/v1/users/x%2f..%2f..%2f.." + exchangePath, "/console/x%2f..%2f.." + exchangePath, "/x/.%2e" + exchangePath} {
		a := s.send(t, head("GET", path, bearer, "Content-Length: 0"))
		s.wantRefused(t, path, a, 403, 404, 405)
		if a.status != 403 && a.header.Get("Allow") != "POST" {
			t.Errorf("%s: got status %d and %.60q, want it refused at the gateway or at the exchange", path, a.status, a.body)
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
		s.wantRefused(t, method, s.send(t, head(method, exchangePath+"/", bearer, "Content-Length: 0")), 405)
	}
	// What the API would believe, the exchange doesn't.
	a := s.send(t, head("POST", exchangePath+"/", "Remote-User: ExternalApp", s.bearer("alice"), "Content-Length: 0"))
	s.wantRefused(t, "an exchange of another kind of token", a, 401)
}

// testStopped turns the token off, on, and deletes it.
func (s *stack) testStopped(t *testing.T, id, apiToken string) {
	call := func() string { return get("/reports/7", "Authorization: Bearer "+s.exchanged(t, apiToken)) }
	dead := func(raw, reason string) {
		t.Helper()
		before, _ := s.refusals(t, reason)
		s.wantRefused(t, reason, s.send(t, raw), 401)
		if after, _ := s.refusals(t, reason); after != before+1 {
			t.Errorf("the audit log tells of %d calls refused as %s, want 1", after-before, reason)
		}
		if status, body := s.seedExchange(t, apiToken); status != "401" || body != "null" {
			t.Errorf("the exchange of a token that is %s: got %s %.20q, want 401 null", reason, status, body)
		}
	}
	first := call()
	s.wantPassed(t, "enabled", s.send(t, first))
	s.enable(t, id, false)
	dead(first, "disabled")
	s.enable(t, id, true)
	again := call()
	s.wantPassed(t, "enabled again", s.send(t, again))
	s.v1(t, http.MethodDelete, "/api-tokens/"+id, nil, http.StatusNoContent)
	dead(again, "deleted")
	s.v1(t, http.MethodPatch, "/api-tokens/"+id, object{"enabled": true}, http.StatusNotFound)
	dead(again, "deleted")
}
