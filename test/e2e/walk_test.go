package e2e_test

import (
	"context"
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

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/pquerna/otp/totp"

	"github.com/jeton-io/jeton/jetontest"
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

// visit is a page in one state.
type visit struct {
	who    string // reads it: admin, alice, bob, the walker's own carol, who has a second factor, or nobody, who isn't logged in
	name   string // of its picture
	path   string // {alice} and the like stand for what the world has
	send   string // a selector of the form there, or of its button, whose answer is the page; none for the page at the path
	fill   fields // what is entered before, whether it is sent or not
	status int64  // 200 where zero
	then   *visit // what is sent from that page to come to another
	after  string // another reader who must have been there before
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
// widths. Nothing may be complained of by the browser or by axe, and whatever the console serves must have been met.
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
				for _, v := range all {
					other.look(t, v)
				}
			})
		}
		half := len(shapes) / 2
		for id, part := range map[string][]visit{"axe-1": shapes[:half], "axe-2": shapes[half:]} {
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				judge := w.walker(id, "en")
				judge.axe, judge.views, judge.pictures = readFile(t, axeSource), views, os.Getenv("JETON_PICTURES") != ""
				for _, v := range part {
					judge.look(t, v)
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
	distinct []visit // pages that differ from all others by more than their texts
	tabs     map[string]*tab
}

// tab is the page of a reader, and what is wrong with it.
type tab struct {
	*page
	*watch
}

func (w *walk) walker(id, language string) *walker {
	return &walker{walk: w, id: id, language: language, views: two, tabs: map[string]*tab{}}
}

// tab returns a reader's, logged in, in the walker's language as it is chosen at the foot of a page.
func (w *walker) tab(t *testing.T, who string) *tab {
	t.Helper()
	if known := w.tabs[who]; known != nil {
		return known
	}
	p := w.browser.otherBrowser(t)
	at := &tab{page: p, watch: p.watched(t, w.URL)}
	w.tabs[who] = at
	p.visit(t, w.URL+"/console/login")
	at.send(t, `button[name=language][value=`+w.language+`]`, nil)
	if who != "nobody" {
		at.send(t, `form[action="/console/login"]`, fields{"username": strings.ReplaceAll(who, "{walker}", w.id)})
		at.send(t, `form[action="/console/login"]`, fields{"password": jetontest.Password})
		if got := p.eval(t, `location.pathname`); got != "/console/" {
			t.Fatalf("%s is at %s after the log-in, want /console/", who, got)
		}
	}
	if who == carol {
		w.enrol(t, at)
	}
	return at
}

// carol is the one of each walker who has a second factor.
const carol = "carol-{walker}"

// enrol gives carol an authenticator app.
func (w *walker) enrol(t *testing.T, at *tab) {
	t.Helper()
	at.visit(t, w.URL+"/console/profile/users/"+w.names["carol-"+w.id]+"/security/authenticator")
	code, err := totp.GenerateCode(at.eval(t, `document.querySelector("#secret").textContent.replaceAll(/\s/g, "")`), w.Now())
	must(t, err)
	if got := at.send(t, `main form`, fields{"code": code}); got != http.StatusOK {
		t.Fatalf("got %d for the code of an authenticator app, want 200", got)
	}
}

// filling enters what it is given into a form, and sends it as its button would, whether the browser thinks that it is filled in well
// or not: the server must think so, too.
const filling = `((selector, fill, send) => {
	const found = selector ? document.querySelector(selector) : document.querySelector("main form");
	if (!found) return "there is no " + selector + " on " + location.href;
	const form = found.form ?? found;
	for (const [name, value] of Object.entries(fill ?? {})) {
		const fields = [...form.querySelectorAll('[name="' + name + '"]')];
		if (!fields.length) return "the form lacks a field " + name;
		const chosen = fields.find(f => ["radio", "checkbox"].includes(f.type) && f.value === value);
		if (chosen) chosen.checked = true; else if (fields[0].type === "checkbox") fields[0].checked = value !== ""; else fields[0].value = value;
	}
	form.noValidate = true;
	if (send) form.requestSubmit(found.form ? found : form.querySelector("button:not([type=button])") ?? undefined);
	return "";
})`

// enter fills in a form, and sends it or not.
func (p *tab) enter(selector string, fill fields, send bool) chromedp.Action[chromedp.Void] {
	given, _ := json.Marshal([]any{selector, fill, send})
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		problem, err := chromedp.Evaluate[string](filling+"(..."+string(given)+")")(ctx, target)
		if err == nil && problem != "" {
			err = fmt.Errorf("filling in: %s", problem)
		}
		return err
	})
}

// send sends a form and returns the status of its answer.
func (p *tab) send(t *testing.T, selector string, fill fields) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, p.enter(selector, fill, true))
	if err != nil {
		t.Fatalf("sending %s: %v", selector, err)
	}
	return res.Status
}

