package link_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/desk"
)

// person makes a person without a password.
func person(t *testing.T, d *desk.Desk, name string) account.User {
	t.Helper()
	u, err := d.Accounts.Create(t.Context(), account.Draft{Username: name}, audit.Actor{})
	desk.Check(t, err)
	return u
}

// invited returns the secret of an invitation.
func invited(t *testing.T, d *desk.Desk, u account.User) secret.Text {
	t.Helper()
	made, err := d.Links.Invite(t.Context(), u.ID, audit.Actor{})
	desk.Check(t, err)
	return made.URL[len(made.URL)-secret.Length:]
}

// TestNoBearer presents an invitation wherever a token might stand: it is none, and knows no other page than its own.
func TestNoBearer(t *testing.T) {
	d := desk.New(t, desk.Options{})
	text := invited(t, d, person(t, d, "ann"))
	every := &authority.Door{Name: "console", Kinds: ^authority.Kinds(0)}
	present := func(kind authority.Kind, name string, text secret.Text) authority.Reason {
		t.Helper()
		_, err := d.Authority.Identify(t.Context(), &authority.Presented{Given: &authority.Credential{Kind: kind, Name: name, Text: text}}, every)
		ref, _ := errors.AsType[*authority.Refusal](err)
		if ref == nil {
			return ""
		}
		return ref.Reason
	}
	for name, tc := range map[string]struct {
		kind    authority.Kind
		purpose string
		text    secret.Text
		want    authority.Reason
	}{
		"as it is":           {authority.Link, "invitation", text, ""},
		"again":              {authority.Link, "invitation", text, ""},
		"to log in":          {authority.Link, "login", text, authority.ReasonNotAcceptedHere},
		"for nothing":        {authority.Link, "", text, authority.ReasonNotAcceptedHere},
		"one byte off":       {authority.Link, "invitation", text[:len(text)-1] + "!", authority.ReasonBadChecksum},
		"as another's token": {authority.PersonalToken, "", text, authority.ReasonBadChecksum},
		"a token as a link":  {authority.Link, "invitation", "jtp" + text[3:], authority.ReasonBadChecksum},
		"nothing":            {authority.Link, "invitation", "", authority.ReasonBadChecksum},
	} {
		if got := present(tc.kind, tc.purpose, tc.text); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
	if _, err := d.Authority.Identify(t.Context(), desk.Bearer(text.Reveal()), every); err == nil {
		t.Error("a link is taken for a bearer token")
	}
}

// TestActorChanged refuses an invitation by somebody who was blocked meanwhile.
func TestActorChanged(t *testing.T) {
	d := desk.New(t, desk.Options{})
	u := person(t, d, "ann")
	actor := audit.Actor{UserID: d.Admin.ID, CredentialKind: "personal_token", CredentialID: d.Admin.ID, AsOf: d.Feed.Revision()}
	blocked := account.Blocked
	other, err := d.Accounts.Create(t.Context(), account.Draft{Username: "other", Roles: []string{authority.AdminRole}, PasswordHash: desk.PasswordHash}, audit.Actor{})
	desk.Check(t, err)
	_, err = d.Accounts.Update(t.Context(), d.Admin.ID, 0, account.Patch{State: &blocked}, audit.Actor{UserID: other.ID, AsOf: d.Feed.Revision()})
	desk.Check(t, err)
	if _, err := d.Links.Invite(t.Context(), u.ID, actor); !errors.Is(err, authority.ErrActorChanged) {
		t.Errorf("got %v, want %v", err, authority.ErrActorChanged)
	}
}

// TestRequestsBound asks for more links than an address may, and again when there is room.
func TestRequestsBound(t *testing.T) {
	d := desk.New(t, desk.Options{Mails: true})
	from := netip.MustParseAddr("192.0.2.1")
	for n := range 10 {
		if err := d.Links.RequestLogin("nobody", from); err != nil {
			t.Fatalf("%d: got %v", n, err)
		}
	}
	err := d.Links.RequestLogin("nobody", from)
	if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.Reason != authority.ReasonThrottled || ref.RetryAfter != time.Minute {
		t.Errorf("got %v, want to wait for a minute", err)
	}
	if err := d.Links.RequestLogin("nobody", netip.MustParseAddr("192.0.2.2")); err != nil {
		t.Errorf("another address: got %v", err)
	}
	d.Advance(t, time.Minute)
	if err := d.Links.RequestLogin("nobody", from); err != nil {
		t.Errorf("after a minute: got %v", err)
	}
	if err := d.Links.RequestLogin("nobody", from); err == nil {
		t.Error("after a minute there was room for two")
	}
	if err := desk.New(t, desk.Options{}).Links.RequestLogin("nobody", from); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("where nothing is mailed: got %v", err)
	}
}

