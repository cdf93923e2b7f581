package console

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
)

// page is what every page shows around its own part.
type page struct {
	Title  string
	Menu   string               // the current item of the menu: "home", "profile", or none
	User   *authority.Principal // who is logged in, if anybody
	Notice notice               // what was just done
	Main   any                  // the page's own
}

// parsePages parses the templates: each page's own beside what all pages share.
func parsePages(a *assets) (map[string]*template.Template, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("listing the console's templates: %w", err)
	}
	const shared = "templates/layout.html"
	funcs := template.FuncMap{
		"static":  a.url,
		"utc":     func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
		"rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
	pages := make(map[string]*template.Template)
	for _, name := range names {
		if name == shared {
			continue
		}
		t, err := template.New("").Funcs(funcs).ParseFS(files, shared, name)
		if err != nil {
			return nil, fmt.Errorf("parsing the console's templates: %w", err)
		}
		pages[strings.TrimPrefix(name, "templates/")] = t
	}
	return pages, nil
}

// render answers with a page. The template fills a buffer first: one that fails half-way must not pass for whole, and the
// status is yet to be said.
func (c *call) render(status int, name string, p page) error {
	if c.principal.CredentialKind == authority.ConsoleSession {
		p.User = &c.principal
	}
	t, ok := c.s.pages[name]
	if !ok {
		return fmt.Errorf("the console has no template %s", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", p); err != nil {
		return fmt.Errorf("executing the template %s: %w", name, err)
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b.Bytes()) // the reader may have gone
	return nil
}

// setHeaders sets what every answer has, errors and redirects too, beside what web.Headers sets for the whole listener.
//
// Referrer-Policy is same-origin: no other site hears of our addresses. It must not be no-referrer, stricter as it looks:
// a browser then writes "null" into the Origin of our own forms (Fetch, section 3.2), by which we tell them from others'.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store") // also of the pages that one could go back to after logging out
}
