package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/policy"
)

const (
	servicesRoute = "/console/administration/services"
	testerRoute   = "/console/administration/tester"
)

// serviceForm is the form of a service on api.example.com/v2, with other fields over it.
func serviceForm(pairs ...string) url.Values {
	f := form("name", "reports", "host", "api.example.com", "path_prefix", "/v2", "default", "deny")
	for n := 0; n+1 < len(pairs); n += 2 {
		f.Set(pairs[n], pairs[n+1])
	}
	return f
}

// version returns the hidden version of a page's form.
func version(t testing.TB, a answer) string {
	t.Helper()
	return a.all("input[name=version]")[0].attribute("value")
}

// operations returns the form of the operations of a page, with other rows in place of those that it has.
func operations(t testing.TB, a answer, rows ...[3]string) url.Values {
	t.Helper()
	f := form("version", version(t, a))
	for _, r := range append(rows, [3]string{}, [3]string{}) {
		f.Add("pattern", r[0])
		f.Add("audience", r[1])
		f.Add("scope", r[2])
	}
	return f
}

// reports makes a service with an operation for the role partner.
func (d *desk) reports(t testing.TB) catalog.Service {
	t.Helper()
	s, err := d.inside.Catalog.Create(t.Context(), catalog.Draft{Name: "reports", Host: "api.example.com", PathPrefix: "/v2"}, audit.Actor{})
	check(t, err)
	_, err = d.inside.Catalog.Replace(t.Context(), "reports", 1, []catalog.Operation{{Pattern: "GET /reports/{id}", Audience: []string{"role:partner"}, Scope: "reports.read"}}, audit.Actor{})
	check(t, err)
	return s
}

// TestServices goes the way of Matrix42's page: the service, the audience of the method that ExternalApp needs, and whether it may
// call that now, and nothing else.
func TestServices(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.user(t, account.Draft{Username: "ExternalApp"})
	if a := b.want(t, ask{route: "GET " + servicesRoute}, 200); len(a.all("table")) != 0 || a.one(t, "main .none").text() == "" {
		t.Error("got a table of nothing, want what to do first")
	}
	a := b.want(t, ask{route: "GET /console/administration/new-service"}, 200)
	checkPage(t, "new service", a.node)
	b.to(t, ask{route: "POST " + servicesRoute, form: serviceForm()}, servicesRoute+"/reports?notice=service-created")
	a = b.want(t, ask{route: "GET " + servicesRoute}, 200)
	checkPage(t, "services", a.node)
	if got := a.one(t, "tbody tr").text(); got != "reports api.example.com/v2 Not set Nobody Active 21 November 2026" {
		t.Errorf("got the row %q", got)
	}
	a = b.want(t, ask{route: "GET " + servicesRoute + "/reports"}, 200)
	checkPage(t, "operations", a.node)
	if got := len(a.all("tbody tr")); got != 2 {
		t.Errorf("got %d rows, want two to add", got)
	}
	q := ask{route: "POST " + servicesRoute + "/reports/operations", form: operations(t, a, [3]string{"GET /reports/{id}", "user:ExternalApp role:partner", "reports.read"}, [3]string{"DELETE /reports/{id}", "", ""})}
	b.to(t, q, servicesRoute+"/reports?notice=operations-replaced")
	a = b.want(t, ask{route: "GET " + servicesRoute + "/reports"}, 200)
	if got := a.one(t, "#audience-2").attribute("placeholder"); got != "Nobody" || a.one(t, "#audience-3").has("placeholder") {
		t.Errorf("got %q where an operation has no audience, want nobody, and nothing where there is no operation", got)
	}
	if got := a.one(t, "#audience-1").text(); got != "user:ExternalApp role:partner" || len(a.all("tbody tr")) != 4 {
		t.Errorf("got the audience %q, want what was saved, and two rows more", got)
	}
	if a := b.call(t, "ExternalApp", "GET", "https://api.example.com/v2/reports/7?XST=secret"); !strings.HasPrefix(a.one(t, "section h2").text(), "Yes, ExternalApp") || strings.Contains(a.body, "secret") {
		t.Errorf("got %q, want yes, without the query", a.one(t, "section").text())
	}
	if a := b.call(t, "ExternalApp", "delete", "https://api.example.com/v2/reports/7"); !strings.HasPrefix(a.one(t, "section h2").text(), "No, ExternalApp") {
		t.Errorf("got %q, want no", a.one(t, "section").text())
	}
	remove := operations(t, a, [3]string{"GET /reports/{id}", "user:ExternalApp", "reports.read"}, [3]string{"DELETE /reports/{id}", "", ""})
	remove.Add("remove", "2")
	b.to(t, ask{route: "POST " + servicesRoute + "/reports/operations", form: remove}, servicesRoute+"/reports?notice=operations-replaced")
	if ops, _, err := d.inside.Catalog.Operations(t.Context(), "reports"); err != nil || len(ops) != 1 {
		t.Errorf("got %v, %v, want the one that was not removed", ops, err)
	}
	b.to(t, ask{route: "POST " + servicesRoute + "/reports/delete", form: form()}, servicesRoute+"?notice=service-deleted")
	b.want(t, ask{route: "GET " + servicesRoute + "/reports"}, 404)
	want := []string{"service.create reports", "operations.replace reports", "operations.replace reports", "service.delete reports"}
	if got := d.actions(t); !slices.Equal(got[len(got)-4:], want) {
		t.Errorf("got %q in the audit log, want it to end with %q", got, want)
	}
}

