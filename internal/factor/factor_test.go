package factor_test

import (
	"crypto/rand"
	"errors"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/secret"
	inside "github.com/jeton-io/jeton/test/desk"
)

// door takes the second step of a log-in, as the console's does.
var door = &authority.Door{Name: "login", Kinds: authority.KindsOf(authority.SecondFactor)}

// person is root, who has a password, at a desk.
type person struct {
	*inside.Desk
	shared string // with the authenticator app
	codes  []secret.Text
}

func newPerson(t *testing.T) *person {
	t.Helper()
	return &person{Desk: inside.New(t, inside.Options{Bare: true})}
}

// config is that of the desk's factors, for another node at the same database.
func (p *person) config() factor.Config {
	return factor.Config{
		Store: p.Store, Keyring: p.Keyring, Applied: p.Feed.CatchUp, Now: p.Now, Random: rand.Reader, PublicURL: inside.Issuer,
	}
}

// actor is who is logged in, as of now.
func (p *person) actor() audit.Actor {
	return audit.Actor{UserID: p.Admin.ID, Username: p.Admin.Username, CredentialKind: authority.ConsoleSession.String(), CredentialID: uuid.New(), AsOf: p.Feed.Revision()}
}

// code is what Debian's oathtool shows now.
func (p *person) code(t *testing.T) secret.Text {
	t.Helper()
	return p.codeAt(t, p.Now())
}

func (p *person) codeAt(t *testing.T, at time.Time) secret.Text {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "oathtool", "--totp", "--base32", "--now", at.UTC().Format("2006-01-02 15:04:05 UTC"), p.shared).Output()
	inside.Check(t, err)
	return secret.Text(strings.TrimSpace(string(out)))
}

// enrol sets up an authenticator app.
func (p *person) enrol(t *testing.T) *person {
	t.Helper()
	e, err := p.Factors.Authenticator(t.Context(), &p.Admin)
	inside.Check(t, err)
	p.shared = e.Secret.Reveal()
	codes, err := p.Factors.AddAuthenticator(t.Context(), &p.Admin, e.Ticket, p.code(t), p.actor())
	inside.Check(t, err)
	if codes != nil {
		p.codes = codes
	}
	p.Advance(t, 30*time.Second) // the code of the enrolment has counted
	return p
}

// addKey gives the person a passkey.
func (p *person) addKey(t *testing.T, k *securityKey) []secret.Text {
	t.Helper()
	asked, ticket, err := p.Factors.BeginPasskey(t.Context(), &p.Admin)
	inside.Check(t, err)
	codes, err := p.Factors.AddPasskey(t.Context(), &p.Admin, factor.NewPasskey{Ticket: ticket, Name: "Key", Answer: k.create(t, asked)}, p.actor())
	inside.Check(t, err)
	return codes
}

// challenge begins the second step.
func (p *person) challenge(t *testing.T) factor.Challenge {
	t.Helper()
	c, on, err := p.Factors.Challenge(t.Context(), &p.Admin)
	inside.Check(t, err)
	if !on {
		t.Fatal("got no second step")
	}
	return c
}

// answer returns why an answer is refused, empty where it isn't.
func (p *person) answer(t *testing.T, ticket, answer secret.Text) authority.Reason {
	t.Helper()
	principal, err := p.Authority.Identify(t.Context(), &authority.Presented{
		Given: &authority.Credential{Kind: authority.SecondFactor, Name: ticket.Reveal(), Text: answer}, Peer: inside.Peer, Method: "POST",
	}, door)
	if err == nil {
		if principal.ID != p.Admin.ID || principal.CredentialKind != authority.SecondFactor {
			t.Errorf("got the principal %+v, want root by a second factor", principal)
		}
		return ""
	}
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	return ref.Reason
}

