package main

import (
	"context"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store"
)

// TestCaller shows that passwords and cookie open the instance, and that no check of a password makes a new hash of it:
// that would be measured as part of the check.
func TestCaller(t *testing.T) {
	data := newInstance(t)
	live, err := makeSecrets(30, liveSeed)
	if err != nil {
		t.Fatal(err)
	}
	cookie := fillInstance(t, data, live, 20).caller.cookie
	home{data: data}.with(t, func(s store.Store) {
		accounts, err := account.New(account.Config{
			Store: s, Applied: func(context.Context) error { return nil }, Now: time.Now, Random: source(orderSeed),
		})
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range map[int]bool{callerNumber: true, 1: true, 20: true, 21: false, 30: false} {
			before := accounts.Hashed()
			proof, err := accounts.Prove(t.Context(), authority.Credential{Kind: authority.Password, Name: userName(n), Text: everyonesPassword})
			if (err == nil) != want || want && !proof.Remember {
				t.Errorf("user %d: got %+v, %v, want a password: %t", n, proof, err, want)
			}
			if hashed := accounts.Hashed() - before; hashed != 1 {
				t.Errorf("user %d: got %d hashes, want 1", n, hashed)
			}
		}
		keys, err := openKeyring(t.Context(), s, data)
		if err != nil {
			t.Fatal(err)
		}
		if !secret.Valid(cookie.Reveal(), secret.API) {
			t.Error("the cookie is not of the protected APIs")
		}
		caller, err := s.UserByName(t.Context(), account.Key(userName(callerNumber)))
		if err != nil {
			t.Fatal(err)
		}
		begun, err := s.BrowserSessionByDigest(t.Context(), authority.APISession, []keyring.Digest{keys.Digest(cookie)})
		if err != nil || begun.UserID != caller.ID || !begun.EndedAt.IsZero() {
			t.Errorf("got %+v, %v, want the caller's session", begun, err)
		}
	})
}
