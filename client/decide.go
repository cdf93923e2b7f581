package client

import (
	"context"
	"math"
	"net/http"
	"net/netip"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/policy"
)

// Call is a call that a service received.
type Call struct {
	Authorization string // the value of its Authorization header field
	Cookie        string // that of Cookie
	Origin        string // that of Origin
	SecFetchSite  string // that of Sec-Fetch-Site
	Upgrade       bool   // it would become a WebSocket
	Method        string
	Host          string     // with or without a port
	Path          string     // as the request line has it: percent-encoded, without the query
	Query         string     // likewise, without its question mark
	RemoteIP      netip.Addr // where it comes from
}

// Decision is the verdict about a call: the gateway's own.
type Decision struct {
	// Principal is whose call it is; nil where it may not pass. It is shared and must not be changed.
	Principal *api.Principal
	// Service is the name of the service that was called, where there is one.
	Service string
	// Reason is why the call may not pass: for the service's own log, and not for its caller.
	Reason string
	// Refused is how the caller is to be answered; nil where the call may pass.
	Refused *api.Refused
}

// Allowed reports whether the call may pass.
func (d *Decision) Allowed() bool { return d.Principal != nil }

// ReasonOtherService is the Reason of a call that may pass, but to another service than VerifierConfig.Service.
const ReasonOtherService = "other_service"

// Decide says whether a call may pass to the Verifier's service, as the gateway would. An error is an ErrUnavailable: nobody could say,
// and the call must not pass.
//
// A call whose host and path are another service's is refused, even where the client's user verifies that one, too: its caller has
// written the host, and would come in here by what is allowed there.
func (v *Verifier) Decide(ctx context.Context, c *Call) (Decision, error) {
	token, ok := bearer(c.Authorization)
	if ok {
		if d := v.decideHere(ctx, c, token); d.Allowed() {
			return d, nil
		}
	}
	if c.Authorization == "" && c.Cookie == "" && c.Query == "" {
		return refusedHere(api.CodeNotAuthenticated, "no_credential", ""), nil
	}
	call := api.VerifyRequest{
		Authorization: c.Authorization, Cookie: c.Cookie, Query: c.Query, Origin: c.Origin, SecFetchSite: c.SecFetchSite, Upgrade: c.Upgrade,
		Method: c.Method, URL: "https://" + c.Host + c.Path,
	}
	if c.RemoteIP.IsValid() {
		call.RemoteIP = c.RemoteIP.Unmap().WithZone("").String()
	}
	verdict, err := v.ask(ctx, "asking for a verdict", token, call)
	if err != nil {
		return Decision{}, err
	}
	d := Decision{Service: verdict.Service, Reason: verdict.Reason, Refused: verdict.Refused}
	switch {
	case verdict.Allow && verdict.Service != v.cfg.Service:
		d.Reason, d.Refused = ReasonOtherService, refusedHere(api.CodeNotAllowed, "", "").Refused
	case verdict.Allow:
		d.Principal, d.Refused = verdict.Principal, nil
	case d.Refused == nil: // a service of which the client's user is no verifier
		d.Refused = refusedHere(api.CodeNotAllowed, "", "").Refused
	}
	return d, nil
}

// decideHere lets a call in by what is known here. It refuses none: see ruleSet.admits.
func (v *Verifier) decideHere(ctx context.Context, c *Call, token string) Decision {
	now := time.Now()
	if v.stale(now) >= v.cfg.MaxStale {
		return Decision{}
	}
	set := v.rules.current.Load()
	if set == nil {
		return Decision{}
	}
	k := v.recall(ctx, token, set, v.clock(now).UnixMicro()+v.ahead.Load())
	if k == nil {
		return Decision{}
	}
	service, ok := set.admits(k, c.Method, c.Host, c.Path)
	if !ok || service != v.cfg.Service {
		return Decision{}
	}
	return Decision{Principal: &k.principal, Service: service}
}

// learn remembers a token that Jeton has found good, for as long as it says.
func (v *Verifier) learn(token string, verdict *api.Verdict, forgets int64) {
	r, p := verdict.Remember, *verdict.Principal
	user, ok := parseID(p.UserID)
	record, has := parseID(p.Credential.ID)
	if !ok || !has {
		return
	}
	p.Credential.Scopes = r.Scopes
	k := &known{
		sum: sumOf(token), until: never, service: r.Service, narrowed: r.Scopes != nil, raw: p.Credential.Kind == "api_token",
		subject: policy.Subject{UserID: [16]byte(user), Roles: p.Roles}, principal: p,
	}
	if !r.Until.IsZero() {
		k.until = r.Until.UnixMicro()
	}
	kid := ""
	if p.Credential.Kind == "access_token" {
		if peeked, ok := jose.Peek(token); ok {
			kid = string(peeked.KeyID[:])
		}
		k.rememberAs = &parent{principal: p, since: int64(math.Ceil(float64(r.At.UnixMicro()) / 1e6))}
	}
	v.memory.keep(k, answered{record: record, user: user, forgets: forgets, revision: verdict.Debug.Revision, kid: kid})
}

// refusedHere is a refusal that needs no question.
func refusedHere(code api.Code, reason, detail string) Decision {
	p := api.NewProblem(code, detail)
	r := &api.Refused{Problem: *p}
	switch p.Status {
	case http.StatusUnauthorized:
		r.Challenge = challenge
	case http.StatusServiceUnavailable:
		r.RetryAfterSeconds = 1
	}
	return Decision{Reason: reason, Refused: r}
}

// challenge is the one that Jeton answers to whoever has no valid credential (RFC 6750, RFC 7617).
const challenge = `Bearer realm="jeton", Basic realm="jeton", charset="UTF-8"`
