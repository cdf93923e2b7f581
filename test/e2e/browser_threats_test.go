package e2e_test

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// TestBrowserThreats holds the console, /v1 and the gateway to the rows of the threat model's "Browser", in a browser that
// decides for itself what it sends where.
func TestBrowserThreats(t *testing.T) {
	s := newStack(t, usual())
	first := newBrowser(t)
	for _, part := range []struct {
		name string
		run  func(*stack, *testing.T, *page)
	}{
		{"cookies", (*stack).testCookies},
		{"planted cookie", (*stack).testPlanted},
		{"return address", (*stack).testReturnAddress},
		{"others' pages", (*stack).testOthersPages},
		{"name with HTML", (*stack).testNameWithHTML},
		{"headers of every page", (*stack).testPageHeaders},
		{"call from another origin", (*stack).testOtherOrigin},
		{"frame", (*stack).testFrame},
		{"password change", (*stack).testPasswordChange},
		{"log out", (*stack).testLogOut},
		{"blocked", (*stack).testBlockedEverywhere},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(s, t, first.otherBrowser(t)) })
	}
	s.stop(t, s.proxies[0].cmd)
	s.stop(t, s.proxies[1].cmd)
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// newcomer opens the log-in page in a browser of its own and logs in.
func (s *stack) newcomer(t *testing.T, p *page, user string) *page {
	t.Helper()
	p.visit(t, console)
	p.logIn(t, user, userPassword)
	for _, c := range p.cookies(t) {
		s.secrets = append(s.secrets, c.Value)
	}
	return p
}

// cookies are those that the browser would send to the console, by name.
func (p *page) cookies(t *testing.T) map[string]*network.Cookie {
	t.Helper()
	return p.cookiesAt(t, console)
}

// cookiesAt are the cookies that the browser would send to an address, by name.
func (p *page) cookiesAt(t *testing.T, address string) map[string]*network.Cookie {
	t.Helper()
	all := map[string]*network.Cookie{}
	for _, c := range do(t, p, "reading cookies", calling(network.GetCookies, network.GetCookiesParams{URLs: []string{address}})).Cookies {
		all[c.Name] = c
	}
	return all
}

// visitor has the cookies of a browser in hand.
func (p *page) visitor(t *testing.T) *visitor {
	t.Helper()
	v := &visitor{map[string]string{}}
	for name, c := range p.cookies(t) {
		v.cookies[name] = c.Value
	}
	return v
}

func (s *stack) testCookies(t *testing.T, p *page) {
	s.newcomer(t, p, "alice")
	cookies := p.cookies(t)
	for _, name := range []string{consoleCookie, apiCookie} {
		c := cookies[name]
		if c == nil {
			t.Fatalf("got cookies %v, want %s among them", cookies, name)
		}
		// The public URL is plain http on loopback: with Secure, or the name that demands it, there would be no cookie.
		if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || c.Domain != "127.0.0.1" || c.Secure || !c.Session || len(c.Value) < 40 {
			t.Errorf("got the cookie %+v, want one for this host and this visit, Lax, which no script can read", c)
		}
	}
	if len(cookies) != 2 || cookies[consoleCookie].Value == cookies[apiCookie].Value {
		t.Errorf("got cookies %v, want two different ones", cookies)
	}
	if got := p.eval(t, `document.cookie`); got != "" {
		t.Errorf("a script reads the cookie %.12q…", got)
	}
	if storage := p.eval(t, `JSON.stringify([Object.keys(localStorage), Object.keys(sessionStorage)])`); storage != "[[],[]]" {
		t.Errorf("got storage %s, want none used", storage)
	}
	if at := p.address(t); strings.Contains(at, cookies[consoleCookie].Value) || strings.Contains(p.source(t), cookies[consoleCookie].Value) {
		t.Errorf("the session stands in the page or in its address %s", at)
	}
}

