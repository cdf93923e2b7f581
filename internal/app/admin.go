package app

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
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
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { n.answerReady(w, r) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { n.answerReady(w, r) })
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
	switch err := n.feed.Halted(); {
	case err != nil:
		found["feed"] = err.Error()
	case n.feed.Fresh():
	case n.feed.Age() == math.MaxInt64:
		found["feed"] = "not heard yet, or not since the clock was set back"
	case n.feed.Age() < feedTrusted:
		found["feed"] = "to be heard anew: a change of this node's could not be applied, or the database was connected to anew"
	default:
		found["feed"] = "last heard " + n.feed.Age().Round(time.Second).String() + " ago"
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := n.store.AnyUser(ctx); err != nil {
		found["database"] = "can't be read"
	}
	return found
}

// answerReady says whether this node can decide just now, and how much it knows of what other nodes have changed.
func (n *node) answerReady(w http.ResponseWriter, r *http.Request) {
	answer := map[string]any{"status": "ok", "feed": n.staleness()}
	status := http.StatusOK
	if problems := n.problems(r.Context()); len(problems) > 0 {
		answer["status"], answer["problems"], status = "not ready", problems, http.StatusServiceUnavailable
	}
	answerJSON(w, status, answer)
}

// staleness tells up to which revision this node has heard of every change, and how long ago it heard; of that nothing, where
// there is no telling.
func (n *node) staleness() map[string]any {
	told := map[string]any{"revision": n.feed.Revision()}
	if age := n.feed.Age(); age < math.MaxInt64 {
		told["age_seconds"] = age.Seconds()
	}
	return told
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone
}

// feedAge returns how long ago the feed was heard, in seconds.
func (n *node) feedAge() float64 {
	age := n.feed.Age()
	if age == math.MaxInt64 {
		return math.Inf(1)
	}
	return age.Seconds()
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
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

// Collect implements prometheus.Collector. The labels are of closed sets: kinds of credential, outcomes, and services.
func (n *node) Collect(ch chan<- prometheus.Metric) {
	decisions := prometheus.NewDesc("jeton_decisions_total", "Decisions about presented credentials.", []string{"kind", "outcome"}, nil)
	for _, c := range n.authority.Counts() {
		ch <- prometheus.MustNewConstMetric(decisions, prometheus.CounterValue, float64(c.Total), c.Kind.String(), c.Outcome.String())
	}
	gauge := func(name, help string, value float64) {
		ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, value)
	}
	gauge("jeton_remembered_proofs", "Proofs of credentials kept in memory.", float64(n.authority.Remembered()))
	warming := n.authority.Warming()
	gauge("jeton_warming", "1 while tokens are read into memory before they come.", oneIf(warming.Running))
	counter := func(name, help string, value float64) {
		ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, value)
	}
	counter("jeton_warmed_proofs_total", "Proofs of tokens that were read into memory before they came.", float64(warming.Kept))
	counter("jeton_warmed_proofs_known_total", "Tokens that were known so when they first came.", float64(warming.Known))
	if n.post != nil {
		counts := n.post.Counts()
		counter("jeton_mails_sent_total", "Mails that the mail server took.", float64(counts.Sent))
		counter("jeton_mails_given_up_total", "Mails that were not sent, and are not tried again.", float64(counts.GivenUp))
		counter("jeton_notices_dropped_total", "Notices that were not mailed, since their users had got enough within the hour.", float64(n.unsent.Load()))
		gauge("jeton_mails_waiting", "Mails that wait for the mail server.", float64(counts.Waiting))
	}
	gauge("jeton_feed_age_seconds", "Time since the change feed was last heard; +Inf where that isn't known.", n.feedAge())
	gauge("jeton_feed_revision", "The revision up to which every change of the feed was heard.", float64(n.feed.Revision()))
	gauge("jeton_feed_halted", "1 where the database is no longer believed, and every credential refused.", oneIf(n.feed.Halted() != nil))
	gauge("jeton_journal_behind", "1 where changes that were heard could not yet be written to the revocation journal.", oneIf(n.journal.Err() != nil))
	gauge("jeton_services", "Protected services in the policy in force.", float64(n.catalog.Policy().Len()))
	n.collectUpstreams(ch)
	if n.certificate != nil {
		gauge("jeton_tls_certificate_not_after_seconds", "When the TLS certificate in use ends, in seconds since 1970.", float64(n.certificate.NotAfter().Unix()))
	}
}
