package project_test

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// strict is a project that asks for everything.
func strict(d *project.Draft) {
	d.SecurityContext, d.AppKeys = "MyContext", []secret.Text{"MyAppKez", "MyAppKey"}
}

// TestProof: who calls, within which limits, until when, and whether that is remembered.
func TestProof(t *testing.T) {
	d := newDesk(t, strict, func(p *project.Draft) { p.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	safe, old := d.set(t, project.SetDraft{Name: "safe"}), d.set(t, cbc("old"))
	once := d.set(t, project.SetDraft{Name: "once", OneTime: true})
	limits := func(withoutAdmin bool) *authority.Limits {
		return &authority.Limits{
			Project: d.project.ID, WithoutAdmin: withoutAdmin, From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Application: "MyApp",
		}
	}
	unnamed := limits(false)
	unnamed.Application = ""
	whole, ann := d.security().with("UserName", "ann"), d.named("ann")
	ends, sooner := noon.Add(15*time.Minute), noon.Add(14*time.Minute)
	for name, tt := range map[string]struct {
		tokens authority.SealedTokens
		want   authority.Proof
	}{
		"an application for itself": {
			authority.SealedTokens{Security: d.xst(t, safe, d.security())},
			authority.Proof{ID: safe.ID, UserID: d.project.ServiceAccount, NotAfter: ends, Limits: limits(false), Remember: true},
		},
		"for a user, in one token": {
			authority.SealedTokens{Security: d.xst(t, safe, whole)},
			authority.Proof{ID: safe.ID, UserID: d.ann.ID, NotAfter: ends, Limits: limits(false), Remember: true},
		},
		"for a user, in the user's place": {
			authority.SealedTokens{User: d.xut(t, safe, whole)},
			authority.Proof{ID: safe.ID, UserID: d.ann.ID, NotAfter: ends, Limits: limits(false), Remember: true},
		},
		"for a user, in two tokens": {
			authority.SealedTokens{Security: d.xst(t, safe, d.security()), User: d.xut(t, safe, ann)},
			authority.Proof{ID: safe.ID, UserID: d.ann.ID, NotAfter: ends, Limits: limits(false), Remember: true},
		},
		"the second has no time": {
			authority.SealedTokens{Security: d.xst(t, safe, d.security()), User: d.xut(t, safe, ann.with("GenDT", none))},
			authority.Proof{ID: safe.ID, UserID: d.ann.ID, NotAfter: ends, Limits: limits(false), Remember: true},
		},
		"the second ends first": {
			authority.SealedTokens{Security: d.xst(t, safe, d.security()), User: d.xut(t, safe, ann.with("GenDT", stamp(noon.Add(-time.Minute))))},
			authority.Proof{ID: safe.ID, UserID: d.ann.ID, NotAfter: sooner, Limits: limits(false), Remember: true},
		},
		"the first ends first": {
			authority.SealedTokens{Security: d.xst(t, safe, d.security().with("GenDT", stamp(noon.Add(-time.Minute)))), User: d.xut(t, safe, ann)},
			authority.Proof{ID: safe.ID, UserID: d.ann.ID, NotAfter: sooner, Limits: limits(false), Remember: true},
		},
		"an application that says no name": {
			authority.SealedTokens{Security: d.xst(t, safe, d.security().with("AppId", none))},
			authority.Proof{ID: safe.ID, UserID: d.project.ServiceAccount, NotAfter: ends, Limits: unnamed, Remember: true},
		},
		"by a mode of old": {
			authority.SealedTokens{Security: d.xst(t, old, whole)},
			authority.Proof{ID: old.ID, UserID: d.ann.ID, NotAfter: ends, Limits: limits(true), Remember: true},
		},
		"the first by a mode of old": {
			authority.SealedTokens{Security: d.xst(t, old, d.security()), User: d.xut(t, safe, ann)},
			authority.Proof{ID: old.ID, UserID: d.ann.ID, NotAfter: ends, Limits: limits(true), Remember: true},
		},
		"the second by a mode of old": {
			authority.SealedTokens{Security: d.xst(t, safe, d.security()), User: d.xut(t, old, ann)},
			authority.Proof{ID: safe.ID, UserID: d.ann.ID, NotAfter: ends, Limits: limits(true), Remember: true},
		},
		"the first counts once": {
			authority.SealedTokens{Security: d.xst(t, once, d.security()), User: d.xut(t, safe, ann)},
			authority.Proof{ID: once.ID, UserID: d.ann.ID, NotAfter: ends, Limits: limits(false)},
		},
		"the second counts once": {
			authority.SealedTokens{Security: d.xst(t, safe, d.security()), User: d.xut(t, once, ann)},
			authority.Proof{ID: safe.ID, UserID: d.ann.ID, NotAfter: ends, Limits: limits(false)},
		},
		"for the service's project": {
			authority.SealedTokens{Project: d.project.ID, Number: "1000", Context: "MyContext", Security: d.xst(t, safe, d.security())},
			authority.Proof{ID: safe.ID, UserID: d.project.ServiceAccount, NotAfter: ends, Limits: limits(false), Remember: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := d.prove(t, tt.tokens)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
				t.Errorf("got (+), want (-):\n%s", diff)
			}
		})
	}
	if d.Kind() != authority.Sealed || d.Recognizes("anything") {
		t.Error("got another kind, or a bearer token recognized")
	}
}

// refused is a call that is refused, and its twin, which differs in a byte and is let in.
type refused struct {
	name   string
	reason authority.Reason
	bad    func(t *testing.T, d *desk, c *call)
	good   func(t *testing.T, d *desk, c *call) // nothing where the unchanged call is the twin
}

// call is what goes into the tokens of a call.
type call struct {
	authority.SealedTokens        // without tokens
	security, user         fields // none where nil
	set                    project.TokenSet
	query                  func(*authority.SealedTokens) // changes the sealed tokens
}

func (c *call) seal(t *testing.T, d *desk) authority.SealedTokens {
	t.Helper()
	s := c.SealedTokens
	if c.security != nil {
		s.Security = d.xst(t, c.set, c.security)
	}
	if c.user != nil {
		s.User = d.xut(t, c.set, c.user)
	}
	if c.query != nil {
		c.query(&s)
	}
	return s
}

// in says a field of the security token, and of the user token.
func in(name, value string) func(*testing.T, *desk, *call) {
	return func(_ *testing.T, _ *desk, c *call) { c.security = c.security.with(name, value) }
}

func inUser(name, value string) func(*testing.T, *desk, *call) {
	return func(_ *testing.T, _ *desk, c *call) { c.user = c.user.with(name, value) }
}

// alone leaves the user token, with a field.
func alone(pairs ...string) func(*testing.T, *desk, *call) {
	return func(_ *testing.T, _ *desk, c *call) {
		c.security, c.user = nil, c.security.with("UserName", "ann").with(pairs...)
	}
}

// asked has the call say something beside its tokens.
func asked(change func(*authority.SealedTokens)) func(*testing.T, *desk, *call) {
	return func(_ *testing.T, _ *desk, c *call) { c.query = change }
}

// changed changes the bytes of the security token.
func changed(change func([]byte) []byte) func(*testing.T, *desk, *call) {
	return func(t *testing.T, _ *desk, c *call) {
		c.query = func(s *authority.SealedTokens) { s.Security = encoded(change(raw(t, s.Security))) }
	}
}

// all makes several changes.
func all(changes ...func(*testing.T, *desk, *call)) func(*testing.T, *desk, *call) {
	return func(t *testing.T, d *desk, c *call) {
		for _, change := range changes {
			change(t, d, c)
		}
	}
}

// patched changes the project, until the end of the test.
func patched(to, back project.Patch) func(*testing.T, *desk, *call) {
	return func(t *testing.T, d *desk, _ *call) {
		d.update(t, to)
		t.Cleanup(func() { // the test's own context has ended by then
			_, err := d.Update(context.Background(), 1000, 0, back, admin)
			check(t, err)
		})
	}
}

func at(after time.Duration) string { return stamp(noon.Add(after)) }

func refusals() []refused {
	yes, no := new(true), new(false)
	notRequired := patched(project.Patch{TokenRequired: no}, project.Patch{TokenRequired: yes})
	optional := patched(project.Patch{ContextRequired: no}, project.Patch{ContextRequired: yes})
	another := func(s *authority.SealedTokens) { s.Number = "1001" }
	return []refused{
		{"no project of that number", authority.ReasonUnknownProject, asked(another), asked(func(s *authority.SealedTokens) { s.Number = "1000" })},
		{"no number", authority.ReasonUnknownProject, asked(func(s *authority.SealedTokens) { s.Number = "100O" }), asked(func(s *authority.SealedTokens) { s.Number = "100%30" })},
		{"a number with a sign", authority.ReasonUnknownProject, asked(func(s *authority.SealedTokens) { s.Number = "%2B1000" }), asked(func(s *authority.SealedTokens) { s.Number = "1000" })},
		{"a number that escapes nothing", authority.ReasonUnknownProject, asked(func(s *authority.SealedTokens) { s.Number = "1000%" }), asked(func(s *authority.SealedTokens) { s.Number = "1000" })},
		{
			"another than the service's", authority.ReasonUnknownProject,
			func(_ *testing.T, d *desk, c *call) { c.Project, c.Number = d.project.ID, "1001" },
			func(_ *testing.T, d *desk, c *call) { c.Project, c.Number = d.project.ID, "1000" },
		},
		{
			"no project of that ID", authority.ReasonUnknownProject,
			func(_ *testing.T, d *desk, c *call) { c.Project = d.project.ID; c.Project[0] ^= 1 },
			func(_ *testing.T, d *desk, c *call) { c.Project = d.project.ID },
		},

		{"a changed byte", authority.ReasonBadSeal, changed(func(b []byte) []byte { b[20] ^= 1; return b }), nil},
		{"a changed tag", authority.ReasonBadSeal, changed(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), nil},
		{"a cut tag", authority.ReasonBadSeal, changed(func(b []byte) []byte { return b[:len(b)-1] }), nil},
		{"nothing but a tag", authority.ReasonBadSeal, changed(func(b []byte) []byte { return b[len(b)-28:] }), nil},
		{"no Base64", authority.ReasonBadSeal, asked(func(s *authority.SealedTokens) { s.Security += "!" }), nil},
		{"the other's parameter", authority.ReasonBadSeal, func(t *testing.T, d *desk, c *call) {
			c.Security, c.security, c.user = d.xut(t, c.set, c.security), nil, nil
		}, func(t *testing.T, d *desk, c *call) {
			c.Security, c.security, c.user = d.xst(t, c.set, c.security), nil, nil
		}},
		{"the user token doesn't open", authority.ReasonBadSeal, asked(func(s *authority.SealedTokens) { s.User = "A" + s.User[1:] + "A" }), nil},

		{"no fields", authority.ReasonWrongFields, func(t *testing.T, d *desk, c *call) {
			c.Security, c.security = d.seal(t, c.set, "<SecurityToken>"+c.security.xml()[len("<SecurityToken>"):len(c.security.xml())-1], "XST"), nil
		}, func(t *testing.T, d *desk, c *call) {
			c.Security, c.security = d.seal(t, c.set, c.security.xml(), "XST"), nil
		}},
		{"a field twice", authority.ReasonWrongFields, in("genDT", at(0)), in("genDU", at(0))},

		{"no time", authority.ReasonWrongFields, in("GenDT", none), nil},
		{"a bad time", authority.ReasonWrongFields, in("GenDT", "2026-11-31T12:00:00Z"), in("GenDT", "2026-11-21T12:00:00Z")},
		{"over", authority.ReasonExpired, in("GenDT", at(-15*time.Minute)), in("GenDT", at(-15*time.Minute+time.Microsecond))},
		{"ahead", authority.ReasonNotYet, in("GenDT", at(5*time.Minute+time.Microsecond)), in("GenDT", at(5*time.Minute))},
		{"the user token is over", authority.ReasonExpired, inUser("GenDT", at(-15*time.Minute)), inUser("GenDT", at(-15*time.Minute+time.Microsecond))},
		{"the user token is ahead", authority.ReasonNotYet, inUser("GenDT", at(5*time.Minute+time.Microsecond)), inUser("GenDT", at(5*time.Minute))},
		{"the user token has a bad time", authority.ReasonWrongFields, inUser("GenDT", "2026-11-31T12:00:00Z"), inUser("GenDT", none)},
		{"alone without a time", authority.ReasonWrongFields, all(alone("GenDT", none), notRequired), all(alone(), notRequired)},

		{"another context", authority.ReasonWrongContext, in("Context", "MyContexT"), nil},
		{"no context", authority.ReasonWrongContext, in("Context", none), all(in("Context", none), optional)},
		{"an empty context", authority.ReasonWrongContext, in("Context", ""), all(in("Context", ""), optional)},
		{"another context, though none is required", authority.ReasonWrongContext, all(in("Context", "MyContexT"), optional), all(in("Context", none), optional)},
		{"another than the call's", authority.ReasonWrongContext, asked(func(s *authority.SealedTokens) { s.Context = "MyContexT" }), asked(func(s *authority.SealedTokens) { s.Context = "MyConte%78t" })},
		{"the call's escapes nothing", authority.ReasonWrongContext, asked(func(s *authority.SealedTokens) { s.Context = "MyContext%" }), asked(func(s *authority.SealedTokens) { s.Context = "MyContext" })},
		{
			"the call names one and the token none", authority.ReasonWrongContext,
			all(in("Context", none), optional, asked(func(s *authority.SealedTokens) { s.Context = "MyContext" })), all(in("Context", none), optional),
		},

		{"another app key", authority.ReasonWrongAppKey, in("AppKey", "MyAppKex"), in("AppKey", "MyAppKez")},
		{"no app key", authority.ReasonWrongAppKey, in("AppKey", none), nil},
		{"a cut app key", authority.ReasonWrongAppKey, in("AppKey", "MyAppKe"), nil},

		{"alone with another context", authority.ReasonWrongContext, alone("Context", "MyContexT"), alone()},
		{"alone without a context", authority.ReasonWrongContext, alone("Context", none), all(alone("Context", none), notRequired)},
		{"alone without an app key", authority.ReasonWrongAppKey, alone("AppKey", none), all(alone("AppKey", none), notRequired)},
		{"alone with another app key, though none is required", authority.ReasonWrongAppKey, all(alone("AppKey", "MyAppKex"), notRequired), all(alone(), notRequired)},
		{"alone with another context, though none is required", authority.ReasonWrongContext, all(alone("Context", "MyContexT"), notRequired), all(alone(), notRequired)},

		{"an empty name", authority.ReasonWrongFields, inUser("UserName", ""), nil},
		{"no name in a user token", authority.ReasonWrongFields, inUser("UserName", none), nil},
		{
			"an empty name in the security token", authority.ReasonWrongFields, func(_ *testing.T, _ *desk, c *call) { c.user, c.security = nil, c.security.with("UserName", "") },
			func(_ *testing.T, _ *desk, c *call) { c.user, c.security = nil, c.security.with("UserName", none) },
		},
		{"an unknown name", authority.ReasonUnknownUser, inUser("UserName", "anm"), inUser("UserName", "ANN")},
		{"another spelling", authority.ReasonUnknownUser, inUser("UserName", "ａnn"), nil},
		{"the sign of the kelvin", authority.ReasonUnknownUser, inUser("UserName", "\u212aim"), inUser("UserName", "KIM")},
		{"an e-mail", authority.ReasonUnknownUser, inUser("UserName", "ann@example.com"), nil},
		{"an ID", authority.ReasonUnknownUser, func(_ *testing.T, d *desk, c *call) { c.user = c.user.with("UserName", d.ann.ID.String()) }, nil},
		{"a name that is too long", authority.ReasonUnknownUser, inUser("UserName", strings.Repeat("a", 129)), nil},
		{"a service account", authority.ReasonNotSpokenFor, inUser("UserName", "robot"), nil},
		{"the project's own account", authority.ReasonNotSpokenFor, inUser("UserName", "project-1000"), nil},
		{"a blocked user", authority.ReasonBlocked, inUser("UserName", "bob"), nil},
	}
}

// TestRefusals: each reason, and its twin. An explanation says the same, and what to do about it.
func TestRefusals(t *testing.T) {
	d := newDesk(t, strict)
	safe := d.set(t, project.SetDraft{Name: "safe"})
	d.user(t, account.Draft{Username: "robot", Kind: account.Service})
	d.user(t, account.Draft{Username: "bob", State: account.Blocked})
	d.user(t, account.Draft{Username: "kim"})
	present := func(t *testing.T, change func(*testing.T, *desk, *call)) (authority.Reason, authority.SealedTokens) {
		t.Helper()
		c := call{security: d.security(), user: d.named("ann"), set: safe}
		if change != nil {
			change(t, d, &c)
		}
		s := c.seal(t, d)
		return d.reason(t, s), s
	}
	for _, tt := range refusals() {
		t.Run(tt.name, func(t *testing.T) {
			t.Run("refused", func(t *testing.T) {
				got, tokens := present(t, tt.bad)
				if got != tt.reason {
					t.Errorf("got %q, want %q", got, tt.reason)
				}
				d.wantTold(t, tokens, got)
			})
			t.Run("twin", func(t *testing.T) {
				got, tokens := present(t, tt.good)
				if got != "" {
					t.Errorf("got %q, want the twin to be let in", got)
				}
				d.wantTold(t, tokens, got)
			})
		})
	}
}

// wantTold checks that an explanation of tokens ends as their proof did.
func (d *desk) wantTold(t *testing.T, s authority.SealedTokens, reason authority.Reason) {
	t.Helper()
	var pairs []string
	for _, p := range []struct {
		name string
		text secret.Text
	}{{"XST", s.Security}, {"XUT", s.User}, {"XSC", s.Context}, {"ProjectId", s.Number}} {
		if p.text != "" {
			pairs = append(pairs, p.name+"="+p.text.Reveal())
		}
	}
	if s.Project != uuid.Nil && s.Project != d.project.ID {
		return // an explanation is of a project that there is
	}
	told, err := d.Explain(t.Context(), 1000, project.Question{Query: secret.Text(strings.Join(pairs, "&")), From: peer})
	check(t, err)
	last := told.Steps[len(told.Steps)-1]
	if told.Reason != reason || told.Accepted != (reason == "") || last.Passed != told.Accepted {
		t.Errorf("the explanation ends with %q at %+v, want %q", told.Reason, last, reason)
	}
	for _, s := range told.Steps {
		if s.Found == "" || s.Passed != (s.Fix == "") {
			t.Errorf("got the step %+v, want what it has found, and what to do where it fails", s)
		}
		for _, canary := range []string{"MyAppKe", "XST"} {
			if strings.Contains(s.Found, canary) {
				t.Errorf("got the step %+v, want it to keep %s to itself", s, canary)
			}
		}
	}
}

// TestAccountOfProject: an application that calls for itself does so as the project's account, and not without.
func TestAccountOfProject(t *testing.T) {
	d := newDesk(t)
	token := authority.SealedTokens{Security: d.xst(t, d.set(t, project.SetDraft{Name: "safe"}), d.security())}
	blocked, active := account.Blocked, account.Active
	for _, tt := range []struct {
		state account.State
		want  authority.Reason
	}{{blocked, authority.ReasonBlocked}, {active, ""}} {
		_, err := d.accounts.Update(t.Context(), d.project.ServiceAccount, 0, account.Patch{State: &tt.state}, admin)
		check(t, err)
		if got := d.reason(t, token); got != tt.want {
			t.Errorf("got %q for an account that is %s, want %q", got, tt.state, tt.want)
		}
	}
	check(t, d.accounts.Delete(t.Context(), d.project.ServiceAccount, admin))
	if got := d.reason(t, token); got != authority.ReasonUserDeleted {
		t.Errorf("got %q without the account, want %q", got, authority.ReasonUserDeleted)
	}
	check(t, d.Delete(t.Context(), 1000, admin))
}

// TestAddresses: tokens count from the project's addresses alone.
func TestAddresses(t *testing.T) {
	d := newDesk(t, func(p *project.Draft) {
		p.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/30"), netip.MustParsePrefix("2001:db8::/64")}
	})
	tokens := authority.SealedTokens{Security: d.xst(t, d.set(t, project.SetDraft{Name: "safe"}), d.security())}
	for _, tt := range []struct {
		from string
		want authority.Reason
	}{
		{"192.0.2.3", ""},
		{"192.0.2.4", authority.ReasonAddressNotAllowed},
		{"::ffff:192.0.2.3", ""},
		{"2001:db8::7%eth0", ""},
		{"2001:db8:0:1::7", authority.ReasonAddressNotAllowed},
		{"", authority.ReasonAddressNotAllowed},
	} {
		var from netip.Addr
		if tt.from != "" {
			from = netip.MustParseAddr(tt.from)
		}
		_, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Sealed, Sealed: tokens, From: from})
		if got := reasonOf(t, err); got != tt.want {
			t.Errorf("got %q from %q, want %q", got, tt.from, tt.want)
		}
		told, err := d.Explain(t.Context(), 1000, project.Question{Security: tokens.Security, From: from})
		check(t, err)
		if want := tt.want; told.Reason != want && tt.from != "" {
			t.Errorf("got %q told from %q, want %q", told.Reason, tt.from, want)
		}
		if tt.from == "" && !told.Accepted {
			t.Errorf("got %q where no address is asked about, want it not to be judged", told.Reason)
		}
	}
}

