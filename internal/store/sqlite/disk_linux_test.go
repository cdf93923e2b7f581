package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// inOwnMounts is set where the test runs with mounts of its own.
const inOwnMounts = "JETON_TEST_OWN_MOUNTS"

// TestDiskFull fills a real file system of 13 MiB. To mount one it runs itself anew in a user namespace, where that
// takes no privilege.
func TestDiskFull(t *testing.T) {
	if os.Getenv(inOwnMounts) != "" {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=13m"); err != nil {
			t.Fatalf("mounting a small file system: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		diskFull(t, dir)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
	cmd.Env = append(os.Environ(), inOwnMounts+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a user namespace of its own, which this machine must allow: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func diskFull(t *testing.T, dir string) {
	clock := now()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "jeton.db"), Now: func() time.Time { return clock }, Reserve: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := create(t.Context(), s, "browser"); err != nil {
		t.Fatal(err)
	}
	sessions := make([]uuid.UUID, 100)
	for n := range sessions {
		sessions[n] = logIn(t, s, n)
	}
	spoken := speak(t, s)
	signer := signingKey(0)
	if err := s.AddSigningKey(t.Context(), signer, "", audit.New(audit.SigningKeyCreate, audit.Actor{}, audit.Target{}, now())); err != nil {
		t.Fatal(err)
	}
	made := 0
	for err = nil; err == nil; made++ {
		if err = create(t.Context(), s, fmt.Sprint("u", made)); err == nil {
			err = putToken(t, s, made)
		}
	}
	made-- // the last has no token, or isn't there
	if !errors.Is(err, authority.ErrStorageFull) {
		t.Fatalf("got error %v after %d tokens, want %v", err, made, authority.ErrStorageFull)
	}
	reserve := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "jeton.db-reserve"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	refused := func(when string) {
		t.Helper()
		if err := create(t.Context(), s, when); !errors.Is(err, authority.ErrStorageFull) {
			t.Errorf("%s: got error %v from creating, want %v", when, err, authority.ErrStorageFull)
		}
	}
	revoked := revokeTogether(t, s, min(made, 128))
	for ; revoked < min(made, 500); revoked++ {
		revokeToken(t, s, revoked)
		if revoked%5 == 4 {
			logOut(t, s, revoked/5, sessions[revoked/5])
		}
		if revoked%60 == 59 {
			signer = replaceSigningKey(t, s, signer.ID, signingKey(byte(revoked/60+1)))
		}
		if reserve() == 0 { // else there was still some room
			refused("with the reserve spent")
		}
	}
	t.Logf("%d tokens were issued, then %d revoked and %d sessions ended on the full disk", made, revoked, revoked/5)
	silence(t, s, spoken)
	if reserve() != 0 {
		t.Error("the reserve was not needed: this test shows nothing")
	}

	clock = clock.Add(2 * time.Second)
	refused("later")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(2 * time.Second)
	if err := create(t.Context(), s, "with room"); err != nil {
		t.Errorf("got error %v once there was room, want none", err)
	}
	if got := reserve(); got != 4<<20 {
		t.Errorf("got a reserve of %d bytes once there was room, want it whole", got)
	}
}

// revokeToken ends the n-th user's token, which is found before and not after.
func revokeToken(t *testing.T, s *sqlite.Store, n int) {
	t.Helper()
	u, err := s.UserByName(t.Context(), fmt.Sprint("u", n))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.FindPersonalToken(t.Context(), []keyring.Digest{digestOf(n)}); err != nil {
		t.Fatalf("token %d, before it was revoked: got error %v, want none", n, err)
	}
	ev := audit.New(audit.PersonalTokenRevoke, audit.Actor{}, audit.Target{Kind: "personal_token", ID: u.ID}, now())
	if err := s.RevokePersonalToken(t.Context(), u.ID, ev); err != nil {
		t.Fatalf("token %d: got error %v from revoking, want none", n, err)
	}
	if _, err := s.FindPersonalToken(t.Context(), []keyring.Digest{digestOf(n)}); !errors.Is(err, authority.ErrNotFound) {
		t.Fatalf("token %d, after it was revoked: got error %v, want %v", n, err, authority.ErrNotFound)
	}
}

// revokeTogether ends the tokens of the first users all at once, while as many others ask for new ones: whoever came to share a
// transaction with somebody for whom there is no room.
func revokeTogether(t *testing.T, s *sqlite.Store, n int) int {
	t.Helper()
	revoked, issued := make([]error, n), make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		u, err := s.UserByName(t.Context(), fmt.Sprint("u", i))
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			ev := audit.New(audit.PersonalTokenRevoke, audit.Actor{}, audit.Target{Kind: "personal_token", ID: u.ID}, now())
			revoked[i] = s.RevokePersonalToken(t.Context(), u.ID, ev)
		})
		group.Go(func() { issued[i] = create(t.Context(), s, fmt.Sprint("together", i)) })
	}
	group.Wait()
	for i := range n {
		if revoked[i] != nil {
			t.Errorf("token %d, among others: got error %v from revoking, want none", i, revoked[i])
		}
		if _, err := s.FindPersonalToken(t.Context(), []keyring.Digest{digestOf(i)}); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("token %d, revoked among others: got error %v, want %v", i, err, authority.ErrNotFound)
		}
		if err := issued[i]; err != nil && !errors.Is(err, authority.ErrStorageFull) {
			t.Errorf("user %d, made among others: got error %v, want none or %v", i, err, authority.ErrStorageFull)
		}
		if exists(t, s, fmt.Sprint("together", i)) != (issued[i] == nil) {
			t.Errorf("user %d, made among others, got error %v, and is there: %t", i, issued[i], issued[i] != nil)
		}
	}
	return n
}

