package h1_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/h1"
)

// lines joins the lines of a head, which an empty one ends.
func lines(text ...string) string { return strings.Join(append(text, "", ""), "\r\n") }

// get is the head of a plain request with more fields.
func get(fields ...string) string {
	return lines(append([]string{"GET /a HTTP/1.1", "Host: h"}, fields...)...)
}

// twin is a head that isn't plain, and the one that is nearest to it.
type twin struct{ name, odd, plain string }

// twins are all that makes a request one for net/http.
func twins() []twin {
	first := func(line string) string { return lines(line, "Host: h") }
	return []twin{
		// The request line.
		{"a version before", first("GET /a HTTP/1.0"), first("GET /a HTTP/1.1")},
		{"a version behind", first("GET /a HTTP/2.0"), first("GET /a HTTP/1.1")},
		{"a version in small letters", first("GET /a http/1.1"), first("GET /a HTTP/1.1")},
		{"no version", first("GET /a"), first("GET /a HTTP/1.1")},
		{"two spaces", first("GET  /a HTTP/1.1"), first("GET /a HTTP/1.1")},
		{"two spaces behind", first("GET /a  HTTP/1.1"), first("GET /a HTTP/1.1")},
		{"a space at the end", first("GET /a HTTP/1.1 "), first("GET /a HTTP/1.1")},
		{"a space at the begin", first(" GET /a HTTP/1.1"), first("GET /a HTTP/1.1")},
		{"a tab", first("GET\t/a HTTP/1.1"), first("GET /a HTTP/1.1")},
		{"an empty line before", "\r\n" + get(), get()},
		{"no method", first(" /a HTTP/1.1"), first("A /a HTTP/1.1")},
		{"a small letter", first("GEt /a HTTP/1.1"), first("GET /a HTTP/1.1")},
		{"a mark in the method", first("M-GET /a HTTP/1.1"), first("MGET /a HTTP/1.1")},
		{"HEAD", first("HEAD /a HTTP/1.1"), first("HEAE /a HTTP/1.1")},
		{"CONNECT", first("CONNECT /a HTTP/1.1"), first("CONNEKT /a HTTP/1.1")},
		{"CONNECT to a host", first("CONNECT h:1 HTTP/1.1"), first("OPTIONS /h:1 HTTP/1.1")},
		{"PRI", first("PRI /a HTTP/1.1"), first("PRJ /a HTTP/1.1")},
		{"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", get()},
		{"a whole URL", first("GET http://h/a HTTP/1.1"), first("GET /http://h/a HTTP/1.1")},
		{"an asterisk", first("OPTIONS * HTTP/1.1"), first("OPTIONS /* HTTP/1.1")},
		{"no target", first("GET  HTTP/1.1"), first("GET / HTTP/1.1")},
		{"a fragment", first("GET /a#b HTTP/1.1"), first("GET /a%23b HTTP/1.1")},
		{"a fragment behind a query", first("GET /a?b#c HTTP/1.1"), first("GET /a?b%23c HTTP/1.1")},
		{"a byte beyond ASCII", first("GET /\xe9 HTTP/1.1"), first("GET /%e9 HTTP/1.1")},
		{"a byte beyond ASCII in the query", first("GET /?\xe9 HTTP/1.1"), first("GET /?%e9 HTTP/1.1")},
		{"a control character", first("GET /\x01 HTTP/1.1"), first("GET /%01 HTTP/1.1")},
		{"NUL", first("GET /a?\x00 HTTP/1.1"), first("GET /a?0 HTTP/1.1")},
		{"DEL", first("GET /a?\x7f HTTP/1.1"), first("GET /a?~ HTTP/1.1")},
		{"half an escape", first("GET /a%2 HTTP/1.1"), first("GET /a%20 HTTP/1.1")},
		{"an escape of other letters", first("GET /a%2g HTTP/1.1"), first("GET /a%2f HTTP/1.1")},
		{"half an escape before the query", first("GET /a%2?0 HTTP/1.1"), first("GET /a%20? HTTP/1.1")},
		{"a backslash", first(`GET /\ HTTP/1.1`), first("GET /a?\\ HTTP/1.1")},
		{"a quotation mark", first(`GET /" HTTP/1.1`), first(`GET /' HTTP/1.1`)},

		// Hosts.
		{"no host", lines("GET /a HTTP/1.1", "Most: h"), lines("GET /a HTTP/1.1", "Host: h")},
		{"two hosts", get("Host: h"), get("Hosu: h")},
		{"two hosts in other letters", get("hOST: h"), get("hOSU: h")},
		{"an empty host", lines("GET /a HTTP/1.1", "Host:"), lines("GET /a HTTP/1.1", "Host:h")},
		{"a list of hosts", lines("GET /a HTTP/1.1", "Host: h,i"), lines("GET /a HTTP/1.1", "Host: h.i")},
		{"a user in the host", lines("GET /a HTTP/1.1", "Host: u@h"), lines("GET /a HTTP/1.1", "Host: u-h")},
		{"a path in the host", lines("GET /a HTTP/1.1", "Host: h/i"), lines("GET /a HTTP/1.1", "Host: [::1]:80")},
		{"a space in the host", lines("GET /a HTTP/1.1", "Host: h i"), lines("GET /a HTTP/1.1", "Host: \t h \t")},

		// Lengths and encodings: what a body would be smuggled by.
		{"a length", get("Content-Length: 1"), get("Content-Length: 0")},
		{"a length with a sign", get("Content-Length: +0"), get("Content-Length: 0")},
		{"a negative length", get("Content-Length: -0"), get("Content-Length: 0")},
		{"a length of two digits", get("Content-Length: 00"), get("Content-Length: 0")},
		{"a list of lengths", get("Content-Length: 0, 0"), get("Content-Length: 0")},
		{"a length in another base", get("Content-Length: 0x0"), get("Content-Length: 0")},
		{"an empty length", get("Content-Length: "), get("Content-Length: 0")},
		{"two lengths", get("Content-Length: 0", "Content-Length: 0"), get("Content-Length: 0", "Content-Lengtg: 0")},
		{"two lengths that differ", get("Content-Length: 0", "content-length: 5"), get("Content-Length: 0", "content-lengtg: 5")},
		{"chunks", get("Transfer-Encoding: chunked"), get("Transfer-Encodinf: chunked")},
		{"chunks in other letters", get("tRANSFER-eNCODING: chunked"), get("tRANSFER-eNCODINF: chunked")},
		{"chunks beside a length", get("Content-Length: 0", "Transfer-Encoding: chunked"), get("Content-Length: 0", "Transfer-Encodinf: chunked")},
		{"chunks before a length", get("Transfer-Encoding: chunked", "Content-Length: 0"), get("Transfer-Encodinf: chunked", "Content-Length: 0")},
		{"an encoding that is none", get("Transfer-Encoding: identity"), get("Transfer-Encodinf: identity")},
		{"an empty encoding", get("Transfer-Encoding:"), get("Transfer-Encodinf:")},
		{"a vertical tab in the encoding", get("Transfer-Encoding: \vchunked"), get("Transfer-Encodinf: \tchunked")},
		{"a space before the colon", get("Transfer-Encoding : chunked"), get("Transfer-Encodinf: chunked")},
		{"a trailer", get("Trailer: A"), get("Traileq: A")},
		{"encodings that are taken", get("TE: trailers"), get("TF: trailers")},
		{"an expectation", get("Expect: 100-continue"), get("Expecu: 100-continue")},
		{"another protocol", get("Upgrade: h2c"), get("Upgradf: h2c")},
		{"HTTP/2's settings", get("HTTP2-Settings: AAMAAABk"), get("HTTP2-Settingt: AAMAAABk")},
		{"another word of the connection", get("Connection: upgrade"), get("Connection: close")},
		{"two words of the connection", get("Connection: close, te"), get("Connection: keep-alive")},
		{"an empty connection", get("Connection:"), get("Connection: Keep-Alive")},
		{"two connections", get("Connection: close", "Connection: close"), get("Connection: CLOSE")},
		{"what net/http reads twice", get("Pragma: no-cache"), get("Pragma: no-cache", "Cache-Control: no-store")},

		// Lines.
		{"a folded line", get("A: b", " c"), get("A: b", "c: d")},
		{"a folded line with a tab", get("A: b", "\tc: d"), get("A: b", "c: d")},
		{"a folded first line", lines("GET /a HTTP/1.1", " Host: h"), lines("GET /a HTTP/1.1", "Host: h")},
		{"a bare line feed", lines("GET /a HTTP/1.1", "Host: h\nA: b"), lines("GET /a HTTP/1.1", "Host: h", "A: b")},
		{"a bare line feed behind the request line", "GET /a HTTP/1.1\nHost: h\r\n\r\n", get()},
		{"a bare line feed at the end", "GET /a HTTP/1.1\r\nHost: h\r\n\n", get()},
		{"nothing but line feeds", "GET /a HTTP/1.1\nHost: h\n\n", get()},
		{"a bare carriage return", get("A: b\rc"), get("A: b\tc")},
		{"two carriage returns", "GET /a HTTP/1.1\r\nHost: h\r\r\n\r\n", get()},
		{"no colon", get("A"), get("A:")},
		{"no name", get(": a"), get("a: a")},
		{"a space in a name", get("A b: c"), get("Ab: c")},
		{"a tab before the colon", get("A\t: c"), get("A:\tc")},
		{"a bracket in a name", get("(A: c"), get("|A: c")},
		{"a name beyond ASCII", get("\xc3\xa9: c"), get("e: c")},
		{"a value beyond ASCII", get("A: \xc3\xa9"), get("A: e")},
		{"a value with NUL", get("A: b\x00c"), get("A: b c")},
		{"a value with a control character", get("A: b\x1bc"), get("A: b~c")},
		{"a value with DEL", get("A: b\x7f"), get("A: b~")},
		{"too many fields", get(strings.Split(strings.Repeat("A: b,", 101)[:504], ",")...), get(strings.Split(strings.Repeat("A: b,", 100)[:499], ",")...)},
	}
}

