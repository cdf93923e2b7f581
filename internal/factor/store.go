package factor

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/factor/passkey"
	"github.com/jeton-io/jeton/internal/keyring"
)

// Records are all second factors of a user, with what proves them, as of one moment.
type Records struct {
	Username      string
	DisplayName   string    // may be empty
	Version       int64     // of the user
	UpdatedAt     time.Time // when the user was last changed, its password included
	Authenticator *Authenticator
	Passkeys      []StoredPasskey // the oldest first
	Codes         int             // recovery codes that weren't used yet
}

// On reports whether there is a second factor: recovery codes alone are none.
func (r *Records) On() bool { return r.Authenticator != nil || len(r.Passkeys) > 0 }

// mark is another after any change of the user.
func (r *Records) mark() string {
	return strconv.FormatInt(r.Version, 10) + "." + strconv.FormatInt(r.UpdatedAt.UnixMicro(), 10)
}

// Authenticator is a user's authenticator app as it is stored.
type Authenticator struct {
	UserID      uuid.UUID
	Wrapped     []byte    // the shared secret, under the master key
	LastStep    int64     // the last one of which a code has counted: earlier ones never will
	GuessesFree time.Time // when as many guesses as at first are free again; zero where none was ever spent
	CreatedAt   time.Time
}

// StoredPasskey is a passkey as it is stored.
type StoredPasskey struct {
	Passkey
	Key    passkey.Credential
	UserID uuid.UUID
}

// PasskeyUse is a passkey's answer that is to count.
type PasskeyUse struct {
	ID        uuid.UUID
	Asked     time.Time // when the question was put
	At        time.Time
	SignCount uint32
}

// Store keeps second factors. A change is durable when its method returns without error, and writes its audit event in the same
// transaction. What takes something away has a row of the change feed under the user's ID, by which a restore knows of it, and so has
// what adds the first factor. Adding the first and removing the last end the user's browser sessions but the actor's own; with the last
// go the recovery codes. Deleting a user deletes all this, too.
type Store interface {
	// HasFactor reports whether a user has a second factor. A verdict waits for it.
	HasFactor(ctx context.Context, userID uuid.UUID) (bool, error)
	// Factors returns what a living user has, or ErrNotFound.
	Factors(ctx context.Context, userID uuid.UUID) (Records, error)
	// AddAuthenticator gives a living user an authenticator app and, where that is its first factor, the recovery codes. It returns
	// ErrConflict where there is one, and ErrNotFound where the user doesn't live.
	AddAuthenticator(ctx context.Context, a Authenticator, codes []keyring.Digest, ev audit.Event) (first bool, err error)
	// RemoveAuthenticator returns ErrNotFound where there is none.
	RemoveAuthenticator(ctx context.Context, userID uuid.UUID, ev audit.Event) error
	// CountStep takes a step of a user's authenticator: of any number of calls at once, one. It returns ErrConflict where that step, or
	// one after it, has been taken, or guesses aren't free as they were read, and ErrNotFound where there is no authenticator. It is no
	// change: there is neither event nor feed.
	CountStep(ctx context.Context, userID uuid.UUID, step int64, free time.Time) error
	// SpendGuess notes when a user's guesses are free again, where that is as it was read: of any number of calls at once, one. It returns
	// ErrConflict where it isn't, and ErrNotFound where there is no authenticator. It is no change either.
	SpendGuess(ctx context.Context, userID uuid.UUID, was, free time.Time) error
	// AddPasskey gives a living user a passkey and, where that is its first factor, the recovery codes. It returns ErrConflict where
	// anybody has that passkey, or where the user has as many as it may, and ErrNotFound where the user doesn't live.
	AddPasskey(ctx context.Context, p StoredPasskey, codes []keyring.Digest, most int, ev audit.Event) (first bool, err error)
	// RemovePasskey returns ErrNotFound where the user has none of that ID.
	RemovePasskey(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error
	// CountPasskey takes an answer of a passkey, whose question must have been put after its last use, and whose counter must have
	// grown or stand at 0: of any number of calls at once, one. It returns ErrConflict where that isn't so, and ErrNotFound where there
	// is no such passkey. It is no change, as CountStep is none.
	CountPasskey(ctx context.Context, use PasskeyUse) error
	// ReplaceRecoveryCodes gives a user new codes in place of all others. It returns ErrNotFound where there is no second factor.
	ReplaceRecoveryCodes(ctx context.Context, userID uuid.UUID, codes []keyring.Digest, ev audit.Event) error
	// UseRecoveryCode takes one code, stored under one of the digests: of any number of calls at once, one. It returns ErrConflict where
	// it was taken before, and ErrNotFound where the user has no such code. The feed gets a row by the code's CodeID and none of the
	// user's: no verdict rests on it.
	UseRecoveryCode(ctx context.Context, userID uuid.UUID, digests []keyring.Digest, ev audit.Event) error
	// RemoveFactors takes away all of a user's. It returns ErrNotFound where there are none.
	RemoveFactors(ctx context.Context, userID uuid.UUID, ev audit.Event) error
}

// CodeID stands for a used recovery code in the change feed, so that a backup that is restored doesn't have it count again. It is half of
// what the code is stored as, which nobody can try codes against who hasn't the pepper; and it is the ID of no user, whom the log-in that
// the code is for would else find changed.
func CodeID(d keyring.Digest) uuid.UUID { return uuid.UUID(d.Sum[:16]) }
