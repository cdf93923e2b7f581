package authority

import "errors"

// The kinds of failure that all packages inside share. Stores turn a driver's errors into these; edges turn these into
// their protocol's answers. Anything else is a fault of Jeton's own.
var (
	// ErrNotFound: there is no such record, or it was deleted.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the record clashes with another, by its name for one.
	ErrConflict = errors.New("conflict with another record")
	// ErrStale: the record has changed since the version that the change was made for.
	ErrStale = errors.New("changed meanwhile")
	// ErrActorChanged: who asks for the change, or the credential by which it came, has changed since it was verified:
	// blocked, say, or rotated away.
	ErrActorChanged = errors.New("the caller has changed meanwhile")
	// ErrBusy: there was no room for work that takes some, as a password does; later there will be.
	ErrBusy = errors.New("busy")
	// ErrUnavailable: the database couldn't be asked, or didn't answer in time; later it may.
	ErrUnavailable = errors.New("the database is unavailable")
	// ErrStorageFull: the database's disk is full.
	ErrStorageFull = errors.New("storage is full")
	// ErrLastAdmin: the change would leave no administrator who could undo it.
	ErrLastAdmin = errors.New("the last active administrator")
)

// FieldError says what is wrong with one field that a user gave, and what to give instead. It never holds the value.
type FieldError struct {
	Field   string // as in the API: "username", "operations[2].pattern"
	Problem string // "is longer than 128 characters"
	Fix     string // the next step, where it isn't plain
}

// Error implements error.
func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// Field returns a FieldError, as the error that it is.
func Field(name, problem, fix string) error {
	return &FieldError{Field: name, Problem: problem, Fix: fix}
}
