package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// wantError compares an error with a sentinel and a part of its text, and looks for the credential in it.
func wantError(t *testing.T, err, want error, text string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
	if err != nil && (!strings.Contains(err.Error(), text) || strings.Contains(err.Error(), canary)) {
		t.Errorf("got error %q, want %q in it and no credential", err, text)
	}
}

// answering returns a client of a server that always answers so.
func answering(t *testing.T, status int, contentType, body string) *client.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return newClient(t, client.Config{BaseURL: s.URL, Token: canary})
}

// TestErrorsCrossTheWire sends each code of the registry and wants its sentinel, and no other, on this side.
func TestErrorsCrossTheWire(t *testing.T) {
	sentinels := []error{
		client.ErrNotAuthenticated, client.ErrNotAllowed, client.ErrCredentialNotAccepted, client.ErrNotFound, client.ErrConflict,
		client.ErrLastAdministrator, client.ErrStale, client.ErrTooLarge, client.ErrInvalid, client.ErrTooManyRequests,
		client.ErrInternal, client.ErrStorageFull, client.ErrUnavailable, client.ErrUnreachable, client.ErrNotJeton,
	}
	want := map[api.Code][]error{
		api.CodeNotAuthenticated:  {client.ErrNotAuthenticated},
		api.CodeNotAllowed:        {client.ErrNotAllowed},
		api.CodeCredentialTooWeak: {client.ErrNotAllowed, client.ErrCredentialNotAccepted},
		api.CodeNotFound:          {client.ErrNotFound},
		api.CodeConflict:          {client.ErrConflict},
		api.CodeLastAdministrator: {client.ErrConflict, client.ErrLastAdministrator},
		api.CodeStale:             {client.ErrStale},
		api.CodeTooLarge:          {client.ErrTooLarge},
		api.CodeInvalidField:      {client.ErrInvalid},
		api.CodeTooManyRequests:   {client.ErrTooManyRequests},
		api.CodeInternal:          {client.ErrInternal},
		api.CodeUnavailable:       {client.ErrUnavailable},
		api.CodeStorageFull:       {client.ErrStorageFull},
		// Jeton's proxy says these of an API behind it, and /v1 never does.
		api.CodeUpstreamUnreachable: {}, api.CodeUpstreamTimeout: {},
		// Mistakes of the client's own: nothing that a program could decide on.
		api.CodeMalformedRequest: {}, api.CodeMalformedJSON: {}, api.CodeTwoCredentials: {}, api.CodeMethodNotAllowed: {},
		api.CodeNotAcceptable: {}, api.CodeVersionRequired: {}, api.CodeUnsupportedMediaType: {},
	}
	for _, code := range api.Codes() {
		kinds, known := want[code]
		if !known {
			t.Errorf("%s: the test doesn't know the code; add it, and its sentinel if it has one", code)
			continue
		}
		p := api.NewProblem(code, "some detail")
		p.Errors = []api.FieldProblem{{Field: "name", Problem: "is taken"}}
		body, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		_, err = answering(t, p.Status, "application/problem+json", string(body)).Me(t.Context())
		got, ok := errors.AsType[*api.Problem](err)
		if !ok || got.Code != code || got.Fix != p.Fix || len(got.Errors) != 1 {
			t.Errorf("%s: got problem %+v, want %+v", code, got, p)
		}
		if e, ok := errors.AsType[*client.Error](err); !ok || e.RetryAfter != 7*time.Second {
			t.Errorf("%s: got error %+v, want to retry after 7 s", code, e)
		}
		for _, s := range sentinels {
			if is := errors.Is(err, s); is != slices.Contains(kinds, s) {
				t.Errorf("%s: got errors.Is(%v) %v", code, s, is)
			}
		}
	}
}

