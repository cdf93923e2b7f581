package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/words"
)

// serviceFields are the fields of the form of a service.
func serviceFields() []string {
	return append([]string{"name", "host", "path_prefix", "upstream", "default", "project"}, rareServiceFields()...)
}

// rareServiceFields are those that most services do without.
func rareServiceFields() []string {
	return []string{
		"verifiers", "accept_api_tokens", "calls", "seconds", "profile", "forward_query_tokens", "identity_token", "semicolons", "empty_segments",
	}
}

func (s *server) newService(c *call) error {
	return c.renderService(http.StatusOK, serviceView{Tab: "new", Form: form{Values: map[string]string{"default": string(policy.DefaultDeny), "path_prefix": "/"}}})
}

func (c *call) renderService(status int, v serviceView) error {
	v.Profiles = c.s.cfg.Catalog.Profiles()
	title, template := words.Say("%s", v.Service.Name), "service.html"
	if v.Tab == "new" {
		title = words.Say("New service")
	}
	if v.Tab == "operations" {
		template = "operations.html"
	}
	return c.renderAdmin(status, template, servicesPath, title, v)
}

func (s *server) createService(c *call) error {
	v := serviceView{Tab: "new", Form: c.filled()}
	draft, ok := v.Form.service()
	if !ok {
		return c.renderService(http.StatusUnprocessableEntity, v)
	}
	service, err := s.cfg.Catalog.Create(c.r.Context(), draft, c.actor())
	if err != nil {
		if !v.Form.explain(err, serviceNames()) {
			return err
		}
		return c.renderService(http.StatusUnprocessableEntity, v)
	}
	return c.done(servicePath(service.Name), serviceCreated)
}

func (s *server) newServiceAgain(c *call) error {
	return c.renderService(http.StatusForbidden, serviceView{Tab: "new", Form: c.filled()})
}

// showService shows the settings of a service, with its verifiers by name. Those deleted since are left out.
func (s *server) showService(c *call) error {
	service, err := s.service(c)
	if err != nil {
		return err
	}
	names, err := s.cfg.Accounts.Names(c.r.Context(), service.Verifiers)
	if err != nil {
		return err
	}
	var verifiers []string
	for _, id := range service.Verifiers {
		if name, lives := names[id]; lives {
			verifiers = append(verifiers, name)
		}
	}
	values := map[string]string{
		"name": service.Name, "host": service.Host, "path_prefix": service.PathPrefix, "upstream": service.Upstream, "default": string(service.Default),
		"verifiers": strings.Join(verifiers, "\n"), "project": numberIn(service.ProjectNumber), "profile": service.Profile,
		"calls": numberIn(service.Rate.Calls), "seconds": numberIn(int(service.Rate.Per / time.Second)),
		"accept_api_tokens": checked(service.AcceptAPITokens), "forward_query_tokens": checked(service.ForwardQueryTokens),
		"identity_token": checked(service.IdentityToken),
		"semicolons":     checked(strings.Contains(service.AllowInPath, ";")), "empty_segments": checked(strings.Contains(service.AllowInPath, "//")),
	}
	if err := c.prove(); err != nil {
		return err
	}
	return c.renderService(http.StatusOK, serviceView{Service: service, Tab: "settings", Form: form{Values: values}})
}

func (s *server) serviceAgain(c *call) error {
	service, err := s.sameService(c)
	if err != nil {
		return err
	}
	return c.renderService(http.StatusForbidden, serviceView{Service: service, Tab: "settings", Form: c.filled()})
}

// updateService writes the whole form over the version that it showed.
func (s *server) updateService(c *call) error {
	service, err := s.sameService(c)
	if err != nil {
		return err
	}
	v := serviceView{Service: service, Tab: "settings", Form: c.filled()}
	draft, ok := v.Form.service()
	if !ok {
		return c.renderService(http.StatusUnprocessableEntity, v)
	}
	updated, err := s.cfg.Catalog.Update(c.r.Context(), service.Name, service.Version, draft, c.actor())
	if err != nil {
		if !v.Form.explain(err, serviceNames()) {
			return err
		}
		return c.renderService(http.StatusUnprocessableEntity, v)
	}
	return c.done(servicePath(updated.Name)+"/settings", serviceChanged)
}

// service returns the draft that the form describes, and whether its numbers are some. What else is wrong with it, the catalog finds.
func (f *form) service() (catalog.Draft, bool) {
	v := f.Values
	d := catalog.Draft{
		Name: strings.TrimSpace(v["name"]), Host: strings.TrimSpace(v["host"]), PathPrefix: strings.TrimSpace(v["path_prefix"]),
		Default: policy.Default(v["default"]), AcceptAPITokens: v["accept_api_tokens"] != "", Project: f.number("project"),
		Verifiers: f.lines("verifiers"),
		Route: catalog.Route{
			Upstream: strings.TrimSpace(v["upstream"]), Profile: v["profile"],
			ForwardQueryTokens: v["forward_query_tokens"] != "", IdentityToken: v["identity_token"] != "",
		},
		Rate: authority.Rate{Calls: f.number("calls"), Per: time.Duration(f.number("seconds")) * time.Second},
	}
	if v["semicolons"] != "" {
		d.AllowInPath += ";"
	}
	if v["empty_segments"] != "" {
		d.AllowInPath += "//"
	}
	return d, f.Problems.First() == ""
}

// serviceNames are the form's names of what the catalog calls otherwise.
func serviceNames() map[string]string {
	return map[string]string{"rate_limit.calls": "calls", "rate_limit.per_seconds": "seconds", "allow_in_path": "allow_in_path"}
}
