package proxy_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/test/desk"
	"github.com/jeton-io/jeton/test/h2frames"
)

// TestProxyPaths sends each path as raw bytes. Alice may call everything below /any, so what is refused there is refused for its
// spelling; its twin, the nearest path that passes, reaches the API by the very bytes.
func TestProxyPaths(t *testing.T) {
	s, api := behind(t)
	const byHTTP, byPolicy, unlisted = 400, 403, -403
	for _, tc := range []struct {
		refused string
		status  int
		twin    string
	}{
		{"/any/../reports", byPolicy, "/any/..a/reports"},
		{"/any/a/..", byPolicy, "/any/a/..a"},
		{"/any/./a", byPolicy, "/any/.a/a"},
		{"/../any/a", byPolicy, "/any/a"},
		{"/any/%2e%2e/a", byPolicy, "/any/%2c%2c/a"},
		{"/any/.%2E/a", byPolicy, "/any/.%2C/a"},
		{"//any/a", byPolicy, "/any/a"},
		{"//" + host + "/any/a", byPolicy, "/any/" + host + "/any/a"},
		{"/any//a", byPolicy, "/any/a/"},
		{"/any/a;b", byPolicy, "/any/a:b"},
		{"/any/..;/a", byPolicy, "/any/..:/a"},
		{"/any/a%2fb", byPolicy, "/any/a%2bb"},
		{"/any/..%2Fa", byPolicy, "/any/..%2Ca"},
		{`/any/a\b`, byPolicy, "/any/a|b"},
		{"/any/a%5cb", byPolicy, "/any/a%5bb"},
		{"/any/a#/../b", byPolicy, "/any/a%23/..a/b"},
		{"/any/a#b", byPolicy, "/any/a?#b"},
		{"/any/a%00", byPolicy, "/any/a%01"},
		{"/any/a\x00", byHTTP, "/any/a"},
		{"/any/%252e%252e/a", byPolicy, "/any/%252/a"},
		{"/any/%61", byPolicy, "/any/a"},
		{"/%61ny/a", byPolicy, "/any/a"},
		{"/any/%c0%ae%c0%ae/a", byPolicy, "/any/%c3%ae%c3%ae/a"},
		{"/any/%zz", byHTTP, "/any/%20"},
		{"/any/a b", byHTTP, "/any/a%20b"},
		{"/any/a\tb", byHTTP, "/any/a%09b"},
		{"http://" + host + "/any/../a", byPolicy, "http://" + host + "/any/..a/a"},
		{"http://" + host, unlisted, "http://" + host + "/any/a"},
		{"http://" + host + "?x", unlisted, "http://" + host + "/any/?x"},
		{"http://alice@" + host + "/any/a", byHTTP, "http://" + host + "/any/a"},
		{"ftp://" + host + "/any/a", byHTTP, "https://" + host + "/any/a"},
		{"http:/any/a", byHTTP, "http://" + host + "/any/a"},
		{"any/a", byHTTP, "/any/a"},
		{"*", byPolicy, "/any/*"},
	} {
		raw := get(tc.refused, s.bearer())
		a := s.send(t, raw)
		if seen := api.seen(); a.status != max(tc.status, -tc.status) || len(seen) > 0 {
			t.Errorf("%q: got %d, and the API saw %q; want %d", tc.refused, a.status, seen, tc.status)
		}
		events := s.refused()
		switch {
		case tc.status == byHTTP && len(events) != 0,
			tc.status == byPolicy && (len(events) != 1 || events[0].Reason != "ambiguous_path"),
			tc.status == unlisted && (len(events) != 1 || events[0].Reason == ""):
			t.Errorf("%q: got the refusals %+v", tc.refused, events)
		}
		s.wantPath(t, api, tc.twin)
	}
	for _, honest := range []string{
		"/any/é", "/any/%C3%A9", "/any/\xe9", "/any/a%20b", "/any/a+b", "/any/日本/語", "/any/", "/any/a.b/c..d/e...", "/any/a?", "/any/a??",
		"/any/!$&'()*+,=:@-._~", "/any/[a]{b}|^`\"<>", "/any/a?b=../c;d//e%2f%00\\&%zz", "/any/%C3%A9é", "/any/" + strings.Repeat("a/", 1000),
		"/any/a?XST=1&xut=2", // the service has no project
	} {
		s.wantPath(t, api, honest)
	}
}

