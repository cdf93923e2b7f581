package console

import (
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/words"
)

// projectFields are those of the form of a project, new or not.
func projectFields() []string {
	return append(emptiedFields(),
		"name", "security_context", "context_required", "token_required", "app_keys", "allowed_ips", "max_age_seconds", "create_users", "new_user_roles",
	)
}

// projectView is the form of a project; without a number, of a new one.
type projectView struct {
	projectPage
	Form    form
	Account string // the name of the project's own account
}

// New reports whether there is no such project yet.
func (v projectView) New() bool { return v.Version == 0 }

// ContextRequired returns the field that says whether a token must have a security context. A new project has what goes with its
// context, unless it is told otherwise.
func (v projectView) ContextRequired(label string) (choice, error) {
	f, err := newField(v.Form, "context_required", label)
	options := []option{{"yes", words.Say("Yes")}, {"no", words.Say("No")}}
	if v.New() {
		options = append([]option{{"", words.Say("If there is a Security Context")}}, options...)
	}
	return choice{f, options}, err
}

// KeysHint returns what is said of app keys: of those of a new project, of none, or of those that there are.
func (v projectView) KeysHint(made, none, some string) string {
	switch {
	case v.New():
		return made
	case v.AppKeyCount == 0:
		return none
	}
	return some
}

// newProject offers the number that calls mean which name no project, as long as no project has it.
func (s *server) newProject(c *call) error {
	f := form{Values: map[string]string{"token_required": checked(true), "max_age_seconds": "900"}}
	_, err := s.cfg.Projects.Find(c.r.Context(), project.DefaultNumber)
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	if err != nil {
		f.Values["number"] = strconv.Itoa(project.DefaultNumber)
	}
	return c.renderNewProject(http.StatusOK, f)
}

func (c *call) renderNewProject(status int, f form) error {
	return c.renderAdmin(status, "project.html", projectsPath, words.Say("New project"), projectView{Form: f})
}

func (s *server) createProject(c *call) error {
	f, filled := c.filledProject()
	d := project.Draft{
		Name: filled.name, SecurityContext: filled.context, AppKeys: filled.keys, AllowedIPs: filled.from, MaxAge: filled.age,
		TokenRequired: &filled.tokenRequired, CreateUsers: filled.createUsers, NewUserRoles: filled.roles,
	}
	if c.form["context_required"] != "" {
		d.ContextRequired = &filled.contextRequired
	}
	if d.Number = f.number("number"); f.Problems.First() != "" {
		return c.renderNewProject(http.StatusUnprocessableEntity, f)
	}
	p, err := s.cfg.Projects.Create(c.r.Context(), d, c.actor())
	if err != nil {
		if !f.explain(err, nil) {
			return err
		}
		return c.renderNewProject(http.StatusUnprocessableEntity, f)
	}
	return c.done(projectPath(p.Number)+"/token-sets", projectMade)
}

func (s *server) newProjectAgain(c *call) error {
	f, _ := c.filledProject()
	return c.renderNewProject(http.StatusForbidden, f)
}

// filledIn is what the form of a project says.
type filledIn struct {
	name, context                               string
	contextRequired, tokenRequired, createUsers bool
	keys                                        []secret.Text
	from                                        []netip.Prefix
	age                                         time.Duration
	roles                                       []string
}

// filledProject reads the form of a project, and notes what of it can't be read.
func (c *call) filledProject() (form, filledIn) {
	f := c.filledBut("app_keys")
	v := filledIn{
		name: c.form["name"], context: c.form["security_context"], contextRequired: c.form["context_required"] == "yes",
		tokenRequired: c.form["token_required"] != "", createUsers: c.form["create_users"] != "",
		age: time.Duration(f.number("max_age_seconds")) * time.Second, roles: f.roles("new_user_roles"),
	}
	f.Values["new_user_roles"] = strings.Join(v.roles, "\n")
	if c.form["without_keys"] != "" {
		f.secret = "" // none are meant
	}
	c.demandSecret(&f)
	for _, key := range linesOf(c.form["app_keys"]) {
		v.keys = append(v.keys, secret.Text(key))
	}
	var err error
	if v.from, err = authority.ParseNetworks(f.lines("allowed_ips")); err != nil && !f.explain(err, nil) {
		f.Problems.add("allowed_ips", words.Say("Give addresses and networks, one on each line.")) // never as if there were no list, which is from everywhere
	}
	return f, v
}

func (s *server) showProject(c *call) error {
	p, err := c.projectPage("settings")
	if err != nil {
		return err
	}
	from := make([]string, len(p.AllowedIPs))
	for n, network := range p.AllowedIPs {
		from[n] = authority.NetworkText(network)
	}
	required := "no"
	if p.ContextRequired {
		required = "yes"
	}
	if err := c.prove(); err != nil {
		return err
	}
	return c.renderProject(http.StatusOK, p, form{Values: map[string]string{
		"version": strconv.FormatInt(p.Version, 10), "name": p.Name, "security_context": p.SecurityContext, "context_required": required,
		"token_required": checked(p.TokenRequired), "allowed_ips": strings.Join(from, "\n"),
		"max_age_seconds": strconv.FormatInt(int64(p.MaxAge/time.Second), 10), "create_users": checked(p.CreateUsers),
		"new_user_roles": strings.Join(p.NewUserRoles, "\n"),
	}})
}

func (c *call) renderProject(status int, p projectPage, f form) error {
	names, err := c.s.cfg.Accounts.Names(c.r.Context(), []uuid.UUID{p.ServiceAccount})
	if err != nil {
		return err
	}
	return c.renderAdmin(status, "project.html", projectsPath, words.Say("%s", p.Name), projectView{p, f, names[p.ServiceAccount]})
}

func (s *server) projectAgain(c *call) error {
	p, err := c.projectPage("settings")
	if err != nil {
		return err
	}
	f, _ := c.filledProject()
	return c.renderProject(http.StatusForbidden, p, f)
}

// updateProject writes the form over the project. App keys stay unless others are given, or none are to be left: they can't be shown,
// and so can't be sent back as they were.
func (s *server) updateProject(c *call) error {
	p, err := c.projectPage("settings")
	if err != nil {
		return err
	}
	version, err := c.version()
	if err != nil {
		return err
	}
	f, filled := c.filledProject()
	if f.Problems.First() != "" {
		return c.renderProject(http.StatusUnprocessableEntity, p, f)
	}
	patch := project.Patch{
		Name: &filled.name, SecurityContext: &filled.context, ContextRequired: &filled.contextRequired, TokenRequired: &filled.tokenRequired,
		AllowedIPs: &filled.from, MaxAge: &filled.age, CreateUsers: &filled.createUsers, NewUserRoles: &filled.roles,
	}
	if len(filled.keys) > 0 || c.form["without_keys"] != "" {
		patch.AppKeys = &filled.keys
	}
	if _, err := s.cfg.Projects.Update(c.r.Context(), p.Number, version, patch, c.actor()); err != nil {
		if !f.explain(err, nil) {
			return err
		}
		return c.renderProject(http.StatusUnprocessableEntity, p, f)
	}
	return c.done(p.Path(), projectSaved)
}
