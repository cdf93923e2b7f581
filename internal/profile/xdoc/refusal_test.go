package xdoc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

// unreadable is a body that nobody may look into.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("unreadable")
}

// TestRefusals has tokens refused for every reason that a way in knows, in the same bytes, with the reason in the audit log, and
// the twin admitted that differs by the token alone.
func TestRefusals(t *testing.T) {
	d := newEdge(t)
	for _, reason := range authority.Reasons() {
		if o := reason.Outcome(); o != authority.OutcomeUnauthenticated && o != authority.OutcomeForbidden {
			continue
		}
		t.Run(string(reason), func(t *testing.T) {
			d.golden(t, "api-success", d.send(t, get(apiTest+goodURL)))
			d.wantBegun(t, d.send(t, get(link+goodURL)), "/XDocUi/?AppLink=Doc.View&XSC=MySecurityContext&ProjectId=1000")
			d.wantRefused(t, "", "", "")
			d.golden(t, "api-refused", d.send(t, get(apiTest+string(reason))))
			d.wantRefused(t, string(reason), "sealed", "GET /XDocApi/")
			d.golden(t, "ui-refused", d.send(t, get(link+string(reason))))
			d.wantRefused(t, string(reason), "sealed", "GET /XDocUi/")
		})
	}
}

// TestUserRefused: tokens that are good say nothing for a user who isn't.
func TestUserRefused(t *testing.T) {
	d := newEdge(t)
	blocked, active := account.Blocked, account.Active
	for _, tc := range []struct {
		state  *account.State
		reason string
	}{{&blocked, "blocked"}, {&active, ""}} {
		_, err := d.Accounts.Update(t.Context(), d.user.ID, 0, account.Patch{State: tc.state}, audit.Actor{})
		check(t, err)
		d.authority.Forget(uuid.Nil)
		api, ui := "api-refused", "ui-refused"
		if tc.reason == "" {
			api, ui = "api-success", "ui-begun"
		}
		d.golden(t, api, d.send(t, get(apiTest+goodURL)))
		d.wantRefused(t, tc.reason, "sealed", "GET /XDocApi/")
		d.golden(t, ui, d.send(t, get(link+goodURL)))
		d.wantRefused(t, tc.reason, "sealed", "GET /XDocUi/")
	}
	check(t, d.Accounts.Delete(t.Context(), d.user.ID, audit.Actor{}))
	d.authority.Forget(uuid.Nil)
	d.golden(t, "ui-refused", d.send(t, get(link+goodURL)))
	d.wantRefused(t, "user_deleted", "sealed", "GET /XDocUi/")
}

// TestOtherCredentials presents every other thing without a token: cookies are not read, and what a header says is not taken.
func TestOtherCredentials(t *testing.T) {
	d := newEdge(t)
	john := &authority.Principal{User: authority.User{ID: d.user.ID, Username: "john", Active: true}}
	personal, _, err := d.Personal.Rotate(t.Context(), john, audit.Actor{})
	check(t, err)
	cookies, err := d.Browsers.Begin(t.Context(), john, uuid.Nil, audit.Actor{})
	check(t, err)
	const target = "XM=App.ApiTest&InputData=hello+%26+%3Cworld%3E&XEXTKEY=42&XEXTINFO=%22info%22&XSC=MySecurityContext&ProjectId=1000"
	for name, tc := range map[string]struct{ field, reason, kind string }{
		"nothing":         {"X: y", "no_credential", ""},
		"API session":     {"Cookie: jeton_api=" + cookies.API.Reveal(), "no_credential", ""},
		"two of these":    {"Cookie: jeton_api=a; jeton_api=b", "no_credential", ""},
		"console session": {"Cookie: jeton=" + cookies.Console.Reveal(), "no_credential", ""},
		"personal token":  {"Authorization: Bearer " + personal.Reveal(), "not_accepted_here", "personal_token"},
		"unknown scheme":  {"Authorization: XST " + goodURL, "unknown_scheme", ""},
		"a field XST":     {"XST: " + goodURL, "no_credential", ""},
		"a referer":       {"Referer: https://api.example.com/XDocApi/?XST=" + goodURL, "no_credential", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d.golden(t, "api-refused", d.send(t, get("/XDocApi/?"+target).plus(tc.field)))
			d.wantRefused(t, tc.reason, tc.kind, "GET /XDocApi/")
			for _, query := range []string{"?AppLink=Doc.View", "?XST=&XUT=", "?XSC=x&ProjectId=1000", ""} {
				d.golden(t, "ui-no-token", d.send(t, get("/XDocUi/"+query).plus(tc.field)))
			}
			d.wantRefused(t, "", "", "") // nothing was asked
		})
	}
}

