// Package factor keeps second factors: what a person shows beside the password to log in to the console.
//
//	password (account) ─┬─▶ ticket ─┬─ a code of an authenticator app (TOTP, RFC 6238) ─┐
//	link     (link)    ─┘   10 min  ├─ one of 16 recovery codes                         ├─▶ session
//	                                └─ a passkey's answer (WebAuthn)                    ┘  (session)
//
// Between the two steps there is no session. Whoever has given the right password, or come by a link, holds a ticket, sealed under the
// master key, that says whose it was and when; with it and an answer comes a credential of the kind second_factor, which this package
// proves as every way in proves its own: the authority loads the user, refuses the blocked and enters refusals. Any change of the user
// kills the ticket, a new password included.
//
// Each answer counts once, on however many nodes at once: the step of a code, a recovery code and the question put to a passkey are
// taken by the statement that writes them down. Codes have few digits, so few guesses are looked at (see guesses); the other answers
// can't be guessed. Nothing is stored of an app before it has given a right code.
//
// The package refuses what is used, expired, of another purpose or of another user. It doesn't defend a person who types a code into
// somebody else's page: passkeys do, which answer no other site. It isn't asked of calls of an API, which come by tokens.
package factor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor/passkey"
	"github.com/jeton-io/jeton/internal/keyring"
)

// Config is what Factors need. Every field is required.
type Config struct {
	Store   Store
	Keyring *keyring.Keyring
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	Now     func() time.Time
	Random  io.Reader
	// PublicURL is by which browsers know Jeton. Its host is shown by authenticator apps, and passkeys count for it alone: under
	// another host, those that were made before are of no use.
	PublicURL string
}

// Factors enrols, proves and removes second factors. Make one with New.
type Factors struct {
	cfg    Config
	issuer string         // as an authenticator app shows it
	site   *passkey.Party // nil where there can be no passkeys
}

// New returns Factors, or an error where the configuration lacks something.
func New(cfg Config) (*Factors, error) {
	if cfg.Store == nil || cfg.Keyring == nil || cfg.Applied == nil || cfg.Now == nil || cfg.Random == nil {
		return nil, errors.New("factor: Store, Keyring, Applied, Now and Random are required")
	}
	issuer, err := issuerOf(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	f := &Factors{cfg: cfg, issuer: issuer}
	if passkey.Possible(cfg.PublicURL) {
		if f.site, err = passkey.New(cfg.PublicURL); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Passkeys reports whether this server can have passkeys at all: its public URL must be https, or localhost, and name a host.
func (f *Factors) Passkeys() bool { return f.site != nil }

// Status is what a user has by way of second factors.
type Status struct {
	Authenticator time.Time // since when there is an authenticator app; zero for none
	Passkeys      []Passkey // the oldest first
	RecoveryCodes int       // that weren't used yet
}

// On reports whether a log-in asks for a second factor.
func (s Status) On() bool { return !s.Authenticator.IsZero() || len(s.Passkeys) > 0 }

// Passkey is what its owner is shown of a passkey.
type Passkey struct {
	ID         uuid.UUID
	Name       string // as its owner calls it
	CreatedAt  time.Time
	LastUsedAt time.Time // zero where it was never used
}

// Of returns what a user has. It returns ErrNotFound where the user doesn't live.
func (f *Factors) Of(ctx context.Context, userID uuid.UUID) (Status, error) {
	r, err := f.records(ctx, userID)
	if err != nil {
		return Status{}, err
	}
	return r.status(), nil
}

func (f *Factors) records(ctx context.Context, userID uuid.UUID) (Records, error) {
	r, err := f.cfg.Store.Factors(ctx, userID)
	if err != nil {
		return Records{}, fmt.Errorf("reading second factors: %w", err)
	}
	return r, nil
}

// status leaves out what proves.
func (r *Records) status() Status {
	s := Status{RecoveryCodes: r.Codes}
	if r.Authenticator != nil {
		s.Authenticator = r.Authenticator.CreatedAt
	}
	for _, p := range r.Passkeys {
		s.Passkeys = append(s.Passkeys, p.Passkey)
	}
	return s
}

// On reports whether a user has a second factor. It is cheap, and false where there is no such user.
func (f *Factors) On(ctx context.Context, userID uuid.UUID) (bool, error) {
	on, err := f.cfg.Store.HasFactor(ctx, userID)
	if err != nil {
		return false, fmt.Errorf("asking for a second factor: %w", err)
	}
	return on, nil
}

// RemoveAll takes away all second factors of a user with their recovery codes, and ends its browser sessions but the actor's own: an
// administrator's help for whoever has lost them. It returns ErrNotFound where there are none.
func (f *Factors) RemoveAll(ctx context.Context, user *authority.User, actor audit.Actor) error {
	ev := f.event(audit.SecondFactorRemove, user, actor)
	return f.changed(ctx, "removing second factors", f.cfg.Store.RemoveFactors(ctx, user.ID, ev))
}

// changed ends a change: it has been heard of when changed returns without an error.
func (f *Factors) changed(ctx context.Context, doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return f.cfg.Applied(ctx)
}

func (f *Factors) event(action audit.Action, user *authority.User, actor audit.Actor, detail ...string) audit.Event {
	return audit.New(action, actor, audit.Target{Kind: "user", ID: user.ID, Name: user.Username}, f.cfg.Now(), detail...)
}
