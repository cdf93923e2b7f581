package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// privateFile is a file of its user's alone on its way to its place: what is there stays until the new one is whole.
type privateFile struct {
	path string
	file *os.File // beside the path, of mode 0600
}

// newPrivateFile begins a file that is to take the place of path. A link is followed; what is no file, as a device, is
// refused: it would be replaced by one.
func newPrivateFile(path string) (*privateFile, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	// Its mode is 0600 from the beginning, whatever the umask; and in the same folder, it can be renamed in one step.
	f, err := os.CreateTemp(filepath.Dir(path), ".jeton-*")
	if err != nil {
		return nil, err
	}
	return &privateFile{path, f}, nil
}

// write puts a text into the file, and the file, once it is on the disk, into its place: after a crash there is the former or
// the new one, and never a part.
func (f *privateFile) write(text string) error {
	_, err := f.file.WriteString(text)
	if err = errors.Join(err, f.file.Sync(), f.file.Close()); err != nil {
		return err
	}
	return os.Rename(f.file.Name(), f.path)
}

// abandon removes what has not come to its place; after write, nothing is left to remove.
func (f *privateFile) abandon() {
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
}

// readPrivate reads a file that must be its user's alone. A *modeError says that it isn't.
func readPrivate(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no file", path)
	case info.Mode().Perm()&0o077 != 0:
		return "", &modeError{path, info.Mode()}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret))
	return string(b), err
}

// writePrivate writes a file that is its user's alone, in place of what is there.
func writePrivate(path, text string) error {
	file, err := newPrivateFile(path)
	if err != nil {
		return err
	}
	defer file.abandon()
	return file.write(text)
}

// modeError is the error of a file that others than its user can open.
type modeError struct {
	path string
	mode fs.FileMode
}

// Error implements error.
func (e *modeError) Error() string {
	return fmt.Sprintf("%s is open to others: its mode is %#o", e.path, e.mode.Perm())
}

// want is the mode that it should have.
func (e *modeError) want() string {
	if e.mode.IsDir() {
		return "700"
	}
	return "600"
}
