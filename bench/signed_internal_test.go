package main

import (
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store"
)

// TestSigned shows that the API tokens that were filled in are as Jeton's own, and that the access tokens, and the caller's
// API token, are proven by them.
func TestSigned(t *testing.T) {
	data := newInstance(t)
	live, err := makeSecrets(120, liveSeed)
	if err != nil {
		t.Fatal(err)
	}
	as := fillInstance(t, data, live, 0)
	if len(as.parents) != 100 {
		t.Fatalf("got %d API tokens, want 100", len(as.parents))
	}
	issued, err := issueAccess(t.Context(), home{data: data}, as.parents, progress{io.Discard}.count("issuing", len(as.parents)))
	if err != nil {
		t.Fatal(err)
	}
	home{data: data}.with(t, func(s store.Store) {
		keys, err := openKeyring(t.Context(), s, data)
		if err != nil {
			t.Fatal(err)
		}
		access, err := accesstoken.New(accesstoken.Config{
			Store: s, Keyring: keys, Policy: noPolicy, Applied: nobodyToTell, Issuer: publicURL, Life: accessTokenLife, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for n, text := range issued {
			proof, err := access.Prove(t.Context(), authority.Credential{Kind: authority.AccessToken, Text: text})
			if err != nil || proof.ID != as.parents[n].id || proof.UserID != as.parents[n].user || !proof.Remember || seen[text.Reveal()] {
				t.Fatalf("access token %d: got %+v, %v, want a proof of %+v", n, proof, err, as.parents[n])
			}
			seen[text.Reveal()] = true
		}
		own, err := s.APITokens(t.Context(), apitoken.Query{Limit: 200})
		if err != nil || len(own) != 101 {
			t.Fatalf("got %d API tokens, %v, want those that were filled in and the caller's", len(own), err)
		}
		for _, token := range own {
			if life := token.ExpiresAt.Sub(token.CreatedAt).Round(time.Hour); !token.Enabled || token.KeyID != as.caller.apiTokenKey || life != apiTokenDays*24*time.Hour {
				t.Errorf("got %+v, want one that is enabled, of the caller's key and of 30 days", token)
			}
		}
		if got := keys.PurposeOf(as.caller.apiToken.Reveal()); got != keyring.ForAPITokens {
			t.Errorf("the caller's API token: got one for %q", got)
		}
	})
}

func TestWriteSigned(t *testing.T) {
	dir, access := t.TempDir(), []secret.Text{"aaaa", "bbbb", "cccc", "dddd"}
	var tokens tokens
	if err := tokens.writeSigned(dir, access, "longer than those"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(tokens.access.file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of access tokens: got %v, %v, want one for its owner alone", info.Mode(), err)
	}
	read, err := tokens.access.read()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for n := range read.count() {
		got = append(got, read.at(n))
	}
	if want := []string{"aaaa", "bbbb", "cccc", "dddd"}; !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("got %q, want %q in any order", got, want)
	}
	if last, err := tokens.access.part(2, 2).part(1, 1).read(); err != nil || last.at(0) != got[3] {
		t.Errorf("got %q, %v, want the last, %q", last.text, err, got[3])
	}
	if one, err := tokens.apiToken.one().read(); err != nil || one.at(0) != "longer than those" {
		t.Errorf("got %q, %v, want the API token", one.text, err)
	}
	if err := tokens.writeSigned(dir, []secret.Text{"aaaa", "bbb"}, "x"); err == nil {
		t.Error("got no error for tokens of two lengths")
	}
}
