package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/web"
)

// line is the one line that a request left in the log.
func line(t *testing.T, s *server) map[string]any {
	t.Helper()
	var members map[string]any
	text := s.lines()
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatalf("got %q, want one line of JSON: %v", text, err)
	}
	return members
}

func wantMembers(t *testing.T, got map[string]any, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("log: got %s %v, want %v", name, got[name], value)
		}
	}
}

func TestLog(t *testing.T) {
	d, alice, token := reports(t)
	s := serve(t, d)
	id := alice.ID.String()
	const query = "?XST=canary-in-the-query"
	ask := func(change func(*http.Request)) map[string]any {
		res := s.send(t, asked(token, change))
		got := line(t, s)
		if got["request_id"] != res.header.Get("X-Request-Id") {
			t.Errorf("got request_id %v, want that of the answer, %s", got["request_id"], res.header.Get("X-Request-Id"))
		}
		return got
	}
	call := map[string]any{"listener": "gateway", "method": "GET", "host": "api.example.com", "path": "/reports/7", "client": clientAddress}

	got := ask(set("X-Original-Url", "https://api.example.com/reports/7"+query))
	wantMembers(t, got, call)
	wantMembers(t, got, map[string]any{
		"level": "INFO", "status": 200.0, "kind": "personal_token", "user_id": id, "credential_id": id, "service": "reports", "reason": nil, "error": nil,
	})

	got = ask(set("X-Original-Method", "POST"))
	wantMembers(t, got, map[string]any{
		"level": "INFO", "status": 403.0, "method": "POST", "kind": "personal_token", "user_id": id, "service": "reports", "reason": "not_in_audience",
	})

	got = ask(set("Authorization", "Bearer "+last(token)))
	wantMembers(t, got, call)
	wantMembers(t, got, map[string]any{"level": "INFO", "status": 401.0, "kind": "personal_token", "user_id": nil, "reason": "bad_checksum", "service": nil})

	got = ask(from("192.0.2.11:1"))
	wantMembers(t, got, map[string]any{"level": "INFO", "status": 403.0, "path": "/auth-request", "client": "192.0.2.11", "reason": "untrusted_peer"})
}

// TestLogTellsOperators checks that faults which only an operator can mend say how.
func TestLogTellsOperators(t *testing.T) {
	d, _, token := reports(t)
	s := serve(t, d)
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		want   string
	}{
		{"no URL", without("X-Original-Url"), "proxy_set_header X-Original-URL $scheme://"},
		{"no method", without("X-Original-Method"), "proxy_set_header X-Original-Method $request_method"},
	} {
		s.send(t, asked(token, tc.change))
		got := line(t, s)
		text, _ := got["error"].(string)
		if !strings.Contains(text, tc.want) || got["level"] != "ERROR" || got["reason"] != "unreadable_call" {
			t.Errorf("%s: got %v, want an ERROR that says %q", tc.name, got, tc.want)
		}
	}
	d.fresh.Store(false)
	d.users.err = http.ErrServerClosed // any error will do
	s.send(t, asked(token, as))
	got := line(t, s)
	text, _ := got["error"].(string)
	if got["level"] != "ERROR" || got["reason"] != "unavailable" || !strings.Contains(text, http.ErrServerClosed.Error()) {
		t.Errorf("database down: got %v, want an ERROR that names the cause", got)
	}
}

// TestLogHoldsNoSecrets sends secrets in every place that the gateway looks at, and line breaks where they can stand.
func TestLogHoldsNoSecrets(t *testing.T) {
	d, _, token := reports(t)
	s := serve(t, d)
	for _, tc := range append(refusals(t, d, token), signedRefusals(t, d)...) {
		s.send(t, asked(token, tc.refused))
		s.send(t, asked(token, tc.admitted))
		if presented, ok := strings.CutPrefix(asked(token, tc.refused).Header.Get("Authorization"), "Bearer "); ok {
			s.send(t, asked(token, set("X-Original-Url", "https://api.example.com/reports/"+presented+"?token="+presented)))
		}
	}
	s.send(t, asked(token, set("X-Original-Url", "https://api.example.com/reports/7?token="+token)))
	s.send(t, asked("", set("Authorization", token)))
	s.send(t, asked("", set("Cookie", "jeton_api="+token)))
	s.send(t, question(token, http.MethodGet, "https://api.example.com/reports/\u2028\xff"))
	text := s.lines()
	if strings.Contains(text, token) || strings.Contains(text, token[3:40]) || strings.Contains(text, "eyJ") || strings.Contains(text, "YWxpY2U") {
		t.Errorf("the log holds a secret:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) || strings.ContainsAny(line, "\u2028\r") {
			t.Errorf("got %q, want one line of JSON", line)
		}
	}
}

// TestPeers asks whose address counts: only the trusted proxy is believed about it.
func TestPeers(t *testing.T) {
	d, _, token := reports(t)
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		want   string
	}{
		{"X-Real-IP", as, clientAddress},
		{"two X-Real-IP", add("X-Real-Ip", "203.0.113.1"), proxyAddress},
		{"not an address", set("X-Real-Ip", "203.0.113.256"), proxyAddress},
		{"X-Forwarded-For beside it", set("X-Forwarded-For", "203.0.113.1"), clientAddress},
		{"IPv4 in IPv6", set("X-Real-Ip", "::ffff:203.0.113.1"), "203.0.113.1"},
		{"proxy by IPv6", from("[::ffff:" + proxyAddress + "]:1"), clientAddress},
		{"untrusted peer that forges", from("203.0.113.9:1"), "203.0.113.9"},
	} {
		r := asked(last(token), tc.change)
		if _, events := d.ask(t, r); len(events) != 1 || events[0].Actor.Address != tc.want {
			t.Errorf("%s: got %+v, want address %s", tc.name, events, tc.want)
		}
	}
	r := asked(last(token), without("X-Real-Ip"))
	r.Header.Set("X-Forwarded-For", "203.0.113.1, 203.0.113.2, "+proxyAddress)
	if _, events := d.ask(t, r); len(events) != 1 || events[0].Actor.Address != "203.0.113.2" {
		t.Errorf("X-Forwarded-For: got %+v, want the rightmost that is no proxy", events)
	}
	if (&web.Peers{}).Trust(web.Remote(asked("", as))) {
		t.Error("the zero Peers trusts somebody")
	}
}