// TestMalformed has no verdict on a token.
func TestMalformed(t *testing.T) {
	d := newEdge(t)
	most := strings.Repeat("A", 8<<10)
	for _, tc := range []struct {
		name     string
		refused  request
		admitted request // but for the answer to the token that is in it
		status   int
		reason   string
	}{
		{"two security tokens", get("/XDocApi/?XST=" + goodURL + "&XST=" + goodURL), get("/XDocApi/?XST=" + goodURL + "&XSU=" + goodURL), 400, "two_credentials"},
		{"two, one percent-encoded", get("/XDocApi/?XST=" + goodURL + "&XS%54=" + goodURL), get("/XDocApi/?XST=" + goodURL + "&XS%55=" + goodURL), 400, "two_credentials"},
		{"two, one in another case", get("/XDocApi/?XST=" + goodURL + "&xst=" + goodURL), get("/XDocApi/?XST=" + goodURL + "&xsu=" + goodURL), 400, "two_credentials"},
		{"two, one empty", get("/XDocApi/?XST=" + goodURL + "&XST"), get("/XDocApi/?XST=" + goodURL + "&XS"), 400, "two_credentials"},
		{"in query and form", post("/XDocApi/?XST="+goodURL, "XST="+goodURL), post("/XDocApi/?XST="+goodURL, "XSU="+goodURL), 400, "two_credentials"},
		{"in query and parts", parts("/XDocApi/?XST="+goodURL, "XST", good), parts("/XDocApi/?XST="+goodURL, "XSU", good), 400, "two_credentials"},
		{"two parts", parts("/XDocApi/", "XST", good, "xst", good), parts("/XDocApi/", "XST", good, "xsu", good), 400, "two_credentials"},
		{"two user tokens", get("/XDocApi/?XST=" + goodURL + "&XUT=a&XUT=a"), get("/XDocApi/?XST=" + goodURL + "&XUT=a"), 400, "two_credentials"},
		{"two contexts", get("/XDocApi/?XST=" + goodURL + "&XSC=a&XSC=a"), get("/XDocApi/?XST=" + goodURL + "&XSC=a"), 400, "two_credentials"},
		{"two projects", post("/XDocApi/?ProjectId=1000", "XST="+goodURL+"&projectid=1000"), post("/XDocApi/?ProjectId=1000", "XST="+goodURL), 400, "two_credentials"},
		{"a bearer token beside", get("/XDocApi/?XST=" + goodURL).plus("Authorization: Bearer x"), get("/XDocApi/?XST=" + goodURL).plus("X-Authorization: Bearer x"), 400, "two_credentials"},
		{"an empty field beside", get("/XDocApi/?XST=" + goodURL).plus("Authorization: "), get("/XDocApi/?XST=" + goodURL), 400, "two_credentials"},
		{"beside a form", post("/XDocApi/", "XUT=a&XST="+goodURL).plus("Authorization: Basic eDp5"), post("/XDocApi/", "XUT=a&XST="+goodURL), 400, "two_credentials"},
		{"too long", post("/XDocApi/", "XST="+most+"A"), post("/XDocApi/", "XST="+most), 400, "too_long"},
		{"a user token that is", post("/XDocApi/", "XST="+goodURL+"&XUT="+most+"A"), post("/XDocApi/", "XST="+goodURL+"&XUT="+most), 400, "too_long"},
		{"a form that isn't one", request{"POST /XDocApi/?XST=" + goodURL, []string{partType}, "--c\r\n\r\n--c--"}, parts("/XDocApi/?XST="+goodURL, "a", "b"), 400, ""},
		{"a form that doesn't end", request{"POST /XDocApi/?XST=" + goodURL, []string{partType}, "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nb"}, parts("/XDocApi/?XST="+goodURL, "a", "b"), 400, ""},
		{"no boundary", request{"POST /XDocApi/?XST=" + goodURL, []string{"Content-Type: multipart/form-data"}, "x"}, parts("/XDocApi/?XST="+goodURL, "a", "b"), 400, ""},
		{"a type that can't be read", request{"POST /XDocApi/?XST=" + goodURL, []string{"Content-Type: a/b; c"}, "x"}, request{"POST /XDocApi/?XST=" + goodURL, []string{"Content-Type: a/b; c=d"}, "x"}, 400, ""},
		{"two types", post("/XDocApi/?XST="+goodURL, "a=b").plus(partType), post("/XDocApi/?XST="+goodURL, "a=b"), 400, ""},
		{"a form too large", post("/XDocApi/?XST="+goodURL, strings.Repeat("&", 64<<10+1)), post("/XDocApi/?XST="+goodURL, strings.Repeat("&", 64<<10)), 413, ""},
		{"parts too large", parts("/XDocApi/?XST="+goodURL, "a", strings.Repeat("b", 64<<10)), parts("/XDocApi/?XST="+goodURL, "a", strings.Repeat("b", 63<<10)), 413, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d.refused()
			a := d.send(t, tc.refused)
			a.wantCode(t, tc.status, fmt.Sprint(tc.status))
			d.wantRefused(t, tc.reason, "", strings.Split(tc.refused.line, "?")[0])
			if a := d.send(t, tc.admitted); a.status != http.StatusOK {
				t.Errorf("got %d %s for the twin, want a verdict", a.status, a.body)
			}
			d.refused()

			page := tc.refused
			page.line = strings.Replace(page.line, "XDocApi", "XDocUi", 1)
			if a := d.send(t, page); a.status != tc.status || len(a.header["Set-Cookie"]) != 0 || !strings.Contains(a.body, "<h1>") {
				t.Errorf("got %d %s for a page, want %d", a.status, a.body, tc.status)
			}
			d.wantRefused(t, tc.reason, "", strings.Split(page.line, "?")[0])
		})
	}
}

