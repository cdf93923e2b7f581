package app_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnotherIssuer starts a Jeton again and again on the same data. It warns where its public URL is another than before, and
// API tokens were made under that.
func TestAnotherIssuer(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "password")
	write(t, file, "correct horse battery")
	for _, step := range []struct {
		url  string
		make string // the name of an API token
		warn bool
	}{
		{"http://127.0.0.1:8080", "", false},
		{"http://127.0.0.1:8081", "", false},
		{"http://127.0.0.1:8081", "export", false},
		{"http://127.0.0.1:8081", "", false},
		{"https://tokens.example.com", "", true},
		{"https://tokens.example.com", "", false},
		{"http://127.0.0.1:8081", "", true},
	} {
		i := run(t, configure(t, data, "--admin-password-file", file, "--plain-http", "public", "--public-url", step.url))
		if step.make != "" {
			d := &doors{public: "http://" + i.addresses.Public.String(), shown: map[string]string{"password": "Authorization: Basic YWRtaW46Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"}}
			if m := d.make(t, http.MethodPost+" /v1/api-tokens", `{"name":"`+step.make+`","user":"admin","expires_in_days":30}`); m.Token == "" {
				t.Fatal("no API token was made")
			}
		}
		if err := i.stop(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(i.stderr.String(), "public URL is another than before"); got != step.warn {
			t.Errorf("%s: got warned %t, want %t of\n%s", step.url, got, step.warn, i.stderr)
		}
	}
}
