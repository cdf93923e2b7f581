package authority_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// TestRememberedPassword presents a password at moments apart: each says how long after the one before, and whether the
// way in is asked.
func TestRememberedPassword(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []time.Duration
		asked []int64
	}{
		{"within a minute", []time.Duration{0, 50 * time.Second, 50 * time.Second, 50 * time.Second}, []int64{1, 1, 1, 1}},
		{"a minute apart", []time.Duration{0, 60 * time.Second, 60 * time.Second}, []int64{1, 2, 3}},
		{"just noted", []time.Duration{0, 9 * time.Second, 50 * time.Second, time.Second}, []int64{1, 1, 1, 1}},
		{"not noted, and a minute after what was", []time.Duration{0, 9 * time.Second, 51 * time.Second}, []int64{1, 1, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, 0)
			d.clock.Store(epoch.Add(-30 * time.Second).UnixMicro()) // a whole minute
			alice := d.person("alice")
			d.passwords.put("alice:secret", authority.Proof{ID: alice.ID, UserID: alice.ID, Remember: true})
			for i, step := range test.steps {
				d.advance(step)
				if got := d.outcome(t, call(basic("alice:secret"))); got != "alice" {
					t.Fatalf("step %d: got %s", i, got)
				}
				if got := d.passwords.asked.Load(); got != test.asked[i] {
					t.Errorf("step %d: the way in was asked %d times, want %d", i, got, test.asked[i])
				}
			}
		})
	}
}

// TestRememberedPasswordIsForgotten: a remembered password ends at its proof's end, and with a change of its user. Neither
// another password nor another name is remembered by it.
func TestRememberedPasswordIsForgotten(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	prove := func() {
		d.passwords.put("alice:secret", authority.Proof{ID: alice.ID, UserID: alice.ID, NotAfter: d.now().Add(15 * time.Minute), Remember: true})
		if got := d.outcome(t, call(basic("alice:secret"))); got != "alice" {
			t.Fatalf("got %s", got)
		}
	}
	prove()
	for range 17 {
		d.advance(50 * time.Second)
		d.outcome(t, call(basic("alice:secret")))
	}
	if got := d.passwords.asked.Load(); got != 1 {
		t.Errorf("asked %d times within a quarter of an hour, want once", got)
	}
	d.advance(50 * time.Second)
	prove()
	if got := d.passwords.asked.Load(); got != 2 {
		t.Errorf("asked %d times after a quarter of an hour, want twice", got)
	}
	d.passwords.drop("alice:secret")
	d.Forget(alice.ID)
	if got := d.outcome(t, call(basic("alice:secret"))); got != "wrong_password" {
		t.Errorf("after a change: got %s", got)
	}
	prove()
	elsewhere, sameNetwork := call(basic("alice:secret")), call(basic("alice:secret"))
	d.passwords.drop("alice:secret")
	elsewhere.Peer = netip.MustParseAddr("192.0.2.8")
	if got := d.outcome(t, elsewhere); got != "wrong_password" {
		t.Errorf("from elsewhere: got %s, want it asked about", got)
	}
	sameNetwork.Peer = netip.AddrFrom16(peer.As16()) // the same in IPv6
	if got := d.outcome(t, sameNetwork); got != "alice" {
		t.Errorf("from the same address: got %s, want it remembered", got)
	}
	for name, in := range map[string]*authority.Presented{
		"another password": call(basic("alice:secreu")), "another name": call(basic("alicf:secret")), "cut elsewhere": call(basic("alices:ecret")),
	} {
		if got := d.outcome(t, in); got != "wrong_password" {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

// TestGiven: a credential that the edge's protocol names goes the same way as any other, and knows where it came from.
func TestGiven(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	d.passwords.put("alice:secret", authority.Proof{ID: alice.ID, UserID: alice.ID})
	given := func(kind authority.Kind, text string) *authority.Presented {
		in := call()
		in.Given = &authority.Credential{Kind: kind, Name: "alice", Text: "secret"}
		if text != "" {
			in.Authorization = []string{text}
		}
		return in
	}
	for what, test := range map[string]struct {
		in   *authority.Presented
		want string
	}{
		"a password":                {given(authority.Password, ""), "alice"},
		"beside a header":           {given(authority.Password, "Bearer x"), "two_credentials"},
		"a kind that is not taken":  {given(authority.Assertion, ""), "not_accepted_here"},
		"no kind":                   {given(authority.KindNone, ""), "not_accepted_here"},
		"a kind that doesn't exist": {given(31, ""), "not_accepted_here"},
	} {
		if got := d.outcome(t, test.in); got != test.want {
			t.Errorf("%s: got %s, want %s", what, got, test.want)
		}
	}
	var from netip.Addr
	d.passwords.look = func(c authority.Credential) { from = c.From }
	d.outcome(t, given(authority.Password, ""))
	if from != peer {
		t.Errorf("the way in was told of the address %s, want %s", from, peer)
	}
}

// TestCookieOfItsDoor: each door takes the cookie of the kind that it accepts, however many others there are.
func TestCookieOfItsDoor(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	d.console.put("secret", authority.Proof{ID: uuid.Must(uuid.NewV7()), UserID: alice.ID})
	console := &authority.Door{Name: "console", Kinds: authority.KindsOf(authority.ConsoleSession)}
	for _, test := range []struct {
		headers []string
		door    *authority.Door
		want    string
	}{
		{[]string{"console=secret"}, console, "alice"},
		{[]string{"a=b;console=secret ;c=d"}, console, "alice"},
		{[]string{"a=b", "console=secret"}, console, "alice"},
		{[]string{"\tconsole=secret\t"}, console, "alice"},
		{[]string{"console=secret"}, tokenDoor, "no_credential"},
		{[]string{"Console=secret"}, console, "no_credential"}, // names count case
		{[]string{"xconsole=secret"}, console, "no_credential"},
		{[]string{"console =secret"}, console, "no_credential"},
		{[]string{"console"}, console, "no_credential"},
		{[]string{"console="}, console, "no_credential"},
		{[]string{`console="secret"`}, console, "unknown"},
		{[]string{"console=secret; console="}, console, "two_credentials"},
		{[]string{"console=; console=secret"}, console, "two_credentials"},
		{[]string{"console=secret", "console=secret"}, console, "two_credentials"},
		{[]string{"console=" + strings.Repeat("x", 8193)}, console, "too_long"},
		{[]string{"console=" + strings.Repeat("x", 8192)}, console, "unknown"},
		{nil, console, "no_credential"},
		{[]string{";;; ; =;"}, console, "no_credential"},
	} {
		in := call()
		in.Cookie = test.headers
		p, err := d.Identify(t.Context(), in, test.door)
		got := p.Username
		if err != nil {
			got = string(reasonOf(t, err))
		}
		if got != test.want {
			t.Errorf("%s at %s: got %s, want %s", fmt.Sprintf("%q", test.headers), test.door.Name, got, test.want)
		}
	}
}
