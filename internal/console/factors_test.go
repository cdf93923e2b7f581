package console_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/secret"
)

// device is a person's authenticator app, with the recovery codes that came with it.
type device struct {
	d      *desk
	secret string
	codes  []string
}

// code returns what the app shows now.
func (a *device) code(t testing.TB) string {
	t.Helper()
	code, err := totp.GenerateCode(a.secret, a.d.clock())
	check(t, err)
	return code
}

// wrong returns six digits that the app shows neither now nor about now.
func (a *device) wrong(t testing.TB) string {
	t.Helper()
	var near []string
	for _, by := range []time.Duration{-time.Minute, -30 * time.Second, 0, 30 * time.Second, time.Minute} {
		code, err := totp.GenerateCode(a.secret, a.d.clock().Add(by))
		check(t, err)
		near = append(near, code)
	}
	for _, code := range []string{"000000", "000001", "000002", "000003", "000004", "000005"} {
		if !slices.Contains(near, code) {
			return code
		}
	}
	t.Fatal("six codes at once")
	return ""
}

// enrol turns on an authenticator app for whoever is logged in, and waits until its next code.
func (d *desk) enrol(t testing.TB, b *browser, u account.User) *device {
	t.Helper()
	page := b.want(t, ask{route: "GET " + securityOf(u) + "/authenticator"}, http.StatusOK)
	app := &device{d: d, secret: strings.ReplaceAll(page.one(t, "#secret").text(), " ", "")}
	a := b.want(t, ask{route: "POST " + securityOf(u) + "/authenticator", form: form("ticket", ticketOf(t, page), "code", app.code(t))}, http.StatusOK)
	app.codes = strings.Fields(a.one(t, "#issued").text())
	d.pass(t, 30*time.Second)
	return app
}

// ticketOf returns the ticket that a page's first form sends along.
func ticketOf(t testing.TB, a answer) string {
	t.Helper()
	found := a.all("input[name=ticket]")
	if len(found) == 0 {
		t.Fatalf("the page asks for no second factor: %s", a.text())
	}
	return found[0].attribute("value")
}

// ticket takes the first step of a log-in and returns the ticket to the second.
func (b *browser) ticket(t testing.TB, username string) string {
	t.Helper()
	return ticketOf(t, b.want(t, ask{route: "POST /console/login", form: form("username", username, "password", goodPassword)}, http.StatusOK))
}

// step is the second step of a log-in.
func step(ticket, code string) ask {
	return ask{route: "POST /console/login/second-factor", form: form("ticket", ticket, "code", code)}
}

// logInBy takes both steps.
func (b *browser) logInBy(t testing.TB, username, code string) answer {
	t.Helper()
	to := "/console/"
	if len(code) > 6 { // no app's
		to += "?notice=recovery-code-used"
	}
	return b.to(t, step(b.ticket(t, username), code), to)
}

// withApp is a desk with alice, who has an authenticator app.
func withApp(t *testing.T) (*desk, account.User, *device) {
	t.Helper()
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	return d, u, d.enrol(t, b, u)
}

