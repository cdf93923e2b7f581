package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
)

// lines is a log that any number of requests write to.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// read returns the lines written so far, each of which must be one JSON object, and empties the log.
func (l *lines) read(t *testing.T) (all []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Errorf("got line %q: %v", line, err)
		}
		all = append(all, m)
	}
	l.b.Reset()
	return all
}

// logging returns a handler under Log whose clock moves by a millisecond with each look.
func logging(handler http.HandlerFunc) (http.Handler, *lines) {
	log := new(lines)
	var mu sync.Mutex
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Millisecond)
		return at
	}
	return web.Log(slog.New(web.NewLogHandler(log, slog.LevelInfo, false)), "public", now, handler), log
}

func get() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) }

// serve sends one request through a handler under Log and returns the answer and its only line, without what each has.
func serve(t *testing.T, r *http.Request, handler http.HandlerFunc) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	h, log := logging(handler)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	all := log.read(t)
	if len(all) != 1 {
		t.Fatalf("got %d lines, want 1: %v", len(all), all)
	}
	line := all[0]
	if id := w.Header().Get("X-Request-Id"); len(id) != 16 || line["request_id"] != id {
		t.Errorf("got request ID %q, %v in the log, want 16 characters in both", id, line["request_id"])
	}
	if line["took"] != float64(time.Millisecond) || line["msg"] != "request" || line["listener"] != "public" {
		t.Errorf("got %v, want a request of 1 ms on public", line)
	}
	for _, key := range []string{"time", "msg", "request_id", "listener", "took"} {
		delete(line, key)
	}
	return w, line
}

func TestLog(t *testing.T) {
	request := func() *http.Request {
		r := httptest.NewRequest(http.MethodPost, "http://api.example.com/a%20b?token=jtpCANARY", nil)
		r.RemoteAddr = "192.0.2.1:99"
		r.Header.Set("Authorization", "Bearer jtpCANARY")
		r.Header.Set("X-Request-Id", "forged")
		return r
	}
	base := func(status int, changes map[string]any) map[string]any {
		m := map[string]any{"level": "INFO", "method": "POST", "host": "api.example.com", "path": "/a%20b", "client": "192.0.2.1"}
		m["status"] = float64(status)
		maps.Copy(m, changes)
		return m
	}
	user, token := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    map[string]any
	}{
		{"nothing said", func(http.ResponseWriter, *http.Request) {}, base(200, nil)},
		{"a body alone", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }, base(200, nil)},
		{"a status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, base(204, nil)},
		{"the first of two", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			w.WriteHeader(http.StatusOK)
		}, base(404, nil)},
		{"the one after an early hint", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNotFound)
		}, base(404, nil)},
		{"all there is to say", func(w http.ResponseWriter, _ *http.Request) {
			*web.Note(w) = web.Line{
				Client: netip.MustParseAddr("198.51.100.7"), Method: "GET", Host: "other", Path: "/x", Kind: "personal_token",
				Credential: token, User: user, Service: "reports", App: "a\u202eb", Reason: "blocked",
			}
			w.WriteHeader(http.StatusUnauthorized)
		}, map[string]any{
			"level": "INFO", "status": 401.0, "method": "GET", "host": "other", "path": "/x", "client": "198.51.100.7",
			"kind": "personal_token", "service": "reports", "application": `a\u202eb`, "reason": "blocked", "user_id": user.String(), "credential_id": token.String(),
		}},
		{"an application's caller", func(w http.ResponseWriter, _ *http.Request) {
			web.Note(w).Caller(&authority.Principal{CredentialKind: authority.Sealed, CredentialID: token, Limits: &authority.Limits{Application: "MyApp"}})
		}, base(200, map[string]any{"kind": "sealed", "application": "MyApp", "credential_id": token.String()})},
		{"a credential whose user isn't known", func(w http.ResponseWriter, _ *http.Request) {
			web.Note(w).Refused(&authority.Refusal{Reason: authority.ReasonExpired, ID: token})
			w.WriteHeader(http.StatusUnauthorized)
		}, base(401, map[string]any{"reason": "expired", "credential_id": token.String()})},
		{"a fault", func(w http.ResponseWriter, r *http.Request) { web.WriteError(w, r, errors.New("disk on fire")) }, base(500, map[string]any{"level": "ERROR", "error": "disk on fire"})},
		{"no fault", func(w http.ResponseWriter, r *http.Request) { web.WriteError(w, r, &http.MaxBytesError{}) }, base(413, map[string]any{"reason": "body_too_large"})},
		{"a refusal with a reason", func(w http.ResponseWriter, r *http.Request) {
			web.Note(w).Refused(&authority.Refusal{Reason: authority.ReasonBlocked})
			web.WriteProblem(w, r, api.NewProblem(api.CodeNotAuthenticated, ""))
		}, base(401, map[string]any{"reason": "blocked"})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, line := serve(t, request(), tt.handler)
			if !cmp.Equal(line, tt.want) {
				t.Errorf("got the line's difference: %s", cmp.Diff(tt.want, line))
			}
			if w.Header().Get("X-Request-Id") == "forged" || strings.Contains(fmt.Sprint(line), "CANARY") {
				t.Errorf("got %v %v, want nothing of the caller's", w.Header(), line)
			}
		})
	}
}

