package console

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/words"
)

// profileView is the list of users.
type profileView struct {
	Users []account.User
	Own   uuid.UUID // whose row has the pencil
	Admin bool      // the others are for the administration: say where that is
	Pages pager
}

// showProfile shows administrators all users, in the order of their names, and everybody else himself. One's own row comes
// first, on the first page: it is the one row that leads on, and an administrator of thousands must not have to look for it.
func (s *server) showProfile(c *call) error {
	own, err := s.cfg.Accounts.User(c.r.Context(), c.principal.ID)
	if err != nil {
		return err
	}
	v := profileView{Own: own.ID, Admin: c.principal.Admin()}
	var others []account.User
	q := account.Query{Limit: rowsPerPage + 1}
	if v.Admin {
		if err := c.resume(q.Resume); err != nil {
			return err
		}
		if others, err = s.cfg.Accounts.List(c.r.Context(), q); err != nil {
			return err
		}
		if others, v.Pages, err = pageOf(c, others, q.Position); err != nil {
			return err
		}
	}
	if q.After == (account.Place{}) {
		v.Users = append(v.Users, own)
	}
	v.Users = append(v.Users, slices.DeleteFunc(others, func(u account.User) bool { return u.ID == v.Own })...)
	return c.render(http.StatusOK, "profile.html", page{Title: words.Say("User list"), Menu: "profile", Main: v})
}

// ownView is one page of one's own user: the tab, and what it shows.
type ownView struct {
	User account.User
	Tab  string // "general" or "security"
}

// Path returns the path of the user's pages.
func (v ownView) Path() string { return ownPath(v.User.ID) }

func ownPath(id uuid.UUID) string { return profileUsersPath + "/" + id.String() }

// showGeneral shows the facts, as the database has them now.
func (s *server) showGeneral(c *call) error {
	u, err := s.cfg.Accounts.User(c.r.Context(), c.principal.ID)
	if err != nil {
		return err
	}
	return c.render(http.StatusOK, "profile-general.html", page{Title: words.Say("General"), Menu: "profile", Main: ownView{User: u, Tab: "general"}})
}
