package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/web"
)

// phoned is a call as Envoy asks about it by HTTP: the call itself under a prefix, with the header fields that are allowed and, by
// headers_to_add, the client's address.
func phoned(token, method, host, uri string) *http.Request {
	r := httptest.NewRequest(method, "http://gateway/", nil)
	r.RequestURI, r.Host = "/ext-authz"+uri, host
	r.RemoteAddr = proxyAddress + ":4711"
	r.Header.Set("X-Real-Ip", clientAddress)
	r.Header.Set("Content-Length", "0")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func method(text string) func(*http.Request) { return func(r *http.Request) { r.Method = text } }
func host(text string) func(*http.Request)   { return func(r *http.Request) { r.Host = text } }
func uri(text string) func(*http.Request) {
	return func(r *http.Request) { r.RequestURI = "/ext-authz" + text }
}

// forging names another path in the fields that some proxies write.
func forging(path string) func(*http.Request) {
	return all(set("X-Envoy-Original-Path", path), set("X-Original-Url", "https://api.example.com"+path), set("X-Forwarded-Uri", path))
}

// TestExtAuthz: what is let in is let in as by /auth-request, with the same header, and more words on what the API must not get.
func TestExtAuthz(t *testing.T) {
	d, _, token := reports(t)
	ask := func(change func(*http.Request)) (answer, []string) {
		r := phoned(token, "GET", "api.example.com", "/reports/7?secret=canary")
		change(r)
		res, events := d.ask(t, r)
		var reasons []string
		for _, e := range events {
			reasons = append(reasons, e.Reason+" at "+e.Door+" of "+e.Actor.Address)
		}
		return res, reasons
	}
	nginx, _ := d.ask(t, asked(token, as))
	admitted, _ := ask(as)
	removed := admitted.header.Get("X-Envoy-Auth-Headers-To-Remove")
	admitted.header.Del("X-Envoy-Auth-Headers-To-Remove")
	if diff := cmp.Diff(nginx.header, admitted.header); admitted.status != http.StatusOK || admitted.body != "" || diff != "" {
		t.Fatalf("got %d, body %q, and a header other than nginx gets: %s", admitted.status, admitted.body, diff)
	}
	if want := strings.Join(web.Withheld(), ", "); removed != want {
		t.Errorf("the API doesn't get %s, want %s", removed, want)
	}
	const of = " at gateway of " + clientAddress
	for _, tc := range []struct {
		name         string
		refused      func(*http.Request)
		admitted     func(*http.Request)
		status       int
		reason, code string
	}{
		{"no credential", without("Authorization"), as, 401, "no_credential" + of, "not_authenticated"},
		{"two credentials", add("Authorization", "Bearer "+token), as, 400, "two_credentials" + of, "two_credentials"},
		{"two credentials, joined", set("Authorization", "Bearer "+token+",Bearer "+token), as, 401, "bad_checksum" + of, "not_authenticated"},
		{"two passwords, joined", set("Authorization", "Basic YTpi,Basic YTpi"), as, 401, "malformed" + of, "not_authenticated"},
		{"no audience", method("POST"), method("HEAD"), 403, "not_in_audience" + of, "not_allowed"},
		{"an ambiguous path", uri("/reports//7"), uri("/reports/7"), 403, "ambiguous_path" + of, "not_allowed"},
		{"a dot segment", uri("/ext-authz/../reports/7"), uri("/reports/7"), 403, "ambiguous_path" + of, "not_allowed"},
		{"an encoded slash", uri("/reports/a%2fb"), uri("/reports/a%20b"), 403, "ambiguous_path" + of, "not_allowed"},
		{"another path", uri("/reportx/7"), uri("/reports/7"), 403, "no_operation" + of, "not_allowed"},
		{"another host", host("api.example.con"), host("api.example.com:443"), 403, "unknown_service" + of, "not_allowed"},
		{"another path, forged", all(uri("/reportx/7"), forging("/reports/7")), all(uri("/reports/7"), forging("/reportx/7")), 403, "no_operation" + of, "not_allowed"},
		{"another host, forged", all(host("api.example.con"), set("X-Forwarded-Host", "api.example.com"), set("X-Envoy-Original-Host", "api.example.com")), as, 403, "unknown_service" + of, "not_allowed"},
		{"another method, forged", all(method("POST"), set("X-Http-Method-Override", "GET"), set("X-Forwarded-Method", "GET"), set("X-Original-Method", "GET")), as, 403, "not_in_audience" + of, "not_allowed"},
		{"a space in the query", uri("/reports/7?a b"), uri("/reports/7?a%20b"), 400, "unreadable_call" + of, "malformed_request"},
		{"a list of hosts", host("api.example.com, api.example.com"), as, 400, "unreadable_call" + of, "malformed_request"},
		{"no host", host(""), as, 400, "unreadable_call" + of, "malformed_request"},
		{"a method in small letters", method("get"), method("GET"), 400, "unreadable_call" + of, "malformed_request"},
		{"an untrusted peer", from("192.0.2.11:4711"), as, 403, "untrusted_peer at gateway of 192.0.2.11", "not_allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if res, reasons := ask(tc.admitted); res.status != http.StatusOK || len(reasons) != 0 {
				t.Errorf("twin: got %d and refusals %v, want 200 and none", res.status, reasons)
			}
			res, reasons := ask(tc.refused)
			if res.status != tc.status || !strings.Contains(res.body, `"code":"`+tc.code+`"`) || strings.Contains(res.body, "canary") {
				t.Errorf("got %d and %s, want %d and code %s", res.status, res.body, tc.status, tc.code)
			}
			if len(reasons) != 1 || reasons[0] != tc.reason {
				t.Errorf("got refusals %v, want one: %s", reasons, tc.reason)
			}
			if got := res.header.Get("X-Jeton-Status"); got != strconv.Itoa(tc.status) || res.header.Get("X-Envoy-Auth-Headers-To-Remove") != "" {
				t.Errorf("got %v, want the status in X-Jeton-Status", res.header)
			}
			for _, name := range identityNames() {
				if got := res.header.Values(name); len(got) != 1 || got[0] != "" {
					t.Errorf("got %s %q, want one empty value", name, got)
				}
			}
		})
	}
	d.fresh.Store(false)
	d.users.err = http.ErrHandlerTimeout
	if res, _ := ask(as); res.status != http.StatusServiceUnavailable || res.header.Get("Retry-After") != "1" {
		t.Errorf("got %d, Retry-After %q without a database, want 503 and 1", res.status, res.header.Get("Retry-After"))
	}
}

