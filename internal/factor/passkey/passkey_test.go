package passkey_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/factor/passkey"
)

// TestWhoseFault tells answers that are no good from faults of who asks, which are no reason to refuse anybody.
func TestWhoseFault(t *testing.T) {
	site, err := passkey.New("https://tokens.example.com")
	if err != nil {
		t.Fatal(err)
	}
	challenge := bytes.Repeat([]byte{7}, 32)
	owner := func(name string, keys ...string) *passkey.Owner {
		o := &passkey.Owner{ID: []byte("1"), Name: name, DisplayName: name}
		for _, k := range keys {
			o.Passkeys = append(o.Passkeys, passkey.Credential{ID: []byte(k), PublicKey: []byte("key")})
		}
		return o
	}
	for _, answer := range []string{"", "{}", "[", `{"id":"AQ","rawId":"AQ","type":"public-key","response":{}}`} {
		if _, err := site.Answered(owner("ann", "one"), challenge, answer); !errors.Is(err, passkey.ErrAnswer) {
			t.Errorf("%q: got %v, want a fault of the answer", answer, err)
		}
		if _, err := site.Created(owner("ann"), challenge, answer); !errors.Is(err, passkey.ErrAnswer) {
			t.Errorf("%q, of a new one: got %v, want a fault of the answer", answer, err)
		}
		if _, err := site.Answered(owner("ann"), challenge, answer); err == nil || errors.Is(err, passkey.ErrAnswer) {
			t.Errorf("%q, asked for without a passkey: got %v, want a fault of who asks", answer, err)
		}
	}
}

func TestNoSite(t *testing.T) {
	for _, url := range []string{"http://tokens.example.com", "https://192.0.2.1", "https://", "::"} {
		if _, err := passkey.New(url); err == nil || !strings.Contains(err.Error(), "must be https or localhost") {
			t.Errorf("%q: got %v, want what it must be", url, err)
		}
	}
}
