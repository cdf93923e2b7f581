package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/policy"
)

// inactive is all that is told of a token that isn't good for its asker, whatever the reason (RFC 7662 section 2.2).
const inactive = `{"active":false}`

// introspect serves POST /oauth/introspect (RFC 7662): is a token good, whose is it, and what for?
//
// Administrators are told of every token; a service's verifiers of those that are good at one of their services. For
// anybody else each token is inactive, and so it is where a caller's services wouldn't let it in: a verifier that is broken
// into can't be used to look for tokens of other services.
//
// The token goes the one path that all take, so what is told here is what the gateway would do; but the address from which
// its bearer calls isn't known here, and a token that counts from some addresses alone is inactive. token_type_hint is of no
// use: a token tells its kind.
func (s *server) introspect(c *call) error {
	token := c.form.get("token")
	if token == "" {
		return bad(invalidRequest, "token is missing.")
	}
	caller, err := s.demand(c, &s.asker)
	if err != nil {
		return err
	}
	// From where its bearer calls isn't known.
	in := authority.Presented{Method: c.r.Method, Host: c.r.Host, Path: c.line.Path, Asker: c.peer}
	p, err := s.bearerOf(c, token, &in, &s.asked)
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		c.line.Reason = string(ref.Reason)
		if ref.Reason.Outcome() == authority.OutcomeUnavailable {
			return c.refuse(err, nil) // nobody knows: that is no answer
		}
		return s.answer(c, nil)
	}
	if reason := s.withheld(&caller, &p); reason != "" {
		_ = s.cfg.Authority.Forbid(reason, &in, &s.asked, &p)
		c.line.Reason = string(reason)
		return s.answer(c, nil)
	}
	body, err := s.answers.of(c.r.Context(), token, &p, s.describe)
	if err != nil {
		return err
	}
	return s.answer(c, body)
}

// answer answers with what is known of a token, or that it is inactive. It is for nobody to keep, which an HTTP/1.0 cache, to which
// RFC 6749 speaks of tokens by Pragma, wouldn't do anyway: it keeps no answer to a POST. The eight fields that an answer has without
// it are as many as a small http.Header holds.
func (s *server) answer(c *call, body []byte) error {
	if body == nil {
		body = s.fixed.inactive
	}
	c.w.Header()["Cache-Control"] = c.fixed.noStore
	c.writeBody(http.StatusOK, body)
	return nil
}

// withheld returns why a token isn't good where the caller may ask about it, or nothing. A suspended service lets nobody in, so
// that its verifiers hear of no token.
func (s *server) withheld(caller, p *authority.Principal) authority.Reason {
	table := s.cfg.Policy()
	if caller.Admin() && (p.CredentialKind != authority.APIToken || table.AcceptsAPITokens()) { // else it is good nowhere: it is exchanged first
		return ""
	}
	reason := authority.ReasonNotVerifier
	for _, service := range table.VerifiedBy(caller.ID) {
		switch {
		case !goodAt(p, service):
		case service.Suspended():
			reason = authority.ReasonServiceSuspended
		default:
			return ""
		}
	}
	return reason
}

// goodAt reports whether a credential is let in at a service at all; which operations of it are open to its user is for
// /v1/verify to say.
func goodAt(p *authority.Principal, service *policy.CompiledService) bool {
	if p.CredentialKind == authority.APIToken && !service.AcceptsAPITokens() {
		return false
	}
	return p.Limits == nil || p.Limits.Service == "" || p.Limits.Service == service.Address()
}

// describe tells what is known of a good token: of its user and limits what is so now, and of a signed one what it says of
// itself, too, which its key's owner, Jeton, has made sure of. Of a session token its record tells; of one that was ended just now
// there is nothing to tell.
func (s *server) describe(ctx context.Context, token string, p *authority.Principal) ([]byte, error) {
	out := api.OAuthIntrospection{
		Active: true, Username: p.Username, TokenType: tokenTypeBearer, Subject: p.ID.String(), Audience: s.cfg.PublicURL, Issuer: s.cfg.PublicURL,
	}
	if p.Limits != nil && p.Limits.Scopes != nil {
		out.Scope = new(strings.Join(p.Limits.Scopes, " "))
	}
	switch p.CredentialKind {
	case authority.APIToken, authority.AccessToken:
		if err := tell(&out, token, p); err != nil {
			return nil, fmt.Errorf("reading a token that was verified: %w", err)
		}
	case authority.SessionToken:
		t, err := s.cfg.Sessions.Find(ctx, p.ID, p.CredentialID)
		if errors.Is(err, authority.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		out.ID, out.IssuedAt, out.Expires = t.ID.String(), t.CreatedAt.Unix(), t.ExpiresAt.Unix()
	}
	return json.Marshal(out)
}

// tell adds what a signed token says of itself.
func tell(out *api.OAuthIntrospection, token string, p *authority.Principal) error {
	t, err := jose.Parse(token)
	if err != nil {
		return err
	}
	claims := t.UnverifiedClaims()
	texts := []struct {
		name string
		to   *string
	}{{"aud", &out.Audience}, {"jti", &out.ID}, {"client_id", &out.ClientID}}
	if p.CredentialKind == authority.APIToken { // which is a client of its own, by the name that its access tokens have for it
		texts, out.ClientID = texts[:2], p.CredentialID.String()
	}
	for _, text := range texts {
		if *text.to, err = claims.Text(text.name); err != nil {
			return err
		}
	}
	if out.IssuedAt, err = claims.Seconds("iat"); err != nil {
		return err
	}
	if claims.Has("exp") {
		out.Expires, err = claims.Seconds("exp")
	}
	return err
}
