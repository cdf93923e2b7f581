package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// maxOperations bounds the operations of a service: the largest public APIs have some hundreds.
const maxOperations = 5000

// Operation is an operation in people's words.
type Operation struct {
	Pattern string
	// Audience is who may call it: "user:NAME", "role:NAME" or "self:{VARIABLE}".
	Audience []string
	Scope    string
}

// Replace replaces the operations of a service, if its version is the given one. Errors are a *authority.FieldError,
// ErrConflict (wrapped in one) for patterns that conflict, ErrStale, ErrNotFound or a store's. It returns the new version.
// A suspended service is so no more. The audit event tells what was added and removed: the version that is replaced is the one that was read here.
func (c *Catalog) Replace(ctx context.Context, name string, version int64, ops []Operation, actor audit.Actor) (int64, error) {
	e, err := c.cfg.Store.Service(ctx, name)
	if err != nil {
		return 0, err
	}
	if e.Version != version {
		return 0, authority.ErrStale
	}
	if len(ops) > maxOperations {
		return 0, &authority.FieldError{Field: "operations", Problem: "are more than 5000", Fix: "Make several services of it, by path prefix."}
	}
	compiled := make([]policy.Operation, len(ops))
	for i, op := range ops {
		audience, err := c.audience(ctx, i, op.Audience)
		if err != nil {
			return 0, err
		}
		compiled[i] = policy.Operation{Pattern: op.Pattern, Audience: audience, Scope: op.Scope}
	}
	s := e.Service
	if err := s.compilable(compiled).Validate(); err != nil {
		return 0, fieldErrorOf(err)
	}
	detail, err := c.difference(ctx, e.Operations, compiled)
	if err != nil {
		return 0, err
	}
	ev := audit.New(audit.OperationsReplace, actor, target(s), c.cfg.Now(), append(detail, s.resumed()...)...)
	if err := c.cfg.Store.ReplaceOperations(ctx, s.ID, version, compiled, ev); err != nil {
		return 0, fmt.Errorf("replacing operations: %w", err)
	}
	return version + 1, c.cfg.Applied(ctx)
}

// audience turns the words of one operation's audience into IDs.
func (c *Catalog) audience(ctx context.Context, op int, words []string) ([]policy.Audience, error) {
	audience := make([]policy.Audience, 0, len(words))
	for i, word := range words {
		field := fmt.Sprintf("operations[%d].audience[%d]", op, i)
		a, err := c.member(ctx, field, word)
		if err != nil {
			return nil, err
		}
		audience = append(audience, a)
	}
	return audience, nil
}

// member turns one word of an audience, which stands in field, into what the policy knows.
func (c *Catalog) member(ctx context.Context, field, word string) (policy.Audience, error) {
	if name, ok := strings.CutPrefix(word, "user:"); ok {
		id, err := c.cfg.Users.UserID(ctx, name)
		if errors.Is(err, authority.ErrNotFound) {
			return policy.Audience{}, &authority.FieldError{Field: field, Problem: "names a user who doesn't exist", Fix: "Make the user first, or name a role."}
		}
		return policy.UserAudience(id), err
	}
	a, err := policy.ParseAudience(word)
	if err != nil {
		return policy.Audience{}, &authority.FieldError{Field: field, Problem: "is none of user:NAME, role:NAME and self:{variable}", Fix: "Write user:ExternalApp for a user, role:NAME for a role."}
	}
	return a, nil
}

// Operations returns the operations of a service in people's words, with its version. Users deleted since are left out.
func (c *Catalog) Operations(ctx context.Context, name string) ([]Operation, int64, error) {
	e, err := c.cfg.Store.Service(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	var ids []uuid.UUID
	for _, op := range e.Operations {
		for _, a := range op.Audience {
			if a.Kind == policy.AudienceUser {
				ids = append(ids, a.UserID)
			}
		}
	}
	names, err := c.cfg.Users.Names(ctx, ids)
	if err != nil {
		return nil, 0, fmt.Errorf("naming an audience: %w", err)
	}
	ops := make([]Operation, len(e.Operations))
	for i, op := range e.Operations {
		ops[i] = Operation{Pattern: op.Pattern, Audience: words(op.Audience, names), Scope: op.Scope}
	}
	return ops, e.Version, nil
}

// words turns an audience into people's words.
func words(audience []policy.Audience, names map[uuid.UUID]string) []string {
	all := make([]string, 0, len(audience))
	for _, a := range audience {
		if a.Kind != policy.AudienceUser {
			all = append(all, a.String())
		} else if name, lives := names[a.UserID]; lives {
			all = append(all, "user:"+name)
		}
	}
	return all
}

// fault is the error of a field, beside the policy's own, by which an edge finds the operation at fault. It says no more than the
// former, which holds no value.
type fault struct {
	error
	cause error
}

// Unwrap returns both.
func (f fault) Unwrap() []error { return []error{f.error, f.cause} }

// fieldErrorOf turns the first thing that the policy finds wrong with a service into the error of a field. The policy's own error,
// a *policy.ConflictError or *policy.InvalidError, is found in it, too.
func fieldErrorOf(err error) error {
	if conflict, ok := errors.AsType[*policy.ConflictError](err); ok {
		return fault{fmt.Errorf("%w: %w", authority.ErrConflict, &authority.FieldError{
			Field:   "operations",
			Problem: fmt.Sprintf("%q and %q both match %q, and neither is more specific", conflict.A, conflict.B, conflict.Example),
			Fix:     "Make one of the patterns more specific, or drop it.",
		}), conflict}
	}
	invalid, ok := errors.AsType[*policy.InvalidError](err)
	if !ok {
		return err
	}
	if invalid.Operation == "" && invalid.Field != "pattern" {
		return fault{&authority.FieldError{Field: invalid.Field, Problem: "is not usable: " + invalid.Problem}, invalid}
	}
	return fault{&authority.FieldError{
		Field: "operations", Problem: fmt.Sprintf("hold %q, whose %s is not usable: %s", invalid.Operation, invalid.Field, invalid.Problem),
	}, invalid}
}
