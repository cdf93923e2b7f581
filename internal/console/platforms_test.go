package console_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

const (
	platformsRoute = "/console/administration/integration/platforms"
	platformKey    = "-----BEGIN PUBLIC KEY-----\r\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\r\n-----END PUBLIC KEY-----\r\n" // as a browser sends it
)

// platformForm returns the form of a platform whose key is made here, with other fields.
func platformForm(pairs ...string) url.Values {
	f := form("name", "Acme", "algorithm", "EdDSA", "source", "made", "public_key", "", "jwks_uri", "", "secret", "", "kid", "", "speaks", "all",
		"roles", "", "users", "", "new_user_roles", "", "max_assertion_seconds", "900", "issuer", "", "audience", "")
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

// editForm is platformForm of a platform that there is, which has no key.
func editForm(version string, pairs ...string) url.Values {
	f := platformForm(append([]string{"version", version}, pairs...)...)
	for _, name := range []string{"source", "public_key", "jwks_uri", "secret", "kid"} {
		f.Del(name)
	}
	return f
}

// enrol enrols a platform, and returns its page's path.
func (b *browser) enrol(t testing.TB, pairs ...string) string {
	t.Helper()
	pairs = append([]string{"source", "public_key", "public_key", platformKey}, pairs...)
	a := b.want(t, ask{route: "POST " + platformsRoute, form: platformForm(pairs...)}, http.StatusSeeOther)
	path, said, _ := strings.Cut(a.header.Get("Location"), "?")
	if said != "notice=platform-enrolled" {
		t.Errorf("got sent to %q with %q", path, said)
	}
	return path
}

// TestPlatforms goes the way of a platform: it is enrolled, changed, given another key, disabled and deleted.
func TestPlatforms(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	if a := b.want(t, ask{route: "GET " + platformsRoute}, 200); len(a.all("table")) != 0 || a.one(t, "main .none").text() == "" {
		t.Error("got a table of nothing, want what to do first")
	}
	if a := b.want(t, ask{route: "GET " + platformsRoute + "/new"}, 200); a.one(t, "#algorithm option[selected]").text() != "RS512" {
		t.Error("got another algorithm first than BitCanuck's")
	}
	one := b.enrol(t)
	a := b.want(t, ask{route: "GET " + platformsRoute}, 200)
	if got := a.one(t, "tbody tr").text(); !strings.HasPrefix(got, "Acme ") || !strings.HasSuffix(got, " EdDSA Enabled Never 21 November 2026") {
		t.Errorf("got the row %q", got)
	}
	code := a.one(t, "tbody code").text()
	b.want(t, ask{route: "GET " + platformsRoute + "/" + code}, 200) // as in /v1
	if a = b.want(t, ask{route: "GET " + one}, 200); !strings.Contains(a.one(t, "main").text(), "POST /api/v1/authenticate-jwt/"+code) {
		t.Error("got a page that doesn't say where the platform logs in")
	}
	if got := a.one(t, "main").text(); !strings.Contains(got, `"expire": 1795263000}`) || !strings.Contains(got, "within 900 seconds from now") {
		t.Errorf("got %q, want an assertion that counts now", got)
	}
	if got := a.one(t, "tbody th code").text(); len(got) != 16+len("…") {
		t.Errorf("got the fingerprint %q", got)
	}
	if a = b.want(t, ask{route: "GET " + one + "/edit"}, 200); a.one(t, "input[name=version]").attribute("value") != "1" || !a.one(t, "#speaks-all").has("checked") {
		t.Error("got a form that isn't filled as the platform is")
	}
	changed := editForm("1", "name", "Acme Ltd", "speaks", "some", "roles", "partner, reader", "users", "admin\r\n", "one_time", "yes")
	b.to(t, ask{route: "POST " + one + "/edit", form: changed}, one+"?notice=platform-changed")
	b.want(t, ask{route: "POST " + one + "/edit", form: changed}, http.StatusConflict)
	changed.Set("version", "0")
	b.want(t, ask{route: "POST " + one + "/edit", form: changed}, http.StatusBadRequest)
	a = b.want(t, ask{route: "GET " + one + "/edit"}, 200)
	if got := a.one(t, "#roles").attribute("value") + "|" + a.one(t, "#users").text(); got != "partner, reader|admin" || !a.one(t, "#one_time").has("checked") {
		t.Errorf("got %q for whom it speaks", got)
	}
	if a = b.want(t, ask{route: "GET " + one}, 200); !strings.Contains(a.one(t, "main").text(), "the role partner, the role reader, admin, but no administrators") {
		t.Error("got a page that doesn't say for whom the platform speaks")
	}
	b.platformKeys(t, one)
	b.to(t, ask{route: "POST " + one + "/disable", form: form()}, one+"?notice=platform-disabled")
	b.to(t, ask{route: "POST " + one + "/enable", form: form()}, one+"?notice=platform-enabled")
	b.to(t, ask{route: "POST " + one + "/delete", form: form()}, platformsRoute+"?notice=platform-deleted")
	b.to(t, ask{route: "POST " + one + "/delete", form: form()}, platformsRoute+"?notice=platform-deleted")
	b.want(t, ask{route: "GET " + one}, 404)
	want := []string{
		"platform.create Acme", "platform.update Acme Ltd", "platform_key.create Acme Ltd", "platform_key.delete Acme Ltd", "platform.update Acme Ltd",
		"platform.update Acme Ltd", "platform.delete Acme Ltd",
	}
	if got := d.actions(t); len(got) < len(want) || !slices.Equal(got[len(got)-len(want):], want) {
		t.Errorf("got %q in the audit log, want it to end with %q", got, want)
	}
}

// platformKeys gives a platform a second key and deletes the first.
func (b *browser) platformKeys(t *testing.T, one string) {
	t.Helper()
	b.want(t, ask{route: "GET " + one + "/keys"}, 200)
	keys := form("algorithm", "ES256", "source", "jwks_uri", "jwks_uri", "https://partner.example.com/jwks.json", "public_key", "not asked for", "kid", "")
	b.to(t, ask{route: "POST " + one + "/keys", form: keys}, one+"?notice=platform-key-added")
	a := b.want(t, ask{route: "GET " + one}, 200)
	actions := a.all("tbody form")
	if len(actions) != 2 || !strings.Contains(a.one(t, "main").text(), "JWK Set at https://partner.example.com/jwks.json") {
		t.Fatalf("got %d keys, want two", len(actions))
	}
	b.to(t, ask{route: "GET " + actions[0].attribute("action")}, one)
	for range 2 {
		b.to(t, ask{route: "POST " + actions[0].attribute("action"), form: form()}, one+"?notice=platform-key-deleted")
	}
	if a = b.want(t, ask{route: "GET " + one}, 200); len(a.all("tbody form")) != 1 || strings.Contains(a.body, "BEGIN PUBLIC KEY") {
		t.Error("got the deleted key, or lost the other")
	}
}

// TestPlatformSecrets has Jeton make what a platform signs with: it is on one page, and on no other.
func TestPlatformSecrets(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	for alg, want := range map[string]string{"RS512": "-----BEGIN RSA PRIVATE KEY-----", "ES256": "-----BEGIN PRIVATE KEY-----", "HS256": ""} {
		a := b.want(t, ask{route: "POST " + platformsRoute, form: platformForm("name", alg, "algorithm", alg)}, 200)
		text := a.one(t, "#issued").text()
		if !strings.HasPrefix(text, want) || len(text) < 86 || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %.30q, want a key that nobody keeps", alg, text)
		}
		secret := text[len(text)-60:]
		one := a.one(t, "main .button").attribute("href")
		for _, path := range []string{platformsRoute, one, one + "/edit", one + "/keys"} {
			if strings.Contains(b.want(t, ask{route: "GET " + path}, 200).body, secret) {
				t.Errorf("%s: got the secret again at %s", alg, path)
			}
		}
	}
}

