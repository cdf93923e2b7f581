package web

import (
	"net/http"
	"slices"
)

// A field of a header, as Headers sets it. The value is a slice that all answers share, without room at its end:
// http.Header's methods put another in its place, and none changes what is in it.
type field struct {
	name  string
	value []string
}

// standing is what every answer of a listener that browsers reach carries. Jeton's answers are data, of which a browser
// should make nothing; a page that needs more sets its own Content-Security-Policy.
var standing = []field{
	// What isn't said to be a page or a script is never taken for one, whatever is in it.
	{"X-Content-Type-Options", []string{"nosniff"}},
	// Nothing is loaded, run, framed or sent. frame-ancestors, base-uri and form-action don't fall back to default-src (CSP
	// Level 3, section 6). That frame-ancestors has taken the place of X-Frame-Options, which is one field more in every answer.
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}},
	// No page elsewhere keeps hold of a window of ours, nor reads an answer of ours into its process by naming it as an
	// image or a script (Spectre).
	{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	// A URL of ours tells where a user was, and old clients have put secrets into URLs.
	{"Referrer-Policy", []string{"no-referrer"}},
}

// transportSecurity has browsers use TLS for a year after each visit, whatever a link says. Other hosts below the same
// name aren't ours to decide about: there is no includeSubDomains.
var transportSecurity = field{"Strict-Transport-Security", []string{"max-age=31536000"}}

// Headers serves next, and sets in every answer the fields by which browsers are told to make little of it. A handler
// overrides one by setting its own value. https says that clients know Jeton by an https URL: only then is there a
// Strict-Transport-Security.
//
// RFC 6797, section 7.2, forbids that field in an answer over plain http. Where Jeton has the certificate, there is
// none. Behind a proxy that ends TLS the last hop is plain, but the answer is the proxy's, and reaches the browser over
// TLS. Where such a proxy serves plain http besides, the browser must ignore the field (section 8.1), so that nobody on
// the network gains by it. What the field can't protect is a browser's very first visit.
//
// Headers goes around Log, not under it: an answer to a panic, for which Log clears what the handler had set, must carry
// the fields too, and so must one whose handler cleared them itself. What is missing is put back when the answer begins.
// What net/http answers by itself, to bytes that are no request, has none of them, and nothing of Jeton's in it either.
func Headers(https bool, next http.Handler) http.Handler {
	fields := standing
	if https {
		fields = slices.Concat(standing, []field{transportSecurity})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &standingWriter{ResponseWriter: w, fields: fields}
		s.fill() // for an answer that begins without a word of the handler's
		next.ServeHTTP(s, r)
	})
}

// standingWriter is the http.ResponseWriter of a request under Headers.
type standingWriter struct {
	http.ResponseWriter
	fields []field
	begun  bool // the answer has: its header has gone out
	// yielded says that the answer is another's, see Yield.
	yielded bool
}

// yield takes back what fill has set, but for what the handler has set in its place.
func (s *standingWriter) yield() {
	s.yielded = true
	h := s.Header()
	for _, f := range s.fields {
		if value := h[f.name]; len(value) == 1 && &value[0] == &f.value[0] {
			delete(h, f.name)
		}
	}
}

// fill sets the fields that the answer lacks.
func (s *standingWriter) fill() {
	if s.yielded {
		return
	}
	h := s.Header()
	for _, f := range s.fields {
		if _, set := h[f.name]; !set {
			h[f.name] = f.value
		}
	}
}

// WriteHeader implements http.ResponseWriter.
func (s *standingWriter) WriteHeader(status int) {
	if !s.begun {
		s.fill()
		s.begun = status >= http.StatusOK // an informational one comes before
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (s *standingWriter) Write(b []byte) (int, error) {
	if !s.begun {
		s.fill()
		s.begun = true
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what standingWriter wraps.
func (s *standingWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
