package factor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Enrolment is an authenticator app that is being set up. Nothing of it is stored before a code of it was right.
type Enrolment struct {
	Secret secret.Text // in Base32, for whoever can't scan
	URL    secret.Text // what the QR code says: otpauth://totp/…
	Ticket secret.Text // to come back with the first code, within ten minutes
}

// Authenticator begins to set up an authenticator app for a user who is logged in.
func (f *Factors) Authenticator(ctx context.Context, owner *authority.Principal) (Enrolment, error) {
	r, err := f.records(ctx, owner.ID)
	if err != nil {
		return Enrolment{}, err
	}
	shared, err := newSecret(f.cfg.Random)
	if err != nil {
		return Enrolment{}, err
	}
	sealed, err := f.issue(forAuthenticator, ticket{UserID: owner.ID, Mark: r.mark(), Secret: shared})
	if err != nil {
		return Enrolment{}, err
	}
	return f.enrolment(owner, shared, sealed), nil
}

func (f *Factors) enrolment(owner *authority.Principal, shared string, sealed secret.Text) Enrolment {
	return Enrolment{Secret: secret.Text(shared), URL: f.keyURL(owner.Username, shared), Ticket: sealed}
}

// Resume returns the same enrolment again, as after a wrong code: who has scanned the QR code needn't again. Where the ticket is over or
// another's, the error is a *authority.FieldError of ticket.
func (f *Factors) Resume(owner *authority.Principal, sealed secret.Text) (Enrolment, error) {
	t, err := f.openOwn(forAuthenticator, sealed, owner)
	if err != nil {
		return Enrolment{}, err
	}
	return f.enrolment(owner, t.Secret, sealed), nil
}

// AddAuthenticator ends an enrolment by a code of the app, which thereby has counted. It returns 16 recovery codes where this is the
// user's first factor, else none. Errors are a *authority.FieldError of code where it is wrong, and of ticket where that is over, another's,
// or from before a change of the user; ErrConflict where the user has an authenticator app; ErrNotFound where the user was deleted.
func (f *Factors) AddAuthenticator(ctx context.Context, owner *authority.Principal, sealed, code secret.Text, actor audit.Actor) ([]secret.Text, error) {
	t, err := f.openOwn(forAuthenticator, sealed, owner)
	if err != nil {
		return nil, err
	}
	r, err := f.records(ctx, owner.ID)
	if err != nil {
		return nil, err
	}
	if r.mark() != t.Mark {
		return nil, errOver()
	}
	now := f.cfg.Now().UTC().Truncate(time.Microsecond)
	digits, ok := isCode(strings.TrimSpace(code.Reveal()))
	step, right, err := stepOf(t.Secret, digits, now, 0)
	if err != nil {
		return nil, err
	}
	if !ok || !right {
		return nil, authority.Field("code", "is not the app's code", "Enter the six digits that the app shows now. If they are wrong again, see whether the device's clock is right.")
	}
	wrapped, err := f.cfg.Keyring.WrapSecret(owner.ID, secret.Text(t.Secret))
	if err != nil {
		return nil, fmt.Errorf("wrapping the secret of an authenticator app: %w", err)
	}
	codes, stored, err := f.newCodes()
	if err != nil {
		return nil, err
	}
	a := Authenticator{UserID: owner.ID, Wrapped: wrapped, LastStep: step, CreatedAt: now}
	first, err := f.cfg.Store.AddAuthenticator(ctx, a, stored, f.event(audit.AuthenticatorAdd, &owner.User, actor))
	return givenTo(first, codes, f.changed(ctx, "adding an authenticator app", err))
}

// givenTo returns the recovery codes of whoever had no factor before.
func givenTo(first bool, codes []secret.Text, err error) ([]secret.Text, error) {
	if err != nil || !first {
		return nil, err
	}
	return codes, nil
}

// RemoveAuthenticator does away with a user's authenticator app. It returns ErrNotFound where there is none.
func (f *Factors) RemoveAuthenticator(ctx context.Context, owner *authority.User, actor audit.Actor) error {
	ev := f.event(audit.AuthenticatorRemove, owner, actor)
	return f.changed(ctx, "removing an authenticator app", f.cfg.Store.RemoveAuthenticator(ctx, owner.ID, ev))
}
