package api

import "time"

// APIToken tells of a signed API token, which a program exchanges for access tokens; it doesn't hold it.
type APIToken struct { //nolint:revive // the token is called an API token
	ID         string     `json:"id" format:"uuid" doc:"the token's own claim jti, and the client_id of its access tokens"`
	Name       string     `json:"name" doc:"unique, whatever its case"`
	User       string     `json:"user,omitempty" doc:"the name of the user whom it stands for"`
	UserID     string     `json:"user_id" format:"uuid"`
	KeyID      string     `json:"key_id" doc:"of the key that has signed it"`
	KeyRevoked bool       `json:"key_revoked,omitempty" doc:"that key was revoked: the token is refused for good"`
	Enabled    bool       `json:"enabled"`
	Scopes     []string   `json:"scopes,omitzero" doc:"to which it is narrowed; absent where it isn't"`
	AllowedIPs []string   `json:"allowed_ips,omitempty" doc:"from which it counts; absent for anywhere"`
	RateLimit  *RateLimit `json:"rate_limit,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  time.Time  `json:"expires_at,omitzero" doc:"absent where it never expires"`
	LastUsedAt time.Time  `json:"last_used_at,omitzero" doc:"when it, or an access token of it, was last used, to the minute; absent where it never was"`
	LastUsedIP string     `json:"last_used_ip,omitempty"`
}

// IssuedAPIToken is the answer of POST /v1/api-tokens: the only time that the token is shown.
type IssuedAPIToken struct {
	Token string `json:"token" doc:"a JWT; nobody can show it again"`
	APIToken
}

// NewAPIToken is the body of POST /v1/api-tokens. It has exactly one of ExpiresInDays and NeverExpires. What narrows it
// never allows more than its user may.
type NewAPIToken struct {
	Name          string         `json:"name" doc:"what it is for: 1 to 128 printable characters, unique whatever their case"`
	User          string         `json:"user" doc:"whom it stands for: name or ID of a person or a service account"`
	ExpiresInDays int            `json:"expires_in_days,omitempty" minimum:"1" maximum:"36500" doc:"30 is recommended; this, or never_expires"`
	NeverExpires  bool           `json:"never_expires,omitempty" doc:"where no policy bounds the life of such tokens"`
	Scopes        []string       `json:"scopes,omitzero" doc:"scopes of operations to which it is narrowed, and jeton.admin for power over Jeton itself; every operation, but not that power, if absent"`
	AllowedIPs    []string       `json:"allowed_ips,omitempty" doc:"addresses and networks from which it counts, as 192.0.2.7 or 192.0.2.0/24; anywhere if absent"`
	RateLimit     *RateLimit     `json:"rate_limit,omitempty"`
	Enabled       Optional[bool] `json:"enabled,omitzero" doc:"true if absent"`
}

// APITokenPatch is the body of PATCH /v1/api-tokens/{id} (RFC 7396): absent members stay as they are, null lifts a limit.
// User and end of a token can't be changed, and it isn't given the scope jeton.admin: make another token for that.
type APITokenPatch struct { //nolint:revive // see APIToken
	Name       Optional[string]         `json:"name,omitzero"`
	Enabled    Optional[bool]           `json:"enabled,omitzero"`
	Scopes     Optional[[]string]       `json:"scopes,omitzero" nullable:"true"`
	AllowedIPs Optional[[]string]       `json:"allowed_ips,omitzero" nullable:"true"`
	RateLimit  Optional[RateLimitPatch] `json:"rate_limit,omitzero"`
}

// RateLimit bounds how often a token and its access tokens may be used. All calls of a period may come at once. Each node
// counts for itself.
type RateLimit struct {
	Calls      int `json:"calls" minimum:"1" maximum:"1000000000"`
	PerSeconds int `json:"per_seconds" minimum:"1" maximum:"86400"`
}

// RateLimitPatch is a merge patch of a RateLimit, which may itself be null.
type RateLimitPatch struct {
	_          struct{}      `nullable:"true"`
	Calls      Optional[int] `json:"calls,omitzero" minimum:"1" maximum:"1000000000"`
	PerSeconds Optional[int] `json:"per_seconds,omitzero" minimum:"1" maximum:"86400"`
}
