package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// selectPasswordAddress asks whether a user's right password came from an address since some time.
const selectPasswordAddress = `SELECT EXISTS (SELECT 1 FROM password_address WHERE user_id = $1 AND address = $2 AND last_at >= $3)`

// PasswordKnownFrom implements account.Store.
func (s *Store) PasswordKnownFrom(ctx context.Context, userID uuid.UUID, address string, since time.Time) (known bool, err error) {
	err = one(s.find(ctx, selectPasswordAddress, raw(userID), address, micros(since)), "looking up where a password came from", &known)
	return known, err
}

// NotePasswordFrom implements account.Store.
func (s *Store) NotePasswordFrom(ctx context.Context, userID uuid.UUID, address string, at time.Time, most int) error {
	return s.write(ctx, "noting where a password came from", func(t *tx) error {
		if err := t.holdUser(userID); err != nil {
			return err
		}
		var b pgx.Batch
		b.Queue(`
INSERT INTO password_address AS p (user_id, address, last_at) VALUES ($1, $2, $3)
ON CONFLICT (user_id, address) DO UPDATE SET last_at = greatest(p.last_at, excluded.last_at)`, raw(userID), address, micros(at))
		b.Queue(`
DELETE FROM password_address WHERE user_id = $1 AND address NOT IN (
	SELECT address FROM password_address WHERE user_id = $1 ORDER BY last_at DESC, address LIMIT $2)`, raw(userID), most)
		return t.send(&b)
	})
}

// PrunePasswordAddresses implements account.Store.
func (s *Store) PrunePasswordAddresses(ctx context.Context, before time.Time) (count int64, err error) {
	err = s.withdraw(ctx, "deleting where passwords came from", func(t *tx) error {
		count, err = t.exec(`
DELETE FROM password_address WHERE (user_id, address) IN (
	SELECT user_id, address FROM password_address WHERE last_at < $1 ORDER BY user_id, address FOR UPDATE)`, micros(before))
		return err
	})
	return count, err
}

// forgetAddresses deletes where a user's password came from: with the password somebody else may have known it.
func (t *tx) forgetAddresses(userID uuid.UUID) error {
	_, err := t.exec(`
DELETE FROM password_address WHERE user_id = $1 AND address IN (
	SELECT address FROM password_address WHERE user_id = $1 ORDER BY address FOR UPDATE)`, raw(userID))
	return err
}
