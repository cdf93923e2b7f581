package app

import (
	"bytes"
	"io"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jeton-io/jeton/internal/web"
)

// logWriter gathers lines and hands them on in few writes: at the latest a tenth of a second after each was written, at
// once where one tells of trouble. A crash of the machine or a kill -9 can cost the lines of that tenth of a second;
// what must not be lost stands in the audit log.
//
// Cores that write at once each have a place of their own to put lines, and meet only where these are handed on, in the order of
// their times. It is a web.Gatherer.
type logWriter struct {
	to     io.Writer
	timer  *time.Timer
	armed  atomic.Bool // the timer is set
	closed atomic.Bool

	stripes []logStripe
	near    sync.Pool // of *logStripe: a pool gives a core back what it took before
	next    atomic.Uint32

	handing sync.Mutex // one hands on at a time; whoever has to, waits, so that nothing gathers without bounds
	merged  []byte
}

const (
	logDelay   = 100 * time.Millisecond
	logBytes   = 64 << 10 // more than this is handed on at once
	maxStripes = 16
)

// logStripe is where some of the lines are gathered.
type logStripe struct {
	mu     sync.Mutex
	filled gathered
	taken  gathered // what is being handed on
	_      [64]byte // keeps neighbours off the last cache line
}

// gathered are lines, one behind the other as they came.
type gathered struct {
	text  []byte
	lines []gatheredLine // in the order of their times
	done  int            // of the lines, those that were handed on
}

type gatheredLine struct {
	at         int64 // when it was made, in nanoseconds since 1970
	begin, end int   // where it stands in the text
}

func newLogWriter(to io.Writer) *logWriter {
	w := &logWriter{to: to, stripes: make([]logStripe, min(runtime.GOMAXPROCS(0), maxStripes))}
	w.near.New = func() any { return &w.stripes[int(w.next.Add(1))%len(w.stripes)] }
	w.timer = time.AfterFunc(time.Hour, w.handOn)
	w.timer.Stop()
	return w
}

// Write implements io.Writer. A failure to hand lines on is nobody's to hear of.
func (w *logWriter) Write(line []byte) (int, error) {
	w.Gather(line, time.Now(), urgent(line))
	return len(line), nil
}

// Gather implements web.Gatherer.
func (w *logWriter) Gather(line []byte, at time.Time, urgent bool) {
	stripe, _ := w.near.Get().(*logStripe)
	full := stripe.add(line, at) >= logBytes/len(w.stripes)
	w.near.Put(stripe)
	switch { // after the line is there, for handOn to find; what is written after Close goes through at once
	case urgent, full, w.closed.Load():
		w.handOn()
	case !w.armed.Load() && w.armed.CompareAndSwap(false, true):
		w.timer.Reset(logDelay)
	}
}

// add gathers a line, and returns how many bytes there are. Seldom has one with a time before its own come first: whoever has taken a
// line's time may have to wait for the core before the line is written.
func (s *logStripe) add(line []byte, at time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &s.filled
	f.text = append(f.text, line...)
	f.lines = append(f.lines, gatheredLine{at.UnixNano(), len(f.text) - len(line), len(f.text)})
	for i := len(f.lines) - 1; i > 0 && f.lines[i].at < f.lines[i-1].at; i-- {
		f.lines[i], f.lines[i-1] = f.lines[i-1], f.lines[i]
	}
	return len(f.text)
}

// urgent reports whether a line, in either format, is of level WARN or ERROR. It looks only where the level stands,
// so that no path in a request can make its line urgent.
func urgent(line []byte) bool {
	head := line[:min(len(line), 80)]
	return bytes.Contains(head, []byte(`"level":"WARN"`)) || bytes.Contains(head, []byte(`"level":"ERROR"`)) ||
		bytes.Contains(head, []byte("level=WARN ")) || bytes.Contains(head, []byte("level=ERROR "))
}

// handOn writes what is gathered.
func (w *logWriter) handOn() {
	w.handing.Lock()
	defer w.handing.Unlock()
	w.armed.Store(false) // before anything is taken: a line that comes too late for that sets the timer anew
	w.merged = w.merged[:0]
	w.take()
	for w.merge() {
	}
	if len(w.merged) > 0 {
		_, _ = w.to.Write(w.merged)
	}
}

// take makes room for more lines, and keeps apart those that there are: of all stripes at one moment, or a line that comes to one
// after its turn would be left behind a younger one that comes to another before.
func (w *logWriter) take() {
	for i := range w.stripes {
		w.stripes[i].mu.Lock()
	}
	for i := range w.stripes {
		s := &w.stripes[i]
		s.taken, s.filled = s.filled, gathered{text: s.taken.text[:0], lines: s.taken.lines[:0]}
	}
	for i := range w.stripes {
		w.stripes[i].mu.Unlock()
	}
}

// merge appends the lines of the stripe that has the oldest, up to the first that is younger than another stripe's, and reports
// whether there were any.
func (w *logWriter) merge() bool {
	var oldest *gathered
	first, second := int64(math.MaxInt64), int64(math.MaxInt64)
	for i := range w.stripes {
		g := &w.stripes[i].taken
		if g.done == len(g.lines) {
			continue
		}
		if at := g.lines[g.done].at; oldest == nil || at < first {
			oldest, first, second = g, at, first
		} else if at < second {
			second = at
		}
	}
	if oldest == nil {
		return false
	}
	w.merged = oldest.appendUntil(w.merged, second)
	return true
}

// appendUntil appends the lines that are next and not younger than another.
func (g *gathered) appendUntil(to []byte, at int64) []byte {
	for ; g.done < len(g.lines) && g.lines[g.done].at <= at; g.done++ {
		line := g.lines[g.done]
		to = append(to, g.text[line.begin:line.end]...)
	}
	return to
}

// Close hands on what is left; lines written after it go through at once.
func (w *logWriter) Close() error {
	w.timer.Stop()
	w.closed.Store(true)
	w.handOn()
	return nil
}

// newLogger returns the logger of the configured format.
func newLogger(to io.Writer, o *Options, level slog.Leveler) *slog.Logger {
	text := o.Config.LogFormat == "text" || o.Config.LogFormat == "auto" && o.LogTerminal
	return slog.New(web.NewLogHandler(to, level, text))
}
