package web

import (
	"bufio"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/jeton-io/jeton/api"
)

// Recorder is the http.ResponseWriter of a request under Log.
type Recorder struct {
	http.ResponseWriter
	Line   Line
	id     string
	status int
	bytes  int64
}

// Note returns the line of the request that w answers. Outside Log it returns a line that nobody reads.
func Note(w http.ResponseWriter) *Line {
	if r, ok := w.(*Recorder); ok {
		return &r.Line
	}
	return &Line{}
}

// RequestID returns the ID of the request that w answers, as it stands in the log and in X-Request-Id.
func RequestID(w http.ResponseWriter) string {
	if r, ok := w.(*Recorder); ok {
		return r.id
	}
	return ""
}

// WriteHeader implements http.ResponseWriter.
func (r *Recorder) WriteHeader(status int) {
	if r.status < http.StatusOK { // not yet, or an informational one before
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *Recorder) Write(b []byte) (int, error) {
	if r.status < http.StatusOK {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Hijack implements http.Hijacker. Whoever takes the connection answers on it that the protocol is switched.
func (r *Recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.status = http.StatusSwitchingProtocols
	}
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach what Recorder wraps.
func (r *Recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Log serves next, gives each request an ID and writes one line about each. A handler that panics is answered for: with
// a 500 that tells the caller nothing but the ID, or by cutting off the answer that it had begun.
func Log(logger *slog.Logger, listener string, now func() time.Time, next http.Handler) http.Handler {
	pool := sync.Pool{New: func() any { return new(Recorder) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := now()
		rec, _ := pool.Get().(*Recorder)
		*rec = Recorder{ResponseWriter: w}
		rec.id = NewRequestID()
		rec.setID()
		defer func() {
			fault := recover()
			cut := fault == http.ErrAbortHandler //nolint:errorlint // a panic's value is compared as it is
			if fault != nil && !cut {
				cut = !rec.fail(r, fault)
			}
			if rec.status == 0 && !cut {
				rec.status = http.StatusOK // as net/http will say
			}
			rec.fill(r)
			rec.Line.Write(r.Context(), logger, Entry{Listener: listener, ID: rec.id, Status: rec.status, Began: began, Ended: now()})
			*rec = Recorder{}
			pool.Put(rec)
			if cut {
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// fail answers for a handler that panicked, and reports whether it could: an answer that has begun must be cut off, or
// the caller would take it for whole. What the handler panicked with, and where, is for the log alone.
func (r *Recorder) fail(req *http.Request, fault any) bool {
	r.Line.Err = Panicked(fault)
	if r.status >= http.StatusOK {
		return false
	}
	clear(r.Header()) // of what the handler had in mind nothing may stay, a cookie least of all
	r.setID()
	WriteProblem(r, req, api.NewProblem(api.CodeInternal, ""))
	return true
}

// Panicked returns what the log tells of a handler that panicked: with what, and where. It is called while the handler's stack stands.
func Panicked(fault any) error {
	return fmt.Errorf("the handler panicked: %v\n%s", fault, debug.Stack())
}

func (r *Recorder) setID() { r.Header()["X-Request-Id"] = []string{r.id} }

// NewRequestID draws the ID of a request, as it stands in the log and in X-Request-Id. It names a line of the log and protects
// nothing, so the fast generator will do.
func NewRequestID() string {
	const digits = "0123456789abcdef"
	var b [16]byte
	n := rand.Uint64() //nolint:gosec // G404: see above
	for i := range b {
		b[i] = digits[n&15]
		n >>= 4
	}
	return string(b[:])
}

// fill notes of the request itself what the handler has not noted otherwise.
func (r *Recorder) fill(req *http.Request) {
	l := &r.Line
	if l.Method == "" {
		l.Method, l.Host, l.Path = req.Method, req.Host, req.URL.EscapedPath()
	}
	if !l.Client.IsValid() {
		l.Client = Remote(req)
	}
}
