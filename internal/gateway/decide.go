package gateway

import (
	"net/http"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// decide says whether the call may pass that a proxy asks about, and sets the identity headers, to nothing where it may
// not. The error is that of a call that the proxy didn't describe. It is the hot path: a warm credential costs no look-up,
// no lock and a handful of allocations.
func (g *gateway) decide(w http.ResponseWriter, r *http.Request, in *authority.Presented, unreadable error) *authority.Refusal {
	var trusted bool
	in.Peer, trusted = g.peers.Client(r)
	line := web.Note(w)
	line.Client = in.Peer
	if !trusted { // whatever it says: it could name any call, and learn whose token it holds
		return g.refuse(w, g.authority.Refuse(authority.ReasonUntrustedPeer, in, &g.door)) // which enters the address alone
	}
	if unreadable != nil {
		line.Err = unreadable
		return g.refuse(w, g.authority.Refuse(authority.ReasonUnreadableCall, in, &g.door))
	}
	line.Method, line.Host, line.Path = in.Method, in.Host, in.Path
	d := g.authority.Decide(r.Context(), in, &g.door)
	line.Judged(&d)
	web.SetQuotas(w.Header(), &d.Quotas)
	if !d.Allowed() {
		return g.refuse(w, d.Refusal)
	}
	h := w.Header()
	web.SetIdentity(h, &d)
	h["Cache-Control"] = g.fixed.noStore
	return nil // the status 200 goes without saying: net/http sends it
}

// refuse notes a refusal for the log and tells that nothing is known of the caller, nor more of its credential than may be
// told. The answer is the proxy's own way's.
func (g *gateway) refuse(w http.ResponseWriter, ref *authority.Refusal) *authority.Refusal {
	web.Note(w).Refused(ref)
	web.ClearIdentity(w.Header())
	web.SetChallenge(w.Header(), ref.Reason)
	return ref
}
