package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// ChangePassword replaces a user's own password. Its personal token goes on working. Errors are a FieldError for the
// new password or, where it is wrong, the current one; ErrBusy; ErrNotFound; ErrStale where the user was
// renamed or the password replaced twice meanwhile.
//
// Between the check of the current password and the change, an administrator may reset it: somebody who has stolen the
// former one must not undo that. So the store replaces only the hash that was checked.
func (a *Accounts) ChangePassword(ctx context.Context, id uuid.UUID, current, replacement secret.Text, actor audit.Actor) error {
	u, err := a.cfg.Store.User(ctx, id)
	if err != nil {
		return err
	}
	old, err := a.confirm(ctx, u, current)
	if err != nil {
		return err
	}
	hash, err := a.newHash(ctx, "new", replacement)
	if err != nil {
		return err
	}
	ev := audit.New(audit.UserPassword, actor, target(u), a.cfg.Now())
	err = a.cfg.Store.ChangePassword(ctx, id, old, hash, ev)
	if errors.Is(err, authority.ErrStale) {
		// A log-in may have bettered an imported hash, which no one should hear of; after a reset, current is wrong. The
		// second look tells which. A hash is bettered once, so there is no third.
		if old, err = a.confirm(ctx, u, current); err != nil {
			return err
		}
		err = a.cfg.Store.ChangePassword(ctx, id, old, hash, ev)
	}
	if err != nil {
		return fmt.Errorf("changing password: %w", err)
	}
	a.tell(id)
	return a.cfg.Applied(ctx)
}

// confirm returns the hash that is kept of a user's password, if current is that password.
func (a *Accounts) confirm(ctx context.Context, u User, current secret.Text) (string, error) {
	kept, err := a.cfg.Store.PasswordByName(ctx, Key(u.Username))
	if err != nil {
		return "", err
	}
	if kept.UserID != u.ID {
		return "", authority.ErrStale // renamed just now, and the name is another's
	}
	ok, err := a.matches(ctx, kept, current)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", &authority.FieldError{Field: "current", Problem: "is not the current password"}
	}
	return kept.Hash, nil
}

// resetPassword stores the hash of a password that an administrator has chosen.
func (a *Accounts) resetPassword(ctx context.Context, u User, hash string, actor audit.Actor) error {
	ev := audit.New(audit.UserPasswordReset, actor, target(u), a.cfg.Now())
	if err := a.cfg.Store.ResetPassword(ctx, u.ID, hash, ev); err != nil {
		return fmt.Errorf("resetting password: %w", err)
	}
	a.tell(u.ID)
	return nil
}

// tell lets whoever keeps something of the former password know that it is no longer the one.
func (a *Accounts) tell(id uuid.UUID) {
	if a.cfg.PasswordChanged != nil {
		a.cfg.PasswordChanged(id)
	}
}
