package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// clientDesk is a desk with a service account, and its path as a client.
func clientDesk(t *testing.T) (d *desk, b *browser, client string) {
	t.Helper()
	d = newDesk(t)
	b = d.admin(t)
	u, err := d.accounts.Create(t.Context(), account.Draft{Kind: account.Service, Username: "robot"}, audit.Actor{})
	check(t, err)
	return d, b, "/console/administration/users/" + u.ID.String() + "/client"
}

// proves asks whether the service account proves itself by a secret.
func (d *desk) proves(t *testing.T, text string) error {
	t.Helper()
	door := authority.Door{Name: "console", Kinds: authority.KindsOf(authority.ClientSecret)}
	p, err := d.authority.Identify(t.Context(), &authority.Presented{
		Given: &authority.Credential{Kind: authority.ClientSecret, Name: "robot", Text: secret.Text(text)},
	}, &door)
	if err == nil && p.Username != "robot" {
		t.Errorf("got %s, want robot", p.Username)
	}
	return err
}

// TestClientSecrets makes as many secrets as there may be, each shown once, and deletes one.
func TestClientSecrets(t *testing.T) {
	d, b, client := clientDesk(t)
	user := strings.TrimSuffix(client, "/client")
	if !strings.Contains(b.want(t, ask{route: "GET " + user}, 200).body, `href="`+client+`"`) {
		t.Error("got no way to the client's secrets from the page of its user")
	}
	checkPage(t, "a client without a secret", b.want(t, ask{route: "GET " + client}, 200).node)
	var made []string
	for range 2 {
		a := b.want(t, ask{route: "POST " + client + "/secrets", form: url.Values{}}, 200)
		made = append(made, a.one(t, "strong.token").text())
	}
	for _, text := range made {
		check(t, d.proves(t, text))
		if a := b.want(t, ask{route: "GET " + client}, 200); strings.Contains(a.body, text) {
			t.Error("got the secret on a second page")
		}
	}
	a := b.want(t, ask{route: "POST " + client + "/secrets", form: url.Values{}}, http.StatusConflict)
	if got := a.one(t, "h1").text(); got != "This client has as many secrets as it may have" {
		t.Errorf("got %q", got)
	}
	a = b.want(t, ask{route: "GET " + client}, 200)
	if len(a.all("#main tbody tr")) != 2 || strings.Contains(a.one(t, "main").text(), "Make a client secret") {
		t.Error("got another page than that of two secrets and no way to make a third")
	}
	b.to(t, ask{route: "POST " + a.all("tbody form")[0].attribute("action"), form: url.Values{}}, client+"?notice=client-secret-deleted")
	b.to(t, ask{route: "POST " + a.all("tbody form")[0].attribute("action"), form: url.Values{}}, client+"?notice=client-secret-deleted") // again
	if err := d.proves(t, made[0]); err == nil {
		t.Error("the deleted secret still proves the client")
	}
	check(t, d.proves(t, made[1]))
	d.refused(t)
}

// TestClientKeys adds keys by a text and by an address, and meets what is none.
func TestClientKeys(t *testing.T) {
	_, b, client := clientDesk(t)
	add := func(pairs ...string) ask {
		f := form("public_key", "", "jwks_uri", "", "algorithm", "")
		for n := 0; n+1 < len(pairs); n += 2 {
			f.Set(pairs[n], pairs[n+1])
		}
		return ask{route: "POST " + client + "/keys", form: f}
	}
	for _, test := range []struct{ field, text, problem string }{
		{"public_key", "", "and jwks_uri are both there, or neither is"},
		{"public_key", "-----BEGIN PRIVATE KEY-----\r\nCANARY\r\n-----END PRIVATE KEY-----\r\n", "is"},
		{"public_key", "CANARY", "is no public key"},
		{"jwks_uri", "http://CANARY.example.com/jwks.json", "https"},
	} {
		a := b.want(t, add(test.field, test.text), http.StatusUnprocessableEntity)
		if got := a.one(t, "#"+test.field+"-problem").text(); !strings.Contains(got, test.problem) {
			t.Errorf("%s %.12q: got the problem %q, want %q in it", test.field, test.text, got, test.problem)
		}
		if strings.Contains(a.body, "CANARY") {
			t.Errorf("%s %.12q: got it shown again", test.field, test.text)
		}
	}
	a := b.want(t, add("public_key", platformKey, "algorithm", "RS256"), http.StatusUnprocessableEntity)
	if !strings.Contains(a.one(t, "#public_key").text(), "MCow") || a.one(t, "#algorithm option[selected]").text() != "RS256" {
		t.Error("got a form that has lost what was in it")
	}
	b.to(t, add("public_key", platformKey), client+"?notice=client-key-added")
	b.to(t, add("jwks_uri", "https://robot.example.com/jwks.json"), client+"?notice=client-key-added")
	a = b.want(t, ask{route: "GET " + client}, 200)
	if got := a.one(t, "main").text(); !strings.Contains(got, "EdDSA") || !strings.Contains(got, "JWK Set at https://robot.example.com/jwks.json") {
		t.Errorf("got %q, want both keys", got)
	}
	b.to(t, ask{route: "POST " + a.all("tbody form")[0].attribute("action"), form: url.Values{}}, client+"?notice=client-key-deleted")
	for range 4 {
		b.to(t, add("public_key", platformKey), client+"?notice=client-key-added")
	}
	b.want(t, add("public_key", platformKey), http.StatusConflict)
}

// TestClientIsAProgram asks for the page of a person, and as somebody who doesn't administer.
func TestClientIsAProgram(t *testing.T) {
	d, b, client := clientDesk(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	b.want(t, ask{route: "GET /console/administration/users/" + ann.ID.String() + "/client"}, http.StatusNotFound)
	b.want(t, ask{route: "POST /console/administration/users/" + ann.ID.String() + "/client/secrets", form: url.Values{}}, http.StatusNotFound)
	if strings.Contains(b.want(t, ask{route: "GET /console/administration/users/" + ann.ID.String()}, 200).body, "/client") {
		t.Error("got a way to a person's client secrets")
	}
	b.to(t, ask{route: "GET " + client + "/secrets"}, client)
	c := d.browser()
	c.logIn(t, "ann")
	for _, route := range []string{"GET " + client, "POST " + client + "/secrets", "POST " + client + "/keys"} {
		q := ask{route: route}
		if strings.HasPrefix(route, "POST") {
			q.form = url.Values{}
		}
		c.want(t, q, http.StatusForbidden)
		d.wantRefused(t, "not_allowed console_session")
	}
}
