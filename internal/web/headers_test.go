package web_test

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/web"
)

// standing is what every answer carries.
func standing() http.Header {
	return http.Header{
		"X-Content-Type-Options":       {"nosniff"},
		"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Referrer-Policy":              {"no-referrer"},
	}
}

const csp = "Content-Security-Policy"

// response is a way in which a handler answers.
type response struct {
	name    string
	handler http.HandlerFunc
	status  int
	own     http.Header // what the handler says instead
}

// responses are all the ways there are, errors and panics among them.
func responses(t *testing.T) []response {
	return []response{
		{"nothing said", func(http.ResponseWriter, *http.Request) {}, 200, nil},
		{"a body alone", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }, 200, nil},
		{"a status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, 204, nil},
		{"a flush", func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}, 200, nil},
		{"an error", func(w http.ResponseWriter, r *http.Request) { web.WriteError(w, r, errors.New("disk on fire")) }, 500, nil},
		{"net/http's error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) }, 418, nil},
		{"a panic", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(csp, "script-src *")
			panic("on purpose")
		}, 500, nil},
		{"a cleared header", func(w http.ResponseWriter, _ *http.Request) { clear(w.Header()); w.WriteHeader(http.StatusNotFound) }, 404, nil},
		{"a cleared header, and a body", func(w http.ResponseWriter, _ *http.Request) {
			clear(w.Header())
			_, _ = io.WriteString(w, "hello")
		}, 200, nil},
		{"a header cleared after an early hint", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			clear(w.Header())
			w.WriteHeader(http.StatusNotFound)
		}, 404, nil},
		{"a policy of its own", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(csp, "default-src 'self'")
			w.WriteHeader(http.StatusOK)
		}, 200, http.Header{csp: {"default-src 'self'"}}},
		{"a policy besides", func(w http.ResponseWriter, _ *http.Request) { w.Header().Add(csp, "img-src 'self'") }, 200, http.Header{csp: {standing()[csp][0], "img-src 'self'"}}},
		{"nothing of the one before", func(http.ResponseWriter, *http.Request) {}, 200, nil},
	}
}

// TestHeaders answers in every way over a real connection.
func TestHeaders(t *testing.T) {
	for _, https := range []bool{false, true} {
		var handler http.HandlerFunc
		log := web.Log(slog.New(slog.DiscardHandler), "public", time.Now, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r) }))
		s := httptest.NewServer(web.Headers(https, log))
		defer s.Close()
		for _, tt := range responses(t) {
			handler = tt.handler
			res, err := s.Client().Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			want := standing()
			if https {
				want.Set("Strict-Transport-Security", "max-age=31536000")
			}
			maps.Copy(want, tt.own)
			got := http.Header{}
			for _, name := range []string{
				"X-Content-Type-Options", csp, "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
				"Referrer-Policy", "Strict-Transport-Security",
			} {
				if values := res.Header.Values(name); values != nil {
					got[name] = values
				}
			}
			if diff := cmp.Diff(want, got); res.StatusCode != tt.status || diff != "" {
				t.Errorf("https %t, %s: got %d, want %d; the fields' difference: %s", https, tt.name, res.StatusCode, tt.status, diff)
			}
		}
	}
}

// TestHeadersAndLog finds the request's line and ID under Headers.
func TestHeadersAndLog(t *testing.T) {
	h, log := logging(func(w http.ResponseWriter, _ *http.Request) {
		web.Note(w).Reason = "noted"
		_, _ = io.WriteString(w, web.RequestID(w))
	})
	w := httptest.NewRecorder()
	web.Headers(true, h).ServeHTTP(w, get())
	all := log.read(t)
	if len(all) != 1 || all[0]["reason"] != "noted" || w.Body.Len() != 16 || w.Header().Get("X-Request-Id") != w.Body.String() {
		t.Errorf("got %v and %v %s, want one line with its reason and ID", all, w.Header(), w.Body)
	}
}
