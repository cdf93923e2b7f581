package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/words"
)

// A service is named in addresses by its name, as in /v1. The form of a new one has a path beside theirs: "new" may be a service's name.

const newServicePath = adminPath + "/new-service"

func (s *server) serviceRoutes() {
	const service = servicesPath + "/{name}"
	s.serve("GET "+servicesPath, admins, s.listServices)
	s.serve("GET "+newServicePath, admins|lately, s.newService)
	s.serveForm("POST "+servicesPath, admins, s.createService, s.newServiceAgain, serviceFields()...)
	s.serve("GET "+service, admins, s.showOperations)
	s.serve("GET "+service+"/settings", admins, s.showService)
	s.serveForm("POST "+service+"/settings", admins, s.updateService, s.serviceAgain, append(serviceFields(), "version")...)
	s.serveForm("POST "+service+"/operations", admins, s.replaceOperations, s.operationsAgain, "version", "pattern*", "audience*", "scope*", "remove*")
	s.serve("POST "+service+"/confirm", admins, s.confirmService, "version")
	s.serve("POST "+service+"/delete", admins, s.deleteService)
	for _, action := range []string{"/operations", "/confirm", "/delete"} {
		s.serve("GET "+service+action, admins, toService)
	}
	s.serve("GET "+testerPath, admins, s.showTester)
	s.serve("POST "+testerPath, admins|anytime, s.testCall, "user", "method", "url")
}

// The notices of this area.
const (
	serviceCreated     notice = "service-created"
	serviceChanged     notice = "service-changed"
	serviceConfirmed   notice = "service-confirmed"
	serviceDeleted     notice = "service-deleted"
	operationsReplaced notice = "operations-replaced"
)

func serviceNotices() map[notice]words.Text {
	return map[notice]words.Text{
		serviceCreated:     words.Say("Service created. Say now which operations it has, and who may call each."),
		serviceChanged:     words.Say("Service changed. Calls are decided by it from now on."),
		serviceConfirmed:   words.Say("Service confirmed. Its operations say again who may call it."),
		serviceDeleted:     words.Say("Service deleted. Calls to it are refused from now on."),
		operationsReplaced: words.Say("Operations saved. Calls are decided by them from now on."),
	}
}

// servicePath returns the path of a service's first page. Its name is plain ASCII.
func servicePath(name string) string { return servicesPath + "/" + url.PathEscape(name) }

// toService leads from where a form is sent to back to the page that has it.
func toService(c *call) error { return c.redirect(servicePath(c.r.PathValue("name"))) }

// serviceRow is a service as the pages show it.
type serviceRow struct{ catalog.Service }

// Path returns the path of its first page.
func (r serviceRow) Path() string { return servicePath(r.Name) }

// Address returns where it is: the host, and the path prefix where that isn't the whole host.
func (r serviceRow) Address() string { return r.Host + strings.TrimSuffix(r.PathPrefix, "/") }

// URL returns an address that its clients may call.
func (r serviceRow) URL() string { return "https://" + r.Address() + "/" }

// Tag returns the version that the pages carry along. The ID is in it because a service that is deleted and made anew begins at
// version 1 again.
func (r serviceRow) Tag() string { return r.ID.String() + "." + strconv.FormatInt(r.Version, 10) }

// Others says who may make the calls that no operation matches.
func (r serviceRow) Others() words.Text {
	if r.Default == policy.DefaultAuthenticated {
		return words.Say("Every user")
	}
	return words.Say("Nobody")
}

// State says in a word whether it can be called at all.
func (r serviceRow) State() words.Text {
	if r.Suspended {
		return words.Say("Suspended")
	}
	return words.Say("Active")
}

// servicesView is the list.
type servicesView struct {
	listed
	Rows   []serviceRow
	Sought string
}

