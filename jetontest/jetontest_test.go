package jetontest_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// ask makes a call of the service, as a client does, and returns the status.
func ask(h http.Handler, token client.Secret) int {
	r := httptest.NewRequest(http.MethodGet, "http://api.example.com/reports/7", http.NoBody)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer.Code
}

// TestServer goes through what a test makes, and what becomes of it.
func TestServer(t *testing.T) {
	j := jetontest.New(t)
	j.User("alice", "partner")
	j.User("bob")
	j.Service("reports", "api.example.com", "GET /reports/{id} role:partner,user:bob reports.read")
	h := j.Verifier("reports").Middleware(client.MiddlewareConfig{})(http.NotFoundHandler())
	j.Verifier("reports") // a second one is another's
	api := j.APIToken("alice", "batch", "reports.read")
	tokens := map[string]client.Secret{
		"alice": j.Token("alice"), "bob": j.Token("bob"), "access": j.AccessToken(api.Token), "narrowed": j.AccessToken(api.Token, "reports.read"),
	}
	for name, token := range tokens {
		if got := ask(h, token); got != http.StatusNotFound { // as the API answers
			t.Errorf("%s: got status %d, want it let in", name, got)
		}
	}
	if got := ask(h, ""); got != http.StatusUnauthorized {
		t.Errorf("got status %d for nobody", got)
	}
	j.SetState("bob", "blocked")
	for ask(h, tokens["bob"]) != http.StatusUnauthorized {
		if t.Context().Err() != nil {
			t.Fatal("bob is let in")
		}
	}
	before := j.Now()
	j.Advance(time.Hour)
	if got := j.Now().Sub(before); got < time.Hour || got > time.Hour+time.Minute {
		t.Errorf("got a clock that went on by %s", got)
	}
	if got := ask(h, tokens["access"]); got != http.StatusUnauthorized {
		t.Errorf("got status %d for a token that has ended", got)
	}
	if got := ask(h, tokens["alice"]); got != http.StatusNotFound {
		t.Errorf("got status %d for one that has no end", got)
	}
	if strings.Contains(j.Log(), tokens["alice"].Reveal()) || !strings.Contains(j.Log(), "started") {
		t.Error("got a log that holds a token, or nothing")
	}
}

// TestStop: what a program does without Jeton can be tested, and that nothing is lost.
func TestStop(t *testing.T) {
	j := jetontest.New(t)
	j.User("alice")
	token := j.Token("alice")
	url := j.URL
	j.Stop()
	j.Stop()
	if _, err := j.Client(token).Me(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
	j.Start()
	j.Start()
	me, err := j.Client(token).Me(t.Context())
	if err != nil || me.User.Username != "alice" || j.URL != url {
		t.Errorf("got %+v, %v at %s", me, err, j.URL)
	}
}

// TestSettings: what a test sets counts, also after a restart, but for the password by which Admin asks.
func TestSettings(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := "http://localhost" + address[strings.LastIndex(address, ":"):]
	j := jetontest.New(t, "JETON_LISTEN="+address, "JETON_PUBLIC_URL="+want, "JETON_ADMIN_PASSWORD=another, which nobody asks with")
	token := j.Token(j.User("alice").Username)
	j.Stop()
	j.Start()
	if _, err := j.Client(token).Me(t.Context()); err != nil || j.URL != want {
		t.Errorf("got %v at %s, want %s", err, j.URL, want)
	}
}

// TestTwo: tests don't get in each other's way.
func TestTwo(t *testing.T) {
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			jetontest.New(t).User("alice")
		})
	}
}

// TestStopConnected: whoever is still connected doesn't spoil the test, such as a call that is under way, or a connection that a
// transport keeps in reserve: net/http waits for either.
func TestStopConnected(t *testing.T) {
	j := jetontest.New(t)
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(j.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\n")); err != nil { // and never the rest
		t.Fatal(err)
	}
	j.Stop()
}