// TestTwins holds what is odd against what is plain. net/http reads the plain one as the engine does.
func TestTwins(t *testing.T) {
	for _, tt := range twins() {
		if got := h1.Read([]byte(tt.odd)).Verdict; got != "odd" {
			t.Errorf("%s: got %s for %q, want odd", tt.name, got, tt.odd)
		}
		if got := h1.Read([]byte(tt.plain)).Verdict; got != "plain" {
			t.Errorf("%s: got %s for its twin %q, want plain", tt.name, got, tt.plain)
		}
		sameAsNetHTTP(t, []byte(tt.plain))
	}
}

// seen is what a reader of requests has read.
type seen struct {
	Method, Target, Path, Query, Host string
	Header                            http.Header
	Length                            int // of the head
	Ending                            bool
}

// sameAsNetHTTP holds what the engine makes of bytes against what net/http makes of them, where the engine takes them.
func sameAsNetHTTP(t *testing.T, b []byte) {
	t.Helper()
	got := h1.Read(b)
	if got.Verdict != "plain" {
		return
	}
	rest := bufio.NewReader(bytes.NewReader(b))
	r, err := http.ReadRequest(rest)
	if err != nil {
		t.Fatalf("the engine takes %q, and net/http says %v", b, err)
	}
	behind, err := io.ReadAll(rest)
	if err != nil || r.Body != http.NoBody || r.ContentLength != 0 || r.TransferEncoding != nil || r.Trailer != nil || r.Proto != "HTTP/1.1" {
		t.Fatalf("%q: net/http reads more than a head: %+v, %v", b, r, err)
	}
	want := seen{r.Method, r.RequestURI, r.URL.EscapedPath(), r.URL.RawQuery, r.Host, r.Header, len(b) - len(behind), r.Close}
	path, query, _ := strings.Cut(got.Request.Target, "?")
	have := seen{got.Request.Method, got.Request.Target, path, query, got.Request.Host, got.Request.Header(), got.Length, got.Ending}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Fatalf("%q (-net/http +engine):\n%s", b, diff)
	}
}

