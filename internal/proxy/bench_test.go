package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/proxy"
	"github.com/jeton-io/jeton/test/desk"
)

// BenchmarkProxy passes calls of a kilobyte on, by 64 callers on kept connections: through the proxy, with everything that it does to
// a call, and through a bare httputil.ReverseProxy, which judges nobody.
func BenchmarkProxy(b *testing.B) {
	answer := make([]byte, 1024)
	upstream := serve(b, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) })
	s := open(b, func(c *proxy.Config) { c.Logger = silent() })
	s.service(b, upstream)
	target, err := url.Parse(upstream)
	desk.Check(b, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	defer transport.CloseIdleConnections()
	bare := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
	})
	defer bare.Close()
	for _, way := range []struct{ name, url string }{{"jeton", "http://" + s.address}, {"bare", bare.URL}} {
		b.Run(way.name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
			defer client.CloseIdleConnections()
			b.ReportAllocs()
			b.SetParallelism(32)
			before := cpuTime(b)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, way.url+"/any/a", http.NoBody)
					r.Host = host
					r.Header.Set("Authorization", "Bearer "+s.token)
					res, err := client.Do(r)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
					if res.StatusCode != http.StatusOK {
						b.Errorf("got %s", res.Status)
						return
					}
				}
			})
			// Of the callers and the upstream, too: unlike the clock, it is the same beside whatever else the machine does.
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime is what this process has had of the processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	desk.Check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
