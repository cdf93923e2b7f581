package accesstoken

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
)

// claims are what an access token says of itself (RFC 9068 section 2.2), beside its times.
type claims struct {
	id      uuid.UUID
	userID  uuid.UUID // "sub"
	parent  uuid.UUID // "client_id", or "cred" for a client
	client  bool
	service string   // the address of the one service that it is for, empty for all
	scopes  []string // nil where it isn't narrowed
}

// read reads the claims of a token whose signature is good. All of them are ours to write, so anything else is refused.
func (t *Tokens) read(v *keyring.Verified) (c claims, _ authority.Reason) {
	var ok bool
	if c.id, ok = v.ID("jti"); !ok {
		return c, authority.ReasonWrongClaims
	}
	if c.userID, ok = v.ID("sub"); !ok {
		return c, authority.ReasonWrongClaims
	}
	name := "client_id"
	if c.client = v.Claims.Has("cred"); c.client {
		name = "cred"
	}
	if c.parent, ok = v.ID(name); !ok || v.Expires.IsZero() {
		return c, authority.ReasonWrongClaims
	}
	if v.Claims.Has("scope") {
		scope, err := v.Claims.Text("scope")
		if err != nil {
			return c, authority.ReasonWrongClaims
		}
		c.scopes = scopesOf(scope)
	}
	if !v.IsFor(t.cfg.Issuer) {
		audience, err := v.Claims.Text("aud")
		if err != nil {
			return c, authority.ReasonWrongAudience
		}
		if c.service, ok = addressOf(audience); !ok {
			return c, authority.ReasonWrongAudience
		}
	}
	return c, ""
}

// scopesOf returns the scopes of a list divided by spaces (RFC 6749 section 3.3), sorted, each once. They are never nil: a
// list without any narrows to none.
func scopesOf(list string) []string {
	scopes := append([]string{}, strings.Fields(list)...)
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// judge returns why what a token rests on doesn't bear it, or nothing.
func (c *claims) judge(g *Grounds, now time.Time) authority.Reason {
	p := &g.Parent
	switch {
	case g.KeyRevoked:
		return authority.ReasonRevokedKey
	case p.UserID != c.userID:
		return authority.ReasonWrongClaims
	case g.Revoked:
		return authority.ReasonRevoked
	default:
		return p.refusal(now)
	}
}

// refusal returns why a parent bears no token, or nothing.
func (p *Parent) refusal(now time.Time) authority.Reason {
	switch {
	case p.State == Disabled:
		return authority.ReasonDisabled
	case p.State != Live:
		return authority.ReasonDeleted
	case !p.NotAfter.IsZero() && !now.Before(p.NotAfter):
		return authority.ReasonExpired
	default:
		return ""
	}
}

// narrow returns the parent's limits as of now, narrowed to what the token says of itself. So what is taken from the parent
// is taken from the token, too.
func (c *claims) narrow(parent *authority.Limits) *authority.Limits {
	if c.scopes == nil && c.service == "" {
		return parent
	}
	var l authority.Limits
	if parent != nil {
		l = *parent
	}
	l.Scopes, l.Service = common(l.Scopes, c.scopes), c.service
	return &l
}

// common returns the scopes of both, of which nil stands for all.
func common(a, b []string) []string {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	both := []string{}
	for _, scope := range a {
		if slices.Contains(b, scope) {
			both = append(both, scope)
		}
	}
	return both
}
