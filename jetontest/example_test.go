package jetontest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// reports is an API that greets its callers.
func reports() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /reports/{id}", func(w http.ResponseWriter, r *http.Request) {
		caller, _ := client.PrincipalFromContext(r.Context())
		_, _ = fmt.Fprintf(w, "report %s for %s", r.PathValue("id"), caller.Username)
	})
	return mux
}

// A test of an API that stands behind the middleware, with a Jeton of its own.
func TestReports(t *testing.T) {
	j := jetontest.New(t)
	j.User("alice", "partner")
	j.Service("reports", "api.example.com", "GET /reports/{id} role:partner")
	handler := j.Verifier("reports").Middleware(client.MiddlewareConfig{Host: "api.example.com"})(reports())

	request := httptest.NewRequest(http.MethodGet, "/reports/7", http.NoBody)
	request.Header.Set("Authorization", "Bearer "+j.Token("alice").Reveal())
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)

	body, _ := io.ReadAll(answer.Body)
	if got, want := string(body), "report 7 for alice"; answer.Code != http.StatusOK || got != want {
		t.Errorf("got %d and %q, want %q", answer.Code, got, want)
	}
}

func ExampleNew() {
	var t *testing.T // the test's own

	j := jetontest.New(t)
	j.User("alice", "partner")
	j.Service("reports", "api.example.com", "GET /reports/{id} role:partner reports.read")

	personal := j.Token("alice")
	access := j.AccessToken(j.APIToken("alice", "batch").Token, "reports.read")
	handler := j.Verifier("reports").Middleware(client.MiddlewareConfig{})(reports())

	j.SetState("alice", "blocked") // after which neither is let in
	_, _, _ = personal, access, handler
}
