package app_test

import (
	"context"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/app"
)

// TestUpstreamRoots has the file of --upstream-ca name a certificate, be nothing, and be none.
func TestUpstreamRoots(t *testing.T) {
	upstream := httptest.NewTLSServer(http.NotFoundHandler())
	defer upstream.Close()
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw}))
	for _, tc := range []struct{ name, text, fault string }{
		{"a certificate", text, ""},
		{"no certificate", strings.Replace(text, "BEGIN", "BEGIM", 1), "holds no certificate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "ca.pem")
			write(t, file, tc.text)
			cfg := configure(t, t.TempDir(), "--proxy-listen", "127.0.0.1:0", "--upstream-ca", file)
			if tc.fault != "" {
				if err := app.Run(t.Context(), app.Options{Config: cfg}); err == nil || !strings.Contains(err.Error(), tc.fault) {
					t.Errorf("got %v, want it to say that the file %s", err, tc.fault)
				}
				return
			}
			i := run(t, cfg)
			write(t, file, "nothing")
			i.hangup <- nil
			end := time.Now().Add(10 * time.Second)
			for !strings.Contains(i.stderr.String(), "the certificates for upstreams were not reloaded") {
				if time.Now().After(end) {
					t.Fatalf("waited 10 s for the fault in the log: %s", i.stderr)
				}
				time.Sleep(time.Millisecond)
			}
			if err := i.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestUpstreamFigures asks for the figures of the proxy, before and after a call that went nowhere.
func TestUpstreamFigures(t *testing.T) {
	d := newDoors(t, "--proxy-listen", "127.0.0.1:0")
	if _, body := get(t, d.addresses.Admin, "/metrics", nil); strings.Contains(body, "jeton_proxy_upstream_up") {
		t.Error("there are figures of an upstream that wasn't called")
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	d.make(t, "POST /v1/services", `{"name":"away","host":"away.example.com","upstream":"`+gone.URL+`","default":"authenticated"}`)
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+d.addresses.Proxy.String()+"/any", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "away.example.com"
	r.Header.Set("Authorization", "Bearer "+d.texts["personal_token"])
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	_, body := get(t, d.addresses.Admin, "/metrics", nil)
	for _, want := range []string{
		`jeton_proxy_upstream_up{service="away"} 0`, `jeton_proxy_failures_total{service="away",status="502"} 1`, `jeton_proxy_failures_total{service="away",status="504"} 0`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("got %d and figures without %s", res.StatusCode, want)
		}
	}
	if status, _ := get(t, d.addresses.Admin, "/readyz", nil); status != http.StatusOK {
		t.Errorf("/readyz: got %d, want it not to look at upstreams", status)
	}
}
