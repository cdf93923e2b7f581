package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/web"
)

// errCanary stands in every cause; no caller may see it.
var errCanary = errors.New("jtpCANARY: constraint failed at 10.0.0.1")

func TestProblemOf(t *testing.T) {
	field := &authority.FieldError{Field: "username", Problem: "is empty", Fix: "Give a name."}
	tests := []struct {
		name string
		err  error
		want api.Code
	}{
		{"a problem", fmt.Errorf("doing: %w", api.NewProblem(api.CodeVersionRequired, "")), api.CodeVersionRequired},
		{"not found", fmt.Errorf("%w: %w", errCanary, authority.ErrNotFound), api.CodeNotFound},
		{"conflict", fmt.Errorf("%w: %w", errCanary, authority.ErrConflict), api.CodeConflict},
		{"last administrator", fmt.Errorf("%w: %w", errCanary, authority.ErrLastAdmin), api.CodeLastAdministrator},
		{"stale", fmt.Errorf("%w: %w", errCanary, authority.ErrStale), api.CodeStale},
		{"busy", fmt.Errorf("%w: %w", errCanary, authority.ErrBusy), api.CodeUnavailable},
		{"no database", fmt.Errorf("%w: %w", errCanary, authority.ErrUnavailable), api.CodeUnavailable},
		{"a closed database", fmt.Errorf("%w: %w", errCanary, feed.ErrClosed), api.CodeUnavailable},
		{"out of time", fmt.Errorf("%w: %w", errCanary, context.DeadlineExceeded), api.CodeUnavailable},
		{"given up", fmt.Errorf("%w: %w", errCanary, context.Canceled), api.CodeUnavailable},
		{"disk full", fmt.Errorf("%w: %w", errCanary, authority.ErrStorageFull), api.CodeStorageFull},
		{"body too large", fmt.Errorf("%w: %w", errCanary, &http.MaxBytesError{Limit: 7}), api.CodeTooLarge},
		{"unknown", errCanary, api.CodeInternal},
		{"a field", fmt.Errorf("%w: %w", errCanary, field), api.CodeInvalidField},
		{"a field that conflicts", fmt.Errorf("%w: %w", authority.ErrConflict, field), api.CodeConflict},
		{"no credential", &authority.Refusal{Reason: authority.ReasonNoCredential}, api.CodeNotAuthenticated},
		{"not in the audience", &authority.Refusal{Reason: authority.ReasonNotInAudience}, api.CodeNotAllowed},
		{"two credentials", &authority.Refusal{Reason: authority.ReasonTwoCredentials}, api.CodeTwoCredentials},
		{"too long", &authority.Refusal{Reason: authority.ReasonTooLong}, api.CodeMalformedRequest},
		{"no room for a password", &authority.Refusal{Reason: authority.ReasonBusy, Cause: errCanary}, api.CodeUnavailable},
		{"database down", &authority.Refusal{Reason: authority.ReasonUnavailable, Cause: fmt.Errorf("%w: %w", errCanary, authority.ErrNotFound)}, api.CodeUnavailable},
	}
	for _, tt := range tests {
		p := web.ProblemOf(tt.err)
		if p.Code != tt.want || p.Status != api.Lookup(tt.want).Status {
			t.Errorf("%s: got %s %d, want %s", tt.name, p.Code, p.Status, tt.want)
		}
		if b, err := json.Marshal(p); err != nil || strings.Contains(string(b), "CANARY") {
			t.Errorf("%s: got %s, %v, want nothing of the cause", tt.name, b, err)
		}
		isField := strings.HasPrefix(tt.name, "a field")
		if want := []api.FieldProblem{{Field: "username", Problem: "is empty", Fix: "Give a name."}}; isField != cmp.Equal(p.Errors, want) {
			t.Errorf("%s: got fields %v, want %v: %t", tt.name, p.Errors, want, isField)
		}
	}
}

// TestUniform401 holds all that is wrong with a credential to one answer.
func TestUniform401(t *testing.T) {
	answer := func(ref *authority.Refusal) (int, http.Header, string) {
		w := httptest.NewRecorder()
		web.WriteError(w, get(), ref)
		return w.Code, w.Header(), w.Body.String()
	}
	status, header, body := answer(&authority.Refusal{Reason: authority.ReasonUnknown})
	if status != 401 {
		t.Fatalf("got %d, want 401", status)
	}
	want := http.Header{
		"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}, "X-Content-Type-Options": {"nosniff"},
		"Www-Authenticate": {`Bearer realm="jeton", Basic realm="jeton", charset="UTF-8"`},
	}
	if !cmp.Equal(header, want) {
		t.Errorf("got headers %v, want %v", header, want)
	}
	for _, reason := range authority.Reasons() {
		if reason.Outcome() != authority.OutcomeUnauthenticated || reason == authority.ReasonExchangeFirst {
			continue
		}
		ref := &authority.Refusal{Reason: reason, ID: uuid.New(), UserID: uuid.New(), Cause: errCanary}
		if s, h, b := answer(ref); s != status || !cmp.Equal(h, header) || b != body {
			t.Errorf("%s: got %d %v %s, want it like every other", reason, s, h, b)
		}
	}
	if s, _, b := answer(&authority.Refusal{Reason: authority.ReasonNotInAudience}); s == status || b == body {
		t.Errorf("got %d %s for a known caller, want another answer", s, b)
	}
}

