package httpapi

import (
	"context"
	"errors"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
)

// The routes below /v1/me act on the caller and take no other user's name: nobody makes, reads or revokes another's
// personal token, administrators included.

// getMe is the one route for every kind of credential: whoever holds one may ask whose it is. It shows the user as the
// database has it now, and not as it was when the credential was first seen.
func (s *server) getMe(ctx context.Context, c *call, _ *struct{}) (*answer[api.Me], error) {
	u, err := s.cfg.Accounts.User(ctx, c.principal.ID)
	if err != nil {
		return nil, err
	}
	return &answer[api.Me]{Body: api.Me{User: wireUser(u), Credential: wireCredential(&c.principal)}}, nil
}

// wireCredential names the credential of a principal.
func wireCredential(p *authority.Principal) api.Credential {
	c := api.Credential{Kind: p.CredentialKind.String(), ID: p.CredentialID.String()}
	if p.Limits != nil {
		c.Scopes = p.Limits.Scopes
	}
	return c
}

// passwordInput is a request for a new password.
type passwordInput struct{ Body api.PasswordChange }

// changePassword asks for the current password whatever the caller came by: a token that was lost must not be enough to
// take the account over. A wrong one is entered for the audit log as it would be at a log-in. The token goes on working,
// for programs use it that know no password. Every browser is logged out, the caller's own too.
func (s *server) changePassword(ctx context.Context, c *call, in *passwordInput) (*done, error) {
	err := s.cfg.Accounts.ChangePassword(ctx, c.principal.ID, secret.Text(in.Body.Current), secret.Text(in.Body.New), c.actor())
	if reason := account.GuessRefused(err); reason != "" {
		_ = s.forbid(c, reason, &s.door)
	}
	if err == nil && c.principal.CredentialKind == authority.ConsoleSession {
		// Whoever has read this browser's cookie up to now shall not keep it. The console gives a new one; here is no page to
		// give it to.
		//
		// The password is changed whether or not that succeeds: it must not look like a failure of the change, nor have the
		// change tried again.
		c.asOf = s.cfg.Feed.Revision() // the change just made is the caller's own
		if ending := s.cfg.Browsers.End(ctx, &c.principal, c.actor()); ending != nil && !errors.Is(ending, authority.ErrNotFound) {
			web.Note(c.w).Err = ending
		}
	}
	return nil, err
}

// issued is the answer that shows a personal token.
type issued struct {
	Location string `header:"Location" doc:"Where to read about the token and to revoke it."`
	Body     api.IssuedPersonalToken
}

// rotateToken makes the caller's token anew. The token that the request itself came by may be the one that dies.
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

// getToken tells when the token was made and last used, and nothing by which it could be guessed or known again.
func (s *server) getToken(ctx context.Context, c *call, _ *struct{}) (*answer[api.PersonalToken], error) {
	t, err := s.cfg.Tokens.Metadata(ctx, &c.principal)
	if err != nil {
		return nil, err
	}
	return &answer[api.PersonalToken]{Body: api.PersonalToken{CreatedAt: t.CreatedAt, LastUsedAt: t.LastUsedAt, LastUsedIP: t.LastUsedIP}}, nil
}

// revokeToken ends the caller's token without a new one.
func (s *server) revokeToken(ctx context.Context, c *call, _ *struct{}) (*done, error) {
	return nil, s.cfg.Tokens.Revoke(ctx, &c.principal, c.actor())
}
