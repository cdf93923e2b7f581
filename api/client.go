package api

import "time"

// ClientSecret tells of a secret by which a service account proves itself as an OAuth client; it doesn't hold it.
type ClientSecret struct {
	ID         string    `json:"id" format:"uuid"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"when it, or an access token got with it, was last used, to the minute; absent where it never was"`
	LastUsedIP string    `json:"last_used_ip,omitempty"`
}

// IssuedClientSecret is the answer of POST /v1/users/{user}/client-secrets: the only time that the secret is shown.
type IssuedClientSecret struct {
	ID        string    `json:"id" format:"uuid"`
	Secret    string    `json:"secret" doc:"beside the user's name; nobody can show it again"`
	CreatedAt time.Time `json:"created_at"`
}

// ClientKey is a public key by which assertions of a service account are checked (private_key_jwt), or where to read its
// keys.
type ClientKey struct {
	ID         string    `json:"id" format:"uuid"`
	Algorithm  string    `json:"algorithm,omitempty" doc:"absent beside jwks_uri, where each key says its own"`
	PublicKey  string    `json:"public_key,omitempty" doc:"in PEM"`
	JWKSURI    string    `json:"jwks_uri,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"to the minute; absent where it never was used"`
	LastUsedIP string    `json:"last_used_ip,omitempty"`
}

// NewClientKey is the body of POST /v1/users/{user}/client-keys. It has exactly one of PublicKey and JWKSURI.
type NewClientKey struct {
	PublicKey string `json:"public_key,omitempty" doc:"in PEM; never the private half"`
	JWKSURI   string `json:"jwks_uri,omitempty" doc:"https URL of a JWK Set (RFC 7517)"`
	Algorithm string `json:"algorithm,omitempty" doc:"RS256, RS384, RS512, PS256, PS384, PS512, ES256 or EdDSA, with public_key; what the key is, if absent"`
}
