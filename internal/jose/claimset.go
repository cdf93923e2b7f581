package jose

import (
	"encoding/json"
	"errors"
	"fmt"
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

// encodedClaims is a ClaimSet in JSON.
type encodedClaims struct {
	Issuer   string  `json:"iss"`
	Subject  string  `json:"sub"`
	Audience any     `json:"aud"`
	ClientID string  `json:"client_id,omitempty"`
	Cred     string  `json:"cred,omitempty"`
	Scope    *string `json:"scope,omitempty"`
	ID       string  `json:"jti"`
	IssuedAt int64   `json:"iat"`
	Expires  *int64  `json:"exp,omitempty"`
}

// Encode returns the claims in JSON, for [Signer.Sign]. A single audience is a string, several are an array (RFC 7519
// section 4.1.3). It refuses a set that lacks anything but ClientID, Credential and Scope.
func (c ClaimSet) Encode() ([]byte, error) {
	if c.Issuer == "" || c.Subject == "" || len(c.Audience) == 0 || c.ID == "" || c.IssuedAt.IsZero() || c.Expires.IsZero() != c.Never {
		return nil, errIncomplete
	}
	out := encodedClaims{
		Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, ClientID: c.ClientID, Cred: c.Credential, Scope: c.Scope, ID: c.ID,
		IssuedAt: c.IssuedAt.Unix(),
	}
	if len(c.Audience) == 1 {
		out.Audience = c.Audience[0]
	}
	if !c.Never {
		out.Expires = new(c.Expires.Unix())
	}
	text, err := json.Marshal(out) //nolint:gosec // G117: the ID of a record
	if err != nil {
		return nil, fmt.Errorf("encoding claims: %w", err)
	}
	return text, nil
}