func (p *person) expect(t *testing.T, what string, ticket, answer secret.Text, want authority.Reason) {
	t.Helper()
	if got := p.answer(t, ticket, answer); got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestAuthenticator(t *testing.T) {
	p := newPerson(t)
	if _, on, err := p.Factors.Challenge(t.Context(), &p.Admin); on || err != nil {
		t.Fatalf("got a second step %v and error %v of whoever has none", on, err)
	}
	e, err := p.Factors.Authenticator(t.Context(), &p.Admin)
	inside.Check(t, err)
	u, err := url.Parse(e.URL.Reveal())
	inside.Check(t, err)
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Jeton tokens.example.com:root" || u.Query().Get("secret") != e.Secret.Reveal() || u.Query().Get("issuer") != "Jeton tokens.example.com" || strings.Contains(u.RawQuery, "+") {
		t.Errorf("got the URL %s", e.URL.Reveal())
	}
	p.shared = e.Secret.Reveal()
	right := p.code(t)
	wrong := secret.Text(twin(right.Reveal()))
	if _, err := p.Factors.AddAuthenticator(t.Context(), &p.Admin, e.Ticket, wrong, p.actor()); field(err) != "code" {
		t.Errorf("a wrong code: got %v, want a FieldError of code", err)
	}
	again, err := p.Factors.Resume(&p.Admin, e.Ticket)
	if err != nil || again != e {
		t.Errorf("got another enrolment after a wrong code, and error %v", err)
	}
	if on, err := p.Factors.On(t.Context(), p.Admin.ID); on || err != nil {
		t.Errorf("got a factor that is on, %v, before a code was right; error %v", on, err)
	}
	codes, err := p.Factors.AddAuthenticator(t.Context(), &p.Admin, e.Ticket, right, p.actor())
	inside.Check(t, err)
	if len(codes) != 16 {
		t.Errorf("got %d recovery codes, want 16", len(codes))
	}
	s, err := p.Factors.Of(t.Context(), p.Admin.ID)
	if err != nil || !s.On() || !s.Authenticator.Equal(p.Now()) || s.RecoveryCodes != 16 || s.Passkeys != nil {
		t.Errorf("got %+v and error %v", s, err)
	}
	if on, err := p.Factors.On(t.Context(), p.Admin.ID); !on || err != nil {
		t.Errorf("got on %v and error %v", on, err)
	}
	if _, err := p.Factors.AddAuthenticator(t.Context(), &p.Admin, e.Ticket, right, p.actor()); !errors.Is(err, authority.ErrConflict) {
		t.Errorf("a second one: got %v, want a conflict", err)
	}

	c := p.challenge(t)
	if !c.Authenticator || !c.Codes || c.Passkey != nil {
		t.Errorf("got the step %+v", c)
	}
	p.expect(t, "the code of the enrolment", c.Ticket, right, authority.ReasonUsedCode)
	p.Advance(t, 30*time.Second)
	right = p.code(t)
	p.expect(t, "a code one digit off", c.Ticket, secret.Text(twin(right.Reveal())), authority.ReasonWrongCode)
	p.expect(t, "its twin, typed in two groups", c.Ticket, " "+right[:3]+" "+right[3:], "")
	p.expect(t, "the same again", c.Ticket, right, authority.ReasonUsedCode)
	p.Advance(t, 30*time.Second)
	p.expect(t, "one from two steps ahead", c.Ticket, p.codeAt(t, p.Now().Add(61*time.Second)), authority.ReasonWrongCode)
	p.expect(t, "one from the next step", c.Ticket, p.codeAt(t, p.Now().Add(30*time.Second)), "")
	p.expect(t, "the one now, which came before that", c.Ticket, p.code(t), authority.ReasonUsedCode)

	inside.Check(t, p.Factors.RemoveAuthenticator(t.Context(), &p.Admin.User, p.actor()))
	if s, err := p.Factors.Of(t.Context(), p.Admin.ID); err != nil || s.On() || s.RecoveryCodes != 0 {
		t.Errorf("after the removal: got %+v and error %v", s, err)
	}
	if err := p.Factors.RemoveAuthenticator(t.Context(), &p.Admin.User, p.actor()); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("another removal: got %v", err)
	}
	p.expect(t, "a ticket of before the removal", c.Ticket, p.code(t), authority.ReasonUserChanged)
}

// twin returns a text whose last character is another.
func twin(text string) string {
	last := text[len(text)-1] ^ 1
	return text[:len(text)-1] + string(last)
}

func field(err error) string {
	f, ok := errors.AsType[*authority.FieldError](err)
	if !ok {
		return ""
	}
	return f.Field
}

