package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jeton-io/jeton/api"
)

// links is a site of somebody else's, from which a link leads here and to which one leads away. It keeps the Referer of each visit.
type links struct {
	address string
	mu      sync.Mutex
	visits  []string
}

// newLinks serves the site. Its page is a link to what stands behind the question mark.
func newLinks(t *testing.T) *links {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &links{address: "http://" + l.Addr().String() + "/"}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			s.mu.Lock()
			s.visits = append(s.visits, r.Header.Get("Referer"))
			s.mu.Unlock()
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>links</title><p>elsewhere"))
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

// seen returns the Referers of the visits since it was last called, each in quotes.
func (s *links) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf("%q", s.visits)
	s.visits = nil
	return text
}

// follow has a page lead to an address, as a link of it does, and waits until the browser is at what that leads to.
func (p *page) follow(t *testing.T, to, until string) {
	t.Helper()
	p.eval(t, fmt.Sprintf(`(() => { const a = document.createElement("a"); a.href = %q; document.body.append(a); setTimeout(() => a.click(), 0); return "" })()`, to))
	within(t, patience, "the browser to be at "+until, func() bool { return p.isAt(until) })
}

// TestSealedInABrowser has a browser follow links that hold sealed tokens. It goes on by a cookie for the API, at an address without
// them, and nobody is told where it came from.
func TestSealedInABrowser(t *testing.T) {
	s := newStack(t, usual())
	a := s.newApplication(t)
	s.service(t, api.NewService{Name: "pages", Host: "api.example.com", PathPrefix: "/XDocUi", Project: 1000}, "GET /{$} user:alice")
	browser, elsewhere := newBrowser(t), newLinks(t)
	for _, a.via = range s.proxies {
		t.Run(a.via.name, func(t *testing.T) {
			t.Run("link", func(t *testing.T) { a.testLink(t, browser.otherBrowser(t), elsewhere) })
			t.Run("refused", func(t *testing.T) { a.testRefusedLink(t, browser.otherBrowser(t), elsewhere) })
			t.Run("powers", func(t *testing.T) { a.testSessionsPowers(t, browser.otherBrowser(t)) })
			t.Run("ended", func(t *testing.T) { a.testSessionsEnd(t, browser.otherBrowser(t)) })
		})
	}
	for _, p := range s.proxies {
		s.stop(t, p.cmd)
	}
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// enter follows a link with sealed tokens of a user, and returns the address at which the browser is then.
func (a *application) enter(t *testing.T, p *page, mode, user string) string {
	t.Helper()
	tokens := queryOf(a.token(t, mode, "XST", securityText()), a.token(t, mode, "XUT", userText("UserName="+user)))
	p.visit(t, "http://"+a.via.address+"/XDocUi/?AppLink=Doc.View&"+tokens+"&XSC=MySecurityContext")
	cookie := p.cookiesAt(t, "http://"+a.via.address+"/")[apiCookie]
	if cookie == nil {
		t.Fatalf("the browser is at %s without the cookie %s; the page says:\n%s", p.address(t), apiCookie, p.text(t))
	}
	a.secrets = append(a.secrets, cookie.Value)
	return p.address(t)
}

// testLink follows a link from elsewhere, and one that leads away.
func (a *application) testLink(t *testing.T, p *page, elsewhere *links) {
	clean := "http://" + a.via.address + "/XDocUi/?AppLink=Doc.View&XSC=MySecurityContext"
	p.visit(t, elsewhere.address)
	elsewhere.seen()
	a.api.seen()
	p.follow(t, "http://"+a.via.address+"/XDocUi/?AppLink=Doc.View&"+a.good(t, "GCM")+"&XSC=MySecurityContext", clean)
	seen := slices.DeleteFunc(a.api.seen(), func(head string) bool { return strings.Contains(head, "/favicon.ico") })
	if len(seen) != 1 || field(seen[0], "Remote-User") != "alice" || field(seen[0], "Cookie") != "" || field(seen[0], "Referer") != "" {
		t.Fatalf("the API saw %q, want one request of alice's, without a cookie and a Referer", seen)
	}
	if got := p.text(t); got != "/XDocUi/?AppLink=Doc.View&XSC=MySecurityContext alice" {
		t.Errorf("the page says %q, want the API's answer to alice", got)
	}
	cookies := p.cookiesAt(t, clean)
	if c := cookies[apiCookie]; len(cookies) != 1 || c == nil || !c.HTTPOnly || len(c.Value) < 40 {
		t.Fatalf("got the cookies %v, want %s alone, which no script can read", cookies, apiCookie)
	}
	a.secrets = append(a.secrets, cookies[apiCookie].Value)
	for _, entries := range []string{`location.href + document.referrer`, `JSON.stringify(performance.getEntries())`, `document.documentElement.outerHTML`} {
		if got := p.eval(t, entries); strings.Contains(got, "XST") || strings.Contains(got, "XUT") {
			t.Errorf("%s tells of a token: %s", entries, got)
		}
	}

	p.follow(t, elsewhere.address, elsewhere.address)
	if got := elsewhere.seen(); strings.Contains(got, "XST") || strings.Contains(got, "AppLink") {
		t.Errorf("a site to which the page links was told %s", got)
	}
	p.visit(t, console)
	p.find(t, "textbox", "User name") // nobody is logged in there
}

// testRefusedLink follows a link whose tokens are no good. The page that says so has them in its address, and no link of it tells.
func (a *application) testRefusedLink(t *testing.T, p *page, elsewhere *links) {
	tokens := queryOf(a.token(t, "GCM", "XST", securityText("AppKey=NobodysKey")), a.token(t, "GCM", "XUT", userText()))
	address := "http://" + a.via.address + "/XDocUi/?AppLink=Doc.View&" + tokens
	if got := p.status(t, address); got != http.StatusForbidden {
		t.Errorf("got %d, want 403", got)
	}
	if got := p.text(t); !strings.Contains(got, "Security Validation Failed") {
		t.Errorf("the page says %q, want that the tokens are refused", got)
	}
	if cookies := p.cookiesAt(t, address); len(cookies) != 0 {
		t.Errorf("got the cookies %v of refused tokens, want none", cookies)
	}
	elsewhere.seen()
	p.follow(t, elsewhere.address, elsewhere.address)
	if got := elsewhere.seen(); got != `[""]` {
		t.Errorf("a site to which the page links was told %s, want one visit without a Referer", got)
	}
}

// testSessionsPowers has a link name an administrator. Whatever the mode, what begins by a link ends where the project does.
func (a *application) testSessionsPowers(t *testing.T, p *page) {
	for _, mode := range []string{"GCM", "CBC"} {
		a.enter(t, p, mode, "admin")
		at := "http://" + a.via.address
		if got := p.status(t, at+"/documents/7"); got != http.StatusOK {
			t.Errorf("%s: got %d for the administrator's own page, want 200", mode, got)
		}
		const deleting = `fetch("/documents/7", {method: "DELETE"}).then(r => String(r.status))`
		if got := p.eval(t, deleting); got != "403" {
			t.Errorf("%s: got %s for what administrators alone may do, want 403", mode, got)
		}
		if got := p.status(t, at+"/reports/7"); got != http.StatusUnauthorized {
			t.Errorf("%s: got %d at a service of no project, want 401", mode, got)
		}
		if got := p.status(t, "http://127.0.0.1:8080/v1/me"); got != http.StatusUnauthorized {
			t.Errorf("%s: got %d at /v1/me, want 401", mode, got)
		}
	}
}

// testSessionsEnd ends what links have begun by all that their tokens rest on. Nothing brings such a session back.
func (a *application) testSessionsEnd(t *testing.T, p *page) {
	patch := func(path string, change object) func() {
		return func() { a.v1(t, http.MethodPatch, path, change, http.StatusOK) }
	}
	set, project := "/projects/1000/token-sets/"+a.sets["CBC"], "/projects/1000"
	for name, tc := range map[string]struct{ stop, undo func() }{
		"project changed": {patch(project, object{"max_age_seconds": 600}), patch(project, object{"max_age_seconds": 900})},
		"another set off": {patch(set, object{"active": false}), patch(set, object{"active": true})},
		"user blocked":    {func() { a.setState(t, "alice", "blocked") }, func() { a.setState(t, "alice", "active") }},
	} {
		t.Run(name, func(t *testing.T) {
			at := a.enter(t, p, "GCM", "alice")
			for range 2 {
				if got := p.status(t, at); got != http.StatusOK {
					t.Fatalf("got %d of a session that has just begun, want 200", got)
				}
			}
			tc.stop()
			if got := p.status(t, at); got != http.StatusUnauthorized {
				t.Errorf("got %d, want the session to have ended", got)
			}
			tc.undo()
			if got := p.status(t, at); got != http.StatusUnauthorized {
				t.Errorf("got %d after all is as it was, want the session to stay ended", got)
			}
		})
	}
}
