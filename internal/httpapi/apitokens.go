package httpapi

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
)

// API tokens are named in URLs by ID, which their access tokens carry as client_id and the audit log has. They are made by
// administrators alone, their own too: whom a token stands for and what narrows it, the one who hands it over decides.
//
// What an administrator may give a token, and which lives the policy allows, package apitoken knows; here the members of a
// request become its terms.

// wireAPIToken returns a token as the API shows it.
func (s *server) wireAPIToken(t apitoken.Token, names map[uuid.UUID]string) api.APIToken {
	w := api.APIToken{
		ID: t.ID.String(), Name: t.Name, User: names[t.UserID], UserID: t.UserID.String(), KeyID: t.KeyID, Enabled: t.Enabled,
		Scopes: t.Limits.Scopes, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, LastUsedIP: t.LastUsedIP,
	}
	_, err := s.cfg.Keys.SigningKey(t.KeyID)
	w.KeyRevoked = errors.Is(err, keyring.ErrRevokedKey)
	for _, p := range t.Limits.From {
		w.AllowedIPs = append(w.AllowedIPs, authority.NetworkText(p))
	}
	w.RateLimit = wireRate(t.Limits.Rate)
	return w
}

// showAPIToken is wireAPIToken for one token. It may fail after a change was made: see showService.
func (s *server) showAPIToken(ctx context.Context, t apitoken.Token) (api.APIToken, error) {
	names, err := s.cfg.Accounts.Names(ctx, []uuid.UUID{t.UserID})
	return s.wireAPIToken(t, names), err
}

// apiTokensInput selects API tokens. Filters that are given must all be met.
type apiTokensInput struct {
	User    string `query:"user" doc:"Of this user: an ID or a name."`
	Enabled string `query:"enabled" enum:"true,false" doc:"Enabled ones, or disabled ones."`
	// Zero is no filter; what has ended is in every answer, for it has ended before any time to come.
	ExpiringInDays int    `query:"expiring_in_days" minimum:"1" maximum:"36500" doc:"That end within so many days, or have ended; the first to end comes first."`
	Q              string `query:"q" maxLength:"256" doc:"Whose names begin so, in capitals or not, or the one of this ID."`
	Sort           string `query:"sort" enum:"name,-name,created,-created,expires,-expires" doc:"By what they are listed, name where it is absent; with a hyphen, the other way round. Tokens that never end come last by expires. Names that are searched go by name, tokens that end by expires alone."`
	Limit          int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most."`
	Cursor         string `query:"cursor" doc:"The next of the page before; absent for the first."`
}

// listAPITokens pages by canonical name, as listUsers does, or by another order.
func (s *server) listAPITokens(ctx context.Context, _ *call, in *apiTokensInput) (*answer[api.List[api.APIToken]], error) {
	sort, descending := strings.CutPrefix(in.Sort, "-")
	q := apitoken.Query{Find: in.Q, Order: apitoken.Order(sort), Descending: descending, Limit: in.Limit + 1}
	var err error
	if q.UserID, err = s.filterUser(ctx, in.User); err != nil {
		return nil, err
	}
	if in.Enabled != "" {
		enabled := in.Enabled == "true"
		q.Enabled = &enabled
	}
	if in.ExpiringInDays > 0 {
		q.ExpiringBefore = s.cfg.APITokens.Ahead(in.ExpiringInDays)
	}
	listing := sorted("api-tokens", in.Sort)
	if err := resume(listing, in.Cursor, q.Resume); err != nil {
		return nil, err
	}
	tokens, err := s.cfg.APITokens.List(ctx, q)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(tokens))
	for i, t := range tokens {
		ids[i] = t.UserID
	}
	names, err := s.cfg.Accounts.Names(ctx, ids)
	if err != nil {
		return nil, err
	}
	return pageOf(tokens, in.Limit,
		func(t apitoken.Token) api.APIToken { return s.wireAPIToken(t, names) },
		func(t apitoken.Token) string { return cursorAt(listing, q.Position(t)) }), nil
}

// filterUser returns the ID of the user whom a filter names, none where there is no filter. Who doesn't live has no tokens,
// but an empty list would say that of a misspelt name, too.
func (s *server) filterUser(ctx context.Context, idOrName string) (uuid.UUID, error) {
	if idOrName == "" {
		return uuid.Nil, nil
	}
	id, err := s.cfg.Accounts.UserID(ctx, idOrName)
	if errors.Is(err, authority.ErrNotFound) {
		err = &authority.FieldError{Field: "user", Problem: "is no user", Fix: "Give the name or ID of one that lives."}
	}
	return id, err
}

// newAPITokenInput is a request for a new API token.
type newAPITokenInput struct{ Body api.NewAPIToken }

