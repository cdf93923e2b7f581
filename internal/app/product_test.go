package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestMatrix42 asks for an exchange without a token, with the profile as it is by default, with the product's own status,
// and turned off. What a listener adds to every answer it adds to these.
func TestMatrix42(t *testing.T) {
	for name, tc := range map[string]struct {
		flags  []string
		status int
		body   string
	}{
		"by default":   {nil, 401, "null"},
		"another null": {[]string{"--matrix42-refusal-status", "200"}, 200, "null"},
		"turned off":   {[]string{"--matrix42", "off"}, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			i := run(t, configure(t, t.TempDir(), tc.flags...))
			for _, path := range []string{"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?", "/M42Services/API/apitoken/generateaccesstokenfromapitoken"} {
				status, header, body := ask(t, "http://"+i.addresses.Public.String()+path)
				if status != tc.status || tc.body != "" && body != tc.body {
					t.Errorf("%s: got %d %s, want %d %s", path, status, body, tc.status, tc.body)
				}
				if header.Get("Content-Security-Policy") == "" || header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s: got header %v, want what every answer has", path, header)
				}
			}
			if err := i.stop(); err != nil {
				t.Fatal(err)
			}
			if logged := strings.Count(i.stderr.String(), `"msg":"request"`); logged != 2 {
				t.Errorf("got %d lines for two requests", logged)
			}
		})
	}
}

// ask returns what a POST without body and credential gets.
func ask(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

// TestBitCanuck asks without a credential at each of the profile's addresses, with the profile as it is by default, and turned
// off. What a listener adds to every answer it adds to these.
func TestBitCanuck(t *testing.T) {
	for name, tc := range map[string]struct {
		flags  []string
		status int
		body   string
	}{
		"by default": {nil, 401, `{"error":{"statusCode":401,`},
		"turned off": {[]string{"--bitcanuck", "off"}, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			i := run(t, configure(t, t.TempDir(), tc.flags...))
			for _, path := range []string{"/api/v1/authenticate-jwt/PARTNER2", "/api/v1/authenticate-jwt/eyJhbGciOiJub25lIn0.e30.?x=y", "/api/v1/logout/"} {
				status, header, body := ask(t, "http://"+i.addresses.Public.String()+path)
				if status != tc.status || !strings.HasPrefix(body, tc.body) {
					t.Errorf("%s: got %d %s, want %d %s", path, status, body, tc.status, tc.body)
				}
				if header.Get("Content-Security-Policy") == "" || header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s: got header %v, want what every answer has", path, header)
				}
			}
			if err := i.stop(); err != nil {
				t.Fatal(err)
			}
			logged := strings.Count(i.stderr.String(), `"path":"/api/v1/authenticate-jwt/{platform}"`)
			if want := map[int]int{401: 2}[tc.status]; logged != want {
				t.Errorf("got %d lines with the route's pattern, want %d", logged, want)
			}
		})
	}
}

// TestXDOC asks without a token at each of the profile's addresses, with the profile as it is by default, and turned off. What a
// listener adds to every answer it adds to these.
func TestXDOC(t *testing.T) {
	for name, tc := range map[string]struct {
		flags    []string
		api, ui  int
		envelope bool
	}{
		"by default": {nil, 200, 404, true},
		"turned off": {[]string{"--xdoc", "off"}, 404, 404, false},
	} {
		t.Run(name, func(t *testing.T) {
			i := run(t, configure(t, t.TempDir(), tc.flags...))
			for path, want := range map[string]int{"/XDocApi/?XM=App.ApiTest&XST=canary": tc.api, "/XDocApi": tc.api, "/XDocUi/?AppLink=canary": tc.ui} {
				status, header, body := ask(t, "http://"+i.addresses.Public.String()+path)
				if status != want || want == 200 && (header.Get("XwsResultCode") != "403" || !strings.Contains(body, `ResultInfo="Security Validation Failed"`)) {
					t.Errorf("%s: got %d %s, want %d", path, status, body, want)
				}
				if ours := strings.Contains(body, "ServiceResponse") || strings.Contains(body, "behind the proxy"); ours != tc.envelope {
					t.Errorf("%s: got %s, want the profile's answer: %t", path, body, tc.envelope)
				}
				if header.Get("Content-Security-Policy") == "" || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: got header %v, want what every answer has", path, header)
				}
			}
			if err := i.stop(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(i.stderr.String(), "canary") {
				t.Errorf("got a query in %s", i.stderr.String())
			}
		})
	}
}

// TestSessionsEnd has session tokens of the administrator remembered at the gateway, and then ended in each way: each change is
// heard by the node that makes it before it is answered.
func TestSessionsEnd(t *testing.T) {
	d := newDoors(t)
	byPlatform := func() string {
		status, body := d.send(t, "POST "+d.public+"/api/v1/authenticate-jwt/"+d.platform, "", "Token: Bearer "+d.texts["assertion"])
		var got struct{ Data struct{ ID string } }
		if err := json.Unmarshal(body, &got); err != nil || status != http.StatusOK {
			t.Fatalf("got %d %s, want a session", status, body)
		}
		return got.Data.ID
	}
	platform := "/v1/platforms/" + d.platform
	for _, tc := range []struct {
		name    string
		do      func(token string)
		said    string // what becomes of a session that a platform got
		own     string // and of one that was got for a password
		restore func()
	}{
		{"nothing", func(string) {}, "200", "200", nil},
		{"one's own log-out", func(token string) {
			if status, body := d.send(t, "DELETE "+d.public+"/api/v1/logout", "", bearerField+token); status != http.StatusNoContent {
				t.Errorf("got %d %s for the log-out", status, body)
			}
		}, "401 ended", "200", nil},
		{"a platform that is renamed", func(string) { d.make(t, "PATCH "+platform, `{"name":"Partner Inc."}`) }, "200", "200", nil},
		{
			"a platform that is disabled", func(string) { d.make(t, "PATCH "+platform, `{"enabled":false}`) }, "401 ended", "200",
			func() { d.make(t, "PATCH "+platform, `{"enabled":true}`) },
		},
		{
			"a platform that may not speak for administrators", func(string) { d.make(t, "PATCH "+platform, `{"administrators":false}`) }, "401 ended", "200",
			func() { d.make(t, "PATCH "+platform, `{"administrators":true}`) },
		},
		{"another password", func(string) {
			d.make(t, "PUT /v1/me/password", `{"current":"`+d.texts["password"]+`","new":"another horse battery"}`)
			d.texts["password"] = "another horse battery"
			d.shown["password"] = basicField("admin", d.texts["password"])
		}, "401 ended", "401 ended", nil},
		{"a platform that is deleted", func(string) { d.make(t, "DELETE "+platform, "") }, "401 ended", "200", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			said, own := byPlatform(), d.session(t)
			for _, ended := range []bool{false, true} {
				if ended {
					tc.do(said)
				}
				for token, want := range map[string]string{said: tc.said, own: tc.own} {
					if !ended {
						want = "200"
					}
					d.shown["a session"] = bearerField + token
					for range 2 { // once from the database, once from memory
						if got := d.knock(t, "gateway", "a session"); got != want {
							t.Errorf("ended %t: got %s, want %s", ended, got, want)
						}
					}
				}
			}
			if tc.restore != nil {
				tc.restore()
			}
		})
	}
}
