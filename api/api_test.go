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

// TestKeySize: a size is a number or, as forms send it, a text; 196 is how XDOC spells 192.
func TestKeySize(t *testing.T) {
	for body, want := range map[string]api.KeySize{
		`{"name":""}`: {}, `{"name":"","key_size":""}`: {Set: true}, `{"name":"","key_size":null}`: {Set: true},
		`{"name":"","key_size":256}`: {Set: true, Bits: 256}, `{"name":"","key_size":"256"}`: {Set: true, Bits: 256}, `{"name":"","key_size":"25\u0036"}`: {Set: true, Bits: 256},
		`{"name":"","key_size":196}`: {Set: true, Bits: 192}, `{"name":"","key_size":"196"}`: {Set: true, Bits: 192}, `{"name":"","key_size":7}`: {Set: true, Bits: 7},
		`{"name":"","key_size":128.5}`: {Set: true, Bits: -1}, `{"name":"","key_size":1e99}`: {Set: true, Bits: -1},
	} {
		var got api.NewTokenSet
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.KeySize != want {
			t.Errorf("%s: got %+v, %v, want %+v", body, got.KeySize, err, want)
		}
	}
	for _, bad := range []string{`"big"`, `" 256"`, `true`, `[256]`, `{}`, `"1e2"`} {
		var got api.NewTokenSet
		if err := json.Unmarshal([]byte(`{"key_size":`+bad+`}`), &got); err == nil {
			t.Errorf("%s: got %+v, want an error", bad, got.KeySize)
		}
	}
	for want, size := range map[string]api.KeySize{`{"name":""}`: {}, `{"name":"","key_size":""}`: {Set: true}, `{"name":"","key_size":192}`: {Set: true, Bits: 192}} {
		if got, err := json.Marshal(api.NewTokenSet{KeySize: size}); err != nil || string(got) != want {
			t.Errorf("%+v: got %s, %v, want %s", size, got, err, want)
		}
	}
}
