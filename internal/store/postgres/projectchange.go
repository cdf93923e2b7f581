package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/project"
)

// Whoever changes a project, or what it has, holds the project's row from the beginning on: a session that is being begun by its
// tokens has come before, and ends, or waits. Rows are held in one order by all: users, projects, token sets, browser sessions.
const (
	projectLives = `SELECT EXISTS (SELECT 1 FROM project WHERE id = $1 AND deleted_at IS NULL)`
	// lockProject holds a project's row for a change of what it has.
	lockProject   = `SELECT 1 FROM project WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`
	touchTokenSet = `UPDATE token_set ` + setLastUse
	// endSessionsOfProject ends the sessions that were begun by a project's tokens. Of several rows each is locked in the order of
	// its ID, as by touch.
	endSessionsOfProject = `
UPDATE browser_session SET ended_at = $1 WHERE id IN (
	SELECT id FROM browser_session WHERE project_id = $2 AND ended_at IS NULL ORDER BY id FOR NO KEY UPDATE)`
	// lockSessionsOfProject holds the sessions that were begun by a project's tokens, and those of a user. The two sets end by a
	// statement each, and would otherwise not be locked in the order of all IDs.
	lockSessionsOfProject = `SELECT id FROM browser_session WHERE project_id = $1 AND ended_at IS NULL OR user_id = $2 ORDER BY id FOR UPDATE`
	// deleteTokenSets makes tombstones of a project's sets.
	deleteTokenSets = endTokenSets + ` AND id IN (
	SELECT id FROM token_set WHERE project_id = $2 AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE)`
	deleteTokenSet = endTokenSets + ` AND id = $2`
	endTokenSets   = `
UPDATE token_set SET deleted_at = $1, updated_at = $1, version = version + 1, wrapped = NULL WHERE deleted_at IS NULL`
)