// TestPlatformProblems fills the form wrongly: what was typed stands there again, but for secrets, with what is wrong beside it.
func TestPlatformProblems(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.user(t, account.Draft{Username: "ann"})
	b.enrol(t, "name", "Taken", "issuer", "https://taken.example.com")
	const given = "-----BEGIN PUBLIC KEY-----\nx"
	for _, tt := range []struct {
		field, says string
		form        []string
	}{
		{"name", "There is already a platform with this name. Choose another name.", []string{"name", "taken"}},
		{"name", "“Name” is empty.", []string{"name", ""}},
		{"algorithm", "", []string{"algorithm", "none"}},
		{"public_key", "Fill this in, or choose another way.", []string{"source", "public_key"}},
		{"public_key", "“Public key” can't be used: it is not one PEM block.", []string{"source", "public_key", "public_key", given}},
		{"public_key", "“Public key” is a platform's already.", []string{"source", "public_key", "public_key", platformKey}},
		{"jwks_uri", "“Address of the JWK Set” doesn't begin with https://.", []string{"source", "jwks_uri", "jwks_uri", "http://a.example/"}},
		{"secret", "“Secret” is too short: a secret for HS256 has 32 bytes at least.", []string{"source", "secret", "algorithm", "HS256", "secret", "a short secret"}},
		{"roles", "“Roles” names nobody.", []string{"speaks", "some"}},
		{"roles", "“über” is no role's name.", []string{"speaks", "some", "roles", "ok, über"}},
		{"users", "“nobody” names a user who doesn't exist.", []string{"speaks", "some", "roles", "x", "users", "ann\r\n\r\nnobody"}},
		{"new_user_roles", "“admin” makes administrators.", []string{"new_user_roles", "reader admin", "create_users", "yes"}},
		{"create_users", "Give them, in Roles of new users, a role for which it speaks.", []string{"create_users", "yes", "speaks", "some", "roles", "x"}},
		{"max_assertion_seconds", "Give a whole number.", []string{"max_assertion_seconds", "soon"}},
		{"max_assertion_seconds", "Give a smaller number.", []string{"max_assertion_seconds", "18446744073"}},
		{"max_assertion_seconds", "“Longest life of an assertion, in seconds” is not 10 to 86400.", []string{"max_assertion_seconds", "9"}},
		{"issuer", "Another platform has this issuer.", []string{"issuer", "https://taken.example.com"}},
		{"audience", "“Audience” begins or ends with a space.", []string{"audience", " x"}},
		{"kid", "“Key ID (kid)” is longer than 255 bytes.", []string{"kid", strings.Repeat("k", 256)}},
	} {
		f := platformForm(append([]string{"name", "New"}, tt.form...)...)
		a := b.want(t, ask{route: "POST " + platformsRoute, form: f}, http.StatusUnprocessableEntity)
		bad := a.all("[aria-invalid]")
		if got := a.one(t, ".problem").text(); len(bad) != 1 || bad[0].attribute("id") != tt.field || !strings.Contains(got, tt.says) {
			t.Errorf("%s: got %q, want it marked with %q", tt.field, got, tt.says)
		}
		if got := a.one(t, "#name").attribute("value"); got != f.Get("name") {
			t.Errorf("%s: got the name %q, want %q as it was typed", tt.field, got, f.Get("name"))
		}
		if strings.Contains(a.body, "a short secret") {
			t.Error("got the secret in the form")
		}
		checkPage(t, tt.field, a.node)
	}
	if got := len(b.want(t, ask{route: "GET " + platformsRoute}, 200).all("tbody tr")); got != 1 {
		t.Errorf("got %d platforms, want the one", got)
	}
}

