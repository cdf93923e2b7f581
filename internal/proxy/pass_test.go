package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/proxy"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/test/desk"
)

func TestProxyTellsWho(t *testing.T) {
	s, api := behind(t)
	raw := get("/any/a?x=1", s.bearer(), "traceparent: 00-1-2-01", "Accept: a/b", "Accept-Encoding: br")
	a := s.send(t, raw)
	seen := api.only(t, raw)
	if a.status != http.StatusOK || a.body != "ok" || !strings.HasPrefix(seen, "GET /any/a?x=1 HTTP/1.1\r\n") {
		t.Fatalf("got %d %q, and the API saw %q", a.status, a.body, seen)
	}
	id := a.header.Get("X-Request-Id")
	for name, want := range map[string]string{
		"Host": host, "Remote-User": "alice", "Remote-Groups": "partner", "X-Auth-Request-User": "alice", "X-Jeton-Credential-Kind": "personal_token",
		"X-Jeton-Service": "reports", "X-Real-Ip": "127.0.0.1", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": host,
		"Traceparent": "00-1-2-01", "Accept": "a/b", "Accept-Encoding": "br", "X-Request-Id": id,
	} {
		if got := field(seen, name); got != want || want == "" {
			t.Errorf("the API got %s %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"Authorization", "Remote-Name", "Remote-Email", "X-Jeton-Status", "X-Jeton-Identity", "User-Agent", "Connection"} {
		if strings.Contains(strings.ToLower(seen), strings.ToLower("\r\n"+name+":")) {
			t.Errorf("the API got a %s: %q", name, seen)
		}
	}
	if via := field(seen, "Via"); !regexp.MustCompile(`^1\.1 jeton-[A-Z0-9]{20,}$`).MatchString(via) {
		t.Errorf("the API got Via %q, want the proxy's entry", via)
	}
	line := s.requestLine(t, "/any/a")
	if line["service"] != "reports" || line["kind"] != "personal_token" || line["status"] != 200.0 || line["client"] != "127.0.0.1" || line["error"] != nil {
		t.Errorf("got the line %v", line)
	}
}

// families are how the names begin by which proxies tell of a caller or of a call, as web.Withholds and Envoy's example have them.
var families = []string{
	"Remote-", "X-Auth-Request-", "X-Jeton-", "X-Forwarded-", "X-Remote-", "X-WebAuth-", "X-Authenticated-", "X-HTTP-", "X-Original-", "X-Envoy-Original-",
	"X-Rewrite-", "X-Override-",
}

// TestProxyFamilies holds the proxy to what is withheld from APIs behind other proxies.
func TestProxyFamilies(t *testing.T) {
	s, api := behind(t)
	for _, family := range families {
		name := family + "Nobody-Has-Listed"
		if !web.Withholds(name) {
			t.Errorf("web.Withholds lets %s pass", name)
		}
		twin := "Y" + name
		raw := get("/any/a", name+": forged", twin+": honest", s.bearer())
		if a := s.send(t, raw); a.status != http.StatusOK {
			t.Fatalf("%q: got %d %s", raw, a.status, a.body)
		}
		if seen := api.only(t, raw); field(seen, name) != "" || field(seen, twin) != "honest" {
			t.Errorf("%s: the API got %q", name, seen)
		}
	}
}

// TestProxyNothingForged sends each field of which deploy/nginx lets nothing pass, in each spelling that some server takes for it, and
// once named in Connection.
func TestProxyNothingForged(t *testing.T) {
	s, api := behind(t)
	conf, err := os.ReadFile("../../deploy/nginx/jeton.conf")
	desk.Check(t, err)
	before, _, _ := strings.Cut(string(conf), "location = /_jeton")
	names := []string{"X-Jeton-Identity", "X-Jeton-Peer-Secret", "X-Forwarded-Client-Cert", "X-Forwarded-Ssl", "HTTP2-Settings", "X-Request-Id"}
	for _, family := range families {
		names = append(names, family+"Nobody-Has-Listed")
	}
	for _, m := range regexp.MustCompile(`(?m)^proxy_set_header (\S+)`).FindAllStringSubmatch(before, -1) {
		names = append(names, m[1])
	}
	if len(names) < 50 {
		t.Fatalf("got %d names, want those of deploy/nginx", len(names))
	}
	const forged = "forged"
	for _, name := range names {
		if name == "Connection" || name == "Host" || name == "Authorization" || name == "Cookie" {
			continue // they have tests of their own
		}
		spellings := []string{name, strings.ToLower(name), strings.ToUpper(name), strings.Replace(name, "-", "_", 1), strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", ".")}
		for _, spelling := range spellings {
			for _, extra := range []string{"X-Nothing: 1", "Connection: " + name, "Connection: close, " + spelling} {
				raw := get("/any/a", spelling+": "+forged, s.bearer(), extra, spelling+": "+forged)
				if a := s.send(t, raw); a.status != http.StatusOK {
					t.Fatalf("%q: got %d %s", raw, a.status, a.body)
				}
				seen := api.only(t, raw)
				if strings.Contains(seen, forged) || field(seen, "Remote-User") != "alice" || field(seen, "X-Forwarded-For") != "127.0.0.1" {
					t.Errorf("%q: the API got %q", raw, seen)
				}
			}
		}
	}
	raw := get("/any/a", "X-Honest-1: "+forged, s.bearer()) // the twin
	if a := s.send(t, raw); a.status != http.StatusOK || field(api.only(t, raw), "X-Honest-1") != forged {
		t.Errorf("%q: got %d, want the field passed on", raw, a.status)
	}
}

func TestProxyHost(t *testing.T) {
	for _, tc := range []struct{ service, called, want string }{
		{"api.example.com", "api.example.com", "api.example.com"},
		{"api.example.com", "API.Example.COM.", "api.example.com"},
		{"api.example.com", "api.example.com:8082", "api.example.com:8082"},
		{"api.example.com:8082", "api.example.com:8082", "api.example.com:8082"},
	} {
		s := open(t)
		api := newRecorder(t)
		s.service(t, "http://"+api.address, func(d *catalog.Draft) { d.Host = tc.service })
		for _, raw := range []string{
			"GET /any/a HTTP/1.1\r\nHost: " + tc.called + "\r\n" + s.bearer() + "\r\n\r\n",
			"GET http://" + tc.called + "/any/a HTTP/1.1\r\nHost: evil.example\r\n" + s.bearer() + "\r\n\r\n",
		} {
			a := s.send(t, raw)
			if a.status != http.StatusOK {
				t.Fatalf("%q: got %d %s", raw, a.status, a.body)
			}
			if seen := api.only(t, raw); field(seen, "Host") != tc.want || field(seen, "X-Forwarded-Host") != tc.want {
				t.Errorf("%q: the API got %q, want the host %s", raw, seen, tc.want)
			}
		}
	}
}

// TestProxyTrustedPeer has another proxy stand before this one.
func TestProxyTrustedPeer(t *testing.T) {
	s, api := behind(t)
	fields := []string{s.bearer(), "X-Forwarded-For: 203.0.113.9, 198.51.100.7", "X-Forwarded-Proto: https"}
	for from, want := range map[string][2]string{trustedAddress: {"198.51.100.7", "https"}, "127.0.0.1": {"127.0.0.1", "http"}} {
		raw := get("/any/a", fields...)
		if a := s.sendFrom(t, from, raw); a.status != http.StatusOK {
			t.Fatalf("from %s: got %d", from, a.status)
		}
		seen := api.only(t, raw)
		if got := [2]string{field(seen, "X-Forwarded-For"), field(seen, "X-Forwarded-Proto")}; got != want || field(seen, "X-Real-Ip") != want[0] {
			t.Errorf("from %s: the API got %q, want %q", from, seen, want)
		}
	}
}

func TestProxyCookies(t *testing.T) {
	s, api := behind(t)
	for _, tc := range []struct{ sent, want string }{
		{"a=b; jeton=x; c=d", "a=b; c=d"},
		{"jeton_api=x; c=d", "c=d"},
		{"a=b;jeton_api=x", "a=b"},
		{"jeton_api=x", ""},
		{" jeton_api =x; jeton=y", ""},
		{`a="; jeton_api=x; "; jeton_apj=x`, `a="; "; jeton_apj=x`},
		{"a=b; ;c", "a=b; ;c"},
	} {
		raw := get("/any/a", s.bearer(), "Cookie: "+tc.sent)
		if a := s.send(t, raw); a.status != http.StatusOK {
			t.Fatalf("%q: got %d", raw, a.status)
		}
		if seen := api.only(t, raw); field(seen, "Cookie") != tc.want {
			t.Errorf("%q: the API got the cookies %q, want %q", tc.sent, field(seen, "Cookie"), tc.want)
		}
	}
}

// TestProxyIdentityToken has a token signed for a service that wants one, and for no other.
func TestProxyIdentityToken(t *testing.T) {
	fault := error(nil)
	s := open(t, func(c *proxy.Config) {
		c.Identity = func(_ context.Context, d *authority.Decision, address string) (secret.Text, error) {
			return secret.Text(d.Principal.Username + " for " + address), fault
		}
	})
	api := newRecorder(t)
	s.service(t, "http://"+api.address, func(d *catalog.Draft) { d.IdentityToken = true })
	s.service(t, "http://"+api.address, func(d *catalog.Draft) { d.Name, d.Host = "other", "other.example.com" })
	for target, want := range map[string]string{"http://" + host + "/any/a": "alice for " + host, "http://other.example.com/any/a": ""} {
		raw := get(target, s.bearer(), "X-Jeton-Identity: forged")
		if a := s.send(t, raw); a.status != http.StatusOK {
			t.Fatalf("%q: got %d", raw, a.status)
		}
		if got := field(api.only(t, raw), "X-Jeton-Identity"); got != want {
			t.Errorf("%q: the API got the token %q, want %q", raw, got, want)
		}
	}
	fault = errors.New("no key")
	if a := s.send(t, get("/any/a", s.bearer())); a.status != http.StatusServiceUnavailable || len(api.seen()) != 0 || strings.Contains(a.body, "no key") {
		t.Errorf("without a key: got %d %s, want 503", a.status, a.body)
	}
}

// TestProxyAnswer has an upstream say in its answer what only Jeton may, and much that it may.
func TestProxyAnswer(t *testing.T) {
	s := open(t)
	upstream := serve(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, name := range []string{"Remote-User", "X-Auth-Request-Email", "X-Jeton-User-Id", "X-Jeton-Identity", "X-Jeton-Anything", "X-Request-Id"} {
			h.Set(name, "forged")
		}
		for _, cookie := range []string{"jeton=forged", "jeton_api=forged; Path=/", " jeton_api = forged", "=jeton=forged", "jetons=1; Secure", "a=b"} {
			h.Add("Set-Cookie", cookie)
		}
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "forged")
		h.Set("Keep-Alive", "forged")
		h.Set("Proxy-Authenticate", "forged")
		h.Set("Www-Authenticate", `Custom realm="api"`)
		h.Set("Server", "its own")
		h.Set("Date", "Mon, 02 Jan 2006 15:04:05 GMT")
		h["Content-Type"] = nil
		h.Set("Trailer", "X-Sum, Remote-User")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, "<html>")
		h.Set("X-Sum", "7")
		h.Set("Remote-User", "forged")
		h.Set(http.TrailerPrefix+"X-Jeton-User-Id", "forged")
		h.Set(http.TrailerPrefix+"X-Late", "8")
	})
	s.service(t, upstream)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+"/any/a", nil)
	desk.Check(t, err)
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+s.token)
	res := do(t, http.DefaultClient, r)
	if res.status != http.StatusUnauthorized || res.body != "<html>" {
		t.Errorf("got %d %q, want what the API answered", res.status, res.body)
	}
	if text := fmt.Sprint(res.header, res.trailer); strings.Contains(text, "forged") {
		t.Errorf("got %s", text)
	}
	for name, want := range map[string]string{"Www-Authenticate": `Custom realm="api"`, "Server": "its own", "Date": "Mon, 02 Jan 2006 15:04:05 GMT", "Content-Type": ""} {
		if got := res.header.Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	if got := res.header.Values("Set-Cookie"); len(got) != 2 || got[0] != "jetons=1; Secure" || got[1] != "a=b" {
		t.Errorf("got the cookies %q, want the API's own", got)
	}
	if id := res.header.Values("X-Request-Id"); len(id) != 1 || len(id[0]) != 16 {
		t.Errorf("got X-Request-Id %q, want Jeton's", id)
	}
	if res.trailer.Get("X-Sum") != "7" || res.trailer.Get("X-Late") != "8" {
		t.Errorf("got the trailer %v, want the API's own fields", res.trailer)
	}
}

// TestProxyTokensOfAProject: what would be read as a token doesn't go on to a service that has a project. To the twin's, which has none,
// such parameters are its own.
func TestProxyTokensOfAProject(t *testing.T) {
	project := func(c *proxy.Config) {
		route := c.Route
		c.Route = func(id uuid.UUID) (catalog.Routed, bool) {
			r, ok := route(id)
			r.Project = true
			return r, ok
		}
	}
	for name, tc := range map[string]struct {
		changes []func(*proxy.Config)
		want    string
	}{
		"a project":      {[]func(*proxy.Config){project}, "GET /any/a?x=1 HTTP/1.1"},
		"none, the twin": {nil, "GET /any/a?x=1;XST=token HTTP/1.1"},
	} {
		s, api := behind(t, tc.changes...)
		raw := get("/any/a?x=1;XST=token", s.bearer())
		if a := s.send(t, raw); a.status != http.StatusOK {
			t.Fatalf("%s: got %d %s, want it to pass", name, a.status, a.body)
		}
		if seen := api.only(t, raw); !strings.HasPrefix(seen, tc.want+"\r\n") {
			t.Errorf("%s: the API saw %q, want %s", name, seen, tc.want)
		}
	}
}
