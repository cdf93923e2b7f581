package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

const (
	hasFactor           = `SELECT EXISTS (SELECT 1 FROM authenticator WHERE user_id = ?1) OR EXISTS (SELECT 1 FROM passkey WHERE user_id = ?1)`
	selectFactorOwner   = `SELECT username, display_name, version, updated_at FROM user WHERE id = ? AND deleted_at IS NULL`
	selectAuthenticator = `SELECT user_id, wrapped, last_step, guesses_free_at, created_at FROM authenticator WHERE user_id = ?`
	selectPasskeys      = `
SELECT id, user_id, name, credential_id, public_key, sign_count, backup_eligible, transports, created_at, last_used_at
FROM passkey WHERE user_id = ? ORDER BY id`
	hasAuthenticator    = `SELECT EXISTS (SELECT 1 FROM authenticator WHERE user_id = ?)`
	deleteAuthenticator = `DELETE FROM authenticator WHERE user_id = ?`
	deletePasskey       = `DELETE FROM passkey WHERE id = ?`
	countCodes          = `SELECT count(*) FROM recovery_code WHERE user_id = ? AND used_at IS NULL`
)

// HasFactor implements factor.Store.
func (s *Store) HasFactor(ctx context.Context, userID uuid.UUID) (on bool, err error) {
	err = one(s.find(ctx, hasFactor, blob(userID)), "looking for a second factor", &on)
	return on, err
}

// Factors implements factor.Store.
func (s *Store) Factors(ctx context.Context, userID uuid.UUID) (r factor.Records, _ error) {
	id := blob(userID)
	err := s.view(ctx, func(t *sql.Tx) error {
		if err := t.QueryRowContext(ctx, selectFactorOwner, id).Scan(&r.Username, &r.DisplayName, &r.Version, timeColumn{&r.UpdatedAt}); err != nil {
			return err
		}
		var a factor.Authenticator
		err := t.QueryRowContext(ctx, selectAuthenticator, id).Scan(&a.UserID, &a.Wrapped, &a.LastStep, timeColumn{&a.GuessesFree}, timeColumn{&a.CreatedAt})
		if err == nil {
			r.Authenticator = &a
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		rows, err := t.QueryContext(ctx, selectPasskeys, id)
		if r.Passkeys, err = all(rows, err, scanPasskey); err != nil {
			return err
		}
		return t.QueryRowContext(ctx, countCodes, id).Scan(&r.Codes)
	})
	if err != nil {
		return factor.Records{}, fmt.Errorf("reading second factors: %w", kindOf(err))
	}
	return r, nil
}

// scanPasskey reads a row of selectPasskeys.
func scanPasskey(row scanner) (p factor.StoredPasskey, err error) {
	err = row.Scan(&p.ID, &p.UserID, &p.Name, &p.Key.ID, &p.Key.PublicKey, &p.Key.SignCount, &p.Key.BackupEligible,
		listColumn{&p.Key.Transports}, timeColumn{&p.CreatedAt}, timeColumn{&p.LastUsedAt})
	return p, err
}

// AddAuthenticator implements factor.Store.
func (s *Store) AddAuthenticator(ctx context.Context, a factor.Authenticator, codes []keyring.Digest, ev audit.Event) (first bool, err error) {
	err = s.write(ctx, "adding an authenticator app", func(t *tx) error {
		return t.addFactor(a.UserID, codes, ev, &first, func() error {
			return t.execOne(`
INSERT INTO authenticator (user_id, wrapped, last_step, created_at)
SELECT id, ?, ?, ? FROM user WHERE id = ? AND deleted_at IS NULL`, a.Wrapped, a.LastStep, micros(a.CreatedAt), blob(a.UserID))
		})
	})
	return first, err
}

// addFactor adds a factor of a user by insert. The first one brings the recovery codes, ends what was begun without it, and enters the feed.
func (t *tx) addFactor(userID uuid.UUID, codes []keyring.Digest, ev audit.Event, first *bool, insert func() error) error {
	had, err := t.yes(hasFactor, blob(userID))
	if err != nil {
		return err
	}
	if err := insert(); err != nil {
		return err
	}
	*first = !had
	if had {
		return t.record(ev, unseen, userID)
	}
	if err := t.putCodes(userID, codes); err != nil {
		return err
	}
	if err := t.endOtherSessions(userID, ev); err != nil {
		return err
	}
	return t.record(ev, feed.User, userID)
}

// putCodes gives a user recovery codes in place of all others.
func (t *tx) putCodes(userID uuid.UUID, codes []keyring.Digest) error {
	if _, err := t.exec(`DELETE FROM recovery_code WHERE user_id = ?`, blob(userID)); err != nil {
		return err
	}
	for _, c := range codes {
		if _, err := t.exec(`INSERT INTO recovery_code (user_id, pepper, digest) VALUES (?, ?, ?)`, blob(userID), c.Pepper, c.Sum[:]); err != nil {
			return err
		}
	}
	return nil
}

// RemoveAuthenticator implements factor.Store.
func (s *Store) RemoveAuthenticator(ctx context.Context, userID uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "removing an authenticator app", func(t *tx) error {
		if err := t.execOne(deleteAuthenticator, blob(userID)); err != nil {
			return err
		}
		t.changes = append(t.changes, change{feed.Authenticator, userID, ev.At, true})
		return t.factorGone(userID, ev)
	})
}

