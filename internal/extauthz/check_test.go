package extauthz_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/extauthz"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/test/desk"
)

func TestNew(t *testing.T) {
	d := openDoor(t)
	whole := extauthz.Config{Authority: d.Authority, Peers: d.Peers, Kinds: kinds(), Ready: ready(true), Logger: discard(), Now: d.Now}
	if _, err := extauthz.New(whole); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	for name, change := range map[string]func(*extauthz.Config){
		"no authority": func(c *extauthz.Config) { c.Authority = nil },
		"no peers":     func(c *extauthz.Config) { c.Peers = nil },
		"no kinds":     func(c *extauthz.Config) { c.Kinds = 0 },
		"no readiness": func(c *extauthz.Config) { c.Ready = nil },
		"no logger":    func(c *extauthz.Config) { c.Logger = nil },
		"no clock":     func(c *extauthz.Config) { c.Now = nil },
	} {
		cfg := whole
		change(&cfg)
		if _, err := extauthz.New(cfg); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestIdentity lets a call pass, and looks at what the API gets.
func TestIdentity(t *testing.T) {
	d := openDoor(t)
	_, bare := d.person(t, account.Draft{Username: "bob", Roles: []string{"partner"}})
	call := get(d.token, field{"cookie", "a=b"}, field{"proxy-authorization", "Basic x"}, field{"x-other", "kept"}, field{"x-forwarded-for", "203.0.113.1"}).to("/v2/reports/7?a=b&a=c&XST=1")
	for name, asked := range map[string]*authv3.CheckRequest{"raw": call.raw(), "joined": call.joined()} {
		answer, refusals := d.ask(t, asked)
		header, path := call.arrives(t, answer)
		id := d.alice.ID.String()
		want := map[string][]string{
			"remote-user": {"alice"}, "remote-name": {"Alice Liddell"}, "remote-email": {"alice@example.com"}, "remote-groups": {"auditor,partner"},
			"x-auth-request-user": {"alice"}, "x-auth-request-email": {"alice@example.com"}, "x-auth-request-groups": {"auditor,partner"},
			"x-auth-request-preferred-username": {"alice"},
			"x-jeton-user-id":                   {id}, "x-jeton-credential-kind": {"personal_token"}, "x-jeton-credential-id": {id}, "x-jeton-service": {"reports"},
			"x-other": {"kept"}, "x-forwarded-for": {clientAddress}, "x-real-ip": {clientAddress},
		}
		if diff := cmp.Diff(want, header); diff != "" || len(refusals) > 0 {
			t.Errorf("%s: the API gets (-want +got):\n%s", name, diff)
		}
		if path != call.path {
			t.Errorf("%s: the API gets %s, want it as it came, since the service has no project: %s", name, path, call.path)
		}
	}
	call = get(bare)
	answer, _ := d.ask(t, call.raw())
	header, _ := call.arrives(t, answer)
	for _, name := range []string{"remote-name", "remote-email", "x-auth-request-email", "x-jeton-status"} {
		if got, there := header[name]; there {
			t.Errorf("a user without: the API gets %s %q", name, got)
		}
	}
	if header["remote-user"][0] != "bob" {
		t.Errorf("got %v, want bob", header)
	}
}

// TestForgedHeadersNeverArrive has a client name somebody else, or another call than its own, in every way that some server believes.
func TestForgedHeadersNeverArrive(t *testing.T) {
	d := openDoor(t)
	_, bare := d.person(t, account.Draft{Username: "bob", Roles: []string{"partner"}})
	var names []string
	for _, name := range web.IdentityNames {
		names = append(names, name, strings.ToUpper(name), strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", "."), name+"_", strings.Replace(name, "-", "~", 1))
	}
	names = append(names, web.Withheld()...)
	names = append(names, "X-Remote-Role", "X_Forwarded_For", "x-original-url!", "X-Real_IP", "X-Real-IP", "X-Jeton-Peer-Secret", "X-Auth-Request-Role")
	for _, name := range names {
		for _, token := range []string{d.token, bare} {
			forged := field{name, "canary-root"}
			if name == "authorization" {
				forged.value = "Bearer " + token
				token = ""
			}
			call := get(token, forged, field{"X-Kept", "canary-kept"})
			for way, asked := range map[string]*authv3.CheckRequest{"raw": call.raw(), "joined": call.joined()} {
				answer, _ := d.ask(t, asked)
				header, _ := call.arrives(t, answer)
				for arrived, values := range header {
					if all := strings.Join(values, ","); strings.Contains(all, "canary-root") || strings.Contains(all, "Bearer") {
						t.Errorf("%s, %s: the API gets %s %q", way, name, arrived, all)
					}
				}
				if got := header["x-kept"]; len(got) != 1 {
					t.Errorf("%s, %s: the API doesn't get what is harmless", way, name)
				}
			}
		}
	}
}

// refusal is a call that is refused, beside its twin that is let in: as nearly the same as can be.
type refusal struct {
	name              string
	refused, admitted *authv3.CheckRequest
	status            int
	code              codes.Code
	reason            authority.Reason
	kind              string
}

// changed is a question with something about it changed.
func changed(asked *authv3.CheckRequest, change func(*authv3.AttributeContext_HttpRequest)) *authv3.CheckRequest {
	change(asked.GetAttributes().GetRequest().GetHttp())
	return asked
}

// last returns a token with another last character.
func last(token string) string {
	end := "0"
	if strings.HasSuffix(token, end) {
		end = "1"
	}
	return token[:len(token)-1] + end
}

// bearer is a call by GET with some fields of its own.
func bearer(values ...string) *phoned {
	c := get("")
	for _, value := range values {
		c.fields = append(c.fields, field{"authorization", value})
	}
	return c
}

func refusals(t *testing.T, d *door) []refusal {
	t.Helper()
	carol, blocked := d.person(t, account.Draft{Username: "carol", Roles: []string{"partner"}})
	state := account.Blocked
	_, err := d.Accounts.Update(t.Context(), carol.ID, 0, account.Patch{State: &state}, audit.Actor{})
	desk.Check(t, err)
	_, stranger := d.person(t, account.Draft{Username: "dave"})
	d.service(t, catalog.Draft{Name: "doubted", Host: "doubted.example.com"})
	d.service(t, catalog.Draft{Name: "trusted", Host: "trusted.example.com"})
	d.Suspend(t, "doubted")
	unknown, err := secret.Make(secret.Personal, strings.NewReader(strings.Repeat("never issued", 99)))
	desk.Check(t, err)
	good := func() *authv3.CheckRequest { return get(d.token).raw() }
	at := func(host string) *authv3.CheckRequest {
		c := get(d.token)
		c.host = host
		return c.raw()
	}
	by := func(method string) *authv3.CheckRequest {
		c := get(d.token)
		c.method = method
		return c.raw()
	}
	type http = authv3.AttributeContext_HttpRequest
	const personal, u, p = "personal_token", codes.Unauthenticated, codes.PermissionDenied
	return []refusal{
		{"nothing", get("").raw(), good(), 401, u, authority.ReasonNoCredential, ""},
		{"an empty field", bearer("").raw(), good(), 401, u, authority.ReasonNoCredential, ""},
		{"another scheme", bearer("Bearex " + d.token).raw(), bearer("bearer " + d.token).raw(), 401, u, authority.ReasonUnknownScheme, ""},
		{"another tag", bearer("Bearer jtq" + d.token[3:]).raw(), good(), 401, u, authority.ReasonUnrecognized, ""},
		{"bad checksum", bearer("Bearer " + last(d.token)).raw(), good(), 401, u, authority.ReasonBadChecksum, personal},
		{"bad checksum, joined", bearer("Bearer " + last(d.token)).joined(), get(d.token).joined(), 401, u, authority.ReasonBadChecksum, personal},
		{"never issued", bearer("Bearer " + unknown.Reveal()).raw(), good(), 401, u, authority.ReasonUnknown, personal},
		{"blocked", bearer("Bearer " + blocked).raw(), good(), 401, u, authority.ReasonBlocked, personal},
		{"two credentials", bearer("Bearer "+d.token, "Bearer "+d.token).raw(), good(), 400, p, authority.ReasonTwoCredentials, ""},
		{"two credentials, one empty", bearer("Bearer "+d.token, "").raw(), good(), 400, p, authority.ReasonTwoCredentials, ""},
		{"two credentials, joined", bearer("Bearer "+d.token, "Bearer "+d.token).joined(), get(d.token).joined(), 401, u, authority.ReasonBadChecksum, personal},
		{"two credentials, one empty, joined", bearer("Bearer "+d.token, "").joined(), get(d.token).joined(), 401, u, authority.ReasonBadChecksum, personal},
		{"two credentials, first empty, joined", bearer("", "Bearer "+d.token).joined(), get(d.token).joined(), 401, u, authority.ReasonUnknownScheme, ""},
		{"two passwords, joined", bearer("Basic YTpi", "Basic YTpi").joined(), get(d.token).joined(), 401, u, authority.ReasonMalformed, "password"},
		{"too long", bearer("Basic " + strings.Repeat("A", 1369)).raw(), good(), 400, p, authority.ReasonTooLong, "password"},

		{"not in the audience", get(stranger).raw(), good(), 403, p, authority.ReasonNotInAudience, personal},
		{"another method", by("POST"), by("HEAD"), 403, p, authority.ReasonNoOperation, personal},
		{"another path", get(d.token).to("/v2/reportx/7").raw(), good(), 403, p, authority.ReasonNoOperation, personal},
		{"a forged host", at("api.example.con"), at("api.example.com"), 403, p, authority.ReasonUnknownService, personal},
		{"a suspended service", at("doubted.example.com"), at("trusted.example.com"), 403, p, authority.ReasonServiceSuspended, personal},
		{"a dot segment", get(d.token).to("/v2/reports/../7").raw(), get(d.token).to("/v2/reports/..7").raw(), 403, p, authority.ReasonAmbiguousPath, personal},
		{"an encoded slash", get(d.token).to("/v2/reports/a%2fb").raw(), get(d.token).to("/v2/reports/a%20b").raw(), 403, p, authority.ReasonAmbiguousPath, personal},
		{"two slashes", get(d.token).to("//v2/reports/7").raw(), good(), 403, p, authority.ReasonUnknownService, personal},
		{"a semicolon", get(d.token).to("/v2/reports/7;a").raw(), get(d.token).to("/v2/reports/7:a").raw(), 403, p, authority.ReasonAmbiguousPath, personal},
		{"a fragment", get(d.token).to("/v2/reports/7#a").raw(), get(d.token).to("/v2/reports/7?#a").raw(), 403, p, authority.ReasonAmbiguousPath, personal},
		{"OPTIONS for all", get(d.token).to("*").raw(), good(), 403, p, authority.ReasonUnknownService, personal},

		{"a space in the query", get(d.token).to("/v2/reports/7?a b").raw(), get(d.token).to("/v2/reports/7?a%20b").raw(), 400, p, authority.ReasonUnreadableCall, ""},
		{"no HTTP", &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Source: good().Attributes.Source}}, good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"no method", changed(get(d.token).asked(new(http)), func(h *http) { h.Method = "" }), good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"a method in small letters", by("GEt"), by("GET"), 400, p, authority.ReasonUnreadableCall, ""},
		{"no host", at(""), good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"two hosts", at("api.example.com, api.example.com"), good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"a path in the host", at("api.example.com/v2"), good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"no path", get(d.token).to("").raw(), good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"two words on the path", changed(good(), func(h *http) { h.Path = "/v2/reports/8" }), changed(good(), func(h *http) { h.Path = "/v2/reports/7" }), 400, p, authority.ReasonUnreadableCall, ""},
		{"two words on the path, joined", changed(get(d.token).joined(), func(h *http) { h.Path = "/v2/reports/8" }), get(d.token).joined(), 400, p, authority.ReasonUnreadableCall, ""},
		{"two words on the method", changed(good(), func(h *http) { h.Method = "HEAD" }), good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"two words on the host", changed(good(), func(h *http) { h.Host = "api.example.con" }), good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"a path twice", changed(good(), func(h *http) { h.HeaderMap.Headers = append(h.HeaderMap.Headers, h.HeaderMap.Headers[1]) }), good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"a value in two forms", changed(good(), func(h *http) { h.HeaderMap.Headers[4].Value = "x" }), good(), 400, p, authority.ReasonUnreadableCall, ""},
		{"a path that may be another's", get(d.token).to("/v2/reports/!").joined(), get(d.token).to("/v2/reports/!").raw(), 400, p, authority.ReasonUnreadableCall, ""},
	}
}

func TestRefusals(t *testing.T) {
	d := openDoor(t)
	first := "" // of the answers to failed credentials, which look alike
	for _, tc := range refusals(t, d) {
		t.Run(tc.name, func(t *testing.T) {
			if answer, events := d.ask(t, tc.admitted); status(t, answer) != http.StatusOK || len(events) != 0 {
				t.Errorf("twin: got %v and the refusals %v, want it let in", answer, events)
			}
			answer, events := d.ask(t, tc.refused)
			if got := status(t, answer); got != tc.status || codes.Code(answer.GetStatus().GetCode()) != tc.code {
				t.Errorf("got %d and code %d, want %d and %d", got, answer.GetStatus().GetCode(), tc.status, tc.code)
			}
			if len(events) != 1 || events[0].Reason != string(tc.reason) || events[0].Actor.CredentialKind != tc.kind || events[0].Door != "envoy" || events[0].Actor.Address != clientAddress {
				t.Errorf("got the refusals %+v, want one at envoy's door, of %s, with reason %q and kind %q", events, clientAddress, tc.reason, tc.kind)
			}
			told := toldHeader(answer)
			for name, want := range map[string]string{"cache-control": "no-store", "x-content-type-options": "nosniff", "content-type": "application/problem+json"} {
				if told[name] != want {
					t.Errorf("got %s %q, want %q", name, told[name], want)
				}
			}
			id := told["x-request-id"]
			if len(id) != 16 || !strings.Contains(answer.GetDeniedResponse().GetBody(), `"instance":"`+id+`"`) {
				t.Errorf("got request ID %q and body %s, want the one in the other", id, answer.GetDeniedResponse().GetBody())
			}
			if tc.status != http.StatusUnauthorized {
				return
			}
			if want := `Bearer realm="jeton", Basic realm="jeton", charset="UTF-8"`; told["www-authenticate"] != want {
				t.Errorf("got the challenge %q, want %q", told["www-authenticate"], want)
			}
			got := strings.ReplaceAll(answer.String(), id, "")
			if first == "" {
				first = strings.Join(strings.Fields(got), " ")
			}
			if got = strings.Join(strings.Fields(got), " "); got != first {
				t.Errorf("got\n%s\nwant what the first got:\n%s", got, first)
			}
		})
	}
}

// toldHeader returns the header fields of an answer to the client.
func toldHeader(answer *authv3.CheckResponse) map[string]string {
	told := map[string]string{}
	for _, o := range answer.GetDeniedResponse().GetHeaders() {
		told[o.GetHeader().GetKey()] += o.GetHeader().GetValue()
	}
	return told
}

// TestPlainText answers a client that takes no JSON.
func TestPlainText(t *testing.T) {
	d := openDoor(t)
	answer, _ := d.ask(t, get("", field{"accept", "text/plain"}).raw())
	if got := toldHeader(answer)["content-type"]; got != "text/plain; charset=utf-8" || strings.Contains(answer.GetDeniedResponse().GetBody(), "{") {
		t.Errorf("got %s %q, want plain text", got, answer.GetDeniedResponse().GetBody())
	}
}

// TestHonestPaths sends bytes beyond ASCII, which APIs have in their paths: as they are, where Envoy says them as they are.
func TestHonestPaths(t *testing.T) {
	d := openDoor(t)
	d.service(t, catalog.Draft{Name: "all", Host: "all.example.com"})
	for _, path := range []string{"/é", "/%C3%A9", "/a%20b", "/!", "/a/b/", "/a?b=../c;d//e%2f", "/"} {
		c := get(d.token).to(path)
		c.host = "all.example.com:8443"
		if answer, _ := d.ask(t, c.raw()); status(t, answer) != http.StatusOK {
			t.Errorf("%s: got %v, want it let in", path, answer)
		}
	}
	// Envoy says '!' of this byte but in the header, where it says what the API gets: and that is what is judged.
	_, err := d.Catalog.Create(t.Context(), catalog.Draft{Name: "mark", Host: "mark.example.com", Default: policy.DefaultDeny}, audit.Actor{})
	desk.Check(t, err)
	_, err = d.Catalog.Replace(t.Context(), "mark", 1, []catalog.Operation{{Pattern: "GET /a!", Audience: []string{"role:partner"}}}, audit.Actor{})
	desk.Check(t, err)
	for path, want := range map[string]int{"/a!": http.StatusOK, "/a\xff": http.StatusForbidden} {
		c := get(d.token).to(path)
		c.host = "mark.example.com"
		if answer, _ := d.ask(t, c.raw()); status(t, answer) != want {
			t.Errorf("%q: got %v, want %d", path, answer, want)
		}
	}
}

// TestSealedTokens: the token in the query says who calls, and doesn't reach the API, however its name is spelled.
func TestSealedTokens(t *testing.T) {
	d := openDoor(t)
	_, err := d.Projects.Create(t.Context(), project.Draft{Number: 7, Name: "Seven"}, audit.Actor{})
	desk.Check(t, err)
	set, _, err := d.Projects.AddSet(t.Context(), 7, project.SetDraft{Name: "safe"}, audit.Actor{})
	desk.Check(t, err)
	d.service(t, catalog.Draft{Name: "documents", Host: "docs.example.com", Project: 7})
	made, err := d.Projects.Seal(t.Context(), project.Screen{Number: 7, Set: set.ID, Parameter: "XST"}, secret.Text("UserName=alice&GenDT="+d.Now().Format("2006-01-02T15:04:05Z")), audit.Actor{})
	desk.Check(t, err)
	for _, tc := range []struct {
		name, token, query string
		status             int
		reason             authority.Reason
		arrives            string
	}{
		{"plain", "", "a=b&XST=" + made.URL, 200, "", "a=b"},
		{"first and in small letters", "", "xst=" + made.URL + "&a=b&XSC=", 200, "", "XSC=&a=b"},
		{"percent-encoded", "", "%58S%54=" + made.URL + "&a=b", 200, "", "a=b"},
		{"alone", "", "XST=" + made.URL, 200, "", ""},
		{"beside an empty one of the other", "", "XST=" + made.URL + "&XuT&c", 200, "", "c="},
		{"beside one behind a semicolon", "", "XST=" + made.URL + "&c=1;XST=" + made.URL + "&d=1;e", 200, "", "d=1;e"},
		{"beside a name that can't be decoded", "", "XST=" + made.URL + "&%u0058ST=" + made.URL + "&c=%zz", 200, "", "c=%zz"},
		{"beside a name that Envoy can't be told", "", "XST=" + made.URL + "&%u0058ST\xff=" + made.URL, 400, authority.ReasonUnreadableCall, ""},
		{"beside a value that Envoy can't be told", "", "XST=" + made.URL + "&c=\xff", 200, "", "c=\xff"},
		{"twice", "", "XST=" + made.URL + "&xst=1", 400, authority.ReasonTwoCredentials, ""},
		{"beside a bearer token", d.token, "XST=" + made.URL, 400, authority.ReasonTwoCredentials, ""},
		{"changed", "", "XST=A" + made.URL[1:] + "A", 401, authority.ReasonBadSeal, ""},
	} {
		call := get(tc.token).to("/7?" + tc.query)
		call.host = "docs.example.com"
		answer, events := d.ask(t, call.raw())
		if got := status(t, answer); got != tc.status {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.status)
			continue
		}
		if strings.Contains(answer.String(), made.URL[:20]) {
			t.Errorf("%s: the answer holds the token", tc.name)
		}
		if tc.reason != "" {
			if len(events) != 1 || events[0].Reason != string(tc.reason) {
				t.Errorf("%s: got the refusals %+v, want one for %s", tc.name, events, tc.reason)
			}
			continue
		}
		header, path := call.arrives(t, answer)
		if _, query, _ := strings.Cut(path, "?"); query != tc.arrives || header["x-jeton-credential-kind"][0] != "sealed" {
			t.Errorf("%s: the API gets the query %q and %v, want %q and a sealed token's user", tc.name, query, header, tc.arrives)
		}
	}
	if log := d.Log.String(); strings.Contains(log, made.URL[:20]) {
		t.Errorf("the log holds the token:\n%s", log)
	}
}

