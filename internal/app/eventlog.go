package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
)

// eventLog is the audit log with what this node has yet to write to it: whoever reads it sees both.
type eventLog struct {
	audit.Store
	refusals *audit.Refusals
	now      func() time.Time
	logger   *slog.Logger

	mu        sync.Mutex
	unwritten []audit.Event // drained, but the database would not take them
}

// Events implements audit.Store.
func (l *eventLog) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	l.flush(ctx)
	return l.Store.Events(ctx, q)
}

// CountEvents implements audit.Store.
func (l *eventLog) CountEvents(ctx context.Context, since time.Time, most int) ([]audit.Count, time.Time, error) {
	l.flush(ctx)
	return l.Store.CountEvents(ctx, since, most)
}

// flush writes the refusals gathered. What can't be written waits for the next time, as far as there is room, and is
// counted in the log of the server beyond: an audit log that is out of reach must not stop Jeton from refusing.
func (l *eventLog) flush(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := append(l.unwritten, l.refusals.Drain(l.now())...)
	l.unwritten = nil
	if len(events) == 0 {
		return
	}
	if err := l.AppendRefusals(ctx, events); err != nil {
		lost := max(0, len(events)-maxRefusals)
		l.unwritten = events[lost:]
		l.logger.ErrorContext(ctx, "refusals are not yet written to the audit log", "waiting", len(l.unwritten), "lost", lost, "error", err)
	}
}
