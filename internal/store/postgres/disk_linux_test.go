package postgres_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/test/pg"
)

// inOwnMounts is set where the test runs with mounts of its own.
const inOwnMounts = "JETON_TEST_OWN_MOUNTS"

// TestDiskFull fills a real file system of 11 MiB, on which a server has the tables and indexes of a database; its write-ahead
// log is elsewhere, as it should be. To mount one the test runs itself anew in a user namespace, where that takes no
// privilege, and as a user that PostgreSQL doesn't refuse to be.
func TestDiskFull(t *testing.T) {
	if os.Getenv(inOwnMounts) != "" {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=11m"); err != nil {
			t.Fatalf("mounting a small file system: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		diskFull(t, dir)
		return
	}
	const id, sysAdmin = 1000, 21 // CAP_SYS_ADMIN, to mount
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
	cmd.Env = append(os.Environ(), inOwnMounts+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{sysAdmin},
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a user namespace of its own, which this machine must allow: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// brim is a database on a disk that is full to the brim.
type brim struct {
	node, other *postgres.Store
	clock       *time.Time
	db          *pgx.Conn
	ballast     string // a file that takes up room
	tokens      []uuid.UUID
	sessions    []uuid.UUID
	platform    uuid.UUID // which has logged in the user of these sessions, too
	signer      string
}

func diskFull(t *testing.T, dir string) {
	d := fillDisk(t, dir)
	refused := func(when string) {
		t.Helper()
		for _, s := range []*postgres.Store{d.node, d.other} {
			if err := create(t.Context(), s, when); !errors.Is(err, authority.ErrStorageFull) {
				t.Errorf("%s: got error %v from creating, want %v", when, err, authority.ErrStorageFull)
			}
		}
	}
	d.withdraw(t, refused)
	if pages := d.reserve(t); pages != 0 {
		t.Errorf("the reserve of %d pages was not needed: this test shows nothing", pages)
	}
	if _, err := d.node.Users(t.Context(), account.Query{Limit: 10}); err != nil { // reads go on
		t.Error(err)
	}
	*d.clock = d.clock.Add(6 * time.Second)
	refused("later")
	must(t, os.Remove(d.ballast))
	*d.clock = d.clock.Add(6 * time.Second)
	for _, s := range []*postgres.Store{d.other, d.node} {
		if err := create(t.Context(), s, uuid.NewString()); err != nil {
			t.Errorf("got error %v once there was room, want none", err)
		}
	}
	if pages := d.reserve(t); pages != 1<<20/8192 {
		t.Errorf("got a reserve of %d pages once there was room, want it whole", pages)
	}
}

// fillDisk makes a database on a small disk, with what there will be to withdraw, and users until nothing more goes in.
func fillDisk(t *testing.T, dir string) *brim {
	t.Helper()
	server := pg.Start(t)
	_, err := server.SQL("postgres", `CREATE TABLESPACE small LOCATION '`+dir+`'; `)
	must(t, err)
	_, err = server.SQL("postgres", `CREATE DATABASE small TABLESPACE small`)
	must(t, err)
	clock := now()
	d := &brim{clock: &clock, ballast: filepath.Join(dir, "ballast"), db: dial(t, server.DSN("small"))}
	for _, s := range []**postgres.Store{&d.node, &d.other} {
		*s, err = postgres.Open(t.Context(), postgres.Config{DSN: server.DSN("small"), Now: func() time.Time { return *d.clock }, Reserve: 1 << 20})
		must(t, err)
		t.Cleanup(func() { must(t, (*s).Close()) })
	}
	must(t, os.WriteFile(d.ballast, make([]byte, 3<<20), 0o600))
	d.signer = signingKey(0).ID
	must(t, d.node.AddSigningKey(t.Context(), signingKey(0), "", did(audit.SigningKeyCreate, uuid.Nil)))
	for n := range 50 {
		d.sessions = append(d.sessions, logIn(t, d.node, n))
	}
	portal, err := enrol(t.Context(), d.node, "portal")
	must(t, err)
	d.platform = portal.ID
	browser, err := d.node.UserByName(t.Context(), "browser")
	must(t, err)
	for n := range 100 {
		must(t, take(t.Context(), d.node, browser.ID, d.platform, n, did(audit.SessionTokenCreate, browser.ID)))
	}
	for refusals := 0; refusals < 50; { // a page may have room for one row and none for the next
		r := user(fmt.Sprint("u", len(d.tokens)))
		err := d.node.CreateUser(t.Context(), r, "", did(audit.UserCreate, r.ID))
		if err == nil {
			err = d.node.PutPersonalToken(t.Context(), r.ID, digestOf(len(d.tokens)), did(audit.PersonalTokenRotate, r.ID))
		}
		switch {
		case err == nil:
			d.tokens, refusals = append(d.tokens, r.ID), 0
		case errors.Is(err, authority.ErrStorageFull), errors.Is(err, authority.ErrConflict): // one whose token didn't fit
			refusals++
		default:
			t.Fatalf("got error %v after %d tokens, want %v", err, len(d.tokens), authority.ErrStorageFull)
		}
	}
	if d.reserve(t) == 0 {
		t.Fatal("the reserve is spent before anything was withdrawn")
	}
	return d
}

// withdraw takes away what there is, each of which is there before and not after.
func (d *brim) withdraw(t *testing.T, refused func(when string)) {
	t.Helper()
	revoked := 0
	for n, id := range d.tokens[:min(300, len(d.tokens))] {
		must(t, found(d.node.FindPersonalToken(t.Context(), []keyring.Digest{digestOf(n)})))
		if err := d.node.RevokePersonalToken(t.Context(), id, did(audit.PersonalTokenRevoke, id)); err != nil {
			t.Fatalf("token %d: got error %v from revoking, want none", n, err)
		}
		if err := found(d.node.FindPersonalToken(t.Context(), []keyring.Digest{digestOf(n)})); !errors.Is(err, authority.ErrNotFound) {
			t.Fatalf("token %d, after it was revoked: got error %v, want %v", n, err, authority.ErrNotFound)
		}
		revoked++
		if n%6 == 0 {
			must(t, d.other.EndBrowserSession(t.Context(), d.sessions[n/6], did(audit.SessionEnd, d.sessions[n/6])))
		}
		if n%50 == 49 {
			next := signingKey(byte(n/50 + 1))
			must(t, d.node.RevokeSigningKey(t.Context(), d.signer, next, did(audit.SigningKeyRevoke, uuid.Nil)))
			d.signer = next.ID
		}
		if n%20 == 0 && d.reserve(t) == 0 {
			refused("with the reserve spent")
		}
	}
	d.silence(t)
	t.Logf("%d tokens were issued, then %d revoked and %d sessions ended on the full disk", len(d.tokens), revoked, len(d.sessions))
}

// silence ends a session token, disables the platform that got the others, deletes its key and itself, and ends what is left.
func (d *brim) silence(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	first, err := d.node.SessionTokenByDigest(ctx, []keyring.Digest{digestOf(0)})
	must(t, err)
	p, err := d.node.Platform(ctx, d.platform)
	must(t, err)
	keys, err := d.node.PlatformKeys(ctx, d.platform)
	must(t, err)
	p.Enabled = false
	for what, err := range map[string]error{
		"ending a token":       d.node.EndSessionToken(ctx, first.UserID, first.ID, did(audit.SessionTokenEnd, first.ID)),
		"disabling a platform": d.other.UpdatePlatform(ctx, platform.Change{Platform: p, EndSessions: true}, p.Name, did(audit.PlatformUpdate, p.ID)),
		"deleting a key":       d.node.DeletePlatformKey(ctx, p.ID, keys[0].ID, did(audit.PlatformKeyDelete, p.ID)),
		"deleting a platform":  d.other.DeletePlatform(ctx, p.ID, did(audit.PlatformDelete, p.ID)),
		"ending all sessions":  d.node.EndSessions(ctx, first.UserID, did(audit.SessionsEnd, first.UserID)),
	} {
		if err != nil {
			t.Errorf("%s on the full disk: got error %v, want none", what, err)
		}
	}
	if lasting, err := d.node.SessionTokens(ctx, first.UserID, now()); err != nil || len(lasting) != 0 {
		t.Errorf("got %d session tokens that last and error %v, want none", len(lasting), err)
	}
}

// reserve returns how many pages the reserve has.
func (d *brim) reserve(t *testing.T) (pages int) {
	t.Helper()
	must(t, d.db.QueryRow(t.Context(), `SELECT pg_relation_size('reserve') / 8192`).Scan(&pages))
	return pages
}

// found is the error of a look-up.
func found[T any](_ T, err error) error { return err }

// logIn begins the n-th session of the user "browser", who is made with the first.
func logIn(t *testing.T, s *postgres.Store, n int) uuid.UUID {
	t.Helper()
	if n == 0 {
		must(t, create(t.Context(), s, "browser"))
	}
	u, err := s.UserByName(t.Context(), "browser")
	must(t, err)
	must(t, begin(t.Context(), s, u.ID, 1_000_000+n, uuid.Nil, did(audit.SessionBegin, u.ID)))
	b, err := s.BrowserSessionByDigest(t.Context(), authority.APISession, []keyring.Digest{digestOf(-2*(1_000_000+n) - 3)})
	must(t, err)
	return b.ID
}

// signingKey returns the n-th signing key, of the size of RSA's.
func signingKey(n byte) keyring.WrappedSigningKey {
	return keyring.WrappedSigningKey{
		ID: strings.Repeat("0", 21) + string('0'+n), Purpose: keyring.ForAPITokens, Algorithm: jose.RS256, Wrapped: make([]byte, 1300),
		CreatedAt: now().Add(time.Duration(n) * time.Second),
	}
}
