package xdoc_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/test/desk"
)

// passing is the profile before the product, which keeps what it sees.
type passing struct {
	*edge
	product *httptest.Server
	keeps   atomic.Bool // the service is to have the tokens
	hold    chan struct{}

	mu   sync.Mutex
	seen []seen
}

// seen is a request as the product saw it.
type seen struct {
	line, body, user string
	cut              bool // it didn't come whole
}

var forwardDoor = authority.Door{Name: "xdoc", Kinds: authority.KindsOf(authority.PersonalToken, authority.APISession, authority.Sealed)}

// newPassing serves the profile before a product, which is a service of project 1000 at /XDocApi and /XDocUi, for whoever is known; what
// is at /XDocUi nobody may DELETE, nor POST without its own page. John's tokens are good for it.
func newPassing(t testing.TB) *passing {
	t.Helper()
	d := &passing{edge: newEdge(t)}
	for _, path := range []string{"/XDocApi", "/XDocUi"} {
		_, err := d.Catalog.Create(t.Context(), catalog.Draft{Name: strings.ToLower(path[1:]), Host: "api.example.com", PathPrefix: path, Project: 1000, Default: "authenticated"}, audit.Actor{})
		check(t, err)
	}
	d.product = httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(d.product.Close)
	cfg := d.config()
	cfg.Forward, cfg.KeepsTokens = d.forward, func(_, path string) bool { return d.keeps.Load() && strings.HasPrefix(path, "/XDocApi") }
	h, err := xdoc.New(cfg)
	check(t, err)
	server := httptest.NewServer(d.Logged(h))
	t.Cleanup(server.Close)
	d.Server = server
	return d
}

// serve is the product.
func (d *passing) serve(w http.ResponseWriter, r *http.Request) {
	s := seen{line: r.Method + " " + r.RequestURI, user: r.Header.Get("Remote-User")}
	body, err := io.ReadAll(r.Body)
	s.body, s.cut = string(body), err != nil || r.ContentLength >= 0 && int64(len(body)) != r.ContentLength
	d.mu.Lock()
	d.seen = append(d.seen, s)
	d.mu.Unlock()
	w.Header().Set("X-Product", "its own")
	_, _ = io.WriteString(w, "the product's")
}

// last returns what the product saw since the last time: one request, or the zero value. Of one that was cut off it may hear after the
// caller has its answer: such a request isn't told of.
func (d *passing) last(t testing.TB) (s seen) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = slices.DeleteFunc(d.seen, func(s seen) bool { return s.cut })
	if len(d.seen) > 1 {
		t.Errorf("the product saw %d requests, want one", len(d.seen))
	}
	if len(d.seen) > 0 {
		s = d.seen[0]
	}
	d.seen = nil
	return s
}

// forward judges calls and passes them on, as xdoc.Config wants it.
func (d *passing) forward(w http.ResponseWriter, r *http.Request, in *authority.Presented) error {
	verdict := d.authority.Decide(r.Context(), in, &forwardDoor)
	if !verdict.Allowed() {
		return verdict.Refusal
	}
	if d.hold != nil {
		<-d.hold
	}
	var failed error
	to, err := url.Parse(d.product.URL)
	if err != nil {
		return err
	}
	p := httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(to)
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery
			pr.Out.Header.Set("Remote-User", verdict.Principal.Username)
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
	}
	p.ServeHTTP(w, r)
	if failed != nil {
		return &api.Problem{Status: http.StatusBadGateway, Title: "The API can't be reached", Code: "upstream_unreachable"}
	}
	return nil
}

// john returns a personal token of his, and the cookie of a session.
func (d *passing) john(t *testing.T) (bearer, cookie string) {
	t.Helper()
	john := &authority.Principal{User: authority.User{ID: d.user.ID, Username: "john", Active: true}}
	token, _, err := d.Personal.Rotate(t.Context(), john, audit.Actor{})
	check(t, err)
	cookies, err := d.Browsers.Begin(t.Context(), john, uuid.Nil, audit.Actor{})
	check(t, err)
	return "Authorization: Bearer " + token.Reveal(), "Cookie: " + desk.APICookie + "=" + cookies.API.Reveal()
}

const partsOf = "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"

