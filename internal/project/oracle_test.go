package project_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// padded is a security token whose text fills its blocks, so that each padding can carry it.
func (f fields) padded() secret.Text {
	text := f.with("Pad", "").xml()
	return f.with("Pad", strings.Repeat("x", (16-len(text)%16)%16)).xml()
}

// TestNoOracle: thousands of changes of a token of the modes of old. Whoever presents them can tell none of those that are refused from
// another, by the answer or by the work: not whether its padding came off, nor whether what was under it could be read.
func TestNoOracle(t *testing.T) {
	for _, mode := range []string{"CBC", "ECB"} {
		for _, padding := range []string{"PKCS7", "ANSIX923", "ISO10126", "Zeros", "None"} {
			t.Run(mode+" "+padding, func(t *testing.T) {
				d := newDesk(t, strict)
				other := cbc("another")
				other.Key = "another key, which never opens it"
				d.set(t, other)
				draft := cbc("old")
				draft.Mode, draft.Padding = &mode, &padding
				set := d.set(t, draft)
				token := raw(t, d.seal(t, set, d.security().padded(), "XST"))
				if got := d.reason(t, authority.SealedTokens{Security: encoded(token)}); got != "" {
					t.Fatalf("got %q, want the unchanged token to be let in", got)
				}
				d.wantAlike(t, variants(token), 2)
			})
		}
	}
}

// variants returns changes of a token: each byte of it, each value of the bytes by which a padding is asked about, and its blocks and
// its length.
func variants(token []byte) (all [][]byte) {
	changed := func(change func([]byte)) {
		other := slices.Clone(token)
		change(other)
		all = append(all, other)
	}
	for i := range token {
		for _, bit := range []byte{1, 0x10, 0x80, 0xff} {
			changed(func(b []byte) { b[i] ^= bit })
		}
	}
	for _, i := range []int{len(token) - 17, len(token) - 18, len(token) - 1} { // the text of the last block goes by them
		for value := 1; value < 256; value++ {
			changed(func(b []byte) { b[i] ^= byte(value) })
		}
	}
	for length := range len(token) {
		all = append(all, token[:length:length], token[length:])
	}
	for more := 1; more <= 33; more++ {
		all = append(all, append(slices.Clone(token), make([]byte, more)...), append(make([]byte, more), token...))
	}
	for i := 0; i+16 <= len(token); i += 16 {
		for j := 0; j < i; j += 16 {
			changed(func(b []byte) { copy(b[i:], token[j:j+16]); copy(b[j:], token[i:i+16]) })
		}
		all = append(all, slices.Concat(token, token[i:i+16]), slices.Delete(slices.Clone(token), i, i+16))
	}
	return all
}

// wantAlike checks that changed tokens are refused alike and after the same work. Of these modes some are let in: that is what
// forgeable means.
func (d *desk) wantAlike(t *testing.T, tokens [][]byte, sets int64) {
	t.Helper()
	want := project.Work{Decrypted: sets, Parsed: sets, LookedUp: 1}
	reasons := map[authority.Reason]int{}
	for i, token := range tokens {
		before, asked := d.Work(), d.users.asked.Load()
		_, err := d.prove(t, authority.SealedTokens{Security: encoded(token)})
		if len(token) == 0 {
			continue // and that is no token
		}
		reason := reasonOf(t, err)
		reasons[reason]++
		if done := d.Work().Less(before); done != want || d.users.asked.Load()-asked != 1 {
			t.Fatalf("variant %d, %s: got the work %+v, want %+v", i, reason, done, want)
		}
		if reason != "" && reason.Outcome() != authority.OutcomeUnauthenticated {
			t.Fatalf("variant %d: got %s, which has an answer of its own", i, reason)
		}
	}
	if reasons[authority.ReasonBadSeal] == 0 {
		t.Error("no variant failed to open")
	}
	t.Logf("%d variants, by reason (none: let in): %v", len(tokens), reasons)
}

// class is a sort of token that is refused.
type class struct {
	name   string
	tokens authority.SealedTokens
	times  []time.Duration
}

