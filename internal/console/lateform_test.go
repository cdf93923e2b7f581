package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/console"
)

// TestEveryChangeNeedsRecent goes through all that the console serves: whatever is sent to it needs a recent log-in, as at /v1, but for
// what is stated here.
func TestEveryChangeNeedsRecent(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "root", Roles: []string{"admin"}})
	b := d.browser()
	b.logIn(t, "root")
	d.pass(t, 15*time.Minute+time.Second)
	exempt := map[string]bool{
		"POST /console/language": true, "POST /console/login": true, "POST /console/login/link": true, "POST /console/login/link/{link}": true,
		"POST /console/login/second-factor": true, "POST /console/logout": true, "POST /console/welcome/{link}": true, // which need no session
		"POST /console/administration/tester":                true, // as POST /v1/verify
		"POST /console/profile/users/{id}/security/password": true, // which asks for the current one; see TestPasswordWithoutFactor
	}
	before, seen := len(d.actions(t)), 0
	named := regexp.MustCompile(`{\w+}`)
	for _, route := range console.Served(d.console) {
		if !strings.HasPrefix(route, "POST ") {
			continue
		}
		if exempt[route] {
			delete(exempt, route)
			continue
		}
		path := strings.ReplaceAll(route, "/profile/users/{id}", "/profile/users/"+u.ID.String())
		path = strings.ReplaceAll(path, "{number}", "7")
		path = named.ReplaceAllString(path, uuid.Must(uuid.NewV7()).String())
		if a := b.do(t, ask{route: path, form: form()}); !isAsked(a) {
			t.Errorf("%s by a log-in of long ago: got %d to %q, want it asked to confirm", route, a.status, a.header.Get("Location"))
		}
		seen++
	}
	if got := d.actions(t)[before:]; len(got) > 0 {
		t.Errorf("something was done: %q", got)
	}
	if len(exempt) > 0 || seen < 40 {
		t.Errorf("of %d routes, %v aren't served", seen, exempt)
	}
}

func isAsked(a answer) bool {
	_, asked := a.asked()
	return asked
}

// lateForm is a form that is sent too late.
type lateForm struct {
	route  string
	fields url.Values        // as they are sent
	typed  map[string]string // which are there again
	done   string            // the action of the audit log once it is sent anew
}

