package client

import (
	"errors"
	"net/http"
	"time"

	"github.com/jeton-io/jeton/api"
)

// The kinds of failure, for errors.Is. Each but the last four stands for one status of Jeton's answers, or one code
// among those; an answer with a code that this package doesn't know yet has the kind of its status.
var (
	// ErrNotAuthenticated: the credential is not valid. Why (wrong, expired, revoked, blocked) only the audit log says.
	ErrNotAuthenticated = errors.New("not authenticated")
	// ErrNotAllowed: the caller is known and may not do this.
	ErrNotAllowed = errors.New("not allowed")
	// ErrCredentialNotAccepted: nobody may do this with a credential of this kind. It is an ErrNotAllowed too.
	ErrCredentialNotAccepted = errors.New("kind of credential not accepted")
	// ErrNotFound: there is no such record.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the change clashes with what is there, such as a name that is taken.
	ErrConflict = errors.New("conflict")
	// ErrLastAdministrator: the change would leave no administrator. It is an ErrConflict too.
	ErrLastAdministrator = errors.New("last administrator")
	// ErrStale: the record has changed since the version that the change was made for: read it again.
	ErrStale = errors.New("stale version")
	// ErrTooLarge: the request is larger than Jeton takes.
	ErrTooLarge = errors.New("too large")
	// ErrInvalid: a field of the request can't be used; the problem's Errors say which and why.
	ErrInvalid = errors.New("invalid field")
	// ErrTooManyRequests: the caller must wait, for Error.RetryAfter where Jeton said so.
	ErrTooManyRequests = errors.New("too many requests")
	// ErrInternal: something went wrong inside Jeton; its log has the problem's Instance.
	ErrInternal = errors.New("internal error")
	// ErrStorageFull: the disk of Jeton's database is full, and nothing was changed.
	ErrStorageFull = errors.New("storage full")
	// ErrUnavailable: Jeton, or a proxy before it, can't answer just now.
	ErrUnavailable = errors.New("unavailable")

	// ErrTokenRefused: Jeton refuses the API token (it is unknown, expired, disabled or deleted: Jeton doesn't say which),
	// or what was asked for with it. Asking again changes nothing.
	ErrTokenRefused = errors.New("API token refused")

	// ErrUnreachable: no answer came, or not all of it. Whether a change was made isn't known.
	ErrUnreachable = errors.New("no answer")
	// ErrNotJeton: the answer isn't one of Jeton's: BaseURL may be wrong, or a proxy stands in between.
	ErrNotJeton = errors.New("not an answer of Jeton's")
)

// Error is the error of a request that Jeton answered with a problem. errors.As finds the *api.Problem in it, errors.Is
// the sentinels.
type Error struct {
	// Doing is what was asked for: "creating a user".
	Doing string
	// Problem is what Jeton answered.
	Problem *api.Problem
	// RetryAfter is how long Jeton asks to wait; 0 where it doesn't say.
	RetryAfter time.Duration
}

// Error implements error.
func (e *Error) Error() string { return e.Doing + ": " + e.Problem.Error() }

// Unwrap returns the problem.
func (e *Error) Unwrap() error { return e.Problem }

// Is reports whether target is the sentinel of the problem's code or status. errors.Is calls it for each link of a chain.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrLastAdministrator:
		return e.Problem.Code == api.CodeLastAdministrator
	case ErrCredentialNotAccepted:
		return e.Problem.Code == api.CodeCredentialTooWeak
	}
	return target == kindOf(e.Problem.Status)
}

// temporary is the error of an exchange that may well go better later, whatever its kind is beside.
type temporary struct{ err error }

// Error implements error.
func (t *temporary) Error() string { return t.err.Error() }

// Unwrap returns the error itself.
func (t *temporary) Unwrap() error { return t.err }

// Is reports whether target is ErrUnavailable.
func (t *temporary) Is(target error) bool { return target == ErrUnavailable }

// kindOf returns the sentinel of a status, or nil for one that tells of a mistake in this package alone (a malformed
// request, a wrong method).
func kindOf(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrNotAuthenticated
	case http.StatusForbidden:
		return ErrNotAllowed
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusConflict:
		return ErrConflict
	case http.StatusPreconditionFailed:
		return ErrStale
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case http.StatusUnprocessableEntity:
		return ErrInvalid
	case http.StatusTooManyRequests:
		return ErrTooManyRequests
	case http.StatusInternalServerError:
		return ErrInternal
	case http.StatusInsufficientStorage:
		return ErrStorageFull
	case http.StatusServiceUnavailable:
		return ErrUnavailable
	}
	return nil
}