// replaceSigningKey revokes a key, has another of the size of RSA in its place, and returns that.
func replaceSigningKey(t *testing.T, s *sqlite.Store, kid string, successor keyring.WrappedSigningKey) keyring.WrappedSigningKey {
	t.Helper()
	successor.Wrapped = make([]byte, 1300)
	ev := audit.New(audit.SigningKeyRevoke, audit.Actor{}, audit.Target{}, now())
	if err := s.RevokeSigningKey(t.Context(), kid, successor, ev); err != nil {
		t.Fatalf("signing key %s: got error %v from revoking, want none", kid, err)
	}
	return successor
}

// logIn begins the n-th session of the user "browser".
func logIn(t *testing.T, s *sqlite.Store, n int) uuid.UUID {
	t.Helper()
	u, err := s.UserByName(t.Context(), "browser")
	if err != nil {
		t.Fatal(err)
	}
	b := session.Session{ID: uuid.Must(uuid.NewV7()), UserID: u.ID, CreatedAt: now(), LastUsedAt: now(), ExpiresAt: now().Add(time.Hour)}
	ev := audit.New(audit.SessionBegin, audit.Actor{}, audit.Target{Kind: "browser_session", ID: b.ID}, now())
	if err := s.CreateBrowserSession(t.Context(), b, session.Digests{Console: digestOf(2 * n), API: digestOf(2*n + 1)}, uuid.Nil, ev); err != nil {
		t.Fatal(err)
	}
	return b.ID
}

// logOut ends the n-th session, which lasts before and not after.
func logOut(t *testing.T, s *sqlite.Store, n int, id uuid.UUID) {
	t.Helper()
	check := func(when string, ended bool) {
		t.Helper()
		b, err := s.BrowserSessionByDigest(t.Context(), authority.APISession, []keyring.Digest{digestOf(2*n + 1)})
		if err != nil || b.ID != id || b.EndedAt.IsZero() == ended {
			t.Fatalf("session %d, %s it was ended: got %+v and error %v, want it ended: %t", n, when, b, err, ended)
		}
	}
	check("before", false)
	ev := audit.New(audit.SessionEnd, audit.Actor{}, audit.Target{Kind: "browser_session", ID: id}, now())
	if err := s.EndBrowserSession(t.Context(), id, ev); err != nil {
		t.Fatalf("session %d: got error %v from logging out, want none", n, err)
	}
	check("after", true)
}

// speak has two platforms log the user "browser" in, each a hundred times, and returns the tokens.
func speak(t *testing.T, s *sqlite.Store) (tokens []session.Token) {
	t.Helper()
	u, err := s.UserByName(t.Context(), "browser")
	if err != nil {
		t.Fatal(err)
	}
	ev := func() audit.Event { return audit.New(audit.SessionTokenCreate, audit.Actor{}, audit.Target{}, now()) }
	for n := range 2 {
		p := portal()
		p.ID, p.Code, p.Name, p.Issuer = uuid.New(), fmt.Sprint("code000", n), fmt.Sprint("portal", n), ""
		key := platform.Key{ID: uuid.New(), PlatformID: p.ID, Algorithm: jose.RS512, PublicKey: "PEM of " + p.Name, CreatedAt: now()}
		if err := s.AddPlatform(t.Context(), p, p.Name, key, ev()); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			token := session.Token{ID: uuid.Must(uuid.NewV7()), UserID: u.ID, PlatformID: p.ID, CreatedAt: now(), ExpiresAt: now().Add(time.Hour), Pepper: 1}
			if err := s.CreateSessionToken(t.Context(), token, digestOf(100*n+i), ev()); err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// silence ends a session token, disables the platform of others, deletes the second's key and the second itself, and ends all
// sessions of the user: none of the tokens lasts.
func silence(t *testing.T, s *sqlite.Store, tokens []session.Token) {
	t.Helper()
	ctx, ev := t.Context(), audit.New(audit.PlatformUpdate, audit.Actor{}, audit.Target{}, now())
	event := func() audit.Event {
		ev.ID = uuid.New()
		return ev
	}
	first, last := tokens[0], tokens[len(tokens)-1]
	p, err := s.Platform(ctx, first.PlatformID)
	if err != nil {
		t.Fatal(err)
	}
	p.Enabled = false
	keys, err := s.PlatformKeys(ctx, last.PlatformID)
	if err != nil || len(keys) != 1 {
		t.Fatalf("got the keys %+v and error %v, want one", keys, err)
	}
	for what, err := range map[string]error{
		"ending a token":       s.EndSessionToken(ctx, first.UserID, first.ID, event()),
		"disabling a platform": s.UpdatePlatform(ctx, platform.Change{Platform: p, EndSessions: true}, p.Name, event()),
		"deleting a key":       s.DeletePlatformKey(ctx, last.PlatformID, keys[0].ID, event()),
		"deleting a platform":  s.DeletePlatform(ctx, last.PlatformID, event()),
		"ending all sessions":  s.EndSessions(ctx, first.UserID, event()),
	} {
		if err != nil {
			t.Errorf("%s on the full disk: got error %v, want none", what, err)
		}
	}
	if lasting, err := s.SessionTokens(ctx, first.UserID, now()); err != nil || len(lasting) != 0 {
		t.Errorf("got %d session tokens that last and error %v, want none", len(lasting), err)
	}
}

// putToken gives the n-th user the n-th token.
func putToken(t *testing.T, s *sqlite.Store, n int) error {
	t.Helper()
	u, err := s.UserByName(t.Context(), fmt.Sprint("u", n))
	if err != nil {
		return err
	}
	ev := audit.New(audit.PersonalTokenRotate, audit.Actor{}, audit.Target{Kind: "personal_token", ID: u.ID}, now())
	return s.PutPersonalToken(t.Context(), u.ID, digestOf(n), ev)
}
