package web

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Line is what a handler adds to the request's line in the log: IDs and reasons, never a secret. Empty members are left out.
type Line struct {
	Client     netip.Addr // the client's address, where it isn't the peer's
	Method     string     // of the call, at the gateway of the one that was asked about
	Host       string     // likewise
	Path       string     // likewise, without the query
	Kind       string     // of credential
	Credential uuid.UUID
	User       uuid.UUID
	Service    string
	App        string // what the caller's application calls itself
	Reason     string // an authority.Reason, or the code that the caller was told
	Err        error  // what failed inside: logged at level ERROR
}

// Caller notes whose the request is, and by which credential.
func (l *Line) Caller(p *authority.Principal) {
	l.Kind, l.Credential, l.User = p.CredentialKind.String(), p.CredentialID, p.ID
	if p.Limits != nil {
		l.App = p.Limits.Application
	}
}

// Judged notes what was decided of a call: to which service it is, and whose, or of which kind its credential is where it may not
// pass. Why it may not, Refused notes.
func (l *Line) Judged(d *authority.Decision) {
	l.Service = d.Service
	switch {
	case d.Allowed():
		l.Caller(&d.Principal)
	case d.Kind != authority.KindNone:
		l.Kind = d.Kind.String()
	}
}

// Refused notes why the request is refused, whose its credential is where that is known, and what failed inside where nobody
// could tell.
func (l *Line) Refused(ref *authority.Refusal) {
	l.Reason, l.Credential, l.User = string(ref.Reason), ref.ID, ref.UserID
	if ref.Cause != nil {
		l.Err = ref.Cause
	}
}

// Told notes the code that a caller of an answer with status was told, where it is the caller's fault and nothing has been
// noted that says more: many a 400 is no refusal of a credential, and has no other reason. Codes are a closed set, and hold
// nothing that was sent. A fault of Jeton's own has Err.
func (l *Line) Told(status int, code string) {
	if l.Reason == "" && status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		l.Reason = code
	}
}

// Entry is what a line in the log tells of a request beside what its handler has noted.
type Entry struct {
	Listener string
	ID       string // of the request
	Status   int    // of its answer
	Took     time.Duration
}

// Write writes the line to the log, at level ERROR where something has failed inside. Log does so for what comes by net/http;
// another protocol's edge calls it once for each request, with Method, Host, Path and Client filled.
func (l *Line) Write(ctx context.Context, logger *slog.Logger, e Entry) {
	level := slog.LevelInfo
	if l.Err != nil {
		level = slog.LevelError
	}
	ctx = context.WithoutCancel(ctx)
	if !logger.Enabled(ctx, level) {
		return
	}
	var attrs [16]slog.Attr
	logger.LogAttrs(ctx, level, "request", l.attrs(attrs[:0], &e)...)
}

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
			rec.Line.Write(r.Context(), logger, Entry{Listener: listener, ID: rec.id, Status: rec.status, Took: now().Sub(began)})
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
	r.Line.Err = fmt.Errorf("the handler panicked: %v\n%s", fault, debug.Stack())
	if r.status >= http.StatusOK {
		return false
	}
	clear(r.Header()) // of what the handler had in mind nothing may stay, a cookie least of all
	r.setID()
	WriteProblem(r, req, api.NewProblem(api.CodeInternal, ""))
	return true
}

func (r *Recorder) setID() { r.Header()["X-Request-Id"] = []string{r.id} }

// NewRequestID draws the ID of a request, as it stands in the log and in X-Request-Id. It names a line of the log and protects
// nothing, so the fast generator will do.
func NewRequestID() string {
	var b [8]byte
	for n, i := rand.Uint64(), 0; i < len(b); n, i = n>>8, i+1 { //nolint:gosec // G404: see above
		b[i] = byte(n)
	}
	return hex.EncodeToString(b[:])
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

// attrs appends what is known of the request, empty members left out.
func (l *Line) attrs(to []slog.Attr, e *Entry) []slog.Attr {
	to = append(to, slog.String("listener", e.Listener), slog.String("request_id", e.ID), slog.Int("status", e.Status),
		slog.Duration("took", e.Took), slog.String("method", shown(l.Method)), slog.String("host", shown(l.Host)), slog.String("path", shown(l.Path)))
	to = append(to, slog.String("client", l.Client.String()))
	for _, a := range [...]slog.Attr{slog.String("kind", l.Kind), slog.String("service", shown(l.Service)), slog.String("application", shown(l.App)), slog.String("reason", l.Reason)} {
		if a.Value.String() != "" {
			to = append(to, a)
		}
	}
	for _, id := range [...]struct {
		name string
		of   uuid.UUID
	}{{"user_id", l.User}, {"credential_id", l.Credential}} { // of a platform's refused assertion, the platform alone is known
		if id.of != uuid.Nil {
			to = append(to, slog.String(id.name, id.of.String()))
		}
	}
	if l.Err != nil {
		to = append(to, slog.String("error", shown(l.Err.Error())))
	}
	return to
}

// shown returns what a caller wrote as the log shows it: without what looks like a secret, and without characters that a
// terminal obeys instead of showing, which encoding/json leaves in place (C1 controls, changes of direction).
func shown(text string) string {
	text = secret.Redact(text)
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return text
	}
	quoted := strconv.QuoteToGraphic(text)
	return quoted[1 : len(quoted)-1]
}
