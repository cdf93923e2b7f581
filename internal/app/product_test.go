package app_test

import (
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