// factorGone ends the removal of a factor. With the last one go the recovery codes, and what was begun by it.
func (t *tx) factorGone(userID uuid.UUID, ev audit.Event) error {
	left, err := t.yes(hasFactor, blob(userID))
	if err != nil {
		return err
	}
	if !left {
		if err := t.putCodes(userID, nil); err != nil {
			return err
		}
		if err := t.endOtherSessions(userID, ev); err != nil {
			return err
		}
	}
	return t.record(ev, feed.User, userID)
}

// CountStep implements factor.Store.
func (s *Store) CountStep(ctx context.Context, userID uuid.UUID, step int64, free time.Time) error {
	return s.write(ctx, "counting a code", func(t *tx) error {
		n, err := t.exec(`UPDATE authenticator SET last_step = ?1 WHERE user_id = ?2 AND last_step < ?1 AND guesses_free_at IS ?3`,
			step, blob(userID), optionalMicros(free))
		return t.taken(n, err, hasAuthenticator, blob(userID))
	})
}

// SpendGuess implements factor.Store.
func (s *Store) SpendGuess(ctx context.Context, userID uuid.UUID, was, free time.Time) error {
	return s.write(ctx, "counting a wrong code", func(t *tx) error {
		n, err := t.exec(`UPDATE authenticator SET guesses_free_at = ? WHERE user_id = ? AND guesses_free_at IS ?`,
			optionalMicros(free), blob(userID), optionalMicros(was))
		return t.taken(n, err, hasAuthenticator, blob(userID))
	})
}

// taken says why what may be taken once found no row: exists asks whether there is such a thing at all.
func (t *tx) taken(n int64, err error, exists string, args ...any) error {
	if err != nil || n > 0 {
		return err
	}
	there, err := t.yes(exists, args...)
	switch {
	case err != nil:
		return err
	case there:
		return authority.ErrConflict
	}
	return authority.ErrNotFound
}

// AddPasskey implements factor.Store.
func (s *Store) AddPasskey(ctx context.Context, p factor.StoredPasskey, codes []keyring.Digest, most int, ev audit.Event) (first bool, err error) {
	err = s.write(ctx, "adding a passkey", func(t *tx) error {
		full, err := t.yes(`SELECT count(*) >= ? FROM passkey WHERE user_id = ?`, most, blob(p.UserID))
		if err != nil {
			return err
		}
		if full {
			return authority.ErrConflict
		}
		return t.addFactor(p.UserID, codes, ev, &first, func() error {
			return t.execOne(`
INSERT INTO passkey (id, user_id, name, credential_id, public_key, sign_count, backup_eligible, transports, created_at)
SELECT ?, id, ?, ?, ?, ?, ?, ?, ? FROM user WHERE id = ? AND deleted_at IS NULL`,
				blob(p.ID), p.Name, p.Key.ID, p.Key.PublicKey, int64(p.Key.SignCount), p.Key.BackupEligible, strings.Join(p.Key.Transports, ","),
				micros(p.CreatedAt), blob(p.UserID))
		})
	})
	return first, err
}

// RemovePasskey implements factor.Store.
func (s *Store) RemovePasskey(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "removing a passkey", func(t *tx) error {
		if err := t.execOne(deletePasskey+` AND user_id = ?`, blob(id), blob(userID)); err != nil {
			return err
		}
		t.changes = append(t.changes, change{feed.Passkey, id, ev.At, true})
		return t.factorGone(userID, ev)
	})
}