// TestAuthenticator turns one on in the way that the manual describes: secret, 6-digit code, 16 recovery codes.
func TestAuthenticator(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b, elsewhere := d.browser(), d.browser()
	b.logIn(t, "alice")
	elsewhere.logIn(t, "alice")
	tab := b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK)
	checkPage(t, "the tab", tab.node)
	section := tab.one(t, "section[aria-labelledby=second-factor]")
	if !strings.HasPrefix(section.text(), "Second factor Off Whoever learns your password") || len(section.all("details")) > 0 {
		t.Errorf("the section is %s", section.text())
	}
	link := section.one(t, "a[href="+securityOf(u)+"/authenticator]")
	page := b.want(t, ask{route: "GET " + link.attribute("href")}, http.StatusOK)
	checkPage(t, "the page", page.node)
	app := &device{d: d, secret: strings.ReplaceAll(page.one(t, "#secret").text(), " ", "")}
	if len(page.all("svg.qr[role=img]")) != 1 || !regexp.MustCompile(`^[A-Z2-7]{32}$`).MatchString(app.secret) {
		t.Errorf("the page is %s", page.body)
	}

	wrong := b.want(t, ask{route: "POST " + securityOf(u) + "/authenticator", form: form("ticket", ticketOf(t, page), "code", app.wrong(t))}, http.StatusUnprocessableEntity)
	checkPage(t, "a wrong code", wrong.node)
	if got := wrong.one(t, "#code-problem").text(); !strings.HasPrefix(got, "This is not the app's code. Enter the six digits") {
		t.Errorf("got %q", got)
	}
	if wrong.one(t, "#secret").text() != page.one(t, "#secret").text() || ticketOf(t, wrong) != ticketOf(t, page) || wrong.all("svg.qr path")[1].attribute("d") != page.all("svg.qr path")[1].attribute("d") {
		t.Error("after a wrong code it is another secret")
	}
	if on, err := d.inside.Factors.On(t.Context(), u.ID); on || err != nil {
		t.Errorf("got %t and %v before any code was right", on, err)
	}

	before := b.cookies["jeton"]
	a := b.want(t, ask{route: "POST " + securityOf(u) + "/authenticator", form: form("ticket", ticketOf(t, page), "code", app.code(t)[:3]+" "+app.code(t)[3:])}, http.StatusOK)
	checkPage(t, "the codes", a.node)
	codes := strings.Fields(a.one(t, "#issued").text())
	for _, code := range codes {
		if !regexp.MustCompile(`^[0-9a-z]{5}-[0-9a-z]{5}$`).MatchString(code) {
			t.Errorf("got the recovery code %q", code)
		}
	}
	if len(codes) != 16 || len(slices.Compact(slices.Sorted(slices.Values(codes)))) != 16 {
		t.Errorf("got %d recovery codes: %q", len(codes), codes)
	}
	if b.cookies["jeton"] == before || b.cookies["jeton"] == "" {
		t.Error("the browser kept its session")
	}
	thief := d.browser()
	thief.cookies["jeton"] = before
	for _, over := range []*browser{elsewhere, thief} { // of before a second factor was asked for
		over.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
		d.wantRefused(t, "ended console_session")
	}
	tab = b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK)
	if got := tab.one(t, "section[aria-labelledby=second-factor]").text(); !strings.HasPrefix(got, "Second factor On To log in") || !strings.Contains(got, "Recovery codes left: 16") {
		t.Errorf("the section is %s", got)
	}
	for _, code := range append(codes, app.secret) {
		if strings.Contains(tab.body, code) || strings.Contains(d.log.String(), code) {
			t.Errorf("%s is shown again, or logged", code)
		}
	}
	// The address bar has the form's address. To read it makes nothing.
	b.to(t, ask{route: "GET " + securityOf(u) + "/authenticator"}, securityOf(u))
	b.to(t, ask{route: "GET " + securityOf(u) + "/recovery-codes"}, securityOf(u))
	d.ended(t, "authenticator.add alice", "session.begin alice")
}

// TestEnrolmentTicket: what comes back with a code must be the own enrolment, in time, and before any other change.
func TestEnrolmentTicket(t *testing.T) {
	d := newDesk(t)
	alice, bob := d.user(t, account.Draft{Username: "alice"}), d.user(t, account.Draft{Username: "bob"})
	b, other := d.browser(), d.browser()
	b.logIn(t, "alice")
	other.logIn(t, "bob")
	begin := func(b *browser, u account.User) (string, *device) {
		page := b.want(t, ask{route: "GET " + securityOf(u) + "/authenticator"}, http.StatusOK)
		return ticketOf(t, page), &device{d: d, secret: strings.ReplaceAll(page.one(t, "#secret").text(), " ", "")}
	}
	sent := func(ticket, code string) ask {
		return ask{route: "POST " + securityOf(alice) + "/authenticator", form: form("ticket", ticket, "code", code)}
	}
	anew := securityOf(alice) + "/authenticator?notice=enrolment-over"
	theirs, app := begin(other, bob)
	b.to(t, sent(theirs, app.code(t)), anew)
	own, app := begin(b, alice)
	for _, at := range []int{0, len(own) / 2, len(own) - 8} {
		b.to(t, sent(flipped(own, at), app.code(t)), anew)
	}
	b.to(t, sent("", app.code(t)), anew)
	old, oldApp := begin(b, alice)
	d.pass(t, 10*time.Minute)
	b.to(t, sent(old, oldApp.code(t)), anew)
	if on, err := d.inside.Factors.On(t.Context(), alice.ID); on || err != nil {
		t.Errorf("got %t and %v", on, err)
	}
	own, app = begin(b, alice)
	second, secondApp := begin(b, alice)
	b.want(t, sent(own, app.code(t)), http.StatusOK) // the twin
	a := b.to(t, sent(second, secondApp.code(t)), securityOf(alice)+"?notice=authenticator-on")
	if got := b.want(t, ask{route: "GET " + a.header.Get("Location")}, http.StatusOK).one(t, ".notice").text(); !strings.HasPrefix(got, "Your authenticator app is on already.") {
		t.Errorf("a second app: got %q", got)
	}
}