// chunked is a POST of a form in chunks.
func chunked(target, kind, form string) request {
	return request{"POST " + target, []string{kind, "Transfer-Encoding: chunked"}, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(form), form)}
}

// TestForward: calls of the product's own go on to it as they came, without the tokens, for whoever they say or whatever else is
// presented.
func TestForward(t *testing.T) {
	d := newPassing(t)
	bearer, cookie := d.john(t)
	const info, xst = "XM=Container.ContainerInfo", "XST=" + goodURL
	file := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n\x00\r\n--\xff\r\n"
	end := "--b--\r\n"
	inParts := func(body string) request {
		return request{line: "POST /XDocApi/?a=1", headers: []string{partType}, body: body + end}
	}
	for name, tc := range map[string]struct {
		q          request
		line, body string
	}{
		"the product's documents":       {get("/XDocApi/?" + info + "&XSC=a&" + xst + "&XUT=u&ProjectId=1000&XEXTKEY=k&XEXTINFO=i"), "GET /XDocApi/?" + info + "&XSC=a&ProjectId=1000&XEXTKEY=k&XEXTINFO=i", ""},
		"nothing but tokens":            {get("/XDocApi?" + xst), "GET /XDocApi", ""},
		"in another case":               {get("/XDocApi/?xSt=" + goodURL + "&" + info + "&x%55t=u"), "GET /XDocApi/?" + info, ""},
		"values as they were":           {get("/XDocApi/?a=%e9&&b=+%2B&" + xst + "&c=;"), "GET /XDocApi/?a=%e9&&b=+%2B&c=;", ""},
		"an absolute URL":               {get("http://api.example.com/XDocApi/?" + xst + "&" + info), "GET /XDocApi/?" + info, ""},
		"a body that is the method's":   {request{"POST /XDocApi/?XM=Document.DocumentAddXml&" + xst, []string{"Content-Type: text/xml"}, "<XST>" + strings.Repeat("x", 2<<20)}, "POST /XDocApi/?XM=Document.DocumentAddXml", "<XST>" + strings.Repeat("x", 2<<20)},
		"a body without a type":         {request{"POST /XDocApi/?" + info + "&" + xst, nil, "XST=x"}, "POST /XDocApi/?" + info, "XST=x"},
		"a form":                        {post("/XDocApi/", info+"&"+xst+"&a=%e9"), "POST /XDocApi/", info + "&a=%e9"},
		"half in a form":                {post("/XDocApi/?"+info, "XUT=u&"+xst), "POST /XDocApi/?" + info, ""},
		"the other half":                {post("/XDocApi/?"+xst, info), "POST /XDocApi/", info},
		"a form as large as can be":     {post("/XDocApi/", xst+"&x="+strings.Repeat("y", 1<<20-len(xst)-3)), "POST /XDocApi/", "x=" + strings.Repeat("y", 1<<20-len(xst)-3)},
		"a form without tokens":         {post("/XDocApi/?a", "b=c").plus(bearer), "POST /XDocApi/?a", "b=c"},
		"an empty form":                 {post("/XDocApi/?"+xst, ""), "POST /XDocApi/", ""},
		"a token and its session":       {get("/XDocApi/?" + info + "&" + xst).plus("Cookie: jeton_api=x"), "GET /XDocApi/?" + info, ""},
		"a bearer token":                {get("/XDocApi/?" + info + "&XST=").plus(bearer), "GET /XDocApi/?" + info, ""},
		"a session":                     {get("/XDocApi/?" + info).plus(cookie), "GET /XDocApi/?" + info, ""},
		"a session's own form":          {post("/XDocApi/", info).plus(cookie, "Sec-Fetch-Site: same-origin"), "POST /XDocApi/", info},
		"no method":                     {get("/XDocApi/?" + xst + "&InputData=x"), "GET /XDocApi/?InputData=x", ""},
		"a page of a session":           {get("/XDocUi/?AppLink=Doc.View").plus(cookie), "GET /XDocUi/?AppLink=Doc.View", ""},
		"a page's form":                 {post("/XDocUi/?a=b", "c=d").plus(cookie, "Sec-Fetch-Site: same-origin"), "POST /XDocUi/?a=b", "c=d"},
		"in parts":                      {inParts(fmt.Sprintf(partsOf+partsOf+partsOf, "XM", "a.b", "xst", good, "c", "d\r\n-")), "POST /XDocApi/?a=1", fmt.Sprintf(partsOf+partsOf, "XM", "a.b", "c", "d\r\n-") + end},
		"tokens alone, before a file":   {inParts(fmt.Sprintf(partsOf+partsOf, "XST", good, "XUT", "u") + file), "POST /XDocApi/?a=1", file + end},
		"tokens beside a file":          {request{"POST /XDocApi/?" + xst, []string{partType}, file + fmt.Sprintf(partsOf, "a", "XST") + file + end}, "POST /XDocApi/", file + fmt.Sprintf(partsOf, "a", "XST") + file + end},
		"a field for no file, before":   {inParts(strings.Replace(file, "a.bin", "", 1) + fmt.Sprintf(partsOf, "XST", good)), "POST /XDocApi/?a=1", strings.Replace(file, "a.bin", "", 1) + end},
		"what stands before the form":   {inParts("\r\n" + fmt.Sprintf(partsOf, "XST", good) + file), "POST /XDocApi/?a=1", "\r\n" + file + end},
		"a part without a name":         {inParts("--b\r\n\r\nx\r\n" + fmt.Sprintf(partsOf, "XST", good)), "POST /XDocApi/?a=1", "--b\r\n\r\nx\r\n" + end},
		"lines that end as Unix has it": {inParts(strings.ReplaceAll(fmt.Sprintf(partsOf, "XST", good), "\r\n", "\n") + file), "POST /XDocApi/?a=1", file + end},
		"a form in chunks":              {chunked("/XDocApi/", formType, info+"&"+xst), "POST /XDocApi/", info},
		"parts in chunks":               {chunked("/XDocApi/", partType, fmt.Sprintf(partsOf, "XST", good)+file+end), "POST /XDocApi/", file + end},
		"behind a long part":            {request{"POST /XDocApi/?" + xst, []string{partType}, fmt.Sprintf(partsOf, "a", strings.Repeat("x", 100<<10)) + end}, "POST /XDocApi/", fmt.Sprintf(partsOf, "a", strings.Repeat("x", 100<<10)) + end},
	} {
		t.Run(name, func(t *testing.T) {
			a := d.send(t, tc.q)
			got := d.last(t)
			if a.body != "the product's" || a.status != http.StatusOK || a.header.Get("X-Product") == "" || a.header["Cache-Control"] != nil || a.header["Referrer-Policy"] != nil {
				t.Fatalf("got %.500s, want the product's answer as it was", a.raw)
			}
			if got.line != tc.line || got.body != tc.body || got.user != "john" {
				t.Errorf("the product saw %.300s for %q with %.300q, want %s with %.300q", got.line, got.user, got.body, tc.line, tc.body)
			}
		})
	}
	d.wantRefused(t, "", "", "")
}

