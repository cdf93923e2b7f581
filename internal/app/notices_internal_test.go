package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/mail"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/postbox"
)

// mailing is a node that sends mail to a box.
type mailing struct {
	*node
	box *postbox.Box
	at  atomic.Int64 // by its clock, in microseconds
}

func newMailing(t *testing.T) *mailing {
	t.Helper()
	m := &mailing{box: postbox.New(t, postbox.Options{})}
	m.at.Store(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).UnixMicro())
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(fs)
	must(t, fs.Parse([]string{
		"--data", t.TempDir(), "--public-url", "https://tokens.example.com", "--smtp-url", "smtp://127.0.0.1:" + strconv.Itoa(m.box.Port), "--mail-from", "jeton@example.com",
	}))
	cfg, err := config.Load(fs, nil)
	must(t, err)
	o := Options{Config: cfg, Now: func() time.Time { return time.UnixMicro(m.at.Load()).UTC() }}
	o.fillDefaults()
	var stops stopStack
	m.node, err = newNode(t.Context(), &o, "https://tokens.example.com", slog.New(slog.DiscardHandler), &stops)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.post.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		must(t, stops.unwind())
	})
	return m
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// user makes a user and returns the principal that it is.
func (m *mailing) user(t *testing.T, name, email string, state account.State) authority.Principal {
	t.Helper()
	u, err := m.accounts.Create(t.Context(), account.Draft{Username: name, Email: email, State: state}, audit.Actor{})
	must(t, err)
	return authority.Principal{User: u.Holder(), CredentialKind: authority.ConsoleSession}
}

func (m *mailing) rotate(t *testing.T, owner *authority.Principal, by audit.Actor) {
	t.Helper()
	_, _, err := m.personal.Rotate(t.Context(), owner, by)
	must(t, err)
}

// aRecoveryCode is that of every user in these tests who has an authenticator app.
const aRecoveryCode secret.Text = "ABCDE12345"

// addApp gives a user an authenticator app.
func (m *mailing) addApp(t *testing.T, owner *authority.Principal, by audit.Actor) {
	t.Helper()
	wrapped, err := m.keys.WrapSecret(owner.ID, "JBSWY3DPEHPK3PXP")
	must(t, err)
	app := factor.Authenticator{UserID: owner.ID, Wrapped: wrapped, CreatedAt: m.now()}
	added := audit.New(audit.AuthenticatorAdd, by, audit.Target{Kind: "user", ID: owner.ID, Name: owner.Username}, m.now())
	_, err = m.store.AddAuthenticator(t.Context(), app, []keyring.Digest{m.keys.Digest(aRecoveryCode)}, added)
	must(t, err)
}

// useCode gives a user an authenticator app, and takes a recovery code as a log-in does.
func (m *mailing) useCode(t *testing.T, owner *authority.Principal, by audit.Actor) {
	t.Helper()
	m.addApp(t, owner, by)
	asked, _, err := m.factors.Challenge(t.Context(), owner)
	must(t, err)
	_, err = m.factors.Prove(t.Context(), authority.Credential{
		Kind: authority.SecondFactor, Name: asked.Ticket.Reveal(), Text: aRecoveryCode, From: netip.MustParseAddr("192.0.2.7"),
	})
	must(t, err)
}

// TestStopSendsMails has mails wait when Jeton stops: they are sent, or else told of by their number and by nobody's address.
func TestStopSendsMails(t *testing.T) {
	m := newMailing(t)
	for _, tt := range []struct {
		name string
		fail *smtp.SMTPError
		want string
	}{
		{"sent", nil, ""},
		{"lost", &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "ann@example.com: later"}, "count=2"},
	} {
		var log bytes.Buffer
		n := &node{cfg: m.cfg, url: m.url, logger: slog.New(slog.NewTextHandler(&log, nil))}
		must(t, n.wirePost(&Options{Config: m.cfg, Now: m.now, Random: rand.Reader}))
		stopped, stop := context.WithCancel(t.Context())
		stop()
		n.post.Run(stopped)
		for range 2 {
			n.post.Send(n.letters.TokenEnds(mail.Person{Name: "ann", Email: "ann@example.com"}, "one", m.now()))
		}
		m.box.Fail.Store(tt.fail)
		n.finishPost(t.Context())
		if got := log.String(); !strings.Contains(got, tt.want) || tt.want == "" && got != "" || strings.Contains(got, "ann") {
			t.Errorf("%s: got the log %s", tt.name, got)
		}
		if tt.fail == nil {
			for range 2 {
				m.box.Next(t)
			}
		}
	}
}

