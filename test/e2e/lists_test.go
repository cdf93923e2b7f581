package e2e_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	pages "github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/web"
	testdesk "github.com/jeton-io/jeton/test/desk"
)

// silent demands that a browser has complained of nothing.
func (w *watch) silent(t *testing.T) {
	t.Helper()
	if complaints, _ := w.drain(); len(complaints) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(complaints, "\n"))
	}
}

// consoleDesk serves the console alone, with sixty users beside the administrator root, and returns its address.
func consoleDesk(t *testing.T) (*testdesk.Desk, string) {
	t.Helper()
	cookies := pages.NewCookies("http://127.0.0.1", "")
	d := testdesk.New(t, testdesk.Options{Cookies: cookies.Known()})
	h, err := pages.New(pages.Config{
		Authority: d.Authority, Accounts: d.Accounts, Tokens: d.Personal, APITokens: d.API, Browsers: d.Browsers, Sessions: d.Sessions, Clients: d.Clients, Factors: d.Factors, Links: d.Links,
		Platforms: d.Platforms, Projects: d.Projects, Keys: d.Keyring, Catalog: d.Catalog, Events: d.Store, Feed: d.Feed, Peers: d.Peers, Now: d.Now, Cookies: cookies,
	})
	must(t, err)
	server := httptest.NewServer(web.Headers(false, h))
	t.Cleanup(server.Close)
	for n := range 60 {
		_, err := d.Accounts.Create(t.Context(), account.Draft{Username: fmt.Sprintf("user%02d", n)}, audit.Actor{})
		must(t, err)
	}
	return d, server.URL + "/console/"
}

// onSight waits until an expression is true on the page.
func (p *page) onSight(t *testing.T, what, expression string) {
	t.Helper()
	within(t, patience, what, func() bool { return p.eval(t, `String(`+expression+`)`) == "true" })
}

// TestListsStayInTheirPlace searches a list as one types, sorts it and turns its pages, without the page being loaded anew, and goes back.
func TestListsStayInTheirPlace(t *testing.T) {
	_, url := consoleDesk(t)
	p := newBrowser(t)
	said := p.watched(t, strings.TrimSuffix(url, "/console/"))
	p.visit(t, url)
	p.logIn(t, "root", testdesk.Password)
	p.visit(t, url+"administration/users")
	p.eval(t, `window.same = "the same page"`)
	p.find(t, "searchbox", "Search").fill(t, "user4")
	p.onSight(t, "what was searched", `document.querySelectorAll("tbody tr").length === 10 && location.search.includes("q=user4")`)
	p.onSight(t, "how much was found, said to who can't see it", `document.querySelector("[role=status]").textContent.includes("10")`)
	p.find(t, "link", "User name").click(t)
	p.onSight(t, "the list the other way round", `document.querySelector("th[aria-sort=descending]") && document.querySelector("tbody th a").textContent === "user49"`)
	if got := p.eval(t, `document.activeElement.id`); got != "sort-name" {
		t.Errorf("got the keyboard at %q, want it where it was", got)
	}
	p.eval(t, `document.querySelector("#q").select() || ""`)
	p.find(t, "searchbox", "Search").ask(t, `this.select()`)
	do(t, p, "clearing the field", chromedp.KeyEvent("\b"))
	p.onSight(t, "all of them", `document.querySelectorAll("tbody tr").length === 50 && !location.search.includes("q=user4")`)
	p.find(t, "link", "Next page").click(t)
	p.onSight(t, "the next page", `document.querySelectorAll("tbody tr").length < 50 && location.search.includes("after=")`)
	if got := p.eval(t, `window.same || "another"`); got != "the same page" {
		t.Error("the page was loaded anew, want its list changed in its place")
	}
	if got := p.eval(t, `JSON.stringify([Object.keys(sessionStorage), Object.keys(localStorage)])`); got != `[["htmx-current-path-for-history"],[]]` {
		t.Errorf("got %s kept by the browser, want no page", got)
	}
	p.eval(t, `history.back() || ""`)
	p.onSight(t, "the page before", `document.querySelectorAll("tbody tr").length === 50 && !location.search.includes("after=")`)
	said.silent(t)
	do(t, p, "taking the cookies away", calling(network.ClearBrowserCookies, cdp.Empty{}))
	p.find(t, "searchbox", "Search").fill(t, "x")
	p.onSight(t, "the log-in, since the session is over", `location.pathname === "/console/login"`)
}

// TestBlockedInItsPlace blocks somebody in a list that was searched and sorted in its place: the list is as it was.
func TestBlockedInItsPlace(t *testing.T) {
	_, url := consoleDesk(t)
	p := newBrowser(t)
	said := p.watched(t, strings.TrimSuffix(url, "/console/"))
	p.visit(t, url)
	p.logIn(t, "root", testdesk.Password)
	p.visit(t, url+"administration/users")
	p.find(t, "searchbox", "Search").fill(t, "user4")
	p.onSight(t, "what was searched", `document.querySelectorAll("tbody tr").length === 10 && location.search.includes("q=user4")`)
	p.find(t, "link", "User name").click(t)
	p.onSight(t, "the list the other way round", `document.querySelector("tbody th a").textContent === "user49"`)
	p.find(t, "checkbox", "Choose user49").click(t)
	p.find(t, "button", "Block the chosen ones").click(t)
	p.onSight(t, "that it was done", `document.querySelector("main > .notice")?.textContent.includes("are blocked")`)
	p.onSight(t, "the same list", `document.querySelectorAll("tbody tr").length === 10 && document.querySelector("tbody tr").textContent.includes("Blocked") && document.querySelector("tbody th a").textContent === "user49"`)
	said.silent(t)
}

// TestAuditIsFollowed sees what happens in the log come by itself, and what is open in it stay open.
func TestAuditIsFollowed(t *testing.T) {
	d, url := consoleDesk(t)
	p := newBrowser(t)
	said := p.watched(t, strings.TrimSuffix(url, "/console/"))
	p.visit(t, url)
	p.logIn(t, "root", testdesk.Password)
	p.visit(t, url+"administration/audit?action=user.create&follow=1")
	p.eval(t, `window.same = "the same page"`)
	p.eval(t, `document.querySelector("tbody summary").click() || document.querySelector("tbody summary").focus() || ""`)
	at := p.eval(t, `document.querySelector("tbody details").id`)
	_, err := d.Accounts.Create(t.Context(), account.Draft{Username: "newcomer"}, audit.Actor{})
	must(t, err)
	within(t, 2*patience, "what has happened", func() bool { return strings.Contains(p.text(t), "newcomer") })
	if got := p.eval(t, `[window.same, document.querySelector("details[open].more").id, document.activeElement.id].join(" ")`); got != "the same page "+at+" "+at+"-more" {
		t.Errorf("got %q, want the list alone read anew, %s open, and the keyboard there", got, at)
	}
	said.silent(t)
}
