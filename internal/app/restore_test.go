package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
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

// TestRestoreSigns restores a backup without a journal: the key that signed access tokens is revoked, and the next is made when
// one is signed. The key of API tokens stays, and that of identity tokens, which have
// ended before anybody restores a backup.
func TestRestoreSigns(t *testing.T) {
	cfg, options := backedUp(t)
	former := make(map[keyring.Purpose]keyring.SigningKey)
	for _, p := range keyring.Purposes() {
		key, err := app.Sign(t.Context(), app.Options{Config: cfg}, p)
		if err != nil {
			t.Fatal(err)
		}
		former[p] = key
	}
	done, err := app.RestoreAsIs(t.Context(), app.Options{Config: cfg}, app.RestoreOptions{Report: options.Report})
	if err != nil || done.Keys != 1 {
		t.Fatalf("got %+v and error %v, want one key revoked", done.Outcome, err)
	}
	for _, p := range keyring.Purposes() {
		key, err := app.Sign(t.Context(), app.Options{Config: cfg}, p)
		if err != nil || (key.ID == former[p].ID) != (p != keyring.ForAccessTokens) {
			t.Errorf("%s: got the key %s after %s, and error %v, want another of access tokens alone", p, key.ID, former[p].ID, err)
		}
	}
}

// TestRestoreUnaware restores a backup with the journal of a node that has heard less than another: that other one refuses the
// database, and says how to do better. Its twin is restored with both journals, and so is one whose own place has the longer.
func TestRestoreUnaware(t *testing.T) {
	cfg, options := backedUp(t)
	journal := filepath.Join(cfg.Data, "revocations.journal")
	i := run(t, cfg)
	rotate(t, i)
	rotate(t, i) // the first token ended here
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short")
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	write(t, short, string(text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1]))
	for name, tt := range map[string]struct {
		journals []string
		own      bool // the longer journal lies where the restore is done
		want     error
	}{
		"the shorter journal":         {[]string{short}, false, feed.ErrUnaware},
		"both journals":               {[]string{short, journal}, false, nil},
		"the shorter beside the node": {[]string{short}, true, nil},
		"no journal":                  {nil, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			data, other := t.TempDir(), filepath.Join(t.TempDir(), "journal")
			copyFile(t, filepath.Join(cfg.Data, "master.key"), filepath.Join(data, "master.key"))
			copyFile(t, journal, other)
			if tt.own {
				copyFile(t, journal, filepath.Join(data, "revocations.journal"))
			}
			with := options
			with.Journals = tt.journals
			if _, err := app.Restore(t.Context(), app.Options{Config: configure(t, data)}, with); err != nil {
				t.Fatal(err)
			}
			for _, at := range []string{other, filepath.Join(data, "revocations.journal")} {
				cfg := configure(t, data, "--journal-file", at)
				want := tt.want
				if at != other { // it has heard of nothing else
					want = nil
				}
				if want == nil {
					if err := run(t, cfg).stop(); err != nil {
						t.Errorf("the journal %s: got error %v, want the restored database followed", at, err)
					}
					continue
				}
				if err := app.Run(t.Context(), app.Options{Config: cfg}); !errors.Is(err, want) || !strings.Contains(err.Error(), "--journal "+at) {
					t.Errorf("the journal %s: got error %v, want %v, with what to do", at, err, want)
				}
			}
			// Once more as it stands, with what is known now: it is too late to take away what was left, but for everybody.
			heard := filepath.Join(t.TempDir(), "heard") // the journal of a third node, to which the restore was a position
			write(t, heard, regexp.MustCompile(`(?m) \S+ restored .*$`).ReplaceAllString(read(t, filepath.Join(data, "revocations.journal")), " -"))
			again := app.RestoreOptions{Journals: []string{other, heard}}
			done, err := app.RestoreAsIs(t.Context(), app.Options{Config: configure(t, data, "--journal-file", filepath.Join(t.TempDir(), "new"))}, again)
			if err != nil || tt.want != nil && !strings.Contains(done.Reach.Gap, "didn't know changes") {
				t.Errorf("as it stands: got the gap %q and error %v, want what the restore before didn't know", done.Reach.Gap, err)
			}
		})
	}
}

// TestGiveUp gives up when the context has ended, as at SIGTERM: that takes its own time, which has an end, and what fails is said.
func TestGiveUp(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct{ fails, want error }{
		{nil, nil}, {fmt.Errorf("deleting: %w", archive.ErrGivenUp), nil}, {errors.New("the server is gone"), app.ErrRowsLeft},
	} {
		err := app.GiveUp(ended, func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); ctx.Err() != nil || !bounded {
				t.Errorf("got a context that ended with %v, bounded %t, want one that goes on for a while", ctx.Err(), bounded)
			}
			return tt.fails
		})
		if !errors.Is(err, tt.want) || tt.want != nil && !errors.Is(err, tt.fails) {
			t.Errorf("%v: got error %v, want %v", tt.fails, err, tt.want)
		}
	}
}
