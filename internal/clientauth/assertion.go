package clientauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

const (
	// skew is how far ahead a client's clock may be.
	skew = 10 * time.Second
	// maxAhead is how far ahead the end of an assertion may lie: who finds one that was never sent can use it until then.
	// Most clients ask for one to ten minutes, Authlib for an hour.
	maxAhead = time.Hour
	// maxTried bounds the checks of one assertion among the keys of a client, and again among its deleted ones.
	maxTried = MaxKeys
)

// proveAssertion checks a client's assertion (RFC 7523 section 3; OpenID Connect Core section 9, private_key_jwt). What it
// says of itself finds the keys by which it is checked; nothing else is believed before it is.
//
// It is good once: an assertion stands in a request's body, where a proxy may log it. It is remembered as used last, so
// that what is refused for anything else uses nothing up.
func (c *Clients) proveAssertion(ctx context.Context, cred authority.Credential) (authority.Proof, error) {
	t, err := jose.Parse(cred.Text.Reveal())
	if err != nil {
		return authority.Proof{}, refused(authority.ReasonMalformed)
	}
	name, reason := nameOf(t.UnverifiedClaims(), cred.Name)
	if reason != "" {
		return authority.Proof{}, refused(reason)
	}
	keys, err := c.cfg.Store.ClientKeysByName(ctx, account.Key(name))
	if errors.Is(err, authority.ErrNotFound) {
		return authority.Proof{}, refused(authority.ReasonUnknownUser)
	}
	if err != nil {
		return authority.Proof{}, fmt.Errorf("looking up a client's keys: %w", err)
	}
	key, claims, err := c.verify(ctx, t, keys)
	if err != nil {
		return authority.Proof{}, err
	}
	ends, reason := c.judge(t.Header(), claims)
	if reason != "" {
		return authority.Proof{}, &authority.Refusal{Reason: reason, ID: key.ID, UserID: key.UserID}
	}
	err = c.use(ctx, t, claims, key.UserID, ends)
	if errors.Is(err, authority.ErrConflict) {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonReplayed, ID: key.ID, UserID: key.UserID}
	}
	if err != nil {
		return authority.Proof{}, err
	}
	return authority.Proof{ID: key.ID, UserID: key.UserID, NotAfter: ends}, nil
}

// nameOf returns the client's name as an assertion gives it: issuer and subject both, and the one beside it, if there is
// one.
func nameOf(claims jose.Claims, beside string) (string, authority.Reason) {
	iss, err := claims.Text("iss")
	if err != nil || iss == "" {
		return "", authority.ReasonWrongIssuer
	}
	if sub, err := claims.Text("sub"); err != nil || sub != iss {
		return "", authority.ReasonWrongClaims
	}
	if beside != "" && account.Key(beside) != account.Key(iss) {
		return "", authority.ReasonUnknownUser
	}
	return iss, ""
}

// verify finds the client's key that has signed an assertion.
func (c *Clients) verify(ctx context.Context, t *jose.Token, keys []Key) (Key, jose.Claims, error) {
	living, deleted := divide(keys)
	kid := t.Header().KeyID
	if i := slices.IndexFunc(living, func(k Key) bool { return k.ID.String() == kid }); i >= 0 {
		living = living[i : i+1] // its owner names it as we do
	}
	key, claims, err := c.verifyAmong(ctx, t, living)
	if _, refused := errors.AsType[*authority.Refusal](err); !refused { // good, or nobody knows: then no former key tells more
		return key, claims, err
	}
	if former, _, without := c.verifyAmong(ctx, t, deleted); without == nil {
		return Key{}, jose.Claims{}, &authority.Refusal{Reason: authority.ReasonRevokedKey, ID: former.ID, UserID: former.UserID}
	}
	return Key{}, jose.Claims{}, err
}

// divide returns the living keys, and the deleted ones that are looked at to tell the operator why. Published ones are not
// among these: nobody wants a fetch for what is refused anyway.
func divide(keys []Key) (living, deleted []Key) {
	for _, k := range keys {
		switch {
		case k.DeletedAt.IsZero() && len(living) < maxTried:
			living = append(living, k)
		case !k.DeletedAt.IsZero() && k.PublicKey != "" && len(deleted) < maxTried:
			deleted = append(deleted, k)
		}
	}
	return living, deleted
}

