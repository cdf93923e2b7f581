package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Kind implements authority.Way: Accounts proves passwords.
func (a *Accounts) Kind() authority.Kind { return authority.Password }

// Recognizes implements authority.Way: no bearer token is a password.
func (a *Accounts) Recognizes(string) bool { return false }

// Prove implements authority.Way. Unknown users cost the hash of a password that nobody has, so that they take as long
// as wrong passwords do. Whether the user is blocked is for the authority to say, after the work is done. The ID of the proof is the user's own.
func (a *Accounts) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	kept, err := a.cfg.Store.PasswordByName(ctx, Key(c.Name))
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return authority.Proof{}, fmt.Errorf("looking up a password: %w", err)
	}
	ok, err := a.matches(ctx, kept, c.Text)
	switch {
	case err != nil:
		return authority.Proof{}, err
	case kept.Hash == "":
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknownUser, UserID: kept.UserID}
	case !ok:
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonWrongPassword, ID: kept.UserID, UserID: kept.UserID}
	}
	if outdated(kept.Hash) {
		// The password is right whether or not its hash could be bettered: the next log-in tries again.
		if hash, err := a.hasher.hash(ctx, c.Text); err == nil {
			_ = a.cfg.Store.UpgradePassword(ctx, kept.UserID, kept.Hash, hash)
		}
	}
	return authority.Proof{ID: kept.UserID, UserID: kept.UserID}, nil
}

// matches reports whether a password is the one kept. Where none is kept, it does the work of checking one all the same.
func (a *Accounts) matches(ctx context.Context, kept Credentials, password secret.Text) (bool, error) {
	if kept.Hash == "" {
		_, err := a.hasher.matches(ctx, a.hasher.dummy, password)
		return false, err
	}
	return a.hasher.matches(ctx, kept.Hash, password)
}

// Hashed returns how many passwords were hashed since the start, to make a hash or to check one.
func (a *Accounts) Hashed() uint64 { return a.hasher.done.Load() }

// AuthorityUser implements authority.Users.
func (a *Accounts) AuthorityUser(ctx context.Context, id uuid.UUID) (authority.User, error) {
	u, err := a.cfg.Store.User(ctx, id)
	if err != nil {
		return authority.User{}, err
	}
	return authority.User{
		ID: u.ID, Username: u.Username, DisplayName: u.DisplayName, Email: u.Email, Roles: u.Roles, Active: u.State == Active,
	}, nil
}