// TestKept: where the service is to have the tokens, it has the call to the byte.
func TestKept(t *testing.T) {
	d := newPassing(t)
	d.keeps.Store(true)
	body := fmt.Sprintf(partsOf+partsOf, "XST", good, "XUT", "u") + "--b--\r\n"
	for _, tc := range []struct {
		q    request
		want string
	}{
		{get("/XDocApi/?XST=" + goodURL), "GET /XDocApi/?XST=" + goodURL + " "},
		{post("/XDocApi/?a", "XST="+goodURL+"&b"), "POST /XDocApi/?a XST=" + goodURL + "&b"},
		{request{"POST /XDocApi/", []string{partType}, body}, "POST /XDocApi/ " + body},
	} {
		d.send(t, tc.q)
		if got := d.last(t); got.line+" "+got.body != tc.want || got.user != "john" {
			t.Errorf("the product saw %s %q for %q, want %q", got.line, got.body, got.user, tc.want)
		}
	}
}

// TestForwardRefused: a call that may not pass gets the product's own answer, and the product sees nothing; each has a twin that passes.
func TestForwardRefused(t *testing.T) {
	d := newPassing(t)
	bearer, cookie := d.john(t)
	const info = "XM=Container.ContainerInfo"
	gzip := "Content-Encoding: gzip"
	for name, tc := range map[string]struct {
		bad, good    request
		status, code int
		reason, kind string
	}{
		"a token that is changed":       {get("/XDocApi/?XST=bad_seal&" + info), get("/XDocApi/?XST=" + goodURL + "&" + info), 200, 403, "bad_seal", "sealed"},
		"in a form":                     {post("/XDocApi/", "XST=expired&"+info), post("/XDocApi/", "XST="+goodURL+"&"+info), 200, 403, "expired", "sealed"},
		"nothing":                       {get("/XDocApi/?" + info), get("/XDocApi/?" + info).plus(bearer), 200, 403, "no_credential", ""},
		"a bearer token that is none":   {get("/XDocApi/?" + info).plus(bearer + "x"), get("/XDocApi/?" + info).plus(bearer), 200, 403, "bad_checksum", "personal_token"},
		"both":                          {get("/XDocApi/?XST=" + goodURL + "&" + info).plus(bearer), get("/XDocApi/?XSU=" + goodURL + "&" + info).plus(bearer), 400, 400, "two_credentials", ""},
		"twice":                         {post("/XDocApi/?XST="+goodURL, "xst="+goodURL), post("/XDocApi/?XST="+goodURL, "xsu="+goodURL), 400, 400, "two_credentials", ""},
		"a page elsewhere":              {post("/XDocApi/", info).plus(cookie, "Sec-Fetch-Site: cross-site"), post("/XDocApi/", info).plus(cookie, "Sec-Fetch-Site: same-origin"), 200, 403, "cross_origin", "api_session"},
		"throttled":                     {get("/XDocApi/?XST=throttled&" + info), get("/XDocApi/?XST=" + goodURL + "&" + info), 429, 429, "throttled", "sealed"},
		"two methods":                   {get("/XDocApi/?XM=App.ApiTest&XST=" + goodURL + "&xm=a.b"), get("/XDocApi/?XST=" + goodURL + "&xm=a.b"), 400, 400, "", ""},
		"too large a form":              {post("/XDocApi/?XST="+goodURL, strings.Repeat("&", 1<<20+1)), post("/XDocApi/?XST="+goodURL, strings.Repeat("&", 1<<20)), 413, 413, "", ""},
		"a form that is compressed":     {post("/XDocApi/?XST="+goodURL, "a").plus(gzip), request{"POST /XDocApi/?XST=" + goodURL, []string{gzip, "Content-Type: text/xml"}, "a"}, 400, 400, "", ""},
		"in letters of another kind":    {request{"POST /XDocApi/?XST=" + goodURL, []string{formType + "; charset=ibm037"}, "a"}, request{"POST /XDocApi/?XST=" + goodURL, []string{formType + "; charset=UTF-8"}, "a"}, 400, 400, "", ""},
		"two types":                     {post("/XDocApi/?XST="+goodURL, "a").plus("Content-Type: text/xml"), post("/XDocApi/?XST="+goodURL, "a"), 400, 400, "", ""},
		"twice, in what begins as one":  {request{"POST /XDocApi/?XST=" + goodURL, []string{formType + "-x"}, "XST=a"}, request{"POST /XDocApi/?XST=" + goodURL, []string{"Content-Type: application/x-www-form-url"}, "XST=a"}, 400, 400, "two_credentials", ""},
		"twice, in the form of a PUT":   {request{"PUT /XDocApi/?XST=" + goodURL, []string{formType}, "XST=a"}, request{"POST /XDocApi/?XST=" + goodURL, []string{formType}, "XSU=a"}, 405, 405, "", ""},
		"twice, in the form of a GET":   {request{"GET /XDocApi/?XST=" + goodURL, []string{formType}, "XST=a"}, request{"GET /XDocApi/?XST=" + goodURL, []string{formType}, "XSU=a"}, 400, 400, "two_credentials", ""},
		"a page without anything":       {get("/XDocUi/?AppLink=x"), get("/XDocUi/?AppLink=x").plus(cookie), 401, 0, "no_credential", ""},
		"a page with an old session":    {get("/XDocUi/").plus(cookie + "x"), get("/XDocUi/").plus(cookie), 401, 0, "bad_checksum", "api_session"},
		"a page, from a page elsewhere": {post("/XDocUi/", "a").plus(cookie), post("/XDocUi/", "a").plus(cookie, "Sec-Fetch-Site: none"), 403, 0, "cross_origin", "api_session"},
	} {
		t.Run(name, func(t *testing.T) {
			d.refused()
			a := d.send(t, tc.bad)
			path := strings.Split(strings.Split(tc.bad.line, "?")[0], " ")[1]
			if got := d.last(t); got != (seen{}) {
				t.Errorf("the product saw %+v, want nothing", got)
			}
			if tc.code != 0 {
				a.wantCode(t, tc.status, fmt.Sprint(tc.code))
			} else if a.status != tc.status || !strings.Contains(a.body, "<h1>") || (a.header.Get("Www-Authenticate") != "") != (a.status == http.StatusUnauthorized) || a.header["Set-Cookie"] != nil {
				t.Errorf("got %s, want a page of the status %d", a.raw, tc.status)
			}
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("got %s, want what every answer of the profile's own has", a.raw)
			}
			method, _, _ := strings.Cut(tc.bad.line, " ")
			call := method + " " + path
			if tc.reason != "" && tc.reason != "two_credentials" {
				call = method + " api.example.com" + path
			}
			if events := d.refused(); tc.reason == "" && len(events) > 0 || tc.reason != "" && (len(events) != 1 || events[0].Reason != tc.reason ||
				events[0].Actor.CredentialKind != tc.kind || events[0].Detail["call"] != call && tc.reason != "two_credentials") {
				t.Errorf("got refusals %+v, want one of %s for %s and %q", events, call, tc.reason, tc.kind)
			}
			d.send(t, tc.good)
			if got := d.last(t); got.user != "john" {
				t.Errorf("the product saw %+v of the twin, want a call of john's", got)
			}
		})
	}
}

