package h1

import (
	"net/http"
	"strconv"
	"time"
)

// Answer is what a handler answers: first the status, then fields, and last a body, if there is one. Without a status it is 200. The
// engine adds Date, Content-Length and, where the connection ends, Connection: they are not for the handler to set, and neither
// is Transfer-Encoding.
type Answer struct {
	out    []byte // the answers that haven't been written yet, this one last
	begin  int    // where this one begins
	stage  stage
	fault  string    // why it can't be sent
	ending bool      // the connection ends after it
	alone  bool      // nothing was read behind its request
	now    time.Time // when it was whole
	l      *Listener // whose connection it is
}

// stage is how much of an answer there is.
type stage uint8

const (
	unbegun stage = iota
	begun         // its status is there, and perhaps fields
	whole
)

// Status says the status of the answer, of three digits and final: neither 1xx nor 204 or 304, whose framing is another.
func (a *Answer) Status(code int) {
	if a.fault != "" || a.stage != unbegun || code < 200 || code > 999 || code == http.StatusNoContent || code == http.StatusNotModified {
		a.fail("a status that comes late, or can't be that of an answer")
		return
	}
	a.stage = begun
	a.out = append(a.out, "HTTP/1.1 "...)
	a.out = strconv.AppendInt(a.out, int64(code), 10)
	a.out = append(a.out, ' ')
	a.out = append(a.out, http.StatusText(code)...)
	a.out = append(a.out, "\r\n"...)
}

// Field adds a header field. Its name is the program's own word and is taken as it is; a value with CR, LF, NUL or another control
// character, which may be a caller's word, makes the answer a 500 without fields.
func (a *Answer) Field(name, value string) {
	a.start()
	if a.stage == whole {
		a.fail("a field behind the body")
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			a.fail("a control character in the field " + name)
			break
		}
	}
	if a.fault != "" {
		return
	}
	a.out = append(a.out, name...)
	a.out = append(a.out, ": "...)
	a.out = append(a.out, value...)
	a.out = append(a.out, "\r\n"...)
}

// Body ends the answer with a text.
func (a *Answer) Body(text []byte) {
	a.start()
	if a.stage == whole {
		a.fail("a second body")
	}
	if a.fault != "" {
		return
	}
	a.stage = whole
	a.now = time.Now()
	a.ending = a.ending || a.alone && a.l.stopping()
	a.out = append(a.out, "Date: "...)
	a.out = append(a.out, a.l.clock.date(a.now)...)
	a.out = append(a.out, "\r\nContent-Length: "...)
	a.out = strconv.AppendInt(a.out, int64(len(text)), 10)
	if a.ending {
		a.out = append(a.out, "\r\nConnection: close"...)
	}
	a.out = append(a.out, "\r\n\r\n"...)
	a.out = append(a.out, text...)
}

// renew begins an answer behind those before it.
func (a *Answer) renew(ending, alone bool) {
	a.begin, a.stage, a.fault, a.ending, a.alone = len(a.out), unbegun, "", ending, alone
}

// finish ends an answer that has no body.
func (a *Answer) finish() {
	if a.stage != whole {
		a.Body(nil)
	}
}

// start says the status that an answer has where the handler says none.
func (a *Answer) start() {
	if a.stage == unbegun && a.fault == "" {
		a.Status(http.StatusOK)
	}
}

// fail takes back what there is of an answer that can't be sent.
func (a *Answer) fail(why string) {
	if a.fault == "" {
		a.fault = why
	}
	a.takeBack()
}

// takeBack leaves nothing of the answer.
func (a *Answer) takeBack() {
	a.out, a.stage = a.out[:a.begin], unbegun
}