// TestUnavailable lets the database fail for a token that isn't remembered. It is a denial and no error of gRPC, by which the call
// would pass where Envoy is set to failure_mode_allow.
func TestUnavailable(t *testing.T) {
	d := openDoor(t)
	down := errors.New("no database")
	d.Users.Err.Store(&down)
	answer, events := d.ask(t, get(d.token).raw())
	if got := status(t, answer); got != http.StatusServiceUnavailable || codes.Code(answer.GetStatus().GetCode()) != codes.PermissionDenied || toldHeader(answer)["retry-after"] != "1" {
		t.Errorf("got %v, want 503, to be tried again after a second", answer)
	}
	if len(events) != 1 || events[0].Reason != "unavailable" {
		t.Errorf("got the refusals %+v, want one for unavailable", events)
	}
	d.Users.Err.Store(nil)
	if answer, _ := d.ask(t, get(d.token).raw()); status(t, answer) != http.StatusOK {
		t.Errorf("twin: got %v, want it let in", answer)
	}
}

// TestQuotas: a caller whose calls are bounded hears what is left to it, let in or not.
func TestQuotas(t *testing.T) {
	d := openDoor(t)
	_, err := d.Catalog.Create(t.Context(), catalog.Draft{
		Name: "busy", Host: "busy.example.com", Default: policy.DefaultAuthenticated, Rate: authority.Rate{Calls: 2, Per: time.Minute},
	}, audit.Actor{})
	desk.Check(t, err)
	for i, want := range []struct {
		status int
		left   string
	}{{200, `"service";r=1;t=30`}, {200, `"service";r=0;t=30`}, {429, `"service";r=0;t=30`}} {
		call := get(d.token)
		call.host = "busy.example.com"
		answer, events := d.ask(t, call.raw())
		told := toldHeader(answer)
		for _, o := range answer.GetOkResponse().GetResponseHeadersToAdd() {
			told[o.GetHeader().GetKey()] = o.GetHeader().GetValue()
		}
		if got := status(t, answer); got != want.status || told["ratelimit"] != want.left || told["ratelimit-policy"] != `"service";q=2;w=60` {
			t.Errorf("call %d: got %d and %v, want %d and %s", i+1, got, told, want.status, want.left)
		}
		if want.status == http.StatusTooManyRequests && (len(events) != 1 || events[0].Reason != string(authority.ReasonServiceRateLimited) || told["retry-after"] != "30") {
			t.Errorf("got the refusals %v and Retry-After %q, want one, for half a minute", events, told["retry-after"])
		}
	}
	if answer, _ := d.ask(t, get(d.token).raw()); len(answer.GetOkResponse().GetResponseHeadersToAdd()) > 0 {
		t.Errorf("a call that nothing bounds: its caller is told %v", answer.GetOkResponse().GetResponseHeadersToAdd())
	}
}

