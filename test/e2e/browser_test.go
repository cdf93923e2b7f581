package e2e_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/jeton-io/jeton/client"
)

// console is where people log in.
const console = "http://127.0.0.1:8080/console/"

// person is Alice, who has a browser, a terminal, and what she has copied from one to the other.
type person struct {
	*stack
	page  *page
	token string
}

// TestPersonMakesAToken has a person follow, line by line, what an integrator's handbook says of the console: log in,
// Profile, Users, the pencil, Security, the button, and the token in bold in a green box. She takes it to curl, and her
// password, and then lets the API be called by the browser that is logged in. Each line leaves a picture.
func TestPersonMakesAToken(t *testing.T) {
	s := newStack(t, usual())
	alice := &person{stack: s, page: newBrowser(t)}
	must(t, s.client(t, client.Config{Username: "alice", Password: userPassword}).RevokePersonalToken(t.Context())) // the handbook is read without one
	for i, step := range []struct {
		picture, name string
		do            func(*person, *testing.T)
	}{
		{"log-in", "log in", (*person).logIn},
		{"profile", "click on Profile in the top menu bar", (*person).openProfile},
		{"user-list", "under Users, in the tab User list, click on the pencil to the right of the user name", (*person).openSelf},
		{"security", "select the tab Security", (*person).openSecurity},
		{"token", "under Authentication token for APIs, click on Generate authentication token", (*person).generate},
		{"bearer", "copy the token and call the API with it as Bearer", (*person).callByToken},
		{"basic", "call the API with user name and password as Basic", (*person).callByPassword},
		{"browser", "call the API in the same browser, which is logged in", (*person).callInBrowser},
		{"another-token", "generate another token, and the former is unusable", (*person).generateAgain},
	} {
		if !t.Run(fmt.Sprintf("%d %s", i+1, step.name), func(t *testing.T) {
			defer alice.page.picture(t, fmt.Sprintf("token/%d-%s", i+1, step.picture))
			step.do(alice, t)
		}) {
			t.Fatal("the rest can't be done without this line")
		}
	}
	if total := s.api.total(); total != s.passed {
		t.Errorf("the API saw %d requests, and clients got %d answers with status 200", total, s.passed)
	}
}

func (p *person) logIn(t *testing.T) {
	p.page.visit(t, "http://127.0.0.1:8080/")
	p.page.logIn(t, "alice", userPassword)
}

// logIn fills in the two pages of the log-in, as asked.
func (p *page) logIn(t *testing.T, name, password string) {
	t.Helper()
	p.find(t, "textbox", "User name").fill(t, name)
	p.find(t, "button", "Continue").click(t)
	p.find(t, "textbox", "Password").fill(t, password)
	p.find(t, "button", "Log in").click(t)
	p.find(t, "button", "Log out")
}

func (p *person) openProfile(t *testing.T) {
	profile := p.page.find(t, "link", "Profile")
	if got := profile.ask(t, `const r = this.getBoundingClientRect(); return r.bottom < 120 && this.closest("nav") !== null`); got != "true" {
		t.Errorf("the link Profile doesn't stand in the menu at the top of the page")
	}
	profile.click(t)
	p.page.find(t, "heading", "Users")
}

func (p *person) openSelf(t *testing.T) {
	tab := p.page.find(t, "link", "User list")
	if got := tab.ask(t, heading); got != "Users" {
		t.Errorf("the tab User list stands under %q, want Users", got)
	}
	tab.click(t)
	pencil := p.page.find(t, "link", "Edit alice")
	const right = `
		const cells = [...this.closest("tr").querySelectorAll("td, th")];
		const name = cells.find(c => c.innerText.trim() === "alice");
		return name !== undefined && name.getBoundingClientRect().left < this.getBoundingClientRect().left`
	if got := pencil.ask(t, right); got != "true" {
		t.Errorf("the pencil doesn't stand to the right of alice, in her row of the table")
	}
	pencil.click(t)
	p.page.find(t, "link", "General")
}

// heading is the last heading before an element: the one a person takes it to stand under.
const heading = `
	const above = [...document.querySelectorAll("h1, h2, h3, h4")].filter(h => h.compareDocumentPosition(this) & Node.DOCUMENT_POSITION_FOLLOWING);
	return above.length ? above.pop().innerText.trim() : ""`

func (p *person) openSecurity(t *testing.T) {
	p.page.find(t, "link", "Security").click(t)
	p.page.find(t, "heading", "Authentication token for APIs")
}

func (p *person) generate(t *testing.T) {
	button := p.page.find(t, "button", "Generate authentication token")
	if got := button.ask(t, heading); got != "Authentication token for APIs" {
		t.Errorf("the button stands under %q, want Authentication token for APIs", got)
	}
	button.click(t)
	p.token = p.copyToken(t)
}

var (
	tokenForm = regexp.MustCompile(`^jtp[0-9A-Za-z]{48}$`)
	rgb       = regexp.MustCompile(`^rgba?\((\d+), (\d+), (\d+)`)
)

