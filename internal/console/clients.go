package console

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/words"
)

// By what a service account proves itself as an OAuth client: its secrets, which are made here, and its keys, of which the public half
// is brought here.

func (s *server) clientRoutes() {
	const client = usersPath + "/{id}/client"
	s.serve("GET "+client, admins, s.showClient)
	s.serve("POST "+client+"/secrets", admins, s.makeClientSecret)
	s.serve("POST "+client+"/secrets/{credential}/delete", admins, deleteOfClient(s.cfg.Clients.DeleteSecret, clientSecretDeleted))
	s.serveForm("POST "+client+"/keys", admins, s.addClientKey, s.clientKeyAgain, "public_key", "jwks_uri", "algorithm")
	s.serve("POST "+client+"/keys/{credential}/delete", admins, deleteOfClient(s.cfg.Clients.DeleteKey, clientKeyDeleted))
	for _, action := range []string{"/secrets", "/secrets/{credential}/delete", "/keys", "/keys/{credential}/delete"} {
		s.serve("GET "+client+action, admins, s.toClient)
	}
}

// The notices of this area.
const (
	clientSecretDeleted notice = "client-secret-deleted"
	clientKeyAdded      notice = "client-key-added"
	clientKeyDeleted    notice = "client-key-deleted"
)

func clientNotices() map[notice]words.Text {
	return map[notice]words.Text{
		clientSecretDeleted: words.Say("Client secret deleted. It is refused from now on, and so are the access tokens that were got with it."),
		clientKeyAdded:      words.Say("Key added. The program can sign with its private half from now on."),
		clientKeyDeleted:    words.Say("Key deleted. What it signs is refused from now on, and so are the access tokens that were got with it."),
	}
}

// clientView is the page of a service account as a client.
type clientView struct {
	User    account.User
	Secrets []clientauth.Secret
	Keys    []clientauth.Key
	Issued  string // a secret, on the one page that shows it
	Form    form   // of a key
}

// Path returns the path of the page.
func (v clientView) Path() string { return clientPath(v.User) }

func clientPath(u account.User) string { return userPath(u.ID) + "/client" }

// UserPath returns the path of the account's own page.
func (v clientView) UserPath() string { return userPath(v.User.ID) }

// MoreSecrets reports whether the client may have one more.
func (v clientView) MoreSecrets() bool { return len(v.Secrets) < clientauth.MaxSecrets }

// MoreKeys reports whether the client may have one more.
func (v clientView) MoreKeys() bool { return len(v.Keys) < clientauth.MaxKeys }

// Algorithm returns the field in which one of a key's algorithms is chosen.
func (v clientView) Algorithm(label, hint string) (choice, error) {
	f, err := newField(v.Form, "algorithm", label, "hint", hint)
	public := slices.DeleteFunc(jose.Algorithms(), jose.Algorithm.Symmetric)
	return choice{f, append([]option{{"", words.Say("As the key is")}}, itself(public...)...)}, err
}

// client returns the service account that the path names. Other users are no clients, and have no such page.
func (c *call) client() (account.User, error) {
	u, err := c.user()
	if err == nil && u.Kind != account.Service {
		err = authority.ErrNotFound
	}
	return u, err
}

func (s *server) showClient(c *call) error {
	u, err := c.client()
	if err != nil {
		return err
	}
	if err := c.prove(); err != nil {
		return err
	}
	return c.renderClient(http.StatusOK, clientView{User: u})
}

func (c *call) renderClient(status int, v clientView) error {
	id := v.User.ID.String()
	var err error
	if v.Secrets, err = c.s.cfg.Clients.Secrets(c.r.Context(), id); err != nil {
		return err
	}
	if v.Keys, err = c.s.cfg.Clients.Keys(c.r.Context(), id); err != nil {
		return err
	}
	return c.renderAdmin(status, "client.html", usersPath, words.Say("Client secrets and keys"), v)
}

// makeClientSecret makes a secret and shows it, this once. After it was made nothing is read, for which it could be lost unseen.
func (s *server) makeClientSecret(c *call) error {
	u, err := c.client()
	if err != nil {
		return err
	}
	text, _, err := s.cfg.Clients.CreateSecret(c.r.Context(), u.ID.String(), c.actor())
	if errors.Is(err, authority.ErrConflict) {
		return &conflict{words.Say("This client has as many secrets as it may have"), words.Say("No secret was made. Delete the one that is no longer in use, then make another.")}
	}
	if err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "client-made.html", usersPath, words.Say("The client secret has been made"), clientView{User: u, Issued: text.Reveal()})
}

// filledKey is filled but for what was pasted and is no public key: it may be the private one.
func (c *call) filledKey() form {
	f := c.filled()
	if c.form["jwks_uri"] != "" && !isPublicURL(c.form["jwks_uri"]) {
		f.empty("jwks_uri")
	}
	if c.form["public_key"] != "" && !isPublicPEM(c.form["public_key"]) {
		f.empty("public_key")
	}
	return f
}

func (s *server) clientKeyAgain(c *call) error {
	u, err := c.client()
	if err != nil {
		return err
	}
	return c.renderClient(http.StatusForbidden, clientView{User: u, Form: c.filledKey()})
}

func (s *server) addClientKey(c *call) error {
	u, err := c.client()
	if err != nil {
		return err
	}
	v := clientView{User: u, Form: c.filledKey()}
	_, err = s.cfg.Clients.CreateKey(c.r.Context(), u.ID.String(), clientauth.KeyDraft{
		PublicKey: c.form["public_key"], JWKSURI: c.form["jwks_uri"], Algorithm: jose.Algorithm(c.form["algorithm"]),
	}, c.actor())
	if errors.Is(err, authority.ErrConflict) {
		return &conflict{words.Say("This client has as many keys as it may have"), words.Say("No key was added. Delete one that is no longer in use, then add another.")}
	}
	if err != nil {
		if !v.Form.explain(err, nil) {
			return err
		}
		return c.renderClient(http.StatusUnprocessableEntity, v)
	}
	return c.done(clientPath(u), clientKeyAdded)
}

// deleteOfClient returns the handler that ends a secret or a key. One that is gone meanwhile is as deleted as it can be.
func deleteOfClient(end func(ctx context.Context, user string, id uuid.UUID, actor audit.Actor) error, done notice) handler {
	return func(c *call) error {
		u, err := c.client()
		if err != nil {
			return err
		}
		id, err := parseID(c.r.PathValue("credential"))
		if err != nil {
			return err
		}
		if err := end(c.r.Context(), u.ID.String(), id, c.actor()); err != nil && !errors.Is(err, authority.ErrNotFound) {
			return err
		}
		return c.done(clientPath(u), done)
	}
}

// toClient leads from where a form was sent to the page that has it.
func (s *server) toClient(c *call) error {
	u, err := c.client()
	if err != nil {
		return err
	}
	return c.redirect(clientPath(u))
}
