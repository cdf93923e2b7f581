package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jeton-io/jeton/internal/catalog"
)

// A service is read with its verifiers in one statement, and so as of one moment. They come as one text, because a join
// would repeat the service for each. A project that was deleted is none.
const (
	selectService = `
SELECT s.id, s.name, s.host, s.path_prefix, s.default_verdict, s.allow_in_path, s.accept_api_tokens, s.upstream, s.profile, s.forward_query_tokens, s.identity_token, s.rate_calls,
	s.rate_seconds, s.suspended, s.version, s.created_at, s.updated_at,
	p.id, coalesce(p.number, 0), (SELECT group_concat(hex(user_id), '' ORDER BY user_id) FROM service_verifier WHERE service_id = s.id)
FROM service s LEFT JOIN project p ON p.id = s.project_id AND p.deleted_at IS NULL WHERE s.deleted_at IS NULL`
	selectServiceByName = selectService + ` AND s.name = ?`
	selectServicesAfter = selectService + ` AND s.name > ? ORDER BY s.name LIMIT ?`
	selectServices      = selectService + ` ORDER BY s.name`
)

// scanService reads a row of selectService, without its operations: a list of services has no need of thousands of them.
func scanService(row scanner) (v catalog.Service, err error) {
	var seconds int64
	err = row.Scan(&v.ID, &v.Name, &v.Host, &v.PathPrefix, &v.Default, &v.AllowInPath, &v.AcceptAPITokens, &v.Upstream, &v.Profile,
		&v.ForwardQueryTokens, &v.IdentityToken, &v.Rate.Calls, &seconds, &v.Suspended, &v.Version,
		timeColumn{&v.CreatedAt}, timeColumn{&v.UpdatedAt}, &v.Project, &v.ProjectNumber, idsColumn{&v.Verifiers})
	v.Rate.Per = time.Duration(seconds) * time.Second
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
