package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/policy"
)

// An access token is checked here where its signature and all that it rests on are known: the key, by Jeton's JWK Set; the
// credential that it was got for, and its user, by Jeton's answer about another token of it, kept current by the feed. The signature
// alone says none of the latter: not that the credential still lives, nor from which addresses it counts, nor its user's roles. So
// the first token of each credential is asked about, and those that follow every few minutes aren't.

const (
	// typeAccess is the typ of access tokens (RFC 9068).
	typeAccess = "at+jwt"
	// skew is how far the clocks of Jeton's nodes may be apart.
	skew = 10 * time.Second
	// keysEvery bounds how often the key set is asked for: who makes up a kid doesn't cause a request each time.
	keysEvery = 5 * time.Second
	// maxKeySet bounds a key set, in bytes.
	maxKeySet = 1 << 20
)

// keySet holds the keys that sign access tokens.
type keySet struct {
	mu    sync.Mutex
	keys  map[string]jose.Key
	asked time.Time
}

// forget has the keys asked for anew.
func (s *keySet) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.asked = nil, time.Time{}
}

// key returns the key of a kid. It asks for the set where that isn't there, at most every few seconds. The algorithm is that of the key's
// own record, never of a token.
func (v *Verifier) key(ctx context.Context, kid string) (jose.Key, bool) {
	s := &v.keys
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.keys[kid]; ok || time.Since(s.asked) < keysEvery && !s.asked.IsZero() {
		return k, ok
	}
	s.asked = time.Now()
	keys, err := v.fetchKeys(ctx)
	if err != nil {
		v.report(err)
		return jose.Key{}, false
	}
	s.keys = keys
	k, ok := keys[kid]
	return k, ok
}

// fetchKeys asks for the key set, with no credential, and past whatever keeps it on the way.
func (v *Verifier) fetchKeys(ctx context.Context) (map[string]jose.Key, error) {
	q := request{doing: "reading the key set"}
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.c.base+"/.well-known/jwks.json", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%s: making the request: %w", q.doing, err)
	}
	r.Header.Set("User-Agent", v.c.userAgent)
	r.Header.Set("Cache-Control", "no-cache")
	res, err := v.c.http.Do(r)
	if err != nil {
		return nil, unreachable(ctx, q, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeySet))
	if err != nil {
		return nil, unreachable(ctx, q, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, foreign(q, res)
	}
	set, err := jose.ParseMixedJWKSet(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", q.doing, ErrNotJeton, err)
	}
	keys := make(map[string]jose.Key, len(set))
	for _, k := range set {
		if k.Named && k.ID != "" && !k.Key.Algorithm().Symmetric() {
			keys[k.ID] = k.Key
		}
	}
	return keys, nil
}

// looksSigned reports whether a token begins as the header of a JWS does.
func looksSigned(token string) bool { return strings.HasPrefix(token, "eyJ") }

// checkSigned returns what is known of an access token that is good by what is known here, and remembers it; nil where Jeton must
// be asked.
func (v *Verifier) checkSigned(ctx context.Context, token string, set *ruleSet, now int64) *known {
	t, err := jose.Parse(token)
	if err != nil || t.Header().Type != typeAccess {
		return nil
	}
	said := t.UnverifiedClaims()
	record, ok := idOf(said, parentClaim(said))
	if !ok {
		return nil
	}
	g, p := v.memory.parentOf(record, t.Header().KeyID)
	if g == nil { // nor is the key looked for: what Jeton hasn't vouched for costs no request of the set
		return nil
	}
	key, ok := v.key(ctx, t.Header().KeyID)
	if !ok {
		return nil
	}
	claims, err := key.Verify(t)
	if err != nil {
		return nil
	}
	k := read(claims, p, set.issuer, now)
	if k == nil {
		return nil
	}
	k.sum, k.record = sumOf(token), g
	if !v.memory.keepSigned(k, p) {
		return nil
	}
	return k
}

// parentClaim is the name of the claim that names what a token was got for.
func parentClaim(c jose.Claims) string {
	if c.Has("cred") {
		return "cred"
	}
	return "client_id"
}

func idOf(c jose.Claims, name string) (recordID, bool) {
	text, err := c.Text(name)
	if err != nil {
		return recordID{}, false
	}
	return parseID(text)
}

// read reads the claims of a token whose signature is good, as Jeton does. Nil is for whatever isn't as it should be.
//
// A token that is older than what is known of its parent may rest on what the parent was before: it may have been taken back by
// itself, or have scopes that the parent lost since.
func read(c jose.Claims, p *parent, issuer string, now int64) *known {
	iss, err := c.Text("iss")
	if err != nil || iss != issuer {
		return nil
	}
	user, ok := idOf(c, "sub")
	if _, has := idOf(c, "jti"); !ok || !has || user != p.user.id {
		return nil
	}
	issued, err := c.Seconds("iat")
	if err != nil || issued < p.since+int64(skew.Seconds()) {
		return nil
	}
	begins := issued
	if c.Has("nbf") {
		if begins, err = c.Seconds("nbf"); err != nil {
			return nil
		}
	}
	end, err := c.Seconds("exp")
	latest := time.UnixMicro(now).Add(skew).Unix()
	if err != nil || max(issued, begins) > latest || end <= 0 || end > never/1e6 || now >= end*1e6 {
		return nil
	}
	k := &known{until: end * 1e6, principal: p.principal, subject: policy.Subject{UserID: [16]byte(p.user.id), Roles: p.principal.Roles}}
	if k.service, ok = audienceOf(c, issuer); !ok {
		return nil
	}
	k.principal.Credential.Scopes = nil
	if c.Has("scope") {
		scope, err := c.Text("scope")
		if err != nil {
			return nil
		}
		scopes := append([]string{}, strings.Fields(scope)...)
		slices.Sort(scopes)
		k.narrowed, k.principal.Credential.Scopes = true, slices.Compact(scopes)
	}
	return k
}

// audienceOf returns the address of the one service that a token is for; nothing for all.
func audienceOf(c jose.Claims, issuer string) (service string, ok bool) {
	all, err := c.Texts("aud")
	if err != nil {
		return "", false
	}
	if slices.Contains(all, issuer) {
		return "", true
	}
	text, err := c.Text("aud")
	if err != nil {
		return "", false
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return "", false
	}
	return strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/"), true
}
