package gateway

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// check is one question of a proxy's with its answer, in no HTTP engine's terms: an edge fills the first half, and sends the second.
type check struct {
	header web.Header
	method string     // of the question itself, and so for what follows
	target string     // as it stood in the request line
	path   string     // its path, decoded
	host   string     // of the header field Host
	remote netip.Addr // the other end of the connection
	id     string     // of the request
	line   *web.Line

	status int
	fields web.Fields
	body   []byte

	in authority.Presented // the call that the question is about
}

// clear leaves nothing of a check but the room that it took.
func (c *check) clear() {
	clear(c.fields)
	*c = check{fields: c.fields[:0], body: c.body[:0]}
}

// answer answers a question. Every path but a proxy's own word for Envoy's is compared as a whole: what would have to be cleaned or
// completed to be one of them is a fault of a proxy's configuration.
func (g *Gateway) answer(ctx context.Context, c *check) {
	switch {
	case asksExtAuthz(c.target): // its path goes on with that of the call
		g.extAuthz(ctx, c)
	case c.path == "/auth-request":
		g.authRequest(ctx, c)
	case c.path == "/forward-auth":
		g.forwardAuth(ctx, c)
	default:
		g.notFound(c)
	}
}

// decide says whether the call may pass that a proxy asks about, and tells whose it is, or returns the refusal, of which the proxy's
// own way tells. The error is that of a call that the proxy didn't describe. It is the hot path: a warm credential costs no look-up,
// no lock and an allocation for what has to be made of its user.
func (g *Gateway) decide(ctx context.Context, c *check, unreadable error) *authority.Refusal {
	in, line := &c.in, c.line
	var trusted bool
	in.Peer, trusted = g.cfg.Peers.ClientOf(c.remote, c.header)
	line.Client = in.Peer
	if !trusted { // whatever it says: it could name any call, and learn whose token it holds
		return c.refused(g.cfg.Authority.Refuse(authority.ReasonUntrustedPeer, in, &g.door)) // which enters the address alone
	}
	if unreadable != nil || !web.IsQuery(in.Query) { // the latter is its client's doing, and nothing for an operator
		line.Err = unreadable
		return c.refused(g.cfg.Authority.Refuse(authority.ReasonUnreadableCall, in, &g.door))
	}
	line.Method, line.Host, line.Path = in.Method, in.Host, in.Path
	d := g.cfg.Authority.Decide(ctx, in, &g.door)
	line.Judged(&d)
	c.fields = c.fields.Bound(&d.Quotas)
	if !d.Allowed() {
		return c.refused(d.Refusal)
	}
	c.status = http.StatusOK
	c.fields = c.fields.Identify(&d).NoStore()
	return nil
}

// refused notes a refusal for the log.
func (c *check) refused(ref *authority.Refusal) *authority.Refusal {
	c.line.Refused(ref)
	return ref
}

// refuse answers that a call may not pass: that nothing is known of its caller, nor more of the credential than may be told. shown
// is the status that the caller should see.
func (c *check) refuse(status int, shown string, ref *authority.Refusal) {
	c.status = status
	c.fields = c.fields.Anonymize(shown).Refuse(status, ref.Reason, ref.RetryAfter)
}

// tell says in the words of /v1 why the call may not pass, as the body of the answer.
func (c *check) tell(problem *web.Prepared) {
	c.line.Told(problem.Status(), problem.Code())
	c.fields, c.body = problem.Append(c.fields, c.body, c.accept(), c.id)
}

// accept returns the media types that the proxy hands on as the client's.
func (c *check) accept() string {
	if values := c.header.Values("Accept"); len(values) > 0 {
		return values[0]
	}
	return ""
}
