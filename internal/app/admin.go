package app

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/jeton-io/jeton/api"
)

// adminHandler serves operators: whether Jeton lives, whether it can decide, and figures. It tells nothing of users.
func (n *node) adminHandler() http.Handler {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), n)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answerHealth(w, n.problems(r.Context())) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { answerHealth(w, n.problems(r.Context())) })
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, http.StatusOK, Version()) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
}

// problems returns why this node can't decide just now, by part; nothing where it can.
func (n *node) problems(ctx context.Context) map[string]string {
	found := map[string]string{}
	if n.draining.Load() {
		found["server"] = "draining"
	}
	if !n.feed.Fresh() {
		found["feed"] = "last heard " + n.feed.Age().Round(time.Second).String() + " ago"
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := n.store.AnyUser(ctx); err != nil {
		found["database"] = "can't be read"
	}
	return found
}

func answerHealth(w http.ResponseWriter, problems map[string]string) {
	if len(problems) == 0 {
		answerJSON(w, http.StatusOK, map[string]string{"status": "ok"})
		return
	}
	answerJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "problems": problems})
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone
}

// Version reads what the Go tool stamped into the binary.
func Version() api.Version {
	v := api.Version{Version: "(devel)", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = cmp.Or(info.Main.Version, v.Version)
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// Describe implements prometheus.Collector.
func (n *node) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(n, ch) }

// Collect implements prometheus.Collector. The labels are of closed sets: kinds of credential and outcomes.
func (n *node) Collect(ch chan<- prometheus.Metric) {
	decisions := prometheus.NewDesc("jeton_decisions_total", "Decisions about presented credentials.", []string{"kind", "outcome"}, nil)
	for _, c := range n.authority.Counts() {
		ch <- prometheus.MustNewConstMetric(decisions, prometheus.CounterValue, float64(c.Total), c.Kind.String(), c.Outcome.String())
	}
	gauge := func(name, help string, value float64) {
		ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, value)
	}
	gauge("jeton_remembered_proofs", "Proofs of credentials kept in memory.", float64(n.authority.Remembered()))
	gauge("jeton_feed_age_seconds", "Time since the change feed was last heard.", n.feed.Age().Seconds())
	gauge("jeton_services", "Protected services in the policy in force.", float64(n.catalog.Policy().Len()))
	if n.certificate != nil {
		gauge("jeton_tls_certificate_not_after_seconds", "When the TLS certificate in use ends, in seconds since 1970.", float64(n.certificate.NotAfter().Unix()))
	}
}
