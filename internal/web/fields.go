package web

import "net/http"

// Header is what was sent in the header of a request, whichever engine has read it.
type Header interface {
	// Values returns the values of a field, by its name in the spelling of http.Header's keys; nil where it isn't there. They are
	// good until the request is answered, and not to be written.
	Values(name string) []string
}

// HeaderOf returns what net/http has read. Unlike by http.Header's own method, no name is spelled anew for each look.
func HeaderOf(r *http.Request) Header { return header(r.Header) }

type header http.Header

// Values implements Header.
func (h header) Values(name string) []string { return h[name] }

// Field is a header field of an answer. Its name is in the spelling of http.Header's keys.
type Field struct{ Name, Value string }

// Fields are header fields of an answer that isn't any engine's yet. None is there twice.
type Fields []Field

// Set sets the fields in a header, in place of what was there by their names.
func (f Fields) Set(h http.Header) {
	values := make([]string, len(f))
	for i := range f {
		values[i] = f[i].Value
		h[f[i].Name] = values[i : i+1 : i+1] // without room for another: what is added there goes elsewhere
	}
}