// FuzzPlain looks for bytes that the engine takes and net/http doesn't, or reads in another way, and for bytes of which the engine
// thinks otherwise when they come in two parts.
func FuzzPlain(f *testing.F) {
	for _, tt := range twins() {
		f.Add([]byte(tt.odd), uint16(7))
		f.Add([]byte(tt.plain), uint16(17))
	}
	f.Add([]byte(get("A: b", "Cookie: c=d; e=f", "a: g", "Authorization: Bearer x")+get()), uint16(30))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if len(b) > 32<<10 {
			return
		}
		sameAsNetHTTP(t, b)
		whole, parts := h1.Read(b), h1.Read(b, min(int(cut), len(b)))
		if whole.Verdict != parts.Verdict || whole.Length != parts.Length {
			t.Fatalf("%q: got %+v, and %+v in two parts, cut at %d", b, whole, parts, cut)
		}
	})
}

// TestCuts cuts every head at every byte.
func TestCuts(t *testing.T) {
	for _, tt := range twins() {
		for _, text := range []string{tt.odd, tt.plain} {
			whole := h1.Read([]byte(text))
			for cut := range len(text) {
				parts := h1.Read([]byte(text), cut)
				if parts.Verdict != whole.Verdict {
					t.Errorf("%q cut at %d: got %s, want %s", text, cut, parts.Verdict, whole.Verdict)
				}
			}
		}
	}
}

// TestPartial says odd as soon as a line shows it, since net/http may answer then, and not only at the end of the head.
func TestPartial(t *testing.T) {
	for text, want := range map[string]string{
		"": "partial", "G": "partial", "GET /a HTTP/1.1": "partial", "GET /a HTTP/1.1\r\n": "partial", "GET /a HTTP/1.1\r\nHost: h\r\n": "partial",
		"GET /a\r\n": "odd", "GET /a HTTP/1.1\n": "odd", "\x16\x03\x01\x00\n": "odd", "GET /a HTTP/1.1\r\nA : b\r\n": "odd", "PRI * HTTP/2.0\r\n": "odd",
		"GET /a HTTP/1.1\r\nHost: h\r\n\r": "partial", "\n": "odd", "\r\n": "odd",
	} {
		if got := h1.Read([]byte(text)).Verdict; got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// TestValues asks for fields by the names that net/http gives them.
func TestValues(t *testing.T) {
	r := h1.Read([]byte(get("x-a: 1", "X-B: 2", "X-A:  3 ", "X-Ab: 4", "x_a: 5", "K: 6", "~k: 7"))).Request
	want := map[string][]string{"X-A": {"1", "3"}, "X-B": {"2"}, "X-Ab": {"4"}, "X_a": {"5"}, "K": {"6"}, "~k": {"7"}, "Host": nil, "X-C": nil, "\u212a": nil, "^k": nil}
	for name, values := range want {
		if diff := cmp.Diff(values, r.Values(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// What was returned before stays, whatever its receiver does with another.
	a, b := r.Values("X-A"), r.Values("X-B")
	_ = append(a, "x")
	if fmt.Sprint(a, b) != "[1 3] [2]" {
		t.Errorf("got %v and %v", a, b)
	}
}
