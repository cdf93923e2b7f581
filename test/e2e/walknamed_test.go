package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/jetontest"
	"github.com/jeton-io/jeton/test/postbox"
)

// testNamed goes through what only a Jeton has whose host has a name, so that browsers have passkeys there, that sends mail, and that
// serves no product's clients.
func (w *walk) testNamed(t *testing.T) {
	former := w.world
	defer func() { w.world = former }()
	w.world = newNamedWorld(t)
	w.together(t, slices.Concat(mailVisits(), passkeyVisits()), func(*testing.T, []*walker) {})
}

// newNamedWorld makes such a Jeton, and for each walker those whom it needs.
func newNamedWorld(t *testing.T) *world {
	t.Helper()
	address := freeAddress(t)
	box := postbox.New(t, postbox.Options{})
	w := worldOf(t, jetontest.New(t,
		"JETON_LISTEN="+address, "JETON_PUBLIC_URL=http://localhost"+address[strings.LastIndex(address, ":"):],
		fmt.Sprintf("JETON_SMTP_URL=smtp://127.0.0.1:%d", box.Port), "JETON_MAIL_FROM=Jeton <jeton@example.com>",
		"JETON_MATRIX42=off", "JETON_BITCANUCK=off", "JETON_XDOC=off"))
	w.user(t, api.NewUser{Username: "ida"})
	w.Service("reports", "api.example.com", "GET /reports/{id} role:partner")
	for _, whose := range walkers {
		w.user(t, api.NewUser{Username: "grace-" + whose, Email: "grace-" + whose + "@example.com", Password: jetontest.Password})
		w.user(t, api.NewUser{Username: "erin-" + whose, Password: jetontest.Password})
		for _, name := range []string{"henry", "guessed"} {
			w.user(t, api.NewUser{Username: name + "-" + whose})
			made, err := w.Admin.InviteUser(t.Context(), name+"-"+whose)
			must(t, err)
			w.names["invitation-"+name+"-"+whose] = consolePath(made.URL)
		}
		w.names["link-"+whose] = w.mailedLink(t, box, "grace-"+whose)
	}
	return w
}

// mailedLink asks for a link to log in, and reads the mail.
func (w *world) mailedLink(t *testing.T, box *postbox.Box, user string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/console/login/link", strings.NewReader(url.Values{"username": {user}}.Encode()))
	must(t, err)
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {w.URL}, "X-Forwarded-For": {"198.51.100.200"}}
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	must(t, res.Body.Close())
	for {
		l := box.Next(t)
		if _, link, ok := strings.Cut(l.Body, w.URL+"/console/login/link/"); ok && l.To == user+"@example.com" {
			return "/console/login/link/" + strings.Fields(link)[0]
		}
	}
}

func mailVisits() []visit {
	const link = `form[action="/console/login/link"]`
	choose := fields{"new": jetontest.Password, "again": jetontest.Password}
	byLink := nameStep(stranger, "grace-{walker}", "")
	byLink.name = "mail-log-in"
	return []visit{
		chain(byLink, visit{send: link, name: "mail-sent"}, nameStep("", "grace-{walker}", ""), visit{do: before(link, nil, 9), send: link, status: http.StatusTooManyRequests, name: "mail-too-many"}),
		chain(
			visit{who: "nobody", path: "{link-{walker}}", name: "mail-link"},
			visit{send: `main form`, name: "mail-logged-in"}, visit{send: logOut}, visit{path: "{link-{walker}}", status: missing, name: "mail-link-used"},
		),
		chain(
			visit{who: "nobody", path: "{invitation-henry-{walker}}", send: `main form`, fill: fields{"new": jetontest.Password, "again": "other"}, status: refused, name: "mail-welcome-refused"},
			visit{send: `main form`, fill: choose, name: "mail-welcomed"}, visit{send: logOut},
		),
		{who: "nobody", path: "{invitation-guessed-{walker}}", do: guessed, send: `main form`, fill: choose, name: "mail-password-chosen"},
		{who: "admin", path: admin, name: "mail-overview"},
		{who: "admin", path: users + "/{grace-{walker}}", name: "mail-user-with-address"},
		{who: "admin", path: users + "/{ida}", name: "mail-user-without-address"},
		{who: "admin", path: users + "/{grace-{walker}}", send: `form[action$="/invite"]`, name: "mail-invited"},
		{who: "admin", path: users + "/new", send: `button[name=invite]`, fill: fields{"username": "new-{walker}", "email": "new-{walker}@example.com"}, name: "mail-created-and-invited"},
		{who: "admin", path: "/console/confirm", name: "mail-confirm"},
		{who: "admin", path: services + "/reports/settings", name: "service-without-profiles"},
		chain(
			visit{who: "admin", path: platforms + "/new", send: `main form`, fill: fields{"name": "{walker}", "algorithm": "HS512", "source": "made", "speaks": "all"}},
			visit{path: "@main .actions a", name: "platform-without-products"},
		),
	}
}

