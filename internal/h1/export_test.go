package h1

import (
	"net"
	"net/http"
	"net/textproto"
)

// Reading is what the engine makes of bytes, for tests that have no connection.
type Reading struct {
	Verdict string // "partial", "plain" or "odd"
	Request *Request
	Length  int  // of the head
	Ending  bool // the client wants no more of the connection
}

// Read reads the first request of bytes that come in parts, which end where cuts say.
func Read(b []byte, cuts ...int) Reading {
	h := new(head)
	last := h.read(nil)
	for _, cut := range append(cuts, len(b)) {
		if last = h.read(b[:cut]); last != partial {
			break
		}
	}
	if last != plain {
		return Reading{Verdict: [...]string{partial: "partial", odd: "odd"}[last]}
	}
	c := &conn{head: *h, buf: b}
	c.fill()
	return Reading{"plain", &c.asked, h.pos, h.ending}
}

// Header returns all fields of a request as net/http would have them.
func (r *Request) Header() http.Header {
	all := http.Header{}
	for _, f := range r.fields {
		name := textproto.CanonicalMIMEHeaderKey(r.text[f.name:f.nameEnd])
		all[name] = r.Values(name)
	}
	return all
}

// Last call, for tests that wait for it.
const LastCall = lastCall

// Keeps reports whether a connection that went over keeps something of what was read before: also an empty rest does, of the whole.
func Keeps(conn net.Conn) bool {
	r, ok := conn.(*replay)
	return ok && r.unread != nil
}
