package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
)

// all makes several changes to a request.
func all(changes ...func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		for _, change := range changes {
			change(r)
		}
	}
}

// write asks about a write that alice may make, by the API's cookie.
func write(cookie string, changes ...func(*http.Request)) func(*http.Request) {
	return all(append([]func(*http.Request){
		without("Authorization"), set("Cookie", cookie), set("X-Original-Method", "POST"), set("X-Original-Url", "https://api.example.com/uploads"),
	}, changes...)...)
}

// TestCookies: what a browser adds by itself counts where nothing else is said, and writes only for pages of the API
// itself.
func TestCookies(t *testing.T) {
	d, alice, token := reports(t)
	cookies := d.logIn(t, alice)
	api, console := apiCookie+"="+cookies.API.Reveal(), "jeton="+cookies.Console.Reveal()
	read := all(without("Authorization"), set("Cookie", api))
	same, cross := set("Sec-Fetch-Site", "same-origin"), set("Sec-Fetch-Site", "cross-site")
	const kind = "api_session"
	for _, tc := range []refusal{
		{"no cookie of ours", all(read, set("Cookie", "a=b; jeton_apj=x")), read, 401, "401", "no_credential", ""},
		{"the console's cookie", all(read, set("Cookie", console)), read, 401, "401", "no_credential", ""},
		{"the console's secret in the API's cookie", all(read, set("Cookie", apiCookie+"="+cookies.Console.Reveal())), read, 401, "401", "bad_checksum", kind},
		{"another last character", all(read, set("Cookie", last(api))), read, 401, "401", "bad_checksum", kind},
		{"an empty cookie", all(read, set("Cookie", apiCookie+"=")), read, 401, "401", "no_credential", ""},
		{"two cookies of the name", all(read, set("Cookie", api+"; "+api)), all(read, set("Cookie", api+"; b=c")), 403, "400", "two_credentials", kind},
		{"two in two fields", all(read, add("Cookie", api)), all(read, add("Cookie", "b=c")), 403, "400", "two_credentials", kind},
		{"a bad token beside it", all(read, set("Authorization", "Bearer "+last(token))), all(read, set("Authorization", "Bearer "+token)), 401, "401", "bad_checksum", "personal_token"},
		{"a bearer token in the cookie", all(read, set("Cookie", apiCookie+"="+token)), read, 401, "401", "bad_checksum", kind},
		{"its secret as bearer", all(without("Cookie"), set("Authorization", "Bearer "+cookies.API.Reveal())), read, 401, "401", "unrecognized", ""},

		{"a write from another site", write(api, cross), write(api, same), 403, "403", "cross_origin", kind},
		{"a write from the same site", write(api, set("Sec-Fetch-Site", "same-site")), write(api, set("Sec-Fetch-Site", "none")), 403, "403", "cross_origin", kind},
		{"a write from two origins", write(api, set("Origin", "https://api.example.com"), add("Origin", "https://api.example.com")), write(api, set("Origin", "https://api.example.com")), 403, "403", "cross_origin", kind},
		{"a remembered password that says two things", write("", basic("alice", password), same, add("Sec-Fetch-Site", "same-origin")), write("", basic("alice", password), same), 403, "403", "cross_origin", "password"},
		{"a write that says nothing", write(api), write(api, same), 403, "403", "cross_origin", kind},
		{"a write from another host", write(api, set("Origin", "https://apj.example.com")), write(api, set("Origin", "https://api.example.com")), 403, "403", "cross_origin", kind},
		{"a write from another port", write(api, set("Origin", "https://api.example.com:8443")), write(api, set("Origin", "https://API.example.com")), 403, "403", "cross_origin", kind},
		{"a write from nowhere", write(api, set("Origin", "null")), write(api, set("Origin", "https://api.example.com")), 403, "403", "cross_origin", kind},
		{"Origin can't mend Sec-Fetch-Site", write(api, cross, set("Origin", "https://api.example.com")), write(api, same), 403, "403", "cross_origin", kind},
		{"the host that a client wrote", write(api, set("Origin", "https://evil.example"), func(r *http.Request) { r.Host = "evil.example" }), write(api, same), 403, "403", "cross_origin", kind},
		{"a remembered password from another site", write("", basic("alice", password), cross), write("", basic("alice", password)), 403, "403", "cross_origin", "password"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if res, events := d.ask(t, asked(token, tc.admitted)); res.status != http.StatusOK || len(events) != 0 {
				t.Errorf("twin: got %d and refusals %v, want 200 and none", res.status, events)
			}
			res, events := d.ask(t, asked(token, tc.refused))
			if res.status != tc.status || res.header.Get("X-Jeton-Status") != tc.jetonStatus {
				t.Errorf("got %d, X-Jeton-Status %q, want %d, %q", res.status, res.header.Get("X-Jeton-Status"), tc.status, tc.jetonStatus)
			}
			if len(events) != 1 || events[0].Reason != tc.reason || events[0].Actor.CredentialKind != tc.kind {
				t.Errorf("got refusals %+v, want one with reason %q and kind %q", events, tc.reason, tc.kind)
			}
			wantNobody(t, res)
		})
	}
	// A token is added by no browser: it writes from wherever it likes.
	if res, _ := d.ask(t, asked(token, write(api, set("Authorization", "Bearer "+token), cross))); res.status != http.StatusOK {
		t.Errorf("a token from another site: got %d, want 200", res.status)
	}
}

