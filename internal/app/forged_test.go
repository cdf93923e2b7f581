package app_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/test/forge"
)

// TestForgedByDoors presents at each door everything that somebody could make of a good token, having even its key. Each is
// refused as every other bad credential is there, and the audit log has the reason; the good one passes, before and after.
//
// The doors differ in what a token's text alone tells them: where the protocol doesn't say which kind it is, one that names
// no key of ours as ours are named is taken for an access token, and a door without such tokens has no more to say.
func TestForgedByDoors(t *testing.T) {
	d := newDoors(t)
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(d.data, "jeton.db"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	text, err := os.ReadFile(filepath.Join(d.data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	master, err := keyring.ParseMasterKey(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kind    string
		purpose keyring.Purpose
		never   bool
		doors   map[string]string // and what the good token gets there
	}{
		{"access_token", keyring.ForAccessTokens, false, map[string]string{"gateway": "200", "me": "200", "told": "200", "introspected": "200"}},
		{"api_token", keyring.ForAPITokens, true, map[string]string{"gateway, raw": "200", "me": "200", "matrix42": "200", "exchange": "200", "introspected": "200"}},
	} {
		good := forge.Good{Text: d.texts[test.kind], Now: time.Now(), Never: test.never, Recorded: test.never}
		var kid string
		good.Signer, kid = forge.Steal(t, store, []byte(master.Reveal()), test.purpose)
		for door, want := range test.doors {
			t.Run(test.kind+"/"+door, func(t *testing.T) {
				if got := d.present(t, door, good.Text); got != want {
					t.Fatalf("the good token: got %s, want %s", got, want)
				}
				for _, bad := range good.All(t) {
					if got, want := d.present(t, door, bad.Text), refusalAt(door, bad, test.purpose, kid); got != want {
						t.Errorf("%s: got %s, want %s", bad.Name, got, want)
					}
				}
				if got := d.present(t, door, good.Text); got != want {
					t.Errorf("the good token, in the end: got %s, want %s", got, want)
				}
			})
		}
		if test.purpose == keyring.ForAPITokens {
			t.Run("revoke", func(t *testing.T) { d.wantNotRevoked(t, &good) })
		}
	}
}

// wantNotRevoked has an administrator's client take back everything that somebody could make of a good API token. Whatever it
// is, it isn't the good one, which goes on.
func (d *doors) wantNotRevoked(t *testing.T, good *forge.Good) {
	t.Helper()
	take := func(token string) int {
		form := url.Values{"token": {token}}
		status, _ := d.send(t, "POST "+d.public+"/oauth/revoke", form.Encode(), "Content-Type: application/x-www-form-urlencoded", d.shown["client_secret"])
		return status
	}
	for _, bad := range good.All(t) {
		if got := take(bad.Text); got != http.StatusOK { // as for every token that is good no longer
			t.Errorf("%s: got %d, want 200", bad.Name, got)
		}
		if got := d.present(t, "exchange", good.Text); got != "200" {
			t.Fatalf("%s: got %s of the good token afterwards, want 200", bad.Name, got)
		}
	}
	if got := take(good.Text); got != http.StatusOK {
		t.Errorf("got %d, want 200", got)
	}
	if got := d.present(t, "exchange", good.Text); got != "400 deleted" {
		t.Errorf("got %s of the good token once it was taken back, want 400 deleted", got)
	}
}

// present presents a token at a door.
func (d *doors) present(t *testing.T, door, token string) string {
	t.Helper()
	if strings.ContainsAny(token, "\r\n") && !inBody(door) {
		return "no header field"
	}
	d.texts["forged"] = token
	escaped, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	if d.shown["forged"] = "Authorization: Bearer " + token; door == "told" {
		d.shown["forged"] = "Authorization: Bearer " + string(escaped[1:len(escaped)-1])
	}
	return d.knock(t, door, "forged")
}

// inBody reports whether a door takes a token in a body, where every character can stand.
func inBody(door string) bool { return door == "told" || door == "exchange" || door == "introspected" }

// refusalAt returns what a forged token gets at a door; kid is the good one's.
func refusalAt(door string, bad forge.Token, purpose keyring.Purpose, kid string) string {
	if strings.ContainsAny(bad.Text, "\r\n") && !inBody(door) {
		return "no header field"
	}
	reason := bad.Reason
	peeked, spelled := jose.Peek(bad.Text)
	ours := spelled && (string(peeked.KeyID[:]) == kid || peeked.IsType(purpose.Type()))
	foreign := purpose == keyring.ForAPITokens && !ours && reason != authority.ReasonUnrecognized
	switch exchange := door == "matrix42" || door == "exchange"; {
	case foreign && exchange:
		reason = authority.ReasonNotAcceptedHere
	case foreign && reason != authority.ReasonMalformed && reason != authority.ReasonUnknownKey:
		reason = authority.ReasonWrongType
	}
	switch door {
	case "exchange":
		return "400 " + string(reason)
	case "told":
		return "200 " + string(reason)
	case "introspected":
		return "200 " + string(reason) + " inactive"
	}
	return "401 " + string(reason)
}

// exchange is the form of an exchange by the standard's words (RFC 8693 section 2.1).
func exchange(token string) url.Values {
	return url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {token},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
	}
}