// TestOnceAtOnce sends one answer fifty times at once: it counts once.
func TestOnceAtOnce(t *testing.T) {
	p := newPerson(t).enrol(t)
	k := newKey(t)
	p.addKey(t, k)
	p.Advance(t, time.Second)
	c := p.challenge(t)
	for what, answer := range map[string]secret.Text{"code": p.code(t), "recovery code": p.codes[7], "passkey": k.get(t, c.Passkey)} {
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[authority.Reason]int{}
		for range 50 {
			wg.Go(func() {
				reason := p.answer(t, c.Ticket, answer)
				mu.Lock()
				defer mu.Unlock()
				got[reason]++
			})
		}
		wg.Wait()
		if got[""] != 1 {
			t.Errorf("%s: got %v, want one that counts", what, got)
		}
		for reason := range got {
			// On a machine that is busy, a verdict may have no more time: it is none that lets anybody in.
			if !slices.Contains([]authority.Reason{"", authority.ReasonUsedCode, authority.ReasonReplayed, authority.ReasonUnavailable}, reason) {
				t.Errorf("%s: got the reason %q", what, reason)
			}
		}
	}
}

func TestRecoveryCodes(t *testing.T) {
	p := newPerson(t).enrol(t)
	c := p.challenge(t)
	seen := map[string]bool{}
	for _, code := range p.codes {
		text := code.Reveal()
		if len(text) != 11 || text[5] != '-' || strings.Trim(text, "0123456789abcdefghjkmnpqrstvwxyz-") != "" || seen[text] {
			t.Errorf("got the code %s", text)
		}
		seen[text] = true
	}
	first := p.codes[0].Reveal()
	other := secret.Text(first[:10] + map[bool]string{true: "2", false: "3"}[first[10] != '2'])
	p.expect(t, "a code one character off", c.Ticket, other, authority.ReasonWrongCode)
	p.expect(t, "a code one character short", c.Ticket, p.codes[0][:10], authority.ReasonWrongCode)
	sloppy := strings.NewReplacer("0", "o", "1", "L", "-", " - ").Replace(strings.ToUpper(first))
	p.expect(t, "its twin, typed otherwise", c.Ticket, secret.Text(sloppy), "")
	p.expect(t, "the same again", c.Ticket, p.codes[0], authority.ReasonUsedCode)
	p.expect(t, "another", c.Ticket, p.codes[1], "")
	if s, err := p.Factors.Of(t.Context(), p.Admin.ID); err != nil || s.RecoveryCodes != 14 {
		t.Errorf("got %d codes and error %v, want 14", s.RecoveryCodes, err)
	}
	renewed, err := p.Factors.RenewCodes(t.Context(), &p.Admin.User, p.actor())
	if err != nil || len(renewed) != 16 {
		t.Fatalf("got %d codes and error %v", len(renewed), err)
	}
	p.expect(t, "a code of before", c.Ticket, p.codes[2], authority.ReasonWrongCode)
	p.expect(t, "a code of now", c.Ticket, renewed[2], "")
	somebody := p.User(t, "somebody", account.Person)
	if _, err := p.Factors.RenewCodes(t.Context(), &somebody.User, audit.Actor{}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("codes without a factor: got %v", err)
	}
	events, err := p.Store.Events(t.Context(), audit.Query{Action: audit.RecoveryCodeUse, Limit: 9})
	if err != nil || len(events) != 3 || events[0].Target.Name != "root" || events[0].Actor.UserID != p.Admin.ID || events[0].Actor.Username != "root" || events[0].Actor.Address != inside.Peer.String() || events[0].Actor.CredentialKind != "second_factor" {
		t.Errorf("got the events %+v and error %v", events, err)
	}
}

