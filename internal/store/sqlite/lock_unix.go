//go:build unix

package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// alone runs do while no other process does on the same database, by a lock on a file beside it, which ends with the process.
// Several that start at once on a new database would else run the same migration, and all but one would fail.
func alone(path string, do func() error) (err error) {
	f, err := os.OpenFile(path+"-lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return do()
		}
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
