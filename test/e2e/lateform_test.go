package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	testdesk "github.com/jeton-io/jeton/test/desk"
)

// nextTab returns the tab that something opens.
func (p *page) nextTab(t *testing.T, open func(t *testing.T)) *page {
	t.Helper()
	opened := chromedp.WaitNewTarget(p.ctx, func(*target.Info) bool { return true })
	open(t)
	ctx, closing := chromedp.NewContext(p.ctx, chromedp.WithTargetID(<-opened))
	t.Cleanup(closing)
	must(t, chromedp.Do(ctx))
	return &page{ctx}
}

// TestFormThatComesTooLate fills in a form by a log-in of long ago. What was typed stays in its tab and is sent by the same button, once
// another tab was used to confirm; nothing is done before.
func TestFormThatComesTooLate(t *testing.T) {
	d, url := consoleDesk(t)
	_, err := d.Catalog.Create(t.Context(), catalog.Draft{Name: "late", Host: "late.example.com"}, audit.Actor{})
	must(t, err)
	p := newBrowser(t)
	said := p.watched(t, strings.TrimSuffix(url, "/console/"))
	p.visit(t, url)
	p.logIn(t, "root", testdesk.Password)
	d.Advance(t, 16*time.Minute)
	p.visit(t, url+"administration/services/late/settings")
	p.find(t, "textbox", "Host").ask(t, `this.value = ""`)
	p.find(t, "textbox", "Host").fill(t, "typed.example.com")
	p.find(t, "button", "Save").click(t)
	way := p.find(t, "link", "Confirm in another tab")
	p.picture(t, "late-form")
	host := func() string {
		e, err := d.Catalog.Service(t.Context(), "late")
		must(t, err)
		return e.Host
	}
	if got := host(); got != "late.example.com" {
		t.Errorf("the form was taken: the host is %s", got)
	}
	for _, found := range p.violations(t, readFile(t, axeSource), "light") {
		t.Error(found)
	}

	other := p.nextTab(t, way.click)
	other.find(t, "textbox", "Password").fill(t, testdesk.Password)
	other.find(t, "button", "Confirm").click(t)
	other.find(t, "heading", "You have confirmed that it is you")
	if got := host(); got != "late.example.com" {
		t.Errorf("to confirm has sent the form: the host is %s", got)
	}

	do(t, p, "going back to the tab", calling(cdppage.BringToFront, cdp.Empty{}))
	if got := p.find(t, "textbox", "Host").ask(t, `return this.value`); got != "typed.example.com" {
		t.Errorf("the form has the host %q, want what was typed", got)
	}
	p.find(t, "button", "Save").click(t)
	p.onSight(t, "that it was saved", `document.querySelector("[role=status]")?.textContent.includes("Service changed")`)
	if got := host(); got != "typed.example.com" {
		t.Errorf("got the host %s, want the one that was typed", got)
	}
	said.silent(t)
}
