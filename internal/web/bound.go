package web

import (
	"net/http"
	"time"
)

// Bound serves next on a listener that streams as one does that doesn't: a body may have maxBody bytes, 0 for any number, and no
// request dawdles. It is for what Jeton answers itself, among calls that go on to upstreams and may take their time.
//
// The deadlines are the connection's, or with HTTP/2 the stream's. The server lifts them after each request.
func Bound(maxBody int64, next http.Handler) http.Handler {
	if maxBody > 0 {
		next = limitBody(maxBody, next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		setDeadlines(w, now.Add(readTimeout), now.Add(writeTimeout))
		next.ServeHTTP(w, r)
	})
}

// limitBody serves next as http.MaxBytesHandler does. That copies every request; here a body whose length is told, and which net/http
// doesn't read beyond that, goes by as it is.
func limitBody(most int64, next http.Handler) http.Handler {
	limited := http.MaxBytesHandler(next, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength < 0 || r.ContentLength > most {
			limited.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// setDeadlines says until when a request must have been read and answered; zero times lift what was said before. A writer that is no
// server's, as in a test, has none.
func setDeadlines(w http.ResponseWriter, read, write time.Time) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(read)
	_ = c.SetWriteDeadline(write)
}

// Yield lets an answer under Headers and Bound be somebody else's, as an upstream's, which has its own fields and its own time: to
// gives it. Where that returns an error it must have written nothing; then the answer is Jeton's again, with what goes with it.
func Yield(w http.ResponseWriter, to func() error) error {
	s := standingOf(w)
	if s != nil {
		s.yield()
	}
	setDeadlines(w, time.Time{}, time.Time{})
	err := to()
	if err == nil {
		return nil
	}
	now := time.Now()
	setDeadlines(w, now.Add(readTimeout), now.Add(writeTimeout))
	if s != nil {
		s.yielded = false
		s.fill()
	}
	return err
}

// standingOf returns the writer of Headers under w, or nil.
func standingOf(w http.ResponseWriter) *standingWriter {
	for {
		switch at := w.(type) {
		case *standingWriter:
			return at
		case interface{ Unwrap() http.ResponseWriter }:
			w = at.Unwrap()
		default:
			return nil
		}
	}
}
