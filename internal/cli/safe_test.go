package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/cli"
)

const (
	server = "https://tokens.example.com"
	sealed = "eyJ." + canary + ".sig" // the token in the safes of these tests
)

// ring is a keyring in memory. It can fail before or after it did what it was asked, and not answer at all.
type ring struct {
	held   map[string]client.Secret
	before error
	after  error
	silent chan struct{} // where it isn't nil, each call waits until it is closed
}

func (r *ring) call(f func()) error {
	if r.silent != nil {
		<-r.silent
	}
	if r.before != nil {
		return r.before
	}
	f()
	return r.after
}

func (r *ring) Get(name string) (secret client.Secret, err error) {
	ok := false
	err = r.call(func() { secret, ok = r.held[name] })
	if err == nil && !ok {
		err = cli.ErrNotInKeyring
	}
	return secret, err
}

func (r *ring) Set(name string, secret client.Secret) error {
	return r.call(func() { r.held[name] = secret })
}

func (r *ring) Delete(name string) error { return r.call(func() { delete(r.held, name) }) }

func newRing() *ring { return &ring{held: map[string]client.Secret{}} }

// put keeps the token and wants the key in that place.
func put(t *testing.T, s *cli.Safe, noKeyring bool, place string) {
	t.Helper()
	if got, why, err := s.Put(t.Context(), server, sealed, noKeyring); err != nil || got != place {
		t.Fatalf("got the key in %s (%v), error %v, want it in %s", got, why, err, place)
	}
}

// wantKept gets the token, and wants it with its key in that place, or else the error.
func wantKept(t *testing.T, s *cli.Safe, place string, want error) {
	t.Helper()
	got, at, err := s.Get(t.Context(), server)
	if !errors.Is(err, want) || want == nil && (got != sealed || at != place) {
		t.Errorf("got %q with its key in %q, error %v, want the token with its key in %q, error %v", got.Reveal(), at, err, place, want)
	}
	if err != nil && (got != "" || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "AGE-SECRET")) {
		t.Errorf("got %q beside the error %v", got.Reveal(), err)
	}
}

// files returns the names in the folder, and fails over a mode that opens one to others, and over the token in one.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
		info, err := e.Info()
		text, readErr := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil || readErr != nil || info.Mode().Perm() != 0o600 || strings.Contains(string(text), canary) {
			t.Errorf("%s: got mode %v, content %q, want it private and encrypted (%v, %v)", e.Name(), info.Mode(), text, err, readErr)
		}
	}
	return names
}

const (
	tokenFile = "client-https%3A%2F%2Ftokens.example.com.age"
	keyFile   = "client-https%3A%2F%2Ftokens.example.com.key"
)

// TestSafe goes from the keyring to a file and back, and out.
func TestSafe(t *testing.T) {
	dir, r := filepath.Join(t.TempDir(), "below", "jeton"), newRing()
	s := cli.NewSafe(dir, r)
	wantKept(t, s, "", cli.ErrNotKept)
	if all, err := s.Servers(); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v, want none", all, err)
	}
	steps := []struct {
		noKeyring bool
		place     string
		files     string
		keys      int
	}{
		{false, "keyring", "[" + tokenFile + "]", 1},
		{false, "keyring", "[" + tokenFile + "]", 1},
		{true, "file", "[" + tokenFile + " " + keyFile + "]", 0},
		{true, "file", "[" + tokenFile + " " + keyFile + "]", 0},
		{false, "keyring", "[" + tokenFile + "]", 1},
	}
	for i, step := range steps {
		put(t, s, step.noKeyring, step.place)
		wantKept(t, s, step.place, nil)
		if got := fmt.Sprint(files(t, dir)); got != step.files || len(r.held) != step.keys {
			t.Errorf("step %d: got files %s and %d keys, want %s and %d", i, got, len(r.held), step.files, step.keys)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want a folder of mode 0700", info, err)
	}
	if all, err := s.Servers(); err != nil || fmt.Sprint(all) != "["+server+"]" {
		t.Errorf("got %v, %v, want the server", all, err)
	}
	for _, want := range []error{nil, cli.ErrNotKept} {
		if err := s.Remove(t.Context(), server); !errors.Is(err, want) {
			t.Errorf("got error %v, want %v", err, want)
		}
	}
	if got := files(t, dir); len(got)+len(r.held) != 0 {
		t.Errorf("got %v and %d keys, want nothing left", got, len(r.held))
	}
}

