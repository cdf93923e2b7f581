package httpapi

import (
	"context"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/jose"
)

// By what a service account proves itself at the OAuth endpoints, administrators give and take. There are a few of them
// at most, so that their lists have one page.

// wireClientSecret returns a secret as the API shows it: not.
func wireClientSecret(s clientauth.Secret) api.ClientSecret {
	return api.ClientSecret{ID: s.ID.String(), CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, LastUsedIP: s.LastUsedIP}
}

// wireClientKey returns a key as the API shows it, its public half with it.
func wireClientKey(k clientauth.Key) api.ClientKey {
	return api.ClientKey{
		ID: k.ID.String(), Algorithm: string(k.Algorithm), PublicKey: k.PublicKey, JWKSURI: k.JWKSURI,
		CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, LastUsedIP: k.LastUsedIP,
	}
}

// listClientSecrets shows which secrets there are, and which of two is still used.
func (s *server) listClientSecrets(ctx context.Context, _ *call, in *userInput) (*answer[api.List[api.ClientSecret]], error) {
	secrets, err := s.cfg.Clients.Secrets(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return pageOf(secrets, len(secrets), wireClientSecret, nil), nil
}

// createClientSecret makes a secret and shows it, this once.
func (s *server) createClientSecret(ctx context.Context, c *call, in *userInput) (*made[api.IssuedClientSecret], error) {
	text, secret, err := s.cfg.Clients.CreateSecret(ctx, in.User, c.actor())
	if err != nil {
		return nil, err
	}
	return &made[api.IssuedClientSecret]{
		Location: "/v1/users/" + secret.UserID.String() + "/client-secrets/" + secret.ID.String(),
		Body:     api.IssuedClientSecret{ID: secret.ID.String(), Secret: text.Reveal(), CreatedAt: secret.CreatedAt},
	}, nil
}

// clientCredentialInput names a secret or key of a user.
type clientCredentialInput struct {
	User string `path:"user" doc:"The user's ID or name, percent-encoded."`
	ID   string `path:"id" doc:"The ID of the secret or key."`
}

// deleteClientSecret ends a secret, and the access tokens that were got with it.
func (s *server) deleteClientSecret(ctx context.Context, c *call, in *clientCredentialInput) (*done, error) {
	id, err := idOf(in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Clients.DeleteSecret(ctx, in.User, id, c.actor())
}

// listClientKeys shows the keys of a service account.
func (s *server) listClientKeys(ctx context.Context, _ *call, in *userInput) (*answer[api.List[api.ClientKey]], error) {
	keys, err := s.cfg.Clients.Keys(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return pageOf(keys, len(keys), wireClientKey, nil), nil
}

// newClientKeyInput is a request for a new key.
type newClientKeyInput struct {
	User string `path:"user" doc:"The user's ID or name, percent-encoded."`
	Body api.NewClientKey
}

// createClientKey adds a key. What it says that is wrong with it never repeats it: it may be a private one, by mistake.
func (s *server) createClientKey(ctx context.Context, c *call, in *newClientKeyInput) (*made[api.ClientKey], error) {
	b := in.Body
	key, err := s.cfg.Clients.CreateKey(ctx, in.User, clientauth.KeyDraft{
		PublicKey: b.PublicKey, JWKSURI: b.JWKSURI, Algorithm: jose.Algorithm(b.Algorithm),
	}, c.actor())
	if err != nil {
		return nil, err
	}
	return &made[api.ClientKey]{
		Location: "/v1/users/" + key.UserID.String() + "/client-keys/" + key.ID.String(), Body: wireClientKey(key),
	}, nil
}

// deleteClientKey ends a key, and the access tokens that were got with it.
func (s *server) deleteClientKey(ctx context.Context, c *call, in *clientCredentialInput) (*done, error) {
	id, err := idOf(in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Clients.DeleteKey(ctx, in.User, id, c.actor())
}
