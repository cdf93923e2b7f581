package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/feed"
)

// serviceLives asks for a service that wasn't deleted.
const serviceLives = `SELECT EXISTS (SELECT 1 FROM service WHERE id = ? AND deleted_at IS NULL)`

// CreateService implements catalog.Store. It enters the feed although it takes nothing away: a call that no service
// answered for was refused, and nodes must hear that one does now.
func (s *Store) CreateService(ctx context.Context, v catalog.Service, ev audit.Event) error {
	return s.write(ctx, "inserting service", func(t *tx) error {
		if _, err := t.exec(`
INSERT INTO service (id, name, host, path_prefix, default_verdict, allow_in_path, accept_api_tokens, project_id, upstream, profile, forward_query_tokens,
	identity_token, rate_calls, rate_seconds, version, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(v.ID), v.Name, v.Host, v.PathPrefix, string(v.Default), v.AllowInPath, v.AcceptAPITokens, optionalBlob(v.Project), v.Upstream, v.Profile,
			v.ForwardQueryTokens, v.IdentityToken, v.Rate.Calls, int64(v.Rate.Per/time.Second), v.Version,
			micros(v.CreatedAt), micros(v.UpdatedAt)); err != nil {
			return t.serviceError(err, v)
		}
		if err := t.setVerifiers(v); err != nil {
			return err
		}
		return t.record(ev, feed.Service, v.ID)
	})
}

// UpdateService implements catalog.Store. The version is compared and raised by the statement that writes, so of two
// updates made for one version the second finds no row.
func (s *Store) UpdateService(ctx context.Context, v catalog.Service, ev audit.Event) error {
	return s.withdraw(ctx, "updating service", func(t *tx) error {
		n, err := t.exec(`
UPDATE service SET name = ?, host = ?, path_prefix = ?, default_verdict = ?, allow_in_path = ?, accept_api_tokens = ?, project_id = ?, upstream = ?,
	profile = ?, forward_query_tokens = ?, identity_token = ?, rate_calls = ?, rate_seconds = ?, suspended = 0,
	version = version + 1, updated_at = ?
WHERE id = ? AND version = ? AND deleted_at IS NULL`,
			v.Name, v.Host, v.PathPrefix, string(v.Default), v.AllowInPath, v.AcceptAPITokens, optionalBlob(v.Project), v.Upstream,
			v.Profile, v.ForwardQueryTokens, v.IdentityToken, v.Rate.Calls, int64(v.Rate.Per/time.Second), micros(v.UpdatedAt), blob(v.ID), v.Version)
		if err != nil {
			return t.serviceError(err, v)
		}
		if n == 0 {
			return t.staleOrGone(serviceLives, v.ID)
		}
		if _, err := t.exec(`DELETE FROM service_verifier WHERE service_id = ?`, blob(v.ID)); err != nil {
			return err
		}
		if err := t.setVerifiers(v); err != nil {
			return err
		}
		return t.record(ev, feed.Service, v.ID)
	})
}

// DeleteService implements catalog.Store. The tombstone keeps the ID from being used again, and its name for whoever
// reads of it in the audit log; who may call what goes.
func (s *Store) DeleteService(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "deleting service", func(t *tx) error {
		if err := t.endService(id, ev.At); err != nil {
			return err
		}
		return t.record(ev, feed.Service, id)
	})
}

// endService makes a tombstone of a service.
func (t *tx) endService(id uuid.UUID, at time.Time) error {
	if err := t.execOne(`UPDATE service SET deleted_at = ?1, updated_at = ?1, version = version + 1 WHERE id = ?2 AND deleted_at IS NULL`,
		micros(at), blob(id)); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM service_verifier WHERE service_id = ?`, blob(id)); err != nil {
		return err
	}
	_, err := t.exec(deleteOperations, blob(id))
	return err
}

// setVerifiers gives verifiers to a service without any. They have a table of their own for the database to know that
// each is a user, or was one.
func (t *tx) setVerifiers(v catalog.Service) error {
	for _, id := range v.Verifiers {
		if _, err := t.exec(`INSERT INTO service_verifier (service_id, user_id) VALUES (?, ?)`, blob(v.ID), blob(id)); err != nil {
			return err
		}
	}
	return nil
}

// serviceError finds out what of v another service has, where that is why err came. It asks the database, in the same
// transaction: the driver tells which index it was only in words.
func (t *tx) serviceError(err error, v catalog.Service) error {
	if !errors.Is(kindOf(err), authority.ErrConflict) {
		return err
	}
	const other = `AND id <> ? AND deleted_at IS NULL)`
	taken, asking := t.yes(`SELECT EXISTS (SELECT 1 FROM service WHERE name = ? `+other, v.Name, blob(v.ID))
	if asking == nil && taken {
		return conflict("name", "is another service's", "Choose another name.")
	}
	taken, asking = t.yes(`SELECT EXISTS (SELECT 1 FROM service WHERE host = ? AND path_prefix = ? `+other, v.Host, v.PathPrefix, blob(v.ID))
	if asking == nil && taken {
		return conflict("path_prefix", "is another service's on the same host", "Choose another prefix or host.")
	}
	return err
}
