package console

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/words"
)

// Users are all users, programs' accounts too, as administrators look after them. One's own pages are another thing: see profile.go.

func (s *server) userRoutes() {
	const users, user = usersPath, usersPath + "/{id}"
	s.serve("GET "+users, admins, s.listUsers)
	s.serveForm("POST "+users, admins, s.createUser, s.newUserAgain, append(emptiedFields(), "username", "display_name", "email", "kind", "roles", "password", "again", "invite")...)
	s.serve("GET "+users+"/new", admins|lately, s.newUser)
	s.serve("POST "+users+"/block", admins, s.blockUsers, "id*")
	s.serve("GET "+users+"/block", admins, toList(users))
	s.serve("GET "+user, admins, s.showUser)
	s.serveForm("POST "+user, admins, s.changeUser, s.userAgain, "version", "username", "display_name", "email", "roles")
	s.serve("POST "+user+"/block", admins, s.switchUser(account.Blocked, userBlocked))
	s.serve("POST "+user+"/unblock", admins, s.switchUser(account.Active, userUnblocked))
	s.serve("POST "+user+"/password", admins, s.resetPassword, "password", "again")
	s.serve("POST "+user+"/invite", admins, s.inviteUser, "former")
	s.serve("POST "+user+"/second-factor/remove", admins, s.removeSecondFactor)
	s.serve("POST "+user+"/sessions/{session}/end", admins, s.endUserSession)
	s.serve("POST "+user+"/sessions/end", admins, s.endUserSessions)
	s.serve("POST "+user+"/delete", admins, s.deleteUser)
	for _, action := range []string{"/block", "/unblock", "/password", "/invite", "/second-factor/remove", "/sessions/{session}/end", "/sessions/end", "/delete"} {
		s.serve("GET "+user+action, admins, s.toUser)
	}
}

// The notices of this area.
const (
	userCreated       notice = "user-created"
	userNotInvited    notice = "user-not-invited"
	userChanged       notice = "user-changed"
	userBlocked       notice = "user-blocked"
	usersBlocked      notice = "users-blocked"
	userUnblocked     notice = "user-unblocked"
	userPassword      notice = "user-password"
	userFirstPassword notice = "user-first-password"
	userSecondFactor  notice = "user-second-factor"
	userSessionEnded  notice = "user-session-ended"
	userSessionsEnded notice = "user-sessions-ended"
	userDeleted       notice = "user-deleted"
)

func userNotices() map[notice]words.Text {
	return map[notice]words.Text{
		userCreated:       words.Say("User created."),
		userNotInvited:    words.Say("User created, but not invited yet: press Invite."),
		userChanged:       words.Say("User changed."),
		userBlocked:       words.Say("User blocked. Whatever it presents is refused from now on."),
		usersBlocked:      words.Say("The users that you chose are blocked. Whatever they present is refused from now on."),
		userUnblocked:     words.Say("User unblocked. Its password and tokens work again; its former sessions have ended."),
		userFirstPassword: words.Say("Password set. The user's sessions and personal token have ended."),
		userPassword:      words.Say("Password reset. The user's sessions and personal token have ended."),
		userSecondFactor:  words.Say("Second factor taken away. The user's browser sessions have ended; its password alone logs it in until it turns on another."),
		userSessionEnded:  words.Say("Session ended."),
		userSessionsEnded: words.Say("All the user's sessions have ended."),
		userDeleted:       words.Say("User deleted. All that it could present is refused for good."),
	}
}

// usersView is the list.
type usersView struct {
	listed
	Users  []account.User
	Own    uuid.UUID // who can't be chosen: nobody is to block himself among fifty others
	Sought string
}

// Choosable reports whether anybody in the list can be chosen.
func (v usersView) Choosable() bool {
	return slices.ContainsFunc(v.Users, func(u account.User) bool { return u.ID != v.Own })
}

// listUsers shows all users, or those whose names or e-mails begin as is searched.
func (s *server) listUsers(c *call) (err error) {
	v := usersView{listed: listed{Path: usersPath}, Own: c.principal.ID}
	if v.Sought, err = c.sought(); err != nil {
		return err
	}
	v.Filtered = v.Sought != ""
	columns := []string{string(account.ByName), string(account.ByAge)}
	if v.Sought != "" {
		columns = columns[:1]
	}
	v.Sort = c.sorted(columns...)
	q := account.Query{Find: v.Sought, Order: account.Order(v.Sort.Column), Descending: v.Sort.Descending, Limit: rowsPerPage + 1}
	if err := c.resume(q.Resume); err != nil {
		return err
	}
	if v.Users, err = s.cfg.Accounts.List(c.r.Context(), q); err != nil {
		return err
	}
	if v.Users, v.Pages, err = pageOf(c, v.Users, q.Position); err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "users.html", usersPath, words.Say("Users"), v)
}

// blockUsers blocks those who were chosen in the list. One who is gone meanwhile is as blocked as can be.
func (s *server) blockUsers(c *call) error {
	if slices.Contains(c.lists["id"], c.principal.ID.String()) { // whom the list doesn't offer
		return &conflict{words.Say("You can't block yourself in the list"), words.Say("Nobody was blocked. Choose others, or ask another administrator.")}
	}
	blocked := account.Blocked
	return c.doToChosen(usersPath, usersBlocked, func(id uuid.UUID) error {
		_, err := s.cfg.Accounts.Update(c.r.Context(), id, 0, account.Patch{State: &blocked}, c.actor())
		return err
	})
}
