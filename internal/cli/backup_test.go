package cli_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/cli"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// TestProgress has a clock that goes on by some seconds each time it is asked, so that even short work is told of: on a terminal
// in one line, which is gone in the end, and elsewhere on lines of their own.
func TestProgress(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	_, stop, err := startJeton(data)
	if err == nil {
		err = stop()
	}
	if err == nil {
		err = addEvents(t, data, 3500)
	}
	passphrase := filepath.Join(t.TempDir(), "passphrase")
	if err = errors.Join(err, os.WriteFile(passphrase, []byte(canary), 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		terminal bool
		want     []string
		never    string
	}{
		"in a file":     {false, []string{"jeton: copying: 3,000 of 3,5", "jeton: verifying: 3,000 of 3,5", " rows, ", "/s (audit_event)\n"}, "\x1b"},
		"on a terminal": {true, []string{"\r\x1b[Kcopying: 3,000 of 3,5", "\r\x1b[Kverifying: 3,000 of 3,5"}, "\n"},
	} {
		now := time.Now()
		clock := func() time.Time { now = now.Add(6 * time.Second); return now }
		got := run(t, cli.Env{Now: clock, LogTerminal: tt.terminal}, "backup", "--data", data, "--out", filepath.Join(t.TempDir(), "b"), "--passphrase-file", passphrase)
		got.want(t, 0, tt.want...)
		if strings.Contains(got.stderr, tt.never) || tt.terminal && !strings.HasSuffix(got.stderr, "\r\x1b[K") {
			t.Errorf("%s: got stderr %q, want nothing of it to stay", name, got.stderr)
		}
	}
}

// addEvents adds refusals to a database that no server uses.
func addEvents(t *testing.T, data string, n int) error {
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(data, "jeton.db"), Now: time.Now})
	if err != nil {
		return err
	}
	events := make([]audit.Event, n)
	for i := range events {
		events[i] = audit.New(audit.Refused, audit.Actor{}, audit.Target{}, time.Now())
		events[i].MergeKey = fmt.Sprint(i)
	}
	return errors.Join(s.AppendRefusals(t.Context(), events), s.Close())
}
