package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/knadh/koanf/parsers/yaml"
)

// traefik does by hand what Traefik's handbook says of the middlewares that deploy/traefik/jeton.yml is made of: headers,
// then forwardAuth, then headers. It is no Traefik, which Debian doesn't have.
type traefik struct {
	address       string
	before, after map[string]string // customRequestHeaders: an empty value removes the field
	copied        []string          // authResponseHeaders
	stripped      *regexp.Regexp    // authResponseHeadersRegex
}

// dynamic is what jeton.yml is made of, and no more than this stand-in does as Traefik does.
type dynamic struct {
	HTTP struct {
		Routers map[string]struct {
			Rule, Service string
			Middlewares   []string
		}
		Services map[string]struct {
			LoadBalancer struct{ Servers []struct{ URL string } }
		}
		Middlewares map[string]struct {
			Chain       struct{ Middlewares []string }
			Headers     struct{ CustomRequestHeaders map[string]string }
			ForwardAuth struct {
				Address                  string
				TrustForwardHeader       *bool
				AuthResponseHeaders      []string
				AuthResponseHeadersRegex string
			}
		}
	}
}

// readTraefik reads jeton.yml.
func readTraefik(t *testing.T) *traefik {
	t.Helper()
	tree, err := yaml.Parser().Unmarshal([]byte(readFile(t, "../../deploy/traefik/jeton.yml")))
	must(t, err)
	text, err := json.Marshal(tree)
	must(t, err)
	var d dynamic
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	must(t, strict.Decode(&d))
	m, router := d.HTTP.Middlewares, d.HTTP.Routers["api"]
	if want := []string{"jeton-before", "jeton-ask", "jeton-after"}; !slices.Equal(m["jeton"].Chain.Middlewares, want) {
		t.Fatalf("got the chain %v, want %v", m["jeton"].Chain.Middlewares, want)
	}
	if router.Rule != "Host(`api.example.com`)" || !slices.Equal(router.Middlewares, []string{"jeton"}) {
		t.Fatalf("got the router %v, want one for api.example.com behind jeton", router)
	}
	ask := m["jeton-ask"].ForwardAuth
	if ask.TrustForwardHeader == nil || *ask.TrustForwardHeader {
		t.Fatal("forwardAuth trusts what the client says of its call")
	}
	return &traefik{
		ask.Address, m["jeton-before"].Headers.CustomRequestHeaders, m["jeton-after"].Headers.CustomRequestHeaders,
		ask.AuthResponseHeaders, regexp.MustCompile(ask.AuthResponseHeadersRegex),
	}
}

// passage is what became of a call.
type passage struct {
	status int         // of Jeton's answer
	answer http.Header // of Jeton's
	seen   *http.Request
}

// pass takes a call through the middlewares. The API sees it, unless it is refused.
func (m *traefik) pass(t *testing.T, call *http.Request) passage {
	t.Helper()
	custom(call, m.before)
	question, err := http.NewRequest(http.MethodGet, m.address, nil)
	must(t, err)
	question.Header = call.Header.Clone()
	client, _, _ := strings.Cut(call.RemoteAddr, ":")
	for name, value := range map[string]string{
		"X-Forwarded-Method": call.Method, "X-Forwarded-Proto": "http", "X-Forwarded-Host": call.Host,
		"X-Forwarded-Uri": call.URL.RequestURI(), "X-Forwarded-For": client,
	} {
		question.Header.Set(name, value)
	}
	answer, err := http.DefaultTransport.RoundTrip(question)
	must(t, err)
	must(t, answer.Body.Close())
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return passage{answer.StatusCode, answer.Header, nil}
	}
	for _, name := range m.copied {
		replace(call.Header, answer.Header, http.CanonicalHeaderKey(name))
	}
	for name := range call.Header {
		if m.stripped.MatchString(name) {
			call.Header.Del(name)
		}
	}
	for name := range answer.Header {
		if m.stripped.MatchString(name) {
			replace(call.Header, answer.Header, name)
		}
	}
	custom(call, m.after)
	return passage{answer.StatusCode, answer.Header, call}
}

// custom does as customRequestHeaders.
func custom(call *http.Request, fields map[string]string) {
	for name, value := range fields {
		if call.Header.Del(name); name == "Host" {
			call.Host = value
		} else if value != "" {
			call.Header.Set(name, value)
		}
	}
}

func replace(to, from http.Header, name string) {
	delete(to, name)
	if values := from[name]; len(values) > 0 {
		to[name] = slices.Clone(values)
	}
}

