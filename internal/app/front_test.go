package app_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/jeton-io/jeton/internal/app"
)

// front is a Jeton with its proxy listener, before an API that keeps what it sees.
type front struct {
	*doors
	host string // of calls
	api  string // where it is

	mu   sync.Mutex
	seen []string
}

// newFront starts one, with the service reports on api.example.com before the API, and plain on plain.example.com, both open to whoever
// is known. The former names no profile yet.
func newFront(t *testing.T, flags ...string) *front {
	t.Helper()
	return newFrontWith(t, func(*app.Options) {}, flags...)
}

// newFrontWith is newFront with changes to the options.
func newFrontWith(t *testing.T, changes func(*app.Options), flags ...string) *front {
	t.Helper()
	f := &front{host: "api.example.com"}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw bytes.Buffer
		_ = r.Write(&raw)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen = append(f.seen, raw.String())
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		_, _ = io.WriteString(w, "the API's")
	}))
	t.Cleanup(upstream.Close)
	f.api = upstream.URL
	f.doors = newDoorsWith(t, changes, append(flags, "--proxy-listen", "127.0.0.1:0")...)
	f.make(t, "PATCH /v1/services/reports", `{"upstream":"`+f.api+`","default":"authenticated"}`)
	f.make(t, "POST /v1/services", `{"name":"plain","host":"plain.example.com","upstream":"`+f.api+`","default":"authenticated"}`)
	return f
}

// sawn returns what the API has seen since the last time.
func (f *front) sawn() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(f.seen, "")
	f.seen = nil
	return all
}

// call writes a request to the proxy listener as it stands, and returns the answer and what the API saw of it.
func (f *front) call(t *testing.T, line, body string, header ...string) (got answered, answer, seen string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", f.addresses.Proxy.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	lines := append([]string{line + " HTTP/1.1", "Host: " + f.host, fmt.Sprint("Content-Length: ", len(body)), "Connection: close"}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"+body); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(line, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{res.StatusCode, res.Header}, string(text), f.sawn()
}

// answered is an answer without its body.
type answered struct {
	status int
	header http.Header
}

const (
	exchangeLine = "POST /m42Services/api/ApiToken/GenerateAccessTokenFromApiToken"
	loginLine    = "POST /api/v1/authenticate"
)

