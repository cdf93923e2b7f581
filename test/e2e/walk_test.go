package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// routesFile lists all that the console serves; a test of package console holds it to that.
const routesFile = "../../internal/console/testdata/routes.txt"

// walkers are those who walk, each under an own name: three languages, and two for what axe says.
var walkers = []string{"en", "de", "fr", "axe-1", "axe-2"}

// view is how a page is seen: on a desk or a small phone, in light or dark.
type view struct {
	width  int64
	scheme string
}

func (v view) String() string { return fmt.Sprintf("%d-%s", v.width, v.scheme) }

var (
	views = []view{{1280, "light"}, {1280, "dark"}, {320, "light"}, {320, "dark"}}
	two   = []view{views[0], views[3]}
)

// visit is a page in one state, or several one after the other, each of which comes from the one before.
type visit struct {
	who    string                 // reads it: admin, alice, bob, the walker's own carol, who has a second factor, or nobody, who isn't logged in
	name   string                 // of its picture; a state without one is only gone through
	path   string                 // {alice} and the like stand for what the world has; @selector for that link's; none for the page where the reader is
	do     func(*testing.T, *tab) // what is done there before
	send   string                 // a selector of the form there, or of its button, whose answer is the page; none for the page at the path
	fill   fields                 // what is entered before, whether it is sent or not
	status int64                  // 200 where zero
	then   *visit                 // the next state
	after  string                 // another reader who must have been there before
}

// steps are the states of a visit, one after the other.
func (v visit) steps() (all []visit) {
	for step := &v; step != nil; step = step.then {
		all = append(all, *step)
	}
	return all
}

// chain makes one visit of several states, which the first one's reader goes through.
func chain(states ...visit) visit {
	for n := len(states) - 1; n > 0; n-- {
		states[n-1].then = &states[n]
	}
	return states[0]
}

// fields are what is entered into a form, by the fields' names.
type fields map[string]string

// walk is the whole of the console as it is walked: what there is to be met, and what was.
type walk struct {
	*world
	browser *page
	served  *http.ServeMux // of the patterns in routesFile

	mu     sync.Mutex
	met    map[string]bool              // patterns
	forms  map[string]visit             // patterns of POST that pages have forms for, each with whom to ask one's path
	texts  map[string]map[string]string // what stood on each page in each language, by the page's name and the language
	shapes map[string]bool              // of the pages, without their texts
	counts map[string]int
}

// TestWalk goes through every page of the console, in every state that it can be brought to, in three languages, two schemes and two
// widths: wide in light or narrow in dark, or, where tests may be long or pictures are kept, each in each. Nothing may be complained of by
// the browser or by axe, and whatever the console serves must have been met.
func TestWalk(t *testing.T) {
	w := &walk{
		world: newWorld(t), browser: newBrowser(t), served: http.NewServeMux(),
		met: map[string]bool{}, forms: map[string]visit{}, texts: map[string]map[string]string{}, shapes: map[string]bool{}, counts: map[string]int{},
	}
	for pattern := range strings.Lines(readFile(t, routesFile)) {
		w.served.HandleFunc(strings.TrimSpace(pattern), func(http.ResponseWriter, *http.Request) {})
	}
	t.Run("empty", func(t *testing.T) { w.phase(t, "empty", emptyVisits(), "admin") })
	w.furnish(t)
	t.Run("full", func(t *testing.T) { w.phase(t, "full", visits(), "admin", "alice", "nobody") })
	t.Run("print", w.print)
	t.Run("long ago", func(t *testing.T) { w.together(t, oldVisits(), w.logInLongAgo) })
	t.Run("named", w.testNamed)
	t.Run("faults", w.testFaults)
	w.checkTexts(t)
	w.checkRoutes(t)
	t.Logf("pages looked at: %v", w.counts)
}

