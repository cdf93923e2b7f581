package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
)

// TestOptional: a merge patch tells a member that is absent from one that is null and one that has a value, there and
// back.
func TestOptional(t *testing.T) {
	tests := []struct {
		name, body string
		want       api.UserPatch
	}{
		{"absent", `{}`, api.UserPatch{}},
		{"null", `{"email":null,"roles":null}`, api.UserPatch{
			Email: api.Optional[string]{Set: true, Null: true}, Roles: api.Optional[[]string]{Set: true, Null: true},
		}},
		{"empty", `{"email":"","roles":[]}`, api.UserPatch{Email: api.Some(""), Roles: api.Some([]string{})}},
		{"values", `{"username":"null","roles":["a"]}`, api.UserPatch{Username: api.Some("null"), Roles: api.Some([]string{"a"})}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got api.UserPatch
			if err := json.Unmarshal([]byte(tt.body), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("read (-want +got): %s", diff)
			}
			text, err := json.Marshal(tt.want)
			if err != nil || string(text) != tt.body {
				t.Errorf("got %s, %v, want %s", text, err, tt.body)
			}
		})
	}
	var wrong api.UserPatch
	if err := json.Unmarshal([]byte(`{"username":7}`), &wrong); err == nil {
		t.Error("got a number for a name")
	}
}

func TestOptionalPointer(t *testing.T) {
	if got := (api.Optional[string]{}).Pointer(); got != nil {
		t.Errorf("got %q for an absent member, want nil", *got)
	}
	if got := (api.Optional[string]{Set: true, Null: true}).Pointer(); got == nil || *got != "" {
		t.Error("got no empty value for null")
	}
	if got := api.Some("a").Pointer(); got == nil || *got != "a" {
		t.Error("got no value")
	}
}

// TestRegistry: every code has one status of a refusal or a fault, a title and advice.
func TestRegistry(t *testing.T) {
	if len(api.Codes()) == 0 {
		t.Fatal("there are no codes")
	}
	for _, code := range api.Codes() {
		d := api.Lookup(code)
		if http.StatusText(d.Status) == "" || d.Status < 400 || d.Title == "" || d.Fix == "" {
			t.Errorf("%s: got %+v, want status, title and advice", code, d)
		}
		if strings.Trim(string(code), "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("got the code %q, want lower case with underscores", code)
		}
		p := api.NewProblem(code, "the detail")
		want := &api.Problem{Type: "about:blank", Title: d.Title, Status: d.Status, Detail: "the detail", Code: code, Fix: d.Fix}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("problem (-want +got): %s", diff)
		}
	}
	if got := api.Lookup("nonsense"); got != (api.Description{}) {
		t.Errorf("got %+v for no code", got)
	}
}

func TestProblemError(t *testing.T) {
	p := api.NewProblem(api.CodeInvalidField, "Two are wrong.")
	p.Errors = []api.FieldProblem{{Field: "username", Problem: "is empty"}, {Field: "roles[1]", Problem: "is not a string"}}
	const want = "invalid_field: A member of the request can't be used: Two are wrong.; username is empty; roles[1] is not a string"
	if got := p.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestShapes: what is empty is left out where the document says that it is, and lists are lists.
func TestShapes(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 5000, time.UTC)
	tests := []struct {
		value any
		want  string
	}{
		{api.List[string]{Items: []string{}}, `{"items":[]}`},
		{api.List[string]{Items: []string{"a"}, Next: "b"}, `{"items":["a"],"next":"b"}`},
		{api.PersonalToken{CreatedAt: at}, `{"created_at":"2026-11-21T12:00:00.000005Z"}`},
		{api.Verdict{}, `{"allow":false,"debug":{"revision":0,"heard_anew":false}}`},
		{api.Event{ID: "1", At: at, Action: "refused", Count: 2, LastAt: at}, `{"id":"1","at":"2026-11-21T12:00:00.000005Z","action":"refused","count":2,"last_at":"2026-11-21T12:00:00.000005Z"}`},
	}
	for _, tt := range tests {
		got, err := json.Marshal(tt.value)
		if err != nil || string(got) != tt.want {
			t.Errorf("got %s, %v, want %s", got, err, tt.want)
		}
	}
}
