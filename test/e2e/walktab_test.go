package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"github.com/jeton-io/jeton/jetontest"
)

// tab is the page of a reader, and what is wrong with it.
type tab struct {
	*page
	*watch
	w      *walker
	since  time.Time                // when it was logged in
	secret string                   // of the reader's authenticator app
	key    webauthn.AuthenticatorID // the reader's security key
}

// tab returns a reader's, logged in, in the walker's language as it is chosen at the foot of a page.
func (w *walker) tab(t *testing.T, who string) *tab {
	t.Helper()
	if known := w.tabs[who]; known != nil {
		known.confirm(t)
		return known
	}
	p := w.browser.otherBrowser(t)
	at := &tab{page: p, watch: p.watched(t, w.URL), w: w}
	w.tabs[who] = at
	switch who {
	case stranger:
		at.sends(t, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", 1+slices.Index(walkers, w.id)))
	case elsewhere:
		at.sends(t, "Accept-Language", w.language)
	}
	p.visit(t, w.URL+"/console/login")
	at.send(t, `button[name=language][value=`+w.language+`]`, nil)
	if !slices.Contains([]string{"nobody", stranger, elsewhere}, who) {
		at.send(t, `form[action="/console/login"]`, fields{"username": strings.ReplaceAll(who, "{walker}", w.id)})
		at.send(t, `form[action="/console/login"]`, fields{"password": jetontest.Password})
		if got := p.eval(t, `location.pathname`); got != "/console/" {
			t.Fatalf("%s is at %s after the log-in, want /console/; the page says %s", who, got, p.text(t))
		}
		at.since = w.Now()
	}
	switch who {
	case carol, olga:
		w.enrol(t, at, who)
	case erin:
		at.plugIn(t)
	}
	return at
}

// confirm has whoever logged in some time ago confirm who it is, as the pages ask for before secrets: a long walk takes longer than that
// counts. Whoever has a second factor is done by then.
func (p *tab) confirm(t *testing.T) {
	t.Helper()
	if p.since.IsZero() || p.secret != "" || p.w.old || p.w.Now().Sub(p.since) < 10*time.Minute {
		return
	}
	p.visit(t, p.w.URL+"/console/confirm")
	if got := p.send(t, `main form`, fields{"password": jetontest.Password}); got != http.StatusOK {
		t.Fatalf("got %d for confirming who it is, want 200", got)
	}
	p.since = p.w.Now()
}

// The readers of whom each walker has one of its own.
const (
	carol = "carol-{walker}" // has a second factor, once she was asked for
	dave  = "dave-{walker}"  // does what his log-in may not outlive
	olga  = "olga-{walker}"  // has a second factor, too, and logged in long ago
	erin  = "erin-{walker}"  // has a security key in her browser
)

// Who isn't logged in.
const (
	stranger  = "stranger"  // comes from an address that nobody else comes from
	elsewhere = "elsewhere" // comes from another site's page, from where no cookie of ours comes along
)

// enrol gives a reader an authenticator app.
func (w *walker) enrol(t *testing.T, at *tab, who string) {
	t.Helper()
	at.visit(t, w.URL+w.resolve("/console/profile/users/{"+who+"}/security/authenticator"))
	at.readSecret(t)
	if got := at.send(t, `main form`, fields{"code": at.code(t, 0)}); got != http.StatusOK {
		t.Fatalf("got %d for the code of an authenticator app, want 200", got)
	}
}

// readSecret has the authenticator app take the secret that the page shows.
func (p *tab) readSecret(t *testing.T) {
	t.Helper()
	p.secret = p.eval(t, `document.querySelector("#secret").textContent.replaceAll(/\s/g, "")`)
}

// code returns what the authenticator app will show some time later.
func (p *tab) code(t *testing.T, later time.Duration) string {
	t.Helper()
	code, err := totp.GenerateCode(p.secret, p.w.Now().Add(later))
	must(t, err)
	return code
}

// sends has whatever the tab asks for bear a field of its own.
func (p *tab) sends(t *testing.T, name, value string) {
	t.Helper()
	do(t, p.page, "adding a field", calling(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{name: value}}))
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

// script returns what runs a script on the page, as the browser of somebody who means no good may, or is in a bad way.
func script(text string) func(*testing.T, *tab) {
	return func(t *testing.T, p *tab) {
		t.Helper()
		p.eval(t, `(async () => { `+p.w.resolve(text)+`; return ""; })()`)
	}
}

// before sends a form of the page so often, as another tab would, and stays where it is. None of it may be refused.
func before(selector string, fill fields, times int) func(*testing.T, *tab) {
	return func(t *testing.T, p *tab) {
		t.Helper()
		given := fields{}
		for name, value := range fill {
			given[name] = p.w.resolve(value)
		}
		do(t, p.page, "filling in", p.enter(selector, given, false))
		script(fmt.Sprintf(`const found = document.querySelector(%s), form = found.form ?? found, body = new URLSearchParams(new FormData(form));
			for (let n = 0; n < %d; n++) await fetch(form.action, {method: "POST", body})`, quote(selector), times))(t, p)
	}
}

// sentTo has a form of the page be sent to another path.
func sentTo(selector, path string) func(*testing.T, *tab) {
	return func(t *testing.T, p *tab) {
		t.Helper()
		script(`document.querySelector(`+quote(selector)+`).action = `+quote(p.w.resolve(path)))(t, p)
	}
}

// view makes the tab so wide, and has it prefer a scheme, of which no colour is on its way.
func (p *tab) view(t *testing.T, v view) {
	t.Helper()
	do(t, p.page, "resizing", calling(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.width, Height: 800, DeviceScaleFactor: 1}))
	do(t, p.page, "choosing a scheme", calling(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
}