// guessed has somebody guess at the password of a user who has none yet, until nobody is let in by one for a while.
func guessed(t *testing.T, p *tab) {
	t.Helper()
	for range 100 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.w.URL+"/v1/me", http.NoBody)
		must(t, err)
		r.SetBasicAuth("guessed-"+p.w.id, "wrong")
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", 100+slices.Index(walkers, p.w.id))) // lest others are kept out, too
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Fatal("a hundred wrong passwords were looked at")
}

func passkeyVisits() []visit {
	const security = "/console/profile/users/{erin-{walker}}/security"
	const form, code = `form[data-passkey]`, `main form:has([name=code])`
	add := func(name string, fill fields, status int64) visit {
		return visit{path: security + "/passkeys", send: form, fill: fill, status: status, name: name}
	}
	logIn := func(name string) []visit {
		return []visit{{path: "/console/", send: logOut}, nameStep("", erin, "?next=/console/profile"), passwordStep(name)}
	}
	return []visit{
		chain(
			visit{who: erin, path: security, name: "passkeys-none"},
			visit{path: security + "/passkeys", name: "passkey-new"},
			visit{do: keyAnswers("create", false), name: "passkey-not-made"},
			visit{path: security + "/passkeys", do: keyAnswers("create", true), send: form, status: refused, name: "passkey-refused"},
			add("passkey-name-refused", fields{"name": strings.Repeat("x", 65)}, refused),
			add("passkey-begun-anew", fields{"ticket": "none"}, 0),
			visit{do: scripts(false)}, visit{path: security + "/passkeys", do: scripts(true), name: "passkey-without-scripts"},
			add("passkey-codes", fields{"name": "Blue-key"}, 0),
			visit{path: security, name: "passkey-on"},
		),
		{who: "admin", after: erin, path: users + "/{erin-{walker}}", name: "user-with-passkey"},
		chain(slices.Concat([]visit{{who: erin, path: "/console/"}}, logIn("login-passkey"), []visit{
			{do: keyAnswers("get", false), name: "login-passkey-without-answer"},
			{do: keyAnswers("get", true), send: form, status: http.StatusUnauthorized, name: "login-passkey-wrong"},
			{do: scripts(false)},
			nameStep("", erin, ""), passwordStep(""),
			{do: scripts(true), name: "login-passkey-without-scripts"},
			nameStep("", erin, ""), passwordStep(""),
			{do: cloned, send: form, status: http.StatusUnauthorized, name: "login-passkey-cloned"},
			{send: form},
		})...),
		chain(
			visit{who: erin, path: security + "/authenticator", do: enterFirstCode, send: code, name: "authenticator-added"},
		),
		{who: "admin", after: erin, path: users + "/{erin-{walker}}", name: "user-with-both-factors"},
		chain(slices.Concat([]visit{
			{who: erin, path: security, send: `form[action*="/security/passkeys/"]`, name: "passkey-removed"},
			add("passkey-added", nil, 0),
			{send: `form[action$="/authenticator/remove"]`, name: "authenticator-removed"},
			{do: leaveCodes(3)},
			{path: security, name: "recovery-codes-few"},
			{do: leaveCodes(0)},
		}, logIn("login-without-codes"), []visit{
			{send: form}, {path: security, send: `form[action*="/security/passkeys/"]`, name: "second-factor-off"},
		})...),
	}
}

