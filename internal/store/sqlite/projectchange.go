package sqlite

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/project"
)

const (
	projectLives  = `SELECT EXISTS (SELECT 1 FROM project WHERE id = ? AND deleted_at IS NULL)`
	touchTokenSet = `UPDATE token_set ` + setLastUse
	// endSessionsOfProject ends the sessions that were begun by a project's tokens.
	endSessionsOfProject = `UPDATE browser_session SET ended_at = ?1 WHERE project_id = ?2 AND ended_at IS NULL`
	// deleteTokenSets makes tombstones of a project's sets.
	deleteTokenSets = endTokenSets + ` AND project_id = ?2`
	deleteTokenSet  = endTokenSets + ` AND id = ?2`
	endTokenSets    = `
UPDATE token_set SET deleted_at = ?1, updated_at = ?1, version = version + 1, wrapped = NULL WHERE deleted_at IS NULL`
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
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(p.ID), p.Number, p.Name, nameKey, p.SecurityContext, p.ContextRequired, p.TokenRequired, optionalBytes(p.AppKeys), p.AppKeyCount,
			prefixes(p.AllowedIPs), int64(p.MaxAge/time.Second), p.CreateUsers, strings.Join(p.NewUserRoles, ","), blob(own.ID), p.Version,
			micros(p.CreatedAt), micros(p.UpdatedAt)); err != nil {
			return t.projectError(err, &p, nameKey)
		}
		if err := t.record(own.Event, unseen, own.ID); err != nil {
			return err
		}
		return t.record(ev, feed.Project, p.ID)
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
UPDATE project SET name = ?, name_key = ?, security_context = ?, context_required = ?, token_required = ?, app_keys = ?, app_key_count = ?,
	allowed_ips = ?, max_age = ?, create_users = ?, new_user_roles = ?, version = version + 1, updated_at = ?
WHERE id = ? AND version = ? AND deleted_at IS NULL`,
			p.Name, nameKey, p.SecurityContext, p.ContextRequired, p.TokenRequired, optionalBytes(p.AppKeys), p.AppKeyCount,
			prefixes(p.AllowedIPs), int64(p.MaxAge/time.Second), p.CreateUsers, strings.Join(p.NewUserRoles, ","), micros(p.UpdatedAt),
			blob(p.ID), p.Version)
		if err != nil {
			return t.projectError(err, &p, nameKey)
		}
		if n == 0 {
			return t.staleOrGone(projectLives, p.ID)
		}
		return t.recordProject(ev, p.ID)
	})
}

// recordProject ends what a project's tokens began, and enters the event of a change of the project.
func (t *tx) recordProject(ev audit.Event, id uuid.UUID) error {
	if _, err := t.exec(endSessionsOfProject, micros(ev.At), blob(id)); err != nil {
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
		if own != uuid.Nil {
			if err := t.record(ownEv, feed.User, own); err != nil {
				return err
			}
		}
		return t.record(ev, feed.Project, id)
	})
}

// endProject makes a tombstone of a project, ends all that rests on it, and returns how many browser sessions that were, and its
// service account, if that was still there to be ended. That never administers: it is no person.
func (t *tx) endProject(id uuid.UUID, at time.Time) (sessions int64, own uuid.UUID, err error) {
	err = t.one(`SELECT service_account_id FROM project WHERE id = ? AND deleted_at IS NULL`, &own, blob(id))
	if err != nil {
		return 0, own, kindOf(err)
	}
	if err := t.execOne(`
UPDATE project SET deleted_at = ?1, updated_at = ?1, version = version + 1, app_keys = NULL, app_key_count = 0 WHERE id = ?2`,
		micros(at), blob(id)); err != nil {
		return 0, own, err
	}
	if _, err := t.exec(deleteTokenSets, micros(at), blob(id)); err != nil {
		return 0, own, err
	}
	if sessions, err = t.exec(endSessionsOfProject, micros(at), blob(id)); err != nil {
		return 0, own, err
	}
	if err = t.endUser(own, at); errors.Is(err, authority.ErrNotFound) {
		own, err = uuid.Nil, nil
	}
	return sessions, own, err
}

// AddTokenSet implements project.Store. How many there are is asked in the transaction that adds one.
func (s *Store) AddTokenSet(ctx context.Context, set project.TokenSet, nameKey string, ev audit.Event) error {
	return s.write(ctx, "inserting token set", func(t *tx) error {
		lives, err := t.yes(projectLives, blob(set.ProjectID))
		if err == nil && !lives {
			err = authority.ErrNotFound
		}
		if err != nil {
			return err
		}
		err = t.hasRoom(`SELECT count(*) FROM token_set WHERE project_id = ? AND deleted_at IS NULL`, set.ProjectID, project.MaxSets)
		if errors.Is(err, authority.ErrConflict) {
			return conflict("token_sets", "are as many as a project may have", "Delete one first.")
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(`
INSERT INTO token_set (id, project_id, name, name_key, active, mode, key_size, padding, iv, iv_expansion, derivation, salt, hash, iterations,
	wrapped, one_time, version, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(set.ID), blob(set.ProjectID), set.Name, nameKey, set.Active, string(set.Mode), set.KeySize, string(set.Padding), set.IV,
			string(set.IVExpansion), string(set.Derivation), set.Salt, set.Hash, set.Iterations, set.Key, set.OneTime, set.Version,
			micros(set.CreatedAt), micros(set.UpdatedAt)); err != nil {
			return t.tokenSetError(err, &set, nameKey)
		}
		return t.record(ev, feed.Project, set.ProjectID)
	})
}

