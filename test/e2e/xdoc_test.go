package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/api"
)

// TestXDOC calls as XDOC's clients and browsers do, who know the API's host alone, by each proxy: what is Jeton's own to answer it
// answers, and the API sees nothing of it; all else goes to the API, and no log has a token.
func TestXDOC(t *testing.T) {
	s := newStack(t, separate())
	a := s.newApplication(t)
	for _, path := range []string{"/XDocApi", "/XDocUi"} {
		s.service(t, api.NewService{Name: strings.ToLower(path[1:]), Host: "api.example.com", PathPrefix: path, Project: 1000},
			"GET / user:admin", "POST / user:admin")
	}
	for _, a.via = range s.proxies {
		t.Run(a.via.name, func(t *testing.T) {
			t.Run("methods", a.testMethods)
			t.Run("pages", a.testPages)
			t.Run("pasted", a.testPasted)
		})
	}
	for _, p := range s.proxies {
		s.stop(t, p.cmd)
	}
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// fresh returns the part of a query that is a pair of tokens for admin, of the mode that can't be forged.
func (a *application) fresh(t *testing.T) string {
	t.Helper()
	return a.seal(t, sealers["node"].command, "GCM", "json")
}

// posted is a POST of a form.
func posted(target, form string, fields ...string) string {
	fields = append(fields, "Content-Type: application/x-www-form-urlencoded", fmt.Sprint("Content-Length: ", len(form)))
	return head("POST", target, fields...) + "\r\n" + form
}

// ask sends a request of the product and returns the answer, and what the API saw of it.
func (a *application) ask(t *testing.T, raw string) (answer, string) {
	t.Helper()
	a.api.seen()
	if !strings.Contains(raw, "\r\n\r\n") {
		raw += "\r\n"
	}
	got := exchange(t, "127.0.0.1", a.via.address, raw)
	return got, strings.Join(a.api.seen(), "")
}

// testMethods calls the one method that is Jeton's own, and others.
func (a *application) testMethods(t *testing.T) {
	tokens := a.fresh(t)
	const test = "XM=App.ApiTest&InputData=hello&XSC=MySecurityContext&"
	for name, tc := range map[string]struct {
		raw  string
		code string // of the product; empty where the API is to have the call
		seen int    // the status of such a call
	}{
		"in the query":            {get("/XDocApi/?" + test + tokens), "0", 0},
		"no slash":                {get("/XDocApi?" + test + tokens), "0", 0},
		"in a form":               {posted("/XDocApi/", test+tokens), "0", 0},
		"half in a form":          {posted("/XDocApi/?"+test, tokens), "0", 0},
		"changed":                 {get("/XDocApi/?" + test + strings.Replace(tokens, "XST=", "XST=A", 1)), "403", 0},
		"no token":                {get("/XDocApi/?" + test), "403", 0},
		"a bearer token beside":   {get("/XDocApi/?"+test+tokens, "Authorization: Bearer x"), "400", 0},
		"two tokens":              {get("/XDocApi/?" + test + tokens + "&xst=x"), "400", 0},
		"a form for the API":      {posted("/XDocApi/", "XM=Container.ContainerInfo&"+tokens), "404", 0},
		"another method":          {get("/XDocApi/?XM=Container.ContainerInfo&" + tokens), "", 200},
		"another method, changed": {get("/XDocApi/?XM=Container.ContainerInfo&" + strings.Replace(tokens, "XST=", "XST=A", 1)), "", 401},
		"another method's body":   {posted("/XDocApi/?XM=Document.DocumentAddXml&"+tokens, "<x/>"), "", 200},
		"another method, twice":   {get("/XDocApi/?XM=Container.ContainerInfo&" + tokens + "&xst=x"), "", 400},
		"another path":            {get("/XDocApi/x?" + test + tokens), "", 200},
		"as bearer":               {get("/XDocApi/?XM=Container.ContainerInfo", "Authorization: Bearer "+a.tokens["alice"]), "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			got, seen := a.ask(t, tc.raw)
			if tc.code != "" && (got.header.Get("XwsResultCode") != tc.code || seen != "" || tc.code == "0" && !strings.Contains(got.body, `ReturnData="hello"`)) {
				t.Errorf("got %d, the code %q, %s, and the API saw %q, want the code %s and nothing", got.status, got.header.Get("XwsResultCode"), got.body, seen, tc.code)
			}
			if tc.code == "" && (got.status != tc.seen || (seen != "") != (got.status == http.StatusOK)) {
				t.Errorf("got %d, and the API saw %q, want %d", got.status, seen, tc.seen)
			}
		})
	}
}

