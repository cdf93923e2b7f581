package postgres

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jeton-io/jeton/internal/authority"
)

// ErrOutcomeUnknown says that the connection broke while a change was being committed: it was made or it wasn't. Nothing
// else that this package returns leaves that open.
var ErrOutcomeUnknown = errors.New("the connection to the database broke while committing: look whether the change was made")

// The SQLSTATEs that mean something here. See PostgreSQL's appendix A.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	diskFull             = "53100"
	outOfMemory          = "53200"
	tooManyConnections   = "53300"
	lockNotAvailable     = "55P03"
	queryCanceled        = "57014" // by statement_timeout
)

// kindOf turns an error of the driver into one of the kinds that all packages inside share, by its code. What it doesn't
// know stays as it is.
func kindOf(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return authority.ErrNotFound
	}
	switch codeOf(err) {
	case uniqueViolation:
		return fmt.Errorf("%w: %w", authority.ErrConflict, err)
	case diskFull:
		return fmt.Errorf("%w: %w", authority.ErrStorageFull, err)
	case serializationFailure, deadlockDetected, outOfMemory, tooManyConnections, lockNotAvailable, queryCanceled:
		return fmt.Errorf("%w: %w", authority.ErrUnavailable, err)
	}
	if isLost(err) && !errors.Is(err, authority.ErrUnavailable) {
		return fmt.Errorf("%w: %w", authority.ErrUnavailable, err)
	}
	return err
}

// isLost reports whether there was no connection, or the one that there was broke or didn't answer in time.
func isLost(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	cause, answered := errors.AsType[*pgconn.PgError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || network || errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		answered && cause.SeverityUnlocalized != "ERROR" // FATAL, as of a server that is being stopped
}

// codeOf returns the SQLSTATE of an error, or nothing where it isn't the server's.
func codeOf(err error) string {
	if cause, ok := errors.AsType[*pgconn.PgError](err); ok {
		return cause.Code
	}
	return ""
}

// clashed reports whether a row clashed with another in the index of that name, which the server tells in a field of its
// own.
func clashed(err error, index string) bool {
	cause, ok := errors.AsType[*pgconn.PgError](err)
	return ok && cause.Code == uniqueViolation && cause.ConstraintName == index
}

// refused reports whether the server answered with an error that left the connection as good as before. Else it is unknown
// what became of what was sent.
func refused(err error) bool {
	cause, ok := errors.AsType[*pgconn.PgError](err)
	return ok && cause.SeverityUnlocalized == "ERROR"
}

// conflict is the error of a name, or the like, that another record has.
func conflict(field, problem, fix string) error {
	return fmt.Errorf("%w: %w", authority.ErrConflict, &authority.FieldError{Field: field, Problem: problem, Fix: fix})
}
