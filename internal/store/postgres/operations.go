package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/policy"
)

// An operation has as many rows here as its audience has members, and one where it has none: an operation that nobody
// may call is not the same as no operation.
const (
	operationsBegin = `
SELECT o.service_id, o.position, o.pattern, o.scope, a.kind, a.user_id, coalesce(a.name, '')
FROM operation o LEFT JOIN operation_audience a ON a.service_id = o.service_id AND a.operation = o.position`
	operationsEnd      = ` ORDER BY o.service_id, o.position, a.position`
	selectOperations   = operationsBegin + operationsEnd
	selectOperationsOf = operationsBegin + ` WHERE o.service_id = $1` + operationsEnd

	deleteOperations = `DELETE FROM operation WHERE service_id = $1` // their audiences go with them
)

// operations reads operations by the service they belong to, each list in the order in which it was given. Order means
// nothing to the policy, but people find their list as they left it.
func operations(ctx context.Context, in queryer, text string, args ...any) (map[uuid.UUID][]policy.Operation, error) {
	byService := make(map[uuid.UUID][]policy.Operation)
	_, err := collect(ctx, in, func(row scanner) (none struct{}, err error) {
		var service uuid.UUID
		var position int
		var op policy.Operation
		var kind *string
		var member policy.Audience
		if err := row.Scan(idColumn{&service}, &position, &op.Pattern, &op.Scope, &kind, idColumn{&member.UserID}, &member.Name); err != nil {
			return none, err
		}
		// The rows of an operation come one after the other, and positions count from zero without a gap.
		ops := byService[service]
		if position == len(ops) {
			ops = append(ops, op)
			byService[service] = ops
		}
		if kind != nil {
			member.Kind = policy.AudienceKind(*kind)
			last := &ops[len(ops)-1]
			last.Audience = append(last.Audience, member)
		}
		return none, nil
	}, text, args...)
	return byService, err
}

// ReplaceOperations implements catalog.Store. The rows are written anew rather than compared: what an administrator
// puts is the whole list, and the largest takes a fraction of a second. It is not among the writes that may use the reserve,
// because a large list would spend it: while the disk is full, blocking a user or deleting the service ends an access.
func (s *Store) ReplaceOperations(ctx context.Context, id uuid.UUID, version int64, ops []policy.Operation, ev audit.Event) error {
	return s.write(ctx, "replacing operations", func(t *tx) error {
		n, err := t.exec(`UPDATE service SET suspended = false, version = version + 1, updated_at = $1 WHERE id = $2 AND version = $3 AND deleted_at IS NULL`,
			micros(ev.At), raw(id), version)
		if err != nil {
			return err
		}
		if n == 0 {
			return t.staleOrGone(serviceLives, id)
		}
		var b pgx.Batch
		b.Queue(deleteOperations, raw(id))
		for i, op := range ops {
			insertOperation(&b, id, i, op)
		}
		if err := t.send(&b); err != nil {
			return err
		}
		return t.record(ev, feed.Service, id)
	})
}

// insertOperation writes an operation in its place of the list. A member of its audience may be a user who was deleted
// meanwhile: the ID is never used again, so the row admits nobody.
func insertOperation(b *pgx.Batch, service uuid.UUID, position int, op policy.Operation) {
	b.Queue(`INSERT INTO operation (service_id, position, pattern, scope) VALUES ($1, $2, $3, $4)`,
		raw(service), position, op.Pattern, op.Scope)
	for i, a := range op.Audience {
		b.Queue(`INSERT INTO operation_audience (service_id, operation, position, kind, user_id, name) VALUES ($1, $2, $3, $4, $5, $6)`,
			raw(service), position, i, string(a.Kind), optionalRaw(a.UserID), a.Name)
	}
}