// call asks the tester.
func (b *browser) call(t testing.TB, user, method, url string) answer {
	t.Helper()
	a := b.want(t, ask{route: "POST " + testerRoute, form: form("user", user, "method", method, "url", url)}, 200)
	checkPage(t, "tester", a.node)
	return a
}

// TestServiceSettings changes every member, reads it back as it was written, and empties all again.
func TestServiceSettings(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.reports(t)
	const settings = servicesRoute + "/reports/settings"
	a := b.want(t, ask{route: "GET " + settings}, 200)
	checkPage(t, "settings", a.node)
	if a.all("main details")[0].has("open") {
		t.Error("got the rarer settings shown, want them shut where none is set")
	}
	full := serviceForm("name", "archive", "host", "Archive.example.com", "path_prefix", "/", "default", "authenticated", "upstream", "http://127.0.0.1:9000/",
		"verifiers", "admin\r\n", "accept_api_tokens", "yes", "calls", "600", "seconds", "60", "forward_query_tokens", "yes", "identity_token", "yes",
		"semicolons", "yes", "empty_segments", "yes", "version", version(t, a))
	b.to(t, ask{route: "POST " + settings, form: full}, servicesRoute+"/archive/settings?notice=service-changed")
	e, err := d.inside.Catalog.Service(t.Context(), "archive")
	check(t, err)
	if s := e.Service; s.Host != "archive.example.com" || s.PathPrefix != "/" || s.Default != policy.DefaultAuthenticated || s.AllowInPath != ";//" || len(s.Verifiers) != 1 ||
		!s.AcceptAPITokens || s.Upstream != "http://127.0.0.1:9000" || !s.ForwardQueryTokens || !s.IdentityToken || s.Rate.Calls != 600 || s.Rate.Per.Seconds() != 60 {
		t.Errorf("got %+v, want every field of the form", s)
	}
	a = b.want(t, ask{route: "GET " + servicesRoute + "/archive/settings"}, 200)
	if !a.all("main details")[0].has("open") || len(a.all("input[checked]")) != 5 || a.one(t, "#verifiers").text() != "admin" || a.one(t, "#seconds").attribute("value") != "60" {
		t.Errorf("got %s, want every field as it was written", a.one(t, "main").text())
	}
	b.to(t, ask{route: "POST " + servicesRoute + "/archive/settings", form: serviceForm("version", version(t, a))}, settings+"?notice=service-changed")
	if e, err = d.inside.Catalog.Service(t.Context(), "reports"); err != nil || e.AllowInPath != "" || len(e.Verifiers) != 0 || e.AcceptAPITokens || e.Rate.Calls != 0 || e.Upstream != "" {
		t.Errorf("got %+v, %v, want what was emptied to be empty", e.Service, err)
	}
}

