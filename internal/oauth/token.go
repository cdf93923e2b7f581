package oauth

import (
	"errors"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// The grants, and the types of token of RFC 8693 section 3.
const (
	grantExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	grantJWTBearer  = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantClient     = "client_credentials"
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	tokenTypeBearer = "Bearer"
)

// token serves POST /oauth/token.
func (s *server) token(c *call) error {
	switch c.form.get("grant_type") {
	case "":
		return bad(invalidRequest, "grant_type is missing.")
	case grantExchange:
		return s.exchange(c)
	case grantJWTBearer:
		return s.logIn(c)
	case grantClient:
		return s.clientCredentials(c)
	default:
		return bad(unsupportedGrant, "The grants are token-exchange, jwt-bearer and client_credentials.")
	}
}

// clientCredentials gets a client a token for itself (RFC 6749 section 4.4).
func (s *server) clientCredentials(c *call) error {
	ask, err := c.ask()
	if err != nil {
		return err
	}
	p, err := s.demand(c, &s.client)
	if err != nil {
		return err
	}
	return s.issue(c, &grant{principal: &p, ask: ask, door: &s.client, denied: badClient})
}

// exchange gets the bearer of an API token an access token (RFC 8693). The API token suffices. A client that proves itself
// besides must do so rightly, and gains nothing by it: it gets what anybody gets for that API token.
func (s *server) exchange(c *call) error {
	issued, err := c.exchangeable()
	if err != nil {
		return err
	}
	ask, err := c.ask()
	if err != nil {
		return err
	}
	if _, err := s.authenticate(c, &s.client); err != nil && !errors.Is(err, errNoClient) {
		return err
	}
	in := c.presented()
	p, err := s.bearerOf(c, c.form.get("subject_token"), &in, &s.subject)
	if err != nil {
		return c.refuse(err, badSubject())
	}
	c.line.Caller(&p)
	return s.issue(c, &grant{principal: &p, ask: ask, issued: issued, door: &s.subject, denied: badSubject})
}

// exchangeable holds an exchange to the forms that there are, and returns which type of token is asked for. An access token
// is a JWT: whoever asks for either gets the same.
func (c *call) exchangeable() (issued string, _ error) {
	subject, requested := c.form.get("subject_token_type"), c.form.get("requested_token_type")
	switch {
	case c.form.get("subject_token") == "":
		return "", bad(invalidRequest, "subject_token is missing.")
	case subject != typeJWT && subject != typeAccessToken:
		return "", bad(invalidRequest, "subject_token_type is missing, or neither jwt nor access_token.")
	case c.form.get("actor_token") != "" || c.form.get("actor_token_type") != "":
		return "", bad(invalidRequest, "actor_token is not supported.")
	case requested == "" || requested == typeAccessToken:
		return typeAccessToken, nil
	case requested == typeJWT:
		return typeJWT, nil
	default:
		return "", bad(invalidRequest, "requested_token_type is neither access_token nor jwt.")
	}
}

// ask returns what the token is asked for.
func (c *call) ask() (ask accesstoken.Ask, _ error) {
	if scope := c.form.get("scope"); scope != "" {
		ask.Scopes = strings.Split(scope, " ")
		for _, s := range ask.Scopes {
			if !policy.IsScope(s) {
				return ask, badScope()
			}
		}
	}
	ask.Resources = append(c.form.values("resource"), c.form.values("audience")...)
	return ask, nil
}

func badScope() error {
	return bad(invalidScope, "A scope is none that there is, or beyond those of the credential.")
}

// grant is what a token is issued for.
type grant struct {
	principal *authority.Principal
	ask       accesstoken.Ask
	issued    string // the type of token, of an exchange
	door      *authority.Door
	denied    func() error // what is told where the credential has died meanwhile
}

// issue makes the token and answers with it.
func (s *server) issue(c *call, g *grant) error {
	token, err := s.cfg.Access.Issue(c.r.Context(), g.principal, g.ask)
	switch {
	case errors.Is(err, accesstoken.ErrScope):
		return badScope()
	case errors.Is(err, accesstoken.ErrTarget):
		return bad(invalidTarget, "The resource or audience is not one known service.")
	case err != nil:
		in := c.presented()
		return c.refuse(s.cfg.Authority.Withhold(err, &in, g.door, g.principal), g.denied())
	}
	out := api.OAuthToken{
		AccessToken: token.Token.Reveal(), IssuedTokenType: g.issued, TokenType: tokenTypeBearer, ExpiresIn: int64(token.ExpiresIn.Seconds()),
	}
	if token.Scopes != nil {
		out.Scope = new(strings.Join(token.Scopes, " "))
	}
	c.writeToken(&out)
	return nil
}