// flipped returns a text of base64url that differs in one byte of what it says.
func flipped(text string, at int) string {
	b := []byte(text)
	if b[at] == 'A' {
		b[at] = 'Q'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// TestSecondFactor: the password gives no cookie, the code gives new ones, and the way back is kept.
func TestSecondFactor(t *testing.T) {
	d, _, app := withApp(t)
	d.user(t, account.Draft{Username: "mallory"})
	mallory := d.browser()
	mallory.logIn(t, "mallory")
	b := d.browser()
	b.cookies["jeton"] = mallory.cookies["jeton"] // planted
	a := b.want(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword, "next", "/console/profile/users")}, http.StatusOK)
	checkPage(t, "the second step", a.node)
	if len(b.given) > 0 || a.one(t, "h1").text() != "Second factor" || len(a.all("header .who")) > 0 {
		t.Errorf("got cookies %v and %s", b.given, a.text())
	}
	code := a.one(t, "input#code")
	if code.attribute("autocomplete") != "one-time-code" || len(a.all("input#recovery")) != 1 || len(a.all("form[data-passkey]")) != 0 {
		t.Errorf("the page is %s", a.body)
	}
	for _, next := range a.all("main [name=next]") {
		if next.attribute("value") != "/console/profile/users" {
			t.Errorf("the way back leads to %q", next.attribute("value"))
		}
	}
	d.wantRefused(t)
	q := step(ticketOf(t, a), app.code(t))
	q.form.Set("next", "/console/profile/users")
	b.to(t, q, "/console/profile/users")
	if b.cookies["jeton"] == "" || b.cookies["jeton"] == mallory.cookies["jeton"] {
		t.Error("the browser kept the planted session")
	}
	b.want(t, ask{route: "GET /console/"}, http.StatusOK)
	mallory.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended") // it was this browser's
	d.ended(t, "session.begin alice")
}

// TestSecondFactorStaysHere: no return address leads out of the console.
func TestSecondFactorStaysHere(t *testing.T) {
	d, _, app := withApp(t)
	b := d.browser()
	for _, away := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/console//evil.example", "/console/logout"} {
		d.pass(t, 30*time.Second)
		a := b.want(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword, "next", away)}, http.StatusOK)
		if len(a.all("main [name=next]")) > 0 || strings.Contains(a.body, "evil") {
			t.Errorf("%s: the page leads there", away)
		}
		q := step(ticketOf(t, a), app.code(t))
		q.form.Set("next", away)
		b.to(t, q, "/console/")
	}
	b.to(t, ask{route: "GET /console/login/second-factor"}, "/console/login")
}

// TestNothingSaidBefore: until the password was right, whoever has a second factor looks like whoever has none.
func TestNothingSaidBefore(t *testing.T) {
	d, _, _ := withApp(t)
	d.user(t, account.Draft{Username: "bobby"})
	var first string
	for _, name := range []string{"bobby", "alice", "carol"} {
		b := d.browser()
		whole := b.want(t, ask{route: "POST /console/login", form: form("username", name)}, http.StatusOK).body
		whole += b.want(t, ask{route: "POST /console/login", form: form("username", name, "password", goodPassword+"r")}, http.StatusUnauthorized).body
		whole = strings.ReplaceAll(whole, name, "NAME")
		if first == "" {
			first = whole
		}
		if diff := cmp.Diff(first, whole); diff != "" {
			t.Errorf("%s (-bobby +%s)\n%s", name, name, diff)
		}
	}
	d.wantRefused(t, "unknown_user password", "wrong_password password")
	d.browser().ticket(t, "alice") // the twin
}