// testPages comes in as browsers do, and goes on by the cookie.
func (a *application) testPages(t *testing.T) {
	for name, raw := range map[string]func(string) string{
		"in the query": func(tokens string) string { return get("/XDocUi/?AppLink=Doc.View&" + tokens) },
		"no slash":     func(tokens string) string { return get("/XDocUi?AppLink=Doc.View&" + tokens) },
		"in a form":    func(tokens string) string { return posted("/XDocUi/?AppLink=Doc.View", tokens) },
		"with a cookie": func(tokens string) string {
			return get("/XDocUi/?AppLink=Doc.View&"+tokens, "Cookie: jeton_api=former")
		},
		"an encoded letter": func(tokens string) string {
			return get("/XDocUi/?AppLink=Doc.View&" + strings.Replace(tokens, "XUT=", "xu%54=", 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			tokens := a.fresh(t)
			got, seen := a.ask(t, raw(tokens))
			to, cookies := got.header.Get("Location"), (&http.Response{Header: got.header}).Cookies()
			if got.status != http.StatusSeeOther || !strings.HasPrefix(to, "/XDocUi/?AppLink=Doc.View") || strings.Contains(strings.ToUpper(to), "XST") || strings.Contains(strings.ToUpper(to), "XUT") || len(cookies) != 1 || seen != "" {
				t.Fatalf("got %d to %q with %d cookies, and the API saw %q, want 303 and nothing", got.status, to, len(cookies), seen)
			}
			cookie := "Cookie: jeton_api=" + cookies[0].Value
			a.secrets = append(a.secrets, cookies[0].Value)
			got, seen = a.ask(t, get(to, cookie))
			if got.status != http.StatusOK || !strings.HasPrefix(seen, "GET "+to+" ") || !strings.Contains(strings.ToLower(seen), "\nremote-user: admin\r\n") || strings.Contains(seen, "jeton_api") {
				t.Errorf("got %d, and the API saw %q, want the page for admin", got.status, seen)
			}
			if got, seen = a.ask(t, posted("/XDocUi/?a=b", "c=d", cookie, "Sec-Fetch-Site: same-origin")); got.status != http.StatusOK || !strings.HasPrefix(seen, "POST /XDocUi/?a=b ") {
				t.Errorf("a form of the page: got %d, and the API saw %q, want it there", got.status, seen)
			}
			if got, _ = a.ask(t, get("/reports/7", cookie)); got.status != http.StatusUnauthorized && got.status != http.StatusForbidden {
				t.Errorf("got %d for a service of no project, want it refused", got.status)
			}
		})
	}
	for target, want := range map[string]int{"/XDocUi/?AppLink=Doc.View": 401, "/XDocUi/?XST=abc": 403, "/XDocUi/?XST=abc&XST=abc": 400} {
		if got, seen := a.ask(t, get(target)); got.status != want || seen != "" || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: got %d, and the API saw %q, want %d", target, got.status, seen, want)
		}
	}
}

// testPasted sends tokens where they don't belong: in paths and in the Referer. What was sent is looked for at the end.
func (a *application) testPasted(t *testing.T) {
	tokens := a.fresh(t)
	for _, raw := range []string{
		get("/documents/" + tokens), get("/documents/7/" + strings.ReplaceAll(tokens, "=", "%3D")), get("/x?"+tokens, "Referer: https://api.example.com/?"+tokens),
		get("/XDocUi/" + tokens), get("/documents/" + strings.ToLower(tokens[:4]) + tokens[4:]), head("PUT", "/XDocUi/?"+tokens), get("/" + tokens + "?" + tokens),
	} {
		if got, _ := a.ask(t, raw); got.status < 400 {
			t.Errorf("got %d for %.40q, want it refused", got.status, raw)
		}
	}
}
