package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakeGateway admits every token but one, and keeps which were presented.
type fakeGateway struct {
	refused string

	mu        sync.Mutex
	presented []string
}

func (g *fakeGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	g.mu.Lock()
	g.presented = append(g.presented, token)
	g.mu.Unlock()
	switch {
	case r.URL.Path != "/auth-request", r.Header.Get("X-Original-URL") != "https://api.example.com/reports/7", r.Header.Get("X-Original-Method") != "GET":
		w.WriteHeader(http.StatusBadRequest)
	case token == g.refused:
		w.WriteHeader(http.StatusUnauthorized)
	case token != "anonymous":
		w.Header().Set("Remote-User", "someone")
		fmt.Fprint(w, `{"active":true}`)
	}
}

func listen(t *testing.T, h http.Handler) (address string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// TestRequests shows that the three ways to say who calls differ in nothing else, and that a name and a password are
// written as clients write them.
func TestRequests(t *testing.T) {
	var rest []string
	for name, tt := range map[string]struct{ text, field, want string }{
		"a token":    {askGateway("127.0.0.1:1").with("jtpx"), "Authorization", "Bearer jtpx"},
		"a password": {askByPassword("127.0.0.1:1").with(basicText(7).Reveal()), "Authorization", "Basic VXNlcjAwMDAwMDc6dHdlbnR5LXNpeCBjaGFyYWN0ZXJzIGxvbmc="},
		"a cookie":   {askByCookie("127.0.0.1:1").with("jtax"), "Cookie", "jeton_api=jtax"},
	} {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(tt.text)))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Header.Get(tt.field); got != tt.want {
			t.Errorf("%s: got %s: %s, want %s", name, tt.field, got, tt.want)
		}
		if user, password, ok := r.BasicAuth(); ok && (user != "User0000007" || password != everyonesPassword) {
			t.Errorf("%s: got %s and %s, want the seventh user and its password", name, user, password)
		}
		r.Header.Del(tt.field)
		rest = append(rest, fmt.Sprint(r.Method, r.Host, r.URL, r.Header))
	}
	if rest[0] != rest[1] || rest[0] != rest[2] {
		t.Errorf("got requests that differ in more than the credential: %q", rest)
	}
}

// TestForms shows that the token stands where it belongs, and that a request is as long as it says.
func TestForms(t *testing.T) {
	const token = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
	for name, tt := range map[string]struct{ text, path, field, basic string }{
		"an exchange":      {exchange("127.0.0.1:1", len(token)).with(token), "/oauth/token", "subject_token", ""},
		"an introspection": {introspection("127.0.0.1:1", "YTpi", len(token)).with(token), "/oauth/introspect", "token", "b"},
	} {
		from := bufio.NewReader(strings.NewReader(tt.text))
		r, err := http.ReadRequest(from)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.PostFormValue(tt.field); got != token || r.Method != http.MethodPost || r.URL.Path != tt.path || from.Buffered() != 0 {
			t.Errorf("%s: got %s %s with the token %q and %d bytes more", name, r.Method, r.URL, got, from.Buffered())
		}
		if _, password, _ := r.BasicAuth(); password != tt.basic {
			t.Errorf("%s: got the client's secret %q, want %q", name, password, tt.basic)
		}
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(exchangeMatrix42("127.0.0.1:1").with(token))))
	if err != nil || r.Header.Get("Authorization") != "Bearer "+token || !r.URL.ForceQuery {
		t.Errorf("an exchange of Matrix42's clients: got %+v, %v", r, err)
	}
}