// TestBlockedByAllWays blocks a user whose password, token and session are remembered, and lets it in again.
func TestBlockedByAllWays(t *testing.T) {
	d, alice, token := reports(t)
	cookie := apiCookie + "=" + d.logIn(t, alice).API.Reveal()
	session := d.session(t, alice).Text.Reveal()
	ways := map[string]func(*http.Request){
		"personal_token": as,
		"password":       basic("alice", password),
		"api_session":    all(without("Authorization"), set("Cookie", cookie)),
		"session_token":  set("Authorization", "Bearer "+session),
	}
	type verdict struct {
		status int
		reason string
	}
	passes, blocked, ended := verdict{200, ""}, verdict{401, "blocked"}, verdict{401, "ended"}
	for _, step := range []struct {
		state account.State
		want  map[string]verdict
	}{
		{account.Active, map[string]verdict{"personal_token": passes, "password": passes, "api_session": passes, "session_token": passes}},
		{account.Blocked, map[string]verdict{"personal_token": blocked, "password": blocked, "api_session": blocked, "session_token": blocked}},
		{account.Active, map[string]verdict{"personal_token": passes, "password": passes, "api_session": ended, "session_token": ended}},
	} {
		_, err := d.accounts.Update(t.Context(), alice.ID, 0, account.Patch{State: &step.state}, audit.Actor{})
		check(t, err)
		for kind, way := range ways {
			for range 2 { // once from the database, once from memory
				res, events := d.ask(t, asked(token, way))
				got := verdict{status: res.status}
				if len(events) == 1 {
					got.reason = events[0].Reason
				}
				if got != step.want[kind] {
					t.Errorf("%s, by %s: got %v, want %v", step.state, kind, got, step.want[kind])
				}
			}
		}
	}
}