// TestServiceProblems fills the form wrongly: what was typed stands there again, with what is wrong beside it.
func TestServiceProblems(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.reports(t)
	for _, tc := range []struct{ field, value, problem string }{
		{"name", "No such name", "Use up to 64 small letters, digits, - _ and ., such as sasm-services. Begin with a letter or a digit."},
		{"name", "reports", "There is already a service with this name. Choose another name."},
		{"host", "https://a.example", "“Host” is not usable: give a host without scheme or path, such as api.example.com."},
		{"path_prefix", "/v2", "Another service has this path prefix on the same host. Choose another prefix or host."},
		{"path_prefix", "v3", `“Path prefix” is not usable: write "/" or at most 255 bytes such as /api, which begin with a slash and don't end in one.`},
		{"upstream", "ftp://a", "“Upstream” is no address of an API. Give http://host:port, https://host:port or h2c://host:port, without a path."},
		{"verifiers", "admin\nnobody", "“nobody” is no user. Make the user first."},
		{"project", "x", "Give a whole number."},
		{"project", "1000", "There is no such project. Make it first."},
		{"calls", "-1", "Give a whole number."},
		{"calls", "1500000000", "“Calls at most” is not 1 to"},
		{"seconds", "99999999", "“In so many seconds” is not 1 to"},
	} {
		f := serviceForm("name", "other", "path_prefix", "/other", "calls", "1", "seconds", "1", tc.field, tc.value)
		a := b.want(t, ask{route: "POST " + servicesRoute, form: f}, http.StatusUnprocessableEntity)
		checkPage(t, tc.field, a.node)
		bad := a.one(t, "[aria-invalid]")
		if got := a.one(t, ".problem").text(); bad.attribute("id") != tc.field || !strings.HasPrefix(got, tc.problem) {
			t.Errorf("%s: got %s marked with %q, want %q", tc.field, bad.attribute("id"), got, tc.problem)
		}
		if got := bad.attribute("value") + bad.text(); !strings.HasPrefix(tc.value, strings.Fields(got)[0]) {
			t.Errorf("%s: got %q, want it as it was typed", tc.field, got)
		}
	}
	a := b.want(t, ask{route: "POST " + servicesRoute, form: serviceForm("host", "a:b"), header: map[string]string{"Accept-Language": "fr"}}, http.StatusUnprocessableEntity)
	if got := a.one(t, ".problem").text(); got != "« Hôte » n'est pas utilisable : son port n'est pas un nombre de 1 à 65535." {
		t.Errorf("got %q, want it in French", got)
	}
}

// TestOperationProblems writes each part of an operation wrongly: what is wrong stands beside its row.
func TestOperationProblems(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.reports(t)
	good := [3]string{"GET /reports/{id}", "role:partner", "reports.read"}
	const replace = servicesRoute + "/reports/operations"
	for _, tc := range []struct {
		row             [3]string
		marked, problem string
	}{
		{[3]string{"get /x", "", ""}, "pattern-2", "Not usable: methods are compared with their case: write GET."},
		{[3]string{"", "role:partner", ""}, "pattern-2", "Not usable: it is empty: write a path such as /reports/{id}."},
		{[3]string{"GET /a b/%zz", "", ""}, "pattern-2", "Not usable: no path can match"},
		{[3]string{"GET /reports/{other}", "", ""}, "pattern-2", "GET /reports/{id} and GET /reports/{other} both match GET /reports/"},
		{[3]string{"GET /reports/{id}", "", ""}, "pattern-2", "GET /reports/{id} and GET /reports/{id} both match"},
		{[3]string{"GET /x", "role:partner\nuser:no body", ""}, "audience-2", "“user:no body” names a user who doesn't exist. Make the user first, or name a role."},
		{[3]string{"GET /x", "partner", ""}, "audience-2", "“partner” is none of user:NAME, role:NAME and self:{variable}. Write user:ExternalApp for a user, role:NAME for a role."},
		{[3]string{"GET /x", "self:{id}", ""}, "audience-2", "Not usable: the pattern has no variable {id}: name one of its own."},
		{[3]string{"GET /x", "", "jeton.admin"}, "scope-2", "Not usable: scopes that begin with jeton. are Jeton's own."},
	} {
		a := b.want(t, ask{route: "GET " + servicesRoute + "/reports"}, 200)
		a = b.want(t, ask{route: "POST " + replace, form: operations(t, a, good, tc.row)}, http.StatusUnprocessableEntity)
		checkPage(t, tc.problem, a.node)
		bad := a.one(t, "[aria-invalid]")
		if got := a.one(t, ".problem").text(); bad.attribute("id") != tc.marked || !strings.HasPrefix(got, tc.problem) || !bad.has("autofocus") {
			t.Errorf("%q: got %s marked with %q, want %s with %q", tc.row, bad.attribute("id"), got, tc.marked, tc.problem)
		}
		if !a.one(t, "main details.help").has("open") {
			t.Errorf("%q: got the how-to shut, want it where it is needed", tc.row)
		}
		if got := a.one(t, "#pattern-2").attribute("value"); got != tc.row[0] {
			t.Errorf("got %q, want %q as it was typed", got, tc.row[0])
		}
	}
	a := b.want(t, ask{route: "GET " + servicesRoute + "/reports"}, 200)
	uneven := operations(t, a, good)
	uneven.Add("scope", "one more")
	b.want(t, ask{route: "POST " + replace, form: uneven}, http.StatusBadRequest)
	if got := d.actions(t); len(got) != 4 {
		t.Errorf("got %q, want no change by a wrong form", got)
	}
}

