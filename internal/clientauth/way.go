package clientauth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// Kind implements authority.Way.
func (c *Clients) Kind() authority.Kind { return authority.ClientSecret }

// Recognizes implements authority.Way: a client's secret is no bearer token.
func (c *Clients) Recognizes(string) bool { return false }

// RecognizesSecret implements authority.SecretWay. The checksum makes it sure: that a person has chosen such a password is
// no more likely than that it has guessed a secret.
func (c *Clients) RecognizesSecret(password string) bool {
	return secret.Valid(password, secret.ClientSecret)
}

// Prove implements authority.Way: for a secret beside the client's name, and for an assertion beside it or alone.
func (c *Clients) Prove(ctx context.Context, cred authority.Credential) (authority.Proof, error) {
	switch text := cred.Text.Reveal(); {
	case secret.Valid(text, secret.ClientSecret):
		return c.proveSecret(ctx, cred)
	case secret.Looks(text, secret.ClientSecret):
		return authority.Proof{}, refused(authority.ReasonBadChecksum)
	case strings.Contains(text, "."): // which no secret has
		return c.proveAssertion(ctx, cred)
	default:
		return authority.Proof{}, refused(authority.ReasonMalformed)
	}
}

// proveSecret looks a secret up. That it was presented under another name than its user's is refused although it shows
// that the caller has it: a program that mixes up two clients is told at once, and a leaked secret tells nobody whose it
// is.
func (c *Clients) proveSecret(ctx context.Context, cred authority.Credential) (authority.Proof, error) {
	digests := c.cfg.Keyring.Digests(cred.Text)
	found, err := c.cfg.Store.ClientSecretByDigest(ctx, digests)
	if errors.Is(err, authority.ErrNotFound) {
		return authority.Proof{}, refused(authority.ReasonUnknown)
	}
	if err != nil {
		return authority.Proof{}, fmt.Errorf("looking up a client secret: %w", err)
	}
	var reason authority.Reason
	switch {
	case !found.DeletedAt.IsZero():
		reason = authority.ReasonDeleted
	case !names(cred.Name, found.UsernameKey):
		reason = authority.ReasonUnknownUser
	}
	if reason != "" {
		return authority.Proof{}, &authority.Refusal{Reason: reason, ID: found.ID, UserID: found.UserID}
	}
	c.renew(ctx, &found.Secret, digests)
	return authority.Proof{ID: found.ID, UserID: found.UserID, Remember: true}, nil
}

// names reports whether a client calls itself by a canonical name. RFC 6749 section 2.3.1 has it encode its name as a form
// does before it goes into HTTP Basic. Some do and some don't: the name counts as it is, and decoded.
func names(name, key string) bool {
	if name == "" {
		return false
	}
	if account.Key(name) == key {
		return true
	}
	decoded, err := url.QueryUnescape(name)
	return err == nil && account.Key(decoded) == key
}

// renew moves a secret that is still stored under an older pepper to the newest, which only a presented one allows. It may
// fail: the secret is good under either, and the next cold look-up tries again.
func (c *Clients) renew(ctx context.Context, s *Secret, digests []keyring.Digest) {
	if s.Pepper == digests[0].Pepper {
		return
	}
	for _, d := range digests[1:] {
		if d.Pepper == s.Pepper {
			_ = c.cfg.Store.RedigestClientSecret(ctx, s.ID, d, digests[0])
		}
	}
}

func refused(reason authority.Reason) error { return &authority.Refusal{Reason: reason} }
