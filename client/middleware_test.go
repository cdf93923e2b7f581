package client_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// asked is a call, as it is put to the gateway and to the middleware.
type asked struct {
	name, method, path string
	host               string // that of the service where empty
	header             http.Header
}

// response is what comes of one, but for what differs each time.
type response struct {
	Status                                    int
	Challenge, RetryAfter, Type, Cache, Sniff string
	Body                                      string
	User                                      string // whose call it is
}

func bearerHeader(token client.Secret) http.Header {
	return http.Header{"Authorization": {"Bearer " + token.Reveal()}}
}

func read(t *testing.T, res *http.Response) response {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, res.Body.Close())
	r := response{
		res.StatusCode, res.Header.Get("WWW-Authenticate"), res.Header.Get("Retry-After"), res.Header.Get("Content-Type"), res.Header.Get("Cache-Control"),
		res.Header.Get("X-Content-Type-Options"), string(body), res.Header.Get("X-Jeton-User-Id"),
	}
	if len(r.RetryAfter) == len("86399") {
		r.RetryAfter = "a day" // of which a second may have gone
	}
	var p api.Problem
	if res.StatusCode != http.StatusOK && json.Unmarshal(body, &p) == nil {
		p.Instance = ""
		masked, err := json.Marshal(p)
		must(t, err)
		r.Body = string(masked)
	}
	return r
}

// byGateway asks the gateway about a call, as Caddy does.
func (v *verifying) byGateway(t *testing.T, q *asked) response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.GatewayURL+"/forward-auth", http.NoBody)
	must(t, err)
	for name, values := range q.header {
		r.Header[name] = values
	}
	r.Header.Set("X-Forwarded-Method", q.method)
	r.Header.Set("X-Forwarded-Host", q.host)
	r.Header.Set("X-Forwarded-Uri", q.path)
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	res, err := http.DefaultTransport.RoundTrip(r)
	must(t, err)
	return read(t, res)
}

// byMiddleware makes a call of an API behind the middleware.
func (v *verifying) byMiddleware(t *testing.T, q *asked) (r response, reason string) {
	t.Helper()
	whose := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := client.PrincipalFromContext(r.Context())
		w.Header().Set("X-Jeton-User-Id", p.UserID)
		w.Header().Set("Cache-Control", "no-store")
	})
	h := v.Middleware(client.MiddlewareConfig{
		ClientIP:  func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.7") },
		OnRefused: func(_ *http.Request, d client.Decision, _ error) { reason = d.Reason },
	})(whose)
	request := httptest.NewRequest(q.method, "http://placeholder/", http.NoBody)
	request.RequestURI, request.Host, request.Header = q.path, q.host, q.header.Clone()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return read(t, answer.Result()), reason
}

