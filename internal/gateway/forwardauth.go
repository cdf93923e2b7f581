package gateway

import (
	"context"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// forwardAuth answers Traefik's ForwardAuth and Caddy's forward_auth. Both hand a refusal on to the client as it is, with
// its status, header and body: so it says what it means, in the words of /v1.
func (g *Gateway) forwardAuth(ctx context.Context, c *check) {
	c.in = web.PresentedIn(c.header)
	err := readForwarded(c.header, &c.in)
	if ref := g.decide(ctx, c, err); ref != nil {
		g.refuseInWords(c, ref)
	}
}

// refuseInWords answers with the status that is meant, and says what it means.
func (g *Gateway) refuseInWords(c *check, ref *authority.Refusal) {
	problem, known := g.refusals[ref.Reason]
	if !known {
		problem = web.Prepare(web.ProblemOf(ref))
	}
	c.refuse(problem.Status(), problem.StatusText(), ref)
	c.tell(problem)
}