// TestBrowsers: the session's cookie counts for a write only where the browser says that the call's own page makes it.
func TestBrowsers(t *testing.T) {
	d := openDoor(t)
	d.service(t, catalog.Draft{Name: "all", Host: "all.example.com"})
	cookies, err := d.Browsers.Begin(t.Context(), &authority.Principal{User: authority.User{ID: d.alice.ID}}, [16]byte{}, audit.Actor{})
	desk.Check(t, err)
	cookie := field{"cookie", desk.APICookie + "=" + cookies.API.Reveal()}
	for _, tc := range []struct {
		name   string
		fields []field
		status int
		reason string
	}{
		{"the API's own page", []field{cookie, {"sec-fetch-site", "same-origin"}}, 200, ""},
		{"a page from elsewhere", []field{cookie, {"sec-fetch-site", "cross-site"}}, 403, "cross_origin"},
		{"two words", []field{cookie, {"sec-fetch-site", "same-origin"}, {"sec-fetch-site", "same-origin"}}, 403, "cross_origin"},
		{"the API's origin", []field{cookie, {"origin", "https://all.example.com"}}, 200, ""},
		{"another origin", []field{cookie, {"origin", "https://all.example.con"}}, 403, "cross_origin"},
		{"silence", []field{cookie}, 403, "cross_origin"},
		{"another site's WebSocket", []field{{":method", "GET"}, cookie, {"upgrade", "websocket"}, {"origin", "https://all.example.con"}}, 403, "cross_origin"},
		{"the API's own WebSocket", []field{{":method", "GET"}, cookie, {"upgrade", "WebSocket"}, {"origin", "https://all.example.com"}}, 200, ""},
		{"another site's GET", []field{{":method", "GET"}, cookie, {"origin", "https://all.example.con"}}, 200, ""},
		{"the cookie twice", []field{cookie, cookie, {"sec-fetch-site", "same-origin"}}, 400, "two_credentials"},
		{"the console's cookie", []field{{"cookie", desk.ConsoleCookie + "=" + cookies.Console.Reveal()}, {"sec-fetch-site", "same-origin"}}, 401, "no_credential"},
	} {
		c := get("", tc.fields...)
		c.method, c.host = "POST", "all.example.com"
		if tc.fields[0].name == ":method" {
			c.method, c.fields = tc.fields[0].value, tc.fields[1:]
		}
		answer, events := d.ask(t, c.raw())
		if got := status(t, answer); got != tc.status || (tc.reason == "") != (len(events) == 0) || tc.reason != "" && events[0].Reason != tc.reason {
			t.Errorf("%s: got %d and the refusals %v, want %d for %q", tc.name, got, events, tc.status, tc.reason)
		}
		if tc.name == "the cookie twice" { // joined, no server finds it twice
			continue
		}
		if answer, _ := d.ask(t, c.joined()); status(t, answer) != tc.status {
			t.Errorf("%s, joined: got %v, want %d", tc.name, answer, tc.status)
		}
	}
}

