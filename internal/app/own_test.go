package app_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnUpstream gives a service upstreams that are listeners of this very Jeton: it refuses each by which a call would come back, on
// whatever address that listens, and takes the port of health, at which none would.
func TestOwnUpstream(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := run(t, configure(t, t.TempDir(), "--admin-password-file", file, "--proxy-listen", "0.0.0.0:0", "--plain-http", "proxy"))
	_, port, err := net.SplitHostPort(i.addresses.Proxy.String())
	if err != nil {
		t.Fatal(err)
	}
	for n, tc := range []struct {
		upstream string
		status   int
	}{
		{i.addresses.Public.String(), 422},
		{i.addresses.Gateway.String(), 422},
		{i.addresses.Admin.String(), 201},
		{"127.0.0.1:" + port, 422},
		{"localhost:" + port, 422},
		{"0.0.0.0:" + port, 422},
		{"192.0.2.1:" + port, 201},
	} {
		body := fmt.Sprintf(`{"name":"s%d","host":"s%d.example","upstream":"http://%s"}`, n, n, tc.upstream)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+i.addresses.Public.String()+"/v1/services", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth("admin", "correct horse battery")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != tc.status {
			t.Errorf("%s: got %d, want %d", tc.upstream, res.StatusCode, tc.status)
		}
	}
}
