package oauth

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/web"
)

// Sessions begins and ends the sessions of users whom platforms log in.
type Sessions interface {
	// Begin makes a session token for a principal that came by an assertion. It returns a *authority.Refusal where the user was
	// deleted since, authority.ErrActorChanged where user or platform was changed, or a store's error.
	Begin(ctx context.Context, owner *authority.Principal, actor audit.Actor) (session.Begun, error)
	// Logout ends the session token by which its owner came. It returns authority.ErrNotFound where it has ended already.
	Logout(ctx context.Context, owner *authority.Principal, actor audit.Actor) error
	// Find returns a session token of a user that lasts, or authority.ErrNotFound.
	Find(ctx context.Context, userID, id uuid.UUID) (session.Token, error)
}

// logIn gets a platform a session token for one of its users (RFC 7523 section 2.1). The assertion suffices: its issuer is who
// asks. A client that proves itself besides must do so rightly, and gains nothing by it.
//
// What is got is good for all that the user may: it is narrowed neither to scopes nor to a service, and whoever asks for that
// is told so rather than given more.
func (s *server) logIn(c *call) error {
	switch {
	case c.form.get("assertion") == "":
		return bad(invalidRequest, "assertion is missing.")
	case c.form.get("scope") != "":
		return bad(invalidScope, "A session token is not narrowed to scopes.")
	case c.form.get("resource") != "" || c.form.get("audience") != "":
		return bad(invalidTarget, "A session token is not narrowed to a service.")
	}
	// An assertion that was looked at may be used up. So what other nodes have changed is heard before, lest a session of a user who
	// was changed a moment ago be refused for that alone. Where it can't be heard, the authority knows.
	_ = s.cfg.Feed.Hear(c.r.Context())
	asOf := s.cfg.Feed.Revision() // before it is asked who calls: the answer is at least as new
	if _, err := s.authenticate(c, &s.client); err != nil && !errors.Is(err, errNoClient) {
		return err
	}
	in := c.presented()
	in.Authorization = nil // the client's own
	in.Given = &authority.Credential{Kind: authority.Assertion, Text: secret.Text(c.form.get("assertion"))}
	p, err := s.cfg.Authority.Identify(c.r.Context(), &in, &s.platform)
	if err != nil {
		return c.refuse(err, badGrant())
	}
	c.line.Caller(&p)
	begun, err := s.cfg.Sessions.Begin(c.r.Context(), &p, web.Actor(&p, c.peer, asOf))
	if err != nil {
		return c.refuse(s.cfg.Authority.Withhold(err, &in, &s.platform, &p), badGrant())
	}
	c.writeToken(&api.OAuthToken{AccessToken: begun.Text.Reveal(), TokenType: tokenTypeBearer, ExpiresIn: begun.Seconds()})
	return nil
}

// badGrant is the answer to every assertion that isn't good (RFC 7521 section 4.1.1).
func badGrant() error { return bad(invalidGrant, "The assertion is not valid.") }

// logOut ends a session, for whoever has its token: a platform's user has no client that could prove itself, and a public
// client may take its own tokens back (RFC 7009 section 2.1). A client that does prove itself must be the user's own, or an
// administrator's. A token that isn't good is as the caller wants it.
func (s *server) logOut(c *call, token secret.Text, asOf int64) error {
	caller, err := s.authenticate(c, &s.revoker)
	if err != nil && !errors.Is(err, errNoClient) {
		return err
	}
	authenticated := err == nil
	in := c.presented()
	owner, err := s.bearerOf(c, token.Reveal(), &in, &s.bearer)
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		c.line.Refused(ref)
		if ref.Reason.Outcome() == authority.OutcomeUnavailable {
			return refusal(ref, nil) // nobody knows: that is no answer
		}
		return c.done()
	}
	if !authenticated {
		caller = owner
		c.line.Caller(&owner)
	}
	if caller.ID != owner.ID && !caller.Admin() {
		return c.refuse(s.cfg.Authority.Forbid(authority.ReasonNotAllowed, &in, &s.revoker, &caller),
			bad(unauthorizedClient, "The token is another user's."))
	}
	err = s.cfg.Sessions.Logout(c.r.Context(), &owner, web.Actor(&caller, c.peer, asOf))
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done()
}