// reasons returns those of the refusals in the audit log at a door.
func (v *verifying) reasons(t *testing.T, door string) (reasons []string) {
	t.Helper()
	for e, err := range v.Admin.Events(t.Context(), client.EventFilter{}) {
		must(t, err)
		if e.Action == "refused" && e.Door == door {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

// table are the calls of TestSameVerdict.
func (v *verifying) table(t *testing.T) []asked {
	t.Helper()
	alice := v.User("anne", "partner")
	token := v.Token("anne")
	v.User("bob")
	bob := v.Token("bob")
	issued := v.APIToken("anne", "batch")
	access := v.AccessToken(issued.Token)
	narrow := v.AccessToken(issued.Token, "reports.write")
	basic := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("anne:"+jetontest.Password))}}
	wrong := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("anne:wrong password"))}}
	flipped := token[:len(token)-1] + "_"
	two := bearerHeader(token)
	two.Add("Authorization", "Bearer "+bob.Reveal())
	text := bearerHeader(flipped)
	text.Set("Accept", "text/plain")
	limited, err := v.Admin.CreateAPIToken(t.Context(), api.NewAPIToken{Name: "limited", User: "anne", ExpiresInDays: 1, RateLimit: &api.RateLimit{Calls: 2, PerSeconds: 86400}})
	must(t, err)
	elsewhere, err := v.Admin.CreateAPIToken(t.Context(), api.NewAPIToken{Name: "elsewhere", User: "anne", ExpiresInDays: 1, AllowedIPs: []string{"198.51.100.0/24", "127.0.0.1"}})
	must(t, err)
	used := v.AccessToken(limited.Token)
	soon(t, "a token is used up", func() bool {
		d, err := v.Decide(t.Context(), get(used))
		return err == nil && d.Reason == "rate_limited"
	})
	return []asked{
		{"let in", "GET", "/reports/7", "", bearerHeader(token)},
		{"again", "GET", "/reports/8?x=/../y", "", bearerHeader(token)},
		{"HEAD", "HEAD", "/reports/7", "", bearerHeader(token)},
		{"host in capitals, with a port", "GET", "/reports/7", "API.example.com:8443", bearerHeader(token)},
		{"her own", "GET", "/users/" + alice.ID, "", bearerHeader(token)},
		{"another's", "GET", "/users/0192f0c1-2a3b-7c4d-8e5f-60718293a4b5", "", bearerHeader(token)},
		{"an access token", "GET", "/reports/7", "", bearerHeader(access)},
		{"a narrowed one", "PUT", "/reports/7", "", bearerHeader(narrow)},
		{"a narrowed one, elsewhere", "GET", "/reports/7", "", bearerHeader(narrow)},
		{"a password", "GET", "/reports/7", "", basic},
		{"not a partner", "GET", "/reports/7", "", bearerHeader(bob)},
		{"no operation", "GET", "/invoices", "", bearerHeader(token)},
		{"another method", "DELETE", "/reports/7", "", bearerHeader(token)},
		{"no service", "GET", "/reports/7", "www.example.org", bearerHeader(token)},
		{"another service", "GET", "/bills/7", "", bearerHeader(token)},
		{"dot segment", "GET", "/x/../reports/7", "", bearerHeader(token)},
		{"encoded letter", "GET", "/%72eports/7", "", bearerHeader(token)},
		{"encoded slash", "GET", "/reports%2f7", "", bearerHeader(token)},
		{"parameters", "GET", "/reports/7;x", "", bearerHeader(token)},
		{"an honest escape", "GET", "/reports/%C3%BC", "", bearerHeader(token)},
		{"nobody", "GET", "/reports/7", "", http.Header{}},
		{"nobody, as text", "GET", "/reports/7", "", http.Header{"Accept": {"text/plain"}}},
		{"one byte off", "GET", "/reports/7", "", bearerHeader(flipped)},
		{"one byte off, as text", "GET", "/reports/7", "", text},
		{"two", "GET", "/reports/7", "", two},
		{"no token", "GET", "/reports/7", "", http.Header{"Authorization": {"Bearer nonsense"}}},
		{"another scheme", "GET", "/reports/7", "", http.Header{"Authorization": {"Digest x"}}},
		{"two spaces", "GET", "/reports/7", "", http.Header{"Authorization": {"Bearer  " + token.Reveal()}}},
		{"small letters", "GET", "/reports/7", "", http.Header{"Authorization": {"bearer " + token.Reveal()}}},
		{"an API token", "GET", "/reports/7", "", http.Header{"Authorization": {"Bearer " + issued.Token}}},
		{"a cookie", "GET", "/reports/7", "", http.Header{"Cookie": {"jeton_api=nonsense"}}},
		{"from elsewhere", "GET", "/reports/7", "", bearerHeader(v.AccessToken(elsewhere.Token))},
		{"too often", "GET", "/reports/7", "", bearerHeader(used)},
		{"a wrong password", "GET", "/reports/7", "", wrong},
	}
}

