package h1_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smuggled are requests that have hidden another from one of two parsers, somewhere.
var smuggled = []string{
	// A length and an encoding, in both orders, with bodies that are one thing by the one and another by the other.
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"\n\"\r\nx\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nContent-Length: 5\r\n\r\n",
	// Lengths that are more than one, or no number.
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 0\r\n\r\nGET",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nGET",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\nGET",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3 \r\n\r\nGET",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n 3\r\n\r\nGET",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\nGET",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent\rLength: 3\r\n\r\nGET",
	// What stands behind a plain request that has no body is the next, whatever the method.
	"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nx=1&y=2",
	"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
	"PUT /a HTTP/1.1\r\nHost: h\r\n\r\nbody",
	"GET /a HTTP/1.1\r\nHost: h\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
	// Plain ones before and behind what isn't.
	"GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.0\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET http://evil/b HTTP/1.1\r\nHost: h\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\n\r\nHEAD /b HTTP/1.1\r\nHost: h\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close, x\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
	"\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
	// Other protocols, and requests to speak them.
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
	"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
	"POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
	"GET /a HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\n\r\n",
	"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a\r\n", "GET /a\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 40<<10) + "\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 30<<10) + "\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("y", 20<<10) + "\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nX: ", "GET /a HTTP/1.1\r\nHost: h\r\n", "G", "",
}

// bytesOf returns all that tests send of the tables, with plain requests before and behind.
func bytesOf() []string {
	all := append([]string{}, smuggled...)
	for _, tt := range twins() {
		all = append(all, tt.odd, tt.plain, get()+tt.odd+get(), tt.plain+tt.plain)
	}
	return all
}

// compared sends bytes to a server with the engine and to one without it, and complains where they don't answer alike.
func compared(t *testing.T, with, without, raw string) {
	t.Helper()
	got, err := tell(with, raw)
	want, errWithout := tell(without, raw)
	if err != nil || errWithout != nil {
		t.Errorf("%.300q: got %v, and %v from net/http", raw, err, errWithout)
	}
	if got != want {
		t.Errorf("%.300q (-net/http +engine):\n%s", raw, cmp.Diff(want, got))
	}
}

// TestAsNetHTTP has a server with the engine answer as one without it, to the byte: whatever is sent, what comes back doesn't tell
// which of the two was there.
func TestAsNetHTTP(t *testing.T) {
	s, with := loopback(t, handlerFunc(echoPlain))
	_, without := loopback(t, nil)
	for _, raw := range bytesOf() {
		compared(t, with, without, raw)
	}
	if s.over.Load() < 50 {
		t.Errorf("got %d connections that went over: the table is not what it was", s.over.Load())
	}
}

// TestAsNetHTTPAtRandom does so with requests that nobody has thought of.
func TestAsNetHTTPAtRandom(t *testing.T) {
	s, with := loopback(t, handlerFunc(echoPlain))
	_, without := loopback(t, nil)
	const workers, each = 8, 500
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			g := generator{rand.New(rand.NewPCG(9, uint64(w)))}
			for range each {
				compared(t, with, without, g.connection())
			}
		})
	}
	all.Wait()
	if over := s.over.Load(); over < workers*each/10 || over > workers*each*9/10 {
		t.Errorf("got %d of %d connections that went over: what is generated is all of one kind", over, workers*each)
	}
}

// generator makes up requests.
type generator struct{ *rand.Rand }

func (g generator) of(texts ...string) string { return texts[g.IntN(len(texts))] }

// rarely returns one of the texts once in so many times, and else usual.
func (g generator) rarely(in int, usual string, texts ...string) string {
	if g.IntN(in) > 0 {
		return usual
	}
	return g.of(texts...)
}

// connection returns what is sent by one connection.
func (g generator) connection() string {
	var b strings.Builder
	for range 1 + g.IntN(4) {
		b.WriteString(g.request())
	}
	raw := []byte(b.String())
	if g.IntN(4) == 0 { // and a byte that is another, or missing, or too many
		at := g.IntN(len(raw))
		switch g.IntN(3) {
		case 0:
			raw[at] = byte(g.IntN(256))
		case 1:
			raw = append(raw[:at], raw[at+1:]...)
		case 2:
			raw = append(raw[:at+1], raw[at:]...)
		}
	}
	return string(raw)
}

func (g generator) request() string {
	const rare = 40
	end := g.rarely(rare, "\r\n", "\n", "\r", "\r\r\n", "\n\r", "")
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s%s%s%s%s", g.rarely(rare, g.of("GET", "PUT", "DELETE", "OPTIONS"), "HEAD", "get", "G", "", "M-SEARCH", "PATCH"), g.rarely(rare, " ", "  ", "\t", ""),
		g.rarely(rare, g.of("/", "/a", "/a?b=c", "/a%20b", "//a", "/a/../b", "/a;b", "/?", "/??", "/%2F", "/[a]", "/a:b@c"), "*", "http://h/a", "/%", "/a#b", "/\xc3\xa9", "", "h:1", "/%zz", "/a b"),
		g.rarely(rare, " ", "  ", "\t", ""), g.rarely(rare, "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.10", "http/1.1", "", "HTTP/1.1 "), end)
	fields := []string{g.rarely(rare, "Host: h", "host:h", "HOST:  h:80 ", "Host: ", "Host: a b", "Host: h\r\nHost: h", "X: y")}
	for range g.IntN(4) {
		fields = append(fields, g.rarely(rare,
			g.of("A: b", "a:b", "A:", "X-Long-Name: v v\tv", "Content-Length: 0", "Connection: close", "Connection: Keep-Alive", "Cookie: a=b; c=d", "User-Agent: x", "~: ~"),
			"Content-Length: 3", "Content-Length: 0, 0", "Transfer-Encoding: chunked", "Expect: 100-continue", "Upgrade: h2c", "TE: trailers", "Trailer: A", "Pragma: no-cache",
			" folded", "\tfolded", "A : b", ": b", "A", "A: \x00", "A: \xff", "A: \x7f", "é: b", "Connection: close, te", "Connection:", "Keep-Alive: 5", "Proxy-Connection: close"))
	}
	g.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	for _, f := range fields {
		b.WriteString(f + g.rarely(rare, "\r\n", "\n", "\r", ""))
	}
	b.WriteString(g.rarely(rare, "\r\n", "\n", "\r", "\r\n\r\n", " \r\n"))
	b.WriteString(g.rarely(rare, "", "abc", "0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n"))
	return b.String()
}

// TestEverySplit writes every request of the tables in two parts, cut at each byte, and gets the same answer each time.
func TestEverySplit(t *testing.T) {
	for _, raw := range bytesOf() {
		if len(raw) > 1000 {
			continue
		}
		raw += last
		bubble(t, handlerFunc(echoPlain), func(t *testing.T, _ *server, p *pipes) {
			want := send(p.dial(), raw)
			for cut := 1; cut < len(raw); cut++ {
				if got := send(p.dial(), raw[:cut], raw[cut:]); got != want {
					t.Fatalf("%q cut at %d (-whole +parts):\n%s", raw, cut, cmp.Diff(want, got))
				}
			}
			var bytes []string
			for i := range len(raw) {
				bytes = append(bytes, raw[i:i+1])
			}
			if got := send(p.dial(), bytes...); got != want {
				t.Fatalf("%q byte by byte (-whole +parts):\n%s", raw, cmp.Diff(want, got))
			}
		})
	}
}
