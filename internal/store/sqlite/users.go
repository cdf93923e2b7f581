package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
)

// selectUsers and what follows it reads users with their roles in one statement, and so as of one moment.
const (
	selectUsers = `
SELECT u.id, u.kind, u.username, u.email, u.display_name, u.state, u.password IS NOT NULL,
	EXISTS (SELECT 1 FROM authenticator WHERE user_id = u.id) OR EXISTS (SELECT 1 FROM passkey WHERE user_id = u.id),
	u.version, u.created_at, u.updated_at, u.external_profile, u.external_id, u.external_ref, u.external_data, u.external_flags,
	(SELECT group_concat(role, ',') FROM user_role WHERE user_id = u.id)
FROM user u`
	selectUser        = selectUsers + ` WHERE u.deleted_at IS NULL`
	selectUserByID    = selectUser + ` AND u.id = ?`
	selectUserByName  = selectUser + ` AND u.username_key = ?`
	selectUserByEmail = selectUser + ` AND u.email_key = ?`
	// Two probes, each of an index of its own: an OR would scan.
	selectPasswordByName = `
SELECT id, coalesce(password, ''), state <> 'active' FROM user WHERE username_key = ?1 AND deleted_at IS NULL UNION ALL
SELECT id, coalesce(password, ''), state <> 'active' FROM user WHERE email_key = ?1 AND username_key <> ?1 AND deleted_at IS NULL`
	// One parameter holds all IDs, as a JSON list: the text stays the same however many there are.
	selectNames = `
SELECT id, username FROM user
WHERE deleted_at IS NULL AND id IN (SELECT unhex(value, '-') FROM json_each(?))`
)

// scanUser reads a row of selectUser. The password's hash is not in it, lest it travel with every user that is shown.
func scanUser(row scanner) (u account.User, err error) {
	err = row.Scan(&u.ID, &u.Kind, &u.Username, &u.Email, &u.DisplayName, &u.State, &u.HasPassword, &u.HasFactor,
		&u.Version, timeColumn{&u.CreatedAt}, timeColumn{&u.UpdatedAt},
		&u.External.Profile, &u.External.ID, &u.External.Ref, &u.External.Data, &u.External.Flags, listColumn{&u.Roles})
	slices.Sort(u.Roles) // in SQLite, that would cost as much as all else of the select
	return u, err
}

// User implements account.Store.
func (s *Store) User(ctx context.Context, id uuid.UUID) (account.User, error) {
	u, err := scanUser(s.find(ctx, selectUserByID, blob(id)))
	if err != nil {
		return account.User{}, fmt.Errorf("reading user: %w", kindOf(err))
	}
	return u, nil
}

// UserByName implements account.Store. Keys are compared byte by byte: what is the same name was decided when they were
// made.
func (s *Store) UserByName(ctx context.Context, key string) (account.User, error) {
	u, err := scanUser(s.find(ctx, selectUserByName, key))
	if err != nil {
		return account.User{}, fmt.Errorf("reading user: %w", kindOf(err))
	}
	return u, nil
}

// UserByEmail implements account.Store.
func (s *Store) UserByEmail(ctx context.Context, key string) (account.User, error) {
	u, err := scanUser(s.find(ctx, selectUserByEmail, key))
	if err != nil {
		return account.User{}, fmt.Errorf("reading user: %w", kindOf(err))
	}
	return u, nil
}

// UsersNamed implements account.Store.
func (s *Store) UsersNamed(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	names, err := s.names(ctx, selectNames, ids)
	if err != nil {
		return nil, fmt.Errorf("naming users: %w", err)
	}
	return names, nil
}

// names returns the rows of a query that takes IDs as one list in JSON and selects ID and name.
func (s *Store) names(ctx context.Context, query string, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	names := make(map[uuid.UUID]string, len(ids))
	rows, err := s.reads.QueryContext(ctx, query, string(list))
	_, err = all(rows, err, func(row scanner) (id uuid.UUID, err error) {
		var name string
		err = row.Scan(&id, &name)
		names[id] = name
		return id, err
	})
	return names, err
}

// AnyUser implements account.Store. Tombstones count: who has deleted everybody isn't starting for the first time.
func (s *Store) AnyUser(ctx context.Context) (bool, error) {
	var found bool
	err := one(s.reads.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM user)`), "looking for a user", &found)
	return found, err
}