// TestNoWayRound tries what could stand for the second step and isn't it. Each has its twin that differs in that alone.
func TestNoWayRound(t *testing.T) {
	d, u, app := withApp(t)
	bob := d.user(t, account.Draft{Username: "bob"})
	bobs := d.browser()
	bobs.logIn(t, "bob")
	d.enrol(t, bobs, bob)
	carol := d.user(t, account.Draft{Username: "carol"})
	carols := d.browser()
	carols.logIn(t, "carol")
	ofEnrolment := ticketOf(t, carols.want(t, ask{route: "GET " + securityOf(carol) + "/authenticator"}, http.StatusOK))

	const over = "/console/login?notice=step-over"
	for _, tt := range []struct {
		name   string
		ticket func(b *browser) string
		code   func() string
		status int
		reason string
	}{
		{"no ticket", func(*browser) string { return "" }, nil, http.StatusSeeOther, "unknown_ticket"},
		{"altered at its beginning", func(b *browser) string { return flipped(b.ticket(t, "alice"), 0) }, nil, http.StatusSeeOther, "unknown_ticket"},
		{"altered in the middle", func(b *browser) string { return flipped(b.ticket(t, "alice"), 90) }, nil, http.StatusSeeOther, "unknown_ticket"},
		{"cut", func(b *browser) string { ticket := b.ticket(t, "alice"); return ticket[:len(ticket)-4] }, nil, http.StatusSeeOther, "unknown_ticket"},
		{"another user's, with the own code", func(b *browser) string { return b.ticket(t, "bob") }, nil, http.StatusUnauthorized, "wrong_code"},
		{"of an enrolment", func(*browser) string { return ofEnrolment }, nil, http.StatusSeeOther, "unknown_ticket"},
		{"expired", func(b *browser) string { ticket := b.ticket(t, "alice"); d.pass(t, 10*time.Minute); return ticket }, nil, http.StatusSeeOther, "expired"},
		{"a wrong code", func(b *browser) string { return b.ticket(t, "alice") }, func() string { return app.wrong(t) }, http.StatusUnauthorized, "wrong_code"},
		{"the password once more", func(b *browser) string { return b.ticket(t, "alice") }, func() string { return goodPassword }, http.StatusUnauthorized, "wrong_code"},
		{"a code of long ago", func(b *browser) string { return b.ticket(t, "alice") }, func() string {
			code := app.code(t)
			d.pass(t, time.Minute)
			return code
		}, http.StatusUnauthorized, "wrong_code"},
		{"a passkey's answer, of who has none", func(b *browser) string { return b.ticket(t, "alice") }, func() string { return `{"id":"AAAA"}` }, http.StatusUnauthorized, "wrong_passkey"},
		{"the user's password has changed", func(b *browser) string {
			ticket := b.ticket(t, "alice")
			_, err := d.accounts.Update(t.Context(), u.ID, 0, account.Patch{Password: new(secret.Text(goodPassword))}, audit.Actor{})
			check(t, err)
			return ticket
		}, nil, http.StatusSeeOther, "user_changed"},
		{"the user was blocked", func(b *browser) string {
			ticket := b.ticket(t, "alice")
			for _, state := range []account.State{account.Blocked, account.Active} {
				_, err := d.accounts.Update(t.Context(), u.ID, 0, account.Patch{State: &state}, audit.Actor{})
				check(t, err)
			}
			return ticket
		}, nil, http.StatusSeeOther, "user_changed"},
	} {
		d.pass(t, time.Hour) // for a code that is new, and no guess that is owed
		b := d.browser()
		ticket := tt.ticket(b)
		code := app.code(t)
		if tt.code != nil {
			code = tt.code()
		}
		d.refused(t)
		a := b.want(t, step(ticket, code), tt.status)
		if got := a.header.Get("Location"); tt.status == http.StatusSeeOther && got != over {
			t.Errorf("%s: got sent to %q, want %q", tt.name, got, over)
		}
		if len(b.given) > 0 {
			t.Errorf("%s: got cookies %v", tt.name, b.given)
		}
		d.wantRefused(t, tt.reason+" second_factor")
		d.pass(t, 30*time.Second)
		b.logInBy(t, "alice", app.code(t)) // the twin
		d.wantRefused(t)
	}

	// A ticket lasts for a second less than ten minutes, and is no session, nor a password.
	b := d.browser()
	ticket := b.ticket(t, "alice")
	d.pass(t, 10*time.Minute-time.Second)
	thief := d.browser()
	thief.cookies["jeton"] = ticket
	thief.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.wantRefused(t, "bad_checksum console_session")
	thief.want(t, ask{route: "POST /console/login", form: form("username", "alice", "password", ticket)}, http.StatusUnauthorized)
	d.wantRefused(t, "wrong_password password")
	b.to(t, step(ticket, app.code(t)), "/console/")
}

