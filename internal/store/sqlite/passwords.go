package sqlite

import (
	"context"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
)

// PasswordByName implements account.Store.
func (s *Store) PasswordByName(ctx context.Context, key string) (account.Credentials, error) {
	var c account.Credentials
	err := one(s.find(ctx, selectPasswordByName, key), "reading password", &c.UserID, &c.Hash, &c.Blocked)
	return c, err
}

// ChangePassword implements account.Store. The old hash is a condition of the statement that writes, so a reset that came
// after the old password was checked stands. Neither this nor a reset raises the version: whoever holds an older copy of
// the user has missed nothing that an update would write over.
func (s *Store) ChangePassword(ctx context.Context, id uuid.UUID, r account.Rehash, ev audit.Event) error {
	return s.withdraw(ctx, "changing password", func(t *tx) error {
		n, err := t.exec(`UPDATE user SET password = ?, updated_at = ? WHERE id = ? AND password = ? AND deleted_at IS NULL`,
			r.New, micros(ev.At), blob(id), r.Old)
		if err != nil {
			return err
		}
		if n == 0 {
			return t.staleOrGone(userLives, id)
		}
		if err := t.endOtherSessions(id, ev); err != nil {
			return err
		}
		if !r.KeepTokens {
			if err := t.endTokens(id, ev.At); err != nil {
				return err
			}
		}
		if err := t.endLinks(id, ev.At); err != nil {
			return err
		}
		return t.record(ev, feed.User, id)
	})
}

// ResetPassword implements account.Store. That it also ends the personal token and all sessions needs no row of the feed
// beside the user's, on which everything of a user rests. An administrator who resets its own password keeps the
// session by which it does so.
func (s *Store) ResetPassword(ctx context.Context, id uuid.UUID, hash string, ev audit.Event) error {
	return s.withdraw(ctx, "resetting password", func(t *tx) error { return t.resetPassword(id, hash, ev) })
}

// ChoosePassword implements account.Store. That the link is good is a condition of the statement that notes its use.
func (s *Store) ChoosePassword(ctx context.Context, id, link uuid.UUID, hash string, ev audit.Event) error {
	return s.withdraw(ctx, "choosing password", func(t *tx) error {
		if err := t.execOne(useLink+` AND user_id = ?3`, micros(ev.At), blob(link), blob(id)); err != nil {
			return err
		}
		return t.resetPassword(id, hash, ev)
	})
}

// resetPassword replaces a password, whatever it was, and ends what else may have been in the same hands.
func (t *tx) resetPassword(id uuid.UUID, hash string, ev audit.Event) error {
	if err := t.execOne(`UPDATE user SET password = ?, updated_at = ? WHERE id = ? AND deleted_at IS NULL`,
		hash, micros(ev.At), blob(id)); err != nil {
		return err
	}
	if _, err := t.exec(revokeToken, micros(ev.At), blob(id)); err != nil { // there may be none
		return err
	}
	if err := t.forgetAddresses(id); err != nil {
		return err
	}
	if err := t.endOtherSessions(id, ev); err != nil {
		return err
	}
	if err := t.endTokens(id, ev.At); err != nil {
		return err
	}
	if err := t.endLinks(id, ev.At); err != nil {
		return err
	}
	return t.record(ev, feed.User, id)
}

// UpgradePassword implements account.Store. The old hash is a condition, so that a password set meanwhile isn't undone.
func (s *Store) UpgradePassword(ctx context.Context, id uuid.UUID, old, hash string) error {
	return s.write(ctx, "upgrading password", func(t *tx) error {
		_, err := t.exec(`UPDATE user SET password = ? WHERE id = ? AND password = ?`, hash, blob(id), old)
		return err
	})
}