// TestAskedTwice: of a method or what it is called with there is one.
func TestAskedTwice(t *testing.T) {
	d := newEdge(t)
	for _, name := range []string{"XM", "InputData", "IsError", "XEXTKEY", "XEXTINFO"} {
		query := "/XDocApi/?" + name + "=a&XST=" + goodURL
		d.send(t, get(query+"&"+strings.ToLower(name)+"=a")).wantCode(t, 400, "400")
		d.send(t, post(query, name+"=a")).wantCode(t, 400, "400")
		d.send(t, get("/XDocApi/?"+name+"=%zz&XST="+goodURL)).wantCode(t, 400, "400")
		d.wantRefused(t, "", "", "")
		if a := d.send(t, get(query+"&other=a&other=%zz")); a.status != http.StatusOK {
			t.Errorf("%s: got %d for the twin", name, a.status)
		}
	}
}

// TestMethods: only who has a good token hears which methods there are.
func TestMethods(t *testing.T) {
	d := newEdge(t)
	for _, method := range []string{"", "App", "App.", ".ApiTest", "app.apitest", "App.ApiTest2", "A.App.ApiTest", "App.ApiTest%20", "Container.ContainerInfo"} {
		d.send(t, get("/XDocApi/?XM="+method+"&XST="+goodURL)).wantCode(t, 200, "404")
		d.wantRefused(t, "", "", "")
		d.send(t, get("/XDocApi/?XM="+method+"&XST=bad_seal")).wantCode(t, 200, "403")
		d.wantRefused(t, "bad_seal", "sealed", "GET /XDocApi/")
	}
	for value, code := range map[string]string{"1": "4001", "0": "0", "": "0", "true": "0"} {
		a := d.send(t, get("/XDocApi/?XM=App.ApiTest&InputData=x&IsError="+value+"&XST="+goodURL))
		a.wantCode(t, 200, code)
		if got := envelope(t, a); (got.ReturnData == "x") != (code == "0") {
			t.Errorf("IsError=%s: got the data %q", value, got.ReturnData)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "OPTIONS", "PATCH", "get", "TRACE"} {
		for _, target := range []string{apiTest, link} {
			a := d.send(t, request{line: method + " " + target + goodURL})
			if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD, POST" || len(a.header["Set-Cookie"]) != 0 || a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s: got %s", method, target, a.raw)
			}
		}
	}
	d.wantRefused(t, "", "", "") // nobody was asked who calls
}

// TestNoVerdict: where nobody can tell, no client must take its token for a bad one.
func TestNoVerdict(t *testing.T) {
	d := newEdge(t)
	fault := errors.New("no database: canary")
	full := fmt.Errorf("storing: %w", authority.ErrStorageFull)
	for _, tc := range []struct {
		name   string
		fail   func(*error)
		fault  error
		target string
		status int
	}{
		{"who calls", d.Users.Err.Store, fault, apiTest, 503},
		{"whose page", d.Users.Err.Store, fault, link, 503},
		{"a session", d.sessions.err.Store, fault, link, 503},
		{"no room", d.sessions.err.Store, full, link, 507},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d.authority.Forget(uuid.Nil)
			d.Log.Take()
			tc.fail(&tc.fault)
			a := d.send(t, get(tc.target+goodURL))
			if a.status != tc.status || strings.Contains(a.raw, "canary") || tc.status == 503 && a.header.Get("Retry-After") != "1" || len(a.header["Set-Cookie"]) != 0 {
				t.Errorf("got %s, want %d and nothing of the cause", a.raw, tc.status)
			}
			d.wantRefused(t, "unavailable", "sealed", "GET "+strings.Split(tc.target, "?")[0])
			d.wantLine(t, map[string]any{"level": "ERROR", "status": float64(tc.status), "reason": "unavailable"})
			tc.fail(nil)
			if a := d.send(t, get(tc.target+goodURL)); a.status >= 400 {
				t.Errorf("when it is back: got %d %s", a.status, a.body)
			}
		})
	}
}

