package authority

import (
	"context"
	"sync"
	"time"
)

// lasting is a context that ends after a time, as those of context.WithTimeout. Its timer, and its place among what ends with its parent,
// it makes once somebody asks for Done: most look-ups never wait, and ask for Err alone.
type lasting struct {
	context.Context // the parent

	until time.Time

	mu    sync.Mutex
	over  bool
	whole context.Context // once somebody has asked for it
	end   context.CancelFunc
}

func newLasting(parent context.Context, d time.Duration) *lasting {
	return &lasting{Context: parent, until: time.Now().Add(d)}
}

// cancel ends it. Later calls do nothing.
func (l *lasting) cancel() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.end != nil {
		l.end()
	}
}

// made returns the context that it stands for.
func (l *lasting) made() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.whole == nil {
		l.whole, l.end = context.WithDeadline(l.Context, l.until)
		if l.over {
			l.end()
		}
	}
	return l.whole
}

// Deadline implements context.Context.
func (l *lasting) Deadline() (time.Time, bool) {
	if earlier, ok := l.Context.Deadline(); ok && earlier.Before(l.until) {
		return earlier, true
	}
	return l.until, true
}

// Done implements context.Context.
func (l *lasting) Done() <-chan struct{} { return l.made().Done() }

// Err implements context.Context. Until somebody asks for Done, nobody can have seen it end before Err says so.
func (l *lasting) Err() error {
	l.mu.Lock()
	goes := l.whole == nil && !l.over && l.Context.Err() == nil && time.Now().Before(l.until)
	l.mu.Unlock()
	if goes {
		return nil
	}
	return l.made().Err()
}