// testPlanted has an attacker, eve, put her own session and made-up ones into alice's browser before alice logs in.
func (s *stack) testPlanted(t *testing.T, p *page) {
	eve := s.loggedIn(t, "eve")
	invented := map[string]string{consoleCookie: strings.Repeat("A", len(eve.cookies[consoleCookie])), apiCookie: strings.Repeat("A", len(eve.cookies[apiCookie]))}
	for name, planted := range map[string]map[string]string{"eve's": eve.cookies, "made up": invented} {
		victim := p.otherBrowser(t)
		for cookie, value := range planted {
			do(t, victim, "planting a cookie", calling(network.SetCookie, network.SetCookieParams{Name: cookie, Value: value, URL: console}))
		}
		victim.visit(t, "http://127.0.0.1:8080/console/login")
		victim.logIn(t, "alice", userPassword)
		for cookie, c := range victim.cookies(t) {
			if c.Value == planted[cookie] || c.Value == "" {
				t.Errorf("%s: the cookie %s is still the planted one after the log-in", name, cookie)
			}
			s.secrets = append(s.secrets, c.Value)
		}
		if got := victim.visitor(t).whose(t); got != "alice" {
			t.Errorf("%s: the browser is %s's after the log-in, want alice's", name, got)
		}
		if got := (&visitor{planted}).whose(t); got != "401" { // it ends with the log-in, whose it was
			t.Errorf("%s: the planted cookie is %s's", name, got)
		}
		for _, proxy := range s.proxies {
			raw := get("/reports/7", "Cookie: jeton_api="+planted[apiCookie])
			if a := exchange(t, "127.0.0.1", proxy.address, raw+"\r\n"); a.status == http.StatusOK {
				t.Errorf("%s: %s lets the planted cookie in as %q", name, proxy.name, a.body)
			}
		}
	}
}

// testReturnAddress logs in by links that promise to lead elsewhere afterwards.
func (s *stack) testReturnAddress(t *testing.T, p *page) {
	for _, tc := range []struct{ next, want string }{
		{"/console/profile/users", "/console/profile/users"}, // the twin
		{"//evil.example", "/console/"},
		{"///evil.example/x", "/console/"},
		{`/\evil.example`, "/console/"},
		{`\\evil.example`, "/console/"},
		{"/\t/evil.example", "/console/"},
		{"\t//evil.example", "/console/"},
		{"https://evil.example/", "/console/"},
		{"https:evil.example", "/console/"},
		{"http://127.0.0.1:8080@evil.example/", "/console/"},
		{"http://127.0.0.1:8080.evil.example/", "/console/"},
		{"javascript:alert(1)", "/console/"},
		{"data:text/html,x", "/console/"},
		{"/console/\r\nSet-Cookie: x=y", "/console/"},
		{"/console/logout", "/console/"},
	} {
		browser := p.otherBrowser(t)
		browser.visit(t, "http://127.0.0.1:8080/console/login?next="+url.QueryEscape(tc.next))
		browser.logIn(t, "alice", userPassword)
		for _, c := range browser.cookies(t) {
			s.secrets = append(s.secrets, c.Value)
		}
		got := browser.address(t)
		if !strings.HasPrefix(got, console) || tc.want == "/console/profile/users" && got != "http://127.0.0.1:8080"+tc.want {
			t.Errorf("%q: the log-in leads to %s, want %s", tc.next, got, tc.want)
		}
		if !browser.in(t, "alice") || browser.cookies(t)["x"] != nil {
			t.Errorf("%q: the browser isn't logged in, or has the cookie that the address names", tc.next)
		}
	}
	for _, next := range []string{"//evil.example", `/\evil.example`, "https://evil.example/", "javascript:alert(1)"} {
		v := s.loggedIn(t, "alice") // and where there is nothing left to ask
		at := v.get(t, "/console/login?next="+url.QueryEscape(next))
		if to := at.header.Get("Location"); to != "" && !strings.HasPrefix(to, "/console/") {
			t.Errorf("%q: whoever is logged in is led to %q", next, to)
		}
	}
}

// in reports whether the browser is logged in as a user.
func (p *page) in(t *testing.T, user string) bool {
	t.Helper()
	return p.visitor(t).whose(t) == user
}

// profile is the path of a user's pages.
func (s *stack) profile(t *testing.T, user string) string {
	t.Helper()
	u, _, err := s.admin.User(t.Context(), user)
	must(t, err)
	return "/console/profile/users/" + u.ID
}