// CountPasskey implements factor.Store.
func (s *Store) CountPasskey(ctx context.Context, use factor.PasskeyUse) error {
	return s.write(ctx, "counting a passkey's answer", func(t *tx) error {
		n, err := t.exec(`
UPDATE passkey SET last_used_at = ?1, sign_count = ?2
WHERE id = ?3 AND (last_used_at IS NULL OR last_used_at < ?4) AND (sign_count < ?2 OR sign_count = 0 AND ?2 = 0)`,
			micros(use.At), int64(use.SignCount), blob(use.ID), micros(use.Asked))
		return t.taken(n, err, `SELECT EXISTS (SELECT 1 FROM passkey WHERE id = ?)`, blob(use.ID))
	})
}

// ReplaceRecoveryCodes implements factor.Store.
func (s *Store) ReplaceRecoveryCodes(ctx context.Context, userID uuid.UUID, codes []keyring.Digest, ev audit.Event) error {
	return s.write(ctx, "replacing recovery codes", func(t *tx) error {
		on, err := t.yes(hasFactor, blob(userID))
		if err != nil {
			return err
		}
		if !on {
			return authority.ErrNotFound
		}
		if err := t.putCodes(userID, codes); err != nil {
			return err
		}
		return t.record(ev, feed.User, userID)
	})
}

// UseRecoveryCode implements factor.Store.
func (s *Store) UseRecoveryCode(ctx context.Context, userID uuid.UUID, digests []keyring.Digest, ev audit.Event) error {
	return s.write(ctx, "using a recovery code", func(t *tx) error {
		known := false
		for _, d := range digests {
			n, err := t.exec(`UPDATE recovery_code SET used_at = ? WHERE user_id = ? AND pepper = ? AND digest = ? AND used_at IS NULL`,
				micros(ev.At), blob(userID), d.Pepper, d.Sum[:])
			if err != nil {
				return err
			}
			if n > 0 {
				t.changes = append(t.changes, change{feed.RecoveryCode, factor.CodeID(d), ev.At, true})
				return t.record(ev, unseen, userID)
			}
			used, err := t.yes(`SELECT EXISTS (SELECT 1 FROM recovery_code WHERE user_id = ? AND pepper = ? AND digest = ?)`, blob(userID), d.Pepper, d.Sum[:])
			if err != nil {
				return err
			}
			known = known || used
		}
		if known {
			return authority.ErrConflict
		}
		return authority.ErrNotFound
	})
}

// RemoveFactors implements factor.Store.
func (s *Store) RemoveFactors(ctx context.Context, userID uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "removing second factors", func(t *tx) error {
		on, err := t.yes(hasFactor, blob(userID))
		if err != nil {
			return err
		}
		if !on {
			return authority.ErrNotFound
		}
		if err := t.tellOfFactors(userID, ev); err != nil {
			return err
		}
		if err := t.forgetFactors(userID); err != nil {
			return err
		}
		return t.factorGone(userID, ev)
	})
}

// tellOfFactors enters in the feed that all factors of a user go, each for itself: a backup that is restored must not bring one back.
func (t *tx) tellOfFactors(userID uuid.UUID, ev audit.Event) error {
	rows, err := t.conn.QueryContext(context.Background(), `SELECT id FROM passkey WHERE user_id = ? ORDER BY id`, blob(userID))
	ids, err := all(rows, err, func(row scanner) (id uuid.UUID, err error) {
		err = row.Scan(&id)
		return id, err
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		t.changes = append(t.changes, change{feed.Passkey, id, ev.At, true})
	}
	app, err := t.yes(hasAuthenticator, blob(userID))
	if app {
		t.changes = append(t.changes, change{feed.Authenticator, userID, ev.At, true})
	}
	return err
}

// forgetFactors deletes a user's factors, with its recovery codes.
func (t *tx) forgetFactors(userID uuid.UUID) error {
	for _, statement := range []string{
		deleteAuthenticator,
		`DELETE FROM passkey WHERE user_id = ?`,
		`DELETE FROM recovery_code WHERE user_id = ?`,
	} {
		if _, err := t.exec(statement, blob(userID)); err != nil {
			return err
		}
	}
	return nil
}
