package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
)

// How often what is done in the background is done.
const (
	feedEvery  = time.Second
	auditEvery = time.Second
	usesEvery  = 10 * time.Second
	pruneEvery = time.Hour
	// changesKept is how long rows of the change feed are kept; a node that was away for longer forgets everything.
	changesKept = 24 * time.Hour
)

// maintain starts what is done in the background, and returns how to end it: everything is done once more then, so
// that nothing gathered is lost.
func (n *node) maintain() (stop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	every := func(period time.Duration, do func(context.Context)) {
		running.Go(func() {
			tick := time.NewTicker(period)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					do(ctx)
				}
			}
		})
	}
	running.Go(func() {
		tick := time.NewTicker(feedEvery)
		defer tick.Stop()
		n.feed.Run(ctx, tick.C, func(err error) { n.logger.WarnContext(ctx, "the change feed can't be heard", "error", err) })
	})
	every(auditEvery, n.events.flush)
	every(usesEvery, n.storeUses)
	every(pruneEvery, n.prune)
	return func(last context.Context) error {
		cancel()
		running.Wait()
		n.events.flush(last)
		n.storeUses(last)
		return nil
	}
}

func (n *node) storeUses(ctx context.Context) {
	if err := n.authority.StoreUses(ctx); err != nil {
		n.logger.WarnContext(ctx, "times of last use were not stored", "error", err)
	}
}

// prune deletes what is older than it is kept for.
func (n *node) prune(ctx context.Context) {
	count, err := n.store.PruneEvents(ctx, n.now().Add(-time.Duration(n.retention.Load())))
	if err != nil {
		n.logger.WarnContext(ctx, "old events were not deleted", "error", err)
	} else if count > 0 {
		n.logger.InfoContext(ctx, "deleted events older than the retention", "count", count)
	}
	if _, err := n.store.PruneChanges(ctx, n.now().Add(-changesKept)); err != nil {
		n.logger.WarnContext(ctx, "old rows of the change feed were not deleted", "error", err)
	}
}

// eventLog is the audit log with what this node has yet to write to it: whoever reads it sees both.
type eventLog struct {
	audit.Store
	refusals *audit.Refusals
	now      func() time.Time
	logger   *slog.Logger
}

// Events implements audit.Store.
func (l *eventLog) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	l.flush(ctx)
	return l.Store.Events(ctx, q)
}

// flush writes the refusals gathered. What can't be written is counted in the log: an audit log that is out of reach
// must not stop Jeton from refusing.
func (l *eventLog) flush(ctx context.Context) {
	events := l.refusals.Drain(l.now())
	if len(events) == 0 {
		return
	}
	if err := l.AppendRefusals(ctx, events); err != nil {
		l.logger.ErrorContext(ctx, "refusals were not written to the audit log", "rows", len(events), "error", err)
	}
}
