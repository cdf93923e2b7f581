package e2e_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/api"
)

// oneBase is where Jeton's own proxy listens, and the one address that the clients of TestOneBase know.
const oneBase = "127.0.0.1:8082"

// TestOneBase has the clients of all four products call by Jeton alone, unchanged: each knows one base URL, at which it exchanges, logs
// in and calls. Nothing else stands before the API.
func TestOneBase(t *testing.T) {
	s := emptyStack(t)
	s.serve = []string{"--proxy-listen", oneBase}
	s.begin(t)
	s.via = &proxy{name: "Jeton", address: oneBase}
	s.proxies = []*proxy{s.via}
	const upstream = "http://127.0.0.1:9000"
	s.v1(t, http.MethodPatch, "/services/reports", object{"upstream": upstream, "profile": "matrix42"}, http.StatusOK)
	t.Run("Cantook Hub", s.testPersonal)

	s.user(t, "person", "ExternalApp")
	s.allow(t, "GET /reports/{id}", "user:ExternalApp")
	// The page's own request and the guides' programs name hosts of theirs: to each the paths of its product belong, and nothing else.
	s.service(t, api.NewService{Name: "desk", Host: "server.example.com", Profile: "matrix42"})
	s.service(t, api.NewService{Name: "logins", Host: "127.0.0.1", Profile: "bitcanuck"})
	id, apiToken := s.apiToken(t, "Worker behind Jeton alone", "ExternalApp")
	for name, run := range map[string]func(*testing.T, string, string){"recipe": s.testRecipe, "spellings": s.testSpellings, "no way round": s.testNoOtherPath} {
		t.Run("Matrix42/"+name, func(t *testing.T) { run(t, id, apiToken) })
	}
	t.Run("Matrix42/disabled and deleted", func(t *testing.T) { s.testStopped(t, id, apiToken) })

	p := s.newPartner(t)
	s.v1(t, http.MethodPatch, "/services/people", object{"upstream": upstream, "profile": "bitcanuck"}, http.StatusOK)
	for name := range recipes {
		t.Run("BitCanuck/"+name, func(t *testing.T) { p.testRecipe(t, name) })
	}
	for name, run := range map[string]func(*testing.T){
		"self": p.testSelf, "spellings": p.testSpellings, "no way round": p.testNoOtherWay, "assertions": p.testAssertions, "refused": p.testRefused, "stopped": p.testStopped,
	} {
		t.Run("BitCanuck/"+name, run)
	}
	if total := s.api.total(); total != s.passed {
		t.Errorf("the API saw %d requests, and clients got %d answers with status 200", total, s.passed)
	}

	a := s.newApplication(t)
	s.v1(t, http.MethodPatch, "/services/documents", object{"upstream": upstream}, http.StatusOK)
	for _, path := range []string{"/XDocApi", "/XDocUi"} {
		s.service(t, api.NewService{Name: strings.ToLower(path[1:]), Host: "api.example.com", PathPrefix: path, Project: 1000, Upstream: upstream, Profile: "xdoc"},
			"GET / user:admin", "POST / user:admin")
	}
	for name, sealer := range sealers {
		for _, mode := range sealer.modes {
			t.Run("XDOC/"+name+" "+mode, func(t *testing.T) { a.testSealer(t, sealer.command, mode) })
		}
	}
	t.Run("XDOC/calls", a.testForwarded)
	t.Run("XDOC/pages", a.testPages)
	t.Run("XDOC/pasted", a.testPasted)
	s.stop(t, s.jeton)
	s.proxies = nil // which have no logs of their own
	s.searchSecrets(t)
}

// testPersonal calls in the three ways of Cantook Hub's clients, as its documents have them.
func (s *stack) testPersonal(t *testing.T) {
	alice := s.loggedIn(t, "alice")
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+userPassword))
	s.secrets = append(s.secrets, basic[len("Authorization: Basic "):])
	for kind, credential := range map[string]string{"personal_token": s.bearer("alice"), "password": basic, "api_session": "Cookie: jeton_api=" + alice.cookies[apiCookie]} {
		seen := s.wantPassed(t, kind, s.send(t, get("/reports/7?format=epub&cost=299", credential)))
		if heard := field(seen, "X-Jeton-Credential-Kind"); heard != kind || field(seen, "Remote-User") != "alice" || field(seen, "Authorization")+field(seen, "Cookie") != "" {
			t.Errorf("%s: the API saw %q, want alice's call without a credential", kind, seen)
		}
		s.wantRefused(t, kind+" to nobody's path", s.send(t, get("/invoices/7", credential)), http.StatusForbidden)
	}
	former := s.bearer("alice")
	s.newToken(t, "alice")
	s.wantRefused(t, "the token before", s.send(t, get("/reports/7", former)), http.StatusUnauthorized)
	s.wantPassed(t, "the token", s.send(t, get("/reports/7", s.bearer("alice"))))
	refused := s.send(t, get("/reports/7"))
	s.wantRefused(t, "nothing", refused, http.StatusUnauthorized)
	if got := refused.header.Values("WWW-Authenticate"); len(got) != 1 || !strings.Contains(got[0], "Bearer ") || !strings.Contains(got[0], "Basic ") {
		t.Errorf("got the challenges %q, want both in one field", got)
	}
}

