package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// configOf returns the configuration of a server with that data folder.
func configOf(t *testing.T, data string) config.Config {
	t.Helper()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(fs)
	must(t, fs.Parse([]string{"--data", data}))
	cfg, err := config.Load(fs, nil)
	must(t, err)
	return cfg
}

// withNode opens a node for as long as something is done with it.
func withNode(t *testing.T, cfg *config.Config, do func(*node)) {
	t.Helper()
	o := Options{Config: *cfg}
	o.fillDefaults()
	var stops stopStack
	n, err := newNode(t.Context(), &o, "http://127.0.0.1:8080", slog.New(slog.DiscardHandler), &stops)
	must(t, err)
	do(n)
	must(t, stops.unwind())
}

// TestUsedCodeStaysUsed restores a backup from before a recovery code was used and another user's app was taken away. By the journal the
// code doesn't count again, and the app is gone; what wasn't touched stays.
func TestUsedCodeStaysUsed(t *testing.T) {
	data, restored := t.TempDir(), t.TempDir()
	before, after := configOf(t, data), configOf(t, restored)
	var ann, bob account.User
	used, kept := secret.Text("ABCDE12345"), secret.Text("FGHJK67890")
	prove := func(n *node, code secret.Text) error {
		owner := authority.Principal{User: ann.Holder(), CredentialKind: authority.Password}
		asked, _, err := n.factors.Challenge(t.Context(), &owner)
		must(t, err)
		_, err = n.factors.Prove(t.Context(), authority.Credential{Kind: authority.SecondFactor, Name: asked.Ticket.Reveal(), Text: code})
		return err
	}
	identity, err := age.GenerateX25519Identity()
	must(t, err)
	file := filepath.Join(t.TempDir(), "backup")
	withNode(t, &before, func(n *node) {
		for to, name := range map[*account.User]string{&ann: "ann", &bob: "bob"} {
			u, err := n.accounts.Create(t.Context(), account.Draft{Username: name}, audit.Actor{})
			must(t, err)
			*to = u
			wrapped, err := n.keys.WrapSecret(u.ID, "JBSWY3DPEHPK3PXP")
			must(t, err)
			var codes []keyring.Digest
			if name == "ann" {
				codes = []keyring.Digest{n.keys.Digest(used), n.keys.Digest(kept)}
			}
			ev := audit.New(audit.AuthenticatorAdd, audit.Actor{}, audit.Target{Kind: "user", ID: u.ID, Name: name}, n.now())
			_, err = n.store.AddAuthenticator(t.Context(), factor.Authenticator{UserID: u.ID, Wrapped: wrapped, CreatedAt: n.now()}, codes, ev)
			must(t, err)
		}
		must(t, n.feed.CatchUp(t.Context()))
		_, err := Backup(t.Context(), Options{Config: before}, BackupOptions{Out: file, Recipients: []string{identity.Recipient().String()}})
		must(t, err)
		must(t, prove(n, used))
		holder := bob.Holder()
		must(t, n.factors.RemoveAll(t.Context(), &holder, audit.Actor{}))
	})

	key, err := os.ReadFile(filepath.Join(data, "master.key"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(restored, "master.key"), key, 0o600))
	done, err := Restore(t.Context(), Options{Config: after}, RestoreOptions{
		In: file, Identities: client.Secret(identity.String()), Journals: []string{filepath.Join(data, "revocations.journal")},
	})
	must(t, err)
	if !done.Whole || done.Suspended != 1 {
		t.Errorf("got %+v, want all known, and who lost a second factor suspended", done)
	}
	withNode(t, &after, func(n *node) {
		err := prove(n, used)
		if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.Reason != authority.ReasonUsedCode {
			t.Errorf("got %v of the code that was used, want it known to be", err)
		}
		must(t, prove(n, kept))
		if on, err := n.factors.On(t.Context(), bob.ID); on || err != nil {
			t.Errorf("got the factor on %t and error %v, want it gone", on, err)
		}
	})
}
