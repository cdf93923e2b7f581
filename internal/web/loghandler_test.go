package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/web"
)

// gatherer keeps what it is handed, and by which way.
type gatherer struct {
	bytes.Buffer
	gathered int // of the lines
	urgent   bool
	at       time.Time
}

func (g *gatherer) Gather(line []byte, at time.Time, urgent bool) {
	g.Write(line)
	g.gathered++
	g.at, g.urgent = at, urgent
}

// compareLines writes a line by hand, where that can be, and by slog, in both formats, and reports whether all went by hand.
func compareLines(t *testing.T, l *web.Line, e web.Entry) (byHand bool) {
	t.Helper()
	byHand = true
	for _, text := range []bool{false, true} {
		var want bytes.Buffer
		var by slog.Handler = slog.NewJSONHandler(&want, nil)
		if text {
			by = slog.NewTextHandler(&want, nil)
		}
		l.Write(t.Context(), slog.New(by), e)
		got := new(gatherer)
		l.Write(t.Context(), slog.New(web.NewLogHandler(got, slog.LevelInfo, text)), e)
		if got.String() != want.String() {
			t.Errorf("got the line\n%s\nwant slog's\n%s", got, &want)
		}
		byHand = byHand && got.gathered == 1
		if got.gathered == 1 && (got.urgent != (l.Err != nil) || !got.at.Equal(e.Ended)) {
			t.Errorf("got urgent %t at %s, want %t at %s", got.urgent, got.at, l.Err != nil, e.Ended)
		}
	}
	return byHand
}

// ordinary is a line as the gateway writes it.
func ordinary() (web.Line, web.Entry) {
	ended := time.Date(2026, 11, 21, 12, 0, 0, 120_304_000, time.UTC)
	l := web.Line{
		Client: netip.MustParseAddr("198.51.100.7"), Method: "GET", Host: "api.example.com:443", Path: "/reports/a%20b", Kind: "personal_token",
		Credential: uuid.MustParse("0190a0c0-5555-7abc-8def-00000000000b"), User: uuid.MustParse("0190a0c0-5555-7abc-8def-00000000000a"), Service: "reports",
	}
	return l, web.Entry{Listener: "gateway", ID: web.NewRequestID(), Status: 200, Began: ended.Add(-7 * time.Microsecond), Ended: ended}
}