func TestTicket(t *testing.T) {
	p := newPerson(t).enrol(t)
	c := p.challenge(t)
	e, err := p.Factors.Authenticator(t.Context(), &p.Admin)
	inside.Check(t, err)
	for what, ticket := range map[string]secret.Text{
		"none": "", "one changed": secret.Text(twin(c.Ticket.Reveal())), "one of another purpose": e.Ticket, "one with a line break": c.Ticket + "\n", "one twice": c.Ticket + c.Ticket,
		"garbage": secret.Text(strings.Repeat("x", 5000)),
	} {
		p.expect(t, what, ticket, p.code(t), authority.ReasonUnknownTicket)
		if _, err := p.Factors.Again(t.Context(), ticket); reason(err) != authority.ReasonUnknownTicket {
			t.Errorf("%s, again: got %v", what, err)
		}
	}
	if again, err := p.Factors.Again(t.Context(), c.Ticket); err != nil || again.Ticket != c.Ticket || !again.Authenticator {
		t.Errorf("got the step %+v and error %v, want the same", again, err)
	}
	p.Advance(t, 10*time.Minute-time.Second)
	p.expect(t, "its twin, just in time", c.Ticket, p.code(t), "")
	p.Advance(t, time.Second)
	p.expect(t, "it, a second later", c.Ticket, p.code(t), authority.ReasonExpired)
	if _, err := p.Factors.Again(t.Context(), c.Ticket); reason(err) != authority.ReasonExpired {
		t.Errorf("got %v, want it to have expired", err)
	}
	p.Advance(t, time.Minute)
	c = p.challenge(t)
	p.Advance(t, -3*time.Minute)
	p.expect(t, "one from ahead", c.Ticket, p.codes[0], authority.ReasonExpired)
	p.Advance(t, 3*time.Minute)
	p.expect(t, "its twin", c.Ticket, p.codes[0], "")
}

func reason(err error) authority.Reason {
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		return ref.Reason
	}
	return ""
}

// TestTicketOfChanged has the user change between the two steps.
func TestTicketOfChanged(t *testing.T) {
	for what, change := range map[string]func(t *testing.T, p *person){
		"a new name": func(t *testing.T, p *person) {
			t.Helper()
			name := "Root"
			_, err := p.Accounts.Update(t.Context(), p.Admin.ID, 0, account.Patch{DisplayName: &name}, audit.Actor{})
			inside.Check(t, err)
		},
		"a new password": func(t *testing.T, p *person) {
			t.Helper()
			inside.Check(t, p.Accounts.ChangePassword(t.Context(), p.Admin.ID, inside.Password, "another horse, another battery", audit.Actor{}))
		},
		"a reset": func(t *testing.T, p *person) {
			t.Helper()
			password := secret.Text("another horse, another battery")
			_, err := p.Accounts.Update(t.Context(), p.Admin.ID, 0, account.Patch{Password: &password}, audit.Actor{})
			inside.Check(t, err)
		},
	} {
		p := newPerson(t).enrol(t)
		c := p.challenge(t)
		p.Advance(t, time.Second)
		p.expect(t, what+", before", c.Ticket, p.code(t), "")
		change(t, p)
		p.Advance(t, 30*time.Second)
		p.expect(t, what, c.Ticket, p.code(t), authority.ReasonUserChanged)
		p.expect(t, "a ticket of after "+what, p.challenge(t).Ticket, p.code(t), "")
	}
}

// TestGuesses guesses at codes: of whoever has the password, five are looked at, and the right code isn't among them.
func TestGuesses(t *testing.T) {
	p := newPerson(t).enrol(t)
	k := newKey(t)
	p.addKey(t, k)
	p.Advance(t, time.Second)
	c := p.challenge(t)
	wrong := secret.Text(twin(p.code(t).Reveal()))
	for range 5 {
		p.expect(t, "a wrong code", c.Ticket, wrong, authority.ReasonWrongCode)
	}
	p.expect(t, "the sixth", c.Ticket, wrong, authority.ReasonThrottled)
	p.expect(t, "the right one, as long as there is no room", c.Ticket, p.code(t), authority.ReasonThrottled)
	p.expect(t, "a recovery code", c.Ticket, p.codes[0], "")
	p.expect(t, "a passkey", c.Ticket, k.get(t, c.Passkey), "")
	p.Advance(t, time.Hour)
	c = p.challenge(t)
	p.expect(t, "the right one, an hour later", c.Ticket, p.code(t), "")
	p.Advance(t, time.Minute)
	p.expect(t, "another, which took no room", c.Ticket, p.code(t), "")
	p.expect(t, "a wrong one, for which there is room", c.Ticket, wrong, authority.ReasonWrongCode)
	p.expect(t, "one more", c.Ticket, wrong, authority.ReasonThrottled)
	p.expect(t, "the right one, once more", c.Ticket, p.codeAt(t, p.Now().Add(30*time.Second)), authority.ReasonThrottled)
}