// asking is a desk that mails the links that ann and last ask for.
type asking struct {
	*desk.Desk
	asked byte // how often, each time from an address of its own
}

func newAsking(t *testing.T) *asking {
	t.Helper()
	d := desk.New(t, desk.Options{Mails: true})
	for _, name := range []string{"ann", "last"} {
		_, err := d.Accounts.Create(t.Context(), account.Draft{Username: name, Email: name + "@example.com"}, audit.Actor{})
		desk.Check(t, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { d.Links.Serve(ctx, func(err error) { t.Error(err) }) })
	t.Cleanup(func() { cancel(); serving.Wait() })
	return &asking{Desk: d}
}

// ask asks for a link.
func (d *asking) ask(t *testing.T, name string) {
	t.Helper()
	d.asked++
	desk.Check(t, d.Links.RequestLogin(name, netip.AddrFrom4([4]byte{192, 0, 2, d.asked})))
}

// next returns the next mail, which is to go to somebody. They are made in the order in which they were asked for.
func (d *asking) next(t *testing.T, to string) link.Mail {
	t.Helper()
	select {
	case m := <-d.Mails.Sent:
		if m.To.Username != to {
			t.Fatalf("got a mail to %s, want one to %s", m.To.Username, to)
		}
		return m
	case <-time.After(time.Minute):
		t.Fatal("no mail came within a minute")
	}
	return link.Mail{}
}

// TestRequestsOfOthers asks for links for somebody again and again, as a stranger may: the one that was sent first stays good for five
// minutes, and there is room for the owner's own request whenever that is no longer so.
func TestRequestsOfOthers(t *testing.T) {
	d := newAsking(t)
	door := &authority.Door{Name: "console", Kinds: authority.KindsOf(authority.Link)}
	owner := func(m link.Mail) (authority.Principal, error) {
		text := m.URL[len(m.URL)-secret.Length:]
		return d.Authority.Identify(t.Context(), &authority.Presented{Given: &authority.Credential{Kind: authority.Link, Name: "login", Text: text}}, door)
	}
	for range 3 { // for a quarter of an hour
		d.ask(t, "ann")
		first := d.next(t, "ann")
		for range 5 {
			d.ask(t, "ann")
		}
		d.Advance(t, 5*time.Minute-time.Second)
		d.ask(t, "ann")
		d.ask(t, "last")
		d.next(t, "last")
		if _, err := owner(first); err != nil {
			t.Errorf("the first link: got %v", err)
		}
		d.Advance(t, time.Second)
	}
	d.ask(t, "ann")
	used := d.next(t, "ann")
	p, err := owner(used)
	desk.Check(t, err)
	desk.Check(t, d.Links.Use(t.Context(), &p, audit.Actor{}))
	d.ask(t, "ann") // who has used it up may want to log in again
	d.next(t, "ann")
}

// TestLostMail asks for a link whose mail was given up: another is made at once, and not once that is on its way.
func TestLostMail(t *testing.T) {
	d := newAsking(t)
	d.ask(t, "ann")
	d.next(t, "ann").Lost()
	d.ask(t, "ann")
	m := d.next(t, "ann")
	d.ask(t, "ann")
	d.ask(t, "last")
	d.next(t, "last")
	m.Lost()
	d.ask(t, "ann")
	d.next(t, "ann")

	d.Advance(t, 15*time.Minute)
	d.ask(t, "ann")
	former := d.next(t, "ann")
	d.Advance(t, 5*time.Minute)
	d.ask(t, "ann")
	d.next(t, "ann").Lost()
	former.Lost() // which was tried for longer
	d.ask(t, "ann")
	d.next(t, "ann")
}

// TestPrune forgets links a week after their end.
func TestPrune(t *testing.T) {
	d := desk.New(t, desk.Options{})
	_ = invited(t, d, person(t, d, "ann"))
	if n, err := d.Links.Prune(t.Context(), d.Now().Add(14*24*time.Hour)); err != nil || n != 0 {
		t.Errorf("got %d deleted, %v, want none yet", n, err)
	}
	if n, err := d.Links.Prune(t.Context(), d.Now().Add(14*24*time.Hour+time.Second)); err != nil || n != 1 {
		t.Errorf("got %d deleted, %v, want one", n, err)
	}
}

func TestNew(t *testing.T) {
	if _, err := link.New(link.Config{}); err == nil {
		t.Error("links without a store were made")
	}
}