// classes are tokens that are refused, each for something else.
func (d *desk) classes(t *testing.T, set project.TokenSet) []class {
	t.Helper()
	whole := d.security().with("UserName", "ann")
	good := raw(t, d.xst(t, set, whole))
	from := func(change func([]byte) []byte) authority.SealedTokens {
		return authority.SealedTokens{Security: encoded(change(slices.Clone(good)))}
	}
	sealed := func(f fields) authority.SealedTokens { return authority.SealedTokens{Security: d.xst(t, set, f)} }
	text := func(text secret.Text) authority.SealedTokens {
		return authority.SealedTokens{Security: d.seal(t, set, text, "XST")}
	}
	named := func(name string) authority.SealedTokens { return sealed(whole.with("UserName", name)) }
	return []class{
		{name: "no Base64", tokens: authority.SealedTokens{Security: encoded(good) + "!"}},
		{name: "a cut block", tokens: from(func(b []byte) []byte { return b[:len(b)-1] })},
		{name: "one block less", tokens: from(func(b []byte) []byte { return b[:len(b)-16] })},
		{name: "a changed last block", tokens: from(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })},
		{name: "a changed last but one", tokens: from(func(b []byte) []byte { b[len(b)-17] ^= 1; return b })},
		{name: "a changed first block", tokens: from(func(b []byte) []byte { b[0] ^= 1; return b })},
		{name: "noise, well padded", tokens: text(secret.Text(strings.Repeat("\xff\x80\xc0", 10)))},
		{name: "noise, badly padded", tokens: from(func(b []byte) []byte {
			noise := raw(t, d.seal(t, set, secret.Text(strings.Repeat("\xff\x80\xc0", 10)), "XST"))
			noise[len(noise)-17] ^= 0x40
			return noise
		})},
		{name: "bad XML", tokens: text(whole.xml()[:len(whole.xml())-1])},
		{name: "a DTD", tokens: text("<!DOCTYPE t [<!ENTITY a \"b\">]>" + whole.xml())},
		{name: "bad JSON", tokens: text(whole.json() + "}")},
		{name: "a bad form", tokens: text(whole.form() + "&x")},
		{name: "no fields", tokens: text(secret.Text(strings.Repeat("noise ", 40)))},
		{name: "no time", tokens: sealed(whole.with("GenDT", none))},
		{name: "a bad time", tokens: sealed(whole.with("GenDT", "yesterday"))},
		{name: "over", tokens: sealed(whole.with("GenDT", at(-time.Hour)))},
		{name: "ahead", tokens: sealed(whole.with("GenDT", at(time.Hour)))},
		{name: "another context", tokens: sealed(whole.with("Context", "another"))},
		{name: "another app key", tokens: sealed(whole.with("AppKey", "another"))},
		{name: "an unknown user", tokens: named("anm")},
		{name: "a user's other spelling", tokens: named("ａnn")},
		{name: "too long a name", tokens: named(strings.Repeat("a", 2000))},
		{name: "an empty name", tokens: named("")},
		{name: "a blocked user", tokens: named("bob")},
		{name: "a suspended user", tokens: named("sue")},
		{name: "a service account", tokens: named("robot")},
	}
}

// TestSameWork: whatever is wrong, as much is decrypted, read and looked up; with one token, and with two of which either is wrong. The
// time that each class takes is printed.
func TestSameWork(t *testing.T) {
	for _, draft := range []project.SetDraft{cbc("old"), {Name: "safe"}} {
		t.Run(draft.Name, func(t *testing.T) {
			d := newDesk(t, strict)
			for i := range 3 {
				other := cbc(fmt.Sprint("another ", i))
				other.Key, other.Padding = secret.Text(fmt.Sprint("another key ", i)), new([]string{"PKCS7", "ISO10126", "Zeros"}[i])
				d.set(t, other)
			}
			set := d.set(t, draft)
			d.user(t, account.Draft{Username: "bob", State: account.Blocked})
			d.user(t, account.Draft{Username: "sue", State: account.Suspended})
			d.user(t, account.Draft{Username: "robot", Kind: account.Service})
			good := authority.SealedTokens{Security: d.xst(t, set, d.security()), User: d.xut(t, set, d.named("ann"))}
			classes := d.classes(t, set)
			for _, c := range classes {
				d.wantWork(t, c.name, c.tokens, project.Work{Decrypted: 4, Parsed: 4, LookedUp: 1})
				beside := good
				beside.Security = c.tokens.Security
				if !strings.Contains(c.name, "user") && !strings.Contains(c.name, "name") && !strings.Contains(c.name, "service") {
					d.wantWork(t, c.name+", beside a user token", beside, project.Work{Decrypted: 8, Parsed: 8, LookedUp: 1})
				}
				beside.Security, beside.User = good.Security, d.cut(t, c.tokens.Security)
				d.wantWork(t, c.name+", as a user token", beside, project.Work{Decrypted: 8, Parsed: 8, LookedUp: 1})
			}
			d.printTimes(t, classes)
		})
	}
}