// TestForwardOwn: what is Jeton's own to answer it answers here too, and the product sees nothing of it.
func TestForwardOwn(t *testing.T) {
	d := newPassing(t)
	bearer, _ := d.john(t)
	for _, q := range []request{get(apiTest + goodURL), post("/XDocApi/", "XM=App.ApiTest&XST="+goodURL), parts("/XDocApi/", "XM", "App.ApiTest", "XST", good)} {
		d.send(t, q).wantCode(t, 200, "0")
	}
	d.send(t, get("/XDocApi/?XM=App.ApiTest").plus(bearer)).wantCode(t, 200, "403")
	d.wantRefused(t, "not_accepted_here", "personal_token", "GET /XDocApi/")
	d.wantBegun(t, d.send(t, get(link+goodURL)), "/XDocUi/?AppLink=Doc.View&XSC=MySecurityContext&ProjectId=1000")
	d.wantBegun(t, d.send(t, post("/XDocUi/?AppLink=x", "XST="+goodURL)), "/XDocUi/?AppLink=x")
	if a := d.send(t, get("/XDocUi/?XST=bad_seal")); a.status != http.StatusForbidden {
		t.Errorf("got %d for a page by a bad token, want 403", a.status)
	}
	for _, method := range []string{"PUT", "DELETE", "OPTIONS", "TRACE"} {
		for _, path := range []string{"/XDocApi/", "/XDocUi/"} {
			if a := d.send(t, request{line: method + " " + path}.plus(bearer)); a.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: got %d, want 405", method, path, a.status)
			}
		}
	}
	if got := d.last(t); got != (seen{}) {
		t.Errorf("the product saw %+v, want nothing", got)
	}
}