// TestLineAsBySlog has, for each change of an ordinary line, whether it is still written by hand.
func TestLineAsBySlog(t *testing.T) {
	const signed = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"
	for _, tc := range []struct {
		name   string
		change func(l *web.Line, e *web.Entry)
		byHand bool
	}{
		{"ordinary", func(*web.Line, *web.Entry) {}, true},
		{"refused", func(l *web.Line, e *web.Entry) {
			e.Status, l.Reason, l.User, l.Credential = 401, "bad_checksum", uuid.Nil, uuid.Nil
		}, true},
		{"all members", func(l *web.Line, _ *web.Entry) { l.App, l.Reason, l.Err = "MyApp", "unavailable", errors.New("closed") }, true},
		{"IPv6", func(l *web.Line, _ *web.Entry) { l.Client = netip.MustParseAddr("2001:db8::1") }, true},
		{"a secret in the path", func(l *web.Line, _ *web.Entry) { l.Path = "/reports/" + signed }, true},
		{"a long path", func(l *web.Line, _ *web.Entry) { l.Path = strings.Repeat("/reports", 500) }, true},
		{"a fault in words", func(l *web.Line, _ *web.Entry) { l.Err = errors.New("disk on fire\n\"quoted\"") }, false},
		{"no address", func(l *web.Line, _ *web.Entry) { l.Client = netip.Addr{} }, false},
		{"a zone", func(l *web.Line, _ *web.Entry) { l.Client = netip.MustParseAddr(`fe80::1%"`) }, false},
		{"no host", func(l *web.Line, _ *web.Entry) { l.Host = "" }, false},
		{"a space", func(l *web.Line, _ *web.Entry) { l.Path = "/a b" }, false},
		{"a line break", func(l *web.Line, _ *web.Entry) { l.Path = "/a\nlevel=ERROR" }, false},
		{"an end of string", func(l *web.Line, _ *web.Entry) { l.Path = `/a","status":500,"x":"` }, false},
		{"a backslash", func(l *web.Line, _ *web.Entry) { l.Path = `/a\` }, false},
		{"an equals sign", func(l *web.Line, _ *web.Entry) { l.Path = "/a=b" }, false},
		{"DEL", func(l *web.Line, _ *web.Entry) { l.Host = "a\x7f" }, false},
		{"beyond ASCII", func(l *web.Line, _ *web.Entry) { l.Service = "é" }, false},
		{"no UTF-8", func(l *web.Line, _ *web.Entry) { l.App = "\xff" }, false},
		{"what a terminal obeys", func(l *web.Line, _ *web.Entry) { l.Method = "\u009b2J\u202e" }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, e := ordinary()
			tc.change(&l, &e)
			if got := compareLines(t, &l, e); got != tc.byHand {
				t.Errorf("got by hand %t, want %t", got, tc.byHand)
			}
		})
	}
}

// TestTimesAsBySlog compares lines at times of all lengths and places, one after the other by one handler.
func TestTimesAsBySlog(t *testing.T) {
	l, e := ordinary()
	noon := time.Date(2026, 10, 25, 0, 59, 59, 0, time.UTC)
	summer := time.FixedZone("summer", 2*60*60)
	for _, at := range []time.Time{
		noon, noon.Add(1), noon.Add(100 * time.Millisecond), noon.Add(999_999_999), noon.Add(1_000_000), noon.Add(999_999),
		noon.In(summer), noon.In(time.FixedZone("odd", -(5*60*60 + 45*60 + 30))), noon.Add(time.Second), noon.Local(),
		time.Unix(0, 0), time.Unix(0, 0).UTC(), time.Unix(-1, 5).UTC(), time.Date(9, 1, 1, 1, 1, 1, 1, time.UTC),
		time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Now(),
		{},
	} {
		for _, took := range []time.Duration{0, 1, 1500, 7 * time.Microsecond, 1500 * time.Millisecond, time.Hour, -time.Second} {
			e.Began, e.Ended = at.Add(-took), at
			compareLines(t, &l, e)
		}
	}
}

// TestLevels has each line be written where the level lets it, by a handler of each format, and the others by slog's own.
func TestLevels(t *testing.T) {
	l, e := ordinary()
	for _, text := range []bool{false, true} {
		to, level := new(gatherer), new(slog.LevelVar)
		logger := slog.New(web.NewLogHandler(to, level, text))
		level.Set(slog.LevelWarn)
		l.Write(t.Context(), logger, e)
		logger.Info("nothing")
		if to.Len() != 0 {
			t.Errorf("got %q, want nothing below the level", to)
		}
		faulty := l
		faulty.Err = errors.New("closed")
		faulty.Write(t.Context(), logger, e)
		if to.gathered != 1 {
			t.Errorf("got %d lines, want the one of level ERROR", to.gathered)
		}
		level.Set(slog.LevelDebug)
		l.Write(t.Context(), logger, e)
		l.Write(t.Context(), logger.With("node", "a"), e) // which only slog knows how to write
		logger.Debug("a line", "with", "words")
		if got := strings.Count(to.String(), "\n"); to.gathered != 2 || got != 4 || !strings.Contains(to.String(), "node") {
			t.Errorf("got %d of %d lines by hand, want 2 of 4:\n%s", to.gathered, got, to)
		}
	}
}

func FuzzLineAsBySlog(f *testing.F) {
	f.Add("GET", "api.example.com", "/reports/7", "reports", "closed", "MyApp", 200, int64(1500), int64(1_795_262_400_000_000_000))
	f.Add("G\x00", "é", "/a\"b\\", "\u2028", "a=b", "XST=", -1, int64(-1), int64(0))
	f.Fuzz(func(t *testing.T, method, host, path, service, fault, app string, status int, took, at int64) {
		l, e := ordinary()
		l.Method, l.Host, l.Path, l.Service, l.App = method, host, path, service, app
		if fault != "" {
			l.Err = errors.New(fault)
		}
		e.Status, e.Ended = status, time.Unix(0, at)
		e.Began = e.Ended.Add(-time.Duration(took))
		compareLines(t, &l, e)
	})
}

// BenchmarkLine writes the ordinary line by hand and by slog.
func BenchmarkLine(b *testing.B) {
	l, e := ordinary()
	for name, h := range map[string]slog.Handler{
		"by hand":          web.NewLogHandler(nowhere{}, slog.LevelInfo, false),
		"by hand, as text": web.NewLogHandler(nowhere{}, slog.LevelInfo, true),
		"by slog":          slog.NewJSONHandler(nowhere{}, nil),
	} {
		b.Run(name, func(b *testing.B) {
			logger := slog.New(h)
			b.ReportAllocs()
			for b.Loop() {
				e.Ended = e.Ended.Add(time.Microsecond)
				l.Write(context.Background(), logger, e)
			}
		})
	}
}

// nowhere takes lines as a file would: slog knows io.Discard, and would not write them.
type nowhere struct{ io.Writer }

func (nowhere) Write(b []byte) (int, error)          { return len(b), nil }
func (nowhere) Gather(_ []byte, _ time.Time, _ bool) {}