// TestKeyIsKept shows that who keeps a new token at the moment when another run reads breaks nothing: the key stays.
func TestKeyIsKept(t *testing.T) {
	for _, noKeyring := range []bool{false, true} {
		dir, r := t.TempDir(), newRing()
		s := cli.NewSafe(dir, r)
		place := map[bool]string{false: "keyring", true: "file"}[noKeyring]
		put(t, s, noKeyring, place)
		former, err := os.ReadFile(filepath.Join(dir, tokenFile))
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, noKeyring, place)
		write(t, filepath.Join(dir, tokenFile), string(former))
		wantKept(t, s, place, nil)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKeyringThatFails has the key go to a file, and says why.
func TestKeyringThatFails(t *testing.T) {
	broken := errors.New("locked, and nobody there")
	for name, r := range map[string]cli.Keyring{"none": nil, "before": &ring{before: broken}, "after": &ring{held: map[string]client.Secret{}, after: broken}} {
		s := cli.NewSafe(t.TempDir(), r)
		place, why, err := s.Put(t.Context(), server, sealed, false)
		if place != "file" || !errors.Is(why, cli.ErrKeyring) || r != nil && !errors.Is(why, broken) || err != nil {
			t.Errorf("%s: got %s, %v, %v, want file, as the keyring fails", name, place, why, err)
		}
		wantKept(t, s, "file", nil)
	}
}

// TestSilentKeyring has one that never answers: it is waited for, and given up.
func TestSilentKeyring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, r := t.TempDir(), newRing()
		put(t, cli.NewSafe(dir, r), false, "keyring")
		r.silent = make(chan struct{})
		began := time.Now()
		wantKept(t, cli.NewSafe(dir, r), "", cli.ErrKeyring)
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("got an error after %s, want 30s", took)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := cli.NewSafe(dir, r).Get(ctx, server); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cli.ErrKeyring) {
			t.Errorf("got error %v, want that of the context", err)
		}
		if _, _, err := cli.NewSafe(dir, r).Put(ctx, server, sealed, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want that of the context", err)
		}
		wantKept(t, cli.NewSafe(dir, nil), "", cli.ErrKeyring)
		put(t, cli.NewSafe(dir, r), false, "file")
		close(r.silent)
		synctest.Wait()
	})
}

// TestSafesThatDontOpen has, for each fault, the error of its own.
func TestSafesThatDontOpen(t *testing.T) {
	tests := map[string]struct {
		noKeyring bool
		spoil     func(dir string, r *ring) error
		want      error
	}{
		"as it was":                 {true, func(string, *ring) error { return nil }, nil},
		"as it was, in the keyring": {false, func(string, *ring) error { return nil }, nil},
		"no key file":               {true, func(dir string, _ *ring) error { return os.Remove(filepath.Join(dir, keyFile)) }, cli.ErrNoKey},
		"no key in the keyring":     {false, func(_ string, r *ring) error { clear(r.held); return nil }, cli.ErrNoKey},
		"other key in the keyring": {false, func(_ string, r *ring) error {
			for name := range r.held {
				r.held[name] = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33"
			}
			return nil
		}, cli.ErrOtherKey},
		"no key but text": {false, func(_ string, r *ring) error {
			for name := range r.held {
				r.held[name] = "AGE-SECRET-KEY-1" + canary
			}
			return nil
		}, cli.ErrDamaged},
		"key file damaged": {true, func(dir string, _ *ring) error {
			return os.WriteFile(filepath.Join(dir, keyFile), []byte("AGE-SECRET-KEY-1"+canary), 0o600)
		}, cli.ErrDamaged},
		"cut":   {true, func(dir string, _ *ring) error { return os.Truncate(filepath.Join(dir, tokenFile), 200) }, cli.ErrDamaged},
		"empty": {true, func(dir string, _ *ring) error { return os.Truncate(filepath.Join(dir, tokenFile), 0) }, cli.ErrDamaged},
		"a bit": {true, func(dir string, _ *ring) error {
			path := filepath.Join(dir, tokenFile)
			text, err := os.ReadFile(path)
			flipped := strings.Replace(string(text), "\n-----END", "x\n-----END", 1)
			return errors.Join(err, os.WriteFile(path, []byte(flipped), 0o600))
		}, cli.ErrDamaged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir, r := t.TempDir(), newRing()
			place := map[bool]string{false: "keyring", true: "file"}[tt.noKeyring]
			put(t, cli.NewSafe(dir, r), tt.noKeyring, place)
			if err := tt.spoil(dir, r); err != nil {
				t.Fatal(err)
			}
			wantKept(t, cli.NewSafe(dir, r), place, tt.want)
			// And the way out of all of them.
			put(t, cli.NewSafe(dir, r), tt.noKeyring, place)
			wantKept(t, cli.NewSafe(dir, r), place, nil)
		})
	}
}

