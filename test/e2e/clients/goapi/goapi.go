// Package goapi is an API behind Jeton's proxy that looks whose its calls are. It is what the guide
// docs/how-to/identity-tokens.md shows, where the end-to-end tests can run it.
package goapi

import (
	"context"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
)

const jeton = "http://127.0.0.1:8080"

var verifier = oidc.NewVerifier(jeton,
	oidc.NewRemoteKeySet(context.Background(), jeton+"/.well-known/jeton-identity/jwks.json"),
	&oidc.Config{
		ClientID:             "http://api.example.com", // this API: host and path prefix of its service
		SupportedSigningAlgs: []string{oidc.ES256},
	})

// Identity is whose a request is.
type Identity struct {
	UserID   string   `json:"sub"`
	Username string   `json:"preferred_username"`
	Groups   []string `json:"groups"`
	Kind     string   `json:"credential_kind"`
}

// Caller returns whose a request is, or an error: it didn't come by way of Jeton.
func Caller(r *http.Request) (who Identity, err error) {
	token, err := verifier.Verify(r.Context(), r.Header.Get("X-Jeton-Identity"))
	if err != nil {
		return Identity{}, err
	}
	return who, token.Claims(&who)
}
