package e2e_test

import (
	"context"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// envoyListener is where Jeton waits for Envoy's questions, as deploy/envoy has it.
const envoyListener = "127.0.0.1:8083"

// envoy puts the questions that Envoy's ext_authz puts. It is no Envoy, which Debian doesn't have: test/deploy holds deploy/envoy to
// Envoy's types.
type envoy struct {
	authv3.AuthorizationClient
	waits map[string]time.Duration // for an answer, by way
}

// wait finds in a file of deploy/envoy how long Envoy waits for an answer.
var wait = regexp.MustCompile(`(?s)ext_authz\.v3\.ExtAuthz\n.*?\btimeout: (\S+)`)

// readWait reads how long Envoy waits by a file of deploy/envoy.
func readWait(t *testing.T, file string) time.Duration {
	t.Helper()
	found := groups(wait, readFile(t, "../../deploy/envoy/"+file))
	if len(found) != 1 {
		t.Fatalf("%s: got the times %q, want one", file, found)
	}
	d, err := time.ParseDuration(found[0])
	must(t, err)
	return d
}

// verdict is what became of a call: its status and, where it passes, the header that the API gets.
type verdict struct {
	status int
	header map[string][]string
}

// byGRPC asks as envoy.yaml has it, and does with the answer what ext_authz does.
func (e *envoy) byGRPC(t *testing.T, call *http.Request) verdict {
	t.Helper()
	list := &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
		{Key: ":method", RawValue: []byte(call.Method)}, {Key: ":authority", RawValue: []byte(call.Host)}, {Key: ":path", RawValue: []byte(call.URL.RequestURI())},
	}}
	header := map[string][]string{}
	for name, values := range call.Header {
		for _, value := range values {
			list.Headers = append(list.Headers, &corev3.HeaderValue{Key: strings.ToLower(name), RawValue: []byte(value)})
		}
		header[strings.ToLower(name)] = values
	}
	client, _, _ := strings.Cut(call.RemoteAddr, ":")
	ctx, cancel := context.WithTimeout(t.Context(), e.waits["gRPC"])
	defer cancel()
	answer, err := e.Check(ctx, &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{Address: client}}}},
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Method: call.Method, Host: call.Host, Path: call.URL.RequestURI(), HeaderMap: list,
		}},
	}})
	if err != nil {
		return verdict{status: http.StatusServiceUnavailable} // status_on_error
	}
	if answer.GetStatus().GetCode() != 0 {
		return verdict{status: int(answer.GetDeniedResponse().GetStatus().GetCode())}
	}
	for _, o := range answer.GetOkResponse().GetHeaders() {
		header[o.GetHeader().GetKey()] = []string{o.GetHeader().GetValue()}
	}
	for _, name := range answer.GetOkResponse().GetHeadersToRemove() {
		delete(header, name)
	}
	return verdict{http.StatusOK, header}
}

// byHTTP asks as envoy-http.yaml has it.
func (e *envoy) byHTTP(t *testing.T, call *http.Request) verdict {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), e.waits["HTTP"])
	defer cancel()
	question, err := http.NewRequestWithContext(ctx, call.Method, "http://127.0.0.1:8081/", nil)
	must(t, err)
	question.URL.Opaque = "/ext-authz" + call.URL.RequestURI() // as it is
	question.Host = call.Host
	header := map[string][]string{}
	for name, values := range call.Header {
		header[strings.ToLower(name)] = values
		if slices.Contains([]string{"Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "Accept"}, name) {
			question.Header[name] = values
		}
	}
	client, _, _ := strings.Cut(call.RemoteAddr, ":")
	question.Header.Set("X-Real-Ip", client)
	answer, err := http.DefaultTransport.RoundTrip(question)
	if err != nil {
		return verdict{status: http.StatusServiceUnavailable}
	}
	must(t, answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		return verdict{status: answer.StatusCode}
	}
	for _, name := range identity() {
		header[strings.ToLower(name)] = answer.Header.Values(name)
	}
	for name := range strings.SplitSeq(answer.Header.Get("X-Envoy-Auth-Headers-To-Remove"), ", ") {
		delete(header, name)
	}
	return verdict{http.StatusOK, header}
}

// routed asks about the calls for which there is a virtual host, by the domains of deploy/envoy. Envoy leaves case and port aside.
func routed(ask func(*testing.T, *http.Request) verdict) func(*testing.T, *http.Request) verdict {
	return func(t *testing.T, call *http.Request) verdict {
		if host, _, _ := strings.Cut(strings.ToLower(call.Host), ":"); host != "api.example.com" {
			return verdict{status: http.StatusNotFound}
		}
		return ask(t, call)
	}
}