// TestFileOfAnotherServer shows that a token isn't sent to the server whose file it was copied over.
func TestFileOfAnotherServer(t *testing.T) {
	dir := t.TempDir()
	s := cli.NewSafe(dir, nil)
	put(t, s, true, "file")
	for _, end := range []string{".age", ".key"} {
		from := filepath.Join(dir, "client-https%3A%2F%2Ftokens.example.com"+end)
		if err := os.Link(from, filepath.Join(dir, "client-https%3A%2F%2Fevil.example.com"+end)); err != nil {
			t.Fatal(err)
		}
	}
	if got, _, err := s.Get(t.Context(), "https://evil.example.com"); !errors.Is(err, cli.ErrDamaged) {
		t.Errorf("got %q, %v, want %v", got.Reveal(), err, cli.ErrDamaged)
	}
}

// TestSystemKeyring shows what the adapter makes of the library's answers, and that without a session it isn't asked.
func TestSystemKeyring(t *testing.T) {
	keyring.MockInit()
	missing := filepath.Join(t.TempDir(), "bus")
	for address, there := range map[string]bool{"unix:path=/x": true, "": false, "autolaunch:": false} {
		k := cli.NewSystemKeyring(address, missing)
		if err := k.Set("a", canary); (err == nil) != there {
			t.Errorf("%q: got error %v, want any: %v", address, err, !there)
		}
		if _, err := k.Get("b"); errors.Is(err, cli.ErrNotInKeyring) != there {
			t.Errorf("%q: got error %v", address, err)
		}
		if got, err := k.Get("a"); (got == canary && err == nil) != there {
			t.Errorf("%q: got %q, %v", address, got.Reveal(), err)
		}
		for range 2 {
			if err := k.Delete("a"); (err == nil) != there {
				t.Errorf("%q: got error %v, want any: %v", address, err, !there)
			}
		}
	}
	if err := cli.NewSystemKeyring("", t.TempDir()).Set("a", canary); err != nil {
		t.Errorf("a bus at its usual place: got error %v", err)
	}
	failed := errors.New("the keyring fails")
	keyring.MockInitWithError(failed)
	k := cli.NewSystemKeyring("unix:path=/x", missing)
	_, err := k.Get("a")
	for _, err := range []error{err, k.Set("a", canary), k.Delete("a")} {
		if !errors.Is(err, failed) {
			t.Errorf("got error %v, want %v", err, failed)
		}
	}
}

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{
		"https://tokens.example.com:8443/a": "https://tokens.example.com:8443/a", "/home/al ice/x": "'/home/al ice/x'", "$(rm)": "'$(rm)'", "a'b": `'a'\''b'`, "": "''",
	} {
		if got := cli.ShellWord(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}