// TestExtAuthzTakesOut what there is nothing to tell of, lest what a client wrote should stay.
func TestExtAuthzTakesOut(t *testing.T) {
	d, _, _ := reports(t)
	_, bare := d.user(t, account.Draft{Username: "bob", Roles: []string{"partner"}})
	res, _ := d.ask(t, phoned(bare, "GET", "api.example.com", "/reports/7"))
	want := strings.Join(web.Withheld(), ", ") + ", remote-name, remote-email, x-auth-request-email"
	if got := res.header.Values("X-Envoy-Auth-Headers-To-Remove"); !cmp.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestExtAuthzPaths sends questions as bytes: of a path that net/http would clean, decode or take for another, none is read but as it is.
func TestExtAuthzPaths(t *testing.T) {
	d, token := everything(t)
	s := serve(t, d)
	ask := func(target string) (int, map[string]any) {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		check(t, err)
		defer func() { check(t, conn.Close()) }()
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: all.example.com\r\nTest-From: %s:1\r\nX-Real-Ip: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", target, proxyAddress, clientAddress, token)
		check(t, err)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		check(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		check(t, err)
		check(t, res.Body.Close())
		if strings.HasPrefix(target, "/ext-authz/") && res.Header.Get("Location") != "" {
			t.Errorf("%s: sends the client on to %s", target, res.Header.Get("Location"))
		}
		if res.Header.Get("X-Jeton-Status") == "" {
			return res.StatusCode, nil // by net/http itself, or at no path of the gateway's
		}
		return res.StatusCode, line(t, s)
	}
	for target, want := range map[string]int{
		"/ext-authz/a": 200, "/ext-authz/é": 200, "/ext-authz/\xff": 200, "/ext-authz/a?b=/../c": 200, "/ext-authz/": 200, "/ext-authz/a%20b": 200, "/ext-authz/a/b/": 200,
		"/ext-authz//a": 403, "/ext-authz/a//b": 403, "/ext-authz/a/../b": 403, "/ext-authz/./a": 403, "/ext-authz/%2e%2e/a": 403, "/ext-authz/a%2fb": 403,
		"/ext-authz/a;b": 403, `/ext-authz/a\b`: 403, "/ext-authz/a#b": 403, "/ext-authz/%61": 403, "/ext-authz/a%00": 403,
		"/ext-authz/auth-request": 200, "/ext-authz/../auth-request": 403,
	} {
		got, logged := ask(target)
		if got != want || logged == nil {
			t.Errorf("%s: got %d, want %d", target, got, want)
		}
		if path, _, _ := strings.Cut(strings.TrimPrefix(target, "/ext-authz"), "?"); want == 403 && logged["reason"] != "ambiguous_path" && logged["path"] != path {
			t.Errorf("%s: got the log %v, want its path as it was", target, logged)
		}
		s.lines()
	}
	for _, target := range []string{"/ext-authz", "/ext-authz*", "/ext-authzz/a", "//ext-authz/a", "/x/../ext-authz/a", "http://all.example.com/ext-authz/a", "/ext-authz/a%2", "*"} {
		if got, _ := ask(target); got == http.StatusOK {
			t.Errorf("%s: got 200", target)
		}
		s.lines()
	}
}
