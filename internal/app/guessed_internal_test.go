package app

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/mail"
)

// guess enters wrong codes of a user's second factor, as somebody does who has the password.
func (m *mailing) guess(t *testing.T, owner *authority.Principal, times int) {
	t.Helper()
	asked, on, err := m.factors.Challenge(t.Context(), owner)
	if must(t, err); !on {
		t.Fatal("got no second step")
	}
	door := authority.Door{Name: "console", Kinds: authority.KindsOf(authority.SecondFactor)}
	for range times {
		presented := authority.Presented{
			Method: "POST", Peer: netip.MustParseAddr("192.0.2.66"),
			Given: &authority.Credential{Kind: authority.SecondFactor, Name: asked.Ticket.Reveal(), Text: "AAAAA-AAAAA"},
		}
		if _, err := m.authority.Identify(t.Context(), &presented, &door); err == nil {
			t.Fatal("got in by a wrong code")
		}
	}
	m.events.flush(t.Context())
}

// TestGuessed tells users of the third wrong code of a day, once, whichever of two nodes comes first, and of fewer not.
func TestGuessed(t *testing.T) {
	m := newMailing(t)
	must(t, m.feed.CatchUp(t.Context()))
	ann, silent := m.user(t, "ann", "ann@example.com", ""), m.user(t, "silent", "", "")
	for _, u := range []*authority.Principal{&ann, &silent} {
		m.addApp(t, u, audit.Actor{})
	}
	nodes := []*guessed{{node: m.node}, {node: m.node}}
	// after lets a time pass and has both nodes look.
	after := func(passed time.Duration) {
		t.Helper()
		m.at.Add(passed.Microseconds())
		var both sync.WaitGroup
		for _, n := range nodes {
			both.Go(func() {
				if err := n.tellOfGuesses(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	// letters are those that came meanwhile, and no other.
	letters := func(what string, want ...string) {
		t.Helper()
		m.post.Send(m.letters.TokenEnds(mail.Person{Name: "last", Email: "last@example.com"}, "last", m.now()))
		for _, text := range append(want, "last") {
			if got := m.box.Next(t); !strings.Contains(got.Body, text) || strings.Contains(got.To, "last") != (text == "last") {
				t.Fatalf("%s: got %+v, want one that says %q", what, got, text)
			}
		}
	}

	m.guess(t, &ann, 5)
	after(3 * time.Minute) // from now on
	after(3 * time.Minute)
	letters("of before")
	m.at.Add((24 * time.Hour).Microseconds())
	m.guess(t, &ann, 2)
	m.guess(t, &silent, 9)
	after(3 * time.Minute)
	letters("two codes, and somebody without an e-mail")
	m.guess(t, &ann, 1)
	after(0)
	letters("a minute that isn't over")
	m.guess(t, &ann, 1) // one row with the one before
	after(3 * time.Minute)
	letters("the third", "on 22 November 2026, 12:09:00 UTC, from the address 192.0.2.66")
	m.guess(t, &ann, 7)
	after(3 * time.Minute)
	letters("more on that day")
	m.guess(t, &ann, 7)
	m.at.Add((24 * time.Hour).Microseconds())
	m.guess(t, &ann, 2)
	after(3 * time.Minute)
	letters("two on the next")
	m.guess(t, &ann, 4)
	nodes = []*guessed{{node: m.node}, {node: m.node}} // as after a restart
	after(3 * time.Minute)
	letters("the third of the next", "on 23 November 2026, 12:18:00 UTC")
	m.at.Add((72 * time.Hour).Microseconds()) // away for days
	after(0)
	m.guess(t, &ann, 3)
	after(3 * time.Minute)
	letters("days later", "on 26 November 2026, 12:21:00 UTC")
	const year = 365 * 24 * time.Hour // that the clock is ahead
	m.at.Add(year.Microseconds())
	m.guess(t, &ann, 3)
	after(3 * time.Minute)
	letters("ahead", "on 26 November 2027")
	after(3 * time.Minute) // of which there is nothing to tell
	m.at.Add((24*time.Hour - year).Microseconds())
	after(0)
	m.guess(t, &ann, 3)
	after(3 * time.Minute)
	letters("put right", "on 27 November 2026")
}
