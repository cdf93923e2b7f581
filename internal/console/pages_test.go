package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/secret"
)

// rows returns the names in the list, the one with a pencil marked by a star.
func rows(n *node) []string {
	var all []string
	for _, row := range n.all("tbody tr") {
		name := row.all("th")[0].text()
		if len(row.all("a.pencil")) > 0 {
			name += " *"
		}
		all = append(all, name)
	}
	return all
}

// TestUserList shows administrators everybody, and everybody else himself.
func TestUserList(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "zoe", Roles: []string{"admin"}})
	d.user(t, account.Draft{Username: "alice", DisplayName: `<script>alert("x")</script>`, Email: "alice@example.com", Roles: []string{"partner", "reports"}})
	d.user(t, account.Draft{Username: "bob", State: account.Blocked})
	b := d.browser()
	b.logIn(t, "zoe")
	list := b.want(t, ask{route: "GET /console/profile/users"}, http.StatusOK)
	if diff := cmp.Diff([]string{"zoe *", "alice", "bob"}, rows(list.node)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := list.one(t, "p.hint").text(); !strings.Contains(got, "Administration") {
		t.Errorf("got the hint %q, want the way to change the others", got)
	}
	cells := list.all("tbody tr")[1].text()
	if want := `alice <script>alert("x")</script> alice@example.com partner, reports Active`; cells != want {
		t.Errorf("got the row %q, want %q", cells, want)
	}
	if strings.Contains(list.body, "<script>") {
		t.Error("a display name is no text")
	}

	alice := d.browser()
	alice.logIn(t, "alice")
	for _, query := range []string{"", "?after=a", "?after=zzz"} {
		list := alice.want(t, ask{route: "GET /console/profile/users" + query}, http.StatusOK)
		if diff := cmp.Diff([]string{"alice *"}, rows(list.node)); diff != "" || len(list.all(".pages")) > 0 || len(list.all("p.hint")) > 0 {
			t.Errorf("%s: (-want +got)\n%s", query, diff)
		}
	}
	alice.want(t, ask{route: "GET /console/"}, http.StatusOK)
}

// TestUserPages turns the pages of a long list.
func TestUserPages(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "user100", Roles: []string{"admin"}})
	for i := range 101 {
		if i != 100 {
			d.user(t, account.Draft{Username: fmt.Sprintf("User%d", i)})
		}
	}
	b := d.browser()
	b.logIn(t, "user100")
	seen := map[string]bool{}
	path, pages := "/console/profile/users", 0
	for ; path != ""; pages++ {
		list := b.want(t, ask{route: "GET " + path}, http.StatusOK)
		for _, name := range rows(list.node) {
			if seen[name] {
				t.Errorf("%s stands twice", name)
			}
			seen[name] = true
		}
		path = ""
		for _, link := range list.all(".pages a") {
			if link.text() == "Next page" {
				path = link.attribute("href")
			}
		}
	}
	if len(seen) != 101 || pages != 3 || !seen["user100 *"] {
		t.Errorf("got %d users on %d pages", len(seen), pages)
	}
	b.want(t, ask{route: "GET /console/profile/users?after=%ff"}, http.StatusBadRequest)
}

// TestOthersPages asks for another user's pages and for those of nobody: they are the same 404, to administrators too.
func TestOthersPages(t *testing.T) {
	d := newDesk(t)
	own := d.user(t, account.Draft{Username: "root", Roles: []string{"admin"}})
	other := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "root")
	before := d.actions(t)
	for _, action := range []string{"GET ", "GET /security", "GET /security/token", "POST /security/token", "POST /security/token/revoke", "POST /security/password"} {
		method, rest, _ := strings.Cut(action, " ")
		var first string
		for _, id := range []string{other.ID.String(), uuid.Must(uuid.NewV7()).String(), "alice", strings.ToUpper(own.ID.String()), "urn:uuid:" + own.ID.String(), "root"} {
			q := ask{route: method + " /console/profile/users/" + id + rest}
			if method == http.MethodPost {
				q.form = form()
			}
			a := b.want(t, q, http.StatusNotFound)
			checkPage(t, action, a.node)
			if first == "" {
				first = a.body
			}
			if a.body != first {
				t.Errorf("%s: the page of %s is another one", action, id)
			}
		}
	}
	if diff := cmp.Diff(before, d.actions(t)); diff != "" {
		t.Errorf("something was done (-want +got)\n%s", diff)
	}
	b.want(t, ask{route: "GET " + securityOf(own)}, http.StatusOK) // the twin
}