// TestOneLine puts what moves a terminal's cursor wherever a caller can.
func TestOneLine(t *testing.T) {
	const evil = "a\r\nb\x1b[2J\x00\u2028\u009bc\xff"
	r := get()
	r.Method, r.Host, r.URL.Path = evil, evil, "/"+evil
	h, log := logging(func(w http.ResponseWriter, _ *http.Request) {
		web.Note(w).Service, web.Note(w).Err = evil, errors.New(evil)
	})
	h.ServeHTTP(httptest.NewRecorder(), r)
	text := log.String()
	if strings.Count(text, "\n") != 1 || strings.ContainsAny(text, "\r\x1b\x00\u2028\u009b") {
		t.Errorf("got %q, want one line without control characters", text)
	}
	if all := log.read(t); len(all) != 1 || all[0]["path"] != "/a%0D%0Ab%1B%5B2J%00%E2%80%A8%C2%9Bc%FF" {
		t.Errorf("got %v, want the path as it was sent", all)
	}
}

// TestPanic has a handler panic with a secret, after it set a cookie.
func TestPanic(t *testing.T) {
	type fault struct{ Text secret.Text }
	for name, value := range map[string]any{
		"a text": "CANARY is in the log alone", "an error": errors.New("CANARY"), "a secret": secret.Text("CANARY"),
		"a struct with one": fault{"CANARY"}, "what can't be compared": []byte("x"),
	} {
		t.Run(name, func(t *testing.T) {
			w, line := serve(t, get(), func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Set-Cookie", "session=CANARY")
				w.Header().Set("Content-Length", "5")
				panic(value)
			})
			text := fmt.Sprint(w.Header()) + w.Body.String()
			if w.Code != 500 || strings.Contains(text, "CANARY") || strings.Contains(text, ".go") || strings.Contains(text, "goroutine") {
				t.Errorf("got %d %s, want a 500 that tells nothing", w.Code, text)
			}
			if want := w.Header().Get("X-Request-Id"); !strings.Contains(w.Body.String(), `"instance":"`+want+`"`) || w.Header().Get("Content-Length") != "" {
				t.Errorf("got %v %s, want the request's ID and no length", w.Header(), w.Body)
			}
			logged := fmt.Sprint(line["error"])
			if line["status"] != 500.0 || line["level"] != "ERROR" || !strings.Contains(logged, "log_test.go") {
				t.Errorf("got %v, want an error with the place where it happened", line)
			}
			if hidden := strings.Contains(name, "secret") || strings.Contains(name, "struct"); hidden && strings.Contains(logged, "CANARY") {
				t.Errorf("got %s, want the secret redacted", logged)
			}
		})
	}
}

// TestPanicMidway panics when part of the answer has gone out: the caller must not take it for whole. So does a handler
// that cuts off by itself, without a fault in the log.
func TestPanicMidway(t *testing.T) {
	for name, value := range map[string]any{"a fault": errors.New("disk on fire"), "http.ErrAbortHandler": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			fail := make(chan bool, 1)
			h, log := logging(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "the first half")
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
				if <-fail {
					panic(value)
				}
			})
			s := httptest.NewServer(h)
			defer s.Close()
			for _, failing := range []bool{true, false} {
				fail <- failing
				resp, err := s.Client().Get(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(body) != "the first half" || (err != nil) != failing {
					t.Errorf("failing %t: got %q, %v, want an answer cut off only then", failing, body, err)
				}
			}
			s.Close()
			all := log.read(t)
			if len(all) != 2 || all[0]["status"] != 200.0 {
				t.Fatalf("got %v, want a line for each request", all)
			}
			if _, faulty := all[0]["error"]; faulty != (value != any(http.ErrAbortHandler)) {
				t.Errorf("got %v, want an error in the log for a fault alone", all[0])
			}
		})
	}
}

func TestAbortBeforeAnswer(t *testing.T) {
	h, log := logging(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // a panic's value
			t.Errorf("got %v, want http.ErrAbortHandler to pass", got)
		}
		if all := log.read(t); len(all) != 1 || all[0]["status"] != 0.0 || all[0]["level"] != "INFO" {
			t.Errorf("got %v, want one line with no status", all)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), get())
}

// TestNoMixUp serves many requests at once with pooled recorders: each line tells of its own.
func TestNoMixUp(t *testing.T) {
	const workers, each = 8, 300
	h, log := logging(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.MustParse(r.Header.Get("User"))
		web.Note(w).User, web.Note(w).Credential = id, id
		_, _ = io.WriteString(w, web.RequestID(w))
	})
	answered := make([]map[string]string, workers)
	var calling sync.WaitGroup
	for i := range workers {
		answered[i] = map[string]string{}
		calling.Go(func() {
			for range each {
				r, w, user := get(), httptest.NewRecorder(), uuid.New().String()
				r.Header.Set("User", user)
				h.ServeHTTP(w, r)
				answered[i][user] = w.Body.String()
			}
		})
	}
	calling.Wait()
	want := map[string]string{}
	for _, m := range answered {
		for user, id := range m {
			want[user] = id
		}
	}
	all := log.read(t)
	for _, line := range all {
		if user, _ := line["user_id"].(string); want[user] != line["request_id"] || line["credential_id"] != user {
			t.Errorf("got line %v, want request %s", line, want[user])
		}
	}
	if len(all) != workers*each {
		t.Errorf("got %d lines, want %d", len(all), workers*each)
	}
}

// TestOutsideLog calls what handlers call, where nobody keeps a log.
func TestOutsideLog(t *testing.T) {
	w := httptest.NewRecorder()
	web.Note(w).Reason = "nobody reads it"
	if id := web.RequestID(w); id != "" {
		t.Errorf("got request ID %q, want none", id)
	}
	web.WriteError(w, get(), errCanary)
	if w.Code != 500 || strings.Contains(w.Body.String(), "CANARY") {
		t.Errorf("got %d %s, want a 500 that tells nothing", w.Code, w.Body)
	}
}