// TestSetChallenge: two reasons have a challenge of their own, which the answer to a problem leaves; all others have that of
// their status.
func TestSetChallenge(t *testing.T) {
	own := map[authority.Reason]string{
		authority.ReasonExchangeFirst:     `Bearer realm="jeton", error="invalid_token", error_description="exchange it first", Basic realm="jeton", charset="UTF-8"`,
		authority.ReasonInsufficientScope: `Bearer realm="jeton", error="insufficient_scope"`,
	}
	for _, reason := range authority.Reasons() {
		ref := &authority.Refusal{Reason: reason}
		usual, w := httptest.NewRecorder(), httptest.NewRecorder()
		web.WriteError(usual, get(), ref)
		web.SetChallenge(w.Header(), reason)
		web.WriteProblem(w, get(), web.ProblemOf(ref))
		want := usual.Header().Values("Www-Authenticate")
		if challenge, ok := own[reason]; ok {
			want = []string{challenge}
		}
		if got := w.Header().Values("Www-Authenticate"); !cmp.Equal(got, want) || w.Code != usual.Code {
			t.Errorf("%s: got %d and challenges %q, want %d and %q", reason, w.Code, got, usual.Code, want)
		}
	}
}

// TestToldReasons: what the bearer of a good token may know, it is told.
func TestToldReasons(t *testing.T) {
	for reason, want := range map[authority.Reason]string{
		authority.ReasonExchangeFirst:      "An API token calls no service by itself. Exchange it first, and send the access token that it gets.",
		authority.ReasonInsufficientScope:  "The token is narrowed to other operations. Use a token that has the operation's scope.",
		authority.ReasonRateLimited:        "The token is used more often than it may be. Wait as long as Retry-After says.",
		authority.ReasonServiceRateLimited: "The service is called more often than it may be. Wait as long as Retry-After says.",
		authority.ReasonThrottled:          "Too many wrong passwords were tried. Tokens go on working. Wait as long as Retry-After says.",
	} {
		p := web.ProblemOf(&authority.Refusal{Reason: reason})
		if got := p.Detail + " " + p.Fix; got != want {
			t.Errorf("%s: got %q, want %q", reason, got, want)
		}
	}
}

func TestProblemHeaders(t *testing.T) {
	for _, code := range api.Codes() {
		w := httptest.NewRecorder()
		web.WriteError(w, get(), api.NewProblem(code, ""))
		status := api.Lookup(code).Status
		h := w.Header()
		if w.Code != status || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d, %v, want %d, no-store and nosniff", code, w.Code, h, status)
		}
		if got, want := h.Get("WWW-Authenticate") != "", status == 401; got != want {
			t.Errorf("%s: got a challenge %t, want %t", code, got, want)
		}
		if got, want := h.Get("Retry-After") == "1", status == 429 || status == 503; got != want {
			t.Errorf("%s: got Retry-After %t, want %t", code, got, want)
		}
		var p api.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code != code || p.Status != status || p.Title == "" || p.Fix == "" {
			t.Errorf("%s: got %s, %v, want title and fix", code, w.Body, err)
		}
	}
}

func TestNegotiation(t *testing.T) {
	tests := []struct {
		accept string
		want   string
	}{
		{"", "application/problem+json"},
		{"*/*", "application/problem+json"},
		{"application/json", "application/problem+json"},
		{"text/html", "application/problem+json"},
		{"text/plain", "text/plain; charset=utf-8"},
		{"text/plain, */*;q=0.1", "text/plain; charset=utf-8"},
		{"text/plain, application/json", "application/problem+json"},
		{"application/problem+json, text/plain", "application/problem+json"},
	}
	for _, tt := range tests {
		w, r := httptest.NewRecorder(), get()
		if tt.accept != "" {
			r.Header.Set("Accept", tt.accept)
		}
		web.WriteError(w, r, authority.ErrNotFound)
		if got := w.Header().Get("Content-Type"); got != tt.want || w.Code != 404 {
			t.Errorf("Accept %q: got %d %s, want 404 %s", tt.accept, w.Code, got, tt.want)
		}
		plain := "There is no such resource. Check the name or ID.\n"
		if got := w.Body.String(); (got == plain) != strings.HasPrefix(tt.want, "text/plain") {
			t.Errorf("Accept %q: got %q", tt.accept, got)
		}
	}
}

// TestSharedProblem answers two requests with one problem: each bears its own ID.
func TestSharedProblem(t *testing.T) {
	shared := api.NewProblem(api.CodeNotFound, "")
	handler, _ := logging(func(w http.ResponseWriter, r *http.Request) { web.WriteError(w, r, shared) })
	ids := map[string]bool{}
	for range 2 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, get())
		var p api.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Instance == "" || p.Instance != w.Header().Get("X-Request-Id") {
			t.Errorf("got %s, %v, want the request's ID, %s", w.Body, err, w.Header().Get("X-Request-Id"))
		}
		ids[p.Instance] = true
	}
	if len(ids) != 2 || shared.Instance != "" {
		t.Errorf("got IDs %v, %q left behind, want two and nothing left", ids, shared.Instance)
	}
}