// TestBound: the tokens of a form are judged by the project of the service, whichever the call names; a service without one takes none.
func TestBoundToService(t *testing.T) {
	d := newPassing(t)
	_, err := d.Catalog.Create(t.Context(), catalog.Draft{Name: "other", Host: "other.example.com", Default: "authenticated"}, audit.Actor{})
	check(t, err)
	d.send(t, post("/XDocApi/?XM=a.b", "ProjectId=7&XST="+goodURL))
	if got := d.way.last(); got.Project != d.way.project || got.Number != "7" {
		t.Errorf("got the tokens judged by %s for number %s, want by the project of the service", got.Project, got.Number)
	}
	d.last(t)
	d.refused()
	d.send(t, post("http://other.example.com/XDocApi/?XM=a.b", "ProjectId=1000&XST="+goodURL)).wantCode(t, 200, "403")
	if events := d.refused(); len(events) != 1 || events[0].Reason != "not_accepted_here" || events[0].Actor.CredentialKind != "sealed" {
		t.Errorf("got refusals %+v, want one that the service takes no tokens", events)
	}
	if got := d.last(t); got != (seen{}) {
		t.Errorf("the product saw %+v, want nothing", got)
	}
}

// TestUnreachable: where the product can't be reached, the call gets an envelope or a page that says so.
func TestUnreachable(t *testing.T) {
	d := newPassing(t)
	_, cookie := d.john(t)
	d.product.Close()
	for path, want := range map[string]string{"/XDocApi/?XM=a.b&XEXTKEY=k&XST=" + goodURL: `ResultInfo="Bad Gateway" ResultInfoEx="The API can&#39;t be reached."`, "/XDocUi/": "<h1>Bad Gateway</h1>"} {
		d.Log.Take()
		q := get(path)
		if path == "/XDocUi/" {
			q = q.plus(cookie)
		} else {
			d.send(t, q).wantCode(t, http.StatusBadGateway, "502")
			d.Log.Take()
		}
		a := d.send(t, q)
		if a.status != http.StatusBadGateway || !strings.Contains(a.body, want) || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %s, want %s", a.raw, want)
		}
		d.wantLine(t, map[string]any{"level": "ERROR", "status": 502.0, "user_id": nil})
	}
	d.wantRefused(t, "", "", "")
}

