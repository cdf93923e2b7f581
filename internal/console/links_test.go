package console_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/link"
	testdesk "github.com/jeton-io/jeton/test/desk"
)

// mailingDesk is a desk whose links are mailed.
func mailingDesk(t testing.TB) *desk {
	t.Helper()
	d := furnishDesk(t, console.NewCookies("http://127.0.0.1:8080", ""), testdesk.Options{Mails: true})
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { d.inside.Links.Serve(ctx, func(err error) { t.Error(err) }) })
	t.Cleanup(func() { cancel(); serving.Wait() })
	return d
}

// routeOf is the path of a link.
func routeOf(url string) string { return strings.TrimPrefix(url, testdesk.Issuer) }

// TestInvitation has an administrator invite somebody, who chooses a password by the link and is in.
func TestInvitation(t *testing.T) {
	d := mailingDesk(t)
	b := d.admin(t)
	a := b.want(t, ask{route: "POST " + usersRoute, form: form("username", "Ann", "display_name", "", "email", "ann@example.com", "kind", "person",
		"roles", "", "password", "", "again", "", "invite", "yes")}, http.StatusOK)
	checkPage(t, "the invitation", a.node)
	if strings.Contains(a.body, "former link") {
		t.Error("a new user's first link is said to have taken another's place")
	}
	issued := a.one(t, "#issued").text()
	if sent := d.inside.Mails.Take(); len(sent) != 1 || sent[0].URL.Reveal() != issued || sent[0].To.Email != "ann@example.com" || sent[0].Purpose != link.Invitation {
		t.Errorf("got %d mails, want one with the link that is shown", len(sent))
	}
	route := routeOf(issued)
	ann := d.browser()
	for range 2 { // programs that look into mail do so, too
		page := ann.want(t, ask{route: "GET " + route}, http.StatusOK)
		checkPage(t, "the welcome", page.node)
		if !strings.Contains(page.one(t, "main").text(), "Ann") {
			t.Errorf("the page doesn't say whose the link is: %s", page.body)
		}
	}
	short := ann.want(t, ask{route: "POST " + route, form: form("new", "short", "again", "short")}, http.StatusUnprocessableEntity)
	checkPage(t, "a short password", short.node)
	ann.want(t, ask{route: "POST " + route, form: form("new", goodPassword, "again", goodPassword+"r")}, http.StatusUnprocessableEntity)
	ann.to(t, ask{route: "POST " + route, form: form("new", goodPassword, "again", goodPassword)}, "/console/")
	ann.want(t, ask{route: "GET /console/"}, http.StatusOK)
	d.wantRefused(t)

	over := ann.want(t, ask{route: "POST " + route, form: form("new", goodPassword+"r", "again", goodPassword+"r")}, http.StatusNotFound)
	checkPage(t, "the link that is over", over.node)
	ann.want(t, ask{route: "GET " + route}, http.StatusNotFound)
	d.wantRefused(t, "replayed link")
	d.browser().logIn(t, "ann")
	d.ended(t, "user.create Ann", "link.create Ann", "link.use Ann", "session.begin Ann", "session.begin Ann")
	if strings.Contains(d.log.String(), "jtl") || strings.Contains(d.log.String(), route) {
		t.Error("the secret of a link stands in the log")
	}
}

// changing are users of whom one changes as soon as it has been loaded that many times.
type changing struct {
	authority.Users
	left   atomic.Int64
	change func()
}

// AuthorityUser implements authority.Users.
func (c *changing) AuthorityUser(ctx context.Context, id uuid.UUID) (authority.User, error) {
	u, err := c.Users.AuthorityUser(ctx, id)
	if c.left.Add(-1) == 0 {
		c.change()
	}
	return u, err
}

// TestInvitedChanges has a user change, or the database fail, between the password that was chosen and the log-in by it: the password is
// saved, and that is what the user hears.
func TestInvitedChanges(t *testing.T) {
	d := newDesk(t)
	for n, change := range []func(account.User){
		func(u account.User) {
			name := "Another"
			if _, err := d.accounts.Update(t.Context(), u.ID, 0, account.Patch{DisplayName: &name}, audit.Actor{}); err != nil {
				t.Error(err)
			}
		},
		func(account.User) { _ = d.store.Close() }, // the last
	} {
		u := d.bare(t, account.Draft{Username: "ann" + strconv.Itoa(n)})
		made, err := d.inside.Links.Invite(t.Context(), u.ID, audit.Actor{})
		check(t, err)
		changes := &changing{Users: d.users.Users, change: func() { change(u) }}
		changes.left.Store(2) // of the link, and of the password
		d.users.Users = changes
		d.browser().to(t, ask{route: "POST " + routeOf(made.URL.Reveal()), form: form("new", goodPassword, "again", goodPassword)}, "/console/login?notice=password-chosen")
		d.users.Users = changes.Users
		d.wantRefused(t)
		if n == 0 {
			d.browser().logIn(t, u.Username)
		}
	}
	if log := d.log.String(); !strings.Contains(log, "closed") {
		t.Errorf("the log doesn't say what failed: %s", log)
	}
}