// TestPlatformPrivateKey pastes the wrong half of a pair: the page doesn't show it again, whatever else is wrong.
func TestPlatformPrivateKey(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	for _, kind := range []string{"PRIVATE KEY", "PUBLIC KEY"} {
		private := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		for _, wrong := range [][]string{{}, {"name", ""}, {"source", "jwks_uri"}, {"algorithm", "none"}} {
			f := platformForm(append([]string{"algorithm", "ES256", "source", "public_key", "public_key", private}, wrong...)...)
			a := b.want(t, ask{route: "POST " + platformsRoute, form: f}, http.StatusUnprocessableEntity)
			if got := a.one(t, "#public_key").text(); got != "" || len(a.all(".problem")) == 0 {
				t.Errorf("%q: got the private key again, as %s", wrong, kind)
			}
		}
	}
}

// TestPastedSecrets pastes what isn't public where something public belongs: it isn't shown again but asked for, and what is public is shown.
func TestPastedSecrets(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	for _, tc := range []struct {
		field, text string
		shown       bool
	}{
		{"public_key", `{"kty":"RSA","d":"CANARY"}`, false},
		{"public_key", "Q0FOQVJZ", false},
		{"secret", "CANARY", false},
		{"public_key", platformKey, true},
		{"jwks_uri", "https://user:CANARY@partner.example.com/jwks.json", false},
		{"jwks_uri", "CANARY", false},
		{"jwks_uri", "https://partner.example.com/jwks.json", true},
	} {
		a := b.want(t, ask{route: "POST " + platformsRoute, form: platformForm("name", "", "source", tc.field, tc.field, tc.text)}, http.StatusUnprocessableEntity)
		if got := strings.Contains(a.one(t, "#"+tc.field).text()+a.one(t, "#"+tc.field).attribute("value"), strings.TrimSpace(tc.text)[:6]); got != tc.shown {
			t.Errorf("%s: got %.20q shown again: %v, want %v", tc.field, tc.text, got, tc.shown)
		}
		if got := a.one(t, "#"+tc.field).has("aria-invalid"); got == tc.shown {
			t.Errorf("%s: got %.20q asked for again: %v, want %v", tc.field, tc.text, got, !tc.shown)
		}
		other := b.want(t, ask{route: "POST " + platformsRoute, form: platformForm("name", "", "source", "made", tc.field, tc.text)}, http.StatusUnprocessableEntity)
		if strings.Contains(other.body, "CANARY") {
			t.Errorf("%s: got %.20q shown again where it wasn't chosen", tc.field, tc.text)
		}
	}
}

