package app_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jeton-io/jeton/internal/app"
)

// TestFilesOfRoot mends a server's database as root, in a folder that is another user's: that user can open everything after it.
// Run by anybody else, nothing changes its owner.
func TestFilesOfRoot(t *testing.T) {
	data, owner := t.TempDir(), os.Geteuid()
	i := run(t, configure(t, data))
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		owner = 54321
	}
	files := []string{"jeton.db", "jeton.db-lock", "jeton.db-reserve", "revocations.journal"}
	for _, name := range files[1:] { // as where the database alone was put back
		if err := os.Remove(filepath.Join(data, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{data, filepath.Join(data, "jeton.db")} {
		if err := os.Chown(path, owner, -1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := app.Recover(t.Context(), app.Options{Config: configure(t, data)}, "admin", "another password"); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		if of, ok := info.Sys().(*syscall.Stat_t); !ok || int(of.Uid) != owner {
			t.Errorf("%s: got owner %d, want %d", name, of.Uid, owner)
		}
	}
}

// TestAsIsBesideALog restores a database as it is beside a log that may be another's: nothing that its journal tells is enough.
// The twin has no log.
func TestAsIsBesideALog(t *testing.T) {
	for _, log := range []string{"", "what may be anything"} {
		data := t.TempDir()
		cfg := configure(t, data)
		i := run(t, cfg)
		if err := i.stop(); err != nil {
			t.Fatal(err)
		}
		if log != "" {
			write(t, filepath.Join(data, "jeton.db-wal"), log)
		}
		done, err := app.RestoreAsIs(t.Context(), app.Options{Config: cfg}, app.RestoreOptions{Journals: []string{filepath.Join(data, "revocations.journal")}})
		if err != nil || done.Whole != (log == "") || (done.Suspended > 0) != (log != "") {
			t.Errorf("beside %q: got %+v, %v, want everybody suspended: %t", log, done, err, log != "")
		}
	}
}