// TestGuessesOfADay has somebody who knows the password guess for a day, nine at once each half hour, at three nodes that are started anew
// each time: three of a million codes are right, so with as many guesses as are looked at, not one in ten thousand gets through.
func TestGuessesOfADay(t *testing.T) {
	p := newPerson(t).enrol(t)
	wrong := secret.Text(twin(p.code(t).Reveal())) // whatever the right one is by then, nearly
	looked, tried := 0, 0
	for range 24 * 2 {
		ticket := p.challenge(t).Ticket
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 3 {
			node, err := factor.New(p.config())
			inside.Check(t, err)
			for range 3 {
				wg.Go(func() {
					_, err := node.Prove(t.Context(), authority.Credential{Kind: authority.SecondFactor, Name: ticket.Reveal(), Text: wrong})
					ref, refused := errors.AsType[*authority.Refusal](err)
					mu.Lock()
					defer mu.Unlock()
					if tried++; refused && ref.Reason == authority.ReasonWrongCode {
						looked++
					} else if !refused || ref.Reason != authority.ReasonThrottled || ref.RetryAfter <= 0 || ref.RetryAfter > time.Hour {
						t.Errorf("got error %v", err)
					}
				})
			}
		}
		wg.Wait()
		p.Advance(t, 30*time.Minute)
	}
	if odds := 1_000_000 / float64(3*looked); odds < 10_000 || looked < 24 {
		t.Errorf("got %d of %d guesses looked at: one in %.0f gets through, want one in 10,000 at most", looked, tried, odds)
	}
}

// TestGuessesOfSetBackClock spends all guesses while the clock is a day ahead: they are free again five hours after it was set right.
func TestGuessesOfSetBackClock(t *testing.T) {
	p := newPerson(t)
	p.Advance(t, 24*time.Hour)
	p.enrol(t)
	wrong := secret.Text(twin(p.code(t).Reveal()))
	for range 5 {
		p.expect(t, "a wrong code", p.challenge(t).Ticket, wrong, authority.ReasonWrongCode)
	}
	p.Advance(t, -24*time.Hour)
	p.expect(t, "the next", p.challenge(t).Ticket, wrong, authority.ReasonThrottled)
	p.Advance(t, 5*time.Hour)
	for range 5 {
		p.expect(t, "a wrong code, hours later", p.challenge(t).Ticket, wrong, authority.ReasonWrongCode)
	}
	p.expect(t, "one more", p.challenge(t).Ticket, wrong, authority.ReasonThrottled)
}

