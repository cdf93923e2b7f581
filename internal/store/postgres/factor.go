package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

const (
	hasFactor           = `SELECT EXISTS (SELECT 1 FROM authenticator WHERE user_id = $1) OR EXISTS (SELECT 1 FROM passkey WHERE user_id = $1)`
	selectFactorOwner   = `SELECT username, display_name, version, updated_at FROM "user" WHERE id = $1 AND deleted_at IS NULL`
	selectAuthenticator = `SELECT user_id, wrapped, last_step, guesses_free_at, created_at FROM authenticator WHERE user_id = $1`
	selectPasskeys      = `
SELECT id, user_id, name, credential_id, public_key, sign_count, backup_eligible, transports, created_at, last_used_at
FROM passkey WHERE user_id = $1 ORDER BY id`
	hasAuthenticator    = `SELECT EXISTS (SELECT 1 FROM authenticator WHERE user_id = $1)`
	deleteAuthenticator = `DELETE FROM authenticator WHERE user_id = $1`
	deletePasskey       = `DELETE FROM passkey WHERE id = $1`
	countCodes          = `SELECT count(*) FROM recovery_code WHERE user_id = $1 AND used_at IS NULL`
)

// HasFactor implements factor.Store.
func (s *Store) HasFactor(ctx context.Context, userID uuid.UUID) (on bool, err error) {
	err = one(s.find(ctx, hasFactor, raw(userID)), "looking for a second factor", &on)
	return on, err
}

// Factors implements factor.Store.
func (s *Store) Factors(ctx context.Context, userID uuid.UUID) (r factor.Records, _ error) {
	id := raw(userID)
	err := s.view(ctx, func(ctx context.Context, t pgx.Tx) error {
		r = factor.Records{}
		if err := t.QueryRow(ctx, selectFactorOwner, id).Scan(&r.Username, &r.DisplayName, &r.Version, timeColumn{&r.UpdatedAt}); err != nil {
			return err
		}
		var a factor.Authenticator
		err := t.QueryRow(ctx, selectAuthenticator, id).Scan(idColumn{&a.UserID}, &a.Wrapped, &a.LastStep, timeColumn{&a.GuessesFree}, timeColumn{&a.CreatedAt})
		if err == nil {
			r.Authenticator = &a
		} else if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if r.Passkeys, err = collect(ctx, t, scanPasskey, selectPasskeys, id); err != nil {
			return err
		}
		return t.QueryRow(ctx, countCodes, id).Scan(&r.Codes)
	})
	if err != nil {
		return factor.Records{}, fmt.Errorf("reading second factors: %w", kindOf(err))
	}
	return r, nil
}

// scanPasskey reads a row of selectPasskeys.
func scanPasskey(row scanner) (p factor.StoredPasskey, err error) {
	var transports string
	err = row.Scan(idColumn{&p.ID}, idColumn{&p.UserID}, &p.Name, &p.Key.ID, &p.Key.PublicKey, &p.Key.SignCount, &p.Key.BackupEligible,
		&transports, timeColumn{&p.CreatedAt}, timeColumn{&p.LastUsedAt})
	if transports != "" {
		p.Key.Transports = strings.Split(transports, ",")
	}
	return p, err
}

// AddAuthenticator implements factor.Store.
func (s *Store) AddAuthenticator(ctx context.Context, a factor.Authenticator, codes []keyring.Digest, ev audit.Event) (first bool, err error) {
	err = s.write(ctx, "adding an authenticator app", func(t *tx) error {
		if err := t.holdUser(a.UserID); err != nil {
			return err
		}
		return t.addFactor(a.UserID, codes, ev, &first, func() error {
			_, err := t.exec(`INSERT INTO authenticator (user_id, wrapped, last_step, created_at) VALUES ($1, $2, $3, $4)`,
				raw(a.UserID), a.Wrapped, a.LastStep, micros(a.CreatedAt))
			return err
		})
	})
	return first, err
}