// TestPlatformKeyProblems adds as many keys as a platform may have, and one more.
func TestPlatformKeyProblems(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	one := b.enrol(t)
	added := ask{route: "POST " + one + "/keys", form: form("algorithm", "EdDSA", "source", "made", "kid", "")}
	for range 4 {
		b.want(t, added, 200)
	}
	a := b.want(t, added, http.StatusUnprocessableEntity)
	if got := a.one(t, "#source-problem").text(); got != "The keys are 5 already. Delete one that is no longer in use." {
		t.Errorf("got %q, want that there are as many as there may be", got)
	}
	if a = b.want(t, ask{route: "GET " + one}, 200); len(a.all("tbody tr")) != 5 || strings.Contains(a.one(t, "main").text(), "Add a key") {
		t.Errorf("got %d keys and a way to add one, want 5 and none", len(a.all("tbody tr")))
	}
}

// TestPlatformLanguages reads the pages in each language.
func TestPlatformLanguages(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	one := b.enrol(t, "speaks", "some", "roles", "partner", "create_users", "yes", "new_user_roles", "partner")
	for _, language := range []string{"en", "fr", "de"} {
		for _, path := range []string{platformsRoute, platformsRoute + "/new", one, one + "/edit", one + "/keys", keysRoute} {
			a := b.want(t, ask{route: "GET " + path, header: map[string]string{"Accept-Language": language}}, 200)
			if a.one(t, "html").attribute("lang") != language || strings.Contains(a.body, "%!") {
				t.Errorf("%s: got a text of %s that lacks what it tells of", path, language)
			}
		}
	}
}

// TestPlatformOfDeletedUsers changes a platform that speaks for somebody who is deleted: that stays as it is.
func TestPlatformOfDeletedUsers(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	one := b.enrol(t, "speaks", "some", "users", "ann")
	check(t, d.accounts.Delete(t.Context(), ann.ID, audit.Actor{}))
	if a := b.want(t, ask{route: "GET " + one}, 200); !strings.Contains(a.one(t, "main").text(), "Nobody: all its users are deleted") {
		t.Error("got a page that doesn't say that its users are deleted")
	}
	b.to(t, ask{route: "POST " + one + "/edit", form: editForm("1", "name", "Other", "speaks", "some")}, one+"?notice=platform-changed")
}

