package platform_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestExplain: an administrator reads what each step has found, up to the one that fails, which says what to do.
func TestExplain(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "bob"})
	p := d.partner(t, jose.HS256, func(draft *platform.Draft) {
		draft.Name, draft.OneTime, draft.SpeaksFor, draft.Key.KeyID = "Partner", true, []string{"role:partner"}, "2026"
	})
	other := d.partner(t, jose.HS256, func(draft *platform.Draft) { draft.Name, draft.CreateUsers = "Other", true })
	now := d.clock().Unix()
	_, stranger := keyOf(t, jose.HS256)
	_, pair := keyOf(t, jose.RS256)
	all := []string{"form", "platform", "key", "signature", "type", "issuer", "audience", "times", "email", "user", "scope", "replay"}
	for _, test := range []struct {
		name  string
		text  secret.Text
		step  string // at which it ends
		found []string
		fix   string
	}{
		{"no token", "abc", "form", []string{"three"}, "three segments"},
		{"quoted", "\"" + p.sign(t, jose.Header{}, d.plain(nil)) + "\"", "form", []string{"base64url"}, "without quotes"},
		{"another key", p.sign(t, jose.Header{KeyID: "2025"}, d.plain(nil)), "key", []string{`"2025"`, `"HS256"`, "2026", p.key.ID.String(), "shared"}, "kid"},
		{"another algorithm", pair(t, jose.Header{}, d.plain(nil)), "key", []string{`"RS256"`, "(HS256, shared"}, "algorithm of the key"},
		{"another signature", stranger(t, jose.Header{}, d.plain(nil)), "signature", []string{"none"}, "isn't decoded"},
		{"another type", p.sign(t, jose.Header{Type: "at+jwt"}, d.plain(nil)), "type", []string{`"at+jwt"`, "JWT"}, "JWT"},
		{"another issuer", p.sign(t, jose.Header{}, d.plain(claims{"iss": "me"})), "issuer", []string{`"me"`}, p.Code},
		{"another audience", p.sign(t, jose.Header{}, d.plain(claims{"aud": "https://b.example"})), "audience", []string{`"https://b.example"`}, publicURL},
		{"over", p.sign(t, jose.Header{}, d.plain(claims{"expire": now - 30})), "times", []string{digits(now - 30), "2026-11-21T11:59:30Z", "2026-11-21T12:00:00Z"}, "clock"},
		{"in milliseconds, far ahead", p.sign(t, jose.Header{}, d.plain(claims{"expire": (now + 3600) * 1000})), "times", []string{"2026-11-21T13:00:00Z", "900 s"}, "max_assertion_seconds"},
		{"far beyond", p.sign(t, jose.Header{}, d.plain(claims{"expire": int64(1) << 62})), "times", []string{"after the year 5138"}, "sooner"},
		{"a fraction", p.sign(t, jose.Header{}, d.plain(claims{"expire": 1795262460.5})), "times", []string{"expire is 1795262460.5,"}, "rounded down"},
		{"a date", p.sign(t, jose.Header{}, d.plain(claims{"expire": "2026-11-21T12:01:00Z"})), "times", []string{`expire is the text "2026-11-21T12:01:00Z",`}, "without quotes"},
		{"a list", p.sign(t, jose.Header{}, d.plain(claims{"expire": []string{"x"}})), "times", []string{`expire is "[\"x\"]",`}, "as a number"},
		{"ahead", p.sign(t, jose.Header{}, d.plain(claims{"nbf": now + 60})), "times", []string{"nbf", "10 s ahead"}, "clock"},
		{"no end", p.sign(t, jose.Header{}, d.plain(claims{"expire": nil})), "times", []string{"Neither expire nor exp"}, "Say when it ends"},
		{"no e-mail", p.sign(t, jose.Header{}, d.plain(claims{"email": nil})), "email", []string{"Neither email nor sub"}, "Set email"},
		{"unknown", p.sign(t, jose.Header{}, d.plain(claims{"email": "dora@example.com"})), "user", []string{`"dora@example.com"`}, "create_users"},
		{"a name", p.sign(t, jose.Header{}, d.plain(claims{"email": "bob"})), "user", []string{"a user's name"}, "e-mail"},
		{"another spelling", p.sign(t, jose.Header{}, d.plain(claims{"email": "ａnn@example.com"})), "user", []string{`"ann"`, `\uff41nn@example.com`}, "as it is in Jeton"},
		{"good", p.sign(t, jose.Header{KeyID: "2026", Type: "JWT"}, d.plain(claims{"iss": p.Code, "aud": publicURL})), "", []string{"wasn't used"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			told, err := d.Explain(t.Context(), platform.Question{Platform: p.Code, Assertion: test.text})
			check(t, err)
			last := told.Steps[len(told.Steps)-1]
			if want := test.step == ""; told.Accepted != want || last.Passed != want || test.step != "" && last.Name != test.step {
				t.Fatalf("got accepted %t and at the end %+v, want %q", told.Accepted, last, test.step)
			}
			for i, s := range told.Steps {
				if s.Name != all[i] || s.Found == "" || s.Passed != (s.Fix == "") {
					t.Errorf("got the step %+v, want %s, with what it has found, and what to do where it fails", s, all[i])
				}
			}
			for _, part := range test.found {
				if !contains(last.Found, part) {
					t.Errorf("got %q, want it to say %q", last.Found, part)
				}
			}
			if !contains(last.Fix, test.fix) {
				t.Errorf("got the fix %q, want it to say %q", last.Fix, test.fix)
			}
			wantNoSecret(t, told, test.text)
		})
	}
	good := p.sign(t, jose.Header{}, d.full(p, nil))
	told, err := d.Explain(t.Context(), platform.Question{Platform: other.Code, Assertion: good, Grant: true})
	if err != nil || !told.Accepted || !contains(told.Steps[1].Found, "isn't the one that you ask about") {
		t.Errorf("got %+v, %v, want it told that it is another platform's", told, err)
	}
	d.want(t, p, true, good, "") // which all that explaining hasn't used
	later := p.sign(t, jose.Header{}, d.full(p, claims{"exp": (now + 60) * 1000}))
	told, err = d.Explain(t.Context(), platform.Question{Platform: p.Code, Assertion: later, Grant: true})
	if last := told.Steps[len(told.Steps)-1]; err != nil || last.Name != "times" || !contains(last.Fix, "no milliseconds") {
		t.Errorf("got %+v, %v, want it told that the grant knows no milliseconds", last, err)
	}
	made := other.sign(t, jose.Header{}, d.plain(claims{"email": "dora@example.com"}))
	told, err = d.Explain(t.Context(), platform.Question{Platform: other.ID.String(), Assertion: made})
	if err != nil || !told.Accepted || !contains(told.Steps[9].Found, "made of it") {
		t.Errorf("got %+v, %v, want it told that the user is made", told, err)
	}
	if _, err := d.Explain(t.Context(), platform.Question{Platform: "nothing", Assertion: good}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for no platform, want not found", err)
	}
}

