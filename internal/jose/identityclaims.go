package jose

import (
	"errors"
	"time"
)

// IdentityClaims are what Jeton tells an API of whose a call is, in a token that goes to that API alone. The names are those
// of OpenID Connect Core 1.0 section 5.1 where that has one, and "groups" of RFC 7643 section 4.1.2. Times are cut to whole
// seconds.
type IdentityClaims struct {
	Issuer            string
	Audience          string // the API, by its URL
	Subject           string // the user's ID
	PreferredUsername string
	Name              string   // empty where the user has none
	Email             string   // likewise
	Groups            []string // the user's roles
	CredentialKind    string
	CredentialID      string
	Scope             *string // as that of a ClaimSet
	IssuedAt          time.Time
	Expires           time.Time
}

// errNobody says that IdentityClaims don't tell of somebody to somebody, for a while.
var errNobody = errors.New("identity claims need issuer, audience, subject, user name, credential, time of issue and a later end")

// Encode returns the claims in JSON, for [Signer.Sign]. It refuses those that lack anything but Name, Email, Groups and
// Scope.
//
// There is no "jti": the same token is told with every call of some seconds, and an API that took it for good for one use
// would refuse the second.
func (c IdentityClaims) Encode() ([]byte, error) {
	if c.Issuer == "" || c.Audience == "" || c.Subject == "" || c.PreferredUsername == "" || c.CredentialKind == "" || c.CredentialID == "" ||
		c.IssuedAt.IsZero() || c.Expires.Unix() <= c.IssuedAt.Unix() {
		return nil, errNobody
	}
	o := newObject()
	o.string("iss", c.Issuer)
	o.string("aud", c.Audience)
	o.string("sub", c.Subject)
	o.number("iat", c.IssuedAt.Unix())
	o.number("exp", c.Expires.Unix())
	o.string("preferred_username", c.PreferredUsername)
	o.optional("name", c.Name)
	o.optional("email", c.Email)
	o.strings("groups", c.Groups)
	o.string("credential_kind", c.CredentialKind)
	o.string("credential_id", c.CredentialID)
	if c.Scope != nil {
		o.string("scope", *c.Scope)
	}
	return o.end(), nil
}