// testOthersPages has eve look for alice's pages, and try her buttons.
func (s *stack) testOthersPages(t *testing.T, p *page) {
	s.newcomer(t, p, "eve")
	eve, alices, own := p.visitor(t), s.profile(t, "alice"), s.profile(t, "eve")
	for _, tab := range []string{"", "/security"} {
		theirs, nobodys := eve.get(t, alices+tab), eve.get(t, "/console/profile/users/01890000-0000-7000-8000-000000000000"+tab)
		if theirs.status != 404 || nobodys.status != 404 {
			t.Errorf("%s: eve got %d, and %d for nobody's, want 404 for both", tab, theirs.status, nobodys.status)
		}
		if strings.Contains(theirs.body, "alice") {
			t.Errorf("%s: the answer tells of alice: %q", tab, theirs.body)
		}
		if at := eve.get(t, own+tab); at.status != http.StatusOK { // the twin
			t.Errorf("%s: eve got %d for her own page, want 200", tab, at.status)
		}
	}
	p.visit(t, "http://127.0.0.1:8080/console/profile/users")
	if p.text(t) == "" || strings.Contains(p.text(t), "alice") {
		t.Errorf("eve's list of users tells of alice:\n%s", p.text(t))
	}
	if status := p.status(t, "http://127.0.0.1:8080"+alices+"/security"); status != 404 {
		t.Errorf("eve's browser got %d for alice's page, want 404", status)
	}
	// Every form of eve's own tab, sent to the same place of alice's.
	before := s.tokenMade(t, "alice")
	sent := 0
	for _, f := range forms(t, eve.get(t, own+"/security").body) {
		if !strings.Contains(f.action, own) {
			continue // the log-out
		}
		sent++
		if at := eve.post(t, strings.Replace(f.action, own, alices, 1), f.values); at.status != 404 {
			t.Errorf("%q of alice: eve got %d, want 404", f.button, at.status)
		}
	}
	if sent < 2 {
		t.Errorf("eve's tab has %d forms to try, want those of the token and the password", sent)
	}
	if after := s.tokenMade(t, "alice"); after != before {
		t.Errorf("alice's token was made at %s, and now at %s", before, after)
	}
}

// tokenMade says when a user's token was made, so that a new one shows.
func (s *stack) tokenMade(t *testing.T, user string) string {
	t.Helper()
	token, err := s.client(t, client.Config{Token: client.Secret(s.tokens[user])}).PersonalToken(t.Context())
	if err != nil {
		return err.Error()
	}
	return token.CreatedAt.String()
}

func (s *stack) testNameWithHTML(t *testing.T, p *page) {
	const name = `<img src=x onerror="document.title='owned'"></title></textarea><script>document.title='owned'</script>{{7}}'"`
	_, err := s.admin.CreateUser(t.Context(), api.NewUser{Username: "<b>mallory", DisplayName: name, Password: userPassword, Roles: []string{"partner"}})
	must(t, err)
	s.newcomer(t, p, "<b>mallory")
	shown := 0
	for _, path := range []string{"", "profile/users", strings.TrimPrefix(s.profile(t, "<b>mallory"), "/console/"), strings.TrimPrefix(s.profile(t, "<b>mallory"), "/console/") + "/security"} {
		p.visit(t, console+path)
		if strings.Contains(p.text(t), "<b>mallory") {
			shown++
		}
		if got := p.eval(t, `document.title + document.querySelectorAll("img[src=x], main b, header b, nav b, script:not([src])").length`); !strings.HasSuffix(got, "0") || strings.Contains(got, "owned") {
			t.Errorf("/console/%s: the name was taken for HTML: %s", path, got)
		}
	}
	if shown == 0 {
		t.Error("no page shows the name")
	}
	raw := get("/reports/7", "Cookie: jeton_api="+p.cookies(t)[apiCookie].Value)
	if seen := s.wantPassed(t, raw, s.send(t, raw)); strings.Contains(field(seen, "Remote-Name"), "\n") {
		t.Errorf("the API saw %q", seen)
	}
}

