package h1_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/h1"
)

// at is the head of a plain request for a path.
func at(path string, fields ...string) string {
	return lines(append([]string{"GET " + path + " HTTP/1.1", "Host: h"}, fields...)...)
}

// count counts the answers in what was answered.
func count(answers string) int { return strings.Count(answers, "HTTP/1.1 ") }

// TestAnswers has handlers answer in every way that there is, in and out of order.
func TestAnswers(t *testing.T) {
	const fault = "HTTP/1.1 500 Internal Server Error\r\nDate: …\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	const end = "HTTP/1.1 200 OK\r\nDate: …\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	for _, tt := range []struct {
		name   string
		answer func(a *h1.Answer)
		want   string
	}{
		{"nothing", func(*h1.Answer) {}, "HTTP/1.1 200 OK\r\nDate: …\r\nContent-Length: 0\r\n\r\n" + end},
		{"a status", func(a *h1.Answer) { a.Status(401) }, "HTTP/1.1 401 Unauthorized\r\nDate: …\r\nContent-Length: 0\r\n\r\n" + end},
		{"a status without a name", func(a *h1.Answer) { a.Status(299) }, "HTTP/1.1 299 \r\nDate: …\r\nContent-Length: 0\r\n\r\n" + end},
		{"fields", func(a *h1.Answer) { a.Status(403); a.Field("A", "b"); a.Field("C", "") }, "HTTP/1.1 403 Forbidden\r\nA: b\r\nC: \r\nDate: …\r\nContent-Length: 0\r\n\r\n" + end},
		{"a body", func(a *h1.Answer) { a.Status(200); a.Field("A", "b\tc"); a.Body([]byte("{}")) }, "HTTP/1.1 200 OK\r\nA: b\tc\r\nDate: …\r\nContent-Length: 2\r\n\r\n{}" + end},
		{"a field without a status", func(a *h1.Answer) { a.Field("A", "é") }, "HTTP/1.1 200 OK\r\nA: é\r\nDate: …\r\nContent-Length: 0\r\n\r\n" + end},
		{"a body without a status", func(a *h1.Answer) { a.Body([]byte("x")) }, "HTTP/1.1 200 OK\r\nDate: …\r\nContent-Length: 1\r\n\r\nx" + end},
		{"a line feed", func(a *h1.Answer) {
			a.Status(200)
			a.Field("A", "b")
			a.Field("C", "d\nE: f")
			a.Field("G", "h")
			a.Body([]byte("x"))
		}, fault},
		{"a line feed, and another try", func(a *h1.Answer) { a.Field("C", "d\nE: f"); a.Status(200); a.Field("A", "b"); a.Body([]byte("x")) }, fault},
		{"a carriage return", func(a *h1.Answer) { a.Field("C", "d\rE: f") }, fault},
		{"NUL", func(a *h1.Answer) { a.Field("C", "d\x00") }, fault},
		{"an escape", func(a *h1.Answer) { a.Field("C", "\x1b[31m") }, fault},
		{"two statuses", func(a *h1.Answer) { a.Status(401); a.Status(200) }, fault},
		{"a status behind a field", func(a *h1.Answer) { a.Field("A", "b"); a.Status(401) }, fault},
		{"an informational status", func(a *h1.Answer) { a.Status(103) }, fault},
		{"another protocol", func(a *h1.Answer) { a.Status(101) }, fault},
		{"a status without a body", func(a *h1.Answer) { a.Status(204) }, fault},
		{"a status without its body", func(a *h1.Answer) { a.Status(304) }, fault},
		{"a status of four digits", func(a *h1.Answer) { a.Status(1000) }, fault},
		{"two bodies", func(a *h1.Answer) { a.Body([]byte("x")); a.Body([]byte("y")) }, fault},
		{"a field behind the body", func(a *h1.Answer) { a.Body([]byte("x")); a.Field("A", "b") }, fault},
		{"panic", func(a *h1.Answer) { a.Status(200); a.Field("A", "b"); panic("the secret") }, fault},
		{"panic behind the body", func(a *h1.Answer) { a.Body([]byte("x")); panic("the secret") }, fault},
	} {
		handler := handlerFunc(func(r *h1.Request, a *h1.Answer) bool {
			if r.Target == "/a" {
				tt.answer(a)
			}
			return true
		})
		bubble(t, handler, func(t *testing.T, s *server, p *pipes) {
			if got := send(p.dial(), get()+last); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
			if logged := strings.Contains(s.log.String(), "level=ERROR"); logged != (tt.want == fault) {
				t.Errorf("%s: got the log %q", tt.name, s.log)
			}
			if strings.Contains(s.log.String(), "E: f") {
				t.Errorf("%s: the log holds what a caller may have written: %q", tt.name, s.log)
			}
			if got := send(p.dial(), last); got != end { // the next connection is none the worse for it
				t.Errorf("%s: got %q behind it, want %q", tt.name, got, end)
			}
			if s.over.Load() != 0 {
				t.Errorf("%s: it went over", tt.name)
			}
		})
	}
}