// call is a call as Traefik has it from a client.
func (s *stack) call(target string, fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.RemoteAddr = "127.0.0.1:4711"
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// TestTraefik holds deploy/traefik to the rows of the threat model's "Gateway" that lie between Traefik and Jeton.
func TestTraefik(t *testing.T) {
	s, m := newStack(t, usual()), readTraefik(t)
	t.Run("headers", func(t *testing.T) { s.testTraefikHeaders(t, m) })
	t.Run("refusals", func(t *testing.T) { s.testTraefikRefusals(t, m) })
	t.Run("forged", func(t *testing.T) { s.testTraefikForged(t, m) })
}

// testTraefikHeaders compares the list of jeton.yml with what Jeton answers with, for a call that it admits and one that it
// doesn't: one too few would let a client's through, one too many is a mistake.
func (s *stack) testTraefikHeaders(t *testing.T, m *traefik) {
	if diff := cmp.Diff(identity(), m.copied); diff != "" {
		t.Errorf("authResponseHeaders aren't the identity headers (-want +got):\n%s", diff)
	}
	for _, credential := range []string{s.bearer("alice"), "Authorization: Bearer nonsense"} {
		var got []string
		for name := range m.pass(t, s.call("http://api.example.com/reports/7", credential)).answer {
			if !slices.Contains([]string{"Cache-Control", "Content-Length", "Content-Type", "Date", "Www-Authenticate", "X-Content-Type-Options", "X-Request-Id"}, name) {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(m.copied))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.30s: Jeton answered with other headers than jeton.yml copies (-want +got):\n%s", credential, diff)
		}
	}
	seen := m.pass(t, s.call("http://API.example.com:80/reports/7?x=1", s.bearer("alice"), "Cookie: jeton_api="+cookieCanary, "Proxy-Authorization: Basic x")).seen
	if seen == nil {
		t.Fatal("alice was refused, want her let in")
	}
	if got := seen.Header.Get("Remote-User") + " " + seen.Header.Get("Remote-Groups") + " " + seen.Host; got != "alice auditor,partner api.example.com" {
		t.Errorf("the API got %q, want alice, her roles, and its host", got)
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Jeton-Status"} {
		if got := seen.Header.Values(name); len(got) > 0 {
			t.Errorf("the API got %s %q, want nothing", name, got)
		}
	}
}

// testTraefikRefusals: what goes to the client is Jeton's answer, so its status is the true one.
func (s *stack) testTraefikRefusals(t *testing.T, m *traefik) {
	for _, tc := range []struct {
		name   string
		call   *http.Request
		status int
	}{
		{"no credential", s.call("http://api.example.com/reports/7"), 401},
		{"not in the audience", s.call("http://api.example.com/reports/7", s.bearer("eve")), 403},
		{"two credentials", s.call("http://api.example.com/reports/7", s.bearer("alice"), s.bearer("alice")), 400},
		{"ambiguous path", s.call("http://api.example.com/any/../a", s.bearer("alice")), 403},
		{"encoded slash", s.call("http://api.example.com/any/a%2fb", s.bearer("alice")), 403},
		{"honest path, the twin", s.call("http://api.example.com/any/%C3%A9", s.bearer("alice")), 200},
		{"another service's host", s.call("http://other.example.com/any/a", s.bearer("eve")), 403},
		{"another host in a header", s.call("http://api.example.com/any/a", s.bearer("eve"), "X-Forwarded-Host: other.example.com"), 403},
	} {
		if got := m.pass(t, tc.call).status; got != tc.status {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.status)
		}
	}
}

// fieldName is what a server of Go's takes for the name of a header field (RFC 9110, section 5.6.2: token).
var fieldName = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")

// testTraefikForged writes each identity header in each spelling that Go's server, which Traefik's is, takes for a header.
func (s *stack) testTraefikForged(t *testing.T, m *traefik) {
	const forged = "forged-by-the-client"
	tried := 0
	for _, name := range identity() {
		mixed := strings.Replace(strings.ReplaceAll(name, "-", "_"), "_", ".", 1)
		for _, spelling := range append(spellings(name), mixed) {
			if !fieldName.MatchString(spelling) || strings.HasPrefix(spelling, "HTTP_") { // which would be HTTP_HTTP_ to a CGI
				continue
			}
			tried++
			call := s.call("http://api.example.com/reports/7", s.bearer("bob"), "Connection: "+name, "X-Real-IP: "+forged)
			call.Header.Add(spelling, forged)
			seen := m.pass(t, call).seen
			if seen == nil || seen.Header.Get("Remote-User") != "bob" {
				t.Errorf("%q: bob was not let in as bob", spelling)
				continue
			}
			for got, values := range seen.Header {
				if strings.Contains(strings.Join(values, ""), forged) || got == "Connection" {
					t.Errorf("%q: the API got %s %q", spelling, got, values)
				}
			}
		}
	}
	if tried < 100 {
		t.Errorf("%d spellings were tried, want all", tried)
	}
}
