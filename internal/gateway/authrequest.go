package gateway

import (
	"context"
	"net/http"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// authRequest answers nginx's auth_request, which asks by GET whatever the method of the call.
func (g *Gateway) authRequest(ctx context.Context, c *check) {
	c.in = web.PresentedIn(c.header)
	err := readOriginal(c.header, &c.in)
	if ref := g.decide(ctx, c, err); ref != nil {
		c.refuseAuthRequest(ref)
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
func (c *check) refuseAuthRequest(ref *authority.Refusal) {
	status, shown := http.StatusForbidden, "403"
	switch ref.Reason.Outcome() {
	case authority.OutcomeUnauthenticated:
		status, shown = http.StatusUnauthorized, "401"
	case authority.OutcomeMalformed:
		shown = "400"
	case authority.OutcomeTooMany:
		status, shown = http.StatusTooManyRequests, "429"
	case authority.OutcomeUnavailable:
		status, shown = http.StatusServiceUnavailable, "503"
		if ref.Reason == authority.ReasonBusy {
			status = http.StatusTooManyRequests
		}
	}
	c.refuse(status, shown, ref)
}
