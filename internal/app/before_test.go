package app_test

import (
	"encoding/pem"
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