// TestInviteAnew has one link take the place of another, and of the password that the user had.
func TestInviteAnew(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	own := d.browser()
	own.logIn(t, "ann")
	former := func() string {
		t.Helper()
		page := b.want(t, ask{route: "GET " + userRoute(ann)}, http.StatusOK)
		return page.one(t, "form[action="+userRoute(ann)+"/invite] input[name=former]").attribute("value")
	}
	invite := func() string {
		t.Helper()
		return routeOf(b.want(t, ask{route: "POST " + userRoute(ann) + "/invite", form: form("former", former())}, http.StatusOK).one(t, "#issued").text())
	}
	first := invite()
	before := former()
	second := invite()
	// The answer is read again, by which the browser sends the form again: the link may be with its user by now.
	again := b.to(t, ask{route: "POST " + userRoute(ann) + "/invite", form: form("former", before)}, userRoute(ann)+"?notice=link-kept")
	if got := b.want(t, ask{route: "GET " + again.header.Get("Location")}, http.StatusOK).one(t, ".notice").text(); got != "No other link was made: the one shown a moment ago still works." {
		t.Errorf("the page says %q", got)
	}
	b.to(t, ask{route: "GET " + userRoute(ann) + "/invite"}, userRoute(ann))
	guest := d.browser()
	guest.want(t, ask{route: "GET " + first}, http.StatusNotFound)
	own.want(t, ask{route: "GET /console/"}, http.StatusOK) // nothing ends before it is used
	guest.to(t, ask{route: "POST " + second, form: form("new", goodPassword+"r", "again", goodPassword+"r")}, "/console/")
	own.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.browser().want(t, ask{route: "POST /console/login", form: form("username", "ann", "password", goodPassword)}, http.StatusUnauthorized)
}

// TestSetAPassword looks at what is said of a password to somebody who has none yet, and of a link where nothing is mailed.
func TestSetAPassword(t *testing.T) {
	for what, want := range map[*desk][2]string{newDesk(t): {"Make a link", "Invite"}, mailingDesk(t): {"Send a link", "Invite"}} {
		b := what.admin(t)
		has, lacks := what.user(t, account.Draft{Username: "ann", Email: "ann@example.com"}), what.bare(t, account.Draft{Username: "bob"})
		for u, want := range map[string][2]string{userRoute(has): {"Reset the password", want[0]}, userRoute(lacks): {"Set a password", want[1]}} {
			a := b.want(t, ask{route: "GET " + u}, http.StatusOK)
			if got := [2]string{a.one(t, "#reset").text(), a.one(t, "#invite").text()}; got != want {
				t.Errorf("got the headings %q, want %q", got, want)
			}
		}
	}
}

// TestInvitedNot tries whom nobody can invite.
func TestInvitedNot(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	robot := d.bare(t, account.Draft{Username: "robot", Kind: account.Service})
	blocked := d.bare(t, account.Draft{Username: "bob", State: account.Blocked})
	for _, u := range []account.User{robot, blocked} {
		b.want(t, ask{route: "POST " + userRoute(u) + "/invite", form: form()}, http.StatusConflict)
		if a := b.want(t, ask{route: "GET " + userRoute(u)}, 200); len(a.all("#invite")) != 0 {
			t.Errorf("%s: got the way to invite", u.Username)
		}
	}
	fields := []string{"username", "carol", "display_name", "", "email", "", "roles", "", "again", "", "invite", "yes"}
	for kind, password := range map[string]string{"service": "", "person": goodPassword} {
		a := b.want(t, ask{route: "POST " + usersRoute, form: form(append(fields, "kind", kind, "password", password)...)}, http.StatusUnprocessableEntity)
		checkPage(t, kind, a.node)
	}
}