// TestDeclined leaves a request to net/http between others: nothing is lost, nothing answered twice, and what the handler had begun
// to say is forgotten.
func TestDeclined(t *testing.T) {
	var asked []string
	handler := handlerFunc(func(r *h1.Request, a *h1.Answer) bool {
		asked = append(asked, r.Target)
		if r.Target == "/declined" {
			a.Status(500)
			a.Field("A", "\n")
			return false
		}
		return echoPlain(r, a)
	})
	raw := at("/1") + at("/2") + at("/declined") + at("/4") + last
	bubble(t, handler, func(t *testing.T, s *server, p *pipes) {
		got := send(p.dial(), raw)
		var order []string
		for line := range strings.Lines(got) {
			if path, is := strings.CutPrefix(line, "GET /"); is {
				order = append(order, strings.Fields(path)[0])
			}
		}
		if fmt.Sprint(order) != "[1 2 declined 4 last]" || strings.Contains(got, "500") || fmt.Sprint(asked) != "[/1 /2 /declined]" || s.over.Load() != 1 {
			t.Errorf("got answers to %v, the handler asked for %v:\n%s", order, asked, got)
		}
	})
}

// TestDeadlinesEnd leaves a request to net/http shortly before the time is over in which the answer before it was to be taken: net/http
// has its own ideas of time, here none.
func TestDeadlinesEnd(t *testing.T) {
	bubble(t, handlerFunc(echoPlain), func(t *testing.T, s *server, p *pipes) {
		s.http.WriteTimeout = 0
		s.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(10 * time.Second)
			echo(w, r)
		})
		conn := p.dial()
		go func() {
			time.Sleep(29 * time.Second)
			_, _ = io.WriteString(conn, get("TE: x", "Connection: close"))
		}()
		if got := send(conn, get()); count(got) != 2 || s.over.Load() != 1 {
			t.Errorf("got %q, want two answers", got)
		}
	})
}

// TestPanicBehindOthers answers what came before a request whose handler panics, and nothing behind it.
func TestPanicBehindOthers(t *testing.T) {
	handler := handlerFunc(func(r *h1.Request, a *h1.Answer) bool {
		if r.Target == "/panic" {
			var none *h1.Request
			_ = none.Method
		}
		return echoPlain(r, a)
	})
	bubble(t, handler, func(t *testing.T, s *server, p *pipes) {
		got := send(p.dial(), at("/1")+at("/panic")+at("/3"))
		if !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.Contains(got, "HTTP/1.1 500 ") || count(got) != 2 {
			t.Errorf("got %q, want an answer, a 500 and no more", got)
		}
		if log := s.log.String(); !strings.Contains(log, "nil pointer") || !strings.Contains(log, "conn_test.go") {
			t.Errorf("got the log %q, want the fault and where it is", log)
		}
	})
}

// TestRemote tells whose connection it is, an IPv4 address as such also where the listener is one of IPv6.
func TestRemote(t *testing.T) {
	remotes := make(chan netip.AddrPort, 1)
	handler := handlerFunc(func(r *h1.Request, a *h1.Answer) bool {
		remotes <- r.Remote
		return echoPlain(r, a)
	})
	for _, listen := range []string{"127.0.0.1:0", "[::]:0"} {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		s := serve(l, handler)
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, last); err != nil {
			t.Fatal(err)
		}
		if got := <-remotes; got.String() != conn.LocalAddr().String() {
			t.Errorf("%s: got %s, want %s", listen, got, conn.LocalAddr())
		}
		_ = conn.Close()
		if err := s.stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestLongHeads reads heads of every length up to the limit and past it, one behind the other on one connection.
func TestLongHeads(t *testing.T) {
	const limit = 32 << 10
	frame := len(get("X: "))
	for _, size := range []int{4095, 4096, 4097, 8192, 20000, limit - 1, limit} {
		raw := get("X: "+strings.Repeat("x", size-frame)) + get("Y: "+strings.Repeat("y", size-frame)) + last
		bubble(t, handlerFunc(echoPlain), func(t *testing.T, s *server, p *pipes) {
			got := send(p.dial(), raw)
			want := fmt.Sprintf("X: %d", size-frame)
			if count(got) != 3 || !strings.Contains(got, want) || !strings.Contains(got, strings.Replace(want, "X", "Y", 1)) || s.over.Load() != 0 {
				t.Errorf("two heads of %d bytes: got %s, %d gone over", size, got, s.over.Load())
			}
		})
	}
	bubble(t, handlerFunc(echoPlain), func(t *testing.T, s *server, p *pipes) {
		got := send(p.dial(), get()+get("X: "+strings.Repeat("x", limit+1-frame)))
		if count(got) != 2 || !strings.Contains(got, "HTTP/1.1 431 ") || s.over.Load() != 1 {
			t.Errorf("a head too long: got %s", got)
		}
	})
}

// TestManyPipelined sends more at once than is answered in one piece, with as little read meanwhile as can be.
func TestManyPipelined(t *testing.T) {
	const many = 5000
	var raw strings.Builder
	for n := range many {
		raw.WriteString(at(fmt.Sprintf("/%d", n)))
	}
	raw.WriteString(last)
	bubble(t, handlerFunc(echoPlain), func(t *testing.T, _ *server, p *pipes) {
		got := send(p.dial(), raw.String())
		next := 0
		for line := range strings.Lines(got) {
			if path, is := strings.CutPrefix(line, "GET /"); is && next < many {
				if !strings.HasPrefix(path, fmt.Sprint(next)+" ") {
					t.Fatalf("got %q in the place of the answer to %d", line, next)
				}
				next++
			}
		}
		if next != many || count(got) != many+1 {
			t.Errorf("got %d answers, want %d", next, many)
		}
	})
}

// TestDeaf never reads its answers: the connection is freed 30 s after they were to be written.
func TestDeaf(t *testing.T) {
	bubble(t, handlerFunc(echoPlain), func(t *testing.T, _ *server, p *pipes) {
		conn, began := p.dial(), time.Now()
		if _, err := io.WriteString(conn, get()); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "G"); err == nil || time.Since(began) != 30*time.Second { // nobody reads this until the answer is written
			t.Errorf("got %v after %v, want the connection closed after 30s", err, time.Since(began))
		}
	})
}

