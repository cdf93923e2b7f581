package web

import (
	"encoding/hex"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/secret"
)

// Gatherer takes the lines of a log, each whole and by one call. Write finds out for itself what Gather is told: when a line was
// made, and whether it tells of trouble, so that somebody should see it at once. It keeps nothing of the line. A failure is nobody's to
// hear of.
type Gatherer interface {
	io.Writer
	Gather(line []byte, at time.Time, urgent bool)
}

// LogHandler is the slog.Handler of the server's log. It is slog's own but for the lines of requests, of which there may be tens of
// thousands a second: to these, Line.Write appends the members by hand, for a tenth of what they cost by slog.
//
// By hand is written only what stands in the log as it is. A line in which anything would have to be escaped or put into quotes goes
// by slog, and so does that of a logger with attributes of its own: what a caller writes can make a line dear, and never wrong.
type LogHandler struct {
	slog.Handler
	to    Gatherer
	form  *form
	lines sync.Pool // of *lineBuffer
}

// NewLogHandler returns the handler of a log that goes to a writer, from a level on: as text if so told, else as JSON. A writer that is
// no Gatherer gets one line at a time.
func NewLogHandler(to io.Writer, level slog.Leveler, text bool) *LogHandler {
	gatherer, ok := to.(Gatherer)
	if !ok {
		gatherer = &oneByOne{to: to}
	}
	options := &slog.HandlerOptions{Level: level}
	h := &LogHandler{to: gatherer, lines: sync.Pool{New: func() any { return new(lineBuffer) }}}
	if text {
		h.Handler, h.form = slog.NewTextHandler(gatherer, options), &textForm
	} else {
		h.Handler, h.form = slog.NewJSONHandler(gatherer, options), &jsonForm
	}
	return h
}

// oneByOne is the Gatherer of a writer that isn't one.
type oneByOne struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements io.Writer.
func (o *oneByOne) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(line)
}

// Gather implements Gatherer.
func (o *oneByOne) Gather(line []byte, _ time.Time, _ bool) { _, _ = o.Write(line) }

// write hands a line to the log, and reports false where it can't be written by hand.
func (h *LogHandler) write(l *Line, e *Entry, level slog.Level) bool {
	b, _ := h.lines.Get().(*lineBuffer)
	b.form, b.text, b.odd = h.form, b.text[:0], false
	b.line(l, e, level)
	if !b.odd {
		h.to.Gather(b.text, e.Ended, level >= slog.LevelWarn)
	}
	odd := b.odd
	h.lines.Put(b)
	return !odd
}

// form is how one of slog's formats writes a line: what stands before each member, and what behind one that is a text.
type form struct {
	time, level, listener, requestID, status, took, method, host, path, client, kind, service, application, reason, userID, credentialID, err string

	closing string // behind a text
	end     string // of the line
	json    bool   // which tells how times and durations are written
}

// jsonForm and textForm are slog.JSONHandler's and slog.TextHandler's.
var jsonForm = form{
	time: `{"time":"`, level: `,"level":"`, listener: `,"msg":"` + message + `","listener":"`, requestID: `,"request_id":"`, status: `,"status":`,
	took: `,"took":`, method: `,"method":"`, host: `,"host":"`, path: `,"path":"`, client: `,"client":"`, kind: `,"kind":"`,
	service: `,"service":"`, application: `,"application":"`, reason: `,"reason":"`, userID: `,"user_id":"`, credentialID: `,"credential_id":"`,
	err: `,"error":"`, closing: `"`, end: "}\n", json: true,
}

var textForm = form{
	time: `time=`, level: ` level=`, listener: ` msg=` + message + ` listener=`, requestID: ` request_id=`, status: ` status=`,
	took: ` took=`, method: ` method=`, host: ` host=`, path: ` path=`, client: ` client=`, kind: ` kind=`,
	service: ` service=`, application: ` application=`, reason: ` reason=`, userID: ` user_id=`, credentialID: ` credential_id=`,
	err: ` error=`, end: "\n",
}

// lineBuffer is one line in the making. It is used again for the next, with the second that it knows.
type lineBuffer struct {
	form *form
	text []byte
	odd  bool // there is something in the line that doesn't stand for itself

	second int64          // since 1970, of which date has the text
	place  *time.Location // likewise
	date   []byte         // up to the second
	zone   []byte         // what stands behind the fraction
}

