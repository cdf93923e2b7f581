package archive_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/secret"
)

// owner is somebody to whom files are encrypted.
func owner(t testing.TB) (recipient string, by archive.Identities) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	text := "# the key of a test\n" + identity.String() + "\n"
	return identity.Recipient().String(), archive.Identities{Keys: secret.Text(text)}
}

func hybrid(t testing.TB) (recipient string, by archive.Identities) {
	t.Helper()
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return identity.Recipient().String(), archive.Identities{Keys: secret.Text(identity.String())}
}

// write writes the sample into a new file for the recipients.
func write(t testing.TB, recipients archive.Recipients) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jeton.backup")
	w, err := archive.WriteFile(t.Context(), sample(), archive.Output{Path: path, Recipients: recipients, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sums(t, sample()), w.Sums); diff != "" {
		t.Errorf("other sums than the source's (-source +written):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != w.Bytes || w.Bytes == 0 {
		t.Errorf("got a file %v and error %v, want one of %d bytes", info, err, w.Bytes)
	}
	return path
}

// sumsOf reads a file to its end.
func sumsOf(t testing.TB, path string, by archive.Identities, key secret.Text) ([]archive.Sum, error) {
	t.Helper()
	f, err := archive.Open(path, by, key)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	return archive.Sums(t.Context(), f, nil)
}

func TestFileOpens(t *testing.T) {
	alice, byAlice := owner(t)
	bob, byBob := owner(t)
	future, byFuture := hybrid(t)
	passphrase := archive.Identities{Passphrase: "correct horse battery"}
	both := archive.Identities{Keys: byAlice.Keys + byBob.Keys}
	for name, tt := range map[string]struct {
		to   archive.Recipients
		by   archive.Identities
		key  secret.Text
		want error
	}{
		"its recipient":                 {archive.Recipients{Keys: []string{alice}}, byAlice, key, nil},
		"somebody else":                 {archive.Recipients{Keys: []string{alice}}, byBob, key, archive.ErrLocked},
		"one of two recipients":         {archive.Recipients{Keys: []string{alice, bob}}, byBob, key, nil},
		"one of two identities":         {archive.Recipients{Keys: []string{bob}}, both, key, nil},
		"a passphrase for a recipient":  {archive.Recipients{Keys: []string{alice}}, passphrase, key, archive.ErrLocked},
		"its passphrase":                {archive.Recipients{Passphrase: "correct horse battery"}, passphrase, key, nil},
		"another passphrase":            {archive.Recipients{Passphrase: "correct horse batterz"}, passphrase, key, archive.ErrLocked},
		"an identity for a passphrase":  {archive.Recipients{Passphrase: "correct horse battery"}, byAlice, key, archive.ErrLocked},
		"its recipient of another form": {archive.Recipients{Keys: []string{future}}, byFuture, key, nil},
		"another master key":            {archive.Recipients{Keys: []string{alice}}, byAlice, "another", archive.ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := sumsOf(t, write(t, tt.to), tt.by, tt.key)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got error %v, want %v", err, tt.want)
			}
			if err == nil && archive.Compare(sums(t, sample()), got) != nil {
				t.Error("got other records than were written")
			}
		})
	}
}

// TestFileDamaged alters every byte of a file, one after the other, and cuts it everywhere.
func TestFileDamaged(t *testing.T) {
	recipient, by := owner(t)
	path := write(t, archive.Recipients{Keys: []string{recipient}})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, at int, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := sumsOf(t, path, by, key)
		if !errors.Is(err, archive.ErrDamaged) && !errors.Is(err, archive.ErrForeign) && !errors.Is(err, archive.ErrLocked) {
			t.Errorf("%s at byte %d of %d: got error %v, want it refused", what, at, len(whole), err)
		}
	}
	for i := range whole {
		altered := bytes.Clone(whole)
		altered[i] ^= 1
		refused("altered", i, altered)
		refused("cut", i, whole[:i])
	}
	refused("something after it", len(whole), append(bytes.Clone(whole), 0))
	refused("another after it", len(whole), append(bytes.Clone(whole), whole...))
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sumsOf(t, path, by, key); err != nil {
		t.Errorf("got error %v for the file as it was, want none", err)
	}
}