// wantPath checks that alice may call a path, and that the API gets the bytes that were judged.
func (s *stand) wantPath(t *testing.T, api *recorder, target string) {
	t.Helper()
	raw := get(target, s.bearer())
	if a := s.send(t, raw); a.status != http.StatusOK {
		t.Errorf("%.200q: got %d %s, want it to pass", target, a.status, a.body)
		return
	}
	_, want, absolute := strings.Cut(target, "://"+host)
	if !absolute {
		want = target
	}
	if seen := api.only(t, raw); !strings.HasPrefix(seen, "GET "+want+" HTTP/1.1\r\nHost: "+host+"\r\n") {
		t.Errorf("%.200q: the API saw %.300q", target, seen)
	}
}

// TestProxyDoubleSlash has a service allow what net/url takes for a host.
func TestProxyDoubleSlash(t *testing.T) {
	s := open(t)
	api := newRecorder(t)
	s.service(t, "http://"+api.address, func(d *catalog.Draft) { d.AllowInPath, d.Default = "//", "authenticated" })
	for target, status := range map[string]int{"//evil.example/a": 200, "//evil.example/%C3%A9": 200, "/x//a": 200, "/x//é": 200, "//any/a": 403, "//evil.example/é": 400, "//evil.example/\xff": 400} {
		raw := get(target, s.bearer())
		a := s.send(t, raw)
		seen := api.seen()
		if a.status != status || (status == 200) != (len(seen) == 1) {
			t.Errorf("%q: got %d %s, and the API saw %q", target, a.status, a.body, seen)
		} else if status == 200 && !strings.HasPrefix(seen[0], "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\n") {
			t.Errorf("%q: the API saw %q", target, seen)
		}
	}
}

