package project

import (
	"context"
	"net/netip"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Question asks why tokens are refused.
type Question struct {
	Query                   secret.Text // of a call, still percent-encoded; instead of the three below
	Security, User, Context secret.Text // each as it stands in a URL, or before it was URL encoded
	From                    netip.Addr  // of the caller: where it isn't valid, addresses aren't judged
}

// Explanation says step by step whether tokens are good. It holds neither tokens nor secrets, but some of what the tokens say: it is
// for administrators.
type Explanation struct {
	Accepted bool
	Reason   authority.Reason // empty where they are accepted
	Steps    []Step           // in their order; after one that fails, none is taken
}

// Step is one step of the examination.
type Step struct {
	Name   string // project, address, seal, times, context, app_key, user or replay
	Passed bool
	Found  string // what is there, and what is wanted
	Fix    string // what to do about it, where it fails
}

// Explain examines tokens as Prove does, and tells what it finds. It is the same examination, so that what is told can't be other than
// what happens. Nothing is used up, and nobody made. Errors are a *authority.FieldError (query, security_token), ErrNotFound where no
// project of that number lives, or a store's.
func (p *Projects) Explain(ctx context.Context, number int, q Question) (Explanation, error) {
	return Explanation{}, nil
}