// TestFileForeign has files that age has encrypted, or not, and that hold something else.
func TestFileForeign(t *testing.T) {
	recipient, by := owner(t)
	parsed, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		t.Fatal(err)
	}
	packed := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(text))
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	encrypted := func(text string) string {
		var b bytes.Buffer
		w, err := age.Encrypt(&b, parsed)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	archived := written(t, sample())
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"what is written":           {encrypted(packed(archived)), nil},
		"nothing":                   {"", archive.ErrForeign},
		"a text":                    {"Dear diary,\n", archive.ErrForeign},
		"a database":                {"SQLite format 3\x00", archive.ErrForeign},
		"an archive in the clear":   {archived, archive.ErrForeign},
		"one that is only packed":   {packed(archived), archive.ErrForeign},
		"one that isn't packed":     {encrypted(archived), archive.ErrDamaged},
		"something else, encrypted": {encrypted(packed("Dear diary,\n")), archive.ErrForeign},
		"nothing, encrypted":        {encrypted(""), archive.ErrDamaged},
		"two archives":              {encrypted(packed(archived) + packed(archived)), archive.ErrDamaged},
		"something after the pack":  {encrypted(packed(archived) + "x"), archive.ErrDamaged},
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sumsOf(t, path, by, key); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: got error %v, want %v", name, err, tt.want)
		}
	}
	if _, err := archive.Open(filepath.Join(t.TempDir(), "missing"), by, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got error %v for a missing file, want %v", err, fs.ErrNotExist)
	}
}

// TestWriteFileAllOrNothing fails at each step: what was there stays, and nothing else is left.
func TestWriteFileAllOrNothing(t *testing.T) {
	recipient, _ := owner(t)
	failing := sample()
	failing.failAfter = 1
	short := sample()
	short.rows["user"] = short.rows["user"][:1] // fewer than the table is said to have
	odd := sample()
	odd.rows["user"][0] = archive.Row{1.5}
	for name, tt := range map[string]struct {
		from    *memory
		to      archive.Recipients
		replace bool
		want    bool
	}{
		"a file in its place":           {sample(), archive.Recipients{Keys: []string{recipient}}, false, false},
		"the same, to be replaced":      {sample(), archive.Recipients{Keys: []string{recipient}}, true, true},
		"a source that fails":           {failing, archive.Recipients{Keys: []string{recipient}}, true, false},
		"a source that loses rows":      {short, archive.Recipients{Keys: []string{recipient}}, true, false},
		"a value that no archive holds": {odd, archive.Recipients{Keys: []string{recipient}}, true, false},
		"nobody who can open it":        {sample(), archive.Recipients{}, true, false},
		"recipient and passphrase":      {sample(), archive.Recipients{Keys: []string{recipient}, Passphrase: "p"}, true, false},
		"no recipient at all":           {sample(), archive.Recipients{Keys: []string{"alice"}}, true, false},
	} {
		path := filepath.Join(t.TempDir(), "jeton.backup")
		if err := os.WriteFile(path, []byte("former"), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := archive.WriteFile(t.Context(), tt.from, archive.Output{Path: path, Replace: tt.replace, Recipients: tt.to, Key: key})
		text, readErr := os.ReadFile(path)
		if (err == nil) != tt.want || readErr != nil || (string(text) != "former") != tt.want {
			t.Errorf("%s: got error %v, and a file of %d bytes, want a new one %t", name, err, len(text), tt.want)
		}
		left, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(left) != 1 {
			t.Errorf("%s: got %v left in the folder, want the file alone", name, left)
		}
	}
}

// TestWriteFileReplacesFilesAlone names what isn't one: a device, above all, would be a file from then on. The twin is above.
func TestWriteFileReplacesFilesAlone(t *testing.T) {
	recipient, _ := owner(t)
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink(pipe, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link, dir} {
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = archive.WriteFile(t.Context(), sample(), archive.Output{Path: path, Replace: true, Recipients: archive.Recipients{Keys: []string{recipient}}, Key: key})
		if after, statErr := os.Lstat(path); err == nil || statErr != nil || after.Mode() != before.Mode() {
			t.Errorf("%s: got error %v, and %v in its place, want %v", path, err, after, before.Mode())
		}
	}
}

// TestWriteFileIsPrivate has a umask that keeps nobody out.
func TestWriteFileIsPrivate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	recipient, _ := owner(t)
	path := write(t, archive.Recipients{Keys: []string{recipient}})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want the mode 0600", info.Mode(), err)
	}
}

// TestSecretsAreNotRepeated gives secrets where they don't belong, or that can't be read.
func TestSecretsAreNotRepeated(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipient, _ := owner(t)
	other, _ := hybrid(t)
	out := func(keys ...string) error {
		_, err := archive.WriteFile(t.Context(), sample(), archive.Output{Path: filepath.Join(t.TempDir(), "b"), Recipients: archive.Recipients{Keys: keys}, Key: key})
		return err
	}
	in := func(keys string) error {
		_, err := archive.Open("missing", archive.Identities{Keys: secret.Text(keys)}, key)
		return err
	}
	cut := identity.String()[:40]
	for name, err := range map[string]error{
		"an identity as recipient":  out(identity.String()),
		"two forms of recipients":   out(recipient, other),
		"half an identity":          in(cut),
		"an identity and a mistake": in(identity.String() + "\n" + cut + "\n"),
		"no identity":               in("# nothing\n"),
		"neither":                   in(""),
	} {
		if err == nil || strings.Contains(err.Error(), cut[:20]) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got error %v, want one that shows nothing", name, err)
		}
	}
}