// TestClient asks whose address counts: who is at the other end of Envoy's connection, unless that is a peer that is trusted.
func TestClient(t *testing.T) {
	d := openDoor(t)
	d.Peers.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")})
	for _, tc := range []struct {
		name, source string
		forwarded    []string
		want         string
	}{
		{"a client", clientAddress, nil, clientAddress},
		{"a client that names another", clientAddress, []string{"203.0.113.1"}, clientAddress},
		{"a client that names a peer", clientAddress, []string{"10.0.0.1"}, clientAddress},
		{"a load balancer", "10.0.0.1", []string{"203.0.113.1"}, "203.0.113.1"},
		{"a load balancer behind which somebody forges", "10.0.0.1", []string{"203.0.113.9, 203.0.113.1"}, "203.0.113.1"},
		{"two", "10.0.0.1", []string{"203.0.113.9, 203.0.113.1", "10.0.0.2"}, "203.0.113.1"},
		{"a load balancer that says nothing", "10.0.0.1", nil, "10.0.0.1"},
		{"IPv4 in IPv6", "::ffff:203.0.113.1", nil, "203.0.113.1"},
		{"a zone", "fe80::1%canary", nil, "fe80::1"},
		{"no address", "", []string{"203.0.113.1"}, "127.0.0.1"},
		{"no IP address", "@envoy", []string{"203.0.113.1"}, "127.0.0.1"},
	} {
		var fields []field
		for _, value := range tc.forwarded {
			fields = append(fields, field{"X-Forwarded-For", value})
		}
		fields = append(fields, field{"X-Real-IP", "192.0.2.99"}, field{"X-Envoy-External-Address", "192.0.2.98"})
		for _, token := range []string{d.token, last(d.token)} {
			call := get(token, fields...)
			for _, asked := range []*authv3.CheckRequest{call.raw(), call.joined()} {
				asked.Attributes.Source.Address = address(tc.source)
				answer, events := d.ask(t, asked)
				if token != d.token {
					if len(events) != 1 || events[0].Actor.Address != tc.want {
						t.Errorf("%s: got the refusals %+v, want the address %s", tc.name, events, tc.want)
					}
					continue
				}
				if header, _ := call.arrives(t, answer); header["x-forwarded-for"][0] != tc.want || header["x-real-ip"][0] != tc.want {
					t.Errorf("%s: the API gets %q and %q, want %s", tc.name, header["x-forwarded-for"], header["x-real-ip"], tc.want)
				}
			}
		}
	}
}

