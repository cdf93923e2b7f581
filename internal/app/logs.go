package app

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

// logWriter gathers lines and hands them on in few writes: at the latest a tenth of a second after each was written, at
// once where one tells of trouble. A crash of the machine or a kill -9 can cost the lines of that tenth of a second;
// what must not be lost stands in the audit log.
type logWriter struct {
	to    io.Writer
	timer *time.Timer

	mu     sync.Mutex
	buf    bytes.Buffer
	armed  bool
	closed bool
}

const (
	logDelay = 100 * time.Millisecond
	logBytes = 64 << 10 // more than this is handed on at once
)

func newLogWriter(to io.Writer) *logWriter {
	w := &logWriter{to: to}
	w.timer = time.AfterFunc(time.Hour, w.flush)
	w.timer.Stop()
	return w
}

// Write implements io.Writer. A failure to hand lines on is nobody's to hear of.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(line)
	switch {
	case w.closed, w.buf.Len() >= logBytes, urgent(line):
		w.handOn()
	case !w.armed:
		w.armed = true
		w.timer.Reset(logDelay)
	}
	return len(line), nil
}

// urgent reports whether a line, in either format, is of level WARN or ERROR. It looks only where the level stands,
// so that no path in a request can make its line urgent.
func urgent(line []byte) bool {
	head := line[:min(len(line), 80)]
	return bytes.Contains(head, []byte(`"level":"WARN"`)) || bytes.Contains(head, []byte(`"level":"ERROR"`)) ||
		bytes.Contains(head, []byte("level=WARN ")) || bytes.Contains(head, []byte("level=ERROR "))
}

func (w *logWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handOn()
}

// handOn writes what is gathered. The caller holds the lock.
func (w *logWriter) handOn() {
	w.armed = false
	_, _ = w.to.Write(w.buf.Bytes())
	w.buf.Reset()
}

// Close hands on what is left; lines written after it go through at once.
func (w *logWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.closed = true
	w.handOn()
	return nil
}

// newLogger returns the logger of the configured format.
func newLogger(to io.Writer, o *Options, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if o.Config.LogFormat == "text" || o.Config.LogFormat == "auto" && o.LogTerminal {
		return slog.New(slog.NewTextHandler(to, options))
	}
	return slog.New(slog.NewJSONHandler(to, options))
}