// TestSlow sends requests that dawdle, the first of a connection and later ones.
func TestSlow(t *testing.T) {
	const second = time.Second
	type part struct {
		text  string
		pause time.Duration // behind it
	}
	for _, tt := range []struct {
		name    string
		parts   []part
		answers int
		ends    time.Duration // when the connection does, from its begin
	}{
		{"nothing", nil, 0, 5 * second},
		{"a first head in time", []part{{"GET /a HTTP/1.1\r\n", 5*second - 1}, {"Host: h\r\n\r\n", 0}}, 1, 5*second - 1 + 120*second},
		{"a first head too late", []part{{"GET /a HTTP/1.1\r\n", 5*second + 1}, {"Host: h\r\n\r\n", 0}}, 0, 5 * second},
		{"a first head that begins late", []part{{"", 4 * second}, {"GET /a HTTP/1.1\r\n", 2 * second}, {"Host: h\r\n\r\n", 0}}, 0, 5 * second},
		{"idle behind an answer", []part{{get(), 0}}, 1, 120 * second},
		{"just before", []part{{get(), 120*second - 1}, {get(), 0}}, 2, 240*second - 1},
		{"just after", []part{{get(), 120*second + 1}, {get(), 0}}, 1, 120 * second},
		{"a later head in time", []part{{get(), 60 * second}, {get()[:20], 5*second - 1}, {get()[20:], 0}}, 2, 65*second - 1 + 120*second},
		{"a later head too late", []part{{get(), 60 * second}, {get()[:20], 5*second + 1}, {get()[20:], 0}}, 1, 65 * second},
		{"a later head at the last moment of idleness", []part{{get(), 120*second - 1}, {get()[:20], 4 * second}, {get()[20:], 0}}, 2, 240*second - 1 + 4*second},
		{"a head behind another in one piece", []part{{get() + get()[:20], 5*second + 1}, {get()[20:], 0}}, 1, 5 * second},
		{"dripping", []part{{"G", second}, {"E", second}, {"T", second}, {" ", second}, {"/", second}, {"a", second}, {" ", second}}, 0, 5 * second},
		{"busy, and then idle", []part{{get(), second}, {get(), second}, {get(), second}, {get(), second}, {get(), second}, {get(), 0}}, 6, 125 * second},
	} {
		bubble(t, handlerFunc(echoPlain), func(t *testing.T, _ *server, p *pipes) {
			conn, began := p.dial(), time.Now()
			go func() {
				for _, part := range tt.parts {
					if _, err := io.WriteString(conn, part.text); err != nil {
						return
					}
					time.Sleep(part.pause)
				}
			}()
			answers, _ := io.ReadAll(conn)
			if got := count(string(answers)); got != tt.answers || time.Since(began) != tt.ends {
				t.Errorf("%s: got %d answers and the end after %v, want %d and %v", tt.name, got, time.Since(began), tt.answers, tt.ends)
			}
			time.Sleep(time.Minute) // for who writes
		})
	}
}

