package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Kind implements authority.Way: Accounts proves passwords.
func (a *Accounts) Kind() authority.Kind { return authority.Password }

// Recognizes implements authority.Way: no bearer token is a password.
func (a *Accounts) Recognizes(string) bool { return false }

// remembered is how long a right password is believed without being hashed again.
const remembered = 15 * time.Minute

// Prove implements authority.Way. Unknown users cost the hash of a password that nobody has, so that they take as long
// as wrong passwords do. Whether the user is blocked is for the authority to say, after the work is done. The ID of the
// proof is the user's own: a change of its password or name takes the proof out of memory.
func (a *Accounts) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	if len(c.Text) > maxPasswordBytes {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonTooLong}
	}
	key := Key(c.Name)
	kept, err := a.cfg.Store.PasswordByName(ctx, key)
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return authority.Proof{}, fmt.Errorf("looking up a password: %w", err)
	}
	ok, err := a.matches(ctx, kept, key, c.Text, c.From)
	switch {
	case err != nil:
		return authority.Proof{}, err
	case kept.Hash == "":
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknownUser, UserID: kept.UserID}
	case !ok:
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonWrongPassword, ID: kept.UserID, UserID: kept.UserID}
	}
	if outdated(kept.Hash) {
		a.upgrade(ctx, kept, c.Text)
	}
	return authority.Proof{ID: kept.UserID, UserID: kept.UserID, NotAfter: a.cfg.Now().Add(remembered), Remember: true}, nil
}

// upgrade betters an imported hash, once for all who come with the password at the same time: new hashes wait in no queue.
// The password is right whether or not that succeeds, and the next log-in tries again.
func (a *Accounts) upgrade(ctx context.Context, kept Credentials, password secret.Text) {
	_, _, _ = a.upgrades.Do(kept.UserID.String(), func() (any, error) {
		hash, err := a.hasher.hash(ctx, password)
		if err != nil {
			return nil, err
		}
		return nil, a.cfg.Store.UpgradePassword(ctx, kept.UserID, kept.Hash, hash)
	})
}

// checkTimeout bounds one check of a password, the wait for a slot included.
const checkTimeout = 2 * time.Second

// matches reports whether a password is the one kept for a user, or for a name that nobody has. Errors are a
// *authority.Refusal where there were too many wrong ones, or ErrBusy.
//
// The same password at the same time is checked once for all who wait for it: a program that starts with fifty
// connections is no fifty guesses, nor fifty hashes. Whose address counts is the first's: to wait for the same check takes
// the same password, so a guesser gains nothing by it. The check doesn't end with the caller who began it.
func (a *Accounts) matches(ctx context.Context, kept Credentials, key string, password secret.Text, from netip.Addr) (bool, error) {
	same := sha256.Sum256([]byte(key + "\x00" + kept.Hash + "\x00" + password.Reveal()))
	check := a.checks.DoChan(string(same[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
		defer cancel()
		return a.guess(ctx, kept, userBucket(kept.UserID, key), password, from)
	})
	select {
	case result := <-check:
		ok, _ := result.Val.(bool)
		return ok && result.Err == nil, result.Err
	case <-ctx.Done():
		return false, fmt.Errorf("waiting for the check of a password: %w: %w", authority.ErrBusy, ctx.Err())
	}
}

// guess checks a password within the bounds on guessing. Where none is kept, it does the work all the same.
func (a *Accounts) guess(ctx context.Context, kept Credentials, user bucket, password secret.Text, from netip.Addr) (bool, error) {
	a.guesses.recall(user, from, func(id uuid.UUID, address string, since time.Time) (bool, error) {
		return a.cfg.Store.PasswordKnownFrom(ctx, id, address, since)
	})
	attempt, err := a.guesses.take(user, from)
	if err != nil {
		return false, named(err, kept.UserID)
	}
	if attempt.last && a.cfg.Exhausted != nil {
		a.cfg.Exhausted(kept.UserID)
	}
	hash := kept.Hash
	if hash == "" {
		hash = a.hasher.dummy
	}
	ok, err := a.hasher.matches(ctx, hash, password)
	switch {
	case err != nil:
		attempt.undo()
		return false, err
	case !ok || kept.Hash == "":
		return false, named(attempt.wrong(), kept.UserID)
	case kept.Blocked: // it counts as a wrong one does, or its being free would tell that it was right
		return true, named(attempt.wrong(), kept.UserID)
	}
	if attempt.right() {
		// Where that fails, the address is known as long as this process lives.
		_ = a.cfg.Store.NotePasswordFrom(ctx, kept.UserID, addressText(audit.Customer(from)), a.cfg.Now(), maxKnownAddresses)
	}
	return true, nil
}

// PruneAddresses forgets addresses from which, at some time, no right password had come for so long that they no longer count.
func (a *Accounts) PruneAddresses(ctx context.Context, now time.Time) (int64, error) {
	return a.cfg.Store.PrunePasswordAddresses(ctx, now.Add(-knownFor))
}

// named has a refusal tell the audit log whose password was guessed at, where somebody has the name.
func named(err error, id uuid.UUID) error {
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		ref.ID, ref.UserID = id, id
	}
	return err
}

// Hashed returns how many passwords were hashed since the start, to make a hash or to check one.
func (a *Accounts) Hashed() uint64 { return a.hasher.done.Load() }

// AuthorityUser implements authority.Users.
func (a *Accounts) AuthorityUser(ctx context.Context, id uuid.UUID) (authority.User, error) {
	u, err := a.cfg.Store.User(ctx, id)
	if err != nil {
		return authority.User{}, err
	}
	return u.Holder(), nil
}

// Holder returns what the authority knows of a user, as the holder of a credential. It is the one place that says what a
// state comes to: a store that finds a user beside its credential makes it by this, too.
func (u *User) Holder() authority.User {
	roles := u.Roles
	if !slices.IsSorted(roles) {
		roles = slices.Sorted(slices.Values(roles))
	}
	return authority.User{
		ID: u.ID, Username: u.Username, DisplayName: u.DisplayName, Email: u.Email, Roles: roles, Active: u.State == Active,
		Suspended: u.State == Suspended,
	}
}
