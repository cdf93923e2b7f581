package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// inOwnMounts is set where the test runs with mounts of its own.
const inOwnMounts = "JETON_TEST_OWN_MOUNTS"

// TestDiskFull fills a real file system of 8 MiB. To mount one it runs itself anew in a user namespace, where that
// takes no privilege.
func TestDiskFull(t *testing.T) {
	if os.Getenv(inOwnMounts) != "" {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
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
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "jeton.db"), Now: func() time.Time { return clock }, Reserve: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	made := 0
	for err = nil; err == nil; made++ {
		if err = create(t.Context(), s, fmt.Sprint("u", made)); err == nil {
			err = putToken(t, s, made)
		}
	}
	made-- // the last has no token, or isn't there
	refused := func(when string) {
		t.Helper()
		if err := create(t.Context(), s, "more"); !errors.Is(err, authority.ErrStorageFull) {
			t.Errorf("%s: got error %v from creating, want %v", when, err, authority.ErrStorageFull)
		}
	}
	refused("full")

	revoked := 0
	for ; revoked < min(made, 500); revoked++ {
		u, err := s.UserByName(t.Context(), fmt.Sprint("u", revoked))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.PersonalTokenByDigest(t.Context(), []keyring.Digest{digestOf(revoked)}); err != nil {
			t.Fatalf("token %d, before it was revoked: got error %v, want none", revoked, err)
		}
		ev := audit.New(audit.PersonalTokenRevoke, audit.Actor{}, audit.Target{Kind: "personal_token", ID: u.ID}, now())
		if err := s.RevokePersonalToken(t.Context(), u.ID, now(), ev); err != nil {
			t.Fatalf("token %d of %d: got error %v from revoking, want none", revoked, made, err)
		}
		if _, err := s.PersonalTokenByDigest(t.Context(), []keyring.Digest{digestOf(revoked)}); !errors.Is(err, authority.ErrNotFound) {
			t.Fatalf("token %d, after it was revoked: got error %v, want %v", revoked, err, authority.ErrNotFound)
		}
		refused("with the reserve spent")
	}
	t.Logf("%d tokens were issued, then %d revoked on the full disk", made, revoked)

	clock = clock.Add(2 * time.Second)
	refused("later")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(2 * time.Second)
	if err := create(t.Context(), s, "more"); err != nil {
		t.Errorf("got error %v once there was room, want none", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "jeton.db-reserve")); err != nil || info.Size() != 1<<20 {
		t.Errorf("the reserve was not restored: %v, %v", info, err)
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
	return s.PutPersonalToken(t.Context(), u.ID, digestOf(n), now(), ev)
}
