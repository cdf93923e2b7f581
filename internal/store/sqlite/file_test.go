package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// modes returns the permissions of the database's directory and of all files in it.
func modes(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	got := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		got[d.Name()] = info.Mode().Perm()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func checkModes(t *testing.T, dir string) {
	t.Helper()
	want := map[string]fs.FileMode{filepath.Base(dir): 0o700, "jeton.db": 0o600, "jeton.db-wal": 0o600, "jeton.db-shm": 0o600, "jeton.db-reserve": 0o600, "jeton.db-lock": 0o600}
	got := modes(t, dir)
	for name, mode := range want {
		if got[name] != mode {
			t.Errorf("%s: got mode %o, want %o", name, got[name], mode)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got files %v, want those of %v", got, want)
	}
}

func TestFileModes(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // one that would let everybody in
	dir := filepath.Join(t.TempDir(), "a", "data")
	s := open(t, filepath.Join(dir, "jeton.db"))
	checkModes(t, dir)
	if got := modes(t, filepath.Dir(dir))["a"]; got != 0o700 {
		t.Errorf("the directory above: got mode %o, want 700", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// A copy restored by hand lets others read it until it is opened.
	for _, name := range []string{"jeton.db", "jeton.db-wal", "jeton.db-shm", "jeton.db-reserve", "jeton.db-lock"} {
		path := filepath.Join(dir, name)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Chmod(0o666), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	open(t, filepath.Join(dir, "jeton.db"))
	checkModes(t, dir)
}

func TestFileNames(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, path := range []string{
		"jeton.db", "./sub/jeton.db", "a b.db", "100%25.db", "q?mode=memory", "frag#ment", "k:v.db", "é漢.db", "..twodots",
		filepath.Join(dir, "absolute.db"), "/" + filepath.Join(dir, "twoslashes.db"),
	} {
		t.Run(path, func(t *testing.T) {
			first := open(t, path)
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Size() == 0 {
				t.Errorf("got %v and error %v, want the database in that file", info, err)
			}
			open(t, path)
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no database, but as long as the header of one would be, and some more of it, up to a hundred bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]sqlite.Config{
		"no path":      {Now: now},
		"no clock":     {Path: "x.db"},
		"no database":  {Path: file, Now: now},
		"no directory": {Path: filepath.Join(file, "x.db"), Now: now},
		"a directory":  {Path: t.TempDir(), Now: now},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := sqlite.Open(t.Context(), cfg); err == nil {
				t.Errorf("got no error, want one")
				_ = s.Close()
			}
		})
	}
}
