package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/jetontest"
)

// enterCode enters what carol's authenticator app shows so many seconds later.
func enterCode(seconds int) func(*testing.T, *tab) {
	return func(t *testing.T, p *tab) {
		t.Helper()
		p.eval(t, `document.querySelector("[name=code]").value = `+quote(p.w.tab(t, carol).code(t, time.Duration(seconds)*time.Second))+`; ""`)
	}
}

// loggedIn has another reader's tab log in as a user.
func loggedIn(who, user string) func(*testing.T, *tab) {
	return func(t *testing.T, p *tab) {
		t.Helper()
		for _, step := range []visit{nameStep(who, user, ""), passwordStep("")} {
			p.w.take(t, p.w.tab(t, who), step)
		}
	}
}

// wrongVisits are pages that say what went wrong, beside those of their areas: what the forms don't let anybody send, and what a browser
// sends for another's sake.
func wrongVisits() []visit {
	const login = "/console/login"
	account := users + "/{account-1000}"
	return []visit{
		{who: "admin", name: "user-service-with-password", path: users + "/new", send: `main form`, fill: fields{"username": "x", "kind": "service", "password": "x"}, status: refused},
		{who: "admin", name: "user-service-invited", path: users + "/new", send: `button[name=invite]`, fill: fields{"username": "x", "kind": "service"}, status: refused},
		{who: "admin", name: "user-invited-with-password", path: users + "/new", send: `button[name=invite]`, fill: fields{"username": "x", "password": "x"}, status: refused},
		{who: "admin", name: "user-with-many-roles", path: users + "/new", send: `main form`, fill: fields{"username": "x", "roles": manyRoles()}, status: refused},
		{who: "admin", name: "user-last-administrator-changed", path: users + "/{admin}", send: `[aria-labelledby=change] form`, fill: fields{"roles": ""}, status: refused},
		{who: "admin", name: "user-yourself-blocked", path: users, do: script(`const box = document.querySelector("[name=id]"); box.value = "{admin}"; box.checked = true`), send: `main form[method=post]`, status: conflict},
		{who: "admin", name: "user-of-project-deleted", path: users + "/{bob}", do: sentTo(`form[action$="/delete"]`, account+"/delete"), send: `form[action$="/delete"]`, status: conflict},
		{who: "admin", name: "client-key-twice", path: users + "/{service-idle}/client", send: `form[action$="/keys"]`, fill: fields{"public_key": "{publicKey-{walker}}", "jwks_uri": "https://keys.example.com"}, status: refused},
		{who: "admin", name: "platform-source-wrong", path: platforms + "/new", do: script(`document.querySelector("[name=source]:checked").value = "none"`), send: `main form`, fill: fields{"name": "x"}, status: refused},
		{who: "admin", name: "platform-algorithm-wrong", path: platforms + "/new", do: option("algorithm", "none"), send: `main form`, fill: fields{"name": "x", "public_key": "{publicKey-next}", "speaks": "all"}, status: refused},
		{who: "admin", name: "platform-users-wrong", path: platforms + "/new", send: `main form`, fill: fields{"name": "x", "public_key": "{publicKey-next}", "speaks": "some", "users": "nobody"}, status: refused},
		{who: "admin", name: "key-algorithm-wrong", path: keys, do: option("algorithm", "none"), send: `form:has([name=algorithm])`, status: refused},
		{who: "admin", name: "operations-pattern-wrong", path: services + "/bare", send: `form[action$="/operations"]`, fill: fields{"pattern": "nothing", "audience": "", "remove": "2"}, status: refused},
		{who: "admin", name: "operations-scope-wrong", path: services + "/bare", send: `form[action$="/operations"]`, fill: fields{"pattern": "GET /", "scope": "no \"scope"}, status: refused},
		{who: "admin", name: "operations-conflict", path: services + "/bare", do: script(`const rows = document.querySelectorAll("[name=pattern]"); rows[0].value = "GET /{a}/b"; rows[1].value = "GET /a/{b}"`), send: `form[action$="/operations"]`, status: refused},
		{who: "admin", name: "service-default-wrong", path: admin + "/new-service", do: option("default", "none"), send: `main form`, fill: fields{"name": "x", "host": "x.example.com"}, status: refused},
		{who: "bob", name: "authenticator-begun-anew", path: "/console/profile/users/{bob}/security/authenticator", send: `main form`, fill: fields{"ticket": "none", "code": "123456"}},
		{who: "bob", name: "too-long", path: "/console/profile/users/{bob}/security", send: `form[action$="/security/password"]`, fill: fields{"current": strings.Repeat("x", 20_000)}, status: http.StatusRequestEntityTooLarge},
		{who: "bob", name: "unreadable", path: "/console/profile/users/{bob}/security", do: script(`document.querySelector("[name=current]").name = "none"`), send: `form[action$="/security/password"]`, status: http.StatusBadRequest},
		{who: "bob", name: "no-such-method", path: "/console/profile/users/{bob}/security", do: sentTo(`form[action$="/security/password"]`, "/console/profile"), send: `form[action="/console/profile"]`, status: http.StatusMethodNotAllowed},
		chain(
			visit{who: "bob", path: login, do: script(`document.cookie = "` + consoleCookie + `=another; path=/console/profile"`)},
			visit{path: "/console/profile", name: "two-sessions", status: http.StatusBadRequest},
			visit{path: login, do: script(`document.cookie = "` + consoleCookie + `=; max-age=0; path=/console/profile"`)},
		),
		{who: elsewhere, name: "from-elsewhere", path: `data:text/html,<!doctype html><form method="post" action="{url}/console/login"><button>Win</button></form>`, send: `form`, status: forbidden},
	}
}

