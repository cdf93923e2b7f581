package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/client"
)

// signedToken is the API token of these tests: three segments, none of which may be seen but on the wire.
const signedToken = "eyJhbGciOiJSUzI1NiJ9CANARY.eyJzdWIiOiIxIn0CANARY0123456789abcdef.c2lnbmF0dXJlCANARY0123456789abcdef"

// reply is one answer of a desk.
type reply struct {
	status int
	header map[string]string
	body   string
	hold   chan struct{} // where it isn't nil: answered when closed
}

// desk is a token endpoint. It fails the test over a request that isn't the exchange of signedToken, and answers with the
// replies that it was given, and after those with a new token of five minutes each time.
type desk struct {
	t    *testing.T
	want url.Values // beside the exchange itself

	mu      sync.Mutex
	asked   []time.Time
	replies []reply
}

func (d *desk) answers(replies ...reply) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.replies = append(d.replies, replies...)
}

// count returns how often the desk was asked.
func (d *desk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	form, parseErr := url.ParseQuery(string(body))
	if err != nil || parseErr != nil {
		d.t.Error(err, parseErr)
	}
	want := url.Values{
		"grant_type":    {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token": {signedToken}, "subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
	}
	for name, values := range d.want {
		want[name] = values
	}
	if diff := cmp.Diff(want, form); diff != "" {
		d.t.Errorf("got form (+), want (-):\n%s", diff)
	}
	if got, want := r.Method+" "+r.URL.RequestURI(), "POST /oauth/token"; got != want {
		d.t.Errorf("got request %q, want %q", got, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "User-Agent": "jeton-go", "Authorization": "", "Cookie": "",
	} {
		if got := r.Header.Get(name); got != want {
			d.t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	d.next().write(w)
}

// next notes a request and returns its answer.
func (d *desk) next() reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, time.Now())
	if len(d.replies) > 0 {
		next := d.replies[0]
		d.replies = d.replies[1:]
		return next
	}
	return granted(len(d.asked), 300)
}

func (a reply) write(w http.ResponseWriter) {
	if a.hold != nil {
		<-a.hold
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// granted is the answer with the access token of that number.
func granted(number, seconds int) reply {
	return reply{status: 200, body: fmt.Sprintf(`{"access_token":"access%d","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":%d}`, number, seconds)}
}

// refused is the answer of an OAuth error.
func refused(status int, code string) reply {
	return reply{status: status, body: fmt.Sprintf(`{"error":%q,"error_description":"the subject token is not valid"}`, code)}
}

// busy is the answer of a Jeton, or a proxy, that can't answer just now.
func busy(retryAfter string) reply {
	return reply{status: 503, header: map[string]string{"Content-Type": "text/html", "Retry-After": retryAfter}, body: "<h1>busy</h1>"}
}

// direct calls a handler in place of a network, for tests in a bubble, whose clock doesn't move while a socket is waited
// for.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	d.ServeHTTP(answer, r)
	_ = r.Body.Close()
	res := answer.Result()
	res.Request = r
	return res, nil
}

// source returns a TokenSource that asks the desk without a network.
func (d *desk) source(t *testing.T) *client.TokenSource {
	t.Helper()
	return newSource(t, client.TokenSourceConfig{BaseURL: "https://tokens.example.com", HTTPClient: &http.Client{Transport: direct{d}}})
}

// over returns a TokenSource that asks a handler by HTTP.
func over(t *testing.T, h http.Handler) *client.TokenSource {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return newSource(t, client.TokenSourceConfig{BaseURL: s.URL})
}

func newSource(t *testing.T, cfg client.TokenSourceConfig) *client.TokenSource {
	t.Helper()
	cfg.APIToken = signedToken
	s, err := client.NewTokenSource(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantToken asks for a token and wants the one given.
func wantToken(t *testing.T, s *client.TokenSource, want string) {
	t.Helper()
	got, err := s.Token()
	if err != nil {
		t.Errorf("got error %v, want token %s", err, want)
	} else if got.AccessToken != want {
		t.Errorf("got token %s, want %s", got.AccessToken, want)
	}
}

// wantCount compares how often the desk was asked.
func (d *desk) wantCount(t *testing.T, want int) {
	t.Helper()
	if got := d.count(); got != want {
		t.Errorf("got %d exchanges, want %d", got, want)
	}
}
