package oauth

import (
	"errors"
	"strings"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// assertionType is the one type of a client's assertion (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// errNoClient says that no client proves itself in a request.
var errNoClient = errors.New("no client authentication")

// authenticate says which client calls (RFC 6749 section 2.3, RFC 7523 section 2.2): by HTTP Basic, by its secret in the
// form, or by an assertion that it has signed. It returns errNoClient where there is none of these; a client_id alone is
// none, for anybody can say a name.
//
// A client that uses two at once is refused, and so is one whose client_id isn't whose credential it is.
func (s *server) authenticate(c *call, door *authority.Door) (authority.Principal, error) {
	in := c.presented()
	given, err := c.inForm()
	if given != nil || err != nil {
		if len(in.Authorization) > 0 || errors.Is(err, errTwoWays) {
			return authority.Principal{}, c.refuse(s.cfg.Authority.Refuse(authority.ReasonTwoCredentials, &in, door), badClient())
		}
		if err != nil {
			return authority.Principal{}, err
		}
		in.Given = given
	} else if len(in.Authorization) == 0 {
		return authority.Principal{}, errNoClient
	}
	p, err := s.cfg.Authority.Identify(c.r.Context(), &in, door)
	if err != nil {
		return authority.Principal{}, c.refuse(err, badClient())
	}
	c.line.Caller(&p)
	if id := c.form.get("client_id"); id != "" && given == nil && account.Key(id) != account.Key(p.Username) {
		return authority.Principal{}, c.refuse(s.cfg.Authority.Forbid(authority.ReasonUnknownUser, &in, door, &p), badClient())
	}
	return p, nil
}

// demand is authenticate where nobody gets on without proving itself.
func (s *server) demand(c *call, door *authority.Door) (authority.Principal, error) {
	p, err := s.authenticate(c, door)
	if errors.Is(err, errNoClient) {
		in := c.presented()
		err = c.refuse(s.cfg.Authority.Refuse(authority.ReasonNoCredential, &in, door), badClient())
	}
	return p, err
}

// bearerOf says whose a token in the form is, as if its bearer had presented it at a door. The error is a *authority.Refusal,
// which has been counted and entered.
//
// A blank within it is refused here, for the scheme Bearer would cut it off: a token has one spelling.
func (s *server) bearerOf(c *call, token string, in *authority.Presented, door *authority.Door) (authority.Principal, error) {
	if token == "" || strings.ContainsAny(token, " \t") {
		return authority.Principal{}, s.cfg.Authority.Refuse(authority.ReasonMalformed, in, door)
	}
	in.Authorization, in.Bearer = nil, token
	return s.cfg.Authority.Identify(c.r.Context(), in, door)
}

// errTwoWays says that a form holds two ways of authentication.
var errTwoWays = errors.New("two ways of client authentication")

// inForm returns the client's credential in the form, nil where there is none.
func (c *call) inForm() (*authority.Credential, error) {
	id, text := c.form.get("client_id"), c.form.get("client_secret")
	assertion, kind := c.form.get("client_assertion"), c.form.get("client_assertion_type")
	switch {
	case text != "" && (assertion != "" || kind != ""):
		return nil, errTwoWays
	case text != "" && id == "":
		return nil, bad(invalidRequest, "client_id is missing beside client_secret.")
	case text != "":
		return &authority.Credential{Kind: authority.ClientSecret, Name: id, Text: secret.Text(text)}, nil
	case assertion == "" && kind == "":
		return nil, nil
	case assertion == "" || kind == "":
		return nil, bad(invalidRequest, "client_assertion and client_assertion_type belong together.")
	case kind != assertionType:
		return nil, bad(invalidRequest, "client_assertion_type is none that is supported.")
	default:
		return &authority.Credential{Kind: authority.ClientSecret, Name: id, Text: secret.Text(assertion)}, nil
	}
}
