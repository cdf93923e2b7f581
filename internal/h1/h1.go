// Package h1 answers plain HTTP/1.1 requests with less ado than net/http, before net/http and not instead of it.
//
//	                    ┌─ plain ────▶ Handler ────▶ answer ──┐
//	client ──▶ Listener ┤    ▲                                │
//	           reads    │    └──────── the next request ◀─────┘
//	           a head   │
//	                    └─ anything else ─▶ Accept ─▶ net/http      with every byte that was read, and for good
//
// Listener is a net.Listener between that of TCP and an http.Server. It reads requests itself as long as each of them is of one
// strict form, in which nothing is left to a parser's taste: a request line of three parts, fields of visible ASCII, one Host, no
// body. At the first that isn't, the connection goes to net/http, which answers as if it had been there alone. So there is no
// request that the two see differently, and no fault that this package would have to answer: what it takes is a part of what
// net/http takes, and it reads that part alike.
//
// What makes it lean is what it leaves out. A body, a context for each request, a map of fields, a reader of the connection that
// waits beside the handler for the client to go: a question about somebody else's call needs none of that. One goroutine reads,
// asks the handler and writes, in the order in which requests came; a head's text is allocated once, and all else is used again.
//
// It refuses nothing and mends nothing: where it has a doubt, net/http has the word. That holds for all that request smuggling is
// made of, since a request with a length, an encoding, a second Host, a folded line or a bare line feed isn't plain. One thing
// net/http forgives where it is alone, and not here, where it knows nothing of the request before: an empty line behind a POST.
package h1

import "net/netip"

// Request is one plain request. Its strings are good for as long as anybody holds them.
type Request struct {
	Method string // capitals; neither HEAD nor CONNECT, which have rules of their own
	Target string // a path, or a path with a query, as it came: visible ASCII, and escapes that can be decoded
	Host   string // not empty
	Remote netip.AddrPort

	text   string // the head
	fields []field
	values []string // what Values has returned
}

// field is where a field's name and value stand in a request's text.
type field struct{ name, nameEnd, value, valueEnd uint16 }

// Handler answers plain requests. False leaves the request to net/http: nothing was done about it then, and the connection goes
// over. Requests of one connection come one after the other, and what was handed in is the engine's again when it returns.
type Handler interface {
	AnswerPlain(r *Request, a *Answer) bool
}

// Values returns the values of a header field in the order in which they came, by its name in the spelling of http.Header's keys;
// nil where it isn't there. As with net/http, Host isn't among the fields. What it returns is good until the next request of
// the connection.
func (r *Request) Values(name string) []string {
	first := len(r.values)
	for i := range r.fields {
		f := &r.fields[i]
		if int(f.nameEnd-f.name) == len(name) && equalFold(r.text[f.name:f.nameEnd], name) {
			r.values = append(r.values, r.text[f.value:f.valueEnd])
		}
	}
	if first == len(r.values) {
		return nil
	}
	return r.values[first:len(r.values):len(r.values)]
}

// equalFold reports whether two names of the same length, both of ASCII, are one without regard to case.
func equalFold(a, b string) bool {
	for i := range len(a) {
		x, y := a[i], b[i]
		if x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}