// manyRoles are more than a user may have.
func manyRoles() string {
	var all []string
	for n := range 101 {
		all = append(all, fmt.Sprint("role-", n))
	}
	return strings.Join(all, " ")
}

// option chooses what a list doesn't offer.
func option(name, value string) func(*testing.T, *tab) {
	return script(`const o = document.querySelector("select[name=` + name + `]").options[0]; o.value = "` + value + `"; o.selected = true`)
}

// oldVisits are those of readers who logged in long ago: what asks for a log-in of the last minutes asks for another first.
func oldVisits() []visit {
	return []visit{
		{who: "admin", name: "old-user", path: users + "/{bob}"},
		{who: "admin", name: "old-client", path: users + "/{service-idle}/client"},
		{who: "admin", name: "old-new-token", path: tokens + "/new"},
		{who: "admin", name: "old-form", path: users + "/{bob}", send: `form[action$="/invite"]`},
		{who: "admin", name: "old-operations", path: services + "/bare", send: `form[action$="/operations"]`, fill: fields{"pattern": "GET /old"}, status: forbidden},
		{who: "admin", name: "old-service", path: services + "/bare/settings", send: `main form`, fill: fields{"upstream": "http://127.0.0.1:9"}, status: forbidden},
		{who: "admin", name: "old-project", path: portal, send: `main form`, fill: fields{"name": "Old"}, status: forbidden},
		{who: "admin", name: "confirmed", path: "/console/confirmed"},
		{who: olga, name: "old-security", path: "/console/profile/users/{olga-{walker}}/security"},
		{who: olga, name: "old-confirm-without-password", path: "/console/confirm", send: `main form`, fill: fields{"password": ""}, status: refused},
		{who: olga, name: "old-confirm-wrong", path: "/console/confirm", send: `main form`, fill: fields{"password": "wrong"}, status: http.StatusUnauthorized},
		chain(
			visit{who: "admin", path: users + "/new"},
			visit{name: "old-confirmed", send: `main form`, fill: fields{"password": jetontest.Password}},
		),
	}
}

// logInLongAgo logs the readers of oldVisits in, and lets some time go by. Olga has a passkey of when this Jeton had a name.
func (w *walk) logInLongAgo(t *testing.T, all []*walker) {
	t.Helper()
	for _, one := range all {
		one.tab(t, "admin")
		one.tab(t, olga)
		one.old = true
	}
	w.sql(t, `INSERT INTO passkey SELECT randomblob(16), id, 'Of-another-name', randomblob(16), randomblob(64), 0, 0, '', 1000000 * unixepoch(), NULL
		FROM user WHERE username LIKE 'olga-%'`)
	w.Advance(20 * time.Minute)
}
