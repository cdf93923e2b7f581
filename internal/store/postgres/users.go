package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
)

// selectUsers and what follows it reads users with their roles in one statement, and so as of one moment.
const (
	selectUsers = `
SELECT u.id, u.kind, u.username, u.email, u.display_name, u.state, u.password IS NOT NULL,
	EXISTS (SELECT 1 FROM authenticator WHERE user_id = u.id) OR EXISTS (SELECT 1 FROM passkey WHERE user_id = u.id),
	u.version, u.created_at, u.updated_at, u.external_profile, u.external_id, u.external_ref, u.external_data, u.external_flags,
	(SELECT array_agg(role ORDER BY role) FROM user_role WHERE user_id = u.id)
FROM "user" u`
	selectUser           = selectUsers + ` WHERE u.deleted_at IS NULL`
	selectUserByID       = selectUser + ` AND u.id = $1`
	selectUserByName     = selectUser + ` AND u.username_key = $1`
	selectUserByEmail    = selectUser + ` AND u.email_key = $1`
	selectPasswordByName = `
SELECT id, coalesce(password, ''), state <> 'active' FROM "user" WHERE username_key = $1 AND deleted_at IS NULL UNION ALL
SELECT id, coalesce(password, ''), state <> 'active' FROM "user" WHERE email_key = $1 AND username_key <> $1 AND deleted_at IS NULL`
	// One parameter holds all IDs: the text stays the same however many there are.
	selectNames = `SELECT id, username FROM "user" WHERE deleted_at IS NULL AND id = ANY ($1)`
)

// scanUser reads a row of selectUser. The password's hash is not in it, lest it travel with every user that is shown.
func scanUser(row scanner) (u account.User, err error) {
	err = row.Scan(idColumn{&u.ID}, &u.Kind, &u.Username, &u.Email, &u.DisplayName, &u.State, &u.HasPassword, &u.HasFactor,
		&u.Version, timeColumn{&u.CreatedAt}, timeColumn{&u.UpdatedAt},
		&u.External.Profile, &u.External.ID, &u.External.Ref, &u.External.Data, &u.External.Flags, &u.Roles)
	return u, err
}

// User implements account.Store.
func (s *Store) User(ctx context.Context, id uuid.UUID) (account.User, error) {
	u, err := scanUser(s.find(ctx, selectUserByID, raw(id)))
	if err != nil {
		return account.User{}, fmt.Errorf("reading user: %w", kindOf(err))
	}
	return u, nil
}

// UserByName implements account.Store. Keys are compared byte by byte: what is the same name was decided when they were
// made.
func (s *Store) UserByName(ctx context.Context, key string) (account.User, error) {
	u, err := scanUser(s.named(ctx, s.finding, selectUserByName, key))
	if err != nil {
		return account.User{}, fmt.Errorf("reading user: %w", kindOf(err))
	}
	return u, nil
}

// UserByEmail implements account.Store.
func (s *Store) UserByEmail(ctx context.Context, key string) (account.User, error) {
	u, err := scanUser(s.named(ctx, s.finding, selectUserByEmail, key))
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

// names returns the rows of a query that takes IDs as one list and selects ID and name.
func (s *Store) names(ctx context.Context, query string, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	names := make(map[uuid.UUID]string, len(ids))
	_, err := all(ctx, s, func(row scanner) (id uuid.UUID, err error) {
		var name string
		err = row.Scan(idColumn{&id}, &name)
		names[id] = name
		return id, err
	}, query, rawAll(ids))
	return names, err
}

// AnyUser implements account.Store. Tombstones count: who has deleted everybody isn't starting for the first time.
func (s *Store) AnyUser(ctx context.Context) (bool, error) {
	var found bool
	err := one(s.row(ctx, `SELECT EXISTS (SELECT 1 FROM "user")`), "looking for a user", &found)
	return found, err
}
