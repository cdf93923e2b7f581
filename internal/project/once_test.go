package project_test

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestOnce: a token that counts once is known by what it says, whichever text says it.
func TestOnce(t *testing.T) {
	d := newDesk(t)
	draft := cbc("old")
	draft.OneTime = true
	set := d.set(t, draft)
	n := 0
	for name, tt := range map[string]struct {
		second func(fields) secret.Text
		want   authority.Reason
	}{
		"the same":            {fields.xml, authority.ReasonReplayed},
		"in another notation": {fields.json, authority.ReasonReplayed},
		"in a third":          {fields.form, authority.ReasonReplayed},
		"in another order":    {func(f fields) secret.Text { return append(fields{f[2], f[3], f[0], f[1]}, f[4:]...).xml() }, authority.ReasonReplayed},
		"with names in another case": {func(f fields) secret.Text {
			return secret.Text(strings.Replace(f.json().Reveal(), "AppId", "APPID", 1))
		}, authority.ReasonReplayed},
		"with the time in a zone": {
			func(f fields) secret.Text {
				return f.with("GenDT", noon.In(time.FixedZone("", 3600)).Format(time.RFC3339)).json()
			}, authority.ReasonReplayed,
		},
		"with blanks":           {func(f fields) secret.Text { return f.xml() + " \n" }, authority.ReasonReplayed},
		"another value":         {func(f fields) secret.Text { return f.with("AppId", "MyApq").xml() }, ""},
		"a microsecond later":   {func(f fields) secret.Text { return f.with("GenDT", at(time.Microsecond)).xml() }, ""},
		"a field of its own":    {func(f fields) secret.Text { return f.with("Nonce", "1").xml() }, ""},
		"a field that is empty": {func(f fields) secret.Text { return f.with("Nonce", "").xml() }, ""},
		"two fields in one":     {func(f fields) secret.Text { return f.with("AppId", f[3]+"GenDT", "App", "").json() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n++
			first := fields{"Context", "c", "AppId", "MyApp", "GenDT", at(0), "N", string(rune('A' + n))}
			present := func(text secret.Text) authority.Reason {
				return d.reason(t, authority.SealedTokens{Security: d.seal(t, set, text, "XST")})
			}
			told := func() authority.Reason {
				told, err := d.Explain(t.Context(), 1000, project.Question{Security: d.seal(t, set, first.xml(), "XST")})
				check(t, err)
				return told.Reason
			}
			if got := told(); got != "" {
				t.Errorf("got %q told before, want it good", got)
			}
			if got := present(first.xml()); got != "" {
				t.Fatalf("got %q at first, want it let in", got)
			}
			if got := told(); got != authority.ReasonReplayed {
				t.Errorf("got %q told afterwards, want %q", got, authority.ReasonReplayed)
			}
			if got := present(tt.second(first)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestOnceOfTwo: each token that has a time and counts once is used up; in either place, and in another set of the project.
func TestOnceOfTwo(t *testing.T) {
	d := newDesk(t)
	once, often := cbc("once"), cbc("often")
	once.OneTime, often.Key = true, "another key"
	one, many := d.set(t, once), d.set(t, often)
	want := func(what string, security, user secret.Text, want authority.Reason) {
		t.Helper()
		if got := d.reason(t, authority.SealedTokens{Security: security, User: user}); got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	s, u := d.security(), d.named("ann")
	want("a user token that counts once", d.xst(t, many, s), d.xut(t, one, u), "")
	want("it again, beside another", d.xst(t, many, s.with("N", "1")), d.xut(t, one, u), authority.ReasonReplayed)
	want("it without a time", d.xst(t, many, s), d.xut(t, one, u.with("GenDT", none)), "")
	want("that again", d.xst(t, many, s), d.xut(t, one, u.with("GenDT", none)), "")
	want("beside a security token that counts once", d.xst(t, one, s), d.xut(t, one, u.with("GenDT", none)), "")
	want("both again", d.xst(t, one, s), d.xut(t, one, u.with("GenDT", none)), authority.ReasonReplayed)

	whole := s.with("UserName", "ann")
	want("one in both places", d.xst(t, one, whole), d.xut(t, one, whole), "")
	want("it alone in the first", d.xst(t, one, whole), "", authority.ReasonReplayed)
	want("it alone in the second", "", d.xut(t, one, whole), authority.ReasonReplayed)
	want("it where tokens count often", "", d.xut(t, many, whole), "")

	other := s.with("N", "2")
	want("with what is refused for something else", d.xst(t, one, other), d.xut(t, many, u.with("UserName", "anm")), authority.ReasonUnknownUser)
	want("it isn't used up", d.xst(t, one, other), "", "")
}

// TestOnceAtOnce: of fifty at once, one is let in.
func TestOnceAtOnce(t *testing.T) {
	d := newDesk(t)
	token := authority.SealedTokens{Security: d.xst(t, d.set(t, project.SetDraft{Name: "once", OneTime: true}), d.security())}
	var in, replayed atomic.Int64
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			_, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Sealed, Sealed: token, From: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})})
			switch reasonOf(t, err) {
			case "":
				in.Add(1)
			case authority.ReasonReplayed:
				replayed.Add(1)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 || replayed.Load() != 49 {
		t.Errorf("got %d let in and %d replayed, want 1 and 49", in.Load(), replayed.Load())
	}
}

// TestOnceUnknown: where nobody knows whether a token was used, nobody is let in, and nobody is made.
func TestOnceUnknown(t *testing.T) {
	d := newDesk(t, func(p *project.Draft) { p.CreateUsers = true })
	token := authority.SealedTokens{Security: d.xst(t, d.set(t, project.SetDraft{Name: "once", OneTime: true}), d.security().with("UserName", "new"))}
	d.store.use = errDown
	if _, err := d.prove(t, token); err == nil || isRefusal(err) {
		t.Errorf("got %v, want an error that is no verdict", err)
	}
	d.store.use = nil
	if got := d.reason(t, token); got != authority.ReasonReplayed {
		t.Errorf("got %q, want %q: the store had kept it", got, authority.ReasonReplayed)
	}
	if _, err := d.accounts.Find(t.Context(), "new"); err == nil {
		t.Error("a user was made of a token that was refused")
	}
}