// testPageHeaders looks at every sort of answer that a browser can get of the public listener.
func (s *stack) testPageHeaders(t *testing.T, _ *page) {
	alice, own := s.loggedIn(t, "alice"), s.profile(t, "alice")
	nobody := &visitor{map[string]string{}}
	sheet := regexpFind(t, `href="(/console/[^"]+\.css[^"]*)"`, nobody.get(t, "/console/login").body)
	for _, tc := range []struct {
		name   string
		at     screen
		status int
	}{
		{"root", nobody.get(t, "/"), 303},
		{"start, not logged in", nobody.get(t, "/console/"), 303},
		{"log-in", nobody.get(t, "/console/login"), 200},
		{"start", alice.get(t, "/console/"), 200},
		{"users", alice.get(t, "/console/profile/users"), 200},
		{"general", alice.get(t, own), 200},
		{"security", alice.get(t, own+"/security"), 200},
		{"style sheet", nobody.get(t, sheet), 200},
		{"no such page", alice.get(t, "/console/nothing"), 404},
		{"no such page, not logged in", nobody.get(t, "/console/profile/nothing"), 303},
		{"no such path", nobody.get(t, "/nothing"), 404},
		{"wrong method", nobody.send(t, "PUT", "/console/login", nil, nil), 405},
		{"from elsewhere", alice.post(t, "/console/logout", nil, "Sec-Fetch-Site: cross-site"), 403},
		{"too much", nobody.post(t, "/console/login", url.Values{"username": {strings.Repeat("a", 2<<20)}}), 413},
		{"/v1", nobody.get(t, "/v1/me"), 401},
		{"/v1, no such path", nobody.get(t, "/v1/nothing"), 404},
	} {
		h := tc.at.header
		policy := h.Get("Content-Security-Policy")
		if tc.at.status != tc.status && !(tc.status == 303 && tc.at.status == 404) { // who isn't logged in may hear of nothing
			t.Errorf("%s: got %d, want %d: %.200q", tc.name, tc.at.status, tc.status, tc.at.body)
		}
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action "} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: got the policy %q, want %s in it", tc.name, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || len(h.Values("Content-Security-Policy")) != 1 {
			t.Errorf("%s: got the policies %q, want one that lets in nothing inline and nothing from anywhere", tc.name, h.Values("Content-Security-Policy"))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: got %v, want nosniff, a referrer policy and no frames", tc.name, h)
		}
		if html := strings.HasPrefix(h.Get("Content-Type"), "text/html"); html && tc.at.status != 303 && !strings.Contains(h.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: got Cache-Control %q, want no-store on a page", tc.name, h.Get("Cache-Control"))
		}
		if strings.Contains(tc.at.body, " style=") || strings.Contains(tc.at.body, "<style") || strings.Contains(tc.at.body, " onclick=") {
			t.Errorf("%s: the page has style or script within it, which its policy forbids", tc.name)
		}
	}
}

// regexpFind returns the first group of the first match.
func regexpFind(t *testing.T, pattern, text string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if len(found) != 2 {
		t.Fatalf("got %.500q, want something of the form %s", text, pattern)
	}
	return found[1]
}

// evil serves a page of an attacker's on each of two origins: one of the same site, on another port of the same host, whose
// calls carry the cookies; and one of another site.
func evil(t *testing.T) (sameSite, otherSite string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>cats</title><p>cats"))
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return "http://127.0.0.1:" + port + "/", "http://localhost:" + port + "/"
}

// attack is a way in which a page can have a browser send a POST to any address. It is JavaScript, with TARGET for the
// address; it ends once the browser has sent it.
type attack struct{ name, script string }

func attacks() []attack {
	const form = `(async () => {
		const frame = document.createElement("iframe");
		frame.name = "hidden" + Math.random();
		document.body.append(frame);
		const form = document.createElement("form");
		Object.assign(form, {method: "POST", action: "TARGET", enctype: "ENCTYPE", target: frame.name});
		for (const [name, value] of [["token", "generate"], ["new", "x"], ["again", "x"]]) {
			const input = document.createElement("input");
			Object.assign(input, {name, value});
			form.append(input);
		}
		document.body.append(form);
		const loaded = new Promise(done => frame.addEventListener("load", done));
		form.submit();
		await Promise.race([loaded, new Promise(done => setTimeout(done, 3000))]);
		return "sent";
	})()`
	const fetched = `fetch("TARGET", {method: "POST", mode: "MODE", credentials: "include", headers: HEADERS, body: "{}"}).then(r => r.type === "opaque" ? "unread" : "answered " + r.status, () => "refused by the browser")`
	fill := func(script, mode, headers string) string {
		return strings.NewReplacer("ENCTYPE", mode, "MODE", mode, "HEADERS", headers).Replace(script)
	}
	return []attack{
		{"urlencoded form", fill(form, "application/x-www-form-urlencoded", "")},
		{"multipart form", fill(form, "multipart/form-data", "")},
		{"text/plain form", fill(form, "text/plain", "")},
		{"fetch, no-cors", fill(fetched, "no-cors", "{}")},
		{"fetch, cors", fill(fetched, "cors", "{}")},
		{"fetch, cors, as JSON", fill(fetched, "cors", `{"Content-Type": "application/json"}`)},
		{"beacon", `String(navigator.sendBeacon("TARGET", new Blob(["{}"], {type: "text/plain"})))`},
	}
}

