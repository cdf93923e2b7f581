package factor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
)

// guesses bounds how many wrong codes of an authenticator app are looked at, for each user, on all nodes together: five at once, then one
// more every hour. A code has six digits, and three are right at any time: so of those who know the password, not one in ten thousand gets
// through in a day. What was spent is kept with the app, so neither another node nor a restart gives more. Only who has the password comes
// here, so no stranger keeps a person out; one who has it can, of the app's codes, but neither of recovery codes nor of passkeys.
func guesses() authority.Allowance { return authority.Allowance{Most: 5, Every: time.Hour} }

// proveCode takes a code of an authenticator app. A right one costs no guess, nor does one that has counted before: it tells nothing that
// whoever sends it doesn't know, and a form that was sent twice shall keep nobody out.
//
// Of many at once, each counts or costs as of what the others have left: who finds that another was faster looks again. That ends, for each
// round has one less who counts or costs.
func (f *Factors) proveCode(ctx context.Context, t *ticket, r *Records, digits string) error {
	for {
		if r.Authenticator == nil {
			return refused(authority.ReasonWrongCode, t)
		}
		err := f.guess(ctx, t, r.Authenticator, digits)
		switch {
		case errors.Is(err, authority.ErrNotFound): // removed in this moment
			return refused(authority.ReasonUserChanged, t)
		case !errors.Is(err, authority.ErrConflict):
			return err
		}
		again, err := f.current(ctx, t)
		if err != nil {
			return err
		}
		*r = again
	}
}

// guess looks at a code as of what is known of the app. It returns ErrConflict where that has changed, and ErrNotFound where the app is gone.
// As long as there is no room for a guess, the right code is refused as a wrong one is.
func (f *Factors) guess(ctx context.Context, t *ticket, a *Authenticator, digits string) error {
	shared, err := f.cfg.Keyring.UnwrapSecret(t.UserID, a.Wrapped)
	if err != nil {
		return fmt.Errorf("unwrapping the secret of an authenticator app: %w", err)
	}
	now := f.cfg.Now().UTC().Truncate(time.Microsecond)
	free, wait := guesses().Take(a.GuessesFree, now)
	if wait > 0 {
		return f.noRoom(ctx, t, a, free, wait)
	}
	step, right, err := stepOf(shared.Reveal(), digits, now, a.LastStep)
	switch {
	case err != nil:
		return err
	case right && step <= a.LastStep:
		return refused(authority.ReasonUsedCode, t)
	case right:
		err = f.cfg.Store.CountStep(ctx, t.UserID, step, a.GuessesFree)
	default:
		err = f.cfg.Store.SpendGuess(ctx, t.UserID, a.GuessesFree, free)
	}
	if err != nil {
		return fmt.Errorf("counting a code: %w", err)
	}
	if !right {
		return refused(authority.ReasonWrongCode, t)
	}
	return nil
}

// noRoom refuses a code that isn't looked at. Where a clock that was ahead has spent the guesses of tomorrow, they are spent as of now.
func (f *Factors) noRoom(ctx context.Context, t *ticket, a *Authenticator, free time.Time, wait time.Duration) error {
	if free.Before(a.GuessesFree) {
		err := f.cfg.Store.SpendGuess(ctx, t.UserID, a.GuessesFree, free)
		if err != nil {
			return fmt.Errorf("counting a code: %w", err)
		}
	}
	ref := refused(authority.ReasonThrottled, t)
	ref.RetryAfter = wait
	return ref
}
