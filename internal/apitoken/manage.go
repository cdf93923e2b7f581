package apitoken

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// Draft is what a token is made of.
type Draft struct {
	Name     string
	User     string // name or ID
	Days     int    // until it ends; 0 with Never
	Never    bool
	Disabled bool
	Limits   authority.Limits // without Service
}

// Patch is what is to change; nil leaves as it is.
type Patch struct {
	Version int64 // the one to change; 0 for any
	Name    *string
	Enabled *bool
	Scopes  *[]string // nil within: not narrowed
	From    *[]netip.Prefix
	Rate    *authority.Rate
}

// Create makes a token and returns its text, this once. Maker is who asks, an administrator. Errors are a
// *authority.FieldError, ErrConflict wrapped in one, or a store's.
func (t *Tokens) Create(ctx context.Context, d Draft, maker *authority.Principal, actor audit.Actor) (secret.Text, Token, error) {
	user, err := t.cfg.Users.Find(ctx, d.User)
	if errors.Is(err, authority.ErrNotFound) {
		return "", Token{}, authority.Field("user", "is no user", "Make the user first.")
	}
	if err != nil {
		return "", Token{}, fmt.Errorf("finding the user of an API token: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", Token{}, fmt.Errorf("making an ID for an API token: %w", err)
	}
	now := t.cfg.Now().UTC().Truncate(time.Microsecond)
	r := Record{Token: Token{
		ID: id, UserID: user.ID, Name: d.Name, Enabled: !d.Disabled, Limits: d.Limits, CreatedAt: now, UpdatedAt: now, Version: 1,
	}}
	if r.ExpiresAt, err = t.expiry(d, user.Kind, now); err != nil {
		return "", Token{}, err
	}
	if err := t.check(&r, user, maker, nil); err != nil {
		return "", Token{}, err
	}
	signed, err := t.cfg.Keyring.Sign(ctx, keyring.ForAPITokens, jose.ClaimSet{
		Issuer: t.cfg.Issuer, Subject: user.ID.String(), Audience: []string{t.cfg.Issuer}, ID: id.String(),
		IssuedAt: now, Expires: r.ExpiresAt, Never: r.ExpiresAt.IsZero(),
	})
	if err != nil {
		return "", Token{}, fmt.Errorf("signing an API token: %w", err)
	}
	r.KeyID = signed.KeyID
	ev := audit.New(audit.APITokenCreate, actor, target(&r.Token), now, append([]string{"user", user.Username, "expires_at", endText(r.ExpiresAt)}, r.detail()...)...)
	if err := t.cfg.Store.CreateAPIToken(ctx, r, ev); err != nil {
		return "", Token{}, fmt.Errorf("storing an API token: %w", err)
	}
	return signed.Token, r.Token, nil
}

// Token returns a living token, or ErrNotFound.
func (t *Tokens) Token(ctx context.Context, id uuid.UUID) (Token, error) {
	return t.cfg.Store.APIToken(ctx, id)
}

// Named returns the living token that has a name, in any spelling of it, or ErrNotFound.
func (t *Tokens) Named(ctx context.Context, name string) (Token, error) {
	return t.cfg.Store.APITokenByName(ctx, Key(name))
}

// Names returns the names of those of the given tokens that there are, deleted ones too.
func (t *Tokens) Names(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	return t.cfg.Store.APITokensNamed(ctx, ids)
}

// Update changes a token. Errors are those of Create, ErrStale and ErrNotFound.
// Its access tokens are held to what it says now, from the moment Update returns.
func (t *Tokens) Update(ctx context.Context, id uuid.UUID, p Patch, maker *authority.Principal, actor audit.Actor) (Token, error) {
	token, err := t.cfg.Store.APIToken(ctx, id)
	if err != nil {
		return Token{}, err
	}
	if p.Version != 0 && token.Version != p.Version {
		return Token{}, authority.ErrStale
	}
	user, err := t.cfg.Users.Find(ctx, token.UserID.String())
	if err != nil {
		return Token{}, fmt.Errorf("finding the user of an API token: %w", err)
	}
	r := Record{Token: p.apply(token)}
	if r.Limits.HasScope(authority.AdminScope) && !token.Limits.HasScope(authority.AdminScope) {
		// Who has the text by now, nobody knows; and whoever made it may be another than whose power it would get.
		return Token{}, authority.Field("scopes", "may hold "+authority.AdminScope+" from the beginning alone", "Make another token.")
	}
	if err := t.check(&r, user, maker, token.Limits.Scopes); err != nil {
		return Token{}, err
	}
	r.UpdatedAt = t.cfg.Now().UTC().Truncate(time.Microsecond)
	ev := audit.New(audit.APITokenUpdate, actor, target(&r.Token), r.UpdatedAt, append([]string{"enabled", strconv.FormatBool(r.Enabled)}, r.detail()...)...)
	if err := t.cfg.Store.UpdateAPIToken(ctx, r, ev); err != nil {
		return Token{}, fmt.Errorf("updating an API token: %w", err)
	}
	r.Version++
	return r.Token, t.cfg.Applied(ctx)
}

// apply returns the token with the changes.
func (p *Patch) apply(t Token) Token {
	if p.Name != nil {
		t.Name = *p.Name
	}
	if p.Enabled != nil {
		t.Enabled = *p.Enabled
	}
	if p.Scopes != nil {
		t.Limits.Scopes = *p.Scopes
	}
	if p.From != nil {
		t.Limits.From = *p.From
	}
	if p.Rate != nil {
		t.Limits.Rate = *p.Rate
	}
	return t
}

// Delete ends a token for good, and its access tokens with it. It returns ErrNotFound.
func (t *Tokens) Delete(ctx context.Context, id uuid.UUID, actor audit.Actor) error {
	token, err := t.cfg.Store.APIToken(ctx, id)
	if err != nil {
		return err
	}
	ev := audit.New(audit.APITokenDelete, actor, target(&token), t.cfg.Now())
	if err := t.cfg.Store.DeleteAPIToken(ctx, id, ev); err != nil {
		return fmt.Errorf("deleting an API token: %w", err)
	}
	return t.cfg.Applied(ctx)
}

// Revoke deletes a token that its bearer gives back (RFC 7009), as the keyring has verified it. One that has no record, or
// isn't what its record says, is refused as it is, and ends nothing: its signature shows that somebody has the key, and not
// that somebody was given the token.
func (t *Tokens) Revoke(ctx context.Context, token keyring.Verified, actor audit.Actor) error {
	id, ok := token.ID("jti")
	if !ok {
		return nil
	}
	found, err := t.cfg.Store.FindAPIToken(ctx, id, token.KeyID)
	if errors.Is(err, authority.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking up an API token: %w", err)
	}
	// A disabled one is deleted, too, lest it be enabled again.
	if reason := found.judge(&token, t.cfg.Issuer); reason != "" && reason != authority.ReasonDisabled {
		return nil
	}
	if err := t.Delete(ctx, id, actor); !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return nil // somebody was faster
}

func target(t *Token) audit.Target { return audit.Target{Kind: "api_token", ID: t.ID, Name: t.Name} }

// detail is what the audit log tells of a token's limits.
func (r *Record) detail() []string {
	l, scopes := &r.Limits, "all"
	if l.Scopes != nil {
		scopes = strings.Join(l.Scopes, " ")
	}
	from := make([]string, len(l.From))
	for i, p := range l.From {
		from[i] = p.String()
	}
	detail := []string{"scopes", scopes, "allowed_ips", strings.Join(from, ",")}
	if l.Rate.Calls > 0 {
		detail = append(detail, "rate_limit", strconv.Itoa(l.Rate.Calls)+"/"+l.Rate.Per.String())
	}
	return detail
}

// endText is an end as the audit log tells of it.
func endText(end time.Time) string {
	if end.IsZero() {
		return "never"
	}
	return end.Format(time.RFC3339)
}

// mayAdminister reports whether maker may give a token of the user power over Jeton: its own, or a service account's. A
// token of another person would give its maker that person's power.
func mayAdminister(maker *authority.Principal, user account.User) bool {
	return maker.Admin() && (user.ID == maker.ID || user.Kind == account.Service)
}

// sorted returns scopes in their order, each once. Nil stays nil and an empty list an empty one: the one is narrowed to
// nothing, the other not at all.
func sorted(scopes []string) []string {
	scopes = slices.Clone(scopes)
	slices.Sort(scopes)
	return slices.Compact(scopes)
}