// TestProxySmuggling sends bytes in which some servers see one request and others two. Whatever the proxy makes of them, the API sees
// only what was judged, and never the call that is hidden in them: nobody may make it.
func TestProxySmuggling(t *testing.T) {
	s, api := behind(t)
	b := s.bearer()
	hidden := head("POST", "/secret/7", b)
	chunked := "Transfer-Encoding: chunked"
	post := func(fields ...string) string { return head("POST", "/any/a", append(fields, b)...) }
	for name, raw := range map[string]string{
		"a length and chunks":          post("Content-Length: 4", chunked) + "0\r\n\r\n" + hidden,
		"chunks and a length":          post(chunked, "Content-Length: 400") + "0\r\n\r\n" + hidden,
		"two lengths":                  post("Content-Length: 0", "Content-Length: 400") + hidden,
		"two lengths in one":           post("Content-Length: 0, 400") + hidden,
		"a length with a sign":         post("Content-Length: +0") + hidden,
		"a hexadecimal length":         post("Content-Length: 0x10") + hidden,
		"a negative length":            post("Content-Length: -1") + hidden,
		"another encoding":             post("Transfer-Encoding: xchunked") + "0\r\n\r\n" + hidden,
		"two encodings":                post("Transfer-Encoding: chunked, identity") + "0\r\n\r\n" + hidden,
		"two fields of encoding":       post(chunked, "Transfer-Encoding: identity") + "0\r\n\r\n" + hidden,
		"an encoding with a tab":       post("Transfer-Encoding:\tchunked", "Content-Length: 4") + "0\r\n\r\n" + hidden,
		"a space before the colon":     post("Transfer-Encoding : chunked", "Content-Length: 4") + "0\r\n\r\n" + hidden,
		"a space before the length":    post("Content-Length : 400") + hidden,
		"a folded encoding":            post("Transfer-Encoding:\r\n chunked", "Content-Length: 4") + "0\r\n\r\n" + hidden,
		"a folded field":               post("X-A: b\r\n Content-Length: 400") + hidden,
		"a NUL in a name":              post("Content-Length\x00: 400") + hidden,
		"a NUL in a value":             post("Transfer-Encoding: chunked\x00") + "0\r\n\r\n" + hidden,
		"a bare CR":                    post("X-A: b\rTransfer-Encoding: chunked") + "0\r\n\r\n" + hidden,
		"bare LFs":                     strings.ReplaceAll(post("Content-Length: 0"), "\r\n", "\n") + hidden,
		"a bare LF behind a chunk":     post(chunked) + "1\r\na\n0\r\n\r\n" + hidden,
		"a bare LF in a chunk's head":  post(chunked) + "1;a\nb\r\na\r\n0\r\n\r\n" + hidden,
		"an extension of a chunk":      post(chunked) + "1;a=\"\r\n\"\r\na\r\n0\r\n\r\n" + hidden,
		"a chunk of no number":         post(chunked) + "zz\r\n" + hidden,
		"a chunk of too many":          post(chunked) + "fffffffffffffffff\r\n" + hidden,
		"a chunk with 0x":              post(chunked) + "0x1\r\na\r\n0\r\n\r\n" + hidden,
		"fields behind the body":       post(chunked, "Trailer: Content-Length, Remote-User") + "0\r\nContent-Length: 400\r\nRemote-User: forged\r\n\r\n" + hidden,
		"a body of a GET":              get("/any/a", b, "Content-Length: 3") + "abc" + hidden,
		"the length named hop by hop":  post("Connection: Content-Length", "Content-Length: 3") + "abc" + hidden,
		"the encoding named so":        post("Connection: close, Transfer-Encoding", chunked) + "3\r\nabc\r\n0\r\n\r\n" + hidden,
		"an upgrade to h2c":            get("/any/a", b, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA") + http2.ClientPreface + hidden,
		"an upgrade to two":            get("/any/a", b, "Connection: Upgrade", "Upgrade: websocket, h2c") + hidden,
		"an upgrade to TLS":            get("/any/a", b, "Connection: Upgrade", "Upgrade: TLS/1.0") + hidden,
		"an upgrade of another method": post("Connection: Upgrade", "Upgrade: websocket", "Content-Length: 0") + hidden,
		"an upgrade that is refused":   get("/any/a", b, "Connection: Upgrade", "Upgrade: websocket") + hidden,
		"HTTP/1.0 with chunks":         strings.Replace(post(chunked), "HTTP/1.1", "HTTP/1.0", 1) + "0\r\n\r\n" + hidden,
		"HTTP/0.9":                     "GET /any/a\r\n" + hidden,
		"HTTP/1.2":                     strings.Replace(post("Content-Length: 0"), "HTTP/1.1", "HTTP/1.2", 1) + hidden,
		"behind a refused one":         head("GET", "/secret/7", b) + hidden,
		"behind one without a caller":  head("POST", "/any/a", "Content-Length: 3") + "abc" + hidden,
		"two hosts":                    "GET /any/a HTTP/1.1\r\nHost: " + host + "\r\nHost: evil.example\r\n" + b + "\r\n\r\n" + hidden,
		"an empty line before":         "\r\n\r\n" + post("Content-Length: 0") + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial(t, "127.0.0.1")
			go func() { _, _ = io.WriteString(conn, raw+get("/any/last", "Connection: close")) }()
			answers, _ := io.ReadAll(conn)
			for _, seen := range api.seen() {
				if !strings.HasPrefix(seen, "POST /any/a ") && !strings.HasPrefix(seen, "GET /any/a ") {
					t.Errorf("the API saw %q", seen)
				}
				if strings.Contains(seen, "forged") || field(seen, "Remote-User") != "alice" || field(seen, "Upgrade") != "" && name != "an upgrade that is refused" || field(seen, "HTTP2-Settings") != "" {
					t.Errorf("the API saw %q", seen)
				}
				if field(seen, "Content-Length") != "" && field(seen, "Transfer-Encoding") != "" || strings.Contains(field(seen, "Content-Length"), ",") {
					t.Errorf("the API saw two lengths: %q", seen)
				}
			}
			if !bytes.HasPrefix(answers, []byte("HTTP/1.")) {
				t.Errorf("got %.100q, want an answer", answers)
			}
		})
	}
	// The twin: two requests, both judged. What came before may still be on its way, as the head of a call whose body was bad.
	raw := head("POST", "/any/twin", "Content-Length: 3", b) + "abc" + get("/any/twin", b, "Connection: close")
	conn := s.dial(t, "127.0.0.1")
	_, err := io.WriteString(conn, raw)
	desk.Check(t, err)
	in := bufio.NewReader(conn)
	first, second := read(t, in, "POST"), read(t, in, "GET")
	twins := slices.DeleteFunc(api.seen(), func(head string) bool { return !strings.Contains(head, " /any/twin ") })
	if first.status != http.StatusOK || second.status != http.StatusOK || len(twins) != 2 {
		t.Errorf("got %d and %d, and the API saw %q, want both to pass", first.status, second.status, twins)
	}
}