// addFactor adds a factor of a user, whose row is held, by insert. The first one brings the recovery codes, ends what was begun without it,
// and enters the feed.
func (t *tx) addFactor(userID uuid.UUID, codes []keyring.Digest, ev audit.Event, first *bool, insert func() error) error {
	had, err := t.yes(hasFactor, raw(userID))
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

// forgetCodes locks rows in their order, as wherever several are.
const forgetCodes = `
DELETE FROM recovery_code WHERE user_id = $1 AND (pepper, digest) IN (
	SELECT pepper, digest FROM recovery_code WHERE user_id = $1 ORDER BY pepper, digest FOR UPDATE)`

// putCodes gives a user, whose row is held, recovery codes in place of all others.
func (t *tx) putCodes(userID uuid.UUID, codes []keyring.Digest) error {
	var b pgx.Batch
	b.Queue(forgetCodes, raw(userID))
	for _, c := range codes {
		b.Queue(`INSERT INTO recovery_code (user_id, pepper, digest) VALUES ($1, $2, $3)`, raw(userID), c.Pepper, c.Sum[:])
	}
	return t.send(&b)
}

// RemoveAuthenticator implements factor.Store.
func (s *Store) RemoveAuthenticator(ctx context.Context, userID uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "removing an authenticator app", func(t *tx) error {
		if err := t.holdUser(userID); err != nil {
			return err
		}
		if err := t.execOne(deleteAuthenticator, raw(userID)); err != nil {
			return err
		}
		t.changes = append(t.changes, change{feed.Authenticator, userID, ev.At, true})
		return t.factorGone(userID, ev)
	})
}

