package httpapi

import (
	"context"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/catalog"
)

// The operations of a service are one resource and not a listing: they are read whole and replaced whole, so that what
// was read can be sent back, and the patterns are checked against each other.

// getOperations shows all operations, audiences by name.
func (s *server) getOperations(ctx context.Context, _ *call, in *serviceInput) (*versioned[[]api.Operation], error) {
	// The service is read first: should another take its name meanwhile, the tag fits neither.
	e, err := s.cfg.Catalog.Service(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	ops, version, err := s.cfg.Catalog.Operations(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	body := make([]api.Operation, len(ops))
	for i, o := range ops {
		body[i] = api.Operation{Pattern: o.Pattern, Audience: o.Audience, Scope: o.Scope}
	}
	return &versioned[[]api.Operation]{ETag: etag(e.ID, version), Body: body}, nil
}

// operationsInput is all operations of a service, as they shall be from now on.
type operationsInput struct {
	Name    string `path:"name" doc:"The service's name."`
	IfMatch string `header:"If-Match" doc:"The version that was read; without it the answer is 428."`
	Body    []api.Operation
}

// replaced is the answer to new operations.
type replaced struct {
	ETag string `header:"ETag" doc:"The new version, for If-Match."`
}

// replaceOperations puts new operations in place of all that there are. The answer shows none: what is stored is what was
// sent, but for the spelling of names.
func (s *server) replaceOperations(ctx context.Context, c *call, in *operationsInput) (*replaced, error) {
	match, err := preconditionOf(c.r.Header)
	if err != nil {
		return nil, err
	}
	if !match.sent {
		// Whoever replaces all must have seen all, or else takes back what another has just added.
		return nil, api.NewProblem(api.CodeVersionRequired, "")
	}
	ops := make([]catalog.Operation, len(in.Body))
	for i, o := range in.Body {
		ops[i] = catalog.Operation{Pattern: o.Pattern, Audience: o.Audience, Scope: o.Scope}
	}
	out := &replaced{}
	return out, match.try(func() error {
		e, err := s.cfg.Catalog.Service(ctx, in.Name)
		if err != nil {
			return err
		}
		if err := match.check(e.ID, e.Version); err != nil {
			return err
		}
		version, err := s.cfg.Catalog.Replace(ctx, in.Name, e.Version, ops, c.actor())
		out.ETag = etag(e.ID, version)
		return err
	})
}