// TestTypedIsKept: what somebody has typed stands in the form that is shown again, but for secrets; nothing is done before it is sent once
// more, by the log-in that was confirmed in another tab.
func TestTypedIsKept(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	person := d.bare(t, account.Draft{Username: "alice"})
	program := d.user(t, account.Draft{Username: "portal", Kind: account.Service})
	platform := b.enrol(t)
	b.to(t, send("/new", projectForm("number", "1000")), projectsRoute+"/1000/token-sets?notice=project-made")
	b.to(t, send("/1000/token-sets/new", setForm("key", "0123456789abcdef")), projectsRoute+"/1000/token-sets?notice=token-set-added")
	set := b.want(t, ask{route: "GET " + projectsRoute + "/1000/token-sets"}, http.StatusOK).one(t, "tbody a").attribute("href")
	service := servicesRoute + "/" + d.reports(t).Name
	operationsPage := b.want(t, ask{route: "GET " + service}, http.StatusOK)
	settings := func() url.Values {
		return serviceForm("version", version(t, b.want(t, ask{route: "GET " + service + "/settings"}, http.StatusOK)), "host", "typed.example.com")
	}
	plaintext := form("parameter", "XST", "plaintext", "<typed/>", "set", set[strings.LastIndexByte(set, '/')+1:])
	const secret = "unmistakable secret"
	forms := []lateForm{
		{
			"POST " + usersRoute, form("username", "typed", "display_name", "Typed", "email", "", "kind", "person", "roles", "partner", "password", secret, "again", secret),
			map[string]string{"username": "typed", "display_name": "Typed", "roles": "partner", "kind": "person"},
			"user.create",
		},
		{
			"POST " + userRoute(person), form("version", "1", "username", "alice", "display_name", "Typed", "email", "", "roles", "partner"),
			map[string]string{"version": "1", "display_name": "Typed", "roles": "partner"},
			"user.update",
		},
		{
			"POST " + userRoute(program) + "/client/keys", form("public_key", platformKey, "jwks_uri", "", "algorithm", "EdDSA"),
			map[string]string{"public_key": strings.TrimSpace(platformKey), "algorithm": "EdDSA"},
			"client_key.create",
		},
		{
			"POST /console/administration/integration/web-service-tokens", form("name", "typed", "days", "7", "user", "alice"),
			map[string]string{"name": "typed", "days": "7", "user": "alice"},
			"api_token.create",
		},
		{"POST " + platformsRoute, platformForm("name", "Typed", "source", "made", "secret", secret), map[string]string{"name": "Typed"}, "platform.create"},
		{"POST " + platform + "/edit", editForm("1", "name", "Typed too"), map[string]string{"name": "Typed too", "version": "1"}, "platform.update"},
		{
			"POST " + platform + "/keys", form("source", "made", "public_key", "", "jwks_uri", "", "secret", secret, "kid", "typed", "algorithm", "EdDSA"),
			map[string]string{"kid": "typed", "algorithm": "EdDSA"},
			"platform_key.create",
		},
		{
			"POST " + projectsRoute + "/new", send("", projectForm("number", "7", "name", "Typed", "app_keys", secret)).form,
			map[string]string{"number": "7", "name": "Typed", "app_keys": ""},
			"project.create",
		},
		{
			"POST " + projectsRoute + "/1000", send("", projectForm("version", "1", "name", "Typed too", "allowed_ips", "192.0.2.7", "context_required", "no")).form,
			map[string]string{"name": "Typed too", "allowed_ips": "192.0.2.7", "version": "1"},
			"project.update",
		},
		{"POST " + projectsRoute + "/1000/token-sets/new", send("", setForm("name", "typed", "key", secret)).form, map[string]string{"name": "typed", "key": ""}, "token_set.create"},
		{"POST " + set, send("", setForm("version", "1", "name", "typed too", "mode", "GCM")).form, map[string]string{"name": "typed too", "version": "1"}, "token_set.update"},
		{"POST " + projectsRoute + "/1000/encryptor", plaintext, map[string]string{"plaintext": "<typed/>"}, "token_set.encrypt"},
		{"POST " + servicesRoute, serviceForm("name", "typed", "host", "new.example.com"), map[string]string{"name": "typed", "host": "new.example.com"}, "service.create"},
		{"POST " + service + "/operations", operations(t, operationsPage, [3]string{"GET /typed", "role:typed", ""}), map[string]string{"pattern": "GET /typed"}, "operations.replace"},
		{"POST " + service + "/settings", settings(), map[string]string{"host": "typed.example.com"}, "service.update"},
	}
	d.pass(t, 16*time.Minute)
	before := len(d.actions(t))
	for _, f := range forms {
		b.wantKept(t, f, secret)
	}
	if got := d.actions(t)[before:]; len(got) > 0 {
		t.Errorf("something was done: %q", got)
	}

	const confirmed = "/console/confirmed"
	page := b.want(t, ask{route: "GET /console/confirm?next=" + url.QueryEscape(confirmed)}, http.StatusOK)
	if got := page.one(t, "main [name=next]").attribute("value"); got != confirmed {
		t.Errorf("got the way to %q", got)
	}
	b.to(t, ask{route: "POST /console/login", form: form("username", "admin", "password", goodPassword, "next", confirmed)}, confirmed)
	checkPage(t, "confirmed", b.want(t, ask{route: "GET " + confirmed}, http.StatusOK).node)
	for _, f := range forms {
		if strings.HasSuffix(f.route, "/settings") {
			f.fields = settings() // the operations were replaced meanwhile
		}
		before := len(d.actions(t))
		a := b.do(t, ask{route: f.route, form: f.fields})
		if got := strings.Join(d.actions(t)[before:], " "); !strings.Contains(got, f.done) {
			t.Errorf("%s, sent once more: got %d and %q, want %s: %s", f.route, a.status, got, f.done, a.body)
		}
	}
}

// wantKept demands that a form that is sent too late is answered by itself, as it was filled in.
func (b *browser) wantKept(t *testing.T, f lateForm, secret string) {
	t.Helper()
	a := b.want(t, ask{route: f.route, form: f.fields}, http.StatusForbidden)
	checkPage(t, f.route, a.node)
	if back, asked := a.asked(); !asked || back != "/console/confirmed" {
		t.Errorf("%s: got the way over %q, want one to confirm", f.route, back)
	}
	if way := a.one(t, "main [role=alert] a"); way.attribute("target") != "_blank" || way.attribute("rel") != "noopener" {
		t.Errorf("%s: the way to confirm would take the form's place", f.route)
	}
	if strings.Contains(a.body, secret) {
		t.Errorf("%s: a secret is shown again", f.route)
	}
	for name, want := range f.typed {
		input := a.all("main [name=" + name + "]")
		if len(input) == 0 {
			t.Errorf("%s: the form has no %s", f.route, name)
			continue
		}
		got := input[0].attribute("value")
		for _, chosen := range a.all("main select[name=" + name + "] option[selected]") {
			got = chosen.attribute("value")
		}
		for _, area := range a.all("main textarea[name=" + name + "]") {
			got = strings.TrimSpace(area.text())
		}
		if got != strings.Join(strings.Fields(want), " ") {
			t.Errorf("%s: got %s %q, want %q", f.route, name, got, want)
		}
	}
}
