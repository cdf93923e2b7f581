package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/proxy"
	"github.com/jeton-io/jeton/test/desk"
)

// idle has a proxy cut calls in which nothing passes for a while, so short that a test can wait for it. What goes on must pass
// something more often than that, however busy the machine.
func idle(c *proxy.Config) { c.Idle = time.Second }

// TestProxyEvents has an upstream send events one by one: each arrives before the next is sent.
func TestProxyEvents(t *testing.T) {
	for name, header := range map[string]map[string]string{
		"events":            {"Content-Type": "text/event-stream"},
		"an announced body": {"Content-Length": "30"},
		"no length":         {},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			next := make(chan bool)
			s.service(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range header {
					w.Header().Set(name, value)
				}
				for i := range 3 {
					_, _ = fmt.Fprintf(w, "data: %02d\n\n", i)
					_ = http.NewResponseController(w).Flush()
					<-next
				}
			}))
			conn := s.dial(t, "127.0.0.1")
			_, err := io.WriteString(conn, get("/any/events", s.bearer()))
			desk.Check(t, err)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			desk.Check(t, err)
			defer func() { _ = res.Body.Close() }()
			for i := range 3 {
				event := make([]byte, 10)
				_, err := io.ReadFull(res.Body, event)
				if want := fmt.Sprintf("data: %02d\n\n", i); err != nil || string(event) != want {
					t.Fatalf("got %q, %v, want %q before the next is sent", event, err, want)
				}
				next <- true
			}
		})
	}
}

// bodySize is that of the bodies that must pass in constant memory; bodyMemory is how much more of that the process may have.
const bodySize, bodyMemory = 256 << 20, 32 << 20

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// TestProxyLargeBodies sends a large body up, and one down, over HTTP/1.1 and HTTP/2 in the clear, and looks at the memory meanwhile.
func TestProxyLargeBodies(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		t.Run(scheme, func(t *testing.T) {
			s := open(t)
			upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w.Header().Set("Content-Length", fmt.Sprint(bodySize))
					_, _ = io.CopyN(w, zeros{}, bodySize)
					return
				}
				n, _ := io.Copy(io.Discard, r.Body)
				_, _ = fmt.Fprint(w, n)
			})
			s.service(t, strings.Replace(upstream, "http", scheme, 1))
			client := speaking(t, scheme)
			runtime.GC()
			peak, stop := watchMemory()
			r := s.request(t, http.MethodPost, io.LimitReader(zeros{}, bodySize))
			r.ContentLength = bodySize
			if a := do(t, client, r); a.body != fmt.Sprint(bodySize) {
				t.Errorf("up: got %d %q, want all of it to arrive", a.status, a.body)
			}
			res, err := client.Do(s.request(t, http.MethodGet, http.NoBody))
			desk.Check(t, err)
			n, err := io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if err != nil || n != bodySize {
				t.Errorf("down: got %d bytes, %v", n, err)
			}
			stop()
			grown := peak()
			t.Logf("%s: the heap grew by %d KiB at most while %d MiB went up and down", scheme, grown>>10, bodySize>>20)
			if grown > bodyMemory {
				t.Errorf("the heap grew by %d bytes, want %d at most", grown, bodyMemory)
			}
		})
	}
}

// watchMemory looks at the heap until stop is called; peak is by how much it grew since, at most.
func watchMemory() (peak func() int64, stop func()) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	began, most := int64(m.HeapInuse), int64(m.HeapInuse)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, int64(m.HeapInuse))
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() int64 { <-done; return most - began }, cancel
}

// request is a request by alice to the proxy.
func (s *stand) request(t testing.TB, method string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+"/any/a", body)
	desk.Check(t, err)
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+s.token)
	return r
}

