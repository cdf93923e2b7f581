package factor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor/passkey"
	"github.com/jeton-io/jeton/internal/secret"
)

// Challenge is the second step of a log-in, as a page shows it.
type Challenge struct {
	Ticket        secret.Text // to come back with the answer, within ten minutes; it is no secret from the browser
	Authenticator bool        // whether the user has an authenticator app
	Codes         bool        // whether the user has recovery codes left
	// Passkey is the JSON with which a page calls navigator.credentials.get: {"publicKey": …}, its bytes in base64url, as
	// PublicKeyCredential.parseRequestOptionsFromJSON takes what stands there. Nil where the user has no passkey, or this server none.
	Passkey []byte
}

// Challenge begins the second step for whoever has just proved to be owner by a password or a link. It reports false where no second
// factor is on: then there is no second step. It returns ErrNotFound where the user was deleted meanwhile.
func (f *Factors) Challenge(ctx context.Context, owner *authority.Principal) (Challenge, bool, error) {
	r, err := f.records(ctx, owner.ID)
	if err != nil || !r.On() {
		return Challenge{}, false, err
	}
	t := ticket{UserID: owner.ID, Mark: r.mark()}
	if f.Passkeys() && len(r.Passkeys) > 0 {
		if t.Challenge, err = f.challenge(); err != nil {
			return Challenge{}, false, err
		}
	}
	sealed, err := f.issue(forLogin, t)
	if err != nil {
		return Challenge{}, false, err
	}
	c, err := f.shown(&t, sealed, &r)
	return c, err == nil, err
}

// Again returns the same step, to be shown anew after a wrong answer. The error is a *authority.Refusal where the ticket is over, none
// of ours, or from before a change of the user: the log-in begins anew. It enters no refusal: the answer that came with it had its own.
func (f *Factors) Again(ctx context.Context, sealed secret.Text) (Challenge, error) {
	t, r, err := f.known(ctx, sealed)
	if err != nil {
		return Challenge{}, err
	}
	return f.shown(&t, sealed, &r)
}

func (f *Factors) shown(t *ticket, sealed secret.Text, r *Records) (c Challenge, err error) {
	c = Challenge{Ticket: sealed, Authenticator: r.Authenticator != nil, Codes: r.Codes > 0}
	if f.asks(t, r) {
		c.Passkey, err = f.site.Request(r.owner(t.UserID), t.Challenge)
	}
	return c, err
}

// asks reports whether a passkey may answer a ticket.
func (f *Factors) asks(t *ticket, r *Records) bool {
	return f.Passkeys() && len(t.Challenge) > 0 && len(r.Passkeys) > 0
}

// known opens a ticket of a log-in, and returns what its user has.
func (f *Factors) known(ctx context.Context, sealed secret.Text) (ticket, Records, error) {
	t, err := f.open(forLogin, sealed)
	if err != nil {
		return ticket{}, Records{}, err
	}
	r, err := f.current(ctx, &t)
	return t, r, err
}

// current returns what the user of a ticket has, who mustn't have changed since it was given.
func (f *Factors) current(ctx context.Context, t *ticket) (Records, error) {
	r, err := f.records(ctx, t.UserID)
	switch {
	case errors.Is(err, authority.ErrNotFound):
		return Records{}, refused(authority.ReasonUserDeleted, t)
	case err != nil:
		return Records{}, err
	case r.mark() != t.Mark || !r.On():
		return Records{}, refused(authority.ReasonUserChanged, t)
	}
	return r, nil
}

// Kind implements authority.Way.
func (f *Factors) Kind() authority.Kind { return authority.SecondFactor }

// Recognizes implements authority.Way: no bearer token is an answer.
func (f *Factors) Recognizes(string) bool { return false }

// Prove implements authority.Way, of a ticket (the credential's name) and an answer (its text): what begins with a brace is a passkey's,
// six digits are an authenticator app's, and all else is a recovery code. It isn't remembered: an answer counts once.
func (f *Factors) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	t, r, err := f.known(ctx, secret.Text(c.Name))
	if err != nil {
		return authority.Proof{}, err
	}
	answer := strings.TrimSpace(c.Text.Reveal())
	proof := authority.Proof{ID: t.UserID, UserID: t.UserID}
	if strings.HasPrefix(answer, "{") {
		proof.ID, err = f.provePasskey(ctx, &t, &r, answer)
	} else if digits, ok := isCode(answer); ok {
		err = f.proveCode(ctx, &t, &r, digits)
	} else {
		err = f.proveRecovery(ctx, &t, &r, answer, c)
	}
	if err != nil {
		return authority.Proof{}, err
	}
	return proof, nil
}

// once turns what a store says of an answer that was taken before into a refusal.
func once(err error, used authority.Reason, t *ticket) error {
	switch {
	case errors.Is(err, authority.ErrConflict):
		return refused(used, t)
	case errors.Is(err, authority.ErrNotFound): // removed in this moment
		return refused(authority.ReasonUserChanged, t)
	case err != nil:
		return fmt.Errorf("counting a second factor: %w", err)
	}
	return nil
}

// proveRecovery takes a recovery code. Since when its owner has been as it is isn't asked here (AsOf): the code is proof by being taken, and
// whether its owner may come in is asked after that.
func (f *Factors) proveRecovery(ctx context.Context, t *ticket, r *Records, typed string, c authority.Credential) error {
	code, ok := recoveryCode(typed)
	if !ok {
		return refused(authority.ReasonWrongCode, t)
	}
	actor := audit.Actor{UserID: t.UserID, Username: r.Username, CredentialKind: c.Kind.String(), AsOf: math.MaxInt64}
	if c.From.IsValid() {
		actor.Address = c.From.String()
	}
	ev := f.event(audit.RecoveryCodeUse, &authority.User{ID: t.UserID, Username: r.Username}, actor)
	err := f.cfg.Store.UseRecoveryCode(ctx, t.UserID, f.cfg.Keyring.Digests(code), ev)
	if errors.Is(err, authority.ErrNotFound) {
		return refused(authority.ReasonWrongCode, t)
	}
	if err := once(err, authority.ReasonUsedCode, t); err != nil {
		return err
	}
	return f.cfg.Applied(ctx) // the journal tells that the code is used before anybody is in by it
}

// provePasskey takes a passkey's answer, and returns which it is.
func (f *Factors) provePasskey(ctx context.Context, t *ticket, r *Records, answer string) (id [16]byte, err error) {
	if !f.asks(t, r) || len(answer) > maxAnswer {
		return id, refused(authority.ReasonWrongPasskey, t)
	}
	used, err := f.site.Answered(r.owner(t.UserID), t.Challenge, answer)
	switch {
	case errors.Is(err, passkey.ErrCloned):
		return id, refused(authority.ReasonClonedPasskey, t)
	case errors.Is(err, passkey.ErrAnswer):
		return id, refused(authority.ReasonWrongPasskey, t)
	case err != nil:
		return id, fmt.Errorf("looking at a passkey's answer: %w", err)
	}
	for _, p := range r.Passkeys {
		if string(p.Key.ID) == string(used.ID) {
			use := PasskeyUse{ID: p.ID, Asked: t.issued(), At: f.cfg.Now(), SignCount: used.SignCount}
			return p.ID, once(f.cfg.Store.CountPasskey(ctx, use), authority.ReasonReplayed, t)
		}
	}
	return id, refused(authority.ReasonWrongPasskey, t)
}