func TestPasskeys(t *testing.T) {
	p := newPerson(t)
	k := newKey(t)
	k.count = 7
	asked, ticket, err := p.Factors.BeginPasskey(t.Context(), &p.Admin)
	inside.Check(t, err)
	o := read(t, asked).PublicKey
	if o.RP.ID != "tokens.example.com" || o.User.Name != "root" || o.User.DisplayName != "root" || o.Exclude != nil {
		t.Errorf("got the options %s", asked)
	}
	elsewhere := *k
	elsewhere.origin = "https://tokens.example.org"
	for what, n := range map[string]struct {
		factor.NewPasskey
		field string
	}{
		"another site's":     {factor.NewPasskey{Ticket: ticket, Answer: elsewhere.create(t, asked)}, "passkey"},
		"garbage":            {factor.NewPasskey{Ticket: ticket, Answer: "{}"}, "passkey"},
		"too long":           {factor.NewPasskey{Ticket: ticket, Answer: secret.Text(strings.Repeat(" ", 1<<15)) + k.create(t, asked)}, "passkey"},
		"a name too long":    {factor.NewPasskey{Ticket: ticket, Answer: k.create(t, asked), Name: strings.Repeat("é", 65)}, "name"},
		"a name of controls": {factor.NewPasskey{Ticket: ticket, Answer: k.create(t, asked), Name: "a\x1b[1m"}, "name"},
		"no ticket":          {factor.NewPasskey{Answer: k.create(t, asked)}, "ticket"},
	} {
		if _, err := p.Factors.AddPasskey(t.Context(), &p.Admin, n.NewPasskey, p.actor()); field(err) != n.field {
			t.Errorf("%s: got %v, want a FieldError of %s", what, err, n.field)
		}
	}
	n := factor.NewPasskey{Ticket: ticket, Answer: k.create(t, asked), Name: strings.Repeat("é", 64)}
	if p.codes, err = p.Factors.AddPasskey(t.Context(), &p.Admin, n, p.actor()); err != nil || len(p.codes) != 16 {
		t.Fatalf("got %d recovery codes and error %v", len(p.codes), err)
	}
	if _, err := p.Factors.AddPasskey(t.Context(), &p.Admin, n, p.actor()); !errors.Is(err, authority.ErrConflict) {
		t.Errorf("the same again: got %v, want a conflict", err)
	}
	if asked, _, err = p.Factors.BeginPasskey(t.Context(), &p.Admin); err != nil || len(read(t, asked).PublicKey.Exclude) != 1 {
		t.Errorf("got the options %s and error %v, want the one that there is excluded", asked, err)
	}
	p.Advance(t, time.Second)

	c := p.challenge(t)
	if o := read(t, c.Passkey).PublicKey; c.Authenticator || o.RPID != "tokens.example.com" || len(o.Allow) != 1 || o.Allow[0].ID != encode(k.id) {
		t.Errorf("got the step %+v, %s", c, c.Passkey)
	}
	p.expect(t, "a code, of whoever has no app", c.Ticket, "123456", authority.ReasonWrongCode)
	other := newKey(t)
	p.expect(t, "another's", c.Ticket, other.get(t, c.Passkey), authority.ReasonWrongPasskey)
	elsewhere.count = k.count
	p.expect(t, "one given to another site", c.Ticket, elsewhere.get(t, c.Passkey), authority.ReasonWrongPasskey)
	for _, origin := range []string{ // browsers let pages below the host ask in its name (Web Authentication section 5.1.3)
		"https://evil.tokens.example.com", "https://tokens.example.com:8443", "http://tokens.example.com", "https://tokens.example.com.evil.example", "null", "",
	} {
		page := *k
		page.origin = origin
		p.expect(t, "one given to a page of "+origin, c.Ticket, page.get(t, c.Passkey), authority.ReasonWrongPasskey)
	}
	p.expect(t, "one to another question", c.Ticket, k.get(t, p.challenge(t).Passkey), authority.ReasonWrongPasskey)
	absent := *k
	absent.flags = 0
	p.expect(t, "one with nobody there", c.Ticket, absent.get(t, c.Passkey), authority.ReasonWrongPasskey)
	good := k.get(t, c.Passkey)
	p.expect(t, "one with a changed signature", c.Ticket, forged(good), authority.ReasonWrongPasskey)
	if again, err := p.Factors.Again(t.Context(), c.Ticket); err != nil || string(again.Passkey) != string(c.Passkey) {
		t.Errorf("got the step %+v and error %v, want the same question", again, err)
	}
	p.expect(t, "its twin", c.Ticket, good, "")
	p.expect(t, "the same again", c.Ticket, good, authority.ReasonClonedPasskey) // by its counter
	p.expect(t, "another answer to the same question", c.Ticket, k.get(t, c.Passkey), authority.ReasonReplayed)
	p.Advance(t, time.Second)
	c = p.challenge(t)
	k.count = 3
	p.expect(t, "one of a copy", c.Ticket, k.get(t, c.Passkey), authority.ReasonClonedPasskey)
	k.count = 30
	p.expect(t, "its twin", c.Ticket, k.get(t, c.Passkey), "")

	s, err := p.Factors.Of(t.Context(), p.Admin.ID)
	if err != nil || len(s.Passkeys) != 1 || s.Passkeys[0].Name != n.Name || !s.Passkeys[0].LastUsedAt.Equal(p.Now()) {
		t.Fatalf("got %+v and error %v", s, err)
	}
	if codes := p.addKey(t, other); codes != nil {
		t.Error("got recovery codes for a second factor beside the first")
	}
	if err := p.Factors.RemovePasskey(t.Context(), &p.Admin.User, uuid.New(), p.actor()); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("removing none: got %v", err)
	}
	p.Advance(t, time.Second)
	c = p.challenge(t)
	inside.Check(t, p.Factors.RemovePasskey(t.Context(), &p.Admin.User, s.Passkeys[0].ID, p.actor()))
	p.expect(t, "one that was removed", c.Ticket, k.get(t, c.Passkey), authority.ReasonWrongPasskey)
	p.expect(t, "a recovery code of before", c.Ticket, p.codes[0], "")
	p.expect(t, "one that stays", c.Ticket, other.get(t, c.Passkey), "")
}