func (s *server) listServices(c *call) (err error) {
	v := servicesView{listed: listed{Path: servicesPath, Sort: c.sorted("name", "created")}}
	if v.Sought, err = c.sought(); err != nil {
		return err
	}
	v.Filtered = v.Sought != ""
	read := func(after string, limit int) ([]catalog.Service, error) {
		return s.cfg.Catalog.List(c.r.Context(), after, limit)
	}
	name := func(service catalog.Service) string { return service.Name }
	services, err := picked(read, name, func(service catalog.Service) bool {
		return holds(v.Sought, service.Name, service.Host+service.PathPrefix, service.Upstream)
	})
	if err != nil {
		return err
	}
	services, v.Pages, err = inOrder(c, services, v.Sort, map[string]func(catalog.Service) string{
		"name": name, "created": func(service catalog.Service) string { return aged(service.CreatedAt, service.Name) },
	})
	if err != nil {
		return err
	}
	for _, service := range services {
		v.Rows = append(v.Rows, serviceRow{service})
	}
	return c.renderAdmin(http.StatusOK, "services.html", servicesPath, words.Say("Services"), v)
}

// service returns the service that the path names.
func (s *server) service(c *call) (serviceRow, error) {
	e, err := s.cfg.Catalog.Service(c.r.Context(), c.r.PathValue("name"))
	return serviceRow{e.Service}, err
}

// sameService returns the service that the path names, if it still is what the page showed from which a form comes; else ErrStale.
func (s *server) sameService(c *call) (serviceRow, error) {
	service, err := s.service(c)
	if err == nil && c.form["version"] != service.Tag() {
		err = authority.ErrStale
	}
	return service, err
}

// confirmService lets the callers of a suspended service in again, with nothing else changed. What is confirmed is the version that
// was read, so that nobody confirms what another has changed meanwhile.
func (s *server) confirmService(c *call) error {
	service, err := s.sameService(c)
	if err != nil {
		return err
	}
	if !service.Suspended {
		return c.redirect(service.Path())
	}
	draft, err := s.cfg.Catalog.DraftOf(c.r.Context(), service.Service)
	if err != nil {
		return err
	}
	if _, err := s.cfg.Catalog.Update(c.r.Context(), service.Name, service.Version, draft, c.actor()); err != nil {
		return err
	}
	return c.done(service.Path(), serviceConfirmed)
}

func (s *server) deleteService(c *call) error {
	if err := s.cfg.Catalog.Delete(c.r.Context(), c.r.PathValue("name"), c.actor()); err != nil {
		return err
	}
	return c.done(servicesPath, serviceDeleted)
}

// serviceView is a page of one service: the tab, and what it shows.
type serviceView struct {
	Service serviceRow // zero on the page of a new one
	Tab     string     // "operations" or "settings"
	Form    form
	// Profiles are those that the service may name.
	Profiles []string
	// Rows are the operations, each in its fields.
	Rows []operationRow
	// Problem is what is wrong with the operations as a whole.
	Problem words.Text
	// TooMany says that they don't fit in a form.
	TooMany bool
}

// Profile returns the field that says whose clients' paths are served. One that is configured no more stays until another is chosen.
func (v serviceView) Profile(label, hint string) (choice, error) {
	f, err := newField(v.Form, "profile", label, "hint", hint)
	options := append([]option{{"", words.Say("Not set")}}, itself(v.Profiles...)...)
	if f.Value != "" && !slices.Contains(v.Profiles, f.Value) {
		options = append(options, itself(f.Value)...)
	}
	return choice{f, options}, err
}

// Open reports whether the rarer settings are shown from the start: where one of them is set, or wrong.
func (v serviceView) Open() bool {
	return slices.ContainsFunc(rareServiceFields(), func(name string) bool { return v.Form.Values[name] != "" || v.Form.Problems.Has(name) })
}

// Unsure reports whether help is shown from the start: where nothing has been written yet, or something wrongly.
func (v serviceView) Unsure() bool {
	return v.Bare() || slices.ContainsFunc(v.Rows, func(r operationRow) bool { return r.Problems.First() != "" })
}

// Bare reports whether there is no operation yet.
func (v serviceView) Bare() bool {
	return !slices.ContainsFunc(v.Rows, func(r operationRow) bool { return !r.blank() })
}
