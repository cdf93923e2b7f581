package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/catalog"
)

// A service is read with its verifiers in one statement, and so as of one moment. They come as one array, because a join
// would repeat the service for each. A project that was deleted is none.
const (
	selectService = `
SELECT s.id, s.name, s.host, s.path_prefix, s.default_verdict, s.allow_in_path, s.accept_api_tokens, s.upstream, s.profile, s.forward_query_tokens, s.identity_token, s.rate_calls,
	s.rate_seconds, s.suspended, s.version, s.created_at, s.updated_at,
	p.id, coalesce(p.number, 0), (SELECT array_agg(user_id ORDER BY user_id) FROM service_verifier WHERE service_id = s.id)
FROM service s LEFT JOIN project p ON p.id = s.project_id AND p.deleted_at IS NULL WHERE s.deleted_at IS NULL`
	selectServiceByName = selectService + ` AND s.name = $1`
	selectServicesAfter = selectService + ` AND s.name > $1 ORDER BY s.name LIMIT $2`
	selectServices      = selectService + ` ORDER BY s.name`
)

// scanService reads a row of selectService, without its operations: a list of services has no need of thousands of them.
func scanService(row scanner) (v catalog.Service, err error) {
	var verifiers [][16]byte
	var seconds int64
	err = row.Scan(idColumn{&v.ID}, &v.Name, &v.Host, &v.PathPrefix, &v.Default, &v.AllowInPath, &v.AcceptAPITokens, &v.Upstream, &v.Profile,
		&v.ForwardQueryTokens, &v.IdentityToken, &v.Rate.Calls, &seconds, &v.Suspended, &v.Version,
		timeColumn{&v.CreatedAt}, timeColumn{&v.UpdatedAt}, idColumn{&v.Project}, &v.ProjectNumber, &verifiers)
	v.Rate.Per = time.Duration(seconds) * time.Second
	for _, id := range verifiers {
		v.Verifiers = append(v.Verifiers, uuid.UUID(id))
	}
	return v, err
}

// Service implements catalog.Store. Service and operations are of one moment: a version that is read here and given
// back to ReplaceOperations speaks of exactly these operations.
func (s *Store) Service(ctx context.Context, name string) (e catalog.Entry, err error) {
	err = s.view(ctx, func(ctx context.Context, snapshot pgx.Tx) (err error) {
		if !storable(name) {
			return pgx.ErrNoRows
		}
		if e.Service, err = scanService(snapshot.QueryRow(ctx, selectServiceByName, name)); err != nil {
			return err
		}
		ops, err := operations(ctx, snapshot, selectOperationsOf, raw(e.ID))
		e.Operations = ops[e.ID]
		return err
	})
	if err != nil {
		return catalog.Entry{}, fmt.Errorf("reading service: %w", kindOf(err))
	}
	return e, nil
}

// Services implements catalog.Store.
func (s *Store) Services(ctx context.Context, after string, limit int) ([]catalog.Service, error) {
	services, err := all(ctx, s, scanService, selectServicesAfter, asStorable(after), limit)
	if err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	return services, nil
}

// Catalog implements catalog.Store. It reads everything with two selects, however many services there are: each node
// does so after every change of any of them.
func (s *Store) Catalog(ctx context.Context) (entries []catalog.Entry, err error) {
	err = s.view(ctx, func(ctx context.Context, snapshot pgx.Tx) error {
		services, err := collect(ctx, snapshot, scanService, selectServices)
		if err != nil {
			return err
		}
		ops, err := operations(ctx, snapshot, selectOperations)
		entries = nil // where it is run again
		for _, v := range services {
			entries = append(entries, catalog.Entry{Service: v, Operations: ops[v.ID]})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", kindOf(err))
	}
	return entries, nil
}
