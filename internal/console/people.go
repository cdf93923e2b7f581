package console

import (
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// People are all users, programs' accounts too, as administrators look after them. One's own pages are another thing: see users.go.

func (s *server) peopleRoutes() {
	const people, user = peoplePath, peoplePath + "/{id}"
	s.serve("GET "+people, admins, s.listPeople)
	s.serve("POST "+people, admins|lately, s.createPerson, "username", "display_name", "email", "kind", "roles", "password", "again", "invite")
	s.serve("GET "+people+"/new", admins|lately, s.newPerson)
	s.serve("POST "+people+"/block", admins, s.blockPeople, "id*")
	s.serve("GET "+people+"/block", admins, to(people))
	s.serve("GET "+user, admins, s.showPerson)
	s.serve("POST "+user, admins|lately, s.changePerson, "version", "username", "display_name", "email", "roles")
	s.serve("POST "+user+"/block", admins, s.switchPerson(account.Blocked, personBlocked))
	s.serve("POST "+user+"/unblock", admins|lately, s.switchPerson(account.Active, personUnblocked))
	s.serve("POST "+user+"/password", admins|lately, s.resetPassword, "password", "again")
	s.serve("POST "+user+"/invite", admins|lately, s.invitePerson)
	s.serve("POST "+user+"/second-factor/remove", admins|lately, s.removeSecondFactor)
	s.serve("POST "+user+"/sessions/{session}/end", admins, s.endPersonSession)
	s.serve("POST "+user+"/sessions/end", admins, s.endPersonSessions)
	s.serve("POST "+user+"/delete", admins, s.deletePerson)
	for _, action := range []string{"/block", "/unblock", "/password", "/invite", "/second-factor/remove", "/sessions/{session}/end", "/sessions/end", "/delete"} {
		s.serve("GET "+user+action, admins, s.toPerson)
	}
}

// The notices of this area.
const (
	personCreated       notice = "user-created"
	personNotInvited    notice = "user-not-invited"
	personChanged       notice = "user-changed"
	personBlocked       notice = "user-blocked"
	peopleBlocked       notice = "users-blocked"
	personUnblocked     notice = "user-unblocked"
	personPassword      notice = "user-password"
	personSecondFactor  notice = "user-second-factor"
	personSessionEnded  notice = "user-session-ended"
	personSessionsEnded notice = "user-sessions-ended"
	personDeleted       notice = "user-deleted"
)

func peopleNotices() map[notice]words.Text {
	return map[notice]words.Text{
		personCreated:       words.Say("User created."),
		personNotInvited:    words.Say("User created, but not invited yet: press Invite."),
		personChanged:       words.Say("User changed."),
		personBlocked:       words.Say("User blocked. Whatever it presents is refused from now on."),
		peopleBlocked:       words.Say("The users that you chose are blocked. Whatever they present is refused from now on."),
		personUnblocked:     words.Say("User unblocked. Its password and tokens work again; its former sessions have ended."),
		personPassword:      words.Say("Password reset. The user's sessions and personal token have ended."),
		personSecondFactor:  words.Say("Second factor taken away. The user's browser sessions have ended; its password alone logs it in until it turns on another."),
		personSessionEnded:  words.Say("Session ended."),
		personSessionsEnded: words.Say("All the user's sessions have ended."),
		personDeleted:       words.Say("User deleted. All that it could present is refused for good."),
	}
}

// peopleView is the list.
type peopleView struct {
	Users  []account.User
	Own    uuid.UUID // who can't be chosen: nobody is to block himself among fifty others
	Sought string
	Sort   sorter
	Pages  pager
}

// Choosable reports whether anybody in the list can be chosen.
func (v peopleView) Choosable() bool {
	return slices.ContainsFunc(v.Users, func(u account.User) bool { return u.ID != v.Own })
}

// listPeople shows all users, or those whose names or e-mails begin as is searched.
func (s *server) listPeople(c *call) (err error) {
	v := peopleView{Own: c.principal.ID}
	if v.Sought, err = c.sought(); err != nil {
		return err
	}
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
	v.Users, v.Pages = pageOf(c, v.Users, q.Position)
	return c.renderAdmin(http.StatusOK, "people.html", peoplePath, words.Say("Users"), v)
}

// blockPeople blocks those who were chosen in the list. One who is gone meanwhile is as blocked as can be.
func (s *server) blockPeople(c *call) error {
	ids, err := c.chosen()
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return c.redirect(peoplePath)
	}
	if slices.Contains(ids, c.principal.ID) { // whom the list doesn't offer
		return &conflict{words.Say("You can't block yourself in the list"), words.Say("Nobody was blocked. Choose others, or ask another administrator.")}
	}
	blocked := account.Blocked
	for _, id := range ids {
		_, err := s.cfg.Accounts.Update(c.r.Context(), id, 0, account.Patch{State: &blocked}, c.actor())
		if err != nil && !errors.Is(err, authority.ErrNotFound) {
			return err
		}
	}
	return c.done(peoplePath, peopleBlocked)
}
