package project_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestExplain: an administrator reads what each step has found, up to the one that fails, which says what to do.
func TestExplain(t *testing.T) {
	d := newDesk(t, strict)
	safe := d.set(t, project.SetDraft{Name: "safe", OneTime: true})
	old := d.set(t, cbc("old"))
	d.user(t, account.Draft{Username: "chief", Roles: []string{"admin"}})
	s, whole := d.security(), d.security().with("UserName", "ann")
	steps := []string{"project", "address", "seal", "times", "context", "app_key", "user", "replay"}
	token := func(f fields) project.Question { return project.Question{Security: d.xst(t, safe, f), From: peer} }
	for _, tt := range []struct {
		name  string
		ask   project.Question
		step  string // at which it ends
		found []string
		fix   string
	}{
		{"another's number", project.Question{Query: "ProjectId=1001&XST=AAAA"}, "project", []string{"1001", "1000"}, "Leave the number out"},
		{"no Base64", project.Question{Security: "&"}, "seal", []string{"security token", "Base64"}, "%2B"},
		{"cut", project.Question{Security: "AAAA"}, "seal", []string{"2 active token sets", "3 bytes"}, "multiple of 16"},
		{"sealed by another key", project.Question{User: encoded(make([]byte, 48))}, "seal", []string{"user token", "48 bytes"}, "jeton unseal"},
		{"no fields", project.Question{Security: d.seal(t, old, "no fields at all", "XST")}, "seal", []string{`"old"`, "byte"}, "jeton seal"},
		{"no time", token(s.with("GenDT", none)), "times", []string{"no GenDT"}, "2026-03-01T10:32:56Z"},
		{"another's time", token(s.with("GenDT", "soon")), "times", []string{`"soon"`}, "2026-03-01T10:32:56Z"},
		{"over", token(s.with("GenDT", "2026-11-21T11:45:00Z")), "times", []string{"2026-11-21T11:45:00Z", "900 s", "2026-11-21T12:00:00Z"}, "clock"},
		{"ahead", token(s.with("GenDT", "2026-11-21T12:05:01Z")), "times", []string{"2026-11-21T12:05:01Z", "5 minutes"}, "zone"},
		{"another context", token(s.with("Context", "Theirs")), "context", []string{`"Theirs"`, `"MyContext"`}, "letter by letter"},
		{"another than the call's", project.Question{Security: d.xst(t, safe, s), Context: "A+b"}, "context", []string{`"MyContext"`, `"A+b"`}, "in both"},
		{"no context", token(s.with("Context", none)), "context", []string{"no Context"}, "context_required"},
		{"another app key", token(s.with("AppKey", "canary-key")), "app_key", []string{"none of the project's 2"}, "AppKey"},
		{"no app key", token(s.with("AppKey", none)), "app_key", []string{"no AppKey", "has 2"}, "AppKey"},
		{"nobody", token(whole.with("UserName", "anm")), "user", []string{`"anm"`}, "create_users"},
		{"another spelling", token(whole.with("UserName", "ａnn")), "user", []string{`"ann"`, `\uff41nn`}, "as it is in Jeton"},
		{"a secret in the wrong place", token(whole.with("UserName", "jtpCanaryCanaryCanaryCanaryCanaryCanaryCana0JbGJB")), "user", []string{"[secret]"}, "create_users"},
		{"good", token(whole), "", []string{"hasn't been used"}, ""},
		{"an administrator, by a mode of old", project.Question{Security: d.xst(t, old, whole.with("UserName", "chief"))}, "", []string{"as often as they come"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told, err := d.Explain(t.Context(), 1000, tt.ask)
			check(t, err)
			last := told.Steps[len(told.Steps)-1]
			if want := tt.step == ""; told.Accepted != want || last.Passed != want || tt.step != "" && last.Name != tt.step {
				t.Fatalf("got accepted %t and at the end %+v, want %q", told.Accepted, last, tt.step)
			}
			for i, s := range told.Steps {
				if s.Name != steps[i] || s.Found == "" || s.Passed != (s.Fix == "") {
					t.Errorf("got the step %+v, want %s, with what it has found, and what to do where it fails", s, steps[i])
				}
			}
			for _, part := range tt.found {
				if !strings.Contains(last.Found, part) {
					t.Errorf("got %q, want it to say %q", last.Found, part)
				}
			}
			if !strings.Contains(last.Fix, tt.fix) {
				t.Errorf("got the fix %q, want it to say %q", last.Fix, tt.fix)
			}
			all := fmt.Sprintf("%+v", told)
			for _, canary := range []string{"canary-key", "MyAppKey", "CanaryCanary", "the key of the clients"} {
				if strings.Contains(all, canary) {
					t.Errorf("got %s, want it not to tell %s", all, canary)
				}
			}
		})
	}
	chief, err := d.Explain(t.Context(), 1000, project.Question{Security: d.xst(t, old, whole.with("UserName", "chief"))})
	check(t, err)
	if i := slices.IndexFunc(chief.Steps, func(s authority.Step) bool { return s.Name == "user" }); !strings.Contains(chief.Steps[i].Found, "without that role") {
		t.Errorf("got %+v, want it to say that an administrator is none by these tokens", chief.Steps[i])
	}
}