// wantNoSecret holds an explanation to having nothing of the assertion's text.
func wantNoSecret(t *testing.T, told authority.Explanation, text secret.Text) {
	t.Helper()
	shown := fmt.Sprintf("%+v", told)
	for _, segment := range strings.Split(text.Reveal(), ".") {
		if len(segment) > 20 && contains(shown, segment) {
			t.Errorf("got %q of the assertion in %s", segment, shown)
		}
	}
}

// TestExplainShows: what a platform has put where it doesn't belong is shown on one line, bounded, and without secrets.
func TestExplainShows(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS256, nil)
	token := "jts0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef2tvHiV"
	for name, value := range map[string]string{
		"a token": token, "a signed one": p.sign(t, jose.Header{}, d.plain(nil)).Reveal(), "a line break": "a\nb\x1b[31m", "much": strings.Repeat("ü", 2000),
	} {
		for _, said := range []claims{{"iss": value}, {"aud": value}, {"aud": slices.Repeat([]string{publicURL}, 50)}, {"email": value}, {"expire": value}, {"jti": []string{value}}} {
			told, err := d.Explain(t.Context(), platform.Question{Platform: p.Code, Assertion: p.sign(t, jose.Header{}, d.plain(said))})
			check(t, err)
			for _, s := range told.Steps {
				if text := s.Found + s.Fix; contains(text, token[:12]) || contains(text, value) || strings.ContainsAny(text, "\n\x1b") || len(text) > 1200 {
					t.Errorf("%s: got %q", name, text)
				}
			}
		}
	}
	kid := strings.Repeat("k", 4000)
	told, err := d.Explain(t.Context(), platform.Question{Platform: p.Code, Assertion: p.sign(t, jose.Header{KeyID: kid, Type: token}, d.plain(nil))})
	if err != nil || contains(fmt.Sprint(told), strings.Repeat("k", 200)) {
		t.Errorf("got %+v, %v, want the kid bounded", told, err)
	}
}