// TestLinkOver compares what is said of links that are good no more: all the same, and in the audit log each its own.
func TestLinkOver(t *testing.T) {
	d := mailingDesk(t)
	ann := d.bare(t, account.Draft{Username: "ann"})
	invite := func() string {
		t.Helper()
		made, err := d.inside.Links.Invite(t.Context(), ann.ID, audit.Actor{})
		check(t, err)
		return routeOf(made.URL.Reveal())
	}
	b := d.browser()
	var first string
	over := func(what, route, reason string) {
		t.Helper()
		for _, method := range []string{"GET ", "POST "} {
			q := ask{route: method + route}
			if method == "POST " {
				q.form = form()
				if strings.HasPrefix(route, "/console/welcome/") {
					q.form = form("new", goodPassword, "again", goodPassword)
				}
			}
			a := b.want(t, q, http.StatusNotFound)
			if first == "" {
				first = a.body
			}
			if a.body != first {
				t.Errorf("%s: got %s, want the same as for every other", what, a.body)
			}
		}
		d.wantRefused(t, reason+" link")
	}
	good := invite()
	over("a byte is wrong", good[:len(good)-1]+"x", "bad_checksum")
	over("for another page", strings.Replace(good, "/welcome/", "/login/link/", 1), "not_accepted_here")
	b.want(t, ask{route: "GET " + good}, http.StatusOK)
	d.pass(t, 7*24*time.Hour-time.Second)
	b.want(t, ask{route: "GET " + good}, http.StatusOK)
	d.pass(t, time.Second)
	over("too late", good, "expired")
	over("replaced", good, "expired")
	replaced := invite()
	over("never was", good, "unknown")
	blocked, active := account.Blocked, account.Active
	_, err := d.accounts.Update(t.Context(), ann.ID, 0, account.Patch{State: &blocked}, audit.Actor{})
	check(t, err)
	over("blocked", replaced, "ended")
	_, err = d.accounts.Update(t.Context(), ann.ID, 0, account.Patch{State: &active}, audit.Actor{})
	check(t, err)
	over("unblocked", replaced, "ended")
	last := invite()
	check(t, d.accounts.Delete(t.Context(), ann.ID, audit.Actor{}))
	over("deleted", last, "unknown")
}

// mailed waits for the next mail.
func (d *desk) mailed(t testing.TB) link.Mail {
	t.Helper()
	select {
	case m := <-d.inside.Mails.Sent:
		return m
	case <-time.After(time.Minute):
		t.Fatal("no mail came within a minute")
	}
	return link.Mail{}
}

// TestConfirmByLink confirms who one is without a password, which somebody who only ever comes by links doesn't have.
func TestConfirmByLink(t *testing.T) {
	d := mailingDesk(t)
	_, err := d.accounts.Create(t.Context(), account.Draft{Username: "alice", Email: "alice@example.com"}, audit.Actor{})
	check(t, err)
	b := d.browser()
	byLink := func(page answer) {
		t.Helper()
		sent := page.one(t, "form[action=/console/login/link] input[name=username]").attribute("value")
		b.want(t, ask{route: "POST /console/login/link", form: form("username", sent)}, http.StatusOK)
		m := d.mailed(t)
		b.to(t, ask{route: "POST " + routeOf(m.URL.Reveal()), form: form()}, "/console/")
	}
	byLink(b.want(t, ask{route: "POST /console/login", form: form("username", "alice")}, http.StatusOK))
	alice, err := d.accounts.Find(t.Context(), "alice")
	check(t, err)
	d.generate(t, b, alice)
	d.pass(t, 16*time.Minute)
	late := b.want(t, ask{route: "POST " + securityOf(alice) + "/token", form: form()}, http.StatusSeeOther)
	byLink(b.want(t, ask{route: "GET " + late.header.Get("Location")}, http.StatusOK))
	d.generate(t, b, alice)
}

// TestLoginLink logs in by a link that was asked for, by name or by e-mail.
func TestLoginLink(t *testing.T) {
	d := mailingDesk(t)
	d.user(t, account.Draft{Username: "alice", Email: "alice@example.com"})
	b := d.browser()
	step := b.want(t, ask{route: "POST /console/login", form: form("username", "alice")}, http.StatusOK)
	if got := step.one(t, "form[action=/console/login/link] input[name=username]").attribute("value"); got != "alice" {
		t.Errorf("got the name %q in the form for a link", got)
	}
	for _, name := range []string{"alice", "ALICE@example.com"} {
		sent := b.want(t, ask{route: "POST /console/login/link", form: form("username", name)}, http.StatusOK)
		checkPage(t, "the answer", sent.node)
		m := d.mailed(t)
		if m.Purpose != link.Login || m.To.Email != "alice@example.com" {
			t.Errorf("got a mail for %s to %s", m.Purpose, m.To.Email)
		}
		route := routeOf(m.URL.Reveal())
		page := b.want(t, ask{route: "GET " + route}, http.StatusOK)
		checkPage(t, "the link's page", page.node)
		if page.one(t, "main button").text() != "Log in as alice" {
			t.Errorf("got %s", page.body)
		}
		b.to(t, ask{route: "POST " + route, form: form()}, "/console/")
		b.want(t, ask{route: "GET /console/"}, http.StatusOK)
		b.want(t, ask{route: "POST " + route, form: form()}, http.StatusNotFound)
		d.wantRefused(t, "replayed link")
	}
	b.to(t, ask{route: "GET /console/login/link"}, "/console/login")
	d.ended(t, "link.create alice", "link.use alice", "session.begin alice")
}