// TestWrongCode shows the step again, with its ticket; and what counts is said.
func TestWrongCode(t *testing.T) {
	d, _, app := withApp(t)
	b := d.browser()
	ticket := b.ticket(t, "alice")
	a := b.want(t, step(ticket, app.wrong(t)), http.StatusUnauthorized)
	checkPage(t, "a wrong code", a.node)
	if got := a.one(t, "[role=alert]").text(); got != "This code is wrong." || ticketOf(t, a) != ticket || a.one(t, "[aria-invalid]").attribute("id") != "code" {
		t.Errorf("got %q with another ticket", got)
	}
	if a = b.want(t, step(ticket, ""), http.StatusUnprocessableEntity); a.one(t, "[role=alert]").text() != "Enter a code." {
		t.Errorf("got %s", a.text())
	}
	d.wantRefused(t, "wrong_code second_factor")
	code := app.code(t)
	b.to(t, step(ticket, code), "/console/")
	a = d.browser().want(t, step(ticket, code), http.StatusUnauthorized)
	if got := a.one(t, "[role=alert]").text(); !strings.HasPrefix(got, "This code was used already.") {
		t.Errorf("got %q", got)
	}
	d.wantRefused(t, "used_code second_factor")
}

// TestCodeCountsOnce sends fifty forms at once, with a code of the app and with a recovery code: one of them is let in. Where the machine
// is so busy that a verdict comes too late, that form is answered 503, and let in is one at most.
func TestCodeCountsOnce(t *testing.T) {
	d, _, app := withApp(t)
	for _, code := range []string{app.code(t), app.codes[0]} {
		type sent struct {
			b *browser
			q ask
		}
		var all []sent
		for range 50 {
			b := d.browser()
			all = append(all, sent{b, step(b.ticket(t, "alice"), code)})
		}
		d.refused(t)
		answers := make(chan answer, len(all))
		for _, s := range all {
			go func() {
				a, err := s.b.try(t.Context(), s.q)
				if err != nil {
					t.Error(err)
				}
				answers <- a
			}()
		}
		let, late := 0, 0
		for range all {
			switch a := <-answers; a.status {
			case http.StatusSeeOther:
				let++
			case http.StatusUnauthorized:
			case http.StatusServiceUnavailable:
				late++
			default:
				t.Errorf("got %d to %q", a.status, a.header.Get("Location"))
			}
		}
		sessions := 0
		for _, s := range all {
			sessions += len(s.b.given) / 2
		}
		if sessions != let || let > 1 || let == 0 && late == 0 {
			t.Errorf("%s: %d were let in with %d sessions, want one", code, let, sessions)
		}
		late503 := func(line string) bool { return late > 0 && line == "unavailable second_factor" }
		if got := slices.DeleteFunc(d.refused(t), late503); !slices.Equal(got, []string{"used_code second_factor"}) {
			t.Errorf("%s: got refusals %q", code, got)
		}
	}
}

