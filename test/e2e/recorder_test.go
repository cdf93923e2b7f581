package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is the protected API. It reads requests by hand and keeps their heads as they came, since net/http would
// make names of header fields alike that other servers tell apart. It answers with what it saw: the request's target
// and the user whose call it is.
type recorder struct {
	mu    sync.Mutex
	heads []string // of the last requests, maxHeads at most
	count int      // of all requests
}

const maxHeads = 1000

func newRecorder(t *testing.T, address string) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", address)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	r := new(recorder)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(conn)
		}
	}()
	return r
}

// serve answers the requests of one connection until the proxy closes it.
func (r *recorder) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for {
		head, err := readHead(in)
		if err != nil {
			return
		}
		length, trailer, err := skipBody(in, head)
		if err != nil {
			return
		}
		r.record(fmt.Sprintf("%s%s: %d\r\n%s", head, bodyLength, length, trailer))
		target, _, _ := strings.Cut(head[strings.IndexByte(head, ' ')+1:], " ")
		if interim, ok := interims[target]; ok {
			_, _ = io.WriteString(conn, interim)
		}
		body := target + " " + field(head, "Remote-User")
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
		if !strings.HasPrefix(head, "HEAD ") {
			_, _ = io.WriteString(conn, body)
		}
	}
}

// interims are what the recorder says before its answer at some paths: what no client has asked for, and what some proxies take for an
// end of HTTP on the connection. It goes on with it.
var interims = map[string]string{
	"/any/early":     "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
	"/any/continue":  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
	"/any/switching": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
}

// bodyLength is what the recorder adds to a head: how long the body was, whatever was said of it.
const bodyLength = "Recorder-Body-Length"

// skipBody reads the body that goes with a head, and returns its length, and what fields stand behind it.
func skipBody(in *bufio.Reader, head string) (length int64, trailer string, err error) {
	if field(head, "Transfer-Encoding") == "" {
		length, _ = strconv.ParseInt(field(head, "Content-Length"), 10, 64)
		_, err = io.CopyN(io.Discard, in, length)
		return length, "", err
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, "", err
		}
		chunk, err := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		if err != nil {
			return 0, "", err
		}
		if chunk == 0 {
			trailer, err = readHead(in)
			return length, trailer, err
		}
		if _, err := io.CopyN(io.Discard, in, chunk+2); err != nil { // and the end of its line
			return 0, "", err
		}
		length += chunk
	}
}

// readHead reads up to the empty line, which it leaves out.
func readHead(in *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == "\r\n" {
			return head.String(), nil
		}
		head.WriteString(line)
	}
}

// field returns the values of a header field of exactly this name, in any case, joined by commas.
func field(head, name string) string {
	var values []string
	for line := range strings.Lines(head) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return strings.Join(values, ",")
}

func (r *recorder) record(head string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if len(r.heads) < maxHeads {
		r.heads = append(r.heads, head)
	}
}

// seen returns the heads of the requests since it was last called.
func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	heads := r.heads
	r.heads = nil
	return heads
}

// total returns how many requests there were from the start.
func (r *recorder) total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// get is the head of a request for a path, and of the given header fields ("Name: value"), without the empty line.
func get(target string, fields ...string) string { return head("GET", target, fields...) }

// head is get for any method.
func head(method, target string, fields ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n" + lines(fields)
}

func lines(fields []string) string {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	return b.String()
}

// bearer is a user's token as a header field.
func (s *stack) bearer(user string) string { return "Authorization: Bearer " + s.tokens[user] }

// send sends a request to the proxy as raw bytes, head and empty line, and reads the answer.
func (s *stack) send(t *testing.T, head string) answer {
	t.Helper()
	return s.sendFrom(t, "127.0.0.1", head)
}

// sendFrom is send from another address of this machine's.
func (s *stack) sendFrom(t *testing.T, address, head string) answer {
	t.Helper()
	a := exchange(t, address, s.via.address, head+"\r\n")
	if a.status == http.StatusOK {
		s.passed++
	}
	return a
}

// The addresses that a client can reach: the proxies, and where they are careless Jeton's gateway.
const (
	nginxListener, caddyListener    = "127.0.0.1:8000", "127.0.0.1:8001"
	haproxyListener, apacheListener = "127.0.0.1:8002", "127.0.0.1:8003"
	ownListener, gatewayListener    = "127.0.0.1:8082", "127.0.0.1:8081"
)

// exchange sends raw bytes from one address to another and reads one answer.
func exchange(t *testing.T, from, to, raw string) answer {
	t.Helper()
	a, err := tryExchange(from, to, raw)
	if err != nil {
		t.Fatalf("%.200q: %v", raw, err)
	}
	return a
}

// conversation sends raw bytes and reads all that comes, until the proxy closes the connection or says no more.
func conversation(t *testing.T, to, raw string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", to, 5*time.Second)
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(3*time.Second)))
	go func() { _, _ = io.WriteString(conn, raw) }()
	var all strings.Builder
	buffer := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		all.Write(buffer[:n])
		if err != nil {
			return all.String()
		}
		// Long enough for what a busy proxy passes on behind that: it would be found out too late, and with the next case.
		must(t, conn.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	}
}

// tryExchange is exchange for other goroutines than the test's own.
func tryExchange(from, to, raw string) (answer, error) {
	began := time.Now()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	conn, err := dialer.Dial("tcp", to)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return answer{}, err
	}
	go func() { _, _ = io.WriteString(conn, raw) }() // a proxy may answer, and close, before it has read all
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err == nil && res.StatusCode == http.StatusContinue {
		_ = res.Body.Close()
		res, err = http.ReadResponse(in, nil)
	}
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // the answer to HEAD
	}
	return answer{res.StatusCode, res.Header, string(body), time.Since(began)}, err
}

// wantRefused checks that a call was refused with one of the given statuses, and that the API saw nothing of it.
func (s *stack) wantRefused(t *testing.T, raw string, a answer, want ...int) {
	t.Helper()
	ok := false
	for _, status := range want {
		ok = ok || a.status == status
	}
	if !ok {
		t.Errorf("%q: got %d, want %v", raw, a.status, want)
	}
	if seen := s.api.seen(); len(seen) > 0 {
		t.Errorf("%q: the API saw %q, want nothing", raw, seen)
	}
}

// wantPassed checks that a call was let in, and returns the head that the API saw.
func (s *stack) wantPassed(t *testing.T, raw string, a answer) string {
	t.Helper()
	seen := s.api.seen()
	if a.status != http.StatusOK || len(seen) != 1 {
		t.Errorf("%q: got %d %q, and the API saw %q; want 200 and one request", raw, a.status, a.body, seen)
		return ""
	}
	return seen[0]
}