// TestPages reads every page, by GET and by HEAD, and looks for what all must have.
func TestPages(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice", DisplayName: "Alice", Email: "alice@example.com", Roles: []string{"partner"}})
	b := d.browser()
	b.logIn(t, "alice")
	for path, title := range map[string]string{
		"/console/":              "Home",
		"/console/login":         "Log in",
		"/console/profile/users": "User list",
		"/console/profile/users/" + u.ID.String(): "General",
		securityOf(u): "Security",
	} {
		a := b.want(t, ask{route: "GET " + path}, http.StatusOK)
		checkPage(t, path, a.node)
		if got := a.one(t, "title").text(); got != title+" · Jeton" {
			t.Errorf("%s: got title %q", path, got)
		}
		if head := b.want(t, ask{route: "HEAD " + path}, http.StatusOK); head.body != "" || head.header.Get("Content-Type") != a.header.Get("Content-Type") {
			t.Errorf("HEAD %s: got %v %q", path, head.header, head.body)
		}
	}
	for path, location := range map[string]string{
		"/": "/console/", "/console": "/console/", "/console/profile": "/console/profile/users",
		securityOf(u) + "/password": securityOf(u), securityOf(u) + "/token/revoke": securityOf(u),
	} {
		b.to(t, ask{route: "GET " + path}, location)
		b.to(t, ask{route: "HEAD " + path}, location)
	}
}

// TestErrors compares the pages of errors, and who gets a problem instead.
func TestErrors(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	for _, tt := range []struct {
		route  string
		status int
	}{
		{"GET /console/nowhere", 404},
		{"GET /console/profile/", 404},
		{"GET /console//", 404},
		{"GET /console/./", 404},
		{"GET /console/profile/../profile", 404},
		{"GET /console/%2e%2e/", 404},
		{"GET /console/static/", 404},
		{"GET /console/static/style.css", 404},
		{"GET /consolex", 404},
		{"GET /favicon.ico", 404},
		{"GET /.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200", 404},
		{"PUT /console/", 405},
		{"POST /console/profile/users", 405},
		{"OPTIONS /console/login", 405},
		{"POST /", 405},
	} {
		a := b.want(t, ask{route: tt.route}, tt.status)
		checkPage(t, tt.route, a.node)
		if (a.header.Get("Allow") != "") != (tt.status == 405) {
			t.Errorf("%s: got Allow %q", tt.route, a.header.Get("Allow"))
		}
		_, path, _ := strings.Cut(tt.route, " ")
		program := b.want(t, ask{route: tt.route, header: map[string]string{"Accept": "*/*"}}, tt.status)
		if strings.HasPrefix(path, "/console/") {
			continue // pages, whoever reads them
		}
		var p api.Problem
		check(t, json.Unmarshal([]byte(program.body), &p))
		if got := program.header.Get("Content-Type"); got != "application/problem+json" || p.Status != tt.status || p.Instance == "" {
			t.Errorf("%s: got %s %s", tt.route, got, program.body)
		}
	}
	d.wantRefused(t)
	_ = b.want(t, ask{route: "GET /console/"}, http.StatusOK) // by now the lines of all before are there
	for reason, want := range map[string]int{"not_found": 2 * 11, "method_not_allowed": 2 * 4} {
		if got := strings.Count(d.log.String(), `"reason":"`+reason+`"`); got != want {
			t.Errorf("got %d lines with the reason %s, want %d", got, reason, want)
		}
	}
	nobody := d.browser()
	nobody.to(t, ask{route: "GET /console/profile/users?after=b"}, "/console/login?next=%2Fconsole%2Fprofile%2Fusers%3Fafter%3Db")
	nobody.to(t, ask{route: "HEAD /console/"}, "/console/login")
	d.wantRefused(t) // who has yet to log in is no refusal
	a := nobody.want(t, ask{route: "POST /console/profile/users/x/security/token", form: form()}, http.StatusUnauthorized)
	checkPage(t, "401", a.node)
	d.wantRefused(t, "no_credential none")
}

// TestStatic follows the pages' links to their files.
func TestStatic(t *testing.T) {
	d := newDesk(t)
	b := d.browser()
	page := b.want(t, ask{route: "GET /console/login"}, http.StatusOK)
	for _, tt := range []struct{ selector, attribute, contentType string }{
		{"link[rel=stylesheet]", "href", "text/css; charset=utf-8"},
		{"link[rel=icon]", "href", "image/svg+xml"},
		{".brand img", "src", "image/svg+xml"},
	} {
		path := page.one(t, tt.selector).attribute(tt.attribute)
		a := b.want(t, ask{route: "GET " + path}, http.StatusOK)
		if got := a.header.Get("Content-Type"); got != tt.contentType || a.body == "" {
			t.Errorf("%s: got %s", path, got)
		}
		tag := a.header.Get("ETag")
		if digest, zipped := strings.CutSuffix(strings.Trim(tag, `"`), "-gzip"); !strings.Contains(path, digest) || len(digest) != 16 || !zipped {
			t.Errorf("%s: got ETag %s", path, tag)
		}
		again := b.want(t, ask{route: "GET " + path, header: map[string]string{"If-None-Match": tag}}, http.StatusNotModified)
		if again.body != "" || b.want(t, ask{route: "HEAD " + path}, http.StatusOK).body != "" {
			t.Errorf("%s: an answer has a body that shouldn't", path)
		}
	}
}

