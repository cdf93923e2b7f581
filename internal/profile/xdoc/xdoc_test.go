package xdoc_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/profile/xdoc"
)

func TestNew(t *testing.T) {
	d := newEdge(t)
	for name, change := range map[string]func(*xdoc.Config){
		"no authority": func(c *xdoc.Config) { c.Authority = nil },
		"no sessions":  func(c *xdoc.Config) { c.Sessions = nil },
		"no feed":      func(c *xdoc.Config) { c.Feed = nil },
		"no peers":     func(c *xdoc.Config) { c.Peers = nil },
		"no cookie":    func(c *xdoc.Config) { c.Cookie = nil },
		"no clock":     func(c *xdoc.Config) { c.Now = nil },
	} {
		cfg := d.config()
		if change(&cfg); cfg.Authority != nil && cfg.Sessions != nil && cfg.Feed != nil && cfg.Peers != nil && cfg.Cookie != nil && cfg.Now != nil {
			t.Fatalf("%s: nothing is missing", name)
		}
		if _, err := xdoc.New(cfg); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestServes(t *testing.T) {
	for path, want := range map[string]bool{
		"/XDocApi": true, "/XDocApi/": true, "/XDocUi": true, "/XDocUi/": true,
		"/XDocApi//": false, "/XDocApi/x": false, "/XDocUi/Default.aspx": false, "/xdocapi/": false, "/XDOCUI/": false, "//XDocApi/": false,
		"/XDocAp%69/": false, "/XDocApi%2f": false, "/x/XDocApi/": false, "/XDocApi/?": false, "/XDoc/": false, "/": false, "": false,
	} {
		if got := xdoc.Serves(path); got != want {
			t.Errorf("%q: got %t, want %t", path, got, want)
		}
	}
}

// response is an envelope as clients read it.
type response struct {
	XMLName       xml.Name
	ServiceName   string   `xml:",attr"`
	ServiceMethod string   `xml:",attr"`
	Success       string   `xml:",attr"`
	ResultCode    string   `xml:",attr"`
	ReturnData    string   `xml:",attr"`
	ExternalKey   string   `xml:",attr"`
	ExternalInfo  string   `xml:",attr"`
	Others        []string `xml:",any"`
}

// envelope reads an answer as clients do, and checks that it is one element.
func envelope(t *testing.T, a answer) response {
	t.Helper()
	var got response
	if err := xml.Unmarshal([]byte(a.body), &got); err != nil || got.XMLName.Local != "ServiceResponse" || len(got.Others) != 2 {
		t.Errorf("got %s, %v, want one ServiceResponse with two elements in it", a.body, err)
	}
	if strings.Count(a.body, "<") != 6 { // the declaration, three elements, each with its end
		if n := strings.Count(a.body, "<"); n != 7 {
			t.Errorf("got %d tags in %s", n, a.body)
		}
	}
	return got
}

// TestSpellings sends a token in every way in which clients may.
func TestSpellings(t *testing.T) {
	d := newEdge(t)
	chunked := post("/XDocApi/", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len("XM=App.ApiTest&XST="+goodURL), "XM=App.ApiTest&XST="+goodURL))
	chunked.headers = append(chunked.headers, "Transfer-Encoding: chunked")
	for name, q := range map[string]request{
		"the product's documents":            get("/XDocApi/?XM=App.ApiTest&XST=" + goodURL),
		"no slash at the end":                get("/XDocApi?XM=App.ApiTest&XST=" + goodURL),
		"an absolute URL":                    get("http://api.example.com/XDocApi/?XM=App.ApiTest&XST=" + goodURL),
		"names in another case":              get("/XDocApi/?xm=App.ApiTest&xSt=" + goodURL),
		"names that are percent-encoded":     get("/XDocApi/?%58M=App.ApiTest&%58%73T=" + goodURL),
		"by POST":                            {line: "POST /XDocApi/?XM=App.ApiTest&XST=" + goodURL},
		"a form":                             post("/XDocApi/", "XM=App.ApiTest&XST="+goodURL),
		"a form with a charset":              {line: "POST /XDocApi/", headers: []string{formType + "; charset=UTF-8"}, body: "XM=App.ApiTest&XST=" + goodURL},
		"a form that isn't coded":            post("/XDocApi/", "XM=App.ApiTest&XST="+goodURL).plus("Content-Encoding: identity"),
		"a form in chunks":                   chunked,
		"a form as large as can be":          post("/XDocApi/", "XM=App.ApiTest&XST="+goodURL+"&x="+strings.Repeat("y", 64<<10-len("XM=App.ApiTest&XST="+goodURL+"&x="))),
		"half in a form":                     post("/XDocApi/?XM=App.ApiTest", "XST="+goodURL),
		"the other half":                     post("/XDocApi/?XST="+goodURL, "XM=App.ApiTest"),
		"a form in parts":                    parts("/XDocApi/", "XM", "App.ApiTest", "XST", good),
		"half in parts":                      parts("/XDocApi/?XM=App.ApiTest", "XST", good),
		"a body that is the method's":        {line: "POST /XDocApi/?XM=App.ApiTest&XST=" + goodURL, headers: []string{"Content-Type: text/xml"}, body: "XST=x"},
		"a body without a type":              {line: "POST /XDocApi/?XM=App.ApiTest&XST=" + goodURL, body: "XST=x"},
		"a body of a GET":                    {line: "GET /XDocApi/?XM=App.ApiTest&XST=" + goodURL, headers: []string{formType}, body: "XST=x"},
		"a cookie beside it":                 get("/XDocApi/?XM=App.ApiTest&XST=" + goodURL).plus("Cookie: jeton=x; jeton_api=y"),
		"from a page elsewhere":              post("/XDocApi/", "XM=App.ApiTest&XST="+goodURL).plus("Sec-Fetch-Site: cross-site", "Origin: https://example.org"),
		"parameters that have no names":      get("/XDocApi/?&&=&=x&XM=App.ApiTest&XST=" + goodURL + "&"),
		"a name that is no token's in UTF-8": get("/XDocApi/?XM=App.ApiTest&X%C5%BFT=x&XST=" + goodURL),
	} {
		t.Run(name, func(t *testing.T) {
			d.send(t, q).wantCode(t, http.StatusOK, "0")
			if got, err := url.QueryUnescape(d.way.last().Security.Reveal()); got != good || err != nil {
				t.Errorf("got the token %q, %v, want %q", got, err, good)
			}
		})
	}
	d.wantRefused(t, "", "", "")
}

// TestWhatComes: the four parameters come to the way in as they stand.
func TestWhatComes(t *testing.T) {
	d := newEdge(t)
	for _, q := range []request{
		get("/XDocApi/?XM=App.ApiTest&XST=" + goodURL + "&XUT=a%2Bb&xsc=My+Context&PROJECTID=1000"),
		parts("/XDocApi/", "XM", "App.ApiTest", "XST", good, "XUT", "a+b", "xsc", "My Context", "PROJECTID", "1000"),
	} {
		d.send(t, q).wantCode(t, http.StatusOK, "0")
		got := d.way.last()
		if got.Security != goodURL || got.User != "a%2Bb" || got.Context != "My+Context" || got.Number != "1000" || got.Project.String() != "00000000-0000-0000-0000-000000000000" {
			t.Errorf("got %q %q %q %q %s", got.Security.Reveal(), got.User.Reveal(), got.Context.Reveal(), got.Number.Reveal(), got.Project)
		}
	}
	alone := get("/XDocApi/?XM=App.ApiTest&XUT=abc")
	d.refused()
	d.send(t, alone).wantCode(t, http.StatusOK, "403") // the scripted way wants another; but it was asked
	if got := d.way.last(); got.User != "abc" || got.Security != "" {
		t.Errorf("got %q and %q, want the user token alone", got.Security.Reveal(), got.User.Reveal())
	}
}

// TestFilesAreNoParameters: what a form has in files counts for nothing.
func TestFilesAreNoParameters(t *testing.T) {
	d := newEdge(t)
	q := parts("/XDocApi/?XM=App.ApiTest", "XST", good)
	d.send(t, q).wantCode(t, 200, "0")
	q.body = strings.Replace(q.body, `name="XST"`, `name="XST"; filename="a"`, 1)
	d.send(t, q).wantCode(t, 200, "403")
	d.wantRefused(t, "no_credential", "", "POST /XDocApi/")
}

// TestMarkup tries to have an answer say more than it does: what a client wrote stays a text.
func TestMarkup(t *testing.T) {
	d := newEdge(t)
	for _, evil := range []string{
		`"><script>alert(1)</script>`, `' onload='x`, `]]><!DOCTYPE a [<!ENTITY b "c">]>&b;`, `&amp;&#x3c;`, "a\r\nX-Evil: b", "\x00\x1b[31m\xff", "\u2028\ufffe", "<![CDATA[x]]>",
		`" Success="1" ResultCode="0"`, strings.Repeat("é", 300),
	} {
		value := url.QueryEscape(evil)
		for _, xst := range []string{goodURL, "bad_seal"} {
			a := d.send(t, get("/XDocApi/?XM="+value+"."+value+"&InputData="+value+"&XEXTKEY="+value+"&XEXTINFO="+value+"&XST="+xst))
			got := envelope(t, a)
			if len(a.header["X-Evil"]) > 0 || got.Success != "0" || len(got.ServiceName) > 400 || len(got.ServiceMethod) > 400 {
				t.Errorf("%q: got %s", evil, a.raw)
			}
			if legible(evil) && (got.ExternalKey != evil || got.ExternalInfo != evil) {
				t.Errorf("got %q and %q, want %q", got.ExternalKey, got.ExternalInfo, evil)
			}
		}
		a := d.send(t, get("/XDocApi/?XM=App.ApiTest&InputData="+value+"&XST="+goodURL))
		if got := envelope(t, a); legible(evil) && got.ReturnData != evil || got.ResultCode != "0" {
			t.Errorf("got %q, want %q", got.ReturnData, evil)
		}
		page := d.send(t, get("/XDocUi/?AppLink="+value+"&XM="+value+"&XST=bad_seal"))
		d.golden(t, "ui-refused", page)
	}
}

// legible reports whether XML has a spelling for a text.
func legible(text string) bool { return !strings.ContainsAny(text, "\x00\x1b\ufffe") }

// TestLinks: a browser is led to this address and no other, less the tokens, and what else there was is as it was.
func TestLinks(t *testing.T) {
	d := newEdge(t)
	const xst = "XST=" + goodURL
	for query, want := range map[string]string{
		xst:                                    "/XDocUi/",
		xst + "&XUT=abc":                       "/XDocUi/",
		"AppLink=Doc.View&" + xst:              "/XDocUi/?AppLink=Doc.View",
		xst + "&AppLink=Doc.View&a=1&a=2":      "/XDocUi/?AppLink=Doc.View&a=1&a=2",
		"a&b=&=c&&" + xst + "&d=e=f":           "/XDocUi/?a&b=&=c&d=e=f",
		"xst=" + goodURL + "&%58%55t=u":        "/XDocUi/",
		"X%53T=" + goodURL + "&x=1":            "/XDocUi/?x=1",
		xst + "&XSC=My+Context&projectid=1000": "/XDocUi/?XSC=My+Context&projectid=1000",
		xst + "&a=%e9%C3%A9&b=%u0041":          "/XDocUi/?a=%e9%C3%A9&b=%u0041",
		xst + "&%u0058UT=secret&%zz=secret":    "/XDocUi/",
		xst + "&AppLink=//evil.example":        "/XDocUi/?AppLink=//evil.example",
		xst + "&AppLink=\\\\evil.example":      "/XDocUi/?AppLink=%5C%5Cevil.example",
		xst + "&AppLink=javascript:alert(1)":   "/XDocUi/?AppLink=javascript:alert%281%29",
		xst + "&a=%0d%0aSet-Cookie:+jeton=x":   "/XDocUi/?a=%0d%0aSet-Cookie:+jeton=x",
		xst + "&a%0d%0ab=c":                    "/XDocUi/?a%0D%0Ab=c",
		"//evil.example&" + xst:                "/XDocUi/?%2F%2Fevil.example",
		"/../\\evil&" + xst:                    "/XDocUi/?%2F..%2F%5Cevil",
	} {
		d.wantBegun(t, d.send(t, get("/XDocUi/?"+query)), want)
		d.wantBegun(t, d.send(t, request{line: "POST /XDocUi?" + query}), want)
		d.wantBegun(t, d.send(t, post("/XDocUi/", query)), want)
	}
	d.wantBegun(t, d.send(t, request{line: "HEAD /XDocUi/?a=b&" + xst}), "/XDocUi/?a=b")
	d.wantBegun(t, d.send(t, parts("/XDocUi/?c=d", "a b", "1\r\n2&3\x00", "XST", good)), "/XDocUi/?c=d&a+b=1%0D%0A2%263%00")
	d.wantBegun(t, d.send(t, post("/XDocUi/", xst+"&a=\r\nSet-Cookie: jeton=x\r\n\r\n<script>#")), "/XDocUi/?a=%0D%0ASet-Cookie:%20jeton=x%0D%0A%0D%0A%3Cscript%3E%23")
	d.wantRefused(t, "", "", "")
}

// TestLongLink: what is too long for an address is refused before the token is used.
func TestLongLink(t *testing.T) {
	d := newEdge(t)
	long := strings.Repeat("y", 7<<10-2)
	a := d.send(t, post("/XDocUi/", "XST=once&xx="+long))
	if a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", a.status)
	}
	d.wantBegun(t, d.send(t, post("/XDocUi/", "XST=once&x="+long)), "/XDocUi/?x="+long)
}