// forged returns an answer with another signature.
func forged(answer secret.Text) secret.Text {
	text := answer.Reveal()
	at := strings.Index(text, `"signature":"`) + len(`"signature":"`) + 20
	return secret.Text(text[:at] + string(text[at]^1) + text[at+1:])
}

// TestSessionsEnd begins sessions before the first factor, before the last is gone, and before all are taken away.
func TestSessionsEnd(t *testing.T) {
	p := newPerson(t)
	k := newKey(t)
	begin := func() secret.Text {
		c, err := p.Browsers.Begin(t.Context(), &p.Admin, uuid.Nil, audit.Actor{})
		inside.Check(t, err)
		return c.Console
	}
	lives := func(cookie secret.Text) bool {
		_, err := p.Authority.Identify(t.Context(), &authority.Presented{Cookie: []string{inside.ConsoleCookie + "=" + cookie.Reveal()}, Method: "GET"},
			&authority.Door{Name: "console", Kinds: authority.KindsOf(authority.ConsoleSession)})
		return err == nil
	}
	for _, step := range []struct {
		what string
		do   func() error
		ends bool
	}{
		{"the first factor", func() error { p.enrol(t); return nil }, true},
		{"a passkey beside it", func() error { p.addKey(t, k); return nil }, false},
		{"the removal of one of two", func() error {
			return p.Factors.RemoveAuthenticator(t.Context(), &p.Admin.User, p.actor())
		}, false},
		{"new recovery codes", func() error {
			_, err := p.Factors.RenewCodes(t.Context(), &p.Admin.User, p.actor())
			return err
		}, false},
		{"an administrator's removal", func() error { return p.Factors.RemoveAll(t.Context(), &p.Admin.User, audit.Actor{}) }, true},
	} {
		cookie := begin()
		if !lives(cookie) {
			t.Fatalf("before %s: the session is dead", step.what)
		}
		inside.Check(t, step.do())
		if got := !lives(cookie); got != step.ends {
			t.Errorf("%s: got the session to have ended %v, want %v", step.what, got, step.ends)
		}
	}
	if err := p.Factors.RemoveAll(t.Context(), &p.Admin.User, audit.Actor{}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v, want nothing to take away", err)
	}
}

// TestOtherDoors presents an answer where none is taken.
func TestOtherDoors(t *testing.T) {
	p := newPerson(t).enrol(t)
	given := &authority.Credential{Kind: authority.SecondFactor, Name: p.challenge(t).Ticket.Reveal(), Text: p.code(t)}
	_, err := p.Authority.Identify(t.Context(), &authority.Presented{Given: given}, &authority.Door{Name: "v1", Kinds: authority.KindsOf(authority.Password, authority.ConsoleSession)})
	if reason(err) != authority.ReasonNotAcceptedHere {
		t.Errorf("got %v", err)
	}
	if _, err := p.Authority.Identify(t.Context(), &authority.Presented{Given: given}, door); err != nil {
		t.Errorf("at its own: got %v", err)
	}
}

func TestWherePasskeysCanBe(t *testing.T) {
	p := newPerson(t)
	if !p.Factors.Passkeys() {
		t.Error("got no passkeys at an https URL")
	}
	for where, want := range map[string]bool{"http://localhost:8080": true, "https://192.0.2.7": false, "http://tokens.example.com": false, "https://[::1]:8443": false} {
		f, err := factor.New(factor.Config{Store: p.Store, Keyring: p.Keyring, Applied: p.Feed.CatchUp, Now: p.Now, Random: zeros{}, PublicURL: where})
		if err != nil || f.Passkeys() != want {
			t.Errorf("%s: got passkeys %v and error %v", where, f.Passkeys(), err)
		}
		if _, _, err := f.BeginPasskey(t.Context(), &p.Admin); errors.Is(err, factor.ErrNoPasskeys) == want {
			t.Errorf("%s: got error %v", where, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
