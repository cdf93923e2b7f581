// Package identity makes the tokens by which the proxy tells an API whose a call is: short, signed, and for that API alone.
//
//	Decision ─▶ claims ─▶ made already, within the last half of a minute? ─▶ the same token
//	                                  └ no ─▶ signed by the key for identity tokens
//
// The header fields that tell the same rest on the network: who reaches an API past the proxy writes them as he likes. Such a
// token he can't write, and one that he has seen elsewhere names another API, or has ended. It says what the decision about
// the call says, and where that comes from the database nothing else: no claim is a client's to choose.
//
// It refuses to tell of a call that may not pass, and of nobody. It is no credential: Jeton takes it nowhere, its key has
// signed nothing else, and that key is published apart from those of access tokens, which clients have. It doesn't defend an
// API that doesn't look at the audience, nor for the rest of its minute one that hands the token on to somebody else.
package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// Config is what Tokens need. Every field is required.
type Config struct {
	// Keyring has the key.
	Keyring *keyring.Keyring
	// Issuer is the public URL, by which Jeton is known as the issuer.
	Issuer string
	Now    func() time.Time
}

// life is how long a token lasts. For the second half of it none is told, so that the slowest call arrives with a good one, also at
// an API whose clock is half a minute ahead.
const life = time.Minute

// signTimeout bounds how long one call may wait for the first key to be made.
const signTimeout = 1500 * time.Millisecond

// Tokens makes tokens, and remembers those that it made last. It is safe for concurrent use. Make one with New.
type Tokens struct {
	cfg    Config
	memory memory
}

// New returns Tokens, or an error where the configuration lacks something.
func New(cfg Config) (*Tokens, error) {
	if cfg.Keyring == nil || cfg.Issuer == "" || cfg.Now == nil {
		return nil, errors.New("identity: Keyring, Issuer and Now are required")
	}
	t := &Tokens{cfg: cfg}
	t.memory.kept, t.memory.max = life/2, maxTold
	t.memory.current.Store(&generations{young: new(generation), old: new(generation)})
	return t, nil
}

// errRefused says that a token was asked for about a call that may not pass.
var errRefused = errors.New("no identity token tells of a call that may not pass")

// Token returns a token about a call that may pass, for the API at the address of its service
// (policy.CompiledService.Address). Its audience is the URL, as that of access tokens is that are narrowed to the service
// by its name, with the scheme of the issuer: by which scheme a call comes to a proxy is for nobody to say who checks a
// token. The error is a fault of the caller's, or the store's where there is no key yet and none can be made.
//
// The same is told to all calls about which it says the same. What has changed since, of the user or of the credential, the
// decision knows, and so another is made: nothing is told that isn't so.
func (t *Tokens) Token(ctx context.Context, d *authority.Decision, address string) (secret.Text, error) {
	if !d.Allowed() {
		return "", errRefused
	}
	claims := t.claims(d, t.urlOf(address))
	key := keyOf(&claims)
	now := t.cfg.Now()
	if known, ok := t.memory.find(key, now); ok {
		if _, err := t.cfg.Keyring.SigningKey(known.keyID); err == nil { // and not revoked since
			return known.text, nil
		}
	}
	claims.IssuedAt = now.Truncate(time.Second)
	claims.Expires = claims.IssuedAt.Add(life)
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	signed, err := t.cfg.Keyring.Sign(ctx, keyring.ForIdentity, claims)
	if err != nil {
		return "", fmt.Errorf("signing an identity token: %w", err)
	}
	t.memory.keep(key, &told{text: signed.Token, keyID: signed.KeyID, since: claims.IssuedAt}, now)
	return signed.Token, nil
}

// urlOf returns the URL of a service by its address, and nothing by nothing.
func (t *Tokens) urlOf(address string) string {
	if address == "" {
		return ""
	}
	scheme, _, _ := strings.Cut(t.cfg.Issuer, "://")
	return scheme + "://" + address
}

// claims are what a decision says, for an audience, but for the times.
func (t *Tokens) claims(d *authority.Decision, audience string) jose.IdentityClaims {
	p := &d.Principal
	c := jose.IdentityClaims{
		Issuer: t.cfg.Issuer, Audience: audience, Subject: p.ID.String(),
		PreferredUsername: p.Username, Name: p.DisplayName, Email: p.Email, Groups: p.Roles,
		CredentialKind: p.CredentialKind.String(), CredentialID: p.CredentialID.String(),
	}
	if p.Limits != nil && p.Limits.Scopes != nil {
		c.Scope = new(strings.Join(p.Limits.Scopes, " "))
	}
	return c
}
