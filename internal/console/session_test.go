package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
)

// TestLogOut ends a session, once and for both cookies.
func TestLogOut(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	thief := d.browser()
	thief.cookies["jeton"] = b.cookies["jeton"]
	thief.want(t, ask{route: "GET /console/"}, http.StatusOK)

	a := b.to(t, ask{route: "POST /console/logout", form: form()}, "/console/login?notice=logged-out")
	if len(b.cookies) > 0 {
		t.Errorf("the browser kept %v", b.cookies)
	}
	page := b.want(t, ask{route: "GET " + a.header.Get("Location")}, http.StatusOK)
	if got := page.one(t, "main [role=status]").text(); got != "You are logged out." {
		t.Errorf("got %q", got)
	}
	d.wantRefused(t)
	thief.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.wantRefused(t, "ended console_session")

	// Once more, from a page that was left open: who is logged out is told so.
	thief.to(t, ask{route: "POST /console/logout", form: form()}, "/console/login?notice=logged-out")
	b.to(t, ask{route: "POST /console/logout", form: form()}, "/console/login?notice=logged-out")
	d.wantRefused(t, "ended console_session", "no_credential none")
	if diff := cmp.Diff([]string{"user.create alice", "session.begin alice", "session.end alice"}, d.actions(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	b.to(t, ask{route: "GET /console/logout"}, "/console/") // a link logs nobody out
}

// TestEnds lets sessions rest and grow old.
func TestEnds(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	visit := func(b *browser) int {
		status := b.do(t, ask{route: "GET /console/"}).status
		check(t, d.authority.StoreUses(t.Context())) // as app does every ten seconds
		return status
	}
	rested := d.browser()
	rested.logIn(t, "alice")
	d.pass(t, idle-time.Minute)
	if got := visit(rested); got != http.StatusOK {
		t.Errorf("a minute before it has rested for too long: got %d", got)
	}
	d.pass(t, idle+3*time.Minute)
	d.refused(t)
	if got := visit(rested); got != http.StatusSeeOther {
		t.Errorf("after it has rested for too long: got %d", got)
	}
	d.wantRefused(t, "expired console_session")

	old := d.browser()
	old.logIn(t, "alice")
	for range int(lifetime/(30*time.Minute)) - 1 {
		d.pass(t, 30*time.Minute)
		if got := visit(old); got != http.StatusOK {
			t.Fatalf("used each half-hour: got %d", got)
		}
	}
	d.refused(t)
	d.pass(t, 30*time.Minute)
	if got := visit(old); got != http.StatusSeeOther {
		t.Errorf("at the end of its life: got %d", got)
	}
	d.wantRefused(t, "expired console_session")
}

// TestEndedByOthers takes sessions away by what happens to their user.
func TestEndedByOthers(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	for _, tt := range []struct {
		name   string
		do     func() error
		reason string
	}{
		{"renamed in part", func() error {
			_, err := d.accounts.Update(t.Context(), u.ID, 0, account.Patch{DisplayName: new("Alice")}, audit.Actor{})
			return err
		}, ""},
		{"blocked and active again", func() error {
			_, err := d.accounts.Update(t.Context(), u.ID, 0, account.Patch{State: new(account.Blocked)}, audit.Actor{})
			if err == nil {
				_, err = d.accounts.Update(t.Context(), u.ID, 0, account.Patch{State: new(account.Active)}, audit.Actor{})
			}
			return err
		}, "ended console_session"},
		{"deleted", func() error { return d.accounts.Delete(t.Context(), u.ID, audit.Actor{}) }, "unknown console_session"},
	} {
		b.logIn(t, "alice")
		d.refused(t)
		check(t, tt.do())
		a := b.do(t, ask{route: "GET /console/"})
		if tt.reason == "" {
			if a.status != http.StatusOK {
				t.Errorf("%s: got %d", tt.name, a.status)
			}
			continue
		}
		if a.status != http.StatusSeeOther {
			t.Errorf("%s: got %d", tt.name, a.status)
		}
		d.wantRefused(t, tt.reason)
	}
}

// TestTwoCookies presents two sessions, one of which another host of the domain may have planted.
func TestTwoCookies(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	a := b.want(t, ask{route: "GET /console/", header: map[string]string{"Cookie": "jeton=planted"}}, http.StatusBadRequest)
	checkPage(t, "two cookies", a.node)
	d.wantRefused(t, "two_credentials console_session")

	// A name or password that the browser remembers for another door of the host changes nothing.
	b.want(t, ask{route: "GET /console/", header: map[string]string{"Authorization": "Basic YTpi"}}, http.StatusOK)
	nobody := d.browser()
	nobody.to(t, ask{route: "GET /console/", header: map[string]string{"Authorization": "Basic YTpi"}}, "/console/login")

	// The cookie of the APIs has no power here.
	nobody.cookies["jeton"] = b.cookies["jeton_api"]
	nobody.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.wantRefused(t, "bad_checksum console_session")
}