func TestProbe(t *testing.T) {
	address := listen(t, &fakeGateway{refused: "bad"})
	ask := askGateway(address)
	tests := []struct {
		name, text string
		status     int
		named      bool
		says       string
		want       string // part of the error
	}{
		{"admitted", ask.with("good"), 200, true, "", ""},
		{"refused", ask.with("bad"), 401, false, "", ""},
		{"refused unexpectedly", ask.with("bad"), 200, true, "", "answered 401, want 200"},
		{"admitted unexpectedly", ask.with("good"), 401, false, "", "answered 200, want 401"},
		{"admitted as nobody", ask.with("anonymous"), 200, true, "", "without a Remote-User"},
		{"admitted as nobody, who will do", ask.with("anonymous"), 200, false, "", ""},
		{"another path", plain(address).with(""), 400, false, "", ""},
		{"no HTTP", "hello\r\n\r\n", 200, false, "", "answered 400"},
		{"the right words", ask.with("good"), 200, true, `"active":true`, ""},
		{"other words", ask.with("good"), 200, true, `"active":false`, "without \"active\":false"},
	}
	for _, tt := range tests {
		l := load{address: address, request: request{head: tt.text}, status: tt.status, named: tt.named, says: tt.says}
		err := l.probe(t.Context(), "")
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestWarm(t *testing.T) {
	live, err := makeSecrets(1000, liveSeed)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := writeTokens(t.TempDir(), live, nil, &caller{cookie: live[0], session: live[0]}, 0)
	if err != nil {
		t.Fatal(err)
	}
	presented, err := tokens.live.read()
	if err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	gateway := &fakeGateway{}
	if err := warm(t.Context(), listen(t, gateway), presented, progress{&told}.count("presenting", 1000)); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(presented.text))
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(gateway.presented))); diff != "" {
		t.Errorf("not every token was presented once (-want +got):\n%s", diff)
	}
	if !strings.Contains(told.String(), "1,000 of 1,000") {
		t.Errorf("got the progress %q", told.String())
	}
	refusing := &fakeGateway{refused: want[500]}
	if err := warm(t.Context(), listen(t, refusing), presented, progress{io.Discard}.count("presenting", 1000)); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("got %v, want the refusal of one live token told", err)
	}
}

func TestProcess(t *testing.T) {
	p, err := start(t.Context(), "sleep", func(*exec.Cmd) {}, []string{"sleep", "60"})
	if err != nil {
		t.Fatal(err)
	}
	if rss, err := p.rss(); err != nil || rss == 0 {
		t.Errorf("got %d bytes, %v, want some", rss, err)
	}
	if _, err := p.mapped(); err != nil { // there are none before the program has begun
		t.Error(err)
	}
	if _, err := p.busy(); err != nil {
		t.Error(err)
	}
	// The most that it had is known, and once it is forgotten, it is no more than it has.
	most, err := p.peak()
	if err != nil || most == 0 {
		t.Errorf("got %d bytes at most, %v, want some", most, err)
	}
	if err := p.forgetPeak(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
	}
	if p.cmd.ProcessState == nil {
		t.Error("the process has not ended")
	}
}

func TestParse(t *testing.T) {
	if got, want := parseCores("0-2,5"), []int{0, 1, 2, 5}; !slices.Equal(got, want) {
		t.Errorf("got the cores %v, want %v", got, want)
	}
	if got := parseCores(""); got != nil {
		t.Errorf("got the cores %v of nothing", got)
	}
	if got := pinsOf([]int{3}); got.on {
		t.Errorf("got %v with one core", got)
	}
	const stat = "4242 (a) b (c)) S 1 4242 4242 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 5 0 100 1000 200"
	if got, err := parseBusy(stat); err != nil || got != 2*time.Second {
		t.Errorf("got %v, %v busy, want 2s", got, err)
	}
	if got, err := parseBusy("4242 (a) S 1"); err == nil {
		t.Errorf("got %v of a line cut short, want an error", got)
	}
	got := parseMetrics("# HELP a b 1\n# TYPE a gauge\na 1.5e+06\nb{c=\"d\"} 2\nnan NaN-ish\n")
	if want := map[string]float64{"a": 1.5e6, `b{c="d"}`: 2}; !cmp.Equal(got, want) {
		t.Errorf("got the metrics %v, want %v", got, want)
	}
}
