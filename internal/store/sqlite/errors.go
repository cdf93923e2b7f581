package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/jeton-io/jeton/internal/authority"
)

// kindOf turns an error of the driver into one of the kinds that all packages inside share, by its code. What it
// doesn't know stays as it is.
func kindOf(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return authority.ErrNotFound
	}
	cause, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch code := cause.Code(); {
	case isUnique(code):
		return fmt.Errorf("%w: %w", authority.ErrConflict, err)
	case isFull(code):
		return fmt.Errorf("%w: %w", authority.ErrStorageFull, err)
	case code&0xff == codes.SQLITE_BUSY:
		return fmt.Errorf("%w: %w", authority.ErrUnavailable, err)
	}
	return err
}

// isUnique reports whether a row clashed with another. The code of a broken foreign key is not among them: a record that
// refers to nothing is a fault of ours, not a conflict that another name would resolve.
func isUnique(code int) bool {
	return code == codes.SQLITE_CONSTRAINT_UNIQUE || code == codes.SQLITE_CONSTRAINT_PRIMARYKEY || code == codes.SQLITE_CONSTRAINT_ROWID
}

// isFull reports whether there was no room. SQLite says SQLITE_FULL for ENOSPC where it writes data; making room for
// the index of the log in shared memory has a code of its own. Other failures to write stay what they are: an operator
// who is told that the disk is full looks for large files, and not at a disk that is breaking.
func isFull(code int) bool {
	return code&0xff == codes.SQLITE_FULL || code == codes.SQLITE_IOERR_SHMSIZE
}

// conflict is the error of a name, or the like, that another record has.
func conflict(field, problem, fix string) error {
	return fmt.Errorf("%w: %w", authority.ErrConflict, &authority.FieldError{Field: field, Problem: problem, Fix: fix})
}
