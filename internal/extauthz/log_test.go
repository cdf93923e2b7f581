package extauthz_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
)

// line is the one line that a check left in the log.
func (d *door) line(t *testing.T) map[string]any {
	t.Helper()
	var members map[string]any
	text := d.Log.Take()
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatalf("got %q, want one line of JSON: %v", text, err)
	}
	return members
}

// TestLog: each check leaves one line, which says what those of the gateway say.
func TestLog(t *testing.T) {
	d := openDoor(t)
	id := d.alice.ID.String()
	down := errors.New("no database")
	call := map[string]any{"method": "GET", "host": "api.example.com", "path": "/v2/reports/7", "client": clientAddress}
	for _, tc := range []struct {
		name  string
		asked *authv3.CheckRequest
		want  map[string]any
		call  bool
	}{
		{"let in", get(d.token).to("/v2/reports/7?XST=canary-in-the-query").raw(), map[string]any{
			"level": "INFO", "status": 200.0, "kind": "personal_token", "user_id": id, "credential_id": id, "service": "reports", "reason": nil, "error": nil,
		}, true},
		{"refused", get(last(d.token)).raw(), map[string]any{
			"level": "INFO", "status": 401.0, "kind": "personal_token", "user_id": nil, "reason": "bad_checksum", "service": nil,
		}, true},
		{"another's", get(d.token).to("/v2/other").raw(), map[string]any{
			"level": "INFO", "status": 403.0, "path": "/v2/other", "kind": "personal_token", "user_id": id, "reason": "no_operation", "service": "reports",
		}, false},
		{"unreadable", get(d.token).to("/v2/reports/!").joined(), map[string]any{
			"level": "ERROR", "status": 400.0, "method": "POST", "path": "/envoy.service.auth.v3.Authorization/Check", "client": clientAddress, "reason": "unreadable_call",
		}, false},
		{"nothing at all", new(authv3.CheckRequest), map[string]any{"level": "ERROR", "status": 400.0, "client": "127.0.0.1", "reason": "unreadable_call"}, false},
		{"database down", get(d.token).raw(), map[string]any{"level": "ERROR", "status": 503.0, "kind": "personal_token", "reason": "unavailable"}, true},
	} {
		if tc.name == "database down" {
			d.Users.Err.Store(&down)
			d.Authority.Forget([16]byte{})
		}
		d.ask(t, tc.asked)
		got := d.line(t)
		if tc.call {
			for name, value := range call {
				tc.want[name] = value
			}
		}
		tc.want["listener"] = "envoy"
		for name, value := range tc.want {
			if got[name] != value {
				t.Errorf("%s: got %s %v, want %v", tc.name, name, got[name], value)
			}
		}
		if id, _ := got["request_id"].(string); len(id) != 16 {
			t.Errorf("%s: got request_id %v, want 16 digits", tc.name, got["request_id"])
		}
	}
}

// TestLogTellsOperators checks that faults which only an operator can mend say how.
func TestLogTellsOperators(t *testing.T) {
	d := openDoor(t)
	for want, asked := range map[string]*authv3.CheckRequest{
		"set encode_raw_headers: true":         get(d.token).to("/!").joined(),
		"is it the HTTP filter":                {Attributes: &authv3.AttributeContext{}},
		"the proxy says two things of one cal": changed(get(d.token).raw(), func(h *authv3.AttributeContext_HttpRequest) { h.Path = "/" }),
	} {
		d.ask(t, asked)
		if text, _ := d.line(t)["error"].(string); !strings.Contains(text, want) {
			t.Errorf("got the error %q, want it to say %q", text, want)
		}
	}
}

// TestLogHoldsNoSecrets sends secrets in every place that is looked at, and what a terminal obeys where it can stand.
func TestLogHoldsNoSecrets(t *testing.T) {
	d := openDoor(t)
	for _, tc := range refusals(t, d) {
		d.ask(t, tc.refused)
		d.ask(t, tc.admitted)
	}
	for _, call := range []*phoned{
		get(d.token).to("/v2/reports/" + d.token + "?token=" + d.token), get("", field{"authorization", d.token}), get("", field{"cookie", "jeton_api=" + d.token}),
		get(d.token).to("/v2/reports/\u2028\x1b[31m"), get("", field{"x-" + d.token, d.token}), get("", field{":path", d.token}), get(d.token, field{"accept", d.token}),
	} {
		d.ask(t, call.raw())
		d.ask(t, call.joined())
	}
	text := d.Log.Take()
	if strings.Contains(text, d.token) || strings.Contains(text, d.token[3:40]) || strings.Contains(text, "YWxpY2U") {
		t.Errorf("the log holds a secret:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) || strings.ContainsAny(line, "\u2028\r\x1b") {
			t.Errorf("got %q, want one line of JSON", line)
		}
	}
}