// TestThrottled guesses until no more is looked at. Neither a warm password nor a token minds.
func TestThrottled(t *testing.T) {
	d, _, token := reports(t)
	if res, _ := d.ask(t, asked(token, all(basic("alice", password), set("X-Real-Ip", "203.0.113.9")))); res.status != http.StatusOK {
		t.Fatalf("got %d for the right password, want 200", res.status)
	}
	began := d.accounts.Hashed()
	reasons := map[string]int64{}
	for i := range 200 {
		res, events := d.ask(t, asked(token, basic([]string{"alice", "ALICE", "\uff41lice"}[i%3], strings.Repeat("x", i+1))))
		for _, e := range events {
			reasons[e.Reason] += e.Count
		}
		if throttled := events[0].Reason == "throttled"; throttled != (res.header.Get("X-Jeton-Status") == "429") || throttled != (res.header.Get("Retry-After") == "60") {
			t.Fatalf("got %d, X-Jeton-Status %q, Retry-After %q for %s", res.status, res.header.Get("X-Jeton-Status"), res.header.Get("Retry-After"), events[0].Reason)
		}
	}
	if diff := cmp.Diff(map[string]int64{"wrong_password": 10, "throttled": 190}, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if got := d.accounts.Hashed() - began; got != 10 {
		t.Errorf("got %d of 200 guesses looked at, want 10", got)
	}
	for name, way := range map[string]func(*http.Request){
		"the token": as,
		"the password, remembered where it came before":    all(basic("alice", password), set("X-Real-Ip", "203.0.113.9")),
		"the same in another spelling, looked at anew":     all(basic("Alice", password), set("X-Real-Ip", "203.0.113.9")),
		"the same, with a wrong one from there in between": all(basic("alice", password), set("X-Real-Ip", "203.0.113.9")),
	} {
		if res, events := d.ask(t, asked(token, way)); res.status != http.StatusOK {
			t.Errorf("%s: got %d and %v, want 200", name, res.status, events)
		}
	}
	// Where guesses are refused, right or wrong makes no difference, though the right one is remembered elsewhere.
	for _, guess := range []string{password, password + "."} {
		if res, _ := d.ask(t, asked(token, basic("alice", guess))); res.header.Get("X-Jeton-Status") != "429" {
			t.Errorf("a guess from where guesses are refused: got %s, want 429", res.header.Get("X-Jeton-Status"))
		}
	}
	// Nor where it is remembered itself, once too many wrong ones came from there.
	there := set("X-Real-Ip", "203.0.113.9")
	for i := range 30 {
		d.ask(t, asked(token, all(basic("alice", fmt.Sprint("wrong", i)), there)))
	}
	for _, guess := range []string{password, password + "."} {
		if res, _ := d.ask(t, asked(token, all(basic("alice", guess), there))); res.header.Get("X-Jeton-Status") != "429" {
			t.Errorf("a guess where it was remembered: got %s, want 429", res.header.Get("X-Jeton-Status"))
		}
	}
}

// forwarded is a call as Traefik and Caddy ask about it.
func forwarded(token, method, host, uri string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/forward-auth", nil)
	r.RemoteAddr = proxyAddress + ":4711"
	for name, value := range map[string]string{
		"X-Forwarded-Method": method, "X-Forwarded-Proto": "https", "X-Forwarded-Host": host, "X-Forwarded-Uri": uri, "X-Forwarded-For": clientAddress,
	} {
		r.Header.Set(name, value)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// TestForwardAuth: what is let in is let in as by /auth-request, with the same header; what is refused hears why in the
// statuses and words of /v1.
func TestForwardAuth(t *testing.T) {
	d, _, token := reports(t)
	ask := func(change func(*http.Request)) (answer, []audit.Event) {
		r := forwarded(token, "GET", "api.example.com", "/reports/7?secret=canary")
		change(r)
		return d.ask(t, r)
	}
	admitted, _ := ask(as)
	nginx, _ := d.ask(t, asked(token, as))
	if diff := cmp.Diff(nginx.header, admitted.header); diff != "" || admitted.status != http.StatusOK || admitted.body != "" {
		t.Fatalf("got %d, body %q, and a header other than nginx gets: %s", admitted.status, admitted.body, diff)
	}
	for _, tc := range []struct {
		name         string
		refused      func(*http.Request)
		admitted     func(*http.Request)
		status       int
		reason, code string
	}{
		{"no credential", without("Authorization"), as, 401, "no_credential", "not_authenticated"},
		{"two credentials", add("Authorization", "Bearer "+token), as, 400, "two_credentials", "two_credentials"},
		{"no audience", set("X-Forwarded-Method", "POST"), as, 403, "not_in_audience", "not_allowed"},
		{"an ambiguous path", set("X-Forwarded-Uri", "/reports//7"), set("X-Forwarded-Uri", "/reports/7"), 403, "ambiguous_path", "not_allowed"},
		{"another host", set("X-Forwarded-Host", "api.example.con"), set("X-Forwarded-Host", "api.example.com"), 403, "unknown_service", "not_allowed"},
		{"two hosts", add("X-Forwarded-Host", "api.example.com"), as, 400, "unreadable_call", "malformed_request"},
		{"a list of hosts", set("X-Forwarded-Host", "api.example.com, api.example.com"), as, 400, "unreadable_call", "malformed_request"},
		{"no method", without("X-Forwarded-Method"), as, 400, "unreadable_call", "malformed_request"},
		{"a method in small letters", set("X-Forwarded-Method", "get"), set("X-Forwarded-Method", "HEAD"), 400, "unreadable_call", "malformed_request"},
		{"a space in the query", set("X-Forwarded-Uri", "/reports/7?canary HTTP/1.1"), set("X-Forwarded-Uri", "/reports/7?canary%20HTTP/1.1"), 400, "unreadable_call", "malformed_request"},
		{"a tab in the query", set("X-Forwarded-Uri", "/reports/7?a\tb"), set("X-Forwarded-Uri", "/reports/7?é\xff|"), 400, "unreadable_call", "malformed_request"},
		{"no URI", without("X-Forwarded-Uri"), as, 400, "unreadable_call", "malformed_request"},
		{"an untrusted peer", from("192.0.2.11:4711"), as, 403, "untrusted_peer", "not_allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if res, events := ask(tc.admitted); res.status != http.StatusOK || len(events) != 0 {
				t.Errorf("twin: got %d and refusals %v, want 200 and none", res.status, events)
			}
			res, events := ask(tc.refused)
			if res.status != tc.status || !strings.Contains(res.body, `"code":"`+tc.code+`"`) || strings.Contains(res.body, "canary") {
				t.Errorf("got %d and %s, want %d and code %s", res.status, res.body, tc.status, tc.code)
			}
			if got := res.header.Get("X-Jeton-Status"); got != strconv.Itoa(tc.status) {
				t.Errorf("got X-Jeton-Status %q, want the status", got)
			}
			if len(events) != 1 || events[0].Reason != tc.reason {
				t.Errorf("got refusals %+v, want one with reason %s", events, tc.reason)
			}
			for _, name := range identityNames() {
				if got := res.header.Values(name); len(got) != 1 || got[0] != "" && name != "X-Jeton-Status" {
					t.Errorf("got %s %q, want one empty value", name, got)
				}
			}
		})
	}
	res, _ := ask(all(without("Authorization"), set("Accept", "text/plain")))
	if res.header.Get("Content-Type") != "text/plain; charset=utf-8" || res.header.Get("Www-Authenticate") == "" {
		t.Errorf("got %v, want plain text and challenges", res.header)
	}
	d.fresh.Store(false)
	d.users.err = http.ErrHandlerTimeout
	if res, _ := ask(as); res.status != http.StatusServiceUnavailable || res.header.Get("Retry-After") != "1" {
		t.Errorf("got %d, Retry-After %q without a database, want 503 and 1", res.status, res.header.Get("Retry-After"))
	}
}
