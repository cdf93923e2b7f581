package console

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/internal/words"
)

// usersPerPage is how many users one page lists, beside one's own.
const usersPerPage = 50

// usersView is the list of users.
type usersView struct {
	Users []account.User
	Own   uuid.UUID // whose row has the pencil
	Admin bool      // the others are for the administration: say where that is
	First string    // the address of the first page, on any other
	Next  string    // of the next, where there is one
}

// listUsers shows administrators all users, in the order of their names, and everybody else himself. One's own row comes
// first, on the first page: it is the one row that leads on, and an administrator of thousands must not have to look for it.
func (s *server) listUsers(c *call) error {
	own, err := s.cfg.Accounts.User(c.r.Context(), c.principal.ID)
	if err != nil {
		return err
	}
	v := usersView{Own: own.ID, Admin: c.principal.Admin()}
	after := c.r.URL.Query().Get("after")
	if after == "" || !c.principal.Admin() {
		v.Users = append(v.Users, own)
	} else {
		v.First = usersPath
	}
	if c.principal.Admin() {
		if err := c.addUsers(&v, after); err != nil {
			return err
		}
	}
	return c.render(http.StatusOK, "users.html", page{Title: words.Say("User list"), Menu: "profile", Main: v})
}

// addUsers adds a page of the others. The cursor is a name and not a number of rows, so that users made or deleted
// between two pages shift nothing.
func (c *call) addUsers(v *usersView, after string) error {
	if !web.Storable(after) {
		return api.NewProblem(api.CodeMalformedRequest, "")
	}
	users, err := c.s.cfg.Accounts.List(c.r.Context(), after, usersPerPage+1)
	if err != nil {
		return err
	}
	if len(users) > usersPerPage {
		users = users[:usersPerPage]
		v.Next = usersPath + "?" + url.Values{"after": {account.Key(users[usersPerPage-1].Username)}}.Encode()
	}
	others := slices.DeleteFunc(users, func(u account.User) bool { return u.ID == v.Own })
	v.Users = append(v.Users, others...)
	return nil
}

// userView is one page of one's own user: the tab, and what it shows.
type userView struct {
	User account.User
	Tab  string // "general" or "security"
}

// Path returns the path of the user's pages.
func (v userView) Path() string { return userPath(v.User.ID) }

func userPath(id uuid.UUID) string { return usersPath + "/" + id.String() }

// showUser shows the facts, as the database has them now.
func (s *server) showUser(c *call) error {
	u, err := s.cfg.Accounts.User(c.r.Context(), c.principal.ID)
	if err != nil {
		return err
	}
	return c.render(http.StatusOK, "user.html", page{Title: words.Say("General"), Menu: "profile", Main: userView{User: u, Tab: "general"}})
}