// open brings a reader's tab to a state.
func (w *walker) open(t *testing.T, v visit) *tab {
	t.Helper()
	if v.after != "" {
		w.tab(t, v.after)
	}
	p := w.tab(t, v.who)
	status := p.status(t, w.URL+w.resolve(strings.ReplaceAll(v.path, "{walker}", w.id)))
	want := v.status
	for step := &v; step != nil; step = step.then {
		fill := fields{}
		for name, value := range step.fill {
			fill[name] = w.resolve(strings.ReplaceAll(value, "{walker}", w.id))
		}
		switch want = step.status; {
		case step.send != "":
			status = p.send(t, w.resolve(step.send), fill)
		case step.fill != nil:
			do(t, p.page, "filling in", p.enter("", fill, false))
		}
	}
	if want == 0 {
		want = http.StatusOK
	}
	if status != want {
		t.Errorf("%s: got %d, want %d; the page is headed %s", v.name, status, want, p.eval(t, `document.querySelector("h1")?.innerText ?? ""`))
	}
	return p
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

// look brings a page to a state, and looks at it in both widths and schemes.
func (w *walker) look(t *testing.T, v visit) seen {
	t.Helper()
	p := w.open(t, v)
	var s seen
	must(t, json.Unmarshal([]byte(p.eval(t, seeing)), &s))
	if s.Language != w.language {
		t.Errorf("%s: the page is in %q, want %q", v.name, s.Language, w.language)
	}
	p.eval(t, `document.querySelectorAll("details").forEach(d => { d.open = true; }); ""`)
	for _, view := range w.views {
		p.view(t, view)
		if got := p.eval(t, overflow); got != "" {
			t.Errorf("%s: in %s, at %s, the page is wider than the screen: %s", v.name, w.language, view, got)
		}
		if w.axe != "" {
			for _, found := range p.violations(t, w.axe, view.scheme) {
				t.Errorf("%s: at %s: %s", v.name, view, found)
			}
		}
		if w.pictures {
			p.picture(t, fmt.Sprintf("console/%s-%s", v.name, view))
		}
	}
	w.note(t, v, s, p)
	return s
}

// overflow says what is wider than the screen.
const overflow = `(() => {
	const page = document.scrollingElement;
	if (page.scrollWidth <= page.clientWidth) return "";
	return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > page.clientWidth + 1).slice(-3).map(e => e.outerHTML.slice(0, 120)).join(" | ") || "?";
})()`

// note keeps what was met, and reports what the browser complained of.
func (w *walker) note(t *testing.T, v visit, s seen, p *tab) {
	t.Helper()
	complaints, asked := p.drain()
	for _, complaint := range complaints {
		t.Errorf("%s, in %s: %s", v.name, w.language, complaint)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[w.id]++
	if !w.shapes[s.Shape] && s.Shape != "" {
		w.shapes[s.Shape] = true
		w.distinct = append(w.distinct, v)
	}
	for _, request := range asked {
		w.met[w.pattern(request)] = true
	}
	for _, form := range s.Forms {
		if pattern := w.pattern(form); pattern != "" {
			_, path, _ := strings.Cut(form, " ")
			w.forms[pattern] = visit{who: v.who, name: "form-" + notOfName.ReplaceAllString(pattern, "-"), path: path}
		}
	}
	if w.axe == "" {
		if w.texts[v.name] == nil {
			w.texts[v.name] = map[string]string{}
		}
		w.texts[v.name][w.language] = s.Texts
	}
}

// pattern returns the route that serves "METHOD /path", or nothing.
func (w *walk) pattern(request string) string {
	method, path, _ := strings.Cut(request, " ")
	_, pattern := w.served.Handler(&http.Request{Method: method, URL: &url.URL{Path: path}})
	return pattern
}

// view makes the tab so wide, and has it prefer a scheme, of which no colour is on its way.
func (p *tab) view(t *testing.T, v view) {
	t.Helper()
	do(t, p.page, "resizing", calling(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.width, Height: 800, DeviceScaleFactor: 1}))
	do(t, p.page, "choosing a scheme", calling(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
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
	w.note(t, v, seen{}, p)
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
		case strings.Contains(pattern, "/security/passkeys") && strings.HasPrefix(pattern, "POST "): // they need a host that has a name: factors_test.go
		case strings.HasPrefix(pattern, "POST /console/login/link"): // a server for mail is needed: mail_test.go
		case strings.HasPrefix(pattern, "POST ") && w.forms[pattern].path == "":
			t.Errorf("no page has a form for %s: bring one to the state in which it does, in walkvisits_test.go", pattern)
		case strings.HasPrefix(pattern, "GET ") && !w.met[pattern]:
			t.Errorf("%s was never asked for: no link leads there, nor does a line of walkvisits_test.go", pattern)
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
