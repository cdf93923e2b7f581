package httpapi

import (
	"context"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/secret"
)

// The routes below /v1/me act on the caller and take no other user's name: nobody makes, reads or revokes another's
// personal token, administrators included.

func (s *server) getMe(ctx context.Context, c *call, _ *struct{}) (*answer[api.Me], error) {
	u, err := s.cfg.Accounts.User(ctx, c.principal.ID)
	if err != nil {
		return nil, err
	}
	return &answer[api.Me]{Body: api.Me{User: wireUser(u), Credential: c.credential()}}, nil
}

// credential names the caller's credential.
func (c *call) credential() api.Credential {
	return api.Credential{Kind: c.principal.CredentialKind.String(), ID: c.principal.CredentialID.String()}
}

type passwordInput struct{ Body api.PasswordChange }

func (s *server) changePassword(ctx context.Context, c *call, in *passwordInput) (*done, error) {
	return nil, s.cfg.Accounts.ChangePassword(ctx, c.principal.ID, secret.Text(in.Body.Current), secret.Text(in.Body.New), c.actor())
}

// issued is the one answer that shows a token.
type issued struct {
	Location string `header:"Location" doc:"Where to read about the token and to revoke it."`
	Body     api.IssuedPersonalToken
}

func (s *server) rotateToken(ctx context.Context, c *call, _ *struct{}) (*issued, error) {
	text, token, err := s.cfg.Tokens.Rotate(ctx, &c.principal, c.actor())
	if err != nil {
		return nil, err
	}
	return &issued{
		Location: "/v1/me/personal-token",
		Body:     api.IssuedPersonalToken{Token: text.Reveal(), CreatedAt: token.CreatedAt},
	}, nil
}

func (s *server) getToken(ctx context.Context, c *call, _ *struct{}) (*answer[api.PersonalToken], error) {
	t, err := s.cfg.Tokens.Metadata(ctx, &c.principal)
	if err != nil {
		return nil, err
	}
	return &answer[api.PersonalToken]{Body: api.PersonalToken{CreatedAt: t.CreatedAt, LastUsedAt: t.LastUsedAt, LastUsedIP: t.LastUsedIP}}, nil
}

func (s *server) revokeToken(ctx context.Context, c *call, _ *struct{}) (*done, error) {
	return nil, s.cfg.Tokens.Revoke(ctx, &c.principal, c.actor())
}