// testOtherOrigin has an attacker's page send each sort of POST to the console, to /v1 and to the API, in the browser of
// alice, who is logged in. Nothing comes of any; the twins, from the right page, are let in.
func (s *stack) testOtherOrigin(t *testing.T, p *page) {
	s.newToken(t, "alice")
	s.newcomer(t, p, "alice")
	sameSite, otherSite := evil(t)
	generate := s.buttonOf(t, p, "Generate authentication token")
	targets := []struct{ door, address string }{
		{"console", "http://127.0.0.1:8080" + generate},
		{"console", "http://127.0.0.1:8080/console/logout"},
		{"v1", "http://127.0.0.1:8080/v1/me/personal-token"},
		{"gateway", "http://" + nginxListener + "/changes/7"},
		{"gateway", "http://" + caddyListener + "/changes/7"},
	}
	for _, from := range []struct {
		address string
		heard   bool // by Jeton, with the cookies
	}{{sameSite, true}, {otherSite, false}} {
		for _, target := range targets {
			for _, a := range attacks() {
				name := fmt.Sprintf("%s to %s from %s", a.name, target.address, from.address)
				p.visit(t, from.address)
				made, before := s.tokenMade(t, "alice"), s.crossOrigin(t, target.door)
				got := p.eval(t, strings.ReplaceAll(a.script, "TARGET", target.address))
				if from.heard && a.name != "fetch, cors, as JSON" { // for which the browser asks first, and is given no leave
					within(t, patience, "the audit log to tell of "+name, func() bool { return s.crossOrigin(t, target.door) > before })
				}
				if after := s.tokenMade(t, "alice"); after != made {
					t.Fatalf("%s: the token made at %s is another, %s", name, made, after)
				}
				if seen := s.api.seen(); len(seen) > 0 {
					t.Errorf("%s: the API saw %q, want nothing", name, seen)
				}
				if strings.HasPrefix(got, "answered") {
					t.Errorf("%s: the attacker's page reads the answer: %s", name, got)
				}
				if !p.in(t, "alice") {
					t.Fatalf("%s: alice was logged out", name)
				}
			}
		}
	}
	s.testOwnOrigin(t, p)
}

// testOwnOrigin are the twins: the same calls from the page that may make them.
func (s *stack) testOwnOrigin(t *testing.T, p *page) {
	for _, proxy := range s.proxies {
		for _, a := range attacks() {
			p.visit(t, "http://"+proxy.address+"/reports/7")
			s.api.seen()
			p.eval(t, strings.ReplaceAll(a.script, "TARGET", "http://"+proxy.address+"/changes/7"))
			var seen []string
			within(t, patience, a.name+" to reach the API", func() bool { seen = append(seen, s.api.seen()...); return len(seen) > 0 })
			if !strings.HasPrefix(seen[0], "POST /changes/7 ") || field(seen[0], "Remote-User") != "alice" || field(seen[0], "Cookie") != "" {
				t.Errorf("%s, %s: the API saw %q, want alice's call without her cookie", proxy.name, a.name, seen)
			}
		}
	}
	// /v1 and the console forbid scripts of their own pages to call anything; the test may.
	made := s.tokenMade(t, "alice")
	do(t, p, "lifting the page's policy", calling(cdppage.SetBypassCSP, cdppage.SetBypassCSPParams{Enabled: true}))
	p.visit(t, console)
	if got := p.eval(t, `fetch("/v1/me/personal-token", {method: "POST"}).then(r => "answered " + r.status)`); got != "answered 201" {
		t.Errorf("/v1 from the console's origin: %s, want 201", got)
	}
	if after := s.tokenMade(t, "alice"); after == made {
		t.Error("/v1 from the console's origin: the token is the former")
	}
	do(t, p, "setting the page's policy again", calling(cdppage.SetBypassCSP, cdppage.SetBypassCSPParams{Enabled: false}))
	s.newToken(t, "alice")
	made = s.tokenMade(t, "alice")
	p.visit(t, "http://127.0.0.1:8080"+s.profile(t, "alice")+"/security")
	p.find(t, "DisclosureTriangle", "Generate authentication token").click(t)
	p.find(t, "button", "Generate authentication token").click(t)
	(&person{stack: s, page: p}).copyToken(t)
	if after := s.tokenMade(t, "alice"); after == made {
		t.Error("the console's own button: the token is the former")
	}
	s.newToken(t, "alice")
}

