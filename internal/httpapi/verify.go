package httpapi

import (
	"context"
	"math"
	"net/netip"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/web"
)

// verifyInput is a question about a call.
type verifyInput struct{ Body api.VerifyRequest }

// verifyCall answers whether a call that a service received may pass.
//
// A verifier learns about calls to its own services alone. Of others it is told that it may not ask, before anybody
// looks at the credential: else a verifier of one service could try out, on any other, whether a token is good.
//
// Unlike the gateway's answers a verdict has the reason, for whoever asks speaks for the service. It must not
// hand the reason on. Of sealed tokens it has less: see told.
func (s *server) verifyCall(ctx context.Context, c *call, in *verifyInput) (*answer[api.Verdict], error) {
	if in.Body.Service != "" {
		return s.verifyCredential(ctx, c, &in.Body)
	}
	presented, err := presentedOf(in.Body)
	if err != nil {
		return nil, err
	}
	if !s.cfg.Catalog.Verifies(&c.principal, presented.Host, presented.Path) {
		return s.refuseAsker(c)
	}
	presented.Asker = c.presented.Peer
	debug := s.debug() // before: the verdict is at least as new
	d := s.cfg.Authority.Decide(ctx, presented, &s.verify)
	line := web.Note(c.w)
	line.Service, line.Reason = d.Service, string(d.Reason)
	verdict := api.Verdict{Allow: d.Allowed(), Reason: string(told(c, &d)), Service: d.Service, Debug: debug}
	switch {
	case d.Outcome == authority.OutcomeUnavailable:
		return nil, d.Refusal // nobody knows: that is no verdict
	case verdict.Allow:
		verdict.Principal = wirePrincipal(&d.Principal)
		if in.Body.Full {
			verdict.Remember, err = s.remember(ctx, in.Body.Authorization, &d.Principal)
		}
	case in.Body.Full:
		verdict.Refused = refusedAs(d.Refusal)
	}
	return &answer[api.Verdict]{Body: verdict}, err
}

// told is the reason that a verdict tells. Of sealed tokens that are refused it is one and the same for all but administrators: whoever
// can ask at which step a token fails, as often as he likes and from whichever address he says, needs no key. Where the seal is of a mode
// that isn't authenticated, he has other people's tokens decrypted byte by byte, app keys among them, and seals his own (Vaudenay,
// EUROCRYPT 2002). A verifier speaks for one service; with these he would call every other of the project as anybody. Administrators,
// who have explain, and the audit log are told all.
func told(c *call, d *authority.Decision) authority.Reason {
	if d.Kind == authority.Sealed && d.Outcome == authority.OutcomeUnauthenticated && !c.principal.Admin() {
		return authority.ReasonBadSeal
	}
	return d.Reason
}

// debug says as of when a verdict is that is given now.
func (s *server) debug() api.Debug {
	d := api.Debug{Revision: s.cfg.Feed.Revision(), HeardAnew: !s.cfg.Feed.Fresh()}
	if age := s.cfg.Feed.Age(); age < math.MaxInt64 {
		d.FeedAgeSeconds = new(age.Seconds())
	}
	return d
}

// refuseAsker answers a caller who isn't a verifier of the service that was called: with a verdict where it is one of
// some other service, and else not at all.
func (s *server) refuseAsker(c *call) (*answer[api.Verdict], error) {
	if len(s.cfg.Catalog.Policy().VerifiedBy(c.principal.ID)) == 0 {
		return nil, s.forbid(c, authority.ReasonNotAllowed, &s.door)
	}
	_ = s.forbid(c, authority.ReasonNotVerifier, &s.verify)
	return &answer[api.Verdict]{Body: api.Verdict{Reason: string(authority.ReasonNotVerifier), Debug: s.debug()}}, nil
}

// presentedOf returns the call that a request is about. The address is what the verifier says that it is: it stands in the
// audit log, and a token that counts from some addresses alone counts if it is one of them.
func presentedOf(b api.VerifyRequest) (*authority.Presented, error) {
	if !policy.IsMethod(b.Method) {
		return nil, &authority.FieldError{Field: "method", Problem: "is no method of HTTP", Fix: "Give the call's, as GET."}
	}
	host, path, query, ok := policy.CutURL(b.URL)
	if !ok {
		return nil, &authority.FieldError{
			Field: "url", Problem: "is no absolute http or https URL without user information",
			Fix: "Give scheme, host and the path as the service received it, as https://api.example.com/reports/7.",
		}
	}
	switch {
	case b.Query != "" && query != "":
		return nil, &authority.FieldError{
			Field: "query", Problem: "stands beside the query of url", Fix: "Give the call's query once, in either.",
		}
	case b.Query != "":
		query = strings.TrimPrefix(b.Query, "?")
	}
	p := &authority.Presented{
		Authorization: field(b.Authorization), Cookie: field(b.Cookie), Origin: field(b.Origin), SecFetchSite: field(b.SecFetchSite),
		Query: query, Method: b.Method, Host: host, Path: path, Upgrade: b.Upgrade,
	}
	var err error
	p.Peer, err = remoteIPOf(b.RemoteIP)
	return p, err
}

// remoteIPOf returns the address from which a call came that is asked about; none where none is given.
func remoteIPOf(text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, &authority.FieldError{Field: "remote_ip", Problem: "is no IP address", Fix: "Give it without a port, or leave it out."}
	}
	return address.Unmap().WithZone(""), nil
}

// field returns the values of a header field: none where it is empty.
func field(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// wirePrincipal returns a principal as the API shows it: what a service may want to know of its caller.
func wirePrincipal(p *authority.Principal) *api.Principal {
	return &api.Principal{
		UserID: p.ID.String(), Username: p.Username, Email: p.Email, DisplayName: p.DisplayName,
		Roles:      append([]string{}, p.Roles...),
		Credential: wireCredential(p),
	}
}