// TestChangedMeanwhile changes the user between the proof and the session: who calls is asked anew, once, but of tokens that have
// had their one use it would be wrong to say that they are bad.
func TestChangedMeanwhile(t *testing.T) {
	blocked := account.Blocked
	update := func(d *edge, p account.Patch) {
		_, _ = d.Accounts.Update(context.Background(), d.user.ID, 0, p, audit.Actor{})
		d.authority.Forget(uuid.Nil) // the desk's feed tells another authority
	}
	rename := func(d *edge) { update(d, account.Patch{DisplayName: new(uuid.NewString())}) }
	for name, tc := range map[string]struct {
		happens func(*edge)
		token   string
		status  int
		reason  string
		caught  int64
	}{
		"nothing":       {func(*edge) {}, goodURL, 303, "", 1},
		"nothing, once": {func(*edge) {}, "once", 303, "", 1},
		"renamed":       {rename, goodURL, 303, "", 2},
		"renamed twice": {func(d *edge) { rename(d); again := func() { rename(d) }; d.sessions.before.Store(&again) }, goodURL, 503, "unavailable", 2},
		"renamed, once": {rename, "once", 503, "replayed", 2},
		"blocked":       {func(d *edge) { update(d, account.Patch{State: &blocked}) }, goodURL, 403, "blocked", 2},
		"deleted":       {func(d *edge) { _ = d.Accounts.Delete(context.Background(), d.user.ID, audit.Actor{}) }, goodURL, 403, "user_deleted", 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := newEdge(t)
			happens := func() { tc.happens(d) }
			d.sessions.before.Store(&happens)
			if a := d.send(t, get(link+tc.token)); a.status != tc.status || (a.status == 303) != (len(a.header["Set-Cookie"]) == 1) {
				t.Errorf("got %s, want %d", a.raw, tc.status)
			}
			d.wantRefused(t, tc.reason, "sealed", "GET /XDocUi/")
			if n := d.feed.caught.Load(); n != tc.caught {
				t.Errorf("got the feed heard %d times, want %d", n, tc.caught)
			}
		})
	}
}

// TestDeaf: who can't hear of the change can't say who calls.
func TestDeaf(t *testing.T) {
	d := newEdge(t)
	fault := errors.New("no feed: canary")
	d.feed.err.Store(&fault)
	d.wantBegun(t, d.send(t, get("/XDocUi/?XST="+goodURL)), "/XDocUi/") // the first time it may fail: the authority knows
	happens := func() {
		_, _ = d.Accounts.Update(context.Background(), d.user.ID, 0, account.Patch{DisplayName: new("John")}, audit.Actor{})
	}
	d.sessions.before.Store(&happens)
	d.golden(t, "ui-unavailable", d.send(t, get(link+goodURL)))
	d.wantRefused(t, "unavailable", "sealed", "GET /XDocUi/")
}

// wantLine compares members of the request's line in the log.
func (d *edge) wantLine(t *testing.T, want map[string]any) {
	t.Helper()
	text := d.Log.Take()
	got := map[string]any{}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Errorf("got %q, want one line of JSON: %v", text, err)
	}
	shown := map[string]any{}
	for name := range want {
		shown[name] = got[name]
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("the log's line (-want +got):\n%s", diff)
	}
}