// testForwarded calls the methods of the product's documents: they go to the API without their tokens, as the user.
func (a *application) testForwarded(t *testing.T) {
	tokens := a.fresh(t)
	changed := strings.Replace(tokens, "XST=", "XST=A", 1)
	const info, add = "XM=Container.ContainerInfo&XSC=MySecurityContext&ContainerId=7&", "XM=Document.DocumentAddXml&XSC=MySecurityContext&"
	part := "--b\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n"
	const file = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n"
	values, err := url.ParseQuery(tokens)
	must(t, err)
	st, ut := values.Get("XST"), values.Get("XUT")
	whole := func(target, form string) string {
		return head("POST", target, "Content-Type: multipart/form-data; boundary=b", fmt.Sprint("Content-Length: ", len(form))) + "\r\n" + form
	}
	inParts := func(names ...string) string {
		var form strings.Builder
		for i := 0; i < len(names); i += 2 {
			fmt.Fprintf(&form, part, names[i], names[i+1])
		}
		return whole("/XDocApi/?"+strings.TrimSuffix(add, "&"), form.String()+file)
	}
	const passed, refused = "", "403"
	for name, tc := range map[string]struct {
		raw, code, line string
		length          int
	}{
		"in the query":           {get("/XDocApi/?" + info + tokens + "&ProjectId=1000&XEXTKEY=k&XEXTINFO=i"), passed, "GET /XDocApi/?" + info + "ProjectId=1000&XEXTKEY=k&XEXTINFO=i", 0},
		"in a form":              {posted("/XDocApi/", info+tokens), passed, "POST /XDocApi/", len(info) - 1},
		"half in a form":         {posted("/XDocApi/?"+info, tokens), passed, "POST /XDocApi/?" + strings.TrimSuffix(info, "&") + "&", 0},
		"a body of the method's": {head("POST", "/XDocApi/?"+add+tokens, "Content-Type: text/xml", "Content-Length: 6") + "\r\n<a></>", passed, "POST /XDocApi/?" + strings.TrimSuffix(add, "&"), 6},
		"in parts":               {inParts("XST", st, "a", "b", "XUT", ut), passed, "POST /XDocApi/?" + strings.TrimSuffix(add, "&"), len(fmt.Sprintf(part, "a", "b") + file)},
		"by a bearer token":      {get("/XDocApi/?"+info, "Authorization: Bearer "+a.tokens["admin"]), passed, "GET /XDocApi/?" + info, 0},
		"another's bearer token": {get("/XDocApi/?"+info, "Authorization: Bearer "+a.tokens["alice"]), refused, "", 0},
		"changed":                {get("/XDocApi/?" + info + changed), refused, "", 0},
		"changed, in a form":     {posted("/XDocApi/", info+changed), refused, "", 0},
		"changed, in parts":      {inParts("XST", "A"+st, "XUT", ut), refused, "", 0},
		"nothing":                {get("/XDocApi/?" + info), refused, "", 0},
		"another project":        {posted("/XDocApi/", info+tokens+"&ProjectId=7"), refused, "", 0},
		"two tokens":             {posted("/XDocApi/?"+tokens, "xst=x"), "400", "", 0},
		"a token behind a file":  {whole("/XDocApi/?"+add+tokens, strings.Replace(file, "--b--", fmt.Sprintf(part, "XUT", ut)+"--b--", 1)), "400", "", 0},
		"another behind a file":  {whole("/XDocApi/?"+add+tokens, strings.Replace(file, "--b--", fmt.Sprintf(part, "XUV", ut)+"--b--", 1)), passed, "POST /XDocApi/?" + strings.TrimSuffix(add, "&"), len(fmt.Sprintf(part, "XUV", ut) + file)},
		"the one of Jeton's own": {posted("/XDocApi/", "XM=App.ApiTest&InputData=hello&"+tokens), "0", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, seen := a.ask(t, tc.raw)
			if tc.code != "" {
				if got.header.Get("XwsResultCode") != tc.code || seen != "" || tc.code == "403" && (got.status != http.StatusOK || !strings.Contains(got.body, `ResultInfo="Security Validation Failed"`)) {
					t.Errorf("got %d, the code %q, %s, and the API saw %q, want the code %s and nothing", got.status, got.header.Get("XwsResultCode"), got.body, seen, tc.code)
				}
				return
			}
			line, _, _ := strings.Cut(seen, " HTTP/1.1")
			if got.status != http.StatusOK || line != tc.line || field(seen, "Remote-User") != "admin" || field(seen, bodyLength) != fmt.Sprint(tc.length) {
				t.Errorf("got %d, and the API saw %q, want %s for admin with %d bytes", got.status, seen, tc.line, tc.length)
			}
		})
	}
	// What is told in place of the API, where that is gone, is in the words of the product, too.
	a.v1(t, http.MethodPatch, "/services/xdocapi", object{"upstream": "http://127.0.0.1:9"}, http.StatusOK)
	got, _ := a.ask(t, get("/XDocApi/?"+info+a.fresh(t)))
	if got.status != http.StatusBadGateway || got.header.Get("XwsResultCode") != "502" || !strings.Contains(got.body, "<ServiceResponse") {
		t.Errorf("got %d %s, want an envelope that the API can't be reached", got.status, got.body)
	}
	a.v1(t, http.MethodPatch, "/services/xdocapi", object{"upstream": "http://127.0.0.1:9000", "forward_query_tokens": true}, http.StatusOK)
	tokens = a.fresh(t)
	if _, seen := a.ask(t, posted("/XDocApi/?"+info+tokens, "a=b")); !strings.Contains(seen, tokens) || field(seen, "Remote-User") != "admin" {
		t.Errorf("the API saw %q, want the tokens where the service is to have them", seen)
	}
	a.v1(t, http.MethodPatch, "/services/xdocapi", object{"forward_query_tokens": false}, http.StatusOK)
}