// TestAnswersThatArentJetons has, beside each, what makes it one.
func TestAnswersThatArentJetons(t *testing.T) {
	problem := `{"type":"about:blank","title":"New","status":404,"code":"a_newer_code"}`
	tests := []struct {
		status            int
		contentType, body string
		want              error
		text              string
	}{
		{200, "application/json", `{"user":{"username":"alice"},"new":1}`, nil, ""},
		{200, "text/html", `{"user":{"username":"alice"}}`, client.ErrNotJeton, `status 200, content type "text/html"`},
		{200, "application/json", `{"user":{"username":"alice"}} {}`, client.ErrNotJeton, ""},
		{200, "application/json", `{"user":`, client.ErrNotJeton, ""},
		{204, "application/json", ``, client.ErrNotJeton, ""},
		{200, "application/json", `{"user":{"username":"` + strings.Repeat("a", 16<<20) + `"}}`, client.ErrNotJeton, "longer than"},
		{418, "application/problem+json", problem, nil, "a_newer_code"},
		{409, "application/problem+json", problem, client.ErrConflict, "a_newer_code"}, // HTTP's status counts
		{404, "application/problem+json", problem, client.ErrNotFound, "a_newer_code"},
		{404, "application/problem+json", `{"title":"another's problem"}`, client.ErrNotJeton, "status 404"},
		{404, "text/html", `<h1>not found</h1>`, client.ErrNotJeton, "status 404"},
		{401, "text/html", `<h1>log in</h1>`, client.ErrNotJeton, "status 401"},
		{502, "text/html", ``, client.ErrUnavailable, "status 502"},
		{503, "text/html", ``, client.ErrUnavailable, "status 503"},
		{504, "text/html", ``, client.ErrUnavailable, "status 504"},
		{429, "text/html", ``, client.ErrTooManyRequests, "status 429"},
	}
	for _, tt := range tests {
		_, err := answering(t, tt.status, tt.contentType, tt.body).Me(t.Context())
		if tt.want == nil && tt.status == 200 {
			if err != nil {
				t.Errorf("%+v: got error %v", tt, err)
			}
			continue
		}
		if tt.want != nil {
			wantError(t, err, tt.want, tt.text)
		} else if e, ok := errors.AsType[*client.Error](err); !ok || e.Problem.Status != tt.status {
			t.Errorf("%+v: got error %v, want the problem as it is", tt, err)
		}
		if errors.Is(err, client.ErrNotFound) && tt.contentType == "text/html" {
			t.Errorf("%+v: somebody else's 404 was taken for Jeton's", tt)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := newClient(t, client.Config{BaseURL: s.URL, Token: canary}).Me(t.Context())
	wantError(t, err, client.ErrUnreachable, "asking who I am: no answer: dial tcp")

	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{`)
	}))
	defer cut.Close()
	_, err = newClient(t, client.Config{BaseURL: cut.URL, Token: canary}).Me(t.Context())
	wantError(t, err, client.ErrUnreachable, "unexpected EOF")
}

// TestContext shows that a caller can give up, and that this is not taken for a fault of Jeton's.
func TestContext(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}))
	defer s.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, err := newClient(t, client.Config{BaseURL: s.URL, Token: canary}).Me(ctx)
	wantError(t, err, context.Canceled, "asking who I am")
	if errors.Is(err, client.ErrUnreachable) {
		t.Errorf("got %v, want no ErrUnreachable", err)
	}
}

// TestNamesThatLeadElsewhere shows that a name can't turn a request into one for another resource.
func TestNamesThatLeadElsewhere(t *testing.T) {
	for _, name := range []string{"", ".", ".."} {
		c := strict(t) // expects no request at all
		wantError(t, c.DeleteUser(t.Context(), name), client.ErrNotFound, "deleting a user")
		_, _, err := c.Operations(t.Context(), name)
		wantError(t, err, client.ErrNotFound, "reading operations")
	}
}

// TestPasswordsThatJSONCantCarry has, beside each call, its twin in UTF-8 in TestCalls.
func TestPasswordsThatJSONCantCarry(t *testing.T) {
	const bytes = canary + "\xff"
	c := strict(t) // expects no request at all
	wantError(t, c.ChangePassword(t.Context(), canary, bytes), client.ErrInvalid, "new is not UTF-8")
	_, err := c.CreateUser(t.Context(), api.NewUser{Username: "alice", Password: bytes})
	wantError(t, err, client.ErrInvalid, "password is not UTF-8")
	_, err = c.UpdateUser(t.Context(), "alice", client.AnyVersion, api.UserPatch{Password: api.Some(bytes)})
	wantError(t, err, client.ErrInvalid, "password is not UTF-8")
}
