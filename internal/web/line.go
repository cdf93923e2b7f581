package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

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
	Listener     string
	ID           string // of the request
	Status       int    // of its answer
	Began, Ended time.Time
}

// message is what the line of each request says.
const message = "request"

// Write writes the line to the log, at level ERROR where something has failed inside. Log does so for what comes by net/http;
// another protocol's edge calls it once for each request, with Method, Host, Path and Client filled.
//
// A LogHandler is handed the line by hand, as nearly every line is. It has the same bytes by way of slog, which stands for
// every other handler and for what would have to be escaped.
func (l *Line) Write(ctx context.Context, logger *slog.Logger, e Entry) {
	level := slog.LevelInfo
	if l.Err != nil {
		level = slog.LevelError
	}
	h := logger.Handler()
	if !h.Enabled(ctx, level) {
		return
	}
	if by, ok := h.(*LogHandler); ok && by.write(l, &e, level) {
		return
	}
	r := slog.NewRecord(e.Ended, level, message, 0)
	var attrs [16]slog.Attr
	r.AddAttrs(l.attrs(attrs[:0], &e)...)
	_ = h.Handle(context.WithoutCancel(ctx), r) // whose failure is nobody's to hear of
}

// attrs appends what is known of the request, empty members left out.
func (l *Line) attrs(to []slog.Attr, e *Entry) []slog.Attr {
	to = append(to, slog.String("listener", e.Listener), slog.String("request_id", e.ID), slog.Int("status", e.Status),
		slog.Duration("took", e.Ended.Sub(e.Began)), slog.String("method", shown(l.Method)), slog.String("host", shown(l.Host)), slog.String("path", shown(l.Path)))
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
