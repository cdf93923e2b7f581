// Package goclient calls an API behind Jeton with the OAuth packages that Go programs use. It is what the guide
// docs/how-to/oauth-clients.md shows, where the end-to-end tests can run it.
package goclient

import (
	"context"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const jeton = "http://127.0.0.1:8080"

// ByAPIToken gets access tokens for an API token (RFC 8693). Its method Client returns an *http.Client that sends them,
// each for as long as it lives.
func ByAPIToken(apiToken string) *clientcredentials.Config {
	return &clientcredentials.Config{
		ClientID:  "external-app",
		TokenURL:  jeton + "/oauth/token",
		AuthStyle: oauth2.AuthStyleInParams,
		EndpointParams: url.Values{
			"grant_type":         {"urn:ietf:params:oauth:grant-type:token-exchange"},
			"subject_token":      {apiToken},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
		},
	}
}

// ByClientSecret gets access tokens of a service account.
func ByClientSecret(clientID, clientSecret string) *clientcredentials.Config {
	return &clientcredentials.Config{ClientID: clientID, ClientSecret: clientSecret, TokenURL: jeton + "/oauth/token"}
}

// Claims returns the claims of an access token that somebody sent (RFC 9068), or an error. Jeton isn't asked: a token that
// was taken away passes until it expires. An audience other than Jeton's own URL is for tokens that were asked for with it
// as their resource.
func Claims(ctx context.Context, accessToken string) (map[string]any, error) {
	keys := oidc.NewRemoteKeySet(ctx, jeton+"/.well-known/jwks.json")
	verifier := oidc.NewVerifier(jeton, keys, &oidc.Config{ClientID: jeton, SupportedSigningAlgs: []string{oidc.ES256}})
	token, err := verifier.Verify(ctx, accessToken)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	return claims, token.Claims(&claims)
}
