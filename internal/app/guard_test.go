package app_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/app"
)

// copyFile copies a file, with its mode.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rotate makes a personal token for the administrator.
func rotate(t *testing.T, i *instance) (token string) {
	t.Helper()
	u := url.URL{Scheme: "http", Host: i.addresses.Public.String(), Path: "/v1/me/personal-token"}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", "correct horse battery")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("rotating: got %d %s, %v", res.StatusCode, body, err)
	}
	_, token, _ = strings.Cut(string(body), `"token":"`)
	token, _, _ = strings.Cut(token, `"`)
	return token
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// TestOldCopyIsRefused puts an old copy of the database back, in which a token counts that was replaced since: no node that saw
// the newer one believes it, neither a new process nor one that runs. The twin, the newer one put back, is believed.
func TestOldCopyIsRefused(t *testing.T) {
	data, password := t.TempDir(), filepath.Join(t.TempDir(), "password")
	write(t, password, "correct horse battery")
	cfg := configure(t, data, "--admin-password-file", password)
	db := filepath.Join(data, "jeton.db")
	stopped := func(i *instance) {
		t.Helper()
		if err := i.stop(); err != nil {
			t.Fatal(err)
		}
	}
	i := run(t, cfg)
	old := rotate(t, i)
	stopped(i)
	copyFile(t, db, db+".old")
	i = run(t, cfg)
	current := rotate(t, i)
	stopped(i)
	copyFile(t, db, db+".new")

	copyFile(t, db+".old", db)
	if err := app.Run(t.Context(), app.Options{Config: cfg}); err == nil || !strings.Contains(err.Error(), "has gone back") || !strings.Contains(err.Error(), "jeton restore --as-is") {
		t.Errorf("got %v on an old copy, want it refused, with what to do", err)
	}
	copyFile(t, db+".new", db)
	i = run(t, cfg)
	if status, _ := get(t, i.addresses.Public, "/v1/me", bearer(current)); status != http.StatusOK {
		t.Errorf("got %d on the newer one, want 200", status)
	}
	if status, _ := get(t, i.addresses.Public, "/v1/me", bearer(old)); status != http.StatusUnauthorized {
		t.Errorf("got %d for the token that was replaced, want 401", status)
	}

	// Under the process that runs, as a script would that restores by hand.
	if err := os.Rename(db+".old", db); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		status, _ := get(t, i.addresses.Public, "/v1/me", bearer(current))
		if status == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %d for a file that was replaced while it was open, want 503", status)
		}
	}
	if status, body := get(t, i.addresses.Admin, "/readyz", nil); status != http.StatusServiceUnavailable || !strings.Contains(body, "replaced while it was open") {
		t.Errorf("got %d %s, want it to say why", status, body)
	}
	if _, metrics := get(t, i.addresses.Admin, "/metrics", nil); !strings.Contains(metrics, "jeton_feed_halted 1") {
		t.Error("the metrics don't say that the node has halted")
	}
	if !strings.Contains(i.stderr.String(), "no credential is honoured any more") {
		t.Error("the log doesn't say that the node has halted")
	}
}

// TestJournalPutAside starts a new database beside the journal of another, twice: neither of the journals that were put aside is
// lost.
func TestJournalPutAside(t *testing.T) {
	const other = "0190a8f4-0000-7000-8000-000000000001"
	data := t.TempDir()
	journal := filepath.Join(data, "revocations.journal")
	for round, line := range []string{"1 1 5 -", "1 2 6 -"} {
		for _, name := range []string{"jeton.db", "jeton.db-wal", "jeton.db-shm", "revocations.journal"} {
			_ = os.Remove(filepath.Join(data, name)) // it may not be there
		}
		write(t, journal, "jeton-journal 1 "+other+"\n"+line+"\n")
		i := run(t, configure(t, data))
		if err := i.stop(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(i.stderr.String(), "was put aside") {
			t.Errorf("round %d: the log doesn't say that a journal was put aside", round)
		}
	}
	found, err := filepath.Glob(journal + ".*")
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, strings.Split(string(text), "\n")[1])
	}
	if want := []string{"1 1 5 -", "1 2 6 -"}; !slices.Equal(kept, want) {
		t.Errorf("got %q put aside, want %q", kept, want)
	}
}