// TestFrontProfiles: on the host of a service that names a profile, and on no other, the profile's paths are served before the API, with
// what every answer of Jeton's own carries. In any other spelling they are the API's, and judged as such.
func TestFrontProfiles(t *testing.T) {
	f := newFront(t)
	f.make(t, "PATCH /v1/services/reports", `{"profile":"matrix42"}`)
	f.make(t, "POST /v1/services", `{"name":"logins","host":"api.example.com","path_prefix":"/logins","upstream":"`+f.api+`","profile":"bitcanuck"}`)
	token, apiToken := f.shown["personal_token"], f.shown["api_token"]
	for _, tc := range []struct {
		name, host, line string
		header           []string
		want             string // what a profile answers, or the reason of a refusal; empty where the API answers
	}{
		{"exchange", "api.example.com", exchangeLine + "/?", []string{apiToken}, `{"RawToken":`},
		{"exchange in small letters", "api.example.com", strings.ToLower(exchangeLine[5:]), nil, ""},
		{"exchange without a token", "api.example.com", exchangeLine, nil, "null"},
		{"exchange at a port", "API.example.com.:8082", exchangeLine, []string{apiToken}, `{"RawToken":`},
		{"an absolute target", "other.example.com", "POST http://api.example.com" + exchangeLine[5:], []string{apiToken}, `{"RawToken":`},
		{"an absolute target of another host", "api.example.com", "POST http://plain.example.com" + exchangeLine[5:], []string{apiToken}, "exchange_first"},
		{"log-in, of a service below a prefix", "api.example.com", loginLine, nil, `{"error":`},
		{"platform", "api.example.com", loginLine + "-jwt/x", nil, `{"error":`},
		{"log-out", "api.example.com", "POST /api/v1/logout", nil, `{"error":`},
		{"another host", "plain.example.com", exchangeLine, []string{token}, ""},
		{"a log-in at another host", "plain.example.com", loginLine, nil, "no_credential"},
		{"a profile that no service names", "api.example.com", "GET /XDocUi/", []string{token}, ""},
		{"below the prefix", "api.example.com", "POST /logins/api/v1/authenticate", []string{token}, "no_operation"},
		{"two slashes", "api.example.com", "POST //m42Services/api/ApiToken/GenerateAccessTokenFromApiToken", []string{token}, "ambiguous_path"},
		{"two slashes at the end", "api.example.com", exchangeLine + "//", []string{token}, "ambiguous_path"},
		{"an encoded letter", "api.example.com", "POST /m42Services/%61pi/ApiToken/GenerateAccessTokenFromApiToken", []string{token}, "ambiguous_path"},
		{"an encoded slash", "api.example.com", exchangeLine + "%2F", []string{token}, "ambiguous_path"},
		{"a dot segment", "api.example.com", "POST /x/.." + exchangeLine[5:], []string{token}, "ambiguous_path"},
		{"a parameter", "api.example.com", exchangeLine + ";x=1", []string{token}, "ambiguous_path"},
		{"one letter more", "api.example.com", exchangeLine + "s", []string{token}, ""},
		{"another log-in", "api.example.com", "POST /api/v1/authenticat%65", []string{token}, "ambiguous_path"},
		{"below a log-in", "api.example.com", "POST /api/v1/authenticate/x", []string{token}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !strings.Contains(tc.line, " ") {
				tc.line, tc.want, tc.header = "POST "+tc.line, `{"RawToken":`, []string{apiToken}
			}
			f.host, f.refused = tc.host, f.refusals(t)
			res, answer, seen := f.call(t, tc.line, "", tc.header...)
			own := res.header.Get("Content-Security-Policy") == "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
			switch told := f.told(t, "proxy", res.status); {
			case tc.want == "":
				if res.status != http.StatusOK || answer != "the API's" || seen == "" || res.header["Cross-Origin-Opener-Policy"] != nil {
					t.Errorf("got %s %v %s, want the API's answer", told, res.header, answer)
				}
			case strings.Contains(tc.want, "_"):
				if !strings.HasSuffix(told, " "+tc.want) || res.status < 401 || seen != "" {
					t.Errorf("got %s %s, and the API saw %q, want it refused for %s", told, answer, seen, tc.want)
				}
			default:
				if !strings.HasPrefix(answer, tc.want) || seen != "" || !own || res.header.Get("X-Request-Id") == "" {
					t.Errorf("got %s %v %s, and the API saw %q, want %s from the profile", told, res.header, answer, seen, tc.want)
				}
			}
		})
	}
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	if logged := strings.Count(f.stderr.String(), `"listener":"proxy"`); logged != 22 {
		t.Errorf("got %d lines for 22 requests", logged)
	}
}

// TestFrontOff: a profile that is turned off has no paths, whatever a service names; its clients' credentials reach the API no more
// than before.
func TestFrontOff(t *testing.T) {
	for profile, tc := range map[string]struct{ on, off string }{"toy": {"admin wrote ", "the API's"}, "xdoc": {"<!doctype html>", "the API's"}} {
		for on, want := range map[bool]string{true: tc.on, false: tc.off} {
			xdoc := map[bool]string{true: "on", false: "off"}[on]
			f := newFrontWith(t, addToy(on), "--xdoc", xdoc)
			f.make(t, "PATCH /v1/services/reports", `{"profile":"`+profile+`"}`)
			line := map[string]string{"toy": "POST " + toyPath, "xdoc": "GET /XDocUi/?XST=x"}[profile]
			token := f.shown["personal_token"]
			if profile == "xdoc" && !on {
				line = "GET /XDocUi/" // beside a token of another kind the authority would refuse it
			}
			header := []string{"X-Toy-Key: " + f.texts["personal_token"]}
			if profile == "xdoc" || !on {
				header = append(header, token)
			}
			_, answer, seen := f.call(t, line, "", header...)
			if !strings.HasPrefix(answer, want) || profile == "toy" && strings.Contains(seen, "X-Toy-Key") {
				t.Errorf("%s, turned on: %t: got %s, and the API saw %q, want %s", profile, on, answer, seen, want)
			}
		}
	}
}

