package api

import "time"

// Platform tells of a trusted issuer of assertions.
type Platform struct {
	ID                  string        `json:"id" format:"uuid"`
	Code                string        `json:"code" doc:"8 characters, as good as the ID in URLs and as the issuer of an assertion"`
	Name                string        `json:"name" doc:"unique, whatever its case"`
	Algorithm           string        `json:"algorithm" doc:"of keys that are added; an assertion counts by the algorithm of its key alone"`
	Enabled             bool          `json:"enabled"`
	Issuer              string        `json:"issuer,omitempty" doc:"what it calls itself beside ID and code: an assertion must then say who it is of"`
	Audience            string        `json:"audience,omitempty" doc:"what it calls Jeton beside Jeton's own URLs: an assertion must then say for whom it is"`
	SpeaksFor           []string      `json:"speaks_for" doc:"for which users: all, or those with role:NAME, and user:NAME"`
	Administrators      bool          `json:"administrators" doc:"whether for administrators among them, too"`
	CreateUsers         bool          `json:"create_users" doc:"whether an unknown e-mail makes a user; else it is refused"`
	NewUserRoles        []string      `json:"new_user_roles,omitempty" doc:"the roles of such a user"`
	MaxAssertionSeconds int           `json:"max_assertion_seconds" doc:"how far ahead the end of an assertion may lie, in seconds"`
	OneTime             bool          `json:"one_time" doc:"whether each assertion counts once; one with a jti does anyway"`
	Keys                []PlatformKey `json:"keys,omitempty" doc:"absent in lists"`
	CreatedAt           time.Time     `json:"created_at"`
	UpdatedAt           time.Time     `json:"updated_at"`
	LastUsedAt          time.Time     `json:"last_used_at,omitzero" doc:"when it last logged a user in, to the minute; absent where it never did"`
	LastUsedIP          string        `json:"last_used_ip,omitempty"`
}

// PlatformKey is a key by which a platform's assertions are checked. Of a shared secret only its being there is told.
type PlatformKey struct {
	ID         string    `json:"id" format:"uuid"`
	Algorithm  string    `json:"algorithm"`
	KeyID      string    `json:"kid,omitempty" doc:"by which the platform names it; its ID counts as well"`
	PublicKey  string    `json:"public_key,omitempty" doc:"in PEM"`
	JWKSURI    string    `json:"jwks_uri,omitempty"`
	Shared     bool      `json:"shared,omitempty" doc:"a secret that the platform has, too"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"when it last logged a user in, to the minute; absent where it never did"`
	LastUsedIP string    `json:"last_used_ip,omitempty"`
}

// NewPlatform is the body of POST /v1/platforms. With none of PublicKey, JWKSURI and Secret, a pair of keys or a secret is made
// for the algorithm, and the platform's part of it is shown once.
type NewPlatform struct {
	Name                string         `json:"name" doc:"1 to 128 printable characters, unique whatever their case"`
	Algorithm           string         `json:"algorithm,omitempty" doc:"RS512, RS384, RS256, HS512, HS384, HS256, ES256 or EdDSA; RS512 if absent"`
	PublicKey           string         `json:"public_key,omitempty" doc:"in PEM; never the private half"`
	JWKSURI             string         `json:"jwks_uri,omitempty" doc:"https URL of a JWK Set (RFC 7517)"`
	Secret              string         `json:"secret,omitempty" doc:"for HS512, HS384 and HS256: the bytes of this text are the key, at least as many as the hash has"`
	KeyID               string         `json:"kid,omitempty" doc:"by which the platform names the key in its assertions, if it does"`
	Issuer              string         `json:"issuer,omitempty"`
	Audience            string         `json:"audience,omitempty"`
	SpeaksFor           []string       `json:"speaks_for,omitzero" doc:"[\"all\"] if absent"`
	Administrators      bool           `json:"administrators,omitempty"`
	CreateUsers         bool           `json:"create_users,omitempty"`
	NewUserRoles        []string       `json:"new_user_roles,omitempty"`
	MaxAssertionSeconds int            `json:"max_assertion_seconds,omitempty" minimum:"10" maximum:"86400" doc:"900 if absent"`
	OneTime             bool           `json:"one_time,omitempty"`
	Enabled             Optional[bool] `json:"enabled,omitzero" doc:"true if absent"`
}

