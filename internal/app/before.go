package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/proxy"
)

// proxyHandler serves the services that have an upstream, and before it the paths of the products whose profile a service names.
func (n *node) proxyHandler(listener string) (http.Handler, error) {
	roots, err := upstreamRoots(n.cfg.UpstreamCA)
	if err != nil {
		return nil, fmt.Errorf("upstream-ca: %w", err)
	}
	n.proxy, err = proxy.New(proxy.Config{
		Authority: n.authority, Route: n.catalog.Route, Peers: n.peers, Kinds: gatewayKinds(), Cookies: n.cookies.Known(),
		Parameters: xdoc.Parameters(), Identity: n.identity.Token, Roots: roots, AnswerTimeout: n.cfg.UpstreamTimeout, Idle: n.cfg.StreamIdle, Logger: n.logger, Now: n.now,
	})
	if err != nil {
		return nil, err
	}
	return n.newFront(n.proxy, listener)
}

// upstreamRoots returns the authorities whose word about an upstream's certificate is believed: the system's, and those of a file.
// It returns nil, for the system's alone, where no file is named.
func upstreamRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates for upstreams: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without any: those of the file are what the operator has named
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New(file + " holds no certificate; write those of the authorities into it, as PEM")
	}
	return roots, nil
}

// reloadRoots reads the file of --upstream-ca anew. On an error the former certificates stay in use.
func (n *node) reloadRoots(ctx context.Context) {
	if n.proxy == nil || n.cfg.UpstreamCA == "" {
		return
	}
	roots, err := upstreamRoots(n.cfg.UpstreamCA)
	if err != nil {
		n.logger.ErrorContext(ctx, "the certificates for upstreams were not reloaded; the former stay in use", "error", err)
		return
	}
	n.proxy.Trust(roots)
}

// collectUpstreams tells of the proxy's upstreams. The labels are the names of services, which administrators make.
func (n *node) collectUpstreams(ch chan<- prometheus.Metric) {
	if n.proxy == nil {
		return
	}
	up := prometheus.NewDesc("jeton_proxy_upstream_up", "1 where the upstream of a service could be connected to, when last tried.", []string{"service"}, nil)
	failed := prometheus.NewDesc("jeton_proxy_failures_total", "Calls that the proxy itself had to answer by 502 or 504.", []string{"service", "status"}, nil)
	for _, h := range n.proxy.Health() {
		ch <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, oneIf(h.Up), h.Service)
		ch <- prometheus.MustNewConstMetric(failed, prometheus.CounterValue, float64(h.Unreachable), h.Service, "502")
		ch <- prometheus.MustNewConstMetric(failed, prometheus.CounterValue, float64(h.Late), h.Service, "504")
	}
}