// TestFrontFields: the header field in which BitCanuck's clients send an assertion reaches no API of a host with that profile, and is
// another API's own business.
func TestFrontFields(t *testing.T) {
	f := newFront(t)
	f.make(t, "PATCH /v1/services/reports", `{"profile":"bitcanuck"}`)
	for host, want := range map[string]bool{"api.example.com": false, "api.example.com:8082": false, "plain.example.com": true} {
		f.host = host
		_, answer, seen := f.call(t, "GET /reports/7", "", f.shown["personal_token"], "tOKEN: canary")
		if answer != "the API's" || strings.Contains(seen, "canary") != want {
			t.Errorf("%s: got %s, and the API saw %q, want it with the field: %t", host, answer, seen, want)
		}
	}
	f.host = "api.example.com"
	if _, answer, _ := f.call(t, loginLine+"-jwt/"+f.platform, "", "Token: "+f.texts["assertion"]); !strings.HasPrefix(answer, `{"data":`) {
		t.Errorf("got %s, want the profile to have it", answer)
	}
}

// TestFrontPeers: who called is for a trusted peer alone to say, as on the public listener.
func TestFrontPeers(t *testing.T) {
	for trusted, want := range map[string]string{"127.0.0.1": "198.51.100.7", "192.0.2.1": "127.0.0.1"} {
		f := newFront(t, "--trusted-peers", trusted)
		f.make(t, "PATCH /v1/services/reports", `{"profile":"matrix42"}`)
		f.call(t, exchangeLine, "", "X-Real-IP: 198.51.100.7", bearerField+"x")
		if err := f.stop(); err != nil {
			t.Fatal(err)
		}
		line := ""
		for l := range strings.Lines(f.stderr.String()) {
			if strings.Contains(l, `"listener":"proxy"`) {
				line += l
			}
		}
		if !strings.Contains(line, `"client":"`+want+`"`) || !strings.Contains(line, `"reason":"unrecognized"`) {
			t.Errorf("%s is trusted: got %q, want the client %s", trusted, line, want)
		}
	}
}

// TestFrontForwarded: a call that XDOC's profile passes on is answered by the API alone, with a body of any length; what is refused
// there is Jeton's own answer, with all that goes with it, and so is that the API is gone.
func TestFrontForwarded(t *testing.T) {
	f := newFront(t)
	f.make(t, "PATCH /v1/services/reports", `{"profile":"xdoc"}`)
	token, kind := f.shown["personal_token"], "Content-Type: text/xml"
	const call = "POST /XDocApi/?XM=Document.DocumentAddXml"
	long := strings.Repeat("x", 2<<20)
	got, answer, seen := f.call(t, call+"&XST=", long, token, kind)
	if answer != "the API's" || len(got.header["Content-Security-Policy"]) != 1 || got.header.Get("Content-Security-Policy") != "script-src 'self'" || got.header["Cross-Origin-Opener-Policy"] != nil {
		t.Errorf("got %v %.200s, want the API's answer as it was", got, answer)
	}
	if !strings.Contains(seen, long) || !strings.HasPrefix(seen, call+" ") || strings.Contains(seen, f.texts["personal_token"]) {
		t.Errorf("the API saw %.300q, want the whole call without a credential", seen)
	}
	own := func(name, code string, got answered, answer, seen string) {
		t.Helper()
		if !strings.Contains(answer, "<ServiceResponse") || got.header.Get("XwsResultCode") != code || got.header.Get("Cross-Origin-Opener-Policy") != "same-origin" || got.header.Get("Cache-Control") != "no-store" || seen != "" {
			t.Errorf("%s: got %v %s, and the API saw %q, want Jeton's own answer of the code %s", name, got, answer, seen, code)
		}
	}
	got, answer, seen = f.call(t, call, "", token+"x", kind)
	own("refused", "403", got, answer, seen)
	f.make(t, "PATCH /v1/services/reports", `{"upstream":"http://127.0.0.1:1"}`)
	got, answer, seen = f.call(t, call, "", token, kind)
	own("gone", "502", got, answer, seen)
	f.make(t, "PATCH /v1/services/reports", `{"upstream":null}`)
	got, answer, seen = f.call(t, call, "", token, kind)
	own("nowhere", "404", got, answer, seen)
}
