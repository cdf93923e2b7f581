package gateway

import (
	"net/http"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// authRequest answers nginx's auth_request, which asks by GET whatever the method of the call.
func (g *gateway) authRequest(w http.ResponseWriter, r *http.Request) {
	in := web.Presented(r)
	err := readOriginal(r.Header, &in)
	if ref := g.decide(w, r, &in, err); ref != nil {
		g.refuseAuthRequest(w, ref)
	}
}

// refuseAuthRequest answers with a status that nginx's auth_request understands; X-Jeton-Status says what the caller should see.
//
// The reason stays here: every failed credential has the same answer to the byte, so that nobody learns from it whether
// a token was ever good. Only an API token that is good is told that it must be exchanged first. The time of the answer is
// not part of that promise: a token with a wrong checksum is refused without a look-up, which tells what the checksum had
// told already.
//
// What can't be judged is a 403. What can't be decided just now is a 503 where another node may well be able to, being nearer
// to the database, and a 429 where it should not be asked: the caller is to wait, whichever node it comes to, or guesses at
// passwords keep all of them busy. By that difference a proxy of several nodes knows when to ask the next and which of them
// to rest (proxy_next_upstream); with one status for both, whoever guesses would have it take the good ones for broken.
//
// Whatever a proxy makes of the second status, and of one that it doesn't know, none of these is a 2xx, which alone lets a
// call pass: nginx's auth_request makes a 500 of both.
func (g *gateway) refuseAuthRequest(w http.ResponseWriter, ref *authority.Refusal) {
	h := w.Header()
	status, answer := http.StatusForbidden, g.fixed.forbidden
	switch ref.Reason.Outcome() {
	case authority.OutcomeUnauthenticated:
		status, answer = http.StatusUnauthorized, g.fixed.unauthenticated
	case authority.OutcomeMalformed:
		answer = g.fixed.malformed
	case authority.OutcomeTooMany:
		status, answer = http.StatusTooManyRequests, g.fixed.tooMany
	case authority.OutcomeUnavailable:
		status, answer = http.StatusServiceUnavailable, g.fixed.unavailable
		if ref.Reason == authority.ReasonBusy {
			status = http.StatusTooManyRequests
		}
	}
	web.SetProblemHeaders(h, status, ref.RetryAfter)
	h[web.StatusHeader] = answer
	w.WriteHeader(status)
}
