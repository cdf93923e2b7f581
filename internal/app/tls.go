package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
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
		warnOfCertificate(ctx, logger, &o.Config, c, o.Now())
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
	warnOfCertificate(ctx, n.logger, &n.cfg, n.certificate, n.now())
}

// warnOfCertificate warns of a certificate that clients refuse. It is no reason not to start: some clients may not look, the
// clock may be wrong, and a Jeton that isn't there admits nobody at the gateway either.
func warnOfCertificate(ctx context.Context, logger *slog.Logger, cfg *config.Config, c *web.Certificate, now time.Time) {
	for _, warning := range certificateWarnings(cfg, c, now) {
		logger.WarnContext(ctx, warning) //nolint:sloglint // written here below
	}
}

// certificateWarnings says why clients refuse a certificate: for its time, or for the name by which they know Jeton.
func certificateWarnings(cfg *config.Config, c *web.Certificate, now time.Time) (warnings []string) {
	switch {
	case now.After(c.NotAfter()):
		warnings = append(warnings, "the TLS certificate has ended, and clients refuse it: it was good until "+c.NotAfter().UTC().Format(time.RFC3339))
	case now.Before(c.NotBefore()):
		warnings = append(warnings, "the TLS certificate hasn't begun, and clients refuse it: it will be good from "+c.NotBefore().UTC().Format(time.RFC3339))
	}
	if u, err := url.Parse(cfg.PublicURL); err == nil && u.Hostname() != "" && c.VerifyHostname(u.Hostname()) != nil {
		warnings = append(warnings, "the TLS certificate is for another name than "+u.Hostname()+", that of public-url, and clients refuse it")
	}
	return warnings
}
