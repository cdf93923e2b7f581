package console_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/keyring"
)

const keysRoute = "/console/administration/signing-keys"

// rotate returns what rotates the key of a purpose.
func rotate(p keyring.Purpose, alg string) ask {
	return ask{route: "POST " + keysRoute + "/rotate", form: form("purpose", string(p), "algorithm", alg)}
}

// TestSigningKeys rotates a key and revokes both.
func TestSigningKeys(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	a := b.want(t, ask{route: "GET " + keysRoute}, 200)
	if got := len(a.all("tbody tr")); got != 3 || a.one(t, "main .none").text() == "" {
		t.Errorf("got %d rows, want a purpose each, and what to do first", got)
	}
	b.to(t, rotate(keyring.ForAccessTokens, ""), keysRoute+"?notice=key-rotated") // the first, as configured
	d.pass(t, time.Minute)
	b.to(t, rotate(keyring.ForAccessTokens, "EdDSA"), keysRoute+"?notice=key-rotated")
	a = b.want(t, ask{route: "GET " + keysRoute}, 200)
	if got := a.one(t, "option[selected]").text(); got != "EdDSA" {
		t.Errorf("got %s offered, want that of the active key", got)
	}
	rows := a.all("tbody tr")[3:]
	if len(rows) != 2 || !strings.Contains(rows[0].text(), "Access tokens EdDSA Active") || !strings.Contains(rows[1].text(), "Access tokens ES256 Retired") {
		t.Fatalf("got %d rows, want the active key, and then the retired one", len(rows))
	}
	active, retired := rows[0].one(t, "th code").text(), rows[1].one(t, "th code").text()
	if a = b.want(t, ask{route: "GET " + keysRoute + "/" + retired}, 200); !strings.Contains(a.one(t, "main").text(), "It signs no more") || strings.Contains(a.one(t, "main details").text(), "takes its place") {
		t.Error("got a page that doesn't say what the retired key does")
	}
	if a = b.want(t, ask{route: "GET " + keysRoute + "/" + active}, 200); !strings.Contains(a.one(t, "main details").text(), "refused at once") || !strings.Contains(a.one(t, "main details").text(), "takes its place") {
		t.Error("got a page that doesn't say what revoking means")
	}
	for _, kid := range []string{retired, active, active} { // one that is revoked already is as revoked as it can be
		b.to(t, ask{route: "POST " + keysRoute + "/" + kid + "/revoke", form: form()}, keysRoute+"?notice=key-revoked")
		if a = b.want(t, ask{route: "GET " + keysRoute + "/" + kid}, 200); len(a.all("main details")) != 0 || a.one(t, "main .blocked").text() != "Revoked" {
			t.Error("got a key that can be revoked again")
		}
	}
	want := []string{"signing_key.create " + retired, "signing_key.rotate " + active, "signing_key.revoke " + retired, "signing_key.revoke " + active}
	if got := d.actions(t); !slices.Equal(got[len(got)-4:], want) {
		t.Errorf("got %q in the audit log, want it to end with %q", got, want)
	}
}

// TestSigningKeyProblems asks for what there isn't.
func TestSigningKeyProblems(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	for _, alg := range []string{"HS256", "none", "RS512"} {
		a := b.want(t, rotate(keyring.ForAPITokens, alg), http.StatusUnprocessableEntity)
		if bad := a.one(t, "select[aria-invalid]"); a.one(t, ".problem").text() == "" || bad.attribute("aria-describedby") != "algorithm-api_token-problem" {
			t.Errorf("%s: got nothing said beside the algorithm", alg)
		}
		checkPage(t, alg, a.node)
	}
	b.want(t, rotate("id_token", ""), http.StatusUnprocessableEntity)
	b.want(t, rotate(keyring.ForIdentity, "EdDSA"), http.StatusUnprocessableEntity)
	b.want(t, ask{route: "GET " + keysRoute + "/0000000000000000000000"}, 404)
	b.want(t, ask{route: "POST " + keysRoute + "/0000000000000000000000/revoke", form: form()}, 404)
	if got := len(d.inside.Keyring.SigningKeys()); got != 0 {
		t.Errorf("got %d keys, want none", got)
	}
}

// TestSigningKeyPages pages through more keys than one page shows.
func TestSigningKeyPages(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	for n := range 52 {
		if a := b.do(t, rotate(keyring.ForIdentity, "")); a.status != http.StatusSeeOther {
			t.Fatal("got " + strconv.Itoa(a.status) + " at key " + strconv.Itoa(n))
		}
	}
	a := b.want(t, ask{route: "GET " + keysRoute}, 200)
	next := a.one(t, ".pages a").attribute("href")
	if got := len(a.all("tbody tr")); got != 3+50 {
		t.Errorf("got %d rows, want the purposes and 50 keys", got)
	}
	if a = b.want(t, ask{route: "GET " + next}, 200); len(a.all("tbody tr")) != 3+2 {
		t.Errorf("got %d rows at %s, want the purposes and the two keys that are left", len(a.all("tbody tr")), next)
	}

	// What is asked for of the keys changes nothing of what signs now.
	b.to(t, rotate(keyring.ForAccessTokens, ""), keysRoute+"?notice=key-rotated")
	keys := slices.DeleteFunc(d.inside.Keyring.SigningKeys(), func(k keyring.SigningKey) bool { return k.State() == keyring.KeyActive })
	check(t, d.inside.Keyring.RevokeSigningKey(t.Context(), keys[5].ID, audit.Actor{}))
	for query, want := range map[string]int{
		"?signs=access_token": 1, "?signs=access_token&state=retired": 0, "?state=revoked": 1, "?state=active": 2, "?state=retired": 50, "?state=retired&q=" + keys[5].ID: 0, "?signs=nothing": 0,
		"?q=" + strings.ToUpper(keys[7].ID): 1, "?q=" + keys[7].ID + "&state=active": 0, "?q=%25": 0,
	} {
		a := b.want(t, ask{route: "GET " + keysRoute + query}, 200)
		checkPage(t, query, a.node)
		if got := len(a.all("#list tbody tr")); got != want || len(a.all("tbody tr")) != 3+want || (len(a.all("#list .none")) > 0) != (want == 0) {
			t.Errorf("%s: got %d keys, want %d", query, got, want)
		}
	}
	a = b.want(t, ask{route: "GET " + keysRoute + "?state=retired&signs=identity"}, 200)
	if got := a.one(t, "#state option[selected]").text() + ", " + a.one(t, "#signs option[selected]").text(); got != "Retired, Identity tokens" {
		t.Errorf("got the filter %q", got)
	}
}

// TestSigningKeysAreForAdministrators asks for each page of this area as somebody else, and as an administrator.
func TestSigningKeysAreForAdministrators(t *testing.T) {
	d := newDesk(t)
	admin := d.admin(t)
	admin.do(t, rotate(keyring.ForAccessTokens, ""))
	one := keysRoute + "/" + d.inside.Keyring.SigningKeys()[0].ID
	wantForAdministrators(t, d, admin, []ask{
		{route: "GET " + keysRoute},
		rotate(keyring.ForAccessTokens, "ES256"),
		{route: "GET " + keysRoute + "/rotate"},
		{route: "GET " + one},
		{route: "GET " + one + "/revoke"},
		{route: "POST " + one + "/revoke", form: form()},
	})
}