// TestStaleService sends forms of a version that is no longer the newest, and of a service that was made anew under the name.
func TestStaleService(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.reports(t)
	old := b.want(t, ask{route: "GET " + servicesRoute + "/reports"}, 200)
	fresh := operations(t, old, [3]string{"GET /", "role:partner", ""})
	b.to(t, ask{route: "POST " + servicesRoute + "/reports/operations", form: fresh}, servicesRoute+"/reports?notice=operations-replaced")
	stale := func(what string) {
		t.Helper()
		for _, q := range []ask{
			{route: "POST " + servicesRoute + "/reports/operations", form: operations(t, old)},
			{route: "POST " + servicesRoute + "/reports/settings", form: serviceForm("version", version(t, old))},
			{route: "POST " + servicesRoute + "/reports/confirm", form: form("version", version(t, old))},
			{route: "POST " + servicesRoute + "/reports/confirm", form: form()},
		} {
			if a := b.want(t, q, http.StatusConflict); a.one(t, "h1").text() != "Something has changed meanwhile" {
				t.Errorf("%s: %s: got %q", what, q.route, a.one(t, "h1").text())
			}
		}
	}
	stale("changed")
	check(t, d.inside.Catalog.Delete(t.Context(), "reports", audit.Actor{}))
	d.reports(t)
	stale("made anew")
}

// TestSuspendedService confirms a service as it is.
func TestSuspendedService(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.reports(t)
	d.inside.Suspend(t, "reports")
	for _, page := range []string{"", "/settings"} {
		a := b.want(t, ask{route: "GET " + servicesRoute + "/reports" + page}, 200)
		checkPage(t, page, a.node)
		a.one(t, ".failure form button")
	}
	if a := b.call(t, "admin", "GET", "https://api.example.com/v2/"); !strings.Contains(a.one(t, ".failed").text(), "suspended") {
		t.Errorf("got %q, want that it is suspended", a.one(t, "section").text())
	}
	confirm := ask{route: "POST " + servicesRoute + "/reports/confirm", form: form("version", version(t, b.want(t, ask{route: "GET " + servicesRoute + "/reports"}, 200)))}
	b.to(t, confirm, servicesRoute+"/reports?notice=service-confirmed")
	a := b.want(t, ask{route: "GET " + servicesRoute + "/reports"}, 200)
	if len(a.all(".failure")) != 0 || a.one(t, "#pattern-1").attribute("value") != "GET /reports/{id}" {
		t.Error("got it suspended, or changed, want it confirmed as it is")
	}
	again := ask{route: "POST " + servicesRoute + "/reports/confirm", form: form("version", version(t, a))}
	b.to(t, again, servicesRoute+"/reports")
	if got := d.actions(t); got[len(got)-1] != "service.update reports" || got[len(got)-2] != "operations.replace reports" {
		t.Errorf("got %q in the audit log, want one confirmation at its end", got)
	}
}

