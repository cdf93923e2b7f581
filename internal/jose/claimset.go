package jose

import (
	"errors"
	"time"
)

// ClaimSet is what Jeton says in the tokens that it signs itself (RFC 9068 section 2.2). Times are cut to whole seconds.
type ClaimSet struct {
	Issuer   string
	Subject  string
	Audience []string // one at least
	ClientID string   // empty where no client acts
	// Credential names the record of what the client came by, where ClientID doesn't: Jeton's own claim, for Jeton alone.
	Credential string
	// Scope is a list divided by spaces (RFC 6749 section 3.3); nil where the token is not narrowed, empty where it is to
	// nothing.
	Scope    *string
	ID       string // "jti"
	IssuedAt time.Time
	// Expires is when the token dies. A token without an end has none, and Never in its place: forgetting the one must not
	// mean the other.
	Expires time.Time
	Never   bool
}

// errIncomplete says that a ClaimSet lacks something without which nobody should believe it.
var errIncomplete = errors.New("a claim set needs issuer, subject, audience, ID, time of issue, and either an end or never one")

// Encode returns the claims in JSON, for [Signer.Sign]. A single audience is a string, several are an array (RFC 7519
// section 4.1.3). It refuses a set that lacks anything but ClientID, Credential and Scope.
func (c ClaimSet) Encode() ([]byte, error) {
	if c.Issuer == "" || c.Subject == "" || len(c.Audience) == 0 || c.ID == "" || c.IssuedAt.IsZero() || c.Expires.IsZero() != c.Never {
		return nil, errIncomplete
	}
	o := newObject()
	o.string("iss", c.Issuer)
	o.string("sub", c.Subject)
	if len(c.Audience) == 1 {
		o.string("aud", c.Audience[0])
	} else {
		o.strings("aud", c.Audience)
	}
	o.optional("client_id", c.ClientID)
	o.optional("cred", c.Credential)
	if c.Scope != nil {
		o.string("scope", *c.Scope)
	}
	o.string("jti", c.ID)
	o.number("iat", c.IssuedAt.Unix())
	if !c.Never {
		o.number("exp", c.Expires.Unix())
	}
	return o.end(), nil
}
