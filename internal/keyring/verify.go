package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// skew is how far ahead the clock of the node may be that has signed a token.
const skew = 10 * time.Second

// Verified is a token that this keyring's keys have signed: whoever presents it was given it. That it wasn't taken back is
// for its record to tell.
type Verified struct {
	Claims  jose.Claims
	KeyID   string
	Purpose Purpose   // of its key, and by its type its own
	Expires time.Time // zero where the token says of no end
}

// PurposeOf returns the purpose of the key that a token names, active, retired or revoked. Of a key that there isn't it
// returns what the token's typ is for, so that the audit log can tell another Jeton's token; for a header that is spelled as
// none of ours is, nothing. It is for telling ways in apart, and proves nothing. It takes no lock and allocates nothing.
func (k *Keyring) PurposeOf(token string) Purpose {
	header, _, ok := strings.Cut(token, ".")
	if !ok {
		return ""
	}
	keys := k.signing.Load()
	if purpose, ok := keys.byHeader[header]; ok { // as of most: what would be read in it is known
		return purpose
	}
	peeked, ok := jose.Peek(token)
	if !ok {
		return ""
	}
	if key, ok := keys.byID[string(peeked.KeyID[:])]; ok {
		return key.Purpose
	}
	for _, p := range Purposes() {
		if peeked.IsType(p.Type()) {
			return p
		}
	}
	return ""
}

// Verify checks a token that this keyring is said to have signed for a purpose: its form, its key, its signature and type
// (RFC 8725 section 3), its issuer, and its times as it says of them itself. A revoked key has signed nothing. The error is
// a *authority.Refusal; of a token that has ended, and is good else, it comes with what was verified. Any other error means
// that the database couldn't say whether another node has made the key.
func (k *Keyring) Verify(ctx context.Context, token secret.Text, p Purpose, issuer string) (Verified, error) {
	t, err := jose.Parse(token.Reveal())
	if err != nil {
		return Verified{}, refused(authority.ReasonMalformed)
	}
	kid := t.Header().KeyID
	key, err := k.SigningKey(kid)
	if errors.Is(err, ErrUnknownKey) {
		key, err = k.learn(ctx, kid)
	}
	switch {
	case errors.Is(err, ErrRevokedKey):
		return Verified{}, refused(authority.ReasonRevokedKey)
	case errors.Is(err, ErrUnknownKey):
		return Verified{}, refused(authority.ReasonUnknownKey)
	case err != nil:
		return Verified{}, err
	case key.Purpose != p:
		return Verified{}, refused(authority.ReasonWrongType)
	}
	claims, err := key.Key.Verify(t)
	switch {
	case errors.Is(err, jose.ErrAlgorithm):
		return Verified{}, refused(authority.ReasonWrongAlgorithm)
	case err != nil:
		return Verified{}, refused(authority.ReasonBadSignature)
	case t.Header().Type != p.Type():
		return Verified{}, refused(authority.ReasonWrongType)
	}
	if !claims.Is("iss", issuer) {
		return Verified{}, refused(authority.ReasonWrongIssuer)
	}
	expires, reason := k.times(claims)
	switch reason {
	case "":
		return Verified{claims, kid, p, expires}, nil
	case authority.ReasonExpired:
		return Verified{claims, kid, p, expires}, refused(reason)
	default:
		return Verified{}, refused(reason)
	}
}

// learn looks for a key that this process doesn't know in the database, where another may have made it a moment ago: a token
// can be here sooner than word of its key. Whoever makes up a kid costs one look-up, as whoever makes up a secret does.
func (k *Keyring) learn(ctx context.Context, kid string) (SigningKey, error) {
	if !jose.ValidKeyID(kid) {
		return SigningKey{}, ErrUnknownKey
	}
	there, err := k.cfg.Store.HasSigningKey(ctx, kid)
	switch {
	case err != nil:
		return SigningKey{}, fmt.Errorf("looking for a signing key: %w", err)
	case !there:
		return SigningKey{}, ErrUnknownKey
	}
	if err := k.Reload(ctx); err != nil {
		return SigningKey{}, err
	}
	return k.SigningKey(kid)
}

// times holds a token to the times that it tells of itself, in whole seconds (RFC 7519 section 2): "iat" it must tell.
func (k *Keyring) times(claims jose.Claims) (expires time.Time, _ authority.Reason) {
	now := k.cfg.Now()
	issued, err := claims.Seconds("iat")
	if err != nil {
		return expires, authority.ReasonWrongClaims
	}
	begins := issued
	if claims.Has("nbf") {
		if begins, err = claims.Seconds("nbf"); err != nil {
			return expires, authority.ReasonWrongClaims
		}
	}
	if latest := now.Add(skew).Unix(); max(issued, begins) > latest {
		return expires, authority.ReasonNotYet
	}
	if !claims.Has("exp") {
		return expires, ""
	}
	end, err := claims.Seconds("exp")
	switch {
	case err != nil || end <= 0 || end > latestEnd:
		return expires, authority.ReasonWrongClaims
	case now.Unix() >= end:
		return time.Unix(end, 0).UTC(), authority.ReasonExpired
	}
	return time.Unix(end, 0).UTC(), ""
}

// latestEnd is the latest end that a token may tell of, in the year 9999: what is later is no time that Jeton has written.
const latestEnd = 253402300799

// IsFor reports whether a token's "aud" names somebody: it must be there, and be a string or an array of strings.
func (v *Verified) IsFor(audience string) bool { return v.Claims.Lists("aud", audience) }

// ID returns a claim that is an ID, in the one form in which Jeton writes IDs: in another spelling, or zero, it is none.
func (v *Verified) ID(claim string) (uuid.UUID, bool) {
	text, err := v.Claims.View(claim)
	if err != nil {
		return uuid.Nil, false
	}
	return parseID(text)
}

// lengthOfID is the length of an ID in the one form in which Jeton writes IDs.
const lengthOfID = 36

// parseID reads an ID. Of this length, all other spellings that uuid takes have capitals.
func parseID(text []byte) (uuid.UUID, bool) {
	if len(text) != lengthOfID || slices.ContainsFunc(text, func(c byte) bool { return 'A' <= c && c <= 'F' }) {
		return uuid.Nil, false
	}
	id, err := uuid.ParseBytes(text)
	return id, err == nil && id != uuid.Nil
}

func refused(reason authority.Reason) error { return &authority.Refusal{Reason: reason} }