// buttonOf returns where the form of a button on the browser's own Security tab leads.
func (s *stack) buttonOf(t *testing.T, p *page, name string) string {
	t.Helper()
	tab := s.profile(t, "alice") + "/security"
	all := forms(t, p.visitor(t).get(t, tab).body)
	at := slices.IndexFunc(all, func(f form) bool { return f.button == name })
	if at < 0 {
		t.Fatalf("got forms %v, want one with the button %q", all, name)
	}
	base, err := url.Parse("http://127.0.0.1:8080" + tab)
	must(t, err)
	target, err := base.Parse(all[at].action)
	must(t, err)
	return target.RequestURI()
}

// crossOrigin counts the refusals for their origin at a door.
func (s *stack) crossOrigin(t *testing.T, door string) (count int64) {
	t.Helper()
	for e, err := range s.admin.Events(t.Context(), client.EventFilter{Action: "refused", Reason: "cross_origin"}) {
		must(t, err)
		if e.Door == door {
			count += e.Count
		}
	}
	return count
}

// testFrame has an attacker's page show the console in a frame, where a person could be made to press its buttons.
func (s *stack) testFrame(t *testing.T, p *page) {
	s.newcomer(t, p, "alice")
	sameSite, _ := evil(t)
	frames := func(address string) int {
		p.visit(t, sameSite)
		p.eval(t, `new Promise(done => {
			const frame = document.createElement("iframe");
			frame.addEventListener("load", () => done("loaded"));
			frame.src = "`+address+`";
			document.body.append(frame);
		})`)
		tree := do(t, p, "looking at the frames", calling(cdppage.GetFrameTree, cdp.Empty{})).FrameTree
		shown := 0
		for _, child := range tree.ChildFrames {
			if child.Frame.UnreachableURL == "" && strings.HasPrefix(child.Frame.URL, address) {
				shown++
			}
		}
		return shown
	}
	if got := frames(sameSite + "cats"); got != 1 { // the twin
		t.Errorf("the attacker's own page shows in %d frames, want 1", got)
	}
	if got := frames(console); got != 0 {
		t.Errorf("the console shows in %d frames of another page", got)
	}
}

// testPasswordChange has alice change her password in one of two browsers.
func (s *stack) testPasswordChange(t *testing.T, p *page) {
	_, err := s.admin.CreateUser(t.Context(), api.NewUser{Username: "carol", Password: userPassword, Roles: []string{"partner"}})
	must(t, err)
	s.newToken(t, "carol")
	s.newcomer(t, p, "carol")
	other := s.newcomer(t, p.otherBrowser(t), "carol")
	former, others := p.visitor(t), other.visitor(t)

	const newPassword = userPassword + "-changed"
	p.visit(t, "http://127.0.0.1:8080"+s.profile(t, "carol")+"/security")
	p.field(t, "current").fill(t, userPassword)
	p.field(t, "new").fill(t, newPassword)
	p.field(t, "again").fill(t, newPassword)
	p.find(t, "button", "Change password").click(t)
	within(t, patience, "a new session", func() bool {
		c := p.cookies(t)[consoleCookie]
		return c != nil && c.Value != former.cookies[consoleCookie]
	})
	for _, c := range p.cookies(t) {
		s.secrets = append(s.secrets, c.Value)
	}
	for name, v := range map[string]*visitor{"the former cookies of this browser": former, "the other browser": others} {
		if got := v.whose(t); got != "401" {
			t.Errorf("%s are still %s's", name, got)
		}
		raw := get("/reports/7", "Cookie: jeton_api="+v.cookies[apiCookie])
		s.wantRefused(t, raw, s.send(t, raw), 401)
	}
	if !p.in(t, "carol") {
		t.Error("the browser in which the password was changed is logged out")
	}
	other.visit(t, console)
	other.find(t, "textbox", "User name")
	for _, credential := range []string{"Cookie: jeton_api=" + p.cookies(t)[apiCookie].Value, s.bearer("carol")} { // the token is no password's
		raw := get("/reports/7", credential)
		s.wantPassed(t, raw, s.send(t, raw))
	}
	if v := (&visitor{}); v.logIn(t, "/console/login", "carol", userPassword).status == http.StatusSeeOther && v.cookies[consoleCookie] != "" {
		t.Error("the former password still logs in")
	}
	if v := (&visitor{}); v.logIn(t, "/console/login", "carol", newPassword).status != http.StatusSeeOther {
		t.Error("the new password doesn't log in")
	}
}

