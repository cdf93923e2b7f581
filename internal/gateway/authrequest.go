package gateway

import (
	"net/http"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// authRequest answers nginx's auth_request, which asks by GET whatever the method of the call. It is the hot path: a
// warm credential costs no look-up, no lock and a handful of allocations.
func (g *gateway) authRequest(w http.ResponseWriter, r *http.Request) {
	client, trusted := g.peers.Client(r)
	in := authority.Presented{Authorization: r.Header["Authorization"], Peer: client}
	line := web.Note(w)
	line.Client = client
	if !trusted { // before anything it says is read: it could name any call, and learn whose token it holds
		g.refuse(w, line, g.authority.Refuse(authority.ReasonUntrustedPeer, &in, &g.door))
		return
	}
	if err := readCall(r.Header, &in); err != nil {
		line.Err = err
		g.refuse(w, line, g.authority.Refuse(authority.ReasonUnreadableCall, &in, &g.door))
		return
	}
	line.Method, line.Host, line.Path = in.Method, in.Host, in.Path
	d := g.authority.Decide(r.Context(), &in, &g.door)
	line.Service = d.Service
	if d.Kind != authority.KindNone {
		line.Kind = d.Kind.String()
	}
	if !d.Allowed() {
		line.Err = d.Refusal.Cause
		g.refuse(w, line, d.Refusal)
		return
	}
	line.User, line.Credential = d.Principal.ID, d.Principal.CredentialID
	g.setIdentity(w.Header(), &d)
	// The status 200 goes without saying: net/http sends it.
}

// refuse answers with a status that nginx's auth_request understands; X-Jeton-Status says what the caller should see.
//
// The reason stays here: every failed credential has the same answer to the byte, so that nobody learns from it whether
// a token was ever good. The time of the answer is not part of that promise: a token with a wrong checksum is refused
// without a look-up, which tells what the checksum had told already.
//
// What can't be judged is a 403 and what can't be decided just now a 503: whatever a proxy makes of the second status,
// and of one that it doesn't know, neither is a 2xx, which alone lets a call pass.
func (g *gateway) refuse(w http.ResponseWriter, line *web.Line, ref *authority.Refusal) {
	line.Reason, line.User, line.Credential = string(ref.Reason), ref.UserID, ref.ID
	h := w.Header()
	g.clearIdentity(h)
	status, answer := http.StatusForbidden, g.fixed.forbidden
	switch ref.Reason.Outcome() {
	case authority.OutcomeUnauthenticated:
		status, answer = http.StatusUnauthorized, g.fixed.unauthenticated
	case authority.OutcomeMalformed:
		answer = g.fixed.malformed
	case authority.OutcomeUnavailable:
		status, answer = http.StatusServiceUnavailable, g.fixed.unavailable
	}
	web.SetProblemHeaders(h, status, ref.RetryAfter)
	h[identityNames[xJetonStatus]] = answer
	w.WriteHeader(status)
}
