package app

import (
	"context"
	"log/slog"
)

// reload reads the configuration anew and applies what can change while running. A faulty one changes nothing.
func (n *node) reload(ctx context.Context, o *Options, level *slog.LevelVar) {
	if o.Reload == nil {
		return
	}
	fresh, err := o.Reload()
	if err != nil {
		n.logger.ErrorContext(ctx, "the configuration was not reloaded; the former stays in force", "error", err)
		return
	}
	level.Set(fresh.LogLevel)
	n.peers.Set(fresh.TrustedPeers)
	n.peers.Require(fresh.PeerSecret)
	n.retention.Store(int64(fresh.AuditRetention))
	var later []string
	for i, s := range fresh.Settings() {
		if was := n.cfg.Settings()[i]; was != s && !s.Live {
			later = append(later, s.Name)
		}
	}
	if len(later) > 0 {
		n.logger.WarnContext(ctx, "some settings take effect only at the next start", "settings", later)
	}
	n.logger.InfoContext(ctx, "reloaded the configuration")
}
