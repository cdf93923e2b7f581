package cli_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/cli"
)

// TestHealth asks servers that are ready, and others.
func TestHealth(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"ready":         {200, `{"status":"ok"}`, nil, 0, "ok\n", ""},
		"ready, JSON":   {200, `{"status":"ok"}`, []string{"--output", "json"}, 0, "{\n  \"status\": \"ok\"\n}\n", ""},
		"not ready":     {503, `{"status":"not ready","problems":{"feed":"last heard 7s ago","database":"can't be read"}}`, nil, 1, "", "not ready: database: can't be read; feed: last heard 7s ago"},
		"says no more":  {503, `{"status":"not ready"}`, nil, 1, "", "not ready: not ready"},
		"another":       {200, `<html>`, nil, 1, "", "is not Jeton's admin listener"},
		"another JSON":  {200, `{"ok":true}`, nil, 1, "", "is not Jeton's admin listener"},
		"leads away":    {307, `{"status":"ok"}`, nil, 1, "", "not ready: ok"},
		"control codes": {503, `{"status":"not ready","problems":{"feed":"\u001b[2J"}}`, nil, 1, "", "not ready: feed: \ufffd[2J"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Authorization"); got != "" {
					t.Errorf("got the credential %q, want none", got)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer server.Close()
			got := run(t, cli.Env{Environ: []string{"HTTP_PROXY=http://127.0.0.1:1", "JETON_TOKEN=" + canary}}, append([]string{"health", "--url", server.URL + "/readyz"}, tc.args...)...)
			got.want(t, tc.code, tc.stderr)
			if got.stdout != tc.stdout {
				t.Errorf("got %q, want %q", got.stdout, tc.stdout)
			}
		})
	}
}

// TestHealthWithoutAnswer asks where nobody listens, where nobody answers, and at what is no URL of an admin listener.
func TestHealthWithoutAnswer(t *testing.T) {
	release := make(chan struct{})
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer mute.Close()
	defer close(release)
	run(t, cli.Env{}, "health", "--url", mute.URL, "--timeout", "50ms").want(t, 1, "no answer from "+mute.URL)
	run(t, cli.Env{}, "health", "--url", "http://127.0.0.1:1/readyz").want(t, 1, "no answer from", "--admin-listen")
	for _, at := range []string{"https://127.0.0.1:9090/readyz", "127.0.0.1:9090", "http:///readyz", "http://admin:" + canary + "@127.0.0.1/", "%"} {
		got := run(t, cli.Env{}, "health", "--url", at)
		got.want(t, 2, "is not of the form")
		if strings.Contains(got.stderr, canary) {
			t.Errorf("the error repeats %s", at)
		}
	}
	run(t, cli.Env{}, "health", "now").want(t, 2, "takes no arguments")
}
