package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/jeton-io/jeton/api"
)

// object is a JSON object as it stands on the wire.
type object map[string]any

// text returns a member that is a string, or nothing.
func (o object) text(name string) string {
	text, _ := o[name].(string)
	return text
}

// v1 makes a request of /v1 as the administrator, in the bytes of the wire, and returns the answer. It needs no client:
// what a client hides is what these tests are about.
func (s *stack) v1(t *testing.T, method, path string, body object, want int) object {
	t.Helper()
	var text io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		must(t, err)
		text = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+"/v1"+path, text)
	must(t, err)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+s.tokens["admin"])
	r.Header.Set("If-Match", "*")
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode != want {
		t.Fatalf("%s /v1%s: got %d %s, want %d", method, path, res.StatusCode, answer, want)
	}
	var o object
	if len(answer) > 0 {
		must(t, json.Unmarshal(answer, &o))
	}
	return o
}

// apiToken makes an API token for a user, for 30 days, and returns its ID and its text.
func (s *stack) apiToken(t *testing.T, name, user string) (id, token string) {
	t.Helper()
	made := s.v1(t, http.MethodPost, "/api-tokens", object{"name": name, "user": user, "expires_in_days": 30}, http.StatusCreated)
	id, token = made.text("id"), made.text("token")
	expires, err := time.Parse(time.RFC3339, made.text("expires_at"))
	if left := time.Until(expires); err != nil || left < 29*24*time.Hour || left > 31*24*time.Hour {
		t.Errorf("%s: got expires_at %q, want it in 30 days: %v", name, made.text("expires_at"), err)
	}
	if !jwt.MatchString(token) || made["enabled"] != true || made.text("user") != user {
		t.Fatalf("%s: got a token of %d bytes, enabled: %v, user: %q; want a signed one of %s's, enabled", name, len(token), made["enabled"], made.text("user"), user)
	}
	s.secrets = append(s.secrets, token)
	return id, token
}

// enable turns an API token on or off.
func (s *stack) enable(t *testing.T, id string, enabled bool) {
	t.Helper()
	if got := s.v1(t, http.MethodPatch, "/api-tokens/"+id, object{"enabled": enabled}, http.StatusOK); got["enabled"] != enabled {
		t.Errorf("got enabled: %v, want %v", got["enabled"], enabled)
	}
}

// allow adds one more to the audience of an operation of the service reports.
func (s *stack) allow(t *testing.T, pattern, who string) {
	t.Helper()
	ops, version, err := s.admin.Operations(t.Context(), "reports")
	must(t, err)
	found := false
	for i := range ops {
		if ops[i].Pattern == pattern {
			ops[i].Audience, found = append(ops[i].Audience, who), true
		}
	}
	if !found {
		t.Fatalf("got operations %+v, want %s among them", ops, pattern)
	}
	_, err = s.admin.ReplaceOperations(t.Context(), "reports", version, ops)
	must(t, err)
}

// user makes a user without a password: a person, or a service account.
func (s *stack) user(t *testing.T, kind, name string, roles ...string) {
	t.Helper()
	_, err := s.admin.CreateUser(t.Context(), api.NewUser{Username: name, Kind: kind, Roles: roles})
	must(t, err)
}
