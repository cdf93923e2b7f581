package accesstoken

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// The kinds of refusal of what is asked for. Who asks has shown a good credential, and may know.
var (
	// ErrScope says that a scope is none that there is, or none that the credential has (RFC 6749 section 5.2).
	ErrScope = errors.New("a scope that is unknown, or beyond those of the credential")
	// ErrTarget says that a resource or audience is no service, or that they are several (RFC 8707 section 2).
	ErrTarget = errors.New("not one known service")
)

// Ask is what a token is asked for. The zero Ask asks for all that the credential has.
type Ask struct {
	Scopes []string // to narrow to; nil for all
	// Resources are the services to narrow to: one at most, as its URL ("resource") or its name ("audience"). The issuer's
	// URL stands for all services.
	Resources []string
}

// Issued is a token made just now.
type Issued struct {
	Token     secret.Text
	ExpiresAt time.Time // in whole seconds
	ExpiresIn time.Duration
	Scopes    []string // nil where it isn't narrowed
}

// issueTimeout bounds how long one issue may wait for the database. With what a verdict allows itself before it, whoever
// exchanges a credential has an answer within five seconds, ahead of the timeouts of clients.
const issueTimeout = 3 * time.Second

// Issue gets a principal an access token for the API token, or the client's secret or key, that it has just shown. It asks
// for the record anew, whatever is remembered of it. The error is ErrScope, ErrTarget, a *authority.Refusal, also where the
// kind of credential bears no access tokens, or a store's.
func (t *Tokens) Issue(ctx context.Context, p *authority.Principal, ask Ask) (Issued, error) {
	ctx, cancel := context.WithTimeout(ctx, issueTimeout)
	defer cancel()
	parent, err := t.parent(ctx, p)
	if err != nil {
		return Issued{}, err
	}
	set := jose.ClaimSet{Issuer: t.cfg.Issuer, Subject: p.ID.String(), ClientID: parent.ID.String()}
	if p.CredentialKind == authority.ClientSecret {
		set.ClientID, set.Credential = p.ID.String(), parent.ID.String()
	}
	audience, err := t.audience(ask.Resources)
	if err != nil {
		return Issued{}, err
	}
	set.Audience = []string{audience}
	scopes, err := t.scopes(parent.Limits, ask.Scopes)
	if err != nil {
		return Issued{}, err
	}
	if scopes != nil {
		set.Scope = new(strings.Join(scopes, " "))
	}
	return t.sign(ctx, set, parent.NotAfter, scopes)
}

// parent returns the record of the credential by which a principal came, if it bears tokens now.
func (t *Tokens) parent(ctx context.Context, p *authority.Principal) (parent Parent, err error) {
	switch p.CredentialKind {
	case authority.APIToken:
		parent, err = t.cfg.Store.APITokenParent(ctx, p.CredentialID)
	case authority.ClientSecret:
		parent, err = t.cfg.Store.ClientParent(ctx, p.CredentialID)
	default:
		return Parent{}, &authority.Refusal{Reason: authority.ReasonNotAcceptedHere, ID: p.CredentialID, UserID: p.ID}
	}
	reason := authority.ReasonDeleted
	if err == nil {
		if reason = parent.refusal(t.cfg.Now()); reason == "" && parent.UserID != p.ID {
			reason = authority.ReasonUnknown
		}
	}
	switch {
	case err != nil && !errors.Is(err, authority.ErrNotFound):
		return Parent{}, fmt.Errorf("reading the record of a credential: %w", err)
	case reason != "":
		return Parent{}, &authority.Refusal{Reason: reason, ID: p.CredentialID, UserID: p.ID}
	}
	return parent, nil
}

// sign makes a token that ends with its life or with its parent, whichever comes first, on a whole second.
func (t *Tokens) sign(ctx context.Context, set jose.ClaimSet, notAfter time.Time, scopes []string) (Issued, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Issued{}, fmt.Errorf("making an ID for an access token: %w", err)
	}
	now := t.cfg.Now()
	set.ID, set.IssuedAt, set.Expires = id.String(), now, earlier(now.Add(t.cfg.Life), notAfter).UTC().Truncate(time.Second)
	if !now.Before(set.Expires) { // the parent ends within this second
		return Issued{}, &authority.Refusal{Reason: authority.ReasonExpired}
	}
	signed, err := t.cfg.Keyring.Sign(ctx, keyring.ForAccessTokens, set)
	if err != nil {
		return Issued{}, fmt.Errorf("signing an access token: %w", err)
	}
	return Issued{Token: signed.Token, ExpiresAt: set.Expires, ExpiresIn: set.Expires.Sub(now).Truncate(time.Second), Scopes: scopes}, nil
}

// scopes returns the scopes that a token has for which some were asked: those, if the parent has them and they exist.
//
// Power over Jeton itself is never asked for: only a parent that was given it by name has it.
func (t *Tokens) scopes(parent *authority.Limits, asked []string) ([]string, error) {
	var has []string
	if parent != nil {
		has = parent.Scopes
	}
	if asked == nil {
		return has, nil
	}
	asked = scopesOf(strings.Join(asked, " "))
	for _, scope := range asked {
		switch {
		case has != nil && !slices.Contains(has, scope):
			return nil, ErrScope
		case has == nil && !t.cfg.Policy().HasScope(scope):
			return nil, ErrScope
		}
	}
	return asked, nil
}

// audience returns the "aud" of a token that is asked for some resources: the issuer for all services, or the URL of one.
//
// A service that stands at the issuer's own address has none that would tell it from all services: a token can't be narrowed
// to it, and where there is one, the issuer's URL says neither the one nor the other.
func (t *Tokens) audience(resources []string) (string, error) {
	if len(resources) == 0 {
		return t.cfg.Issuer, nil
	}
	if resources = slices.Compact(slices.Sorted(slices.Values(resources))); len(resources) > 1 {
		return "", ErrTarget
	}
	issuer, _ := addressOf(t.cfg.Issuer)
	scheme, _, _ := strings.Cut(t.cfg.Issuer, "://")
	address, isURL := addressOf(resources[0])
	if s, ok := t.cfg.Policy().Named(resources[0]); ok {
		address = s.Address()
	} else if isURL {
		scheme, _, _ = strings.Cut(strings.ToLower(resources[0]), "://")
	} else {
		return "", ErrTarget
	}
	switch stands := t.stands(address); {
	case address == issuer && !stands && strings.TrimSuffix(resources[0], "/") == t.cfg.Issuer:
		return t.cfg.Issuer, nil
	case address == issuer, !stands:
		return "", ErrTarget
	}
	return scheme + "://" + address, nil
}

// stands reports whether a service has an address.
func (t *Tokens) stands(address string) bool {
	host, _, _ := strings.Cut(address, "/")
	s, ok := t.cfg.Policy().Find(host, address[len(host):])
	return ok && s.Address() == address
}

// addressOf returns the address of the service that a URL names (RFC 8707 section 2: absolute, without a fragment), its host
// in lower case, without a slash at its end.
func addressOf(resource string) (string, bool) {
	u, err := url.Parse(resource)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(resource, "#") {
		return "", false
	}
	return strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/"), true
}
