package httpapi

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/web"
)

// verifyCredential answers whether a credential is any good at a service, and whose it is: for what has no method and no URL, as a
// message of a queue, and for programs that decide about calls by themselves. Who may ask is as for calls: a service that isn't
// the caller's is looked at no further than that.
func (s *server) verifyCredential(ctx context.Context, c *call, b *api.VerifyRequest) (*answer[api.Verdict], error) {
	if b.Method != "" || b.URL != "" || b.Query != "" || b.Cookie != "" {
		return nil, &authority.FieldError{
			Field: "service", Problem: "stands beside a part of a call", Fix: "Give either service and authorization, or the call.",
		}
	}
	service, ok := s.cfg.Catalog.Policy().Named(b.Service)
	if !ok || !s.verifierOf(&c.principal, service) {
		return s.refuseAsker(c)
	}
	in := &authority.Presented{Authorization: field(b.Authorization), Method: http.MethodPost, Asker: c.presented.Peer}
	var err error
	if in.Peer, err = remoteIPOf(b.RemoteIP); err != nil {
		return nil, err
	}
	debug, line := s.debug(), web.Note(c.w)
	line.Service = service.Name()
	p, err := s.cfg.Authority.Identify(ctx, in, &s.verify)
	ref, refused := errors.AsType[*authority.Refusal](err)
	switch {
	case refused && ref.Reason.Outcome() == authority.OutcomeUnavailable, err != nil && !refused:
		return nil, err
	case !refused:
		if reason := goodAt(&p, service); reason != "" {
			_ = s.cfg.Authority.Forbid(reason, in, &s.verify, &p)
			ref = &authority.Refusal{Reason: reason}
		}
	}
	verdict := api.Verdict{Allow: ref == nil, Service: service.Name(), Debug: debug}
	if ref != nil {
		verdict.Reason, line.Reason = string(ref.Reason), string(ref.Reason)
		if b.Full {
			verdict.Refused = refusedAs(ref)
		}
		return &answer[api.Verdict]{Body: verdict}, nil
	}
	verdict.Principal = wirePrincipal(&p)
	if b.Full {
		verdict.Remember, err = s.remember(ctx, b.Authorization, &p)
	}
	return &answer[api.Verdict]{Body: verdict}, err
}

// verifierOf reports whether somebody may ask about a service.
func (s *server) verifierOf(p *authority.Principal, service *policy.CompiledService) bool {
	if p.Admin() {
		return true
	}
	for _, verified := range s.cfg.Catalog.Policy().VerifiedBy(p.ID) {
		if verified.ID() == service.ID() {
			return true
		}
	}
	return false
}

// goodAt returns why a service takes a credential for none of its operations, or nothing: in the order in which the authority
// looks at a call.
func goodAt(p *authority.Principal, service *policy.CompiledService) authority.Reason {
	l := p.Limits
	switch {
	case p.CredentialKind == authority.APIToken && !service.AcceptsAPITokens():
		return authority.ReasonExchangeFirst
	case l != nil && (l.Service != "" && l.Service != service.Address() || l.Project != uuid.Nil && l.Project != service.Project()):
		return authority.ReasonWrongAudience
	case service.Suspended():
		return authority.ReasonServiceSuspended
	}
	return ""
}

// remember says what may be known of a bearer token that was found good, without asking again. Nothing may of a credential that
// counts from some addresses alone, or so often: only Jeton can tell whether it does just now. Nor of passwords and cookies: what
// is guessed, and what a browser adds by itself, is for Jeton to look at each time.
func (s *server) remember(ctx context.Context, authorization string, p *authority.Principal) (*api.Remember, error) {
	r := &api.Remember{At: s.cfg.Now().UTC()}
	if l := p.Limits; l != nil {
		if len(l.From) > 0 || l.Rate != (authority.Rate{}) || l.Project != uuid.Nil || l.WithoutAdmin {
			return nil, nil
		}
		r.Scopes, r.Service = l.Scopes, l.Service
	}
	var err error
	switch p.CredentialKind {
	case authority.PersonalToken: // which has no end
	case authority.SessionToken:
		t, found := s.cfg.Sessions.Find(ctx, p.ID, p.CredentialID)
		if errors.Is(found, authority.ErrNotFound) {
			return nil, nil // it was ended just now
		}
		r.Until, err = t.ExpiresAt, found
	case authority.APIToken, authority.AccessToken:
		r.Until, err = endOf(authorization)
	default:
		return nil, nil
	}
	return r, err
}

// endOf returns the end of which a signed token tells that was verified; zero for none.
func endOf(authorization string) (time.Time, error) {
	_, token, _ := strings.Cut(authorization, " ")
	t, err := jose.Parse(strings.Trim(token, " "))
	if err != nil {
		return time.Time{}, err
	}
	claims := t.UnverifiedClaims()
	if !claims.Has("exp") {
		return time.Time{}, nil
	}
	end, err := claims.Seconds("exp")
	return time.Unix(end, 0).UTC(), err
}

// refusedAs is how the gateway answers a refusal.
func refusedAs(ref *authority.Refusal) *api.Refused {
	p, h := web.ProblemOf(ref), http.Header{}
	web.SetChallenge(h, ref.Reason)
	web.SetProblemHeaders(h, p.Status, p.RetryAfter)
	r := &api.Refused{Problem: *p, Challenge: h.Get("WWW-Authenticate")}
	if h.Get("Retry-After") != "" {
		r.RetryAfterSeconds = int(math.Ceil(max(p.RetryAfter, time.Second).Seconds()))
	}
	return r
}