// speaking returns a client that speaks HTTP/1.1 to the proxy, or for h2c HTTP/2.
func speaking(t testing.TB, scheme string) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(scheme != "h2c")
	transport.Protocols.SetUnencryptedHTTP2(scheme == "h2c")
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestProxyIdle has one side or the other go still in the middle of a call. It is cut, on both sides.
func TestProxyIdle(t *testing.T) {
	var gone chan struct{} // closed when the client was cut
	const large = 64 << 20 // more than all buffers of two connections
	for name, tc := range map[string]struct {
		send     string // by the client, after the credential
		upstream func(w http.ResponseWriter, r *http.Request)
	}{
		"the client, with its body": {"Content-Length: 100\r\n\r\nabc", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }},
		"the client, with a chunk":  {"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }},
		"the client, with its answer": {"\r\n", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(large))
			_, _ = io.CopyN(w, zeros{}, large)
		}},
		"the upstream, with its answer": {"\r\n", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "abc")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		"the upstream, with an announced answer": {"\r\n", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "abc")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		"the upstream, with the body": {fmt.Sprintf("Content-Length: %d\r\n\r\n%s", large, strings.Repeat("a", large)), func(_ http.ResponseWriter, r *http.Request) {
			<-gone // net/http looks for the end of a connection only behind the body
			_, _ = io.Copy(io.Discard, r.Body)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, idle)
			gone = make(chan struct{})
			ended := make(chan bool, 1)
			s.service(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				tc.upstream(w, r)
				ended <- true
			}))
			conn := s.dial(t, "127.0.0.1")
			began := time.Now()
			go func() {
				_, _ = io.WriteString(conn, "POST /any/idle HTTP/1.1\r\nHost: "+host+"\r\n"+s.bearer()+"\r\n"+tc.send)
			}()
			s.requestLine(t, "/any/idle")
			if took := time.Since(began); took < 900*time.Millisecond || took > 10*time.Second {
				t.Errorf("the call was cut after %s, want it after 1 s", took)
			}
			if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
				t.Errorf("got %v, want the client cut", err)
			}
			close(gone)
			<-ended // the upstream was cut, too
		})
	}
}

// TestProxyTrickle has either side send a byte at a time, for longer than a call may be idle: it goes on.
func TestProxyTrickle(t *testing.T) {
	const parts = 12
	s := open(t, idle)
	s.service(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		for range parts {
			_, _ = w.Write(body[:1])
			_ = http.NewResponseController(w).Flush()
			<-time.After(100 * time.Millisecond)
		}
	}))
	conn := s.dial(t, "127.0.0.1")
	_, err := io.WriteString(conn, head("POST", "/any/a", s.bearer(), fmt.Sprintf("Content-Length: %d", parts)))
	desk.Check(t, err)
	for range parts {
		<-time.After(100 * time.Millisecond)
		_, err := io.WriteString(conn, "x")
		desk.Check(t, err)
	}
	if a := read(t, bufio.NewReader(conn), "POST"); a.status != 200 || a.body != strings.Repeat("x", parts) {
		t.Errorf("got %d %q, want all parts", a.status, a.body)
	}
}

// TestProxyKeptConnection uses one connection for longer than a call may be idle.
func TestProxyKeptConnection(t *testing.T) {
	s, _ := behind(t, idle)
	conn := s.dial(t, "127.0.0.1")
	in := bufio.NewReader(conn)
	for range 3 {
		for _, raw := range []string{get("/any/a", s.bearer()), get("/any/a"), head("POST", "/any/a", s.bearer(), "Content-Length: 3") + "abc"} {
			_, err := io.WriteString(conn, raw)
			desk.Check(t, err)
			if a := read(t, in, raw); a.status != 200 && a.status != 401 {
				t.Fatalf("got %d", a.status)
			}
		}
		<-time.After(1500 * time.Millisecond)
	}
}

// webSocket is the head of a handshake.
func (s *stand) webSocket(fields ...string) string {
	return get("/any/socket", append(fields, s.bearer(), "Connection: keep-alive, Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")...)
}

// switching has a recorder switch the protocol, and then do as the test says. What is read of the client is handed over by talk.
func switching(api *recorder, talk func(conn net.Conn)) {
	api.answers(func(conn net.Conn, _ string) bool {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nRemote-User: forged\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		talk(conn)
		return false
	})
}

// openSocket has a connection of alice's switched.
func (s *stand) openSocket(t *testing.T, early string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn := s.dial(t, "127.0.0.1")
	_, err := io.WriteString(conn, s.webSocket()+early)
	desk.Check(t, err)
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	desk.Check(t, err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Sec-Websocket-Accept") == "" || len(res.Header.Get("X-Request-Id")) != 16 || res.Header.Get("Remote-User") != "" {
		t.Fatalf("got %s %v, want the connection switched", res.Status, res.Header)
	}
	return conn, in
}

// closeWrite says that a side of a connection has no more to say.
func closeWrite(t *testing.T, conn net.Conn) {
	t.Helper()
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		t.Errorf("a %T can't be closed by half", conn)
	}
}

