package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/feed"
)

// serviceLives asks for a service that wasn't deleted.
const serviceLives = `SELECT EXISTS (SELECT 1 FROM service WHERE id = $1 AND deleted_at IS NULL)`

// CreateService implements catalog.Store. It enters the feed although it takes nothing away: a call that no service
// answered for was refused, and nodes must hear that one does now.
func (s *Store) CreateService(ctx context.Context, v catalog.Service, ev audit.Event) error {
	return s.write(ctx, "inserting service", func(t *tx) error {
		if _, err := t.exec(`
INSERT INTO service (id, name, host, path_prefix, default_verdict, allow_in_path, accept_api_tokens, project_id, upstream, profile, forward_query_tokens,
	identity_token, rate_calls, rate_seconds, version, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			raw(v.ID), v.Name, v.Host, v.PathPrefix, string(v.Default), v.AllowInPath, v.AcceptAPITokens, optionalRaw(v.Project), v.Upstream, v.Profile,
			v.ForwardQueryTokens, v.IdentityToken, v.Rate.Calls, int64(v.Rate.Per/time.Second), v.Version,
			micros(v.CreatedAt), micros(v.UpdatedAt)); err != nil {
			return serviceError(err)
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
UPDATE service SET name = $1, host = $2, path_prefix = $3, default_verdict = $4, allow_in_path = $5, accept_api_tokens = $6, project_id = $7,
	upstream = $8, profile = $9, forward_query_tokens = $10, identity_token = $11, rate_calls = $12, rate_seconds = $13, suspended = false,
	version = version + 1, updated_at = $14
WHERE id = $15 AND version = $16 AND deleted_at IS NULL`,
			v.Name, v.Host, v.PathPrefix, string(v.Default), v.AllowInPath, v.AcceptAPITokens, optionalRaw(v.Project), v.Upstream,
			v.Profile, v.ForwardQueryTokens, v.IdentityToken, v.Rate.Calls, int64(v.Rate.Per/time.Second), micros(v.UpdatedAt), raw(v.ID), v.Version)
		if err != nil {
			return serviceError(err)
		}
		if n == 0 {
			return t.staleOrGone(serviceLives, v.ID)
		}
		if _, err := t.exec(`DELETE FROM service_verifier WHERE service_id = $1`, raw(v.ID)); err != nil {
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
	if err := t.execOne(`UPDATE service SET deleted_at = $1, updated_at = $1, version = version + 1 WHERE id = $2 AND deleted_at IS NULL`,
		micros(at), raw(id)); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM service_verifier WHERE service_id = $1`, raw(id)); err != nil {
		return err
	}
	_, err := t.exec(deleteOperations, raw(id))
	return err
}

// setVerifiers gives verifiers to a service without any. They have a table of their own for the database to know that
// each is a user, or was one.
func (t *tx) setVerifiers(v catalog.Service) error {
	if len(v.Verifiers) == 0 {
		return nil
	}
	_, err := t.exec(`INSERT INTO service_verifier (service_id, user_id) SELECT $1, unnest($2::uuid[])`, raw(v.ID), rawAll(v.Verifiers))
	return err
}

// serviceError says what another service has, where that is why err came.
func serviceError(err error) error {
	switch {
	case clashed(err, "service_by_name"):
		return conflict("name", "is another service's", "Choose another name.")
	case clashed(err, "service_by_address"):
		return conflict("path_prefix", "is another service's on the same host", "Choose another prefix or host.")
	}
	return err
}