// UpdateTokenSet implements project.Store. Whose set it is stands in the statement: nobody changes another project's by its ID.
func (s *Store) UpdateTokenSet(ctx context.Context, set project.TokenSet, nameKey string, ev audit.Event) error {
	return s.withdraw(ctx, "updating token set", func(t *tx) error {
		n, err := t.exec(`
UPDATE token_set SET name = ?, name_key = ?, active = ?, mode = ?, key_size = ?, padding = ?, iv = ?, iv_expansion = ?, derivation = ?, salt = ?,
	hash = ?, iterations = ?, wrapped = ?, one_time = ?, version = version + 1, updated_at = ?
WHERE id = ? AND project_id = ? AND version = ? AND deleted_at IS NULL`,
			set.Name, nameKey, set.Active, string(set.Mode), set.KeySize, string(set.Padding), set.IV, string(set.IVExpansion),
			string(set.Derivation), set.Salt, set.Hash, set.Iterations, set.Key, set.OneTime, micros(set.UpdatedAt),
			blob(set.ID), blob(set.ProjectID), set.Version)
		if err != nil {
			return t.tokenSetError(err, &set, nameKey)
		}
		if n == 0 {
			return t.whyNoTokenSet(set.ProjectID, set.ID)
		}
		return t.recordProject(ev, set.ProjectID)
	})
}

// whyNoTokenSet is staleOrGone for a set of a project.
func (t *tx) whyNoTokenSet(projectID, id uuid.UUID) error {
	lives, err := t.yes(`SELECT EXISTS (SELECT 1 FROM token_set WHERE id = ? AND project_id = ? AND deleted_at IS NULL)`, blob(id), blob(projectID))
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
		if err := t.execOne(deleteTokenSets+` AND id = ?3`, micros(ev.At), blob(projectID), blob(id)); err != nil {
			return err
		}
		t.changes = append(t.changes, change{feed.TokenSet, id, ev.At, true})
		return t.recordProject(ev, projectID)
	})
}

// projectError finds out what of p another living project has, where that is why err came. It asks the database, in the same
// transaction: the driver tells which index it was only in words.
func (t *tx) projectError(err error, p *project.Project, nameKey string) error {
	if !errors.Is(kindOf(err), authority.ErrConflict) {
		return err
	}
	const other = `AND id <> ? AND deleted_at IS NULL)`
	taken, asking := t.yes(`SELECT EXISTS (SELECT 1 FROM project WHERE number = ? `+other, p.Number, blob(p.ID))
	if asking == nil && taken {
		return conflict("number", "is another project's", "Choose another number.")
	}
	taken, asking = t.yes(`SELECT EXISTS (SELECT 1 FROM project WHERE name_key = ? `+other, nameKey, blob(p.ID))
	if asking == nil && taken {
		return conflict("name", "is another project's", "Choose another name.")
	}
	return err
}

// tokenSetError is projectError for a set, whose name is its own within the project.
func (t *tx) tokenSetError(err error, set *project.TokenSet, nameKey string) error {
	if !errors.Is(kindOf(err), authority.ErrConflict) {
		return err
	}
	taken, asking := t.yes(`SELECT EXISTS (SELECT 1 FROM token_set WHERE project_id = ? AND name_key = ? AND id <> ? AND deleted_at IS NULL)`,
		blob(set.ProjectID), nameKey, blob(set.ID))
	if asking == nil && taken {
		return conflict("name", "is another token set's of this project", "Choose another name.")
	}
	return err
}

// NoteTokenSet implements project.Store.
func (s *Store) NoteTokenSet(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	return s.write(ctx, "noting a use of a token set", func(t *tx) error {
		lives, err := t.yes(`SELECT EXISTS (SELECT 1 FROM token_set WHERE id = ? AND deleted_at IS NULL)`, blob(id))
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