// plugIn gives the browser a security key, which answers at once.
func (p *tab) plugIn(t *testing.T) {
	t.Helper()
	do(t, p.page, "plugging in a security key", calling(webauthn.Enable, webauthn.EnableParams{}))
	p.key = do(t, p.page, "plugging in a security key", calling(webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "usb", HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		HasResidentKey: true, HasCmtgKey: true, // without which a credential can't be put back: package webauthn always says something of such keys
	}})).AuthenticatorID
}

// keyAnswers has the browser give an answer that is none of a passkey's; or none, which the page then says.
func keyAnswers(method string, answers bool) func(*testing.T, *tab) {
	return func(t *testing.T, p *tab) {
		t.Helper()
		if answers {
			script(`navigator.credentials.`+method+` = async () => ({})`)(t, p)
			return
		}
		script(`navigator.credentials.`+method+` = async () => { throw new Error("none") }; document.querySelector("form[data-passkey]").requestSubmit()`)(t, p)
		within(t, patience, "the page to say so", func() bool {
			return p.eval(t, `String(document.querySelector("form[data-passkey] [role=alert]").hidden)`) == "false"
		})
	}
}

// scripts switches those of the pages that are read from now on on or off.
func scripts(on bool) func(*testing.T, *tab) {
	return func(t *testing.T, p *tab) {
		t.Helper()
		do(t, p.page, "switching scripts", calling(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}))
	}
}

// cloned has the browser's security key count from where it did before its last answer, as a copy of it does.
func cloned(t *testing.T, p *tab) {
	t.Helper()
	found := do(t, p.page, "copying the security key", calling(webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: p.key})).Credentials
	p.send(t, `form[data-passkey]`, nil)
	for _, credential := range found {
		do(t, p.page, "putting the copy in its place", calling(webauthn.RemoveCredential, webauthn.RemoveCredentialParams{AuthenticatorID: p.key, CredentialID: credential.CredentialID}))
		do(t, p.page, "putting the copy in its place", calling(webauthn.AddCredential, webauthn.AddCredentialParams{AuthenticatorID: p.key, Credential: &webauthn.Credential{
			CredentialID: credential.CredentialID, RpID: credential.RpID, PrivateKey: credential.PrivateKey, SignCount: credential.SignCount,
		}}))
	}
	p.send(t, logOut, nil)
	for _, step := range []visit{nameStep("", erin, ""), passwordStep("")} {
		p.w.take(t, p, step)
	}
}

// enterFirstCode has the authenticator app take the page's secret, and enters what it shows.
func enterFirstCode(t *testing.T, p *tab) {
	t.Helper()
	p.readSecret(t)
	p.eval(t, `document.querySelector("[name=code]").value = `+quote(p.code(t, 0))+`; ""`)
}

// leaveCodes has all recovery codes of erin's have been used but so many.
func leaveCodes(n int) func(*testing.T, *tab) {
	return func(t *testing.T, p *tab) {
		t.Helper()
		p.w.sql(t, fmt.Sprintf(`DELETE FROM recovery_code WHERE user_id = (SELECT id FROM user WHERE username = 'erin-%s') AND digest NOT IN
			(SELECT digest FROM recovery_code WHERE user_id = (SELECT id FROM user WHERE username = 'erin-%[1]s') LIMIT %d)`, p.w.id, n))
	}
}