// TestGuesses: after five wrong codes no more is looked at for a while, not a right one either; a recovery code is.
func TestGuesses(t *testing.T) {
	d, _, app := withApp(t)
	b := d.browser()
	ticket := b.ticket(t, "alice")
	for range 5 {
		b.want(t, step(ticket, app.wrong(t)), http.StatusUnauthorized)
	}
	d.wantRefused(t, "wrong_code second_factor")
	a := b.want(t, step(ticket, app.code(t)), http.StatusTooManyRequests)
	checkPage(t, "throttled", a.node)
	if len(a.all("[aria-invalid]")) > 0 { // it wasn't looked at
		t.Error("the code is said to be wrong")
	}
	if got, want := a.one(t, "[role=alert]").text(), "Too many wrong codes were tried. Try again in 60 minutes, or use a recovery code."; got != want || a.header.Get("Retry-After") != "3600" {
		t.Errorf("got %q and Retry-After %q, want %q", got, a.header.Get("Retry-After"), want)
	}
	d.wantRefused(t, "throttled second_factor")
	d.browser().logInBy(t, "alice", app.codes[0])
	d.pass(t, time.Hour)
	b.to(t, step(b.ticket(t, "alice"), app.code(t)), "/console/")
	d.wantRefused(t)
}

// TestRecoveryCodes: each counts once, however it is typed, until there are new ones.
func TestRecoveryCodes(t *testing.T) {
	d, u, app := withApp(t)
	b := d.browser()
	for n, spell := range []func(string) string{
		func(code string) string { return code },
		strings.ToUpper,
		func(code string) string { return strings.ReplaceAll(code, "-", "") },
		func(code string) string { return " " + strings.ReplaceAll(code, "-", " ") + " " },
	} {
		b.logInBy(t, "alice", spell(app.codes[n]))
		d.browser().want(t, step(d.browser().ticket(t, "alice"), app.codes[n]), http.StatusUnauthorized)
		d.wantRefused(t, "used_code second_factor")
		d.ended(t, "recovery_code.use alice", "session.begin alice")
	}
	section := func() string {
		return b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK).one(t, "section[aria-labelledby=second-factor]").text()
	}
	if got := section(); !strings.Contains(got, "Recovery codes left: 12") || strings.Contains(got, "Make new ones,") {
		t.Errorf("got %s", got)
	}
	for n := range 9 {
		b.logInBy(t, "alice", app.codes[4+n])
	}
	home := b.want(t, ask{route: "GET /console/?notice=recovery-code-used"}, http.StatusOK).one(t, "main .notice.plain").text()
	if home != "You have used a recovery code. Recovery codes left: 3. Make new ones" {
		t.Errorf("the start page says %q", home)
	}
	if got := section(); !strings.Contains(got, "Recovery codes left: 3. Make new ones") {
		t.Errorf("got %s", got)
	}
	a := b.want(t, ask{route: "POST " + securityOf(u) + "/recovery-codes", form: form()}, http.StatusOK)
	checkPage(t, "the new codes", a.node)
	fresh := strings.Fields(a.one(t, "#issued").text())
	d.ended(t, "recovery_codes.renew alice")
	for range 2 { // the answer is read again, by which the browser sends the form again
		again := b.to(t, ask{route: "POST " + securityOf(u) + "/recovery-codes", form: form()}, securityOf(u)+"?notice=codes-kept")
		if says := b.want(t, ask{route: "GET " + again.header.Get("Location")}, http.StatusOK).one(t, ".notice.plain").text(); !strings.Contains(says, "still count") {
			t.Errorf("the page says %q", says)
		}
	}
	d.ended(t)
	if len(fresh) != 16 || slices.Contains(fresh, app.codes[15]) || !strings.Contains(section(), "Recovery codes left: 16") {
		t.Errorf("got %d new codes", len(fresh))
	}
	d.browser().want(t, step(d.browser().ticket(t, "alice"), app.codes[15]), http.StatusUnauthorized)
	d.wantRefused(t, "wrong_code second_factor")
	b.logInBy(t, "alice", fresh[0])
	for _, code := range append(fresh, app.codes...) {
		if strings.Contains(d.log.String(), code) {
			t.Error("a recovery code is in the log")
		}
	}
}