// line appends what attrs says, in the same order.
func (b *lineBuffer) line(l *Line, e *Entry, level slog.Level) {
	f := b.form
	b.moment(e.Ended)
	b.known(f.level, level.String())
	b.known(f.listener, e.Listener)
	b.known(f.requestID, e.ID)
	b.text = strconv.AppendInt(append(b.text, f.status...), int64(e.Status), 10)
	b.duration(e.Ended.Sub(e.Began))
	b.told(f.method, l.Method)
	b.told(f.host, l.Host)
	b.told(f.path, l.Path)
	b.address(l)
	if l.Kind != "" {
		b.known(f.kind, l.Kind)
	}
	if l.Service != "" {
		b.told(f.service, l.Service)
	}
	if l.App != "" {
		b.told(f.application, l.App)
	}
	if l.Reason != "" {
		b.known(f.reason, l.Reason)
	}
	b.id(f.userID, &l.User)
	b.id(f.credentialID, &l.Credential)
	if l.Err != nil {
		b.told(f.err, l.Err.Error())
	}
	b.text = append(b.text, f.end...)
}

// told appends a member that a caller may have written, as shown does.
func (b *lineBuffer) told(before, value string) { b.known(before, secret.Redact(value)) }

// known appends a member.
func (b *lineBuffer) known(before, value string) {
	b.odd = b.odd || !standsForItself(value)
	b.text = append(append(append(b.text, before...), value...), b.form.closing...)
}

// standsForItself reports whether text is written as it is, in both formats and by shown, too: it is of ASCII's graphic characters, and
// none of those that one of the formats escapes, or puts into quotes. An empty one is put into quotes.
func standsForItself(text string) bool {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=' {
			return false
		}
	}
	return text != ""
}

// address appends the client's address.
func (b *lineBuffer) address(l *Line) {
	if !l.Client.IsValid() || l.Client.Zone() != "" {
		b.odd = true
		return
	}
	b.text = append(l.Client.AppendTo(append(b.text, b.form.client...)), b.form.closing...)
}

// id appends an ID, where there is one.
func (b *lineBuffer) id(before string, id *uuid.UUID) {
	if *id == uuid.Nil {
		return
	}
	b.text = append(appendID(append(b.text, before...), id), b.form.closing...)
}

// appendID appends an ID as text.
func appendID(to []byte, id *uuid.UUID) []byte {
	var text [idText]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return append(to, text[:]...)
}

// duration appends how long the request took.
func (b *lineBuffer) duration(d time.Duration) {
	b.text = append(b.text, b.form.took...)
	if b.form.json {
		b.text = strconv.AppendInt(b.text, int64(d), 10)
	} else {
		b.text = append(b.text, d.String()...)
	}
}

// moment appends when the request was answered (RFC 3339). The text of a second serves for all that end in it.
func (b *lineBuffer) moment(t time.Time) {
	if second, place := t.Unix(), t.Location(); second != b.second || place != b.place {
		b.second, b.place = second, place
		b.date = t.AppendFormat(b.date[:0], "2006-01-02T15:04:05")
		b.zone = t.AppendFormat(b.zone[:0], "Z07:00")
	}
	if t.IsZero() || len(b.date) != len("2006-01-02T15:04:05") { // of no time slog says nothing, and that a year has not four digits
		b.odd = true
	}
	b.text = append(append(b.text, b.form.time...), b.date...)
	b.fraction(t.Nanosecond())
	b.text = append(append(b.text, b.zone...), b.form.closing...)
}

// fraction appends that of a second: as JSON the nanoseconds without the zeros at the end, as text three digits.
func (b *lineBuffer) fraction(nanoseconds int) {
	digits := [...]byte{'.', '0', '0', '0', '0', '0', '0', '0', '0', '0'}
	for i := len(digits) - 1; i > 0; i-- {
		digits[i] += byte(nanoseconds % 10) //nolint:gosec // G115: less than 10
		nanoseconds /= 10
	}
	end := len(".000")
	if b.form.json {
		for end = len(digits); end > 1 && digits[end-1] == '0'; {
			end--
		}
		if end == 1 {
			return // no more than the point
		}
	}
	b.text = append(b.text, digits[:end]...)
}