// cut is a token that opens nowhere.
func (d *desk) cut(t *testing.T, token secret.Text) secret.Text {
	t.Helper()
	return token[:len(token)/2] + "%21"
}

// wantWork checks that tokens are refused after so much work.
func (d *desk) wantWork(t *testing.T, name string, tokens authority.SealedTokens, want project.Work) {
	t.Helper()
	before, asked := d.Work(), d.users.asked.Load()
	reason := d.reason(t, tokens)
	if reason == "" || reason.Outcome() != authority.OutcomeUnauthenticated {
		t.Errorf("%s: got %q, want it refused as a bad credential is", name, reason)
	}
	if done := d.Work().Less(before); done != want || d.users.asked.Load()-asked != want.LookedUp {
		t.Errorf("%s (%s): got the work %+v, want %+v", name, reason, done, want)
	}
}

// printTimes prints how long each class takes to be refused: the median of turns that go by classes, so that what slows the machine for a
// while slows all of them.
func (d *desk) printTimes(t *testing.T, classes []class) {
	t.Helper()
	for range 101 {
		for i := range classes {
			began := time.Now()
			_ = d.reason(t, classes[i].tokens)
			classes[i].times = append(classes[i].times, time.Since(began))
		}
	}
	for _, c := range classes {
		slices.Sort(c.times)
		t.Logf("%-28s %v (median; quartiles %v and %v)", c.name, c.times[50], c.times[25], c.times[75])
	}
}

// TestEverySetIsTried: under a wrong key, a padding often comes off clean, and None always does. The set that a token was sealed by gets
// its turn, wherever it stands.
func TestEverySetIsTried(t *testing.T) {
	d := newDesk(t, strict)
	drafts := []project.SetDraft{}
	for _, padding := range []string{"None", "Zeros", "ISO10126", "PKCS7"} {
		draft := cbc(padding)
		draft.Key, draft.Padding = secret.Text("a key of its own for "+padding), &padding
		drafts = append(drafts, draft)
	}
	sets := []project.TokenSet{}
	for _, draft := range drafts {
		sets = append(sets, d.set(t, draft))
	}
	sets = append(sets, d.set(t, project.SetDraft{Name: "GCM"}))
	for _, s := range sets {
		for n := range 20 {
			text := d.security().with("N", fmt.Sprint(n)).padded()
			proof, err := d.prove(t, authority.SealedTokens{Security: d.seal(t, s, text, "XST")})
			if err != nil || proof.ID != s.ID {
				t.Fatalf("%s, %d: got %+v and %v, want it opened by its own set", s.Name, n, proof, err)
			}
		}
	}
}

// TestSetsOfOneKey: of several sets that open a token, that by which it passes most counts, and the oldest of those.
func TestSetsOfOneKey(t *testing.T) {
	d := newDesk(t, strict)
	draft := cbc("first")
	draft.OneTime = true
	first := d.set(t, draft)
	second := d.set(t, cbc("second"))
	token := d.xst(t, second, d.security())
	proof, err := d.prove(t, authority.SealedTokens{Security: token})
	if err != nil || proof.ID != first.ID || proof.Remember {
		t.Errorf("got %+v and %v, want it proven by the first set", proof, err)
	}
	if got := d.reason(t, authority.SealedTokens{Security: token}); got != authority.ReasonReplayed {
		t.Errorf("got %q, want %q: it counts once", got, authority.ReasonReplayed)
	}
}