// TestTester asks about calls that are refused at each step, and compares with what the policy itself says.
func TestTester(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.reports(t)
	d.user(t, account.Draft{Username: "pat", Roles: []string{"partner"}})
	d.user(t, account.Draft{Username: "ann"})
	d.user(t, account.Draft{Username: "blocked", Roles: []string{"partner"}, State: account.Blocked})
	for _, tc := range []struct {
		user, url string
		passed    int
		last      string
	}{
		{"pat", "https://api.example.com/v2/reports/7", 4, "Audience: passed The operation is for role:partner. The user's roles: partner."},
		{"ann", "https://api.example.com/v2/reports/7", 3, "Audience: refused The operation is for role:partner. The user has no role."},
		{"pat", "https://api.example.com/v2/", 2, "Operation: refused None of the service matches."},
		{"pat", "https://api.example.com/v2/reports//7", 2, "Path: refused"},
		{"pat", "https://api.example.com/v3", 1, "Service: refused No service has this host and path."},
		{"blocked", "https://api.example.com/v2/reports/7", 0, "User: refused blocked is blocked"},
	} {
		a := b.call(t, tc.user, "GET", tc.url)
		steps := a.all(".steps li")
		if got := steps[len(steps)-1].text(); len(a.all(".steps .passed")) != tc.passed || !strings.HasPrefix(got, tc.last) {
			t.Errorf("%s %s: got %d steps passed and %q, want %d and %q", tc.user, tc.url, len(a.all(".steps .passed")), got, tc.passed, tc.last)
		}
		if yes := strings.HasPrefix(a.one(t, "section h2").text(), "Yes"); yes != (tc.passed == 4) {
			t.Errorf("%s %s: got the answer yes: %t", tc.user, tc.url, yes)
		}
	}
	for field, filled := range map[string][]string{
		"user":   {"user", "nobody", "method", "GET", "url", "https://api.example.com/"},
		"method": {"user", "pat", "method", "G T", "url", "https://api.example.com/"},
		"url":    {"user", "pat", "method", "GET", "url", "api.example.com/x?XST=secret"},
	} {
		a := b.want(t, ask{route: "POST " + testerRoute, form: form(filled...)}, http.StatusUnprocessableEntity)
		if bad := a.one(t, "input[aria-invalid]"); bad.attribute("id") != field || strings.Contains(a.body, "secret") {
			t.Errorf("got %s marked, want %s, and no query", bad.attribute("id"), field)
		}
	}
	a := b.want(t, ask{route: "GET " + testerRoute + "?url=https://api.example.com/v2/"}, 200)
	if got := a.one(t, "#url").attribute("value"); got != "https://api.example.com/v2/" {
		t.Errorf("got the URL %q, want that of the link", got)
	}
	if got := len(d.actions(t)); got != 7 {
		t.Errorf("got %d events, want none of a question", got)
	}
}

// TestTooManyOperations shows the first of more operations than a form can send.
func TestTooManyOperations(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.reports(t)
	ops := make([]catalog.Operation, 3000)
	for n := range ops {
		ops[n] = catalog.Operation{Pattern: fmt.Sprintf("GET /a/long/path/to/report%d/{id}", n), Audience: []string{"role:partner"}}
	}
	_, err := d.inside.Catalog.Replace(t.Context(), "reports", 2, ops, audit.Actor{})
	check(t, err)
	a := b.want(t, ask{route: "GET " + servicesRoute + "/reports"}, 200)
	checkPage(t, "many", a.node)
	if len(a.all("tbody tr")) != 50 || len(a.all("textarea")) != 0 || len(a.body) > 100_000 {
		t.Errorf("got %d rows in %d bytes, want the first to be read", len(a.all("tbody tr")), len(a.body))
	}
}

// TestServicesAreForAdministrators asks for each page as somebody else.
func TestServicesAreForAdministrators(t *testing.T) {
	d := newDesk(t)
	admin := d.admin(t)
	d.reports(t)
	d.user(t, account.Draft{Username: "ann"})
	ann := d.browser()
	ann.logIn(t, "ann")
	d.refused(t)
	const service = servicesRoute + "/reports"
	for _, route := range []string{
		"GET " + servicesRoute, "GET /console/administration/new-service", "GET " + service, "GET " + service + "/settings", "GET " + service + "/operations",
		"GET " + service + "/confirm", "GET " + service + "/delete", "GET " + testerRoute, "GET " + servicesRoute + "/nothing",
		"POST " + servicesRoute, "POST " + testerRoute, "POST " + service + "/settings", "POST " + service + "/operations", "POST " + service + "/confirm", "POST " + service + "/delete",
	} {
		q := ask{route: route}
		if strings.HasPrefix(route, "POST") {
			q.form = form()
		}
		ann.want(t, q, http.StatusForbidden)
		d.wantRefused(t, "not_allowed console_session")
		if a := admin.do(t, q); a.status == http.StatusForbidden || a.status >= 500 {
			t.Errorf("%s: got %d for an administrator", route, a.status)
		}
	}
}