// TestTwoIdentities sends 100,000 requests of two callers, one by one and pipelined, long and short, by connections that are kept, and
// never gets one's answer for the other's.
func TestTwoIdentities(t *testing.T) {
	handler := handlerFunc(func(r *h1.Request, a *h1.Answer) bool {
		a.Status(http.StatusOK)
		a.Field("Remote-User", r.Values("Authorization")[0])
		a.Field("X-Number", r.Target[1:])
		if r.Values("Cookie") != nil {
			a.Body([]byte(r.Values("Authorization")[0]))
		}
		return true
	})
	_, address := loopback(t, handler)
	const connections, each = 20, 5000
	var all sync.WaitGroup
	for c := range connections {
		all.Go(func() {
			if err := converse(address, []string{"alice", "bob"}[c%2], each); err != nil {
				t.Errorf("connection %d: %v", c, err)
			}
		})
	}
	all.Wait()
}

// converse sends requests of one caller by one connection, up to sixteen before it reads, and looks at each answer.
func converse(address, caller string, requests int) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	for n := 0; n < requests; {
		first := n
		var raw strings.Builder
		for range 1 + n%16 {
			fields := []string{fmt.Sprintf("Authorization: %s-%d", caller, n)}
			if n%3 == 0 {
				fields = append(fields, "Cookie: "+strings.Repeat("c", n%5000))
			}
			raw.WriteString(at(fmt.Sprintf("/%d", n), fields...))
			n++
		}
		if _, err := io.WriteString(conn, raw.String()); err != nil {
			return err
		}
		for ; first < n; first++ {
			resp, err := http.ReadResponse(answers, nil)
			if err != nil {
				return fmt.Errorf("reading the answer to %d: %w", first, err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			want, wantBody := fmt.Sprintf("%s-%d", caller, first), ""
			if first%3 == 0 {
				wantBody = want
			}
			if got := resp.Header.Get("Remote-User"); err != nil || got != want || string(body) != wantBody || resp.Header.Get("X-Number") != fmt.Sprint(first) {
				return fmt.Errorf("got the answer of %q with %q, %w to the request of %s", got, body, err, want)
			}
		}
	}
	return nil
}

// TestEmptyLineBehindPost is the one difference to net/http alone, and on the strict side: see the package's comment.
func TestEmptyLineBehindPost(t *testing.T) {
	raw := strings.Replace(get(), "GET", "POST", 1) + "\r\n" + last
	for _, tt := range []struct {
		engine h1.Handler
		want   [2]string
	}{{nil, [2]string{"200", "200"}}, {handlerFunc(echoPlain), [2]string{"200", "400"}}} {
		bubble(t, tt.engine, func(t *testing.T, _ *server, p *pipes) {
			var got [2]string
			for i, answer := range strings.SplitN(send(p.dial(), raw), "HTTP/1.1 ", 3)[1:] {
				got[i] = answer[:3]
			}
			if got != tt.want {
				t.Errorf("with the engine %t: got %v, want %v", tt.engine != nil, got, tt.want)
			}
		})
	}
}

// TestStaysPlain sends each plain request of the table twice by one connection: nothing of the first makes the second odd.
func TestStaysPlain(t *testing.T) {
	for _, tt := range twins() {
		if h1.Read([]byte(tt.plain)).Ending {
			continue
		}
		bubble(t, handlerFunc(echoPlain), func(t *testing.T, s *server, p *pipes) {
			if got := send(p.dial(), tt.plain, tt.plain, last); count(got) != 3 || s.over.Load() != 0 {
				t.Errorf("%s: got %d answers, and %d connections gone over, want 3 and none:\n%s", tt.name, count(got), s.over.Load(), got)
			}
		})
	}
}

// TestOverKeepsNothing has a connection go over with a long head. Once net/http has read that, nothing of it is kept for as long as
// the connection lasts: who opens thousands would hold as many times the longest head.
func TestOverKeepsNothing(t *testing.T) {
	long := at("/", "X: "+strings.Repeat("a", 30_000), "TE: x")
	p := newPipes()
	l := h1.NewListener(p, h1.Config{
		Handler: handlerFunc(echoPlain), Logger: slog.New(slog.DiscardHandler), HeadTimeout: time.Minute, IdleTimeout: time.Minute, WriteTimeout: time.Minute,
	})
	defer func() { _ = l.Close() }()
	client := make(chan net.Conn, 1)
	go func() {
		conn := p.dial()
		client <- conn
		_, _ = io.WriteString(conn, long)
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = (<-client).Close(), conn.Close() }()
	if _, err := io.ReadFull(conn, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if !h1.Keeps(conn) {
		t.Error("with a part of the head read, it keeps nothing of the rest")
	}
	if _, err := io.ReadFull(conn, make([]byte, len(long)-10)); err != nil {
		t.Fatal(err)
	}
	if h1.Keeps(conn) {
		t.Error("with all of the head read, it still keeps that")
	}
}
