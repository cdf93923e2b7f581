package project

import (
	"context"

	"github.com/jeton-io/jeton/internal/authority"
)

// Kind implements authority.Way.
func (p *Projects) Kind() authority.Kind { return authority.Sealed }

// Recognizes implements authority.Way: a sealed token is no bearer token. It comes in a query or a form, by name.
func (p *Projects) Recognizes(string) bool { return false }

// Prove implements authority.Way.
func (p *Projects) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknownProject}
}

// Touch implements authority.Toucher.
func (p *Projects) Touch(ctx context.Context, used []authority.Use) error {
	return p.cfg.Store.TouchTokenSets(ctx, used)
}