// TestLoginLinkOnce sends the form of one link fifty times at once: one gets in. Where the machine is so busy that a verdict comes too late,
// that form is answered 503, and let in is one at most.
func TestLoginLinkOnce(t *testing.T) {
	d := mailingDesk(t)
	d.user(t, account.Draft{Username: "alice", Email: "alice@example.com"})
	d.browser().want(t, ask{route: "POST /console/login/link", form: form("username", "alice")}, http.StatusOK)
	route := routeOf(d.mailed(t).URL.Reveal())
	in := make(chan int, 50)
	for range cap(in) {
		go func() {
			a, err := d.browser().try(t.Context(), ask{route: "POST " + route, form: form()})
			if err != nil {
				t.Error(err)
			}
			in <- a.status
		}()
	}
	got := map[int]int{}
	for range cap(in) {
		got[<-in]++
	}
	let, late := got[http.StatusSeeOther], got[http.StatusServiceUnavailable]
	if let > 1 || let == 0 && late == 0 || let+late+got[http.StatusNotFound] != cap(in) {
		t.Errorf("got %v, want one who gets in", got)
	}
}

// TestLoginLinkToNobody asks for links for those who get none, and for too many. The answers are the same to the byte.
func TestLoginLinkToNobody(t *testing.T) {
	d := mailingDesk(t)
	d.user(t, account.Draft{Username: "alice", Email: "alice@example.com"})
	d.user(t, account.Draft{Username: "nomail"})
	d.user(t, account.Draft{Username: "blocked", Email: "blocked@example.com", State: account.Blocked})
	d.bare(t, account.Draft{Username: "robot", Email: "robot@example.com", Kind: account.Service})
	request := func(name, from string, status int) string {
		t.Helper()
		a := d.browser().want(t, ask{route: "POST /console/login/link", form: form("username", name), header: map[string]string{"X-Real-Ip": from}}, status)
		return strings.ReplaceAll(a.body, name, "NAME")
	}
	want := request("alice", "192.0.2.1", http.StatusOK)
	for _, name := range []string{"nomail", "blocked", "robot", "nobody"} {
		if got := request(name, "192.0.2.1", http.StatusOK); got != want {
			t.Errorf("%s: got another answer: %s", name, got)
		}
	}
	for range 4 { // of which the user gets none
		if got := request("alice", "192.0.2.2", http.StatusOK); got != want {
			t.Errorf("got another answer: %s", got)
		}
	}
	d.user(t, account.Draft{Username: "last", Email: "last@example.com"})
	request("last", "192.0.2.2", http.StatusOK)
	var to []string
	for len(to) < 9 && (len(to) == 0 || to[len(to)-1] != "last") { // they are made in the order in which they were asked for
		to = append(to, d.mailed(t).To.Username)
	}
	if got := strings.Join(to, " "); got != "alice last" {
		t.Errorf("got mails to %s, want one to alice", got)
	}
	for range 5 {
		request("nobody", "192.0.2.1", http.StatusOK)
	}
	request("nobody", "192.0.2.1", http.StatusTooManyRequests)
	d.pass(t, time.Minute)
	request("nobody", "192.0.2.1", http.StatusOK)
}

// TestNoMail offers nothing that can't be done.
func TestNoMail(t *testing.T) {
	d := newDesk(t)
	b := d.browser()
	step := b.want(t, ask{route: "POST /console/login", form: form("username", "alice")}, http.StatusOK)
	if len(step.all("form")) != len(b.want(t, ask{route: "GET /console/login"}, http.StatusOK).all("form")) {
		t.Error("a link is offered that nobody sends")
	}
	b.want(t, ask{route: "POST /console/login/link", form: form("username", "alice")}, http.StatusNotFound)
}