// verifyAmong tries the keys one by one, each by its own algorithm. Where published keys can't be read, nobody knows whether
// one of them has signed: that is no refusal.
func (c *Clients) verifyAmong(ctx context.Context, t *jose.Token, keys []Key) (Key, jose.Claims, error) {
	reason := authority.ReasonUnknownKey
	var unread error
	for _, k := range keys {
		candidates, err := c.keysOf(ctx, &k, t.Header().KeyID)
		if err != nil {
			unread = err
		}
		for _, candidate := range candidates {
			claims, err := candidate.Verify(t)
			switch {
			case err == nil:
				return k, claims, nil
			case errors.Is(err, jose.ErrSignature):
				reason = authority.ReasonBadSignature
			case reason == authority.ReasonUnknownKey:
				reason = authority.ReasonWrongAlgorithm
			}
		}
	}
	if unread != nil {
		return Key{}, jose.Claims{}, unread
	}
	return Key{}, jose.Claims{}, refused(reason)
}

// keysOf returns what a record stands for: the one key, or those that its owner publishes; of these the one that the
// assertion names, where it names one of them.
func (c *Clients) keysOf(ctx context.Context, k *Key, kid string) ([]jose.Key, error) {
	if k.JWKSURI == "" {
		key, err := jose.ParsePEM(k.Algorithm, []byte(k.PublicKey))
		if err != nil {
			return nil, fmt.Errorf("reading a client's key: %w", err)
		}
		return []jose.Key{key}, nil
	}
	set, err := c.cfg.KeySets.Keys(ctx, k.JWKSURI, kid)
	if err != nil {
		return nil, fmt.Errorf("reading a client's published keys: %w", err)
	}
	var keys []jose.Key
	for _, known := range set {
		if kid != "" && known.ID == kid {
			return []jose.Key{known.Key}, nil
		}
		if len(keys) < maxTried {
			keys = append(keys, known.Key)
		}
	}
	return keys, nil
}

// judge holds an assertion whose signature is good to what it must say, and returns when it ends.
func (c *Clients) judge(h jose.Header, claims jose.Claims) (time.Time, authority.Reason) {
	switch strings.ToLower(h.Type) {
	case "", "jwt", "client-authentication+jwt": // RFC 7523 asks for none, its successor's draft for the last
	default:
		return time.Time{}, authority.ReasonWrongType
	}
	if !c.meant(claims) {
		return time.Time{}, authority.ReasonWrongAudience
	}
	return c.times(claims)
}

// meant reports whether an assertion is for Jeton, and for nobody else: another that it is for could use it here. Clients
// name several of Jeton's own addresses.
func (c *Clients) meant(claims jose.Claims) bool {
	audience, err := claims.Texts("aud")
	return err == nil && len(audience) > 0 && !slices.ContainsFunc(audience, func(a string) bool { return !slices.Contains(c.cfg.Audiences, a) })
}

// times holds an assertion to its times, in whole seconds: it must end, and soon.
func (c *Clients) times(claims jose.Claims) (time.Time, authority.Reason) {
	now := c.cfg.Now()
	for _, name := range []string{"iat", "nbf"} {
		at, err := claims.Seconds(name)
		switch {
		case errors.Is(err, jose.ErrAbsent):
		case err != nil:
			return time.Time{}, authority.ReasonWrongClaims
		case at > now.Add(skew).Unix():
			return time.Time{}, authority.ReasonNotYet
		}
	}
	end, err := claims.Seconds("exp")
	switch {
	case err != nil || end <= 0 || end > now.Add(maxAhead+skew).Unix():
		return time.Time{}, authority.ReasonWrongClaims
	case now.Unix() >= end:
		return time.Time{}, authority.ReasonExpired
	}
	return time.Unix(end, 0).UTC(), ""
}

// use keeps that an assertion was used. OpenID Connect wants a "jti", RFC 7523 doesn't: what has none is known by what was
// signed, of which its signer may make many signatures. Either counts for its client alone.
func (c *Clients) use(ctx context.Context, t *jose.Token, claims jose.Claims, client uuid.UUID, ends time.Time) error {
	kind, id := "jti", ""
	if claims.Has("jti") {
		var err error
		if id, err = claims.Text("jti"); err != nil || id == "" {
			return refused(authority.ReasonWrongClaims)
		}
	} else {
		signed := t.Digest()
		kind, id = "signed", string(signed[:])
	}
	digest := sha256.Sum256([]byte(kind + " " + client.String() + " " + id))
	if err := c.cfg.Store.UseAssertion(ctx, digest, ends); err != nil {
		return fmt.Errorf("keeping that an assertion was used: %w", err)
	}
	return nil
}
