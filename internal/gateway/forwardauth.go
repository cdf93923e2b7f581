package gateway

import (
	"net/http"
	"strconv"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// forwardAuth answers Traefik's ForwardAuth and Caddy's forward_auth. Both hand a refusal on to the client as it is, with
// its status, header and body: so it says what it means, in the words of /v1.
func (g *gateway) forwardAuth(w http.ResponseWriter, r *http.Request) {
	in := web.Presented(r)
	err := readForwarded(r.Header, &in)
	ref := g.decide(w, r, &in, err)
	if ref != nil {
		g.refuseInWords(w, r, ref)
	}
}

// refuseInWords answers with the status that is meant, and says what it means.
func (g *gateway) refuseInWords(w http.ResponseWriter, r *http.Request, ref *authority.Refusal) {
	problem := web.ProblemOf(ref)
	w.Header()[web.StatusHeader] = []string{strconv.Itoa(problem.Status)}
	web.WriteProblem(w, r, problem)
}