// createAPIToken makes a token and shows it, this once. If the answer is lost, so is the token: deleting it and making
// another is the way out, for the name tells which it was.
func (s *server) createAPIToken(ctx context.Context, c *call, in *newAPITokenInput) (*created[api.IssuedAPIToken], error) {
	b := in.Body
	if b.ExpiresInDays == 0 && !b.NeverExpires {
		return nil, &authority.FieldError{
			Field: "expires_in_days", Problem: "is missing, and never_expires is not true",
			Fix: "Say when the token ends: 30 days are recommended. Give never_expires for one that doesn't.",
		}
	}
	if err := checkEnabled(b.Enabled); err != nil {
		return nil, err
	}
	from, err := networksOf(b.AllowedIPs)
	if err != nil {
		return nil, err
	}
	limits := authority.Limits{Scopes: b.Scopes, From: from, Rate: rateOf(b.RateLimit)}
	text, token, err := s.cfg.APITokens.Create(ctx, apitoken.Draft{
		Name: b.Name, User: b.User, Days: b.ExpiresInDays, Never: b.NeverExpires, Disabled: b.Enabled.Set && !b.Enabled.Value, Limits: limits,
	}, &c.principal, c.actor())
	if err != nil {
		return nil, err
	}
	shown, err := s.showAPIToken(ctx, token)
	return &created[api.IssuedAPIToken]{
		Location: "/v1/api-tokens/" + token.ID.String(), ETag: etag(token.ID, token.Version),
		Body: api.IssuedAPIToken{Token: text.Reveal(), APIToken: shown},
	}, err
}

// apiTokenInput names an API token.
type apiTokenInput struct {
	ID string `path:"id" doc:"The token's ID."`
}

// getAPIToken shows what is known of a token: also from where it was last used, which tells a leak.
func (s *server) getAPIToken(ctx context.Context, _ *call, in *apiTokenInput) (*versioned[api.APIToken], error) {
	id, err := idOf(in.ID)
	if err != nil {
		return nil, err
	}
	token, err := s.cfg.APITokens.Token(ctx, id)
	if err != nil {
		return nil, err
	}
	shown, err := s.showAPIToken(ctx, token)
	return &versioned[api.APIToken]{ETag: etag(token.ID, token.Version), Body: shown}, err
}

// apiTokenPatchInput is a merge patch of an API token.
type apiTokenPatchInput struct {
	ID      string `path:"id" doc:"The token's ID."`
	IfMatch string `header:"If-Match" doc:"Change only this version."`
	Body    api.APITokenPatch
}

// updateAPIToken changes a token. From the moment of the answer its access tokens are held to what it says now: disabled,
// it stops them all.
func (s *server) updateAPIToken(ctx context.Context, c *call, in *apiTokenPatchInput) (*versioned[api.APIToken], error) {
	match, err := preconditionOf(c.r.Header)
	if err != nil {
		return nil, err
	}
	id, err := idOf(in.ID)
	if err != nil {
		return nil, err
	}
	var updated apitoken.Token
	err = match.try(func() error {
		token, err := s.cfg.APITokens.Token(ctx, id)
		if err != nil {
			return err
		}
		if err := match.check(token.ID, token.Version); err != nil {
			return err
		}
		patch, err := tokenPatchOf(in.Body, token)
		if err != nil {
			return err
		}
		updated, err = s.cfg.APITokens.Update(ctx, id, patch, &c.principal, c.actor())
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.showAPIToken(ctx, updated)
	return &versioned[api.APIToken]{ETag: etag(updated.ID, updated.Version), Body: shown}, err
}

// tokenPatchOf returns the change that a merge patch asks for, of a token as it was read. A limit that is null is lifted; a
// list that is empty is not null: no scopes are none.
func tokenPatchOf(b api.APITokenPatch, t apitoken.Token) (apitoken.Patch, error) {
	p := apitoken.Patch{Version: t.Version, Name: b.Name.Pointer(), Enabled: b.Enabled.Pointer(), Scopes: b.Scopes.Pointer()}
	if err := checkEnabled(b.Enabled); err != nil {
		return p, err
	}
	if b.AllowedIPs.Set {
		from, err := networksOf(b.AllowedIPs.Value)
		if err != nil {
			return p, err
		}
		p.From = &from
	}
	if b.RateLimit.Set {
		rate, err := patchedRate(t.Limits.Rate, b.RateLimit)
		if err != nil {
			return p, err
		}
		p.Rate = &rate
	}
	return p, nil
}

// checkEnabled refuses null, which says neither: as false it would stop a program, as true start one.
func checkEnabled(enabled api.Optional[bool]) error {
	if enabled.Null {
		return &authority.FieldError{Field: "enabled", Problem: "is neither true nor false"}
	}
	return nil
}

// deleteAPIToken ends a token, and with it every access token that was got for it.
func (s *server) deleteAPIToken(ctx context.Context, c *call, in *apiTokenInput) (*done, error) {
	id, err := idOf(in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.APITokens.Delete(ctx, id, c.actor())
}

// idOf returns the ID in a path. What isn't one is no record's.
func idOf(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text { // it has one spelling: others may be another record's to somebody else
		return uuid.Nil, authority.ErrNotFound
	}
	return id, nil
}

// networksOf returns the networks of a list.
//
// No list is anywhere, and an empty one is nothing that anybody means: a script that takes the last address off a list
// wouldn't have the token count everywhere.
func networksOf(texts []string) ([]netip.Prefix, error) {
	if texts != nil && len(texts) == 0 {
		return nil, authority.Field("allowed_ips", "is empty", "Leave it out, or give null, for every address; what is to count from none, disable.")
	}
	return authority.ParseNetworks(texts)
}
