package client_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/client"
)

func TestNewRefuses(t *testing.T) {
	const refused, admitted = true, false
	const origin = "https://tokens.example.com"
	tests := []struct {
		cfg  client.Config
		want bool
	}{
		{client.Config{BaseURL: origin, Token: "t"}, admitted},
		{client.Config{BaseURL: origin + "/below/", Token: "t"}, admitted},
		{client.Config{BaseURL: "tokens.example.com", Token: "t"}, refused},
		{client.Config{BaseURL: "ftp://tokens.example.com", Token: "t"}, refused},
		{client.Config{BaseURL: "https://", Token: "t"}, refused},
		{client.Config{BaseURL: "https://alice:" + canary + "@tokens.example.com", Token: "t"}, refused},
		{client.Config{BaseURL: origin + "?a=b", Token: "t"}, refused},
		{client.Config{BaseURL: origin + "#a", Token: "t"}, refused},

		{client.Config{BaseURL: "http://127.0.0.1:8080", Token: "t"}, admitted},
		{client.Config{BaseURL: "http://127.9.9.9", Token: "t"}, admitted},
		{client.Config{BaseURL: "http://[::1]:8080", Token: "t"}, admitted},
		{client.Config{BaseURL: "http://LOCALHOST:8080", Token: "t"}, admitted},
		{client.Config{BaseURL: "http://128.0.0.1", Token: "t"}, refused},
		{client.Config{BaseURL: "http://localhost.example.com", Token: "t"}, refused},
		{client.Config{BaseURL: "http://127.0.0.1.example.com", Token: "t"}, refused},
		{client.Config{BaseURL: "http://tokens.example.com", Token: "t"}, refused},
		{client.Config{BaseURL: "http://tokens.example.com", Token: "t", Insecure: true}, admitted},

		{client.Config{BaseURL: origin}, refused},
		{client.Config{BaseURL: origin, Username: "alice"}, refused},
		{client.Config{BaseURL: origin, Password: canary}, refused},
		{client.Config{BaseURL: origin, Username: "alice", Password: canary}, admitted},
		{client.Config{BaseURL: origin, Username: "al:ice", Password: canary}, refused},
		{client.Config{BaseURL: origin, Username: "alice", Password: canary, Token: canary}, refused},
		{client.Config{BaseURL: origin, Username: "alice", Token: canary}, refused},
		{client.Config{BaseURL: origin, Token: canary + "\n"}, refused},
		{client.Config{BaseURL: origin, Token: canary + "\x00"}, refused},
		{client.Config{BaseURL: origin, Token: "AZaz09-._~+/="}, admitted},
	}
	for _, tt := range tests {
		_, err := client.New(tt.cfg)
		if (err != nil) != tt.want {
			t.Errorf("New(%+v): got error %v, want any: %v", tt.cfg, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("New(%+v): the error shows the credential: %v", tt.cfg, err)
		}
	}
}

// TestNothingPrintsTheCredential prints what holds one in every way that the packages of the standard library know.
func TestNothingPrintsTheCredential(t *testing.T) {
	for _, cfg := range []client.Config{
		{BaseURL: "https://tokens.example.com", Token: canary},
		{BaseURL: "https://tokens.example.com", Username: "alice", Password: canary},
	} {
		c := newClient(t, cfg)
		var out bytes.Buffer
		for _, v := range []any{cfg, &cfg, c, *c, cfg.Token, cfg.Password} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				_, _ = fmt.Fprintf(&out, verb+"\n", v)
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("text", "v", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", v)
			_ = json.NewEncoder(&out).Encode(v) // a Client can't be encoded, and needn't
		}
		hexed := fmt.Sprintf("%x", canary)
		if text := out.String(); strings.Contains(text, canary) || strings.Contains(text, hexed) {
			t.Errorf("the credential was printed:\n%s", text)
		}
		if want := "client of https://tokens.example.com"; c.String() != want {
			t.Errorf("got %q, want %q", c, want)
		}
	}
}

func TestBasic(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if name != "ålice" || password != "a:b "+canary {
			t.Errorf("got %q and %q", name, password)
		}
		if got := r.Header.Get("User-Agent"); got != "mine" {
			t.Errorf("got user agent %q, want %q", got, "mine")
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(`{}`))
	}))
	defer s.Close()
	c := newClient(t, client.Config{BaseURL: s.URL, Username: "ålice", Password: "a:b " + canary, UserAgent: "mine"})
	if _, err := c.Me(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestRedirect shows that neither the credential nor a body goes to where an answer points, not even on the same host,
// and that the given HTTPClient stays as it was.
func TestRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("got %s %s at another origin", r.Method, r.RequestURI)
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		requests := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests++; requests > 1 {
				t.Errorf("status %d: the redirect was followed on the same origin", status)
			}
			if r.Header.Get("Cookie") != "" {
				t.Error("a cookie was sent beside the credential")
			}
			http.Redirect(w, r, elsewhere.URL+"/v1/me/password?secret=x", status)
		}))
		jar, _ := cookiejar.New(nil)
		at, _ := url.Parse(s.URL)
		jar.SetCookies(at, []*http.Cookie{{Name: "a", Value: "b"}})
		given := &http.Client{Jar: jar}
		c := newClient(t, client.Config{BaseURL: s.URL, Username: "alice", Password: canary, HTTPClient: given})
		err := c.ChangePassword(t.Context(), canary, "replacement")
		wantError(t, err, client.ErrNotJeton, "a redirect to "+elsewhere.URL+", which was not followed")
		if given.Jar == nil || given.CheckRedirect != nil {
			t.Error("the given HTTPClient was changed")
		}
		s.Close()
	}
}