// factorGone ends the removal of a factor of a user, whose row is held. With the last one go the recovery codes, and what was begun by it.
func (t *tx) factorGone(userID uuid.UUID, ev audit.Event) error {
	left, err := t.yes(hasFactor, raw(userID))
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

// CountStep implements factor.Store. Who waits for another's update sees what that has written before its own condition is asked.
func (s *Store) CountStep(ctx context.Context, userID uuid.UUID, step int64, free time.Time) error {
	return s.write(ctx, "counting a code", func(t *tx) error {
		n, err := t.exec(`UPDATE authenticator SET last_step = $1 WHERE user_id = $2 AND last_step < $1 AND guesses_free_at IS NOT DISTINCT FROM $3`,
			step, raw(userID), optionalMicros(free))
		return t.taken(n, err, hasAuthenticator, raw(userID))
	})
}

// SpendGuess implements factor.Store.
func (s *Store) SpendGuess(ctx context.Context, userID uuid.UUID, was, free time.Time) error {
	return s.write(ctx, "counting a wrong code", func(t *tx) error {
		n, err := t.exec(`UPDATE authenticator SET guesses_free_at = $1 WHERE user_id = $2 AND guesses_free_at IS NOT DISTINCT FROM $3`,
			optionalMicros(free), raw(userID), optionalMicros(was))
		return t.taken(n, err, hasAuthenticator, raw(userID))
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
		if err := t.holdUser(p.UserID); err != nil {
			return err
		}
		full, err := t.yes(`SELECT count(*) >= $1 FROM passkey WHERE user_id = $2`, most, raw(p.UserID))
		if err != nil {
			return err
		}
		if full {
			return authority.ErrConflict
		}
		return t.addFactor(p.UserID, codes, ev, &first, func() error {
			_, err := t.exec(`
INSERT INTO passkey (id, user_id, name, credential_id, public_key, sign_count, backup_eligible, transports, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
				raw(p.ID), raw(p.UserID), p.Name, p.Key.ID, p.Key.PublicKey, int64(p.Key.SignCount), p.Key.BackupEligible,
				strings.Join(p.Key.Transports, ","), micros(p.CreatedAt))
			return err
		})
	})
	return first, err
}

// RemovePasskey implements factor.Store.
func (s *Store) RemovePasskey(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "removing a passkey", func(t *tx) error {
		if err := t.holdUser(userID); err != nil {
			return err
		}
		if err := t.execOne(deletePasskey+` AND user_id = $2`, raw(id), raw(userID)); err != nil {
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
UPDATE passkey SET last_used_at = $1, sign_count = $2
WHERE id = $3 AND (last_used_at IS NULL OR last_used_at < $4) AND (sign_count < $2 OR sign_count = 0 AND $2 = 0)`,
			micros(use.At), int64(use.SignCount), raw(use.ID), micros(use.Asked))
		return t.taken(n, err, `SELECT EXISTS (SELECT 1 FROM passkey WHERE id = $1)`, raw(use.ID))
	})
}

// ReplaceRecoveryCodes implements factor.Store.
func (s *Store) ReplaceRecoveryCodes(ctx context.Context, userID uuid.UUID, codes []keyring.Digest, ev audit.Event) error {
	return s.write(ctx, "replacing recovery codes", func(t *tx) error {
		if err := t.holdFactors(userID); err != nil {
			return err
		}
		if err := t.putCodes(userID, codes); err != nil {
			return err
		}
		return t.record(ev, feed.User, userID)
	})
}

// holdFactors holds the row of a user who has a second factor, or returns ErrNotFound.
func (t *tx) holdFactors(userID uuid.UUID) error {
	if err := t.holdUser(userID); err != nil {
		return err
	}
	on, err := t.yes(hasFactor, raw(userID))
	if err == nil && !on {
		err = authority.ErrNotFound
	}
	return err
}

// UseRecoveryCode implements factor.Store.
func (s *Store) UseRecoveryCode(ctx context.Context, userID uuid.UUID, digests []keyring.Digest, ev audit.Event) error {
	return s.write(ctx, "using a recovery code", func(t *tx) error {
		known := false
		for _, d := range digests {
			n, err := t.exec(`UPDATE recovery_code SET used_at = $1 WHERE user_id = $2 AND pepper = $3 AND digest = $4 AND used_at IS NULL`,
				micros(ev.At), raw(userID), d.Pepper, d.Sum[:])
			if err != nil {
				return err
			}
			if n > 0 {
				t.changes = append(t.changes, change{feed.RecoveryCode, factor.CodeID(d), ev.At, true})
				return t.record(ev, unseen, userID)
			}
			used, err := t.yes(`SELECT EXISTS (SELECT 1 FROM recovery_code WHERE user_id = $1 AND pepper = $2 AND digest = $3)`, raw(userID), d.Pepper, d.Sum[:])
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
		if err := t.holdFactors(userID); err != nil {
			return err
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

// tellOfFactors enters in the feed that all factors of a user, whose row is held, go, each for itself: a backup that is restored must not
// bring one back.
func (t *tx) tellOfFactors(userID uuid.UUID, ev audit.Event) error {
	ids, err := collect(t.ctx, t.conn, func(row scanner) (id uuid.UUID, err error) {
		err = row.Scan(idColumn{&id})
		return id, err
	}, `SELECT id FROM passkey WHERE user_id = $1 ORDER BY id`, raw(userID))
	if err != nil {
		return err
	}
	for _, id := range ids {
		t.changes = append(t.changes, change{feed.Passkey, id, ev.At, true})
	}
	app, err := t.yes(hasAuthenticator, raw(userID))
	if app {
		t.changes = append(t.changes, change{feed.Authenticator, userID, ev.At, true})
	}
	return err
}

// forgetFactors deletes the factors of a user, whose row is held, with its recovery codes.
func (t *tx) forgetFactors(userID uuid.UUID) error {
	for _, statement := range []string{
		deleteAuthenticator,
		`DELETE FROM passkey WHERE id IN (SELECT id FROM passkey WHERE user_id = $1 ORDER BY id FOR UPDATE)`,
		forgetCodes,
	} {
		if _, err := t.exec(statement, raw(userID)); err != nil {
			return err
		}
	}
	return nil
}
