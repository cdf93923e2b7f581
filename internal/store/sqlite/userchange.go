package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

const (
	// userLives asks for a user that wasn't deleted.
	userLives = `SELECT EXISTS (SELECT 1 FROM user WHERE id = ? AND deleted_at IS NULL)`
	// movesMail asks whether a user has another e-mail than the one given.
	movesMail = `SELECT EXISTS (SELECT 1 FROM user WHERE id = ? AND email_key IS NOT ?)`
)

// CreateUser implements account.Store. It doesn't enter the feed: that there was no such user is not remembered by
// anyone. An ID that any user ever had, living or not, is refused by the primary key.
func (s *Store) CreateUser(ctx context.Context, r account.Record, hash string, ev audit.Event) error {
	return s.write(ctx, "inserting user", func(t *tx) error {
		if err := t.addUser(r, hash); err != nil {
			return err
		}
		return t.record(ev, unseen, r.ID)
	})
}

// addUser adds a user with its roles. Of what an application says of it, this is the only writer.
func (t *tx) addUser(r account.Record, hash string) error {
	if _, err := t.exec(`
INSERT INTO user (id, kind, username, username_key, email, email_key, display_name, state, password, version, created_at, updated_at,
	external_profile, external_id, external_ref, external_data, external_flags)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		blob(r.ID), string(r.Kind), r.Username, r.UsernameKey, r.Email, optionalText(r.EmailKey), r.DisplayName, string(r.State),
		optionalText(hash), r.Version, micros(r.CreatedAt), micros(r.UpdatedAt),
		r.External.Profile, r.External.ID, r.External.Ref, r.External.Data, r.External.Flags); err != nil {
		return t.userError(err, r)
	}
	return t.setRoles(r.ID, r.Roles)
}

// UpdateUser implements account.Store. The version is compared and raised by the statement that writes, so of two
// updates made for one version the second finds no row. Password, creation and what an application says of the user are not its to change.
//
// Blocking leaves sessions as they are, so that the audit log can say of a refused one that its user is blocked; they end when
// the user is let in again, and never come back. Links that were sent end, and so do they with another e-mail: who reads the former one
// has them. Whoever administers from now on, or has lost a role, loses the session tokens that
// were got by platforms which may not speak for such.
func (s *Store) UpdateUser(ctx context.Context, r account.Record, ev audit.Event) error {
	return s.withdraw(ctx, "updating user", func(t *tx) error {
		keep, err := t.adminGuard(r.ID)
		if err != nil {
			return err
		}
		if r.State == account.Active {
			if err := t.endAllOfBlocked(r.ID, r.UpdatedAt); err != nil {
				return err
			}
		}
		moves, err := t.yes(movesMail, blob(r.ID), optionalText(r.EmailKey))
		if err != nil {
			return err
		}
		n, err := t.exec(`
UPDATE user SET kind = ?, username = ?, username_key = ?, email = ?, email_key = ?, display_name = ?, state = ?,
	version = version + 1, updated_at = ?
WHERE id = ? AND version = ? AND deleted_at IS NULL`,
			string(r.Kind), r.Username, r.UsernameKey, r.Email, optionalText(r.EmailKey), r.DisplayName, string(r.State),
			micros(r.UpdatedAt), blob(r.ID), r.Version)
		if err != nil {
			return t.userError(err, r)
		}
		if n == 0 {
			return t.staleOrGone(userLives, r.ID)
		}
		if _, err := t.exec(`DELETE FROM user_role WHERE user_id = ?`, blob(r.ID)); err != nil {
			return err
		}
		if err := t.setRoles(r.ID, r.Roles); err != nil {
			return err
		}
		if err := t.endUnspoken(r.ID, r.UpdatedAt); err != nil {
			return err
		}
		if r.State != account.Active || moves {
			if err := t.endLinks(r.ID, r.UpdatedAt); err != nil {
				return err
			}
		}
		if err := keep(); err != nil {
			return err
		}
		return t.record(ev, feed.User, r.ID)
	})
}

// endAllOfBlocked ends the sessions of a user that is about to be let in again.
func (t *tx) endAllOfBlocked(id uuid.UUID, at time.Time) error {
	for _, statement := range []string{endSessionsOfBlocked, endTokensOfBlocked} {
		if _, err := t.exec(statement, micros(at), blob(id)); err != nil {
			return err
		}
	}
	return nil
}

// DeleteUser implements account.Store. Of the tombstone's names only the user name is left, for whoever meets the ID.
// Audiences and verifiers go on naming it: no other user will ever have it.
func (s *Store) DeleteUser(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "deleting user", func(t *tx) error {
		keep, err := t.adminGuard(id)
		if err != nil {
			return err
		}
		if err := t.endUser(id, ev.At); err != nil {
			return err
		}
		if err := keep(); err != nil {
			return err
		}
		return t.record(ev, feed.User, id)
	})
}

// endUser makes a tombstone of a user, and ends everything that rests on it.
func (t *tx) endUser(id uuid.UUID, at time.Time) error {
	if err := t.execOne(`
UPDATE user SET deleted_at = ?1, updated_at = ?1, version = version + 1,
	password = NULL, email = '', email_key = NULL, display_name = '',
	external_profile = '', external_id = '', external_ref = '', external_data = '', external_flags = 0
WHERE id = ?2 AND deleted_at IS NULL`, micros(at), blob(id)); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM user_role WHERE user_id = ?`, blob(id)); err != nil {
		return err
	}
	if _, err := t.exec(`
UPDATE personal_token SET pepper = NULL, digest = NULL, former_pepper = NULL, former_digest = NULL,
	last_used_ip = NULL, revoked_at = coalesce(revoked_at, ?)
WHERE user_id = ?`, micros(at), blob(id)); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM browser_session WHERE user_id = ?`, blob(id)); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM session_token WHERE user_id = ?`, blob(id)); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM link WHERE user_id = ?`, blob(id)); err != nil {
		return err
	}
	if err := t.endProgramCredentials(id, at); err != nil {
		return err
	}
	if err := t.forgetFactors(id); err != nil {
		return err
	}
	return t.forgetAddresses(id)
}

// endProgramCredentials ends what programs get access tokens for in the name of a deleted user: its API tokens, and as a
// client its secrets, of which nothing is kept, and its keys.
func (t *tx) endProgramCredentials(userID uuid.UUID, at time.Time) error {
	for _, statement := range []string{
		`UPDATE api_token SET deleted_at = coalesce(deleted_at, ?1), last_used_ip = NULL WHERE user_id = ?2`,
		`UPDATE client_secret SET deleted_at = coalesce(deleted_at, ?1), last_used_ip = NULL, pepper = NULL, digest = NULL WHERE user_id = ?2`,
		`UPDATE client_key SET deleted_at = coalesce(deleted_at, ?1), last_used_ip = NULL WHERE user_id = ?2`,
	} {
		if _, err := t.exec(statement, micros(at), blob(userID)); err != nil {
			return err
		}
	}
	return nil
}

// setRoles gives roles to a user without any. Roles have a table of their own for administrators to be found by.
func (t *tx) setRoles(id uuid.UUID, roles []string) error {
	for _, role := range roles {
		if _, err := t.exec(`INSERT INTO user_role (user_id, role) VALUES (?, ?)`, blob(id), role); err != nil {
			return err
		}
	}
	return nil
}

// userError finds out which name of r another living user has, where that is why err came. It asks the database, in the
// same transaction: the driver tells which index it was only in words. A failed insert or update left nothing to undo.
func (t *tx) userError(err error, r account.Record) error {
	if !errors.Is(kindOf(err), authority.ErrConflict) {
		return err
	}
	const other = `AND id <> ? AND deleted_at IS NULL)`
	taken, asking := t.yes(`SELECT EXISTS (SELECT 1 FROM user WHERE username_key = ? `+other, r.UsernameKey, blob(r.ID))
	if asking == nil && taken {
		return conflict("username", "is another user's", "Choose another name.")
	}
	taken, asking = t.yes(`SELECT EXISTS (SELECT 1 FROM user WHERE email_key = ? `+other, optionalText(r.EmailKey), blob(r.ID))
	if asking == nil && taken {
		return conflict("email", "is another user's", "Give an address of this user alone.")
	}
	return err
}

// staleOrGone says why a change made for a version found no row: exists asks whether the record of that ID lives.
func (t *tx) staleOrGone(exists string, id uuid.UUID) error {
	lives, err := t.yes(exists, blob(id))
	switch {
	case err != nil:
		return err
	case lives:
		return authority.ErrStale
	default:
		return authority.ErrNotFound
	}
}