// AddProject implements project.Store. It enters the feed although it takes nothing away: nodes know the projects that there are.
func (s *Store) AddProject(ctx context.Context, p project.Project, nameKey string, own project.OwnAccount, ev audit.Event) error {
	return s.write(ctx, "inserting project", func(t *tx) error {
		if err := t.addUser(own.Record, ""); err != nil {
			return ofProject(err)
		}
		if _, err := t.exec(`
INSERT INTO project (id, number, name, name_key, security_context, context_required, token_required, app_keys, app_key_count, allowed_ips, max_age,
	create_users, new_user_roles, service_account_id, version, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			raw(p.ID), p.Number, p.Name, nameKey, p.SecurityContext, p.ContextRequired, p.TokenRequired, optionalBytes(p.AppKeys), p.AppKeyCount,
			prefixes(p.AllowedIPs), int64(p.MaxAge/time.Second), p.CreateUsers, strings.Join(p.NewUserRoles, ","), raw(own.ID), p.Version,
			micros(p.CreatedAt), micros(p.UpdatedAt)); err != nil {
			return projectError(err)
		}
		t.enter(feed.Project, p.ID, ev)
		if err := t.record(own.Event, unseen, uuid.Nil); err != nil {
			return err
		}
		return t.record(ev, unseen, uuid.Nil)
	})
}

// ofProject tells a conflict of a service account, whose name is made of the project's number, as one of that.
func ofProject(err error) error {
	if field, ok := errors.AsType[*authority.FieldError](err); ok && field.Field == "username" {
		return conflict("number", "is another project's, or stands in the name of another user, which is to be that of the project's account", "Choose another number.")
	}
	return err
}

// UpdateProject implements project.Store. The version is compared and raised by the statement that writes, so of two updates made
// for one version the second finds no row.
func (s *Store) UpdateProject(ctx context.Context, p project.Project, nameKey string, ev audit.Event) error {
	return s.withdraw(ctx, "updating project", func(t *tx) error {
		n, err := t.exec(`
UPDATE project SET name = $1, name_key = $2, security_context = $3, context_required = $4, token_required = $5, app_keys = $6, app_key_count = $7,
	allowed_ips = $8, max_age = $9, create_users = $10, new_user_roles = $11, version = version + 1, updated_at = $12
WHERE id = $13 AND version = $14 AND deleted_at IS NULL`,
			p.Name, nameKey, p.SecurityContext, p.ContextRequired, p.TokenRequired, optionalBytes(p.AppKeys), p.AppKeyCount,
			prefixes(p.AllowedIPs), int64(p.MaxAge/time.Second), p.CreateUsers, strings.Join(p.NewUserRoles, ","), micros(p.UpdatedAt),
			raw(p.ID), p.Version)
		if err != nil {
			return projectError(err)
		}
		if n == 0 {
			return t.staleOrGone(projectLives, p.ID)
		}
		return t.recordProject(ev, p.ID)
	})
}

// recordProject ends what the tokens of a project began whose row is held, and enters the event of a change of the project.
func (t *tx) recordProject(ev audit.Event, id uuid.UUID) error {
	if _, err := t.exec(endSessionsOfProject, micros(ev.At), raw(id)); err != nil {
		return err
	}
	return t.record(ev, feed.Project, id)
}

// DeleteProject implements project.Store. The tombstone keeps number and name for whoever reads of it in the audit log.
func (s *Store) DeleteProject(ctx context.Context, id uuid.UUID, ev, ownEv audit.Event) error {
	return s.withdraw(ctx, "deleting project", func(t *tx) error {
		_, own, err := t.endProject(id, ev.At)
		if err != nil {
			return err
		}
		if own == uuid.Nil {
			return t.record(ev, feed.Project, id)
		}
		t.enter(feed.User, own, ownEv)
		t.enter(feed.Project, id, ev)
		if err := t.record(ownEv, unseen, uuid.Nil); err != nil {
			return err
		}
		return t.record(ev, unseen, uuid.Nil)
	})
}

// endProject makes a tombstone of a project, ends all that rests on it, and returns how many browser sessions that were, and its
// service account, if that was still there to be ended. That never administers: it is no person. Its row is held before the
// project's, as by whoever begins a session of it.
func (t *tx) endProject(id uuid.UUID, at time.Time) (sessions int64, own uuid.UUID, err error) {
	if err := t.one(`SELECT service_account_id FROM project WHERE id = $1 AND deleted_at IS NULL`, idColumn{&own}, raw(id)); err != nil {
		return 0, own, err
	}
	if _, err := t.exec(lockUser, raw(own)); err != nil {
		return 0, own, err
	}
	if err := t.execOne(`
UPDATE project SET deleted_at = $1, updated_at = $1, version = version + 1, app_keys = NULL, app_key_count = 0 WHERE id = $2 AND deleted_at IS NULL`,
		micros(at), raw(id)); err != nil {
		return 0, own, err
	}
	if _, err := t.exec(deleteTokenSets, micros(at), raw(id)); err != nil {
		return 0, own, err
	}
	if _, err := t.exec(lockSessionsOfProject, raw(id), raw(own)); err != nil {
		return 0, own, err
	}
	if sessions, err = t.exec(endSessionsOfProject, micros(at), raw(id)); err != nil {
		return 0, own, err
	}
	if err = t.endUser(own, at); errors.Is(err, authority.ErrNotFound) {
		own, err = uuid.Nil, nil
	}
	return sessions, own, err
}

// AddTokenSet implements project.Store. How many there are is asked with the project's row held, so that nobody else adds one.
func (s *Store) AddTokenSet(ctx context.Context, set project.TokenSet, nameKey string, ev audit.Event) error {
	return s.write(ctx, "inserting token set", func(t *tx) error {
		var b pgx.Batch
		b.Queue(lockProject, raw(set.ProjectID)).Exec(found)
		var n int
		b.Queue(`SELECT count(*) FROM token_set WHERE project_id = $1 AND deleted_at IS NULL`, raw(set.ProjectID)).
			QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
		if err := t.send(&b); err != nil {
			return err
		}
		if n >= project.MaxSets {
			return conflict("token_sets", "are as many as a project may have", "Delete one first.")
		}
		if _, err := t.exec(`
INSERT INTO token_set (id, project_id, name, name_key, active, mode, key_size, padding, iv, iv_expansion, derivation, salt, hash, iterations,
	wrapped, one_time, version, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
			raw(set.ID), raw(set.ProjectID), set.Name, nameKey, set.Active, string(set.Mode), set.KeySize, string(set.Padding), set.IV,
			string(set.IVExpansion), string(set.Derivation), set.Salt, set.Hash, set.Iterations, set.Key, set.OneTime, set.Version,
			micros(set.CreatedAt), micros(set.UpdatedAt)); err != nil {
			return tokenSetError(err)
		}
		return t.record(ev, feed.Project, set.ProjectID)
	})
}

// UpdateTokenSet implements project.Store. Whose set it is stands in the statement: nobody changes another project's by its ID.
func (s *Store) UpdateTokenSet(ctx context.Context, set project.TokenSet, nameKey string, ev audit.Event) error {
	return s.withdraw(ctx, "updating token set", func(t *tx) error {
		if err := t.execOne(lockProject, raw(set.ProjectID)); err != nil {
			return err
		}
		n, err := t.exec(`
UPDATE token_set SET name = $1, name_key = $2, active = $3, mode = $4, key_size = $5, padding = $6, iv = $7, iv_expansion = $8, derivation = $9,
	salt = $10, hash = $11, iterations = $12, wrapped = $13, one_time = $14, version = version + 1, updated_at = $15
WHERE id = $16 AND project_id = $17 AND version = $18 AND deleted_at IS NULL`,
			set.Name, nameKey, set.Active, string(set.Mode), set.KeySize, string(set.Padding), set.IV, string(set.IVExpansion),
			string(set.Derivation), set.Salt, set.Hash, set.Iterations, set.Key, set.OneTime, micros(set.UpdatedAt),
			raw(set.ID), raw(set.ProjectID), set.Version)
		if err != nil {
			return tokenSetError(err)
		}
		if n == 0 {
			return t.whyNoTokenSet(set.ProjectID, set.ID)
		}
		return t.recordProject(ev, set.ProjectID)
	})
}

// whyNoTokenSet is staleOrGone for a set of a project.
func (t *tx) whyNoTokenSet(projectID, id uuid.UUID) error {
	lives, err := t.yes(`SELECT EXISTS (SELECT 1 FROM token_set WHERE id = $1 AND project_id = $2 AND deleted_at IS NULL)`, raw(id), raw(projectID))
	switch {
	case err != nil:
		return err
	case lives:
		return authority.ErrStale
	}
	return authority.ErrNotFound
}

// DeleteTokenSet implements project.Store. The tombstone stays, with how it sealed, for the audit log to be read by. The set has a
// row of the feed of its own, for it to stay deleted when a backup is restored; that of the project, which lives on, has everything
// forgotten.
func (s *Store) DeleteTokenSet(ctx context.Context, projectID, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "deleting token set", func(t *tx) error {
		if err := t.execOne(lockProject, raw(projectID)); err != nil {
			return err
		}
		if err := t.execOne(deleteTokenSets+` AND id = $3`, micros(ev.At), raw(projectID), raw(id)); err != nil {
			return err
		}
		t.changes = append(t.changes, change{feed.TokenSet, id, ev.At, true})
		return t.recordProject(ev, projectID)
	})
}

// projectError says what another living project has, where that is why err came.
func projectError(err error) error {
	switch {
	case clashed(err, "project_by_number"):
		return conflict("number", "is another project's", "Choose another number.")
	case clashed(err, "project_by_name"):
		return conflict("name", "is another project's", "Choose another name.")
	}
	return err
}

// tokenSetError is projectError for a set, whose name is its own within the project.
func tokenSetError(err error) error {
	if clashed(err, "token_set_by_name") {
		return conflict("name", "is another token set's of this project", "Choose another name.")
	}
	return err
}

// NoteTokenSet implements project.Store.
func (s *Store) NoteTokenSet(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	return s.write(ctx, "noting a use of a token set", func(t *tx) error {
		lives, err := t.yes(`SELECT EXISTS (SELECT 1 FROM token_set WHERE id = $1 AND deleted_at IS NULL)`, raw(id))
		if err == nil && !lives {
			err = authority.ErrNotFound
		}
		if err != nil {
			return err
		}
		return t.record(ev, unseen, id)
	})
}

// TouchTokenSets implements project.Store.
func (s *Store) TouchTokenSets(ctx context.Context, used []authority.Use) error {
	return s.touch(ctx, "touching token sets", touchTokenSet, used)
}
