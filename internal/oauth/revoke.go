package oauth

import (
	"errors"
	"net/http"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
)

// revoke serves POST /oauth/revoke (RFC 7009): a token is taken back, by its own user's client or by an administrator's; a
// session token by whoever has it.
//
// An access token is refused from then on. An API token is deleted, with its access tokens, and not only disabled: "the
// token cannot be used again after the revocation" (section 2.1), and what is disabled can be enabled by somebody who
// doesn't know why it was. Whoever wants it back for a while disables it in /v1.
//
// The token doesn't go the way of those that are to be let in. Its limits are no hindrance: whoever finds one that was
// leaked is rarely where it counts from. And one that is disabled must be deleted, too, lest it be enabled again. So what is
// asked is only whether Jeton has signed it. That shows that the caller has it, and whose it is.
func (s *server) revoke(c *call) error {
	token := secret.Text(c.form.get("token"))
	if token == "" {
		return bad(invalidRequest, "token is missing.")
	}
	asOf := s.cfg.Feed.Revision() // before it is asked who calls: the answer is at least as new
	if secret.Looks(token.Reveal(), secret.Session) {
		return s.logOut(c, token, asOf)
	}
	caller, err := s.demand(c, &s.revoker)
	if err != nil {
		return err
	}
	if secret.Opaque(token.Reveal()) {
		return bad(unsupportedTokenType, "Tokens of this kind are revoked by their owners alone, in the console or in /v1.")
	}
	purpose := s.cfg.Keyring.PurposeOf(token.Reveal())
	if purpose == keyring.ForIdentity {
		return bad(unsupportedTokenType, "An identity token can't be taken back: it ends within a minute.")
	}
	v, err := s.cfg.Keyring.Verify(c.r.Context(), token, purpose, s.cfg.PublicURL)
	if _, refused := errors.AsType[*authority.Refusal](err); err != nil && !refused {
		return err
	}
	if err != nil {
		return c.done() // unknown or dead: it is as the caller wants it (section 2.2)
	}
	if sub, err := v.Claims.Text("sub"); !caller.Admin() && (err != nil || sub != caller.ID.String()) {
		in := c.presented()
		return c.refuse(s.cfg.Authority.Forbid(authority.ReasonNotAllowed, &in, &s.revoker, &caller),
			bad(unauthorizedClient, "The token is another user's."))
	}
	revoke := s.cfg.APITokens.Revoke
	if v.Purpose == keyring.ForAccessTokens {
		revoke = s.cfg.Access.Revoke
	}
	if err := revoke(c.r.Context(), v, web.Actor(&caller, c.peer, asOf)); err != nil {
		return err
	}
	return c.done()
}

// done answers that a token is good no longer, whether it ever was or not.
func (c *call) done() error {
	c.noStore()
	c.w.WriteHeader(http.StatusOK)
	return nil
}
