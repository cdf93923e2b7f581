package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// WrongCurrent is the error of a current password that isn't it: the FieldError that it wraps.
type WrongCurrent struct{ field *authority.FieldError }

// Error implements error.
func (e *WrongCurrent) Error() string { return e.field.Error() }

// Unwrap returns the FieldError.
func (e *WrongCurrent) Unwrap() error { return e.field }

// GuessRefused returns the reason for which an error of ChangePassword is to be entered as a refusal, or none: whoever
// holds somebody's token shall not guess its owner's password unseen.
func GuessRefused(err error) authority.Reason {
	if _, wrong := errors.AsType[*WrongCurrent](err); wrong {
		return authority.ReasonWrongPassword
	}
	if ref, refused := errors.AsType[*authority.Refusal](err); refused {
		return ref.Reason
	}
	return ""
}

// ChangePassword replaces a user's own password. Its personal token goes on working, and so does the browser session by
// which the actor came; its other browser sessions end, and its session tokens unless Config.KeepSessionTokens is set. Errors are
// a FieldError for the new password; a *WrongCurrent, or a *authority.Refusal after too many of them (see GuessRefused); ErrBusy;
// ErrNotFound; ErrStale where the user was renamed or the password replaced twice meanwhile.
//
// Between the check of the current password and the change, an administrator may reset it: somebody who has stolen the
// former one must not undo that. So the store replaces only the hash that was checked.
func (a *Accounts) ChangePassword(ctx context.Context, id uuid.UUID, current, replacement secret.Text, actor audit.Actor) error {
	if len(current) > maxPasswordBytes {
		return &authority.Refusal{Reason: authority.ReasonTooLong}
	}
	end, err := a.changes.begin(id)
	if err != nil {
		return err
	}
	defer end()
	u, err := a.cfg.Store.User(ctx, id)
	if err != nil {
		return err
	}
	from, _ := netip.ParseAddr(actor.Address) // the zero address where it isn't known
	old, err := a.confirm(ctx, u, current, from)
	if err != nil {
		return err
	}
	hash, err := a.newHash(ctx, "new", replacement)
	if err != nil {
		return err
	}
	ev := audit.New(audit.UserPassword, actor, target(u), a.cfg.Now())
	change := Rehash{old, hash, a.cfg.KeepSessionTokens}
	err = a.cfg.Store.ChangePassword(ctx, id, change, ev)
	if errors.Is(err, authority.ErrStale) {
		// A log-in may have bettered an imported hash, which no one should hear of; after a reset, current is wrong. The
		// second look tells which. A hash is bettered once, so there is no third.
		if change.Old, err = a.confirm(ctx, u, current, from); err != nil {
			return err
		}
		err = a.cfg.Store.ChangePassword(ctx, id, change, ev)
	}
	if err != nil {
		return fmt.Errorf("changing password: %w", err)
	}
	a.tell(id)
	return a.cfg.Applied(ctx)
}

// changes are the users who are changing their own passwords. Each may do so once at a time: a new password is hashed
// without a queue, and one user must not take every slot.
type changes struct {
	mu       sync.Mutex
	underWay map[uuid.UUID]struct{}
}

// begin returns how to end a change, or ErrBusy where the same user is at another.
func (c *changes) begin(id uuid.UUID) (end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, another := c.underWay[id]; another {
		return nil, fmt.Errorf("changing a password beside another change of it: %w", authority.ErrBusy)
	}
	if c.underWay == nil {
		c.underWay = make(map[uuid.UUID]struct{})
	}
	c.underWay[id] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.underWay, id)
	}, nil
}

// confirm returns the hash that is kept of a user's password, if current is that password.
func (a *Accounts) confirm(ctx context.Context, u User, current secret.Text, from netip.Addr) (string, error) {
	key := Key(u.Username)
	kept, err := a.cfg.Store.PasswordByName(ctx, key)
	if err != nil {
		return "", err
	}
	if kept.UserID != u.ID {
		return "", authority.ErrStale // renamed just now, and the name is another's
	}
	ok, err := a.matches(ctx, kept, key, current, from)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", &WrongCurrent{&authority.FieldError{Field: "current", Problem: "is not the current password"}}
	}
	return kept.Hash, nil
}

// resetPassword stores the hash of a password that an administrator has chosen.
func (a *Accounts) resetPassword(ctx context.Context, u User, hash string, actor audit.Actor) error {
	ev := audit.New(audit.UserPasswordReset, actor, target(u), a.cfg.Now())
	if err := a.cfg.Store.ResetPassword(ctx, u.ID, hash, ev); err != nil {
		return fmt.Errorf("resetting password: %w", err)
	}
	a.guesses.forget(u.ID)
	a.tell(u.ID)
	return nil
}

// ChoosePassword sets the password that a user has chosen who came by a link, which is used up with it: by the event, which says so.
// Nobody asks for the current one. Errors are a FieldError for "new", ErrBusy, and ErrNotFound where the link isn't good any more.
//
// The link is looked at again by the statement that writes: who holds one must not hash passwords without end, so a user may be at one
// change at a time, as who changes its own.
func (a *Accounts) ChoosePassword(ctx context.Context, id, link uuid.UUID, password secret.Text, ev audit.Event) error {
	end, err := a.changes.begin(id)
	if err != nil {
		return err
	}
	defer end()
	hash, err := a.newHash(ctx, "new", password)
	if err != nil {
		return err
	}
	if err := a.cfg.Store.ChoosePassword(ctx, id, link, hash, ev); err != nil {
		return fmt.Errorf("choosing a password: %w", err)
	}
	a.guesses.forget(id)
	a.tell(id)
	return a.cfg.Applied(ctx)
}

// tell lets whoever keeps something of the former password know that it is no longer the one.
func (a *Accounts) tell(id uuid.UUID) {
	if a.cfg.PasswordChanged != nil {
		a.cfg.PasswordChanged(id)
	}
}