// TestNothingPresented: a credential without a token, as an edge may hand over by mistake, is none.
func TestNothingPresented(t *testing.T) {
	d := newDesk(t)
	if got := d.reason(t, authority.SealedTokens{Project: d.project.ID, Context: "MyContext"}); got != authority.ReasonNoCredential {
		t.Errorf("got %q, want %q", got, authority.ReasonNoCredential)
	}
	if got := d.reason(t, authority.SealedTokens{Security: "AAAA"}); got != authority.ReasonBadSeal {
		t.Errorf("got %q without a token set, want %q", got, authority.ReasonBadSeal)
	}
	set := d.set(t, project.SetDraft{Name: "off", Active: new(false)})
	token := d.xst(t, set, d.security())
	if got := d.reason(t, authority.SealedTokens{Security: token}); got != authority.ReasonBadSeal {
		t.Errorf("got %q with a token set that isn't active, want %q", got, authority.ReasonBadSeal)
	}
	_, err := d.UpdateSet(t.Context(), 1000, set.ID, project.SetPatch{Active: new(true)}, admin)
	check(t, err)
	if got := d.reason(t, authority.SealedTokens{Security: token}); got != "" {
		t.Errorf("got %q once it is, want the token to count", got)
	}
}

// TestSlowKey: whoever asks first for a key that takes its time to derive doesn't wait for it beyond his own, and isn't told that his
// token is bad. Another project's tokens go on meanwhile, and the next call finds the key derived.
func TestSlowKey(t *testing.T) {
	d := newDesk(t)
	slow := d.set(t, project.SetDraft{
		Name: "slow", Key: "a key that is long enough", KeyDerivation: "pbkdf2", Salt: "a salt of it", Hash: "SHA512", Iterations: 1_000_000,
	})
	_, err := d.Create(t.Context(), project.Draft{Number: 1001, Name: "Others"}, admin)
	check(t, err)
	_, _, err = d.AddSet(t.Context(), 1001, project.SetDraft{Name: "quick"}, admin)
	check(t, err)
	gone, leave := context.WithTimeout(t.Context(), 0)
	defer leave()
	before := d.Work()
	_, err = d.Prove(gone, authority.Credential{Kind: authority.Sealed, Sealed: authority.SealedTokens{Security: "AAAA"}, From: peer})
	if !errors.Is(err, context.DeadlineExceeded) || refusalIn(err) != nil {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if did := d.Work().Less(before); did != (project.Work{}) {
		t.Errorf("got %+v done for whoever had left, want nothing", did)
	}
	if got := d.reason(t, authority.SealedTokens{Number: "1001", Security: "AAAA"}); got != authority.ReasonBadSeal {
		t.Errorf("got %q of the other project, want %q", got, authority.ReasonBadSeal)
	}
	if got := d.reason(t, authority.SealedTokens{Security: d.xst(t, slow, d.security())}); got != "" {
		t.Errorf("got %q, want the token to count", got)
	}
}

// TestManyApplications: an application that calls itself otherwise in each token is let in, and takes a bounded part of what the
// authority keeps of limits.
func TestManyApplications(t *testing.T) {
	d := newDesk(t)
	set := d.set(t, project.SetDraft{Name: "safe"})
	seen := map[*authority.Limits]bool{}
	names := map[string]bool{}
	for i := range 600 {
		proof, err := d.prove(t, authority.SealedTokens{Security: d.xst(t, set, d.security().with("AppId", strconv.Itoa(i%300)))})
		check(t, err)
		seen[proof.Limits], names[proof.Limits.Application] = true, true
	}
	if len(seen) != 257 || len(names) != 257 || !names["0"] || !names[""] || names["299"] {
		t.Errorf("got %d limits with %d names, want those of 256 applications and one without a name", len(seen), len(names))
	}
}
