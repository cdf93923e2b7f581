package console

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/words"
)

// usersView is the list of users.
type usersView struct {
	Users []account.User
	Own   uuid.UUID // whose row has the pencil
	Admin bool      // the others are for the administration: say where that is
	Pages pager
}

// listUsers shows administrators all users, in the order of their names, and everybody else himself. One's own row comes
// first, on the first page: it is the one row that leads on, and an administrator of thousands must not have to look for it.
func (s *server) listUsers(c *call) error {
	own, err := s.cfg.Accounts.User(c.r.Context(), c.principal.ID)
	if err != nil {
		return err
	}
	v := usersView{Own: own.ID, Admin: c.principal.Admin()}
	var others []account.User
	q := account.Query{Limit: rowsPerPage + 1}
	if v.Admin {
		if err := c.resume(q.Resume); err != nil {
			return err
		}
		if others, err = s.cfg.Accounts.List(c.r.Context(), q); err != nil {
			return err
		}
		others, v.Pages = pageOf(c, others, q.Position)
	}
	if q.After == (account.Place{}) {
		v.Users = append(v.Users, own)
	}
	v.Users = append(v.Users, slices.DeleteFunc(others, func(u account.User) bool { return u.ID == v.Own })...)
	return c.render(http.StatusOK, "users.html", page{Title: words.Say("User list"), Menu: "profile", Main: v})
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
