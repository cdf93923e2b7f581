package jetontest

import (
	"fmt"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// Client returns a client of a personal token.
func (s *Server) Client(token client.Secret) *client.Client {
	s.tb.Helper()
	c, err := client.New(client.Config{BaseURL: s.URL, Token: token})
	s.check(err, "making a client")
	return c
}

// User makes a person with some roles, whose password is Password.
func (s *Server) User(name string, roles ...string) api.User {
	s.tb.Helper()
	u, err := s.Admin.CreateUser(s.tb.Context(), api.NewUser{Username: name, Roles: roles, Password: Password})
	s.check(err, "making the user "+name)
	return u
}

// Token makes the personal token of a user whom User has made; a former one dies.
func (s *Server) Token(user string) client.Secret {
	s.tb.Helper()
	c, err := client.New(client.Config{BaseURL: s.URL, Username: user, Password: Password})
	s.check(err, "asking as "+user)
	token, err := c.RotatePersonalToken(s.tb.Context())
	s.check(err, "making the token of "+user)
	return client.Secret(token.Token)
}

// SetState blocks a user, "blocked", or lets it in again, "active". Verifiers hear of it a moment later.
func (s *Server) SetState(user, state string) {
	s.tb.Helper()
	_, err := s.Admin.UpdateUser(s.tb.Context(), user, client.AnyVersion, api.UserPatch{State: api.Some(state)})
	s.check(err, "making "+user+" "+state)
}

// APIToken makes an API token of 30 days for a user, narrowed to scopes where some are given.
func (s *Server) APIToken(user, name string, scopes ...string) api.IssuedAPIToken {
	s.tb.Helper()
	token, err := s.Admin.CreateAPIToken(s.tb.Context(), api.NewAPIToken{Name: name, User: user, ExpiresInDays: 30, Scopes: scopes})
	s.check(err, "making an API token of "+user)
	return token
}

// AccessToken exchanges an API token for an access token, narrowed to scopes where some are given.
func (s *Server) AccessToken(apiToken string, scopes ...string) client.Secret {
	s.tb.Helper()
	source, err := client.NewTokenSource(client.TokenSourceConfig{BaseURL: s.URL, APIToken: client.Secret(apiToken), Scopes: scopes})
	s.check(err, "exchanging an API token")
	token, err := source.Token()
	s.check(err, "exchanging an API token")
	return client.Secret(token.AccessToken)
}

// Service makes a service on a host. An operation is a pattern, an audience, and a scope if it has one:
//
//	"GET /reports/{id} role:partner reports.read"
func (s *Server) Service(name, host string, operations ...string) api.Service {
	s.tb.Helper()
	service, err := s.Admin.CreateService(s.tb.Context(), api.NewService{Name: name, Host: host})
	s.check(err, "making the service "+name)
	s.SetOperations(name, operations...)
	return service
}

// SetOperations replaces the operations of a service, written as for Service.
func (s *Server) SetOperations(service string, operations ...string) {
	s.tb.Helper()
	all := make([]api.Operation, len(operations))
	for i, text := range operations {
		words := strings.Fields(text)
		if len(words) < 3 || len(words) > 4 {
			s.tb.Fatalf("jetontest: %q is not of the form GET /path audience [scope]", text)
		}
		all[i] = api.Operation{Pattern: words[0] + " " + words[1], Audience: strings.Split(words[2], ",")}
		if len(words) == 4 {
			all[i].Scope = words[3]
		}
	}
	_, version, err := s.Admin.Operations(s.tb.Context(), service)
	s.check(err, "reading the operations of "+service)
	_, err = s.Admin.ReplaceOperations(s.tb.Context(), service, version, all)
	s.check(err, "replacing the operations of "+service)
}

// VerifierAccount makes a service account that is a verifier of a service, with a client secret: for a program that reads both from its
// settings.
func (s *Server) VerifierAccount(service string) (name string, secret client.Secret) {
	s.tb.Helper()
	ctx := s.tb.Context()
	s.made++
	name = fmt.Sprintf("%s-verifier-%d", service, s.made)
	_, err := s.Admin.CreateUser(ctx, api.NewUser{Kind: "service", Username: name})
	s.check(err, "making the verifier of "+service)
	made, err := s.Admin.CreateClientSecret(ctx, name)
	s.check(err, "making the secret of "+name)
	known, _, err := s.Admin.Service(ctx, service)
	s.check(err, "reading the service "+service)
	_, err = s.Admin.UpdateService(ctx, service, client.AnyVersion, api.ServicePatch{Verifiers: api.Some(append(known.Verifiers, name))})
	s.check(err, "naming the verifier of "+service)
	return name, client.Secret(made.Secret)
}

// VerifierClient returns a client of such an account.
func (s *Server) VerifierClient(service string) *client.Client {
	s.tb.Helper()
	name, secret := s.VerifierAccount(service)
	c, err := client.New(client.Config{BaseURL: s.URL, Username: name, Password: secret})
	s.check(err, "asking as "+name)
	return c
}

// Verifier returns a verifier of a service that has heard the feed, and is closed at the end of the test. Its clock is the server's.
//
// It hears of a change a moment after that was made, as any verifier does: a test that wants a call refused which was let in before must
// make it again until it is.
func (s *Server) Verifier(service string) *client.Verifier {
	s.tb.Helper()
	v, err := client.NewVerifier(client.VerifierConfig{Client: s.VerifierClient(service), Service: service, Now: s.Now})
	s.check(err, "making a verifier of "+service)
	s.tb.Cleanup(v.Close)
	s.check(v.WaitReady(s.tb.Context()), "making a verifier of "+service)
	return v
}
