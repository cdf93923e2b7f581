package sqlite

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// selectPasswordAddress asks whether a user's right password came from an address since some time.
const selectPasswordAddress = `SELECT EXISTS (SELECT 1 FROM password_address WHERE user_id = ? AND address = ? AND last_at >= ?)`

// PasswordKnownFrom implements account.Store.
func (s *Store) PasswordKnownFrom(ctx context.Context, userID uuid.UUID, address string, since time.Time) (known bool, err error) {
	err = one(s.find(ctx, selectPasswordAddress, blob(userID), address, micros(since)), "looking up where a password came from", &known)
	return known, err
}

// NotePasswordFrom implements account.Store.
func (s *Store) NotePasswordFrom(ctx context.Context, userID uuid.UUID, address string, at time.Time, most int) error {
	return s.write(ctx, "noting where a password came from", func(t *tx) error {
		if err := t.execOne(`
INSERT INTO password_address (user_id, address, last_at)
SELECT id, ?, ? FROM user WHERE id = ? AND deleted_at IS NULL
ON CONFLICT (user_id, address) DO UPDATE SET last_at = max(last_at, excluded.last_at)`, address, micros(at), blob(userID)); err != nil {
			return err
		}
		_, err := t.exec(`
DELETE FROM password_address WHERE user_id = ?1 AND address NOT IN (
	SELECT address FROM password_address WHERE user_id = ?1 ORDER BY last_at DESC, address LIMIT ?2)`, blob(userID), most)
		return err
	})
}

// PrunePasswordAddresses implements account.Store.
func (s *Store) PrunePasswordAddresses(ctx context.Context, before time.Time) (count int64, err error) {
	err = s.withdraw(ctx, "deleting where passwords came from", func(t *tx) error {
		count, err = t.exec(`DELETE FROM password_address WHERE last_at < ?`, micros(before))
		return err
	})
	return count, err
}

// forgetAddresses deletes where a user's password came from: with the password somebody else may have known it.
func (t *tx) forgetAddresses(userID uuid.UUID) error {
	_, err := t.exec(`DELETE FROM password_address WHERE user_id = ?`, blob(userID))
	return err
}