func TestProxyWebSocket(t *testing.T) {
	s, api := behind(t)
	switching(api, func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
	conn, in := s.openSocket(t, "early ") // before the answer
	if seen := api.only(t, "GET"); field(seen, "Upgrade") != "WebSocket" || field(seen, "Connection") != "Upgrade" || field(seen, "Authorization") != "" || field(seen, "Remote-User") != "alice" {
		t.Errorf("the API saw %q", seen)
	}
	for _, said := range []string{"", "hello ", strings.Repeat("x", 1<<20)} {
		go func() { _, _ = io.WriteString(conn, said) }()
		want := said
		if said == "" {
			want = "early "
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(in, got); err != nil || string(got) != want {
			t.Fatalf("got %.20q, %v, want the echo of %.20q", got, err, want)
		}
	}
	closeWrite(t, conn) // the API echoes the end, too
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v, want the end", rest, err)
	}
	if line := s.requestLine(t, "/any/socket"); line["status"] != 101.0 || line["error"] != nil {
		t.Errorf("got the line %v, want 101", line)
	}
}

// TestProxyHalfClosed has each side say its last word first, and hear that of the other.
func TestProxyHalfClosed(t *testing.T) {
	s, api := behind(t)
	switching(api, func(conn net.Conn) {
		said, _ := io.ReadAll(conn)
		_, _ = io.WriteString(conn, "got "+string(said))
	})
	conn, in := s.openSocket(t, "")
	_, err := io.WriteString(conn, "all")
	desk.Check(t, err)
	closeWrite(t, conn)
	if got, err := io.ReadAll(in); err != nil || string(got) != "got all" {
		t.Errorf("got %q, %v, want the API's word after the client's last", got, err)
	}
	heard := make(chan string, 1)
	switching(api, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "bye")
		closeWrite(t, conn)
		said, _ := io.ReadAll(conn)
		heard <- string(said)
	})
	conn, in = s.openSocket(t, "")
	if got, err := io.ReadAll(in); err != nil || string(got) != "bye" {
		t.Fatalf("got %q, %v, want the API's last word", got, err)
	}
	_, err = io.WriteString(conn, "after that")
	desk.Check(t, err)
	desk.Check(t, conn.Close())
	if got := <-heard; got != "after that" {
		t.Errorf("the API heard %q, want the client's word after its own last", got)
	}
}

// TestProxyIdleSocket leaves a connection that was switched alone, beside one over which something passes, in one direction alone.
func TestProxyIdleSocket(t *testing.T) {
	s, api := behind(t, idle)
	ended := make(chan bool, 2)
	switching(api, func(conn net.Conn) {
		_, _ = io.Copy(io.Discard, conn)
		ended <- true
	})
	still, _ := s.openSocket(t, "")
	moving, _ := s.openSocket(t, "")
	for range 12 {
		<-time.After(100 * time.Millisecond)
		_, err := io.WriteString(moving, "x")
		desk.Check(t, err)
	}
	<-ended
	if _, err := io.ReadAll(still); isTimeout(err) {
		t.Errorf("got %v, want the still one cut", err)
	}
	select {
	case <-ended:
		t.Error("the moving one was cut, too")
	default:
	}
}

// TestProxyDrain stops the server while calls go on: they have the time to drain, and are cut then, those over switched connections
// like all others.
func TestProxyDrain(t *testing.T) {
	for _, ends := range []bool{true, false} {
		t.Run(fmt.Sprintf("which end by themselves: %t", ends), func(t *testing.T) {
			s, api := behind(t)
			finish := make(chan bool)
			switching(api, func(conn net.Conn) { <-finish; _, _ = io.WriteString(conn, "done") })
			socket, in := s.openSocket(t, "")
			defer func() { _ = socket.Close() }()
			began := time.Now()
			stopped := make(chan error, 1)
			go func() { stopped <- s.server.Shutdown(t.Context()) }()
			if ends {
				close(finish)
			}
			got, err := io.ReadAll(in)
			if isTimeout(err) || (string(got) == "done") != ends {
				t.Errorf("got %q, %v, want the last word: %t", got, err, ends)
			}
			_ = socket.Close() // the other direction could go on
			if err := <-stopped; err != nil {
				t.Errorf("got %v, want the server stopped", err)
			}
			if took := time.Since(began); ends && took >= drainTime || !ends && (took < drainTime || took > 10*time.Second) {
				t.Errorf("the server stopped after %s, want it after %s where something goes on", took, drainTime)
			}
			if !ends {
				close(finish)
			}
		})
	}
}

// TestProxyDrainStream is TestProxyDrain for an answer that never ends, over either version of HTTP.
func TestProxyDrainStream(t *testing.T) {
	for _, scheme := range []string{"http", "h2c"} {
		s := open(t)
		s.service(t, strings.Replace(serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}), "http", scheme, 1))
		res, err := speaking(t, scheme).Do(s.request(t, http.MethodGet, http.NoBody))
		desk.Check(t, err)
		began := time.Now()
		_ = s.server.Shutdown(t.Context())
		if _, err := io.ReadAll(res.Body); err == nil || time.Since(began) < drainTime || time.Since(began) > 10*time.Second {
			t.Errorf("%s: got %v after %s, want the answer cut off after %s", scheme, err, time.Since(began), drainTime)
		}
		_ = res.Body.Close()
	}
}