// phase finds the pages of those who read them by their links, in English, and looks at them and at those of a table: first at all of
// them in English, then, at those that differ by more than their texts, at once in the other languages and by axe. Where tests may be
// long, the other languages leave out none.
func (w *walk) phase(t *testing.T, phase string, table []visit, readers ...string) {
	var all, shapes []visit
	t.Run("en", func(t *testing.T) {
		english := w.walker("en", "en")
		english.views = views[:1] // the others are axe's
		for _, who := range readers {
			all = append(all, english.crawl(t, phase, who)...)
		}
		for _, v := range table {
			english.look(t, v)
			all = append(all, v)
		}
		if phase == "full" {
			english.crawlForms(t)
		}
		shapes = english.distinct
	})
	if os.Getenv("JETON_TEST_LONG") == "" {
		all = shapes
	}
	t.Run("rest", func(t *testing.T) {
		for _, language := range []string{"de", "fr"} {
			t.Run(language, func(t *testing.T) {
				t.Parallel()
				other := w.walker(language, language)
				other.views = two[1:] // where long words have the least room
				for _, v := range all {
					other.look(t, v)
				}
			})
		}
		half := len(shapes) / 2
		for id, part := range map[string][]visit{"axe-1": shapes[:half], "axe-2": shapes[half:]} {
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				judge := w.judge(t, id)
				for n, v := range part {
					if len(judge.views) < len(views) {
						judge.views = two[n%2 : n%2+1]
					}
					judge.look(t, v)
				}
			})
		}
	})
}

// together goes through the states of a table in all languages and with axe, all at once. What ready does comes first: it is given
// all who will walk.
func (w *walk) together(t *testing.T, table []visit, ready func(*testing.T, []*walker)) {
	all := []*walker{w.walker("en", "en"), w.walker("de", "de"), w.walker("fr", "fr"), w.judge(t, "axe-1")}
	all[0].views = nil // which are the judge's
	ready(t, all)
	t.Run("all", func(t *testing.T) {
		for _, one := range all {
			t.Run(one.id, func(t *testing.T) {
				t.Parallel()
				for _, v := range table {
					one.look(t, v)
				}
			})
		}
	})
}

// walker is who walks: one language, and a browser of its own for each reader.
type walker struct {
	*walk
	id       string // which no other has: it makes the names of what it makes
	language string
	views    []view
	axe      string  // the source of axe, where that looks at the pages, too
	pictures bool    // are kept
	old      bool    // the log-ins are of long ago, and are to stay so
	distinct []visit // pages that differ from all others by more than their texts
	tabs     map[string]*tab
}

func (w *walk) walker(id, language string) *walker {
	return &walker{walk: w, id: id, language: language, views: two, tabs: map[string]*tab{}}
}

// judge is a walker who has axe look at the pages, wide in light and narrow in dark, of which the many pages of a phase have one each in
// turn; in all four views where tests may be long.
func (w *walk) judge(t *testing.T, id string) *walker {
	t.Helper()
	judge := w.walker(id, "en")
	judge.axe, judge.pictures = readFile(t, axeSource), os.Getenv("JETON_PICTURES") != ""
	if judge.pictures || os.Getenv("JETON_TEST_LONG") != "" {
		judge.views = views
	}
	return judge
}

// take brings a reader's tab from one state to the next.
func (w *walker) take(t *testing.T, p *tab, v visit) {
	t.Helper()
	var status int64
	if v.path != "" {
		status = p.status(t, w.address(t, p, w.resolve(v.path)))
	}
	if v.do != nil {
		v.do(t, p)
	}
	fill := fields{}
	for name, value := range v.fill {
		fill[name] = w.resolve(value)
	}
	switch {
	case v.send != "":
		status = p.send(t, w.resolve(v.send), fill)
	case v.fill != nil:
		do(t, p.page, "filling in", p.enter("", fill, false))
	case status == 0: // what was done has changed the page where it is
		return
	}
	if want := cmp.Or(v.status, http.StatusOK); v.name != "" && status != want {
		t.Errorf("%s: got %d, want %d; the page is headed %s", v.name, status, want, p.eval(t, `document.querySelector("h1")?.innerText ?? ""`))
	}
}

// resolve puts the walker's own names in their places, too.
func (w *walker) resolve(text string) string {
	return w.world.resolve(strings.ReplaceAll(text, "{walker}", w.id))
}

// address is that of a path, of a link on the page, or of a page that isn't Jeton's.
func (w *walker) address(t *testing.T, p *tab, path string) string {
	t.Helper()
	if selector, ok := strings.CutPrefix(path, "@"); ok {
		return p.eval(t, `document.querySelector(`+quote(selector)+`).href`)
	}
	if strings.HasPrefix(path, "/") {
		return w.URL + path
	}
	return path
}