// TestLateToken: of a form in parts no token goes on that wasn't judged, however its part is written: the call ends before the product
// has all of it.
func TestLateToken(t *testing.T) {
	d := newPassing(t)
	const file, end = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nx\r\n", "--b--\r\n"
	for name, disposition := range map[string]string{
		"as it should be":   `Content-Disposition: form-data; name="XUT"`,
		"without quotes":    `content-disposition: form-data; name=xut`,
		"as a file":         `Content-Disposition: form-data; name="XUT"; filename="a"`,
		"behind a file":     `Content-Disposition: form-data; filename="a"; name="XUT"`,
		"behind another":    `Content-Disposition: form-data; name="a"; name="XUT"`,
		"before another":    `Content-Disposition: form-data; name="XUT"; name="a"`,
		"on another line":   "Content-Disposition: form-data;\r\n name=\"XUT\"",
		"in another field":  "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"XUT\"",
		"escaped":           `Content-Disposition: form-data; name="X\UT"`,
		"with blanks":       `Content-Disposition: form-data; name = "XUT" ; a=b`,
		"as RFC 2231 has":   `Content-Disposition: form-data; name*=utf-8''%58UT`,
		"in two halves":     `Content-Disposition: form-data; name*0=X; name*1=UT`,
		"within a name":     `Content-Disposition: form-data; name=file name=XUT`,
		"in a file's name":  `Content-Disposition: form-data; filename="a; name=XUT"; name="a"`,
		"without a CR":      "Content-Disposition: form-data; name=\"XUT\"\nA: b",
		"behind long words": "A: " + strings.Repeat("b", 15<<10) + "\r\nContent-Disposition: form-data; name=\"XUT\"",
	} {
		t.Run(name, func(t *testing.T) {
			for where, form := range map[string]string{
				"behind a file":       file + "--b\r\n" + disposition + "\r\n\r\nu\r\n",
				"behind a long part":  fmt.Sprintf(partsOf, "a", strings.Repeat("y", 70<<10)) + "--b\r\n" + disposition + "\r\n\r\nu\r\n",
				"behind a bare break": file[:len(file)-2] + "\n--b\n" + strings.ReplaceAll(disposition, "\r\n", "\n") + "\n\nu\r\n",
				"after the end":       file + "--b--\r\n--b\r\n" + disposition + "\r\n\r\nu\r\n",
				"behind a blank":      file + "--b \r\n" + disposition + "\r\n\r\nu\r\n",
			} {
				q := request{"POST /XDocApi/?XM=a.b&XST=" + goodURL, []string{partType}, form + end}
				a := d.send(t, q)
				if got := d.last(t); got != (seen{}) {
					t.Errorf("%s: the product saw %q whole", where, got.body)
				}
				a.wantCode(t, 400, "400")
				twin := strings.NewReplacer("XUT", "XUV", "xut", "xuv", `X\UT`, "XUV", "=UT", "=UV", "name*", "nam*").Replace(form)
				a = d.send(t, request{q.line, q.headers, twin + end})
				if got := d.last(t); a.body != "the product's" || got.body != twin+end {
					t.Errorf("%s: got %d of the twin, and the product saw %.300q, want it as it was", where, a.status, got.body)
				}
			}
		})
	}
}