// IssuedPlatform is the answer of POST /v1/platforms: the only time that a private key or secret made here is shown.
type IssuedPlatform struct {
	Platform
	PrivateKey string `json:"private_key,omitempty" doc:"in PEM (PKCS#1 for RSA); nobody can show it again"`
	Secret     string `json:"secret,omitempty" doc:"nobody can show it again"`
}

// PlatformPatch is the body of PATCH /v1/platforms/{platform} (RFC 7396): absent members stay as they are. Disabling the
// platform, or narrowing for whom it speaks, ends the session tokens that it has got.
type PlatformPatch struct {
	Name                Optional[string]   `json:"name,omitzero"`
	Algorithm           Optional[string]   `json:"algorithm,omitzero" doc:"keys of the same sort have it from then on; those of another keep theirs until they are deleted"`
	Issuer              Optional[string]   `json:"issuer,omitzero" nullable:"true"`
	Audience            Optional[string]   `json:"audience,omitzero" nullable:"true"`
	SpeaksFor           Optional[[]string] `json:"speaks_for,omitzero"`
	Administrators      Optional[bool]     `json:"administrators,omitzero"`
	CreateUsers         Optional[bool]     `json:"create_users,omitzero"`
	NewUserRoles        Optional[[]string] `json:"new_user_roles,omitzero" nullable:"true"`
	MaxAssertionSeconds Optional[int]      `json:"max_assertion_seconds,omitzero" minimum:"10" maximum:"86400"`
	OneTime             Optional[bool]     `json:"one_time,omitzero"`
	Enabled             Optional[bool]     `json:"enabled,omitzero"`
}

// NewPlatformKey is the body of POST /v1/platforms/{platform}/keys, with members as in NewPlatform.
type NewPlatformKey struct {
	Algorithm string `json:"algorithm,omitempty" doc:"the platform's if absent"`
	PublicKey string `json:"public_key,omitempty" doc:"in PEM; never the private half"`
	JWKSURI   string `json:"jwks_uri,omitempty" doc:"https URL of a JWK Set (RFC 7517)"`
	Secret    string `json:"secret,omitempty"`
	KeyID     string `json:"kid,omitempty"`
}

// IssuedPlatformKey is the answer of POST /v1/platforms/{platform}/keys: the only time that a private key or secret made here is
// shown.
type IssuedPlatformKey struct {
	PlatformKey
	PrivateKey string `json:"private_key,omitempty" doc:"in PEM (PKCS#1 for RSA); nobody can show it again"`
	Secret     string `json:"secret,omitempty" doc:"nobody can show it again"`
}

// AssertionQuestion is the body of POST /v1/platforms/{platform}/explain.
type AssertionQuestion struct {
	Assertion string `json:"assertion" doc:"as it was, or would be, presented; it is not used up"`
	Grant     bool   `json:"grant,omitempty" doc:"by the rules of the jwt-bearer grant at /oauth/token, which asks for more; else by those of /api/v1/authenticate-jwt/{platform}"`
}

// AssertionExplanation says step by step whether an assertion is good, and why not.
type AssertionExplanation struct {
	Accepted bool            `json:"accepted"`
	Reason   string          `json:"reason,omitempty" doc:"of the refusal, as in the audit log"`
	Steps    []ExplainedStep `json:"steps" doc:"form, platform, key, signature, type, issuer, audience, times, email, user, scope, replay, in this order; after one that fails, none is taken"`
}

// ExplainedStep is one step of the check of an assertion, or of sealed tokens.
type ExplainedStep struct {
	Step   string `json:"step" doc:"its name"`
	Passed bool   `json:"passed"`
	Found  string `json:"found" doc:"what is there, and what is wanted"`
	Fix    string `json:"fix,omitempty" doc:"what to do about it"`
}