// TestRemoveAuthenticator: the password is enough again, and whatever was begun elsewhere is over.
func TestRemoveAuthenticator(t *testing.T) {
	d, u, app := withApp(t)
	b, elsewhere := d.browser(), d.browser()
	b.logInBy(t, "alice", app.codes[0])
	elsewhere.logInBy(t, "alice", app.codes[1])
	ticket := d.browser().ticket(t, "alice")
	remove := ask{route: "POST " + securityOf(u) + "/authenticator/remove", form: form()}
	b.to(t, remove, securityOf(u)+"?notice=second-factor-off")
	b.to(t, remove, securityOf(u)+"?notice=second-factor-off") // from a tab that was left open
	d.ended(t, "authenticator.remove alice")
	elsewhere.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.wantRefused(t, "ended console_session")
	d.browser().to(t, step(ticket, app.codes[2]), "/console/login?notice=step-over")
	d.wantRefused(t, "user_changed second_factor")
	d.browser().logIn(t, "alice")
	b.to(t, ask{route: "POST " + securityOf(u) + "/recovery-codes", form: form()}, securityOf(u))
}

// TestFactorsRecent: what guards the account is changed by whoever has logged in lately; to confirm takes both steps.
func TestFactorsRecent(t *testing.T) {
	d, u, app := withApp(t)
	b := d.browser()
	b.logInBy(t, "alice", app.codes[0])
	change := ask{route: "POST " + securityOf(u) + "/password", form: form("current", goodPassword, "new", "quiet river stone", "again", "quiet river stone")}
	d.pass(t, 14*time.Minute+59*time.Second)
	if tab := b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK); len(tab.all("input[name=current]")) != 1 {
		t.Error("the tab asks to confirm before the password is changed")
	}
	d.pass(t, 2*time.Second)
	tab := b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK)
	if len(tab.all("input[name=current]")) != 0 {
		t.Error("the tab lets the password be changed")
	}
	for _, q := range []ask{
		change,
		{route: "GET " + securityOf(u) + "/passkeys"},
		{route: "POST " + securityOf(u) + "/authenticator/remove", form: form()},
		{route: "POST " + securityOf(u) + "/passkeys/" + u.ID.String() + "/remove", form: form()},
		{route: "POST " + securityOf(u) + "/recovery-codes", form: form()},
	} {
		if _, asked := b.do(t, q).asked(); !asked {
			t.Errorf("%s: nothing is asked", q.route)
		}
	}
	// The password alone doesn't confirm.
	back := tab.one(t, "section[aria-labelledby=password] a.button").attribute("href")
	confirm := b.want(t, ask{route: "GET " + back}, http.StatusOK)
	next := confirm.one(t, "main [name=next]").attribute("value")
	former := b.cookies["jeton"]
	a := b.want(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword, "next", next)}, http.StatusOK)
	if _, asked := b.do(t, change).asked(); !asked || b.cookies["jeton"] != former {
		t.Error("the password alone confirms")
	}
	q := step(ticketOf(t, a), app.code(t))
	q.form.Set("next", next)
	b.to(t, q, securityOf(u)+"#password")
	b.to(t, change, securityOf(u)+"?notice=password-changed")
	d.wantRefused(t)
}

// TestPasswordWithoutFactor: where the password alone logs in, it is what is asked for to change it, however old the session.
func TestPasswordWithoutFactor(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	d.pass(t, 50*time.Minute)
	if tab := b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK); len(tab.all("input[name=current]")) != 1 {
		t.Error("the tab asks to confirm")
	}
	b.to(t, ask{route: "POST " + securityOf(u) + "/password", form: form("current", goodPassword, "new", "quiet river stone", "again", "quiet river stone")}, securityOf(u)+"?notice=password-changed")
}