// TestPlatformsAreForAdministrators asks for each page of this area as somebody else, and as an administrator.
func TestPlatformsAreForAdministrators(t *testing.T) {
	d := newDesk(t)
	admin := d.admin(t)
	one := admin.enrol(t)
	key := admin.want(t, ask{route: "GET " + one}, 200).one(t, "tbody form").attribute("action")
	wantForAdministrators(t, d, admin, []ask{
		{route: "GET " + platformsRoute},
		{route: "GET " + platformsRoute + "/new"},
		{route: "POST " + platformsRoute, form: platformForm("name", "New")},
		{route: "GET " + one},
		{route: "GET " + one + "/edit"},
		{route: "POST " + one + "/edit", form: editForm("1")},
		{route: "GET " + one + "/keys"},
		{route: "POST " + one + "/keys", form: form("algorithm", "EdDSA", "source", "made")},
		{route: "GET " + key},
		{route: "POST " + key, form: form()},
		{route: "GET " + one + "/disable"},
		{route: "POST " + one + "/disable", form: form()},
		{route: "GET " + one + "/enable"},
		{route: "POST " + one + "/enable", form: form()},
		{route: "GET " + one + "/delete"},
		{route: "POST " + one + "/delete", form: form()},
	})
}

// wantForAdministrators asks as somebody who is refused, and then as an administrator, who isn't.
func wantForAdministrators(t *testing.T, d *desk, admin *browser, asks []ask) {
	t.Helper()
	d.user(t, account.Draft{Username: "somebody"})
	other := d.browser()
	other.logIn(t, "somebody")
	d.refused(t)
	for _, q := range asks {
		before := d.actions(t)
		other.want(t, q, http.StatusForbidden)
		d.wantRefused(t, "not_allowed console_session")
		if !slices.Equal(d.actions(t), before) {
			t.Errorf("%s: got something changed by somebody who may not", q.route)
		}
		if a := admin.do(t, q); a.status >= 400 {
			t.Errorf("%s: got %d for an administrator", q.route, a.status)
		}
	}
}

// TestPlatformsDisabledAtOnce disables those that are chosen in the list, and no other; one that is gone or disabled already is no obstacle.
func TestPlatformsDisabledAtOnce(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	var ids []string
	for _, name := range []string{"Acme", "Bolt", "Crane", "Drum"} {
		p, _, err := d.inside.Platforms.Enrol(t.Context(), platform.Draft{Name: name, Algorithm: jose.RS256, Enabled: true}, audit.Actor{})
		check(t, err)
		ids = append(ids, p.ID.String())
	}
	b.to(t, ask{route: "POST " + platformsRoute + "/" + ids[1] + "/disable", form: form()}, platformsRoute+"/"+ids[1]+"?notice=platform-disabled")
	a := b.want(t, ask{route: "GET " + platformsRoute}, 200)
	if got := len(a.all("#list tbody input[name=id]")); got != 4 || a.one(t, "#list form").attribute("action") != platformsRoute+"/disable" {
		t.Errorf("got %d boxes, want one for each platform", got)
	}
	disable := func(ids ...string) ask {
		f := form()
		f["id"] = ids
		return ask{route: "POST " + platformsRoute + "/disable", form: f}
	}
	b.to(t, disable(), platformsRoute+"?notice=none-chosen")
	b.want(t, disable(ids[0], "no-id"), http.StatusNotFound)
	b.to(t, disable(ids[0], ids[1], uuid.Max.String(), ids[2]), platformsRoute+"?notice=platforms-disabled")
	b.to(t, ask{route: "GET " + platformsRoute + "/disable"}, platformsRoute)
	if a = b.want(t, ask{route: "GET " + platformsRoute + "?notice=platforms-disabled"}, 200); !strings.Contains(a.one(t, ".notice").text(), "you chose are disabled") {
		t.Error("got nothing said of what was done")
	}
	if got := a.all("#list .active"); len(got) != 1 || !strings.Contains(a.all("#list tbody tr")[3].text(), "Enabled") {
		t.Errorf("got %d platforms that are enabled, want the last alone", len(got))
	}
	if got := d.actions(t); !slices.Equal(got[len(got)-3:], []string{"platform.update Bolt", "platform.update Acme", "platform.update Crane"}) {
		t.Errorf("got %q in the audit log, want each platform disabled once", got)
	}
}