// TestEnvoy puts Envoy's questions to a running Jeton, by gRPC and by HTTP: the verdicts are the same, and those that every proxy gets.
func TestEnvoy(t *testing.T) {
	s := emptyStack(t)
	s.serve = append(s.serve, "--envoy-listen", envoyListener)
	s.begin(t)
	conn, err := grpc.NewClient("passthrough:///"+envoyListener, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close()) })
	e := &envoy{authv3.NewAuthorizationClient(conn), map[string]time.Duration{"gRPC": readWait(t, "envoy.yaml"), "HTTP": readWait(t, "envoy-http.yaml")}}
	ways := map[string]func(*testing.T, *http.Request) verdict{"gRPC": routed(e.byGRPC), "HTTP": routed(e.byHTTP)}
	for way, ask := range ways {
		t.Run(way, func(t *testing.T) { s.testEnvoyVerdicts(t, ask) })
		t.Run(way+", forged", func(t *testing.T) { s.testEnvoyForged(t, ask) })
		t.Run(way+", hung", func(t *testing.T) { s.testEnvoyHung(t, ask) })
	}
	// A connection of Envoy's that is open keeps nobody from stopping.
	must(t, s.jeton.Process.Signal(syscall.SIGTERM))
	began := time.Now()
	if err := s.jeton.Wait(); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %s, want an end in order and at once", err, time.Since(began))
	}
	s.jeton = nil
	log := readFile(t, filepath.Join(s.dir, "jeton.log"))
	for _, want := range []string{`"envoy":"` + envoyListener + `"`, `"listener":"envoy"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log doesn't tell of %s", want)
		}
	}
	for way, ask := range ways {
		t.Logf("%s, Jeton down: all refused, the slowest after %s", way, s.slowestVerdict(t, ask))
	}
}

// testEnvoyHung stops Jeton in the middle of its life, as testHung does, and has it go on.
func (s *stack) testEnvoyHung(t *testing.T, ask func(*testing.T, *http.Request) verdict) {
	admitted := func() bool {
		return ask(t, s.call("http://api.example.com/reports/7", s.bearer("alice"))).status == http.StatusOK
	}
	if !admitted() {
		t.Fatal("alice isn't let in while Jeton runs")
	}
	defer func() { must(t, s.jeton.Process.Signal(syscall.SIGCONT)) }()
	must(t, s.jeton.Process.Signal(syscall.SIGSTOP))
	within(t, 5*time.Second, "Jeton to stand still", func() bool { return stopped(t, s.jeton.Process.Pid) })
	t.Logf("Jeton hung: all refused, the slowest after %s", s.slowestVerdict(t, ask))
	must(t, s.jeton.Process.Signal(syscall.SIGCONT))
	within(t, 10*time.Second, "Jeton to answer again", admitted)
}

// slowestVerdict asks about 20 calls at once, all of which must be refused with 503 in time.
func (s *stack) slowestVerdict(t *testing.T, ask func(*testing.T, *http.Request) verdict) time.Duration {
	t.Helper()
	var asked sync.WaitGroup
	took := make([]time.Duration, 20)
	for i := range took {
		asked.Go(func() {
			began := time.Now()
			got := ask(t, s.call("http://api.example.com/reports/7", s.bearer("alice")))
			if took[i] = time.Since(began); got.status != http.StatusServiceUnavailable || took[i] > refusedInTime {
				t.Errorf("got %d after %s, want 503 within %s", got.status, took[i], refusedInTime)
			}
		})
	}
	asked.Wait()
	return slices.Max(took)
}

func (s *stack) testEnvoyVerdicts(t *testing.T, ask func(*testing.T, *http.Request) verdict) {
	for _, tc := range []struct {
		name   string
		call   *http.Request
		status int
	}{
		{"admitted", s.call("http://api.example.com/reports/7?x=1", s.bearer("alice"), "Cookie: jeton_api="+cookieCanary, "Proxy-Authorization: Basic x"), 200},
		{"no credential", s.call("http://api.example.com/reports/7"), 401},
		{"bad checksum", s.call("http://api.example.com/reports/7", s.bearer("alice")+"x"), 401},
		{"not in the audience", s.call("http://api.example.com/reports/7", s.bearer("eve")), 403},
		{"two credentials", s.call("http://api.example.com/reports/7", s.bearer("alice"), s.bearer("alice")), 400},
		{"ambiguous path", s.call("http://api.example.com/any/../a", s.bearer("alice")), 403},
		{"encoded slash", s.call("http://api.example.com/any/a%2fb", s.bearer("alice")), 403},
		{"honest path, the twin", s.call("http://api.example.com/any/%C3%A9", s.bearer("alice")), 200},
		{"another service's host", s.call("http://other.example.com/any/a", s.bearer("eve")), 404}, // by Envoy, which has no such domain
		{"another host in a header", s.call("http://api.example.com/any/a", s.bearer("eve"), "X-Forwarded-Host: other.example.com"), 403},
	} {
		got := ask(t, tc.call)
		if got.status != tc.status {
			t.Errorf("%s: got %d, want %d", tc.name, got.status, tc.status)
		}
		if tc.status != http.StatusOK {
			continue
		}
		if got.header["remote-user"][0] != "alice" || got.header["remote-groups"][0] != "auditor,partner" {
			t.Errorf("%s: the API got %v, want alice and her roles", tc.name, got.header)
		}
		for _, name := range []string{"authorization", "proxy-authorization", "cookie", "x-jeton-status"} {
			if values, there := got.header[name]; there {
				t.Errorf("%s: the API got %s %q, want nothing", tc.name, name, values)
			}
		}
	}
}

// testEnvoyForged writes each identity header in each spelling that Envoy hands on: not those with underscores.
func (s *stack) testEnvoyForged(t *testing.T, ask func(*testing.T, *http.Request) verdict) {
	const forged = "forged-by-the-client"
	for _, name := range identity() {
		for _, spelling := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			call := s.call("http://api.example.com/reports/7", s.bearer("bob"), "X-Real-IP: "+forged)
			call.Header.Del("X-Real-Ip")
			call.Header[http.CanonicalHeaderKey(spelling)] = []string{forged, forged}
			got := ask(t, call)
			if got.status != http.StatusOK || got.header["remote-user"][0] != "bob" {
				t.Errorf("%q: got %v, want bob let in as bob", spelling, got)
			}
			for arrived, values := range got.header {
				if strings.Contains(strings.Join(values, ""), forged) {
					t.Errorf("%q: the API got %s %q", spelling, arrived, values)
				}
			}
		}
	}
}
