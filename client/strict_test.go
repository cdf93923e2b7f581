package client_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/client"
)

// canary stands in every credential and password of these tests. It must be seen on the wire alone.
const canary = "jtpCANARY0123456789"

// exchange is one request that the server of a test expects, and what it answers.
type exchange struct {
	method, uri string // as on the request line
	ifMatch     string
	body        string // JSON that the request's must equal; empty for no body

	status int
	header map[string]string
	answer string
}

// strict is a server that expects exactly the given exchanges, in their order, and fails the test over anything else.
func strict(t *testing.T, exchanges ...exchange) *client.Client {
	t.Helper()
	next := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if next == len(exchanges) {
			t.Errorf("got %s %s, want no more requests", r.Method, r.RequestURI)
			return
		}
		x := exchanges[next]
		next++
		x.check(t, r)
		w.Header().Set("Content-Type", "application/json")
		for name, value := range x.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(x.status)
		_, _ = io.WriteString(w, x.answer)
	}))
	t.Cleanup(func() {
		s.Close()
		if next != len(exchanges) {
			t.Errorf("got %d requests, want %d", next, len(exchanges))
		}
	})
	return newClient(t, client.Config{BaseURL: s.URL, Token: canary})
}

func (x exchange) check(t *testing.T, r *http.Request) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	if got, want := r.Method+" "+r.RequestURI, x.method+" "+x.uri; got != want {
		t.Errorf("got request %q, want %q", got, want)
	}
	want := map[string]string{"Authorization": "Bearer " + canary, "Accept": "application/json", "If-Match": x.ifMatch, "User-Agent": "jeton-go"}
	if want["Content-Type"] = ""; x.body != "" {
		want["Content-Type"] = "application/json"
	}
	for name, value := range want {
		if got := strings.Join(r.Header.Values(name), "|"); got != value {
			t.Errorf("%s: got %s %q, want %q", x.uri, name, got, value)
		}
	}
	if got := string(body); got != x.body && !sameJSON(t, got, x.body) {
		t.Errorf("%s: got body %s, want %s", x.uri, got, x.body)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	if a == "" || b == "" {
		return false
	}
	var texts [2][]byte
	for i, text := range []string{a, b} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		texts[i], _ = json.Marshal(v)
	}
	return bytes.Equal(texts[0], texts[1])
}

func newClient(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
