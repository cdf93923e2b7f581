package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/words"
)

// testerView is the form, and the answer.
type testerView struct {
	Form    form
	Answer  bool // there is one
	Allowed bool
	User    string
	Steps   []testStep // in the order in which they are taken; after one that fails, none is
	Service string     // the path of the service that was found
	Sealed  bool       // the call has a sealed token, which doesn't count, since the service has no project
}

// testStep is one step of the decision.
type testStep struct {
	Title  words.Text
	Passed bool
	Found  words.Text
}

func (v *testerView) step(title words.Text, passed bool, found words.Text) bool {
	v.Steps = append(v.Steps, testStep{title, passed, found})
	v.Allowed = passed
	return passed
}

// showTester shows the form. A link of a service's page gives the address.
func (s *server) showTester(c *call) error {
	asked := c.r.URL.Query()
	return c.renderTester(http.StatusOK, testerView{Form: form{Values: map[string]string{
		"user": asked.Get("user"), "method": http.MethodGet, "url": asked.Get("url"),
	}}})
}

func (c *call) renderTester(status int, v testerView) error {
	return c.renderAdmin(status, "tester.html", testerPath, words.Say("Tester"), v)
}

// testCall says whether a user may make a call, and why not. It is a question that changes nothing, yet it comes as a form, whose
// fields stand in no address: the query of a call may hold a sealed token. For the same reason the answer shows the URL without it.
func (s *server) testCall(c *call) error {
	v := testerView{Form: form{Values: map[string]string{"user": strings.TrimSpace(c.form["user"]), "method": strings.ToUpper(strings.TrimSpace(c.form["method"]))}}}
	entered := strings.TrimSpace(c.form["url"])
	host, path, query, ok := policy.CutURL(entered)
	v.Form.Values["url"], _, _ = strings.Cut(entered, "?")
	if !ok {
		v.Form.Problems.add("url", words.Say("Give scheme, host and path as the program calls them, as https://api.example.com/reports/7."))
	}
	if !policy.IsMethod(v.Form.Values["method"]) {
		v.Form.Problems.add("method", words.Say("Give a method of HTTP, as GET."))
	}
	u, err := s.cfg.Accounts.Find(c.r.Context(), v.Form.Values["user"])
	switch {
	case errors.Is(err, authority.ErrNotFound):
		v.Form.Problems.add("user", words.Say("There is no user of this name. Check it, or look for it among the users."))
	case err != nil:
		return err
	}
	if v.Form.Problems.First() != "" {
		return c.renderTester(http.StatusUnprocessableEntity, v)
	}
	if err := c.foresee(&v, u, host, path); err != nil {
		return err
	}
	if service, found := s.cfg.Catalog.Policy().Find(host, path); found && service.Project() == uuid.Nil {
		sealed := authority.Parameters{Security: securityToken, User: userToken}
		tokens, err := sealed.Read(query)
		v.Sealed = tokens.Any() || err != nil
	}
	return c.renderTester(http.StatusOK, v)
}

// foresee takes the steps of a decision, as the authority does once a credential has been proven: it asks what the authority asks.
func (c *call) foresee(v *testerView, u account.User, host, path string) error {
	v.Answer, v.User = true, u.Username
	user, err := c.s.cfg.Accounts.AuthorityUser(c.r.Context(), u.ID)
	if err != nil {
		return err
	}
	if !v.step(words.Say("User"), user.Shut() == "", stateOf(&user)) {
		return nil
	}
	service, found := c.s.cfg.Catalog.Policy().Find(host, path)
	if !found {
		v.step(words.Say("Service"), false, words.Say("No service has this host and path. Calls that belong to none are refused."))
		return nil
	}
	v.Service = servicePath(service.Name())
	verdict := service.Authorize(v.Form.Values["method"], path, policy.Subject{UserID: user.ID, Roles: user.Roles})
	if !v.step(words.Say("Service"), verdict.Reason != policy.ReasonServiceSuspended, serviceFound(service)) {
		return nil
	}
	if verdict.Reason == policy.ReasonAmbiguousPath {
		v.step(words.Say("Path"), false, words.Say("The proxy and the API might read it in two ways, so that it is refused. It must have no dot segments, no empty segments, no semicolons and nothing encoded that need not be; a service can allow some of that."))
		return nil
	}
	if verdict.Operation == nil {
		v.step(words.Say("Operation"), verdict.Allowed, byDefault(verdict.Allowed))
		return nil
	}
	v.step(words.Say("Operation"), true, words.Say("%s matches most specifically, and decides alone.", verdict.Operation.Pattern))
	audience, err := c.audienceText(verdict.Operation)
	if err != nil {
		return err
	}
	v.step(words.Say("Audience"), verdict.Allowed, words.Say("%s %s", audience, rolesText(user.Roles)))
	return nil
}

// stateOf says whether a user is let in at all.
func stateOf(u *authority.User) words.Text {
	switch u.Shut() {
	case authority.ReasonSuspended:
		return words.Say("%s is suspended since the database was restored, and refused everywhere.", u.Username)
	case authority.ReasonBlocked:
		return words.Say("%s is blocked, and refused everywhere.", u.Username)
	}
	return words.Say("%s is active.", u.Username)
}

func serviceFound(s *policy.CompiledService) words.Text {
	if s.Suspended() {
		return words.Say("%s answers for this host and path, but is suspended since the database was restored: nobody can call it until it is confirmed or changed.", s.Name())
	}
	return words.Say("%s answers for this host and path.", s.Name())
}

func byDefault(allowed bool) words.Text {
	if allowed {
		return words.Say("None of the service matches. Its default lets every user call what no operation matches.")
	}
	return words.Say("None of the service matches. Its default lets nobody call what no operation matches.")
}

// audienceText says for whom an operation is, users by the names that they have now.
func (c *call) audienceText(op *policy.Operation) (words.Text, error) {
	var ids []uuid.UUID
	for _, a := range op.Audience {
		if a.Kind == policy.AudienceUser {
			ids = append(ids, a.UserID)
		}
	}
	names, err := c.s.cfg.Accounts.Names(c.r.Context(), ids)
	if err != nil {
		return words.Text{}, err
	}
	var members []string
	for _, a := range op.Audience {
		if a.Kind != policy.AudienceUser {
			members = append(members, a.String())
		} else if name, lives := names[a.UserID]; lives {
			members = append(members, "user:"+name)
		}
	}
	if len(members) == 0 {
		return words.Say("The operation is for nobody."), nil
	}
	return words.Say("The operation is for %s.", strings.Join(members, ", ")), nil
}

func rolesText(roles []string) words.Text {
	if len(roles) == 0 {
		return words.Say("The user has no role.")
	}
	return words.Say("The user's roles: %s.", strings.Join(roles, ", "))
}
