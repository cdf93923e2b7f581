package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/web"
)

// loadCertificate reads the certificate that the configuration names; nil where it names none.
func loadCertificate(cfg *config.Config) (*web.Certificate, error) {
	if !cfg.PublicTLS() {
		return nil, nil
	}
	c, err := web.LoadCertificate(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("%w (--tls-cert and --tls-key name the files)", err)
	}
	return c, nil
}

// startCertificate reads the certificate for a server that starts.
func startCertificate(ctx context.Context, o *Options, logger *slog.Logger) (*web.Certificate, error) {
	c, err := loadCertificate(&o.Config)
	if c != nil {
		warnOfCertificate(ctx, logger, c, o.Now())
	}
	return c, err
}

// schemeOf returns the scheme of the public listener's URL.
func schemeOf(cfg *config.Config) string {
	if cfg.PublicTLS() {
		return "https"
	}
	return "http"
}

// reloadCertificate reads the certificate's files because the operator says so.
func (n *node) reloadCertificate(ctx context.Context) {
	if n.certificate != nil {
		n.tellCertificate(ctx, n.certificate.Reload())
	}
}

// watchCertificate reads the certificate's files and takes them where they have changed: whoever renews a certificate
// need not know of Jeton.
func (n *node) watchCertificate(ctx context.Context) {
	if changed, err := n.certificate.Refresh(); changed {
		n.tellCertificate(ctx, err)
	}
}

func (n *node) tellCertificate(ctx context.Context, err error) {
	if err != nil {
		n.logger.ErrorContext(ctx, "the TLS certificate was not reloaded; the former stays in use", "error", err, "ends", n.certificate.NotAfter())
		return
	}
	n.logger.InfoContext(ctx, "reloaded the TLS certificate", "ends", n.certificate.NotAfter())
	warnOfCertificate(ctx, n.logger, n.certificate, n.now())
}

// warnOfCertificate warns of a certificate that clients refuse for its time. It is no reason not to start: some clients
// may not look, the clock may be wrong, and a Jeton that isn't there admits nobody at the gateway either.
func warnOfCertificate(ctx context.Context, logger *slog.Logger, c *web.Certificate, now time.Time) {
	switch {
	case now.After(c.NotAfter()):
		logger.WarnContext(ctx, "the TLS certificate has ended: clients refuse it", "ended", c.NotAfter())
	case now.Before(c.NotBefore()):
		logger.WarnContext(ctx, "the TLS certificate hasn't begun: clients refuse it", "begins", c.NotBefore())
	}
}