// TestHeadRefused: what can't be read in one way among the parts that are looked at is refused.
func TestHeadRefused(t *testing.T) {
	d := newPassing(t)
	xst := fmt.Sprintf(partsOf, "XST", good)
	for name, tc := range map[string]struct{ bad, good string }{
		"a second name":            {xst + "--b\r\nContent-Disposition: form-data; name=a; name=XUT\r\n\r\nu\r\n", xst + "--b\r\nContent-Disposition: form-data; name=a; nam=XUT\r\n\r\nu\r\n"},
		"a second field":           {xst + "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\nu\r\n", xst + "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: text/plain\r\n\r\nu\r\n"},
		"a token as an empty file": {xst + "--b\r\nContent-Disposition: form-data; name=XUT; filename=\"\"\r\n\r\nu\r\n", xst + "--b\r\nContent-Disposition: form-data; name=XUV; filename=\"\"\r\n\r\nu\r\n"},
		"no form data":             {xst + "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nu\r\n", xst + "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nu\r\n"},
		"a longer boundary":        {xst + "--bb\r\nContent-Disposition: form-data; name=a\r\n\r\nu\r\n", xst + "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nu\r\n"},
		"a part twice":             {xst + xst, xst + fmt.Sprintf(partsOf, "XSU", good)},
		"no form":                  {"x", xst},
	} {
		t.Run(name, func(t *testing.T) {
			d.send(t, request{"POST /XDocApi/?XM=a.b", []string{partType}, tc.bad + "--b--\r\n"}).wantCode(t, 400, "400")
			if got := d.last(t); got != (seen{}) {
				t.Errorf("the product saw %+v, want nothing", got)
			}
			if a := d.send(t, request{"POST /XDocApi/?XM=a.b", []string{partType}, tc.good + "--b--\r\n"}); a.body != "the product's" {
				t.Errorf("got %s of the twin", a.raw)
			}
			d.last(t)
		})
	}
	// What a token is judged by, too, must not come late.
	late := "--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n\r\n" + fmt.Sprintf(partsOf, "projectid", "7") + "--b--\r\n"
	bearer, _ := d.john(t)
	d.send(t, request{"POST /XDocApi/?XM=a.b&XST=" + goodURL, []string{partType}, late}).wantCode(t, 400, "400")
	d.last(t)
	if a := d.send(t, request{"POST /XDocApi/?XM=a.b", []string{partType, bearer}, late}); a.body != "the product's" {
		t.Errorf("got %s where there is no token, want it passed on", a.raw)
	}
}

// TestBoundaryRefused: a form whose boundary is another one to some readers holds for them what nobody here has seen.
func TestBoundaryRefused(t *testing.T) {
	d := newPassing(t)
	bearer, _ := d.john(t)
	hidden := strings.ReplaceAll(fmt.Sprintf(partsOf, "XUT", "u"), "--b", "--evil")
	for name, tc := range map[string]struct{ bad, good string }{
		"within quotes":        {`x="; boundary=evil"; boundary=b`, `x="; bound=evil"; boundary=b`},
		"with a space":         {`x=" boundary =evil"; boundary=b`, `x=" boundary evil"; boundary=b`},
		"in capitals":          {`x=",BOUNDARY=evil"; boundary=b`, `x=",BOUNDARY"; boundary=b`},
		"by RFC 2231":          {`boundary*=utf-8''b; x="boundary=evil"`, `boundary=b; x="evil"`},
		"by RFC 2231, alone":   {`boundary*=utf-8''b`, `boundary="b"`},
		"in parts":             {`boundary*0=b; boundary*1=""`, `boundary=b`},
		"with an escape":       {`boundary="\b"`, `boundary="b"`},
		"with its own in it":   {`boundary="b;boundary=evil"`, `boundary="b"`},
		"of no such character": {`boundary="b<"`, `boundary=b`},
	} {
		t.Run(name, func(t *testing.T) {
			form := "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n" + hidden + "--evil--\r\n--b--\r\n"
			call := func(attributes string) request {
				return request{"POST /XDocApi/?XM=a.b", []string{"Content-Type: multipart/form-data; " + attributes, bearer}, form}
			}
			d.send(t, call(tc.bad)).wantCode(t, 400, "400")
			if got := d.last(t); got != (seen{}) {
				t.Errorf("the product saw %+v, want nothing", got)
			}
			if a := d.send(t, call(tc.good)); a.body != "the product's" {
				t.Errorf("got %s of the twin", a.raw)
			}
			d.last(t)
		})
	}
	usual := "------WebKitFormBoundary7MA4YWxkTrZu0gW"
	form := strings.ReplaceAll(fmt.Sprintf(partsOf, "a", "u")+"--b--\r\n", "--b", usual)
	if a := d.send(t, request{"POST /XDocApi/?XM=a.b", []string{"Content-Type: multipart/form-data; boundary=" + usual[2:], bearer}, form}); a.body != "the product's" {
		t.Errorf("got %s by the boundary of a browser, want it passed on", a.raw)
	}
	d.last(t)
}

