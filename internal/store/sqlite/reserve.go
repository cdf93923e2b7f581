package sqlite

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
)

// reserve is a file beside the database that takes up room for nothing, so that there is some when the disk is full:
// whoever must take a token or a user away then gets it (see withdraw). Once it is spent, nothing else is written
// until it stands again, or the room would go to what is being issued meanwhile.
//
// It doesn't defend against another program that takes the freed room first. It belongs to the writer's goroutine.
type reserve struct {
	path  string
	size  int64
	now   func() time.Time
	whole bool      // the file has its size; else it is empty
	tried time.Time // when it was last tried to restore it
}

// defaultReserve is room for some thousand revocations, and for the log's pages that must get into the file before.
const defaultReserve = 8 << 20

// restoreEvery bounds how often a full disk is probed, because that fills it to the brim for a moment.
const restoreEvery = time.Second

// restore makes sure that the reserve is whole. It returns ErrStorageFull where there is no room for it. A clock that
// was set back doesn't keep it from being tried.
func (r *reserve) restore() error {
	if r.whole {
		return nil
	}
	now := r.now()
	if since := now.Sub(r.tried); since >= 0 && since < restoreEvery {
		return authority.ErrStorageFull
	}
	r.tried = now
	err := r.fill()
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", authority.ErrStorageFull, err)
	}
	r.whole = err == nil
	return err
}

// fill writes the file, or else leaves it empty. What it writes is random, lest a file system make it small.
func (r *reserve) fill() (err error) {
	f, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil || info.Size() == r.size {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := io.CopyN(f, rand.Reader, r.size); err != nil {
		return errors.Join(err, f.Truncate(0))
	}
	return nil
}

// release gives the room back and reports whether there was any. The file stays, with its mode, for restore to fill.
func (r *reserve) release() bool {
	if !r.whole {
		return false
	}
	r.whole = false
	r.tried = r.now()
	return os.Truncate(r.path, 0) == nil
}
