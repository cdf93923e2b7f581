package console

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// page is what every page shows around its own part.
type page struct {
	Title     words.Text
	Menu      string               // the current item of the menu: "home", "profile", "administration", or none
	Area      string               // of the administration: the path of the current item of its menu
	User      *authority.Principal // who is logged in, if anybody
	Notice    notice               // what was just done
	Main      any                  // the page's own
	Languages []languageChoice
	Opened    string // what a form says of when it was opened: see recent.go; empty where the log-in isn't recent
	NotYet    string // where to confirm before the form on the page can be sent, if it wasn't taken for that
	Refresh   int    // after how many seconds the page is read anew where no script does it; 0 for never
	Here      string // the page's address, for whoever chooses another language; its path where empty
}

// Areas returns the menu of the administration.
func (p page) Areas() []areaGroup { return administration() }

// languageChoice is one of the languages that there are.
type languageChoice struct {
	*words.Words
	Current bool
}

// pages are the templates of each page, by file name, with the words of one language.
type pages map[string]*template.Template

// parseAll parses the templates for each language, by its code.
func parseAll(a *assets) (map[string]pages, error) {
	all := make(map[string]pages)
	for _, w := range words.All() {
		p, err := parsePages(a, w)
		if err != nil {
			return nil, err
		}
		all[w.Code()] = p
	}
	return all, nil
}

// functions are what templates call. A text of t is text on the page, whatever stands in it; one of marked has its arguments' markup, of
// which code makes some. (It can't be named html: html/template has an escaper of that name, which it puts in the place of ours.)
func functions(a *assets, w *words.Words) template.FuncMap {
	return template.FuncMap{
		"static":   a.url,
		"path":     allPaths,
		"lang":     w.Code,
		"t":        func(english string, args ...any) string { return w.Of(words.Say(english, args...)) },
		"marked":   func(english string, args ...any) template.HTML { return markup(w, english, args) },
		"code":     code,
		"when":     func(t time.Time) template.HTML { return when(w, t) },
		"say":      w.Of,
		"moment":   w.Moment,
		"second":   w.Second,
		"date":     w.Date,
		"number":   func(n int) string { return w.Number(int64(n)) },
		"number64": w.Number,
		"field":    newField,
		"search":   func(path, value, label string) searchField { return searchField{path, value, label} },
		"choice":   newChoice,
		"way":      newWay,
		"rfc3339":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
}

// code returns the markup of what is typed as it stands.
func code(text string) template.HTML {
	return template.HTML("<code>" + template.HTMLEscapeString(text) + "</code>") //nolint:gosec // G203: it is escaped
}

// when returns the markup of a time, as the template time has it.
func when(w *words.Words, t time.Time) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + template.HTMLEscapeString(w.Moment(t)) + `</time>`) //nolint:gosec // G203: it is escaped
}

// markup returns a text with markup in its arguments. Whatever else is in it is escaped.
func markup(w *words.Words, english string, args []any) template.HTML {
	safe := make([]any, len(args))
	marks := make([]string, 0, 2*len(args))
	for n, arg := range args {
		made, ok := arg.(template.HTML)
		if !ok {
			safe[n] = arg
			continue
		}
		mark := fmt.Sprintf("\x00%d\x00", n) // which no text holds: web.Storable
		safe[n] = mark
		marks = append(marks, template.HTMLEscapeString(mark), string(made))
	}
	escaped := template.HTMLEscapeString(w.Of(words.Say(english, safe...)))
	return template.HTML(strings.NewReplacer(marks...).Replace(escaped)) //nolint:gosec // G203: all but the arguments that are markup is escaped
}

// parsePages parses the templates for one language: each page's own beside what all pages share.
func parsePages(a *assets, w *words.Words) (pages, error) {
	shared, err := template.New("").Funcs(functions(a, w)).ParseFS(files, "templates/shared/*.html")
	if err != nil {
		return nil, fmt.Errorf("parsing what the console's templates share: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("listing the console's templates: %w", err)
	}
	pages := make(pages)
	for _, name := range names {
		t, err := shared.Clone()
		if err == nil {
			t, err = t.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("parsing the console's templates: %w", err)
		}
		pages[path.Base(name)] = t
	}
	return pages, nil
}

// render answers with a page. The template fills a buffer first: one that fails half-way must not pass for whole, and the
// status is yet to be said.
func (c *call) render(status int, name string, p page) error {
	if c.principal.CredentialKind == authority.ConsoleSession {
		p.User = &c.principal
	}
	for _, w := range words.All() {
		p.Languages = append(p.Languages, languageChoice{w, w == c.words})
	}
	p.Here = cmp.Or(p.Here, c.r.URL.EscapedPath()) // also of an answer to a form: there a way leads to the page that has it
	var err error
	if p.Opened, err = c.opened(); err != nil {
		return err
	}
	if c.notYet {
		p.NotYet = confirmFor(confirmedPath, "")
	}
	t, ok := c.s.pages[c.words.Code()][name]
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

// renderAdmin answers with a page of the administration, in the area of a path.
func (c *call) renderAdmin(status int, name, area string, title words.Text, main any) error {
	p := page{Title: title, Menu: "administration", Area: area, Main: main}
	if safe(c.r.Method) {
		p.Notice = c.notice()
	}
	return c.render(status, name, p)
}

// setHeaders sets what every answer has, errors and redirects too, beside what web.Headers sets for the whole listener.
//
// Referrer-Policy is same-origin: no other site hears of our addresses. It must not be no-referrer, stricter as it looks:
// a browser then writes "null" into the Origin of our own forms (Fetch, section 3.2), by which we tell them from others'.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store") // also of the pages that one could go back to after logging out
}
