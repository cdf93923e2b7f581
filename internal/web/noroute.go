package web

import (
	"net/http"

	"github.com/jeton-io/jeton/api"
)

// NoRoute returns the problem of a request for which an http.ServeMux has no route: 405, with the field Allow set on w,
// where the path has other methods, else 404. Of what the mux would answer, only the status and the list of methods are
// used: its body is no problem.
func NoRoute(w http.ResponseWriter, r *http.Request, would http.Handler) *api.Problem {
	answer := unsent{header: http.Header{}}
	would.ServeHTTP(&answer, r)
	if answer.status != http.StatusMethodNotAllowed {
		return api.NewProblem(api.CodeNotFound, "")
	}
	w.Header().Set("Allow", answer.header.Get("Allow"))
	return api.NewProblem(api.CodeMethodNotAllowed, "")
}

// unsent is an http.ResponseWriter that keeps the header and drops the body.
type unsent struct {
	header http.Header
	status int
}

func (u *unsent) Header() http.Header         { return u.header }
func (u *unsent) WriteHeader(status int)      { u.status = status }
func (u *unsent) Write(b []byte) (int, error) { return len(b), nil }