func (s *stack) testLogOut(t *testing.T, p *page) {
	s.newcomer(t, p, "alice")
	former := p.visitor(t)
	p.visit(t, "http://"+nginxListener+"/reports/7")
	s.wantCalls(t, 1)
	p.visit(t, console)
	p.find(t, "button", "Log out").click(t)
	p.find(t, "textbox", "User name")
	if cookies := p.cookies(t); cookies[consoleCookie] != nil || cookies[apiCookie] != nil {
		t.Errorf("got cookies %v after the log-out, want neither", cookies)
	}
	if got := former.whose(t); got != "401" {
		t.Errorf("the former cookie is still %s's", got)
	}
	for _, proxy := range s.proxies {
		raw := get("/reports/7", "Cookie: jeton_api="+former.cookies[apiCookie])
		s.wantRefused(t, raw, exchange(t, "127.0.0.1", proxy.address, raw+"\r\n"), 401)
	}
	do(t, p, "going back", chromedp.NavigateBack())
	if strings.Contains(p.text(t), "Log out") {
		t.Errorf("the page is shown again after the log-out:\n%s", p.text(t))
	}
}

// wantCalls checks how many calls the API has seen.
func (s *stack) wantCalls(t *testing.T, want int) {
	t.Helper()
	if seen := s.api.seen(); len(seen) != want {
		t.Errorf("the API saw %q, want %d calls", seen, want)
	}
	s.passed += want
}

// testBlockedEverywhere blocks alice, who has a token, a password, and a browser that is logged in.
func (s *stack) testBlockedEverywhere(t *testing.T, p *page) {
	s.newcomer(t, p, "alice")
	v := p.visitor(t)
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+userPassword))
	credentials := map[string]string{"token": s.bearer("alice"), "password": basic, "browser": "Cookie: jeton_api=" + v.cookies[apiCookie]}
	ask := func(want int) {
		t.Helper()
		for name, credential := range credentials {
			for _, proxy := range s.proxies {
				raw := get("/reports/7", credential)
				a := exchange(t, "127.0.0.1", proxy.address, raw+"\r\n")
				if seen := s.api.seen(); a.status != want || len(seen) > 0 != (want == 200) {
					t.Errorf("%s, %s: got %d, and the API saw %q, want %d", proxy.name, name, a.status, seen, want)
				}
			}
		}
	}
	ask(200)
	before, _ := s.refusals(t, "blocked")
	s.setState(t, "alice", "blocked")
	ask(401)
	if after, _ := s.refusals(t, "blocked"); after < before+4 { // a browser's session has ended besides
		t.Errorf("the audit log tells of %d refusals of a blocked user, want those of token and password", after-before)
	}
	p.visit(t, console)
	p.find(t, "textbox", "User name")
	if at := (&visitor{}).logIn(t, "/console/login", "alice", userPassword); at.status == http.StatusSeeOther && strings.HasPrefix(at.header.Get("Location"), "/console/") && !strings.Contains(at.header.Get("Location"), "login") {
		t.Errorf("a blocked user logs in: got %d to %s", at.status, at.header.Get("Location"))
	}
	s.setState(t, "alice", "active")
	delete(credentials, "browser") // whose session ended when she was blocked
	ask(200)
}
