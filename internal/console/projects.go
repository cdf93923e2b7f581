package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/words"
)

// Projects are XDOC's, and so are the names of their pages and fields, which its users look for.

func (s *server) projectRoutes() {
	const one = projectsPath + "/{number}"
	const sets, set = one + "/token-sets", one + "/token-sets/{id}"
	s.serve("GET "+projectsPath, admins, s.listProjects)
	s.serve("GET "+projectsPath+"/new", admins|lately, s.newProject)
	s.serveForm("POST "+projectsPath+"/new", admins, s.createProject, s.newProjectAgain, append(projectFields(), "number")...)
	s.serve("GET "+one, admins, s.showProject)
	s.serveForm("POST "+one, admins, s.updateProject, s.projectAgain, append(projectFields(), "version", "without_keys")...)
	s.serve("POST "+one+"/delete", admins, s.deleteProject)
	s.serve("GET "+one+"/delete", admins, s.toParent)

	s.serve("GET "+sets, admins, s.listTokenSets)
	s.serve("GET "+sets+"/new", admins|lately, s.newTokenSet)
	s.serveForm("POST "+sets+"/new", admins, s.createTokenSet, s.newTokenSetAgain, tokenSetFields()...)
	s.serve("GET "+set, admins|lately, s.showTokenSet)
	s.serveForm("POST "+set, admins, s.updateTokenSet, s.tokenSetAgain, append(tokenSetFields(), "version")...)
	s.serve("POST "+set+"/delete", admins, s.deleteTokenSet)
	s.serve("GET "+set+"/delete", admins, s.toParent)

	s.serve("GET "+one+"/encryptor", admins|lately, s.showEncryptor)
	s.serveForm("POST "+one+"/encryptor", admins, s.encrypt, sealAgain("encryptor"), "set", "parameter", "plaintext")
	s.serve("GET "+one+"/decryptor", admins|lately, s.showDecryptor)
	s.serveForm("POST "+one+"/decryptor", admins, s.decrypt, sealAgain("decryptor"), "set", "parameter", "token")
}

// The notices of this area.
const (
	projectMade     notice = "project-made"
	projectSaved    notice = "project-saved"
	projectDeleted  notice = "project-deleted"
	tokenSetAdded   notice = "token-set-added"
	tokenSetSaved   notice = "token-set-saved"
	tokenSetDeleted notice = "token-set-deleted"
)

func projectNotices() map[notice]words.Text {
	return map[notice]words.Text{
		projectMade:     words.Say("Project made. Until it has a token set, none of its tokens counts."),
		projectSaved:    words.Say("Settings saved. They hold from now on."),
		projectDeleted:  words.Say("Project deleted. Its tokens are refused for good."),
		tokenSetAdded:   words.Say("Token set added. Its tokens count from now on if it is active."),
		tokenSetSaved:   words.Say("Token set saved. Tokens that were made by its former settings are refused from now on."),
		tokenSetDeleted: words.Say("Token set deleted. Its tokens are refused for good."),
	}
}

// projectsView is the list.
type projectsView struct {
	listed
	Rows   []project.Project
	Sought string
}

func (s *server) listProjects(c *call) (err error) {
	v := projectsView{listed: listed{Path: projectsPath, Sort: c.sorted("number", "name", "created")}}
	if v.Sought, err = c.sought(); err != nil {
		return err
	}
	v.Filtered = v.Sought != ""
	number := func(p project.Project) string { return strconv.Itoa(p.Number) }
	v.Rows, err = picked(c.projectsAfter, number, func(p project.Project) bool {
		return holds(v.Sought, number(p), p.Name, p.SecurityContext)
	})
	if err != nil {
		return err
	}
	v.Rows, v.Pages, err = inOrder(c, v.Rows, v.Sort, map[string]func(project.Project) string{
		"number":  func(p project.Project) string { return fmt.Sprintf("%010d", p.Number) },
		"name":    func(p project.Project) string { return account.Key(p.Name) },
		"created": func(p project.Project) string { return aged(p.CreatedAt, number(p)) },
	})
	if err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "projects.html", projectsPath, words.Say("Projects"), v)
}

// projectsAfter returns the projects behind the one of a number.
func (c *call) projectsAfter(number string, limit int) ([]project.Project, error) {
	after := 0
	if number != "" {
		var err error
		if after, err = project.ParseNumber(number); err != nil {
			return nil, err
		}
	}
	return c.s.cfg.Projects.List(c.r.Context(), after, limit)
}

// projectPage is what all pages of a project begin with.
type projectPage struct {
	project.Entry
	Tab       string       // "settings", "sets", "encryptor" or "decryptor"
	Accepting []serviceRow // services that accept its tokens
}

// Path is the address of the project's first page.
func (p projectPage) Path() string { return projectPath(p.Number) }

func projectPath(number int) string { return projectsPath + "/" + strconv.Itoa(number) }

// ActiveSets is by how many token sets tokens count.
func (p projectPage) ActiveSets() (active int) {
	for n := range p.Sets {
		if p.Sets[n].Active {
			active++
		}
	}
	return active
}

// Forgeable reports whether tokens of any of the sets can be forged.
func (p projectPage) Forgeable() bool {
	for n := range p.Sets {
		if p.Sets[n].Forgeable() {
			return true
		}
	}
	return false
}

// projectPage returns the page of the project that the path names.
func (c *call) projectPage(tab string) (projectPage, error) {
	number, err := c.projectNumber()
	if err != nil {
		return projectPage{}, err
	}
	e, err := c.s.cfg.Projects.Find(c.r.Context(), number)
	return projectPage{e, tab, c.accepting(e.ID)}, err
}

// accepting returns the services in whose calls the tokens of a project count.
func (c *call) accepting(id uuid.UUID) (rows []serviceRow) {
	for _, s := range c.s.cfg.Catalog.Services() {
		if id != uuid.Nil && s.Project == id {
			rows = append(rows, serviceRow{catalog.Service{Name: s.Name}})
		}
	}
	return rows
}

func (c *call) projectNumber() (int, error) { return project.ParseNumber(c.r.PathValue("number")) }

// toParent leads from what a form was sent to, to the page above it, which has the form.
func (s *server) toParent(c *call) error {
	path := c.r.URL.EscapedPath()
	return c.redirect(path[:strings.LastIndexByte(path, '/')])
}

// deleteProject ends a project, and with it all that is its own.
func (s *server) deleteProject(c *call) error {
	number, err := c.projectNumber()
	if err != nil {
		return err
	}
	if err := s.cfg.Projects.Delete(c.r.Context(), number, c.actor()); err != nil {
		return err
	}
	return c.done(projectsPath, projectDeleted)
}
