package sqlite

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

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
	selectOperationsOf = operationsBegin + ` WHERE o.service_id = ?` + operationsEnd

	deleteOperations = `DELETE FROM operation WHERE service_id = ?` // their audiences go with them
)

// operations reads operations by the service they belong to, each list in the order in which it was given. Order means
// nothing to the policy, but people find their list as they left it.
func operations(rows *sql.Rows, err error) (map[uuid.UUID][]policy.Operation, error) {
	byService := make(map[uuid.UUID][]policy.Operation)
	_, err = all(rows, err, func(row scanner) (none struct{}, err error) {
		var service uuid.UUID
		var position int
		var op policy.Operation
		var kind sql.NullString
		var member policy.Audience
		if err := row.Scan(&service, &position, &op.Pattern, &op.Scope, &kind, &member.UserID, &member.Name); err != nil {
			return none, err
		}
		// The rows of an operation come one after the other, and positions count from zero without a gap.
		ops := byService[service]
		if position == len(ops) {
			ops = append(ops, op)
			byService[service] = ops
		}
		if kind.Valid {
			member.Kind = policy.AudienceKind(kind.String)
			last := &ops[len(ops)-1]
			last.Audience = append(last.Audience, member)
		}
		return none, nil
	})
	return byService, err
}

// ReplaceOperations implements catalog.Store. The rows are written anew rather than compared: what an administrator
// puts is the whole list, and the largest takes a fraction of a second. It is not among the writes that may use the reserve,
// because a large list would spend it: while the disk is full, blocking a user or deleting the service ends an access.
func (s *Store) ReplaceOperations(ctx context.Context, id uuid.UUID, version int64, ops []policy.Operation, ev audit.Event) error {
	return s.write(ctx, "replacing operations", func(t *tx) error {
		n, err := t.exec(`UPDATE service SET suspended = 0, version = version + 1, updated_at = ? WHERE id = ? AND version = ? AND deleted_at IS NULL`,
			micros(ev.At), blob(id), version)
		if err != nil {
			return err
		}
		if n == 0 {
			return t.staleOrGone(serviceLives, id)
		}
		if _, err := t.exec(deleteOperations, blob(id)); err != nil {
			return err
		}
		for i, op := range ops {
			if err := t.insertOperation(id, i, op); err != nil {
				return err
			}
		}
		return t.record(ev, feed.Service, id)
	})
}

// insertOperation writes an operation in its place of the list. A member of its audience may be a user who was deleted
// meanwhile: the ID is never used again, so the row admits nobody.
func (t *tx) insertOperation(service uuid.UUID, position int, op policy.Operation) error {
	if _, err := t.exec(`INSERT INTO operation (service_id, position, pattern, scope) VALUES (?, ?, ?, ?)`,
		blob(service), position, op.Pattern, op.Scope); err != nil {
		return err
	}
	for i, a := range op.Audience {
		if _, err := t.exec(`INSERT INTO operation_audience (service_id, operation, position, kind, user_id, name) VALUES (?, ?, ?, ?, ?, ?)`,
			blob(service), position, i, string(a.Kind), optionalBlob(a.UserID), a.Name); err != nil {
			return err
		}
	}
	return nil
}
