package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/feed"
)

// A service is read with its verifiers in one statement, and so as of one moment. They come as one text, because a join
// would repeat the service for each.
const (
	selectService = `
SELECT s.id, s.name, s.host, s.path_prefix, s.default_verdict, s.allow_in_path, s.version, s.created_at, s.updated_at,
	(SELECT group_concat(hex(user_id), '' ORDER BY user_id) FROM service_verifier WHERE service_id = s.id)
FROM service s WHERE s.deleted_at IS NULL`
	selectServiceByName = selectService + ` AND s.name = ?`
	selectServicesAfter = selectService + ` AND s.name > ? ORDER BY s.name LIMIT ?`
	selectServices      = selectService + ` ORDER BY s.name`

	serviceLives = `SELECT EXISTS (SELECT 1 FROM service WHERE id = ? AND deleted_at IS NULL)`
)

func scanService(row scanner) (v catalog.Service, err error) {
	err = row.Scan(&v.ID, &v.Name, &v.Host, &v.PathPrefix, &v.Default, &v.AllowInPath, &v.Version,
		timeColumn{&v.CreatedAt}, timeColumn{&v.UpdatedAt}, idsColumn{&v.Verifiers})
	return v, err
}

// Service implements catalog.Store. Service and operations are of one moment: a version that is read here and given
// back to ReplaceOperations speaks of exactly these operations.
func (s *Store) Service(ctx context.Context, name string) (e catalog.Entry, err error) {
	err = s.view(ctx, func(snapshot *sql.Tx) error {
		if e.Service, err = scanService(snapshot.QueryRowContext(ctx, selectServiceByName, name)); err != nil {
			return kindOf(err)
		}
		ops, err := operations(snapshot.QueryContext(ctx, selectOperationsOf, blob(e.ID)))
		e.Operations = ops[e.ID]
		return err
	})
	if err != nil {
		return catalog.Entry{}, fmt.Errorf("reading service: %w", err)
	}
	return e, nil
}

// Services implements catalog.Store.
func (s *Store) Services(ctx context.Context, after string, limit int) ([]catalog.Service, error) {
	rows, err := s.reads.QueryContext(ctx, selectServicesAfter, after, limit)
	services, err := all(rows, err, scanService)
	if err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	return services, nil
}

// Catalog implements catalog.Store. It reads everything with two selects, however many services there are: each node
// does so after every change of any of them.
func (s *Store) Catalog(ctx context.Context) (entries []catalog.Entry, err error) {
	err = s.view(ctx, func(snapshot *sql.Tx) error {
		rows, err := snapshot.QueryContext(ctx, selectServices)
		services, err := all(rows, err, scanService)
		if err != nil {
			return err
		}
		ops, err := operations(snapshot.QueryContext(ctx, selectOperations))
		for _, v := range services {
			entries = append(entries, catalog.Entry{Service: v, Operations: ops[v.ID]})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", err)
	}
	return entries, nil
}

// CreateService implements catalog.Store. It enters the feed although it takes nothing away: a call that no service
// answered for was refused, and nodes must hear that one does now.
func (s *Store) CreateService(ctx context.Context, v catalog.Service, ev audit.Event) error {
	return s.write(ctx, "inserting service", func(t *tx) error {
		if _, err := t.exec(`
INSERT INTO service (id, name, host, path_prefix, default_verdict, allow_in_path, version, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(v.ID), v.Name, v.Host, v.PathPrefix, string(v.Default), v.AllowInPath, v.Version,
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
UPDATE service SET name = ?, host = ?, path_prefix = ?, default_verdict = ?, allow_in_path = ?, version = version + 1, updated_at = ?
WHERE id = ? AND version = ? AND deleted_at IS NULL`,
			v.Name, v.Host, v.PathPrefix, string(v.Default), v.AllowInPath, micros(v.UpdatedAt), blob(v.ID), v.Version)
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
func (s *Store) DeleteService(ctx context.Context, id uuid.UUID, at time.Time, ev audit.Event) error {
	return s.withdraw(ctx, "deleting service", func(t *tx) error {
		if err := t.execOne(`UPDATE service SET deleted_at = ?1, updated_at = ?1, version = version + 1 WHERE id = ?2 AND deleted_at IS NULL`,
			micros(at), blob(id)); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM service_verifier WHERE service_id = ?`, blob(id)); err != nil {
			return err
		}
		if _, err := t.exec(deleteOperations, blob(id)); err != nil {
			return err
		}
		return t.record(ev, feed.Service, id)
	})
}

// setVerifiers gives verifiers to a service without any.
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