// TestHead: HEAD is GET without a body.
func TestHead(t *testing.T) {
	d := newEdge(t)
	for _, target := range []string{apiTest + goodURL, apiTest + "bad_seal", link + "bad_seal", "/XDocUi/"} {
		was, got := d.send(t, get(target)), d.send(t, request{line: "HEAD " + target})
		if got.status != was.status || got.body != "" || got.header.Get("Content-Type") != was.header.Get("Content-Type") || got.header.Get("XwsResultCode") != was.header.Get("XwsResultCode") {
			t.Errorf("%s: got %s, want what GET gets, without the body", target, got.raw)
		}
	}
}

// TestBodyIsNotRead: what is no form, or too long, isn't read.
func TestBodyIsNotRead(t *testing.T) {
	d := newEdge(t)
	h := d.handler(t)
	for _, tc := range []struct {
		method, kind string
		length       int64
		want         int
	}{
		{http.MethodPost, "text/xml", -1, 200},
		{http.MethodPost, "", -1, 200},
		{http.MethodGet, "application/x-www-form-urlencoded", -1, 200},
		{http.MethodPost, "application/x-www-form-urlencoded", 64<<10 + 1, 413},
		{http.MethodPost, "multipart/form-data; boundary=b", 64<<10 + 1, 413},
		{http.MethodPost, "/", -1, 400},
		{http.MethodPut, "application/x-www-form-urlencoded", -1, 405},
	} {
		r := httptest.NewRequest(tc.method, "/XDocApi/?XM=App.ApiTest&XST="+goodURL, unreadable{t})
		r.ContentLength = tc.length
		if tc.kind != "" {
			r.Header.Set("Content-Type", tc.kind)
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != tc.want || !bytes.Contains(w.Body.Bytes(), []byte("ServiceResponse")) {
			t.Errorf("%s %s: got %d, want %d in an envelope", tc.method, tc.kind, w.Code, tc.want)
		}
	}
}