// TestPasskeyPage: what a script hands the browser is on the page, and an answer that is none is shown as such. A real one is given by a
// real browser: test/e2e.
func TestPasskeyPage(t *testing.T) {
	d, u, app := withApp(t)
	b := d.browser()
	b.logInBy(t, "alice", app.codes[0])
	page := b.want(t, ask{route: "GET " + securityOf(u) + "/passkeys"}, http.StatusOK)
	checkPage(t, "the page", page.node)
	f := page.one(t, "form[data-passkey=create]")
	if !f.has("hidden") || !strings.Contains(f.attribute("data-options"), `"challenge":`) || len(page.all("main script")) != 1 {
		t.Errorf("the form is %v", f.Attr)
	}
	sent := func(name, answer string) ask {
		return ask{route: "POST " + securityOf(u) + "/passkeys", form: form("ticket", ticketOf(t, page), "name", name, "passkey", answer)}
	}
	for what, q := range map[string]ask{"an answer that is none": sent("Phone", `{"id":"AAAA"}`), "too long a name": sent(strings.Repeat("x", 65), "{}")} {
		a := b.want(t, q, http.StatusUnprocessableEntity)
		checkPage(t, what, a.node)
		if len(a.all("p.problem")) < 2 || ticketOf(t, a) == ticketOf(t, page) || a.one(t, "#name").attribute("value") != q.form.Get("name") {
			t.Errorf("%s: got %s", what, a.text())
		}
	}
	q := sent("Phone", "{}")
	q.form.Set("ticket", d.browser().ticket(t, "alice")) // of another purpose
	b.to(t, q, securityOf(u)+"/passkeys?notice=enrolment-over")
	if status, err := d.inside.Factors.Of(t.Context(), u.ID); err != nil || len(status.Passkeys) > 0 {
		t.Errorf("got %v and %v", status.Passkeys, err)
	}
	b.want(t, ask{route: "POST " + securityOf(u) + "/passkeys/alice/remove", form: form()}, http.StatusNotFound)
}

// TestTakeAwaySecondFactor: an administrator helps whoever has lost the device, and sees whether there is a second factor at all.
func TestTakeAwaySecondFactor(t *testing.T) {
	d, u, app := withApp(t)
	b := d.admin(t)
	user := d.browser()
	user.logInBy(t, "alice", app.code(t))
	page := b.want(t, ask{route: "GET " + userRoute(u)}, http.StatusOK)
	checkPage(t, "the user", page.node)
	if got := page.all("section[aria-labelledby=second-factor] p")[0].text(); got != "Authenticator app, Recovery codes left: 16" {
		t.Errorf("got %q", got)
	}
	remove := ask{route: "POST " + page.one(t, "section[aria-labelledby=second-factor] form").attribute("action"), form: form()}
	a := user.want(t, remove, http.StatusForbidden)
	checkPage(t, "no administrator", a.node)
	d.wantRefused(t, "not_allowed console_session")
	d.pass(t, 15*time.Minute+time.Second)
	if _, asked := b.do(t, remove).asked(); !asked {
		t.Error("nothing is asked of an administrator who logged in long ago")
	}
	b.logIn(t, "admin")
	b.to(t, remove, userRoute(u)+"?notice=user-second-factor")
	d.ended(t, "second_factor.remove alice")
	user.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	b.to(t, remove, userRoute(u)+"?notice=user-second-factor") // once more, from a page that was left open
	b.to(t, ask{route: "GET " + remove.route[len("POST "):]}, userRoute(u))
	page = b.want(t, ask{route: "GET " + userRoute(u)}, http.StatusOK)
	if len(page.all("section[aria-labelledby=second-factor]")) > 0 || !strings.Contains(page.one(t, "dl").text(), "Second factor Off") {
		t.Errorf("the page is %s", page.text())
	}
	d.browser().logIn(t, "alice")
}

// TestFactorsOfOthers: nobody's second factor is changed by another, an administrator neither but by taking it away whole.
func TestFactorsOfOthers(t *testing.T) {
	d, u, _ := withApp(t)
	b := d.admin(t)
	for _, route := range []string{
		"GET /authenticator", "POST /authenticator", "POST /authenticator/remove", "GET /passkeys", "POST /passkeys", "POST /recovery-codes",
	} {
		method, rest, _ := strings.Cut(route, " ")
		q := ask{route: method + " " + securityOf(u) + rest}
		if method == http.MethodPost {
			q.form = form()
		}
		b.want(t, q, http.StatusNotFound)
	}
	if on, err := d.inside.Factors.On(t.Context(), u.ID); !on || err != nil {
		t.Errorf("got %t and %v", on, err)
	}
}
