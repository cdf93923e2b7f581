package app_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// backedUp returns the configuration of a stopped Jeton with one user, and what restores its backup.
func backedUp(t *testing.T) (config.Config, app.RestoreOptions) {
	t.Helper()
	data, password := t.TempDir(), filepath.Join(t.TempDir(), "password")
	write(t, password, "correct horse battery")
	cfg := configure(t, data, "--admin-password-file", password)
	if err := run(t, cfg).stop(); err != nil {
		t.Fatal(err)
	}
	identity := newIdentity(t)
	file := filepath.Join(t.TempDir(), "backup")
	if _, err := app.Backup(t.Context(), app.Options{Config: cfg}, app.BackupOptions{Out: file, Recipients: []string{identity.Recipient().String()}}); err != nil {
		t.Fatal(err)
	}
	return cfg, app.RestoreOptions{In: file, Identities: client.Secret(identity.String())}
}

// TestRestoreSpares has a database come to its place while a backup is restored to it, as from a server that was started too
// early: it stays what it is. Its twins have no records, and make room, before and meanwhile.
func TestRestoreSpares(t *testing.T) {
	cfg, options := backedUp(t)
	for name, tt := range map[string]struct {
		come func(t *testing.T, db string)
		want error
	}{
		"records": {func(t *testing.T, db string) { copyFile(t, filepath.Join(cfg.Data, "jeton.db"), db) }, app.ErrNotEmpty},
		"nothing": {func(t *testing.T, db string) { write(t, db, "") }, nil},
		"tables that were never used": {func(t *testing.T, db string) {
			target, err := sqlite.OpenTarget(t.Context(), db, 6, "token")
			if err != nil {
				t.Fatal(err)
			}
			if err := target.Close(); err != nil {
				t.Fatal(err)
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			db := filepath.Join(data, "jeton.db")
			copyFile(t, filepath.Join(cfg.Data, "master.key"), filepath.Join(data, "master.key"))
			if tt.want == nil {
				tt.come(t, db)
			}
			came := 0
			options.Report = func(p app.Progress) {
				if p.Doing == "copying" {
					came++
					tt.come(t, db)
				}
			}
			o := app.Options{Config: configure(t, data)}
			if _, err := app.Restore(t.Context(), o, options); !errors.Is(err, tt.want) || came != 1 {
				t.Errorf("got error %v, and the other database came %d times, want %v and once", err, came, tt.want)
			}
			if _, err := os.Stat(db + ".restoring"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("got %v for what was loaded beside the place, want it gone", err)
			}
			again := app.BackupOptions{Out: filepath.Join(data, "again"), Recipients: []string{newIdentity(t).Recipient().String()}}
			if _, err := app.Backup(t.Context(), o, again); err != nil {
				t.Errorf("what is there afterwards can't be backed up: %v", err)
			}
		})
	}
}