// TestPeers: who isn't trusted learns nothing, whatever it asks, and its question isn't read.
func TestPeers(t *testing.T) {
	d := openDoor(t)
	want := func(name string, asked *authv3.CheckRequest, md metadata.MD, want int) {
		t.Helper()
		answer, err := d.Check(metadata.NewOutgoingContext(t.Context(), md), asked)
		desk.Check(t, err)
		events := d.Refusals.Drain(d.Now())
		if got := status(t, answer); got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
		if want == http.StatusForbidden && (len(events) != 1 || events[0].Reason != "untrusted_peer" || events[0].Actor.Address != "127.0.0.1" || events[0].Target.Name != "") {
			t.Errorf("%s: got the refusals %+v, want one of an untrusted peer, with its address alone", name, events)
		}
	}
	want("trusted", get(d.token).raw(), nil, http.StatusOK)
	d.Peers.Require("the peer's secret")
	shown := func(values ...string) metadata.MD { return metadata.MD{"x-jeton-peer-secret": values} }
	want("with its secret", get(d.token).raw(), shown("the peer's secret"), http.StatusOK)
	want("one byte different", get(d.token).raw(), shown("the peer's secreu"), http.StatusForbidden)
	want("without it", get(d.token).raw(), nil, http.StatusForbidden)
	want("with it twice", get(d.token).raw(), shown("the peer's secret", "the peer's secret"), http.StatusForbidden)
	want("where a client shows it", get(d.token, field{"x-jeton-peer-secret", "the peer's secret"}).raw(), nil, http.StatusForbidden)
	d.Peers.Require("")
	d.Peers.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")})
	want("from elsewhere", get(d.token).raw(), nil, http.StatusForbidden)
	want("from elsewhere, badly", new(authv3.CheckRequest), nil, http.StatusForbidden)
}
