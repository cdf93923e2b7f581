package archive

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/jeton-io/jeton/internal/secret"
)

// Output says how a file is to be written.
type Output struct {
	Path       string
	Replace    bool // a file that is there already
	Recipients Recipients
	Key        secret.Text // seals the archive
	Report     func(Progress)
}

// Written is what was written, and read back.
type Written struct {
	Sums  []Sum
	Bytes int64 // of the file
}

// WriteFile writes the records of a source into a file. It is written beside its place, with the mode 0600, and comes there
// once it is on the disk and was read back whole: whatever goes wrong before leaves what was there.
func WriteFile(ctx context.Context, from Source, out Output) (w Written, err error) {
	switch info, err := os.Lstat(out.Path); {
	case err == nil && !out.Replace:
		return w, fmt.Errorf("writing %s: %w", out.Path, fs.ErrExist)
	case err == nil && !info.Mode().IsRegular(): // a device, say, which would be replaced by a file
		return w, fmt.Errorf("writing %s: it is no file, and only a file is replaced", out.Path)
	}
	recipients, identity, err := out.Recipients.prepare()
	if err != nil {
		return w, err
	}
	f, err := os.CreateTemp(filepath.Dir(out.Path), ".new-*") // its mode is 0600 whatever the umask
	if err != nil {
		return w, fmt.Errorf("making a file beside %s: %w", out.Path, err)
	}
	defer func() { // after place, there is nothing left to remove
		if removeErr := os.Remove(f.Name()); err == nil && removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
			err = removeErr
		}
	}()
	written, err := fill(ctx, from, f, recipients, &out)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return w, fmt.Errorf("writing beside %s: %w", out.Path, err)
	}
	if w, err = verify(ctx, f.Name(), identity, &out); err == nil {
		err = Compare(written, w.Sums)
	}
	if err != nil {
		return Written{}, fmt.Errorf("reading back what was written beside %s: %w", out.Path, err)
	}
	return w, place(f.Name(), out.Path, out.Replace)
}

// fill writes a whole archive.
func fill(ctx context.Context, from Source, to io.Writer, recipients []age.Recipient, out *Output) ([]Sum, error) {
	buffered := bufio.NewWriterSize(to, 256<<10)
	sealed, err := age.Encrypt(buffered, recipients...)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	// The server's cores have other things to do: the best compression takes more than three times as long, for a tenth less.
	packed, err := gzip.NewWriterLevel(sealed, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := NewWriter(packed, out.Key)
	if err := Copy(ctx, from, w, out.Report); err != nil {
		return nil, err
	}
	err = errors.Join(w.Finish(), packed.Close(), sealed.Close(), buffered.Flush())
	return w.Sums(), err
}

// verify reads a whole archive.
func verify(ctx context.Context, path string, identity age.Identity, out *Output) (w Written, err error) {
	in, err := open(path, []age.Identity{identity}, out.Key)
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.file.Stat()
	if err != nil {
		return w, err
	}
	w.Bytes = info.Size()
	w.Sums, err = Sums(ctx, in, out.Report)
	return w, err
}

// place gives a file its name. Where nothing may be replaced, the link fails if something has come there meanwhile; what
// can't be linked, as on some networks, is renamed.
func place(from, to string, replace bool) error {
	if !replace {
		err := os.Link(from, to)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return errors.Join(err, syncDir(to))
		}
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("naming the archive: %w", err)
	}
	return syncDir(to)
}

// syncDir has the name of a file on the disk, too.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("syncing the folder of %s: %w", path, err)
	}
	if err = errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("syncing the folder of %s: %w", path, err)
	}
	return nil
}

// File is an archive in a file. It is a Source, read once.
type File struct {
	*Reader
	file *os.File
}

// Open opens a file and reads the head of the archive in it. The seal is compared under the key when its end is read. It
// returns ErrLocked where the identities don't open it.
func Open(path string, by Identities, key secret.Text) (*File, error) {
	identities, err := by.parse()
	if err != nil {
		return nil, err
	}
	return open(path, identities, key)
}

func open(path string, identities []age.Identity, key secret.Text) (_ *File, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	plain, err := decrypt(f, identities)
	if err != nil {
		return nil, err
	}
	packed, err := gzip.NewReader(damaging{plain})
	if err != nil {
		return nil, damage(err)
	}
	r, err := NewReader(damaging{packed}, key)
	return &File{r, f}, err
}

// Close implements Source.
func (f *File) Close() error { return f.file.Close() }