// TestSameVerdict puts one table of calls to the gateway and to the middleware: status, challenge, problem, whose it is, and the reason
// in the audit log are the same. Twice: what is remembered by then makes no difference.
func TestSameVerdict(t *testing.T) {
	v := newVerifying(t)
	_, err := v.Admin.CreateService(t.Context(), api.NewService{Name: "bills", Host: host, PathPrefix: "/bills", Default: "authenticated"})
	must(t, err)
	calls := v.table(t)
	soon(t, "the policy is known", func() bool { return v.WaitReady(t.Context()) == nil })
	for range 2 {
		for _, q := range calls {
			if q.host == "" {
				q.host = host
			}
			want := v.byGateway(t, &q)
			got, reason := v.byMiddleware(t, &q)
			if q.name == "another service" { // of which the verifier is none, and the gateway is for all
				want = response{403, "", "", "application/problem+json", "no-store", "nosniff", got.Body, ""}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: the gateway (-) and the middleware (+), by reason %q: %s", q.name, reason, diff)
			}
			if (reason == "") != (want.Status == http.StatusOK) {
				t.Errorf("%s: got reason %q with status %d", q.name, reason, want.Status)
			}
		}
	}
	// What the middleware refused by Jeton's word stands in the audit log, for the reasons for which the gateway refused.
	// The middleware says the first two itself, and a verifier learns of no service but its own.
	except := []string{"no_credential", "two_credentials", "unknown_service", "not_verifier"}
	known := func(door string) []string {
		reasons := v.reasons(t, door)
		reasons = slices.DeleteFunc(reasons, func(r string) bool { return slices.Contains(except, r) })
		slices.Sort(reasons)
		return slices.Compact(reasons)
	}
	soon(t, "the audit log has all reasons", func() bool { return len(known("gateway")) >= 11 && len(known("verify")) >= 11 })
	if diff := cmp.Diff(known("gateway"), known("verify")); diff != "" {
		t.Errorf("reasons at the gateway (-) and of the middleware (+): %s", diff)
	}
}

// TestForgedIdentity: what a client writes about who it is doesn't reach the API, in any spelling; other fields do.
func TestForgedIdentity(t *testing.T) {
	v := newVerifying(t)
	token := v.Token("alice")
	var got http.Header
	next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() })
	h := v.Middleware(client.MiddlewareConfig{Host: host})(next)
	server := httptest.NewServer(h)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/reports/7", http.NoBody)
	must(t, err)
	r.Header = bearerHeader(token)
	forged := []string{
		"Remote-User", "remote_user", "Remote.User", "X-Jeton-User-Id", "x_jeton_user_id", "X-Auth-Request-Email", "X-Forwarded-User", "X-Webauth-User",
		"Remote!User", "remote~user", "X*Jeton'User|Id", "X-Forwarded`User",
	}
	for _, name := range forged {
		r.Header[name] = []string{"admin"}
	}
	r.Header.Set("X-Request-Note", "kept")
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	must(t, res.Body.Close())
	if res.StatusCode != http.StatusOK || got.Get("X-Request-Note") != "kept" {
		t.Fatalf("got status %d and header %v", res.StatusCode, got)
	}
	for name, values := range got {
		if slices.Contains(values, "admin") {
			t.Errorf("got %s: %s", name, values)
		}
	}
}

// TestMiddlewareWithoutJeton: where nobody can say, nothing passes.
func TestMiddlewareWithoutJeton(t *testing.T) {
	v := newVerifying(t)
	v.Close()
	q := asked{method: "GET", path: "/reports/7", host: host, header: bearerHeader(v.Token("alice"))}
	if got, _ := v.byMiddleware(t, &q); got.Status != http.StatusOK { // it is asked each time
		t.Errorf("got %+v from a Jeton that is there", got)
	}
	v.Stop()
	got, reason := v.byMiddleware(t, &q)
	if got.Status != http.StatusServiceUnavailable || got.RetryAfter != "1" || reason != "unavailable" || !strings.Contains(got.Body, `"code":"unavailable"`) {
		t.Errorf("got %+v for the reason %q", got, reason)
	}
}