// askH2 sends a call by HTTP/2 on a connection of its own, and returns the status, if there is an answer.
func (s *stand) askH2(t *testing.T, call h2frames.Call) string {
	t.Helper()
	conn, err := h2frames.Open(s.dial(t, "127.0.0.1"))
	desk.Check(t, err)
	status, err := conn.Ask(call)
	desk.Check(t, err)
	return status
}

// TestProxyHTTP2 sends what HTTP/2 can carry and HTTP/1.1 can't: the API, which speaks the latter, sees none of it.
func TestProxyHTTP2(t *testing.T) {
	s, api := behind(t)
	good := h2frames.Good{Scheme: "http", Host: host, Path: "/any/a", Token: s.token}
	whole := func(head string) bool {
		return strings.HasPrefix(head, "GET /any/a HTTP/1.1\r\nHost: "+host+"\r\n") && !strings.Contains(head, h2frames.Forged) && !strings.Contains(head, h2frames.Evil) &&
			field(head, "X-Forwarded-Proto") == "http" && field(head, "HTTP2-Settings") == "" && field(head, "Remote-User") == "alice"
	}
	for _, call := range good.Refused() {
		t.Run(call.Name, func(t *testing.T) {
			status := s.askH2(t, call)
			if status != "" && status[0] != '4' {
				t.Errorf("got %s, want it refused", status)
			}
			if seen := api.seen(); len(seen) > 0 {
				t.Errorf("the API saw %q", seen)
			}
		})
	}
	for _, call := range append(good.Odd(), good.Call()) {
		t.Run(call.Name, func(t *testing.T) {
			if status := s.askH2(t, call); status != "200" {
				t.Errorf("got %q, want 200", status)
			}
			if seen := api.only(t, call.Name); !whole(seen) {
				t.Errorf("the API saw %q", seen)
			}
		})
	}
	for _, call := range good.Smuggling() {
		t.Run(call.Name+", and another call", func(t *testing.T) {
			status := s.askH2(t, call)
			for _, seen := range api.seen() {
				if !whole(seen) || field(seen, "Content-Length") != "" && field(seen, "Transfer-Encoding") != "" {
					t.Errorf("got %q, and the API saw %q", status, seen)
				}
			}
		})
	}
	// What came before may still be on its way, as the head of a call whose body was bad.
	api.seen()
	if status := s.askH2(t, good.Call()); status != "200" || !whole(api.only(t, "the twin")) {
		t.Errorf("got %q for the twin, want 200", status)
	}
}
