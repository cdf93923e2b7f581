package sqlite

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
)

// PasswordByName implements account.Store.
func (s *Store) PasswordByName(ctx context.Context, key string) (account.Credentials, error) {
	var c account.Credentials
	err := one(find(ctx, s.hot.passwordByName, key), "reading password", &c.UserID, &c.Hash)
	return c, err
}

// SetPassword implements account.Store. It leaves the version alone: whoever holds an older copy of the user has missed
// nothing that an update would write over. That a reset also ends the personal token needs no row of the feed beside
// the user's, on which everything of a user rests.
func (s *Store) SetPassword(ctx context.Context, id uuid.UUID, hash string, at time.Time, reset bool, ev audit.Event) error { //nolint:revive // argument-limit: account.Store has it so
	return s.withdraw(ctx, "updating password", func(t *tx) error {
		if err := t.execOne(`UPDATE user SET password = ?, updated_at = ? WHERE id = ? AND deleted_at IS NULL`, hash, micros(at), blob(id)); err != nil {
			return err
		}
		if reset {
			if _, err := t.exec(revokeToken, micros(at), blob(id)); err != nil {
				return err
			}
		}
		return t.record(ev, feed.User, id)
	})
}

// UpgradePassword implements account.Store. The old hash is a condition, so that a password set meanwhile isn't undone.
func (s *Store) UpgradePassword(ctx context.Context, id uuid.UUID, old, hash string) error {
	return s.write(ctx, "upgrading password", func(t *tx) error {
		_, err := t.exec(`UPDATE user SET password = ? WHERE id = ? AND password = ?`, hash, blob(id), old)
		return err
	})
}
