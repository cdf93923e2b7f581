package api

// The wire types of the OAuth endpoints. They keep their RFCs' shapes: members are theirs, times are seconds, and what goes
// wrong is an [OAuthError] and no [Problem].

// OAuthError is the body of an answer that refuses (RFC 6749 section 5.2).
type OAuthError struct {
	Error       string `json:"error"` // a code of the RFCs', as "invalid_client"
	Description string `json:"error_description,omitempty"`
}

// OAuthToken is the body of POST /oauth/token (RFC 6749 section 5.1, RFC 8693 section 2.2.1). It has a secret.
type OAuthToken struct {
	AccessToken     string  `json:"access_token"`
	IssuedTokenType string  `json:"issued_token_type,omitempty"` // of an exchange
	TokenType       string  `json:"token_type"`                  // "Bearer"
	ExpiresIn       int64   `json:"expires_in"`                  // seconds
	Scope           *string `json:"scope,omitempty"`             // absent where the token isn't narrowed, empty where it is to nothing
}

// OAuthIntrospection is the body of POST /oauth/introspect (RFC 7662 section 2.2) about a token that is good; about all
// others, active is the one member, and false. Issued at, end and ID are absent for a token that says nothing of itself.
type OAuthIntrospection struct {
	Active    bool    `json:"active"`
	Scope     *string `json:"scope,omitempty"` // absent where the token isn't narrowed, empty where it is to nothing
	ClientID  string  `json:"client_id,omitempty"`
	Username  string  `json:"username,omitempty"`
	TokenType string  `json:"token_type,omitempty"`
	Expires   int64   `json:"exp,omitempty"` // absent for a token that never ends
	IssuedAt  int64   `json:"iat,omitempty"`
	Subject   string  `json:"sub,omitempty"` // the user's ID
	Audience  string  `json:"aud,omitempty"`
	Issuer    string  `json:"iss,omitempty"`
	ID        string  `json:"jti,omitempty"`
}

// OAuthServer is the body of GET /.well-known/oauth-authorization-server (RFC 8414 section 2).
type OAuthServer struct {
	Issuer                   string   `json:"issuer"`
	TokenEndpoint            string   `json:"token_endpoint"`
	JWKSURI                  string   `json:"jwks_uri"`
	ResponseTypes            []string `json:"response_types_supported"` // none: there is no authorization endpoint
	GrantTypes               []string `json:"grant_types_supported"`
	TokenAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgorithms      []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint,omitempty"`
	IntrospectAuthMethods    []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	IntrospectAuthAlgorithms []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	RevocationEndpoint       string   `json:"revocation_endpoint,omitempty"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	RevocationAuthAlgorithms []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
}