// TestExplainTwo: each step tells of both tokens.
func TestExplainTwo(t *testing.T) {
	d := newDesk(t, strict)
	safe, old := d.set(t, project.SetDraft{Name: "safe"}), d.set(t, cbc("old"))
	query := "XST=" + d.xst(t, safe, d.security()).Reveal() + "&XUT=" + d.xut(t, old, d.named("ann").with("GenDT", none)).Reveal() + "&XSC=" + url.QueryEscape("MyContext") + "&other=1"
	told, err := d.Explain(t.Context(), 1000, project.Question{Query: secret.Text("?" + query)})
	check(t, err)
	for step, parts := range map[string][]string{
		"seal": {`"safe" (GCM)`, `"old" (CBC)`, "Context, AppId, AppKey, GenDT", "UserName"}, "times": {"The security token counts", "The user token has no time"},
		"context": {`"MyContext"`, "user token isn't asked"}, "app_key": {"security token has one", "user token isn't asked"}, "user": {`"ann"`},
	} {
		i := slices.IndexFunc(told.Steps, func(s authority.Step) bool { return s.Name == step })
		for _, part := range parts {
			if i < 0 || !strings.Contains(told.Steps[i].Found, part) {
				t.Errorf("got %+v, want the step %s to say %q", told.Steps, step, part)
			}
		}
	}
	if !told.Accepted || strings.Contains(fmt.Sprintf("%+v", told), "MyAppKey") {
		t.Errorf("got %+v, want it accepted, and its app key kept", told)
	}
}

// TestExplainNoSet: where no set is active, the thing to do is to have one.
func TestExplainNoSet(t *testing.T) {
	d := newDesk(t)
	told, err := d.Explain(t.Context(), 1000, project.Question{Security: "AAAA"})
	check(t, err)
	last := told.Steps[len(told.Steps)-1]
	if last.Name != "seal" || !strings.Contains(last.Found, "no active token set") || !strings.Contains(last.Fix, "Enable one") {
		t.Errorf("got %+v, want it to say that there is no active set", last)
	}
}

// TestExplainRefuses: questions that are none.
func TestExplainRefuses(t *testing.T) {
	d := newDesk(t)
	long := secret.Text(strings.Repeat("A", 8*1024+1))
	for name, tt := range map[string]struct {
		ask   project.Question
		field string
	}{
		"nothing":               {project.Question{Context: "c"}, "security_token"},
		"both":                  {project.Question{Query: "XST=AAAA", Security: "AAAA"}, "query"},
		"a query and a context": {project.Question{Query: "XST=AAAA", Context: "c"}, "query"},
		"a query without one":   {project.Question{Query: "XSC=c"}, "query"},
		"a parameter twice":     {project.Question{Query: "XST=AAAA&xst=AAAA"}, "query"},
		"too long a token":      {project.Question{Security: long}, "security_token"},
		"too long a user's":     {project.Question{User: long}, "user_token"},
	} {
		_, err := d.Explain(t.Context(), 1000, tt.ask)
		if f, ok := errors.AsType[*authority.FieldError](err); !ok || f.Field != tt.field {
			t.Errorf("%s: got %v, want an error of %s", name, err, tt.field)
		}
	}
	if _, err := d.Explain(t.Context(), 7, project.Question{Security: "AAAA"}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for no project, want %v", err, authority.ErrNotFound)
	}
}