// TestForms sends bodies that are no forms of ours, each beside a twin that is.
func TestForms(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	const encoded = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, contentType, body string
		want                    int
	}{
		{"the twin", encoded, "username=alice", 200},
		{"with a charset", encoded + "; charset=UTF-8", "username=alice", 200},
		{"JSON", "application/json", `{"username":"alice"}`, 415},
		{"multipart", "multipart/form-data; boundary=x", "--x--", 415},
		{"no type", "", "username=alice", 415},
		{"a field twice", encoded, "username=alice&username=bob", 400},
		{"an unknown field", encoded, "username=alice&role=admin", 400},
		{"bad encoding", encoded, "username=%zz", 400},
		{"a semicolon", encoded, "username=alice;password=x", 400},
		{"not UTF-8", encoded, "username=%ff", 400},
		{"NUL", encoded, "username=a%00", 400},
		{"empty", encoded, "", 422},
		{"no name", encoded, "username=+", 422},
		{"no password", encoded, "username=alice&password=", 422},
		{"as long as can be", encoded, "username=" + strings.Repeat("a", 8<<10-len("username=")), 200},
		{"longer", encoded, "username=" + strings.Repeat("a", 8<<10-len("username=")+1), 413},
	} {
		b := d.browser()
		a := b.send(t, http.MethodPost, "/console/login", strings.NewReader(tt.body), map[string]string{
			"Content-Type": tt.contentType, "Origin": d.URL, "Accept": "text/html",
		})
		if a.status != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, a.status, tt.want)
			continue
		}
		checkPage(t, tt.name, a.node)
	}
	d.wantRefused(t)
}

// TestSecrets puts secrets into every place of every form, and looks for them in the log and on later pages.
func TestSecrets(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	token := d.generate(t, b, u)
	stray, err := secret.Make(secret.Personal, strings.NewReader(strings.Repeat("stray random bytes. ", 80)))
	check(t, err)
	secrets := []string{goodPassword, token, b.cookies["jeton"], b.cookies["jeton_api"], stray.Reveal(), "canary-canary"}
	for _, s := range secrets {
		for _, q := range []ask{
			{route: "POST /console/login", form: form("username", s, "password", s, "next", s)},
			{route: "POST /console/login", form: form("username", "alice", "password", s, s, s)},
			{route: "POST " + securityOf(u) + "/password", form: form("current", s, "new", s, "again", s+"x")},
			{route: "POST " + securityOf(u) + "/password", form: form("current", "wrong "+s, "new", s, "again", s)},
			{route: "POST " + securityOf(u) + "/token", form: form("token", s)},
			{route: "POST " + securityOf(u) + "/token", form: form(), header: map[string]string{"Content-Type": s}},
			{route: "GET /console/" + url.PathEscape(s)},
			{route: "GET /" + url.PathEscape(s)},
			{route: "GET /console/static/" + url.PathEscape(s)},
			{route: "GET /console/profile/users/" + url.PathEscape(s)},
			{route: "GET /console/login?notice=" + url.QueryEscape(s)},
			{route: "GET /console/profile/users?after=" + url.QueryEscape(s)},
		} {
			a := b.do(t, q)
			if strings.Contains(q.route, "login") && q.form != nil {
				continue // the second step shows the user name that was typed
			}
			for _, other := range secrets {
				if strings.Contains(a.body, other) || strings.Contains(a.header.Get("Location"), other) {
					t.Errorf("%s shows a secret: %s", q.route, a.body)
				}
			}
		}
	}
	for _, s := range secrets {
		for _, spelling := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if strings.Contains(d.log.String(), spelling) {
				t.Errorf("the log has %q", spelling)
			}
		}
	}
	for _, want := range []string{
		`"path":"/console/profile/users/{id}/security/token"`, `"path":"/…"`, `"path":"/console/login"`,
		`"kind":"console_session"`, `"client":"` + clientAddress + `"`, `"user_id":"` + u.ID.String() + `"`, `"reason":"unknown_user"`,
	} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}