// TestNotices tells users of what was done, once, whichever of two nodes comes first, and nobody of what is none of his business.
func TestNotices(t *testing.T) {
	m := newMailing(t)
	ann, silent, blocked := m.user(t, "ann", "ann@example.com", ""), m.user(t, "silent", "", ""), m.user(t, "blocked", "blocked@example.com", account.Blocked)
	nodes := []*notices{{node: m.node}, {node: m.node}}
	runs := func() {
		t.Helper()
		for range 3 { // of which the first sees how far the log goes, and the second tells
			var both sync.WaitGroup
			for _, n := range nodes {
				both.Go(func() {
					if err := n.tellOfEvents(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
		}
	}
	m.rotate(t, &ann, audit.Actor{}) // before anybody was told: of the past nobody is
	runs()
	own := audit.Actor{Username: "ann", UserID: ann.ID, Address: "192.0.2.1", AsOf: 1 << 40}
	m.rotate(t, &ann, own)
	m.rotate(t, &silent, audit.Actor{})
	m.rotate(t, &blocked, audit.Actor{})
	password := secret.Text("correct horse battery")
	_, err := m.accounts.Update(t.Context(), ann.ID, 0, account.Patch{Password: &password}, audit.Actor{UserID: silent.ID, Username: "root", Address: "192.0.2.9", AsOf: 1 << 40})
	must(t, err)
	runs()
	if got := m.box.Next(t); got.To != "ann@example.com" || !strings.Contains(got.Body, "A personal token was generated") || !strings.Contains(got.Body, "from the address 192.0.2.1") || strings.Contains(got.Body, " by ann") {
		t.Errorf("got %+v", got)
	}
	if got := m.box.Next(t); !strings.Contains(got.Body, "was reset") || !strings.Contains(got.Body, "by root") || strings.Contains(got.Body, "192.0.2.9") {
		t.Errorf("got %+v", got)
	}
	_, err = m.accounts.Update(t.Context(), ann.ID, 0, account.Patch{Password: &password}, audit.Actor{}) // as by jeton recover
	must(t, err)
	runs()
	if got := m.box.Next(t); !strings.Contains(got.Body, "by whoever runs Jeton") {
		t.Errorf("got %+v", got)
	}

	m.useCode(t, &ann, own)
	runs()
	if got := m.box.Next(t); !strings.Contains(got.Body, "An authenticator app was added") {
		t.Errorf("got %+v", got)
	}
	if got := m.box.Next(t); !strings.Contains(got.Body, "by one of its recovery codes") || !strings.Contains(got.Body, "from the address 192.0.2.7") || strings.Contains(got.Body, " by whoever runs Jeton") {
		t.Errorf("got %+v", got)
	}

	// A server that was away for days tells of the last one.
	m.rotate(t, &ann, own)
	m.at.Add((25 * time.Hour).Microseconds())
	m.rotate(t, &ann, own)
	nodes = []*notices{{node: m.node}, {node: m.node}}
	runs()
	if got := m.box.Next(t); !strings.Contains(got.Body, "22 November 2026, 13:00") {
		t.Errorf("got %+v", got)
	}
	m.post.Send(m.letters.TokenEnds(mail.Person{Name: "last", Email: "last@example.com"}, "last", m.now()))
	if got := m.box.Next(t); got.To != "last@example.com" {
		t.Errorf("got %+v besides", got)
	}
}

// TestNoticesBound has a user do one thing many times: the user hears of it once, with the number, and five times an hour at most; another
// thing that is done to the account isn't hidden by that, and others hear of theirs.
func TestNoticesBound(t *testing.T) {
	m := newMailing(t)
	ann, bob := m.user(t, "ann", "ann@example.com", ""), m.user(t, "bob", "bob@example.com", "")
	told := &notices{node: m.node}
	run := func() {
		t.Helper()
		for range 2 { // of which the first sees how far the log goes, and the second tells
			must(t, told.tellOfEvents(t.Context()))
		}
	}
	m.rotate(t, &ann, audit.Actor{})
	run()
	many := func(hour string) {
		t.Helper()
		for round := range 7 {
			for range 20 {
				m.rotate(t, &ann, audit.Actor{})
			}
			m.rotate(t, &bob, audit.Actor{})
			run()
			if round < 5 {
				if got := m.box.Next(t); got.To != "ann@example.com" || !strings.Contains(got.Body, "the last of 20 times") {
					t.Errorf("%s, round %d: got %+v", hour, round, got)
				}
				if got := m.box.Next(t); got.To != "bob@example.com" || strings.Contains(got.Body, "times") {
					t.Errorf("%s, round %d: got %+v", hour, round, got)
				}
			}
		}
	}
	many("first hour")
	password := secret.Text("correct horse battery")
	_, err := m.accounts.Update(t.Context(), ann.ID, 0, account.Patch{Password: &password}, audit.Actor{})
	must(t, err)
	run()
	if got := m.box.Next(t); !strings.Contains(got.Body, "was reset") {
		t.Errorf("got %+v, want what was done besides", got)
	}
	if got := m.unsent.Load(); got != 4 {
		t.Errorf("got %d counted that were not sent, want 4", got)
	}
	m.at.Add(time.Hour.Microseconds())
	many("second hour")
}

// TestFormerEmailIsTold changes the e-mail of a user as a thief would, twice at once: each address that was the user's hears of it, and of
// no other address; what is done next is told to the new one alone.
func TestFormerEmailIsTold(t *testing.T) {
	m := newMailing(t)
	ann, silent := m.user(t, "ann", "ann@example.com", ""), m.user(t, "silent", "", "")
	told := &notices{node: m.node}
	run := func() {
		t.Helper()
		for range 2 { // of which the first sees how far the log goes, and the second tells
			must(t, told.tellOfEvents(t.Context()))
		}
	}
	run()
	root := audit.Actor{UserID: silent.ID, Username: "root", Address: "192.0.2.9", AsOf: 1 << 40}
	change := func(u *authority.Principal, email string) {
		t.Helper()
		_, err := m.accounts.Update(t.Context(), u.ID, 0, account.Patch{Email: &email}, root)
		must(t, err)
	}
	letters := func(want ...[2]string) {
		t.Helper()
		run()
		m.post.Send(m.letters.TokenEnds(mail.Person{Name: "last", Email: "last@example.com"}, "last", m.now()))
		for _, w := range append(want, [2]string{"last@example.com", "last"}) {
			got := m.box.Next(t)
			if got.To != w[0] || !strings.Contains(got.Body, w[1]) || strings.Contains(got.Body, "@") || w[1] != "last" && !strings.Contains(got.Body, "by root") {
				t.Errorf("got %+v, want one to %s that says %q", got, w[0], w[1])
			}
		}
	}
	const here, gone = "comes to this address from now on", "no longer comes to this address"
	change(&ann, "Ann@Example.com") // which is the same
	change(&silent, "silent@example.com")
	letters()
	change(&ann, "thief@example.net")
	change(&ann, "thief@example.org")
	letters([2]string{"thief@example.org", here}, [2]string{"Ann@Example.com", gone}, [2]string{"thief@example.org", here}, [2]string{"thief@example.net", gone})
	change(&ann, "")
	letters([2]string{"thief@example.org", gone})
	rename := "anna"
	_, err := m.accounts.Update(t.Context(), ann.ID, 0, account.Patch{Username: &rename}, root)
	must(t, err)
	letters()
}

// TestNoRoom tells the operator what to do where so many mails wait that further ones are given up.
func TestNoRoom(t *testing.T) {
	var log bytes.Buffer
	n := &node{logger: slog.New(slog.NewTextHandler(&log, nil))}
	n.tellOfMail(mail.ErrNoRoom, true)
	if got := log.String(); !strings.Contains(got, "no room for mails") || !strings.Contains(got, "--smtp-url") || strings.Count(got, "\n") != 1 {
		t.Errorf("got %s", got)
	}
}

// TestNoticesWords has words for every action of which users are told, and for those that guard an account.
func TestNoticesWords(t *testing.T) {
	told := changeWords()
	for action := range told {
		if !slices.Contains(audit.Actions(), action) {
			t.Errorf("users are told of %s, which there isn't", action)
		}
	}
	for _, action := range audit.Actions() {
		about, _, _ := strings.Cut(string(action), ".")
		if slices.Contains([]string{"authenticator", "passkey", "recovery_codes", "recovery_code", "second_factor"}, about) && told[action].IsZero() {
			t.Errorf("nobody is told of %s", action)
		}
	}
}

// TestTokensEnding tells of tokens a week before they end, of each once.
func TestTokensEnding(t *testing.T) {
	m := newMailing(t)
	must(t, m.feed.CatchUp(t.Context()))
	ann := m.user(t, "ann", "ann@example.com", "")
	_ = m.user(t, "silent", "", "")
	admin := authority.Principal{User: authority.User{ID: ann.ID, Username: "ann", Roles: []string{authority.AdminRole}, Active: true}, CredentialKind: authority.ConsoleSession}
	for name, d := range map[string]apitoken.Draft{
		"short": {User: "ann", Days: 3}, "eight days": {User: "ann", Days: 8}, "month": {User: "ann", Days: 30}, "never": {User: "ann", Never: true},
		"disabled": {User: "ann", Days: 8, Disabled: true}, "nobody's": {User: "silent", Days: 8},
	} {
		d.Name = name
		_, _, err := m.apiTokens.Create(t.Context(), d, &admin, audit.Actor{})
		must(t, err)
	}
	// What ends soon when people are told for the first time is told of, too.
	want := map[int]string{0: "short", 2: "eight days", 24: "month"} // which end at the hour at which it is asked
	for day := range 40 {
		for range 2 { // as two nodes do
			must(t, m.tellOfTokens(t.Context(), maxEndingMails))
		}
		if name := want[day]; name != "" {
			if got := m.box.Next(t); got.To != "ann@example.com" || !strings.Contains(got.Body, "“"+name+"”") {
				t.Errorf("day %d: got %+v", day, got)
			}
		}
		m.at.Add((24 * time.Hour).Microseconds())
	}
	m.post.Send(m.letters.TokenEnds(mail.Person{Name: "last", Email: "last@example.com"}, "last", m.now()))
	if got := m.box.Next(t); got.To != "last@example.com" {
		t.Errorf("got %+v besides", got)
	}
}

// TestManyTokensEnding has more tokens end than people are told of at a time: of the rest they are told the next times, of each once.
func TestManyTokensEnding(t *testing.T) {
	m := newMailing(t)
	must(t, m.feed.CatchUp(t.Context()))
	ann := m.user(t, "ann", "ann@example.com", "")
	admin := authority.Principal{User: authority.User{ID: ann.ID, Username: "ann", Roles: []string{authority.AdminRole}, Active: true}, CredentialKind: authority.ConsoleSession}
	for _, name := range []string{"one", "two", "three", "four", "five"} {
		_, _, err := m.apiTokens.Create(t.Context(), apitoken.Draft{User: "ann", Name: name, Days: 5}, &admin, audit.Actor{})
		must(t, err)
		if name != "two" && name != "four" { // which end together with the one after
			m.at.Add(time.Second.Microseconds())
		}
	}
	for _, want := range [][]string{{"one"}, {"two", "three"}, {"four", "five"}, nil} {
		must(t, m.tellOfTokens(t.Context(), 3))
		m.post.Send(m.letters.TokenEnds(mail.Person{Name: "ann", Email: "ann@example.com"}, "end", m.now()))
		var got []string
		for {
			_, text, _ := strings.Cut(m.box.Next(t).Body, "“")
			name, _, _ := strings.Cut(text, "”")
			if name == "end" {
				break
			}
			got = append(got, name)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got told of %q, want %q", got, want)
		}
	}
}