// copyToken takes the token from the green box at the top of the page, and looks whether it is one.
func (p *person) copyToken(t *testing.T) string {
	t.Helper()
	var strong element
	token := ""
	within(t, patience, "a token in bold on the page", func() bool {
		for _, id := range p.page.named("strong", "") {
			strong = element{p.page, id, "what stands in bold"}
			if token = strong.ask(t, `return this.innerText`); tokenForm.MatchString(token) {
				return true
			}
		}
		return false
	})
	p.secrets = append(p.secrets, token)
	if weight, _ := strconv.Atoi(strong.ask(t, `return getComputedStyle(this).fontWeight`)); weight < 600 {
		t.Errorf("the token has weight %d, want bold", weight)
	}
	colour := rgb.FindStringSubmatch(strong.ask(t, `return getComputedStyle(this.closest("main > *")).backgroundColor`))
	if len(colour) != 4 {
		t.Fatal("the token's box has no colour")
	}
	var c [3]int
	for i := range c {
		c[i], _ = strconv.Atoi(colour[i+1])
	}
	if c[1] <= c[0] || c[1] <= c[2] {
		t.Errorf("the token's box has the colour %s, want a green", colour[0])
	}
	if got := strong.ask(t, `return this.closest("main > *") === document.querySelector("main").firstElementChild`); got != "true" {
		t.Error("the token's box isn't the first thing on the page")
	}
	return token
}

func (p *person) callByToken(t *testing.T) {
	p.curl(t, "200", "header = \"Authorization: Bearer "+p.token+"\"\n", "personal_token")
	p.curl(t, "401", "header = \"Authorization: Bearer "+p.token[:50]+"\"\n", "")
	p.curl(t, "401", "user = \"alice:"+p.token+"\"\n", "") // it is no password
	p.curl(t, "401", "user = \""+p.token+":\"\n", "")
}

func (p *person) callByPassword(t *testing.T) {
	p.curl(t, "200", "user = \"alice:"+userPassword+"\"\n", "password")
	p.curl(t, "401", "user = \"alice:"+userPassword+"x\"\n", "")
}

// curl calls the API through each proxy. The credential comes in curl's own configuration, as it should: arguments can
// be read by all who share the machine.
func (p *person) curl(t *testing.T, want, config, kind string) {
	t.Helper()
	for _, proxy := range p.proxies {
		cmd := exec.Command("curl", "--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}", "--config", "-", "http://"+proxy.address+"/reports/7")
		cmd.Stdin = strings.NewReader(config)
		out, err := cmd.Output()
		must(t, err)
		if string(out) != want {
			t.Errorf("%s: got %s, want %s", proxy.name, out, want)
		}
		if seen := p.api.seen(); want == "200" {
			p.wantCall(t, proxy.name, seen, kind)
		} else if len(seen) > 0 {
			t.Errorf("%s: the API saw %q, want nothing", proxy.name, seen)
		}
	}
}

// wantCall checks that the API saw one call, of alice by the kind of credential, and no credential.
func (p *person) wantCall(t *testing.T, proxy string, seen []string, kind string) {
	t.Helper()
	p.passed++
	if len(seen) != 1 || field(seen[0], "Remote-User") != "alice" || field(seen[0], "X-Jeton-Credential-Kind") != kind {
		t.Errorf("%s: the API saw %q, want one call of alice by %s", proxy, seen, kind)
	}
	for _, head := range seen {
		if field(head, "Authorization")+field(head, "Cookie") != "" {
			t.Errorf("%s: the API saw the credential in %q", proxy, head)
		}
	}
}

func (p *person) callInBrowser(t *testing.T) {
	for _, proxy := range p.proxies {
		p.page.visit(t, "http://"+proxy.address+"/reports/7")
		if got := p.page.text(t); got != "/reports/7 alice" {
			t.Errorf("%s: the browser shows %q, want the API's answer to alice", proxy.name, got)
		}
		p.wantCall(t, proxy.name, p.api.seen(), "api_session")
	}
	// The twin: a browser that nobody has logged in.
	stranger := p.page.otherBrowser(t)
	for _, proxy := range p.proxies {
		if got := stranger.status(t, "http://"+proxy.address+"/reports/7"); got != 401 {
			t.Errorf("%s: a browser that isn't logged in got %d, want 401", proxy.name, got)
		}
	}
	if seen := p.api.seen(); len(seen) > 0 {
		t.Errorf("the API saw %q, want nothing", seen)
	}
}

func (p *person) generateAgain(t *testing.T) {
	former := p.token
	p.page.visit(t, console)
	p.openProfile(t)
	p.openSelf(t)
	p.openSecurity(t)
	p.page.find(t, "DisclosureTriangle", "Generate authentication token").click(t) // which says what it ends
	p.generate(t)
	if p.token == former {
		t.Error("got the former token again")
	}
	p.curl(t, "401", "header = \"Authorization: Bearer "+former+"\"\n", "")
	p.curl(t, "200", "header = \"Authorization: Bearer "+p.token+"\"\n", "personal_token")
	// It was shown once.
	p.openSecurity(t)
	if strings.Contains(p.page.source(t), p.token) {
		t.Error("the token is shown a second time")
	}
}

// status visits an address and returns the status of the answer.
func (p *page) status(t *testing.T, address string) int64 {
	t.Helper()
	return do(t, p, "visiting "+address, chromedp.NavigateResponse(address)).Status
}

// source is the page's HTML as it stands.
func (p *page) source(t *testing.T) string {
	t.Helper()
	return p.eval(t, `document.documentElement.outerHTML`)
}
