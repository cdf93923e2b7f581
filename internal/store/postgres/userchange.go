package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

const (
	// userLives asks for a user that wasn't deleted.
	userLives = `SELECT EXISTS (SELECT 1 FROM "user" WHERE id = $1 AND deleted_at IS NULL)`
	// movesMail asks whether a user has another e-mail than the one given. No row is held for the answer: who changes it meanwhile takes
	// the version, too, and the update that follows finds none.
	movesMail = `SELECT EXISTS (SELECT 1 FROM "user" WHERE id = $1 AND email_key IS DISTINCT FROM $2)`
	// lockUser holds a user's row for a change of the user or of what the user has. Whoever else wants it waits, and then
	// sees what was done; only references to the user don't wait.
	lockUser = `SELECT 1 FROM "user" WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`
)

// holdUser holds the row of a living user, and returns ErrNotFound where there is none. Everything does so that gives a user
// something: else a deletion that commits meanwhile wouldn't see it.
func (t *tx) holdUser(id uuid.UUID) error { return t.execOne(lockUser, raw(id)) }

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
INSERT INTO "user" (id, kind, username, username_key, email, email_key, display_name, state, password, version, created_at, updated_at,
	external_profile, external_id, external_ref, external_data, external_flags)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		raw(r.ID), string(r.Kind), r.Username, r.UsernameKey, r.Email, optionalText(r.EmailKey), r.DisplayName, string(r.State),
		optionalText(hash), r.Version, micros(r.CreatedAt), micros(r.UpdatedAt),
		r.External.Profile, r.External.ID, r.External.Ref, r.External.Data, r.External.Flags); err != nil {
		return userError(err)
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
		moves, err := t.yes(movesMail, raw(r.ID), optionalText(r.EmailKey))
		if err != nil {
			return err
		}
		n, err := t.exec(`
UPDATE "user" SET kind = $1, username = $2, username_key = $3, email = $4, email_key = $5, display_name = $6, state = $7,
	version = version + 1, updated_at = $8
WHERE id = $9 AND version = $10 AND deleted_at IS NULL`,
			string(r.Kind), r.Username, r.UsernameKey, r.Email, optionalText(r.EmailKey), r.DisplayName, string(r.State),
			micros(r.UpdatedAt), raw(r.ID), r.Version)
		if err != nil {
			return userError(err)
		}
		if n == 0 {
			return t.staleOrGone(userLives, r.ID)
		}
		if _, err := t.exec(`DELETE FROM user_role WHERE user_id = $1`, raw(r.ID)); err != nil {
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
		if _, err := t.exec(statement, micros(at), raw(id)); err != nil {
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
UPDATE "user" SET deleted_at = $1, updated_at = $1, version = version + 1,
	password = NULL, email = '', email_key = NULL, display_name = '',
	external_profile = '', external_id = '', external_ref = '', external_data = '', external_flags = 0
WHERE id = $2 AND deleted_at IS NULL`, micros(at), raw(id)); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM user_role WHERE user_id = $1`, raw(id)); err != nil {
		return err
	}
	if err := t.endCredentials(id, at); err != nil {
		return err
	}
	if err := t.forgetFactors(id); err != nil {
		return err
	}
	return t.forgetAddresses(id)
}

// endCredentials ends everything by which a deleted user got in, or programs in its name: of its personal token and, as a
// client, of its secrets nothing is kept. Rows of one table are locked in the order of their IDs, as wherever several are.
func (t *tx) endCredentials(userID uuid.UUID, at time.Time) error {
	if _, err := t.exec(`
UPDATE personal_token SET pepper = NULL, digest = NULL, former_pepper = NULL, former_digest = NULL,
	last_used_ip = NULL, revoked_at = coalesce(revoked_at, $1)
WHERE user_id = $2`, micros(at), raw(userID)); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM browser_session WHERE id IN (SELECT id FROM browser_session WHERE user_id = $1 ORDER BY id FOR UPDATE)`,
		`DELETE FROM session_token WHERE id IN (SELECT id FROM session_token WHERE user_id = $1 ORDER BY id FOR UPDATE)`,
		`DELETE FROM link WHERE id IN (SELECT id FROM link WHERE user_id = $1 ORDER BY id FOR UPDATE)`,
	} {
		if _, err := t.exec(statement, raw(userID)); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		`UPDATE api_token SET deleted_at = coalesce(deleted_at, $1), last_used_ip = NULL
WHERE id IN (SELECT id FROM api_token WHERE user_id = $2 ORDER BY id FOR NO KEY UPDATE)`,
		`UPDATE client_secret SET deleted_at = coalesce(deleted_at, $1), last_used_ip = NULL, pepper = NULL, digest = NULL
WHERE id IN (SELECT id FROM client_secret WHERE user_id = $2 ORDER BY id FOR NO KEY UPDATE)`,
		`UPDATE client_key SET deleted_at = coalesce(deleted_at, $1), last_used_ip = NULL
WHERE id IN (SELECT id FROM client_key WHERE user_id = $2 ORDER BY id FOR NO KEY UPDATE)`,
	} {
		if _, err := t.exec(statement, micros(at), raw(userID)); err != nil {
			return err
		}
	}
	return nil
}

// setRoles gives roles to a user without any. Roles have a table of their own for administrators to be found by.
func (t *tx) setRoles(id uuid.UUID, roles []string) error {
	if len(roles) == 0 {
		return nil
	}
	_, err := t.exec(`INSERT INTO user_role (user_id, role) SELECT $1, unnest($2::text[])`, raw(id), roles)
	return err
}

// userError says which name another living user has, where that is why err came. The transaction can't be asked any more:
// a failed statement has undone it.
func userError(err error) error {
	switch {
	case clashed(err, "user_by_username"):
		return conflict("username", "is another user's", "Choose another name.")
	case clashed(err, "user_by_email"):
		return conflict("email", "is another user's", "Give an address of this user alone.")
	}
	return err
}

// staleOrGone says why a change made for a version found no row: exists asks whether the record of that ID lives.
func (t *tx) staleOrGone(exists string, id uuid.UUID) error {
	lives, err := t.yes(exists, raw(id))
	switch {
	case err != nil:
		return err
	case lives:
		return authority.ErrStale
	default:
		return authority.ErrNotFound
	}
}