// TestLog: a line tells who called, by what and where, and nothing of a query.
func TestLog(t *testing.T) {
	d := newEdge(t)
	john, set := d.user.ID.String(), d.way.set.String()
	for _, tc := range []struct {
		q    request
		want map[string]any
	}{
		{get(apiTest + goodURL), map[string]any{
			"level": "INFO", "listener": "public", "status": 200.0, "method": "GET", "host": "api.example.com", "path": "/XDocApi/", "client": clientAddress,
			"kind": "sealed", "user_id": john, "credential_id": set, "reason": nil, "error": nil,
		}},
		{get("/XDocUi?XST=" + goodURL), map[string]any{"status": 303.0, "path": "/XDocUi/", "kind": "sealed", "user_id": john, "reason": nil}},
		{get(apiTest + "expired"), map[string]any{"level": "INFO", "status": 200.0, "reason": "expired", "user_id": nil, "error": nil}},
		{get("/XDocApi/?XM=x&XST=" + goodURL), map[string]any{"status": 200.0, "reason": nil, "user_id": john}},
		{get("/XDocApi/?XM=a&XM=b"), map[string]any{"level": "INFO", "status": 400.0, "reason": "parameter_twice"}},
		{get("/XDocUi/"), map[string]any{"level": "INFO", "status": 404.0, "reason": "not_found"}},
		{request{line: "PUT /XDocUi/"}, map[string]any{"status": 405.0, "method": "PUT", "reason": "method_not_allowed"}},
	} {
		d.Log.Take()
		d.send(t, tc.q)
		d.wantLine(t, tc.want)
	}
}

// TestCanary sends secrets in every place, good and bad, and searches what is kept and said for them.
func TestCanary(t *testing.T) {
	d := newEdge(t)
	const canary, user = "canaryXSTcanary", "canaryXUTcanary"
	fault := errors.New("no database")
	said := ""
	for _, faulty := range []bool{false, true} {
		if faulty {
			d.sessions.err.Store(&fault)
		}
		for _, path := range []string{"/XDocApi/", "/XDocUi/"} {
			for _, q := range []request{
				get(path + "?XST=" + canary + "&XUT=" + user), get(path + "?XST=once" + canary + "&XUT=" + user), get(path + "?XST=once" + canary + "&xut=" + user),
				get(path + "?XST=" + canary + "&XST=" + user), get(path + "?XST=" + canary).plus("Authorization: Bearer " + user),
				get(path + "?XST=" + canary).plus("Referer: https://a/?XST=" + user), post(path, "XST="+canary+"&XUT="+user),
				post(path, "XST=fault&XUT="+user), parts(path, "XST", canary, "XUT", user), parts(path, "XST", "once"+canary+path, "XUT", user),
				{line: "PUT " + path + "?XST=" + canary},
				{line: "POST " + path + "?XST=" + canary, headers: []string{"Content-Type: x"}, body: user},
				post(path, "XST="+canary+strings.Repeat("A", 8<<10)), post(path, "XUT="+user+strings.Repeat("A", 64<<10)),
				get(path + "XST=" + canary + "&XUT=" + user), get("/x" + path + "xst%3D" + canary + "?XUT=" + user),
			} {
				said += d.send(t, q).raw
			}
		}
	}
	said += d.Log.Take()
	events, err := d.Store.Events(t.Context(), audit.Query{Limit: 1000})
	check(t, err)
	for _, e := range append(events, d.refused()...) {
		text, err := json.Marshal(e)
		check(t, err)
		said += string(text)
	}
	if !strings.Contains(said, d.user.ID.String()) || !strings.Contains(said, "two_credentials") || !strings.Contains(said, "replayed") || !strings.Contains(said, "[secret]") {
		t.Fatal("there is too little to search")
	}
	for _, word := range []string{canary, user} {
		if at := strings.Index(said, word); at >= 0 {
			t.Errorf("got a token in %q", said[max(0, at-200):at+len(word)])
		}
	}
}

// TestPages: each page is a whole one, without scripts, in both colour schemes.
func TestPages(t *testing.T) {
	d := newEdge(t)
	for _, target := range []string{link + "bad_seal", link + "throttled", link + "fault", "/XDocUi/", link + goodURL + "&XST=a"} {
		a := d.send(t, get(target))
		n, err := html.Parse(strings.NewReader(a.body))
		check(t, err)
		elements := map[string]int{}
		for e := range n.Descendants() {
			if e.Type == html.ElementNode {
				elements[e.Data]++
			}
			for _, attribute := range e.Attr {
				if strings.HasPrefix(attribute.Key, "on") || attribute.Key == "style" || attribute.Key == "href" || attribute.Key == "src" {
					t.Errorf("%s: got %s=%q", target, attribute.Key, attribute.Val)
				}
			}
		}
		want := map[string]int{"html": 1, "head": 1, "title": 1, "meta": 3, "body": 1, "main": 1, "h1": 1, "p": 2, "code": 1}
		if diff := cmp.Diff(want, elements); diff != "" {
			t.Errorf("%s: the page's elements (-want +got):\n%s", target, diff)
		}
		for name, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: got %s: %q, want %q", target, name, got, want)
			}
		}
		if !strings.HasPrefix(a.body, "<!doctype html>\n<html lang=\"en\">") || !strings.Contains(a.body, `content="light dark"`) {
			t.Errorf("%s: got %s", target, a.body)
		}
	}
}