// quote writes a string of JavaScript.
func quote(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// seen is what there is on a page.
type seen struct {
	Language string
	Links    []string
	Files    []string // links to what is kept, and not shown
	Shape    string   // the elements, without their texts
	Forms    []string // "METHOD /path"
	Texts    string   // a line each
}

// seeing looks what there is. What somebody has named, and what is typed as it stands, is no text of the page's.
const seeing = `(() => {
	const texts = [];
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const text = walker.currentNode.textContent.trim();
		if (/\p{L}{3}/u.test(text) && !walker.currentNode.parentElement.closest("code, pre, time, textarea, .token, .more dd, .foot")) texts.push(text);
	}
	for (const e of document.querySelectorAll("[aria-label], [placeholder], [title]:not(time)")) for (const a of ["aria-label", "placeholder", "title"]) if (e.getAttribute(a)) texts.push(e.getAttribute(a));
	const shape = e => {
		const parts = [...e.children].map(shape);
		const attributes = [...e.attributes].map(a => ["class", "type", "role", "colspan", "aria-current", "aria-invalid"].includes(a.name) ? a.name + "=" + a.value : a.name);
		return e.localName + "[" + attributes + "](" + parts.filter((part, n) => part !== parts[n - 1]).join("") + ")";
	};
	return JSON.stringify({
		shape: shape(document.body),
		language: document.documentElement.lang,
		links: [...document.querySelectorAll("a[href]:not([download])")].map(a => a.href),
		files: [...document.querySelectorAll("a[download]")].map(a => a.href),
		forms: [...document.forms].map(f => f.getAttribute("method")?.toUpperCase() + " " + new URL(f.getAttribute("action") ?? "", location.href).pathname),
		texts: [...new Set(texts)].join("\n"),
	});
})()`

// look goes through the states of a visit, and looks at each that has a name, in both widths and schemes.
func (w *walker) look(t *testing.T, v visit) (s seen) {
	t.Helper()
	if v.after != "" {
		w.tab(t, v.after)
	}
	p := w.tab(t, v.who)
	differs := false
	for _, step := range v.steps() {
		w.take(t, p, step)
		if step.name != "" {
			var other bool
			s, other = w.see(t, v.who, step.name, p)
			differs = differs || other
		}
	}
	if differs {
		w.distinct = append(w.distinct, v)
	}
	return s
}

// see looks at the page where a reader is, and reports whether it differs by more than its texts from all that were seen before.
func (w *walker) see(t *testing.T, who, name string, p *tab) (s seen, differs bool) {
	t.Helper()
	must(t, json.Unmarshal([]byte(p.eval(t, seeing)), &s))
	if s.Language != w.language {
		t.Errorf("%s: the page is in %q, want %q", name, s.Language, w.language)
	}
	p.eval(t, `document.querySelectorAll("details").forEach(d => { d.open = true; }); ""`)
	for _, view := range w.views {
		p.view(t, view)
		if got := p.eval(t, overflow); got != "" {
			t.Errorf("%s: in %s, at %s, the page is wider than the screen: %s", name, w.language, view, got)
		}
		if w.axe != "" {
			for _, found := range p.violations(t, w.axe, view.scheme) {
				t.Errorf("%s: at %s: %s", name, view, found)
			}
		}
		if w.pictures {
			p.picture(t, fmt.Sprintf("console/%s-%s", name, view))
		}
	}
	return s, w.note(t, who, name, s, p)
}

// overflow says what is wider than the screen.
const overflow = `(() => {
	const page = document.scrollingElement;
	if (page.scrollWidth <= page.clientWidth) return "";
	return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > page.clientWidth + 1).slice(-3).map(e => e.outerHTML.slice(0, 120)).join(" | ") || "?";
})()`

// note keeps what was met, and reports what the browser complained of.
func (w *walker) note(t *testing.T, who, name string, s seen, p *tab) (differs bool) {
	t.Helper()
	complaints, asked := p.drain()
	for _, complaint := range complaints {
		t.Errorf("%s, in %s: %s", name, w.language, complaint)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[w.id]++
	differs = s.Shape != "" && !w.shapes[s.Shape]
	w.shapes[s.Shape] = true
	for _, request := range asked {
		w.met[w.pattern(request)] = true
	}
	for _, form := range s.Forms {
		if pattern := w.pattern(form); pattern != "" && w.forms[pattern].path == "" { // later ones may be of what is gone by now
			_, path, _ := strings.Cut(form, " ")
			w.forms[pattern] = visit{who: who, name: "form-" + notOfName.ReplaceAllString(pattern, "-"), path: path}
		}
	}
	if w.axe == "" {
		if w.texts[name] == nil {
			w.texts[name] = map[string]string{}
		}
		w.texts[name][w.language] = s.Texts
	}
	return differs
}

// pattern returns the route that serves "METHOD /path", or nothing.
func (w *walk) pattern(request string) string {
	method, path, _ := strings.Cut(request, " ")
	_, pattern := w.served.Handler(&http.Request{Method: method, URL: &url.URL{Path: path}})
	return pattern
}

// crawl follows the links of the pages from the first one on, of each route so many as tell its states apart.
func (w *walker) crawl(t *testing.T, phase, who string) []visit {
	t.Helper()
	var all []visit
	often := map[string]int{}
	known := map[string]bool{}
	queue := []string{"/console/"}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		v := visit{who: who, path: path}
		u, err := url.Parse(path)
		must(t, err)
		pattern := w.pattern("GET " + u.Path)
		if pattern == "" {
			t.Errorf("%s leads to %s, which nothing serves", who, path)
			continue
		}
		kind := pattern + "?" + strings.Join(slices.Sorted(maps.Keys(u.Query())), "&")
		most := 1
		if strings.Contains(pattern, "{") && u.RawQuery == "" && phase == "full" {
			most = 5
		}
		if often[kind]++; often[kind] > most {
			continue
		}
		v.name = fmt.Sprintf("%s-%s-%s-%d", phase, who, notOfName.ReplaceAllString(strings.TrimPrefix(kind, "GET /console/"), "-"), often[kind])
		all = append(all, v)
		found := w.look(t, v)
		if often[kind] == 1 {
			w.fetch(t, v, found.Files)
		}
		for _, link := range found.Links {
			link, ours := strings.CutPrefix(link, w.URL)
			link, _, _ = strings.Cut(link, "#")
			if ours && !known[link] && strings.Count(link, "&") == 0 { // of filters one alone
				known[link] = true
				queue = append(queue, link)
			}
		}
	}
	return all
}

// fetch gets what no page need be seen of: files, and the pages that others lead to.
func (w *walker) fetch(t *testing.T, v visit, files []string) {
	t.Helper()
	p := w.tab(t, v.who)
	for _, file := range files {
		if got := p.eval(t, fmt.Sprintf(`fetch(%q).then(r => r.text().then(text => r.status + (text ? "" : " empty")))`, file)); got != "200" {
			t.Errorf("%s: %s: got %s, want 200 and what is there", v.name, file, got)
		}
	}
	w.note(t, v.who, v.name, seen{}, p)
}

var notOfName = regexp.MustCompile(`[^A-Za-z0-9]+`)

// crawlForms asks by GET for what forms are sent to, as somebody does who types such an address or logs in again at one: it must lead
// to a page.
func (w *walker) crawlForms(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	forms := maps.Clone(w.forms)
	w.mu.Unlock()
	for _, pattern := range slices.Sorted(maps.Keys(forms)) {
		if strings.HasPrefix(pattern, "POST ") {
			w.fetch(t, forms[pattern], []string{forms[pattern].path})
		}
	}
}

// checkRoutes looks whether all that is served was met.
func (w *walk) checkRoutes(t *testing.T) {
	t.Helper()
	for pattern := range strings.Lines(readFile(t, routesFile)) {
		pattern = strings.TrimSpace(pattern)
		switch {
		case strings.HasPrefix(pattern, "POST ") && w.forms[pattern].path == "":
			t.Errorf("no page has a form for %s: bring one to the state in which it does, by a visit", pattern)
		case strings.HasPrefix(pattern, "GET ") && !w.met[pattern]:
			t.Errorf("%s was never asked for: no link leads there, nor does a visit", pattern)
		}
	}
}

// severalWords tells a text from a name: what the world has made has names of one word.
var severalWords = regexp.MustCompile(`\p{L}{2,} \p{L}{2,}`)

// checkTexts looks for English among the other languages.
func (w *walk) checkTexts(t *testing.T) {
	t.Helper()
	reported := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(w.texts)) {
		german, french := strings.Split(w.texts[name]["de"], "\n"), strings.Split(w.texts[name]["fr"], "\n")
		for english := range strings.SplitSeq(w.texts[name]["en"], "\n") {
			if slices.Contains(german, english) && slices.Contains(french, english) && severalWords.MatchString(english) && !reported[english] {
				reported[english] = true
				t.Errorf("%s: all three languages have %q", name, english)
			}
		}
	}
}