// TestLargeForms: of forms that are held whole, so many may be large at a time; a small one always has its place.
func TestLargeForms(t *testing.T) {
	d := newPassing(t)
	d.hold = make(chan struct{})
	large := post("/XDocApi/?XST="+goodURL, strings.Repeat("a=b&", 17<<10))
	answers := make(chan answer)
	ask := func(q request) { go func() { answers <- d.send(t, q) }() }
	const places = 64
	for range places + 1 {
		ask(large)
	}
	if a := <-answers; a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" {
		t.Errorf("got %s for one too many, want 503", a.raw)
	}
	ask(post("/XDocApi/?XST="+goodURL, "a=b"))
	for range places + 1 {
		d.hold <- struct{}{}
		if a := <-answers; a.status != http.StatusOK {
			t.Errorf("got %s for one that has its place", a.raw)
		}
	}
	ask(large)
	d.hold <- struct{}{}
	if a := <-answers; a.status != http.StatusOK {
		t.Errorf("got %s when there is a place again", a.raw)
	}
}

// TestLargeFile: a file passes without being held, as it is, and the tokens are those of the parts before it.
func TestLargeFile(t *testing.T) {
	const size = 256 << 20
	for name, noise := range map[string]io.Reader{"noise": rand.NewChaCha8([32]byte{}), "without a line break": zeros{}} {
		t.Run(name, func(t *testing.T) {
			d := newPassing(t)
			var sum, got [sha256.Size]byte
			d.product.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h := sha256.New()
				n, err := io.Copy(h, r.Body)
				if h.Sum(got[:0]); err != nil || n != r.ContentLength {
					t.Errorf("the product read %d bytes of %d: %v", n, r.ContentLength, err)
				}
				_, _ = io.WriteString(w, "the product's")
			})
			before := strings.ReplaceAll(fmt.Sprintf(partsOf, "XST", good), "--b", "--boundary")
			head, end := "--boundary\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n", "\r\n--boundary--\r\n"
			h := sha256.New()
			kept := io.TeeReader(io.MultiReader(strings.NewReader(head), io.LimitReader(noise, size), strings.NewReader(end)), h)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/XDocApi/?XM=Document.DocumentAdd", io.MultiReader(strings.NewReader(before), kept))
			check(t, err)
			r.Host, r.ContentLength = "api.example.com", int64(len(before)+len(head)+size+len(end))
			r.Header.Set("Content-Type", "multipart/form-data; boundary=boundary")
			var began, ended runtime.MemStats
			runtime.ReadMemStats(&began)
			start := time.Now()
			res, err := http.DefaultTransport.RoundTrip(r)
			check(t, err)
			text, err := io.ReadAll(res.Body)
			if closed := res.Body.Close(); err != nil || closed != nil || !bytes.Equal(text, []byte("the product's")) {
				t.Errorf("got %d %s, %v", res.StatusCode, text, errors.Join(err, closed))
			}
			runtime.ReadMemStats(&ended)
			if h.Sum(sum[:0]); sum != got {
				t.Error("the product read another file than was sent")
			}
			allocated := ended.TotalAlloc - began.TotalAlloc
			t.Logf("%d MiB in %s, for %d KiB of memory", size>>20, time.Since(start).Round(time.Millisecond), allocated>>10)
			if allocated > 8<<20 {
				t.Errorf("got %d bytes of memory for %d of a file", allocated, size)
			}
		})
	}
}

// zeros is a file of nothing else, without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
