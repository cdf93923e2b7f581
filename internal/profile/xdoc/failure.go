package xdoc

import (
	"errors"
	"net/http"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// failure is what a caller is told, in an envelope or on a page. Of tokens that are refused it tells nothing but that.
type failure struct {
	status     int    // of HTTP, on a page
	code       int    // the product's, which has HTTP's where that says the same
	info, more string // in English
	word       string // for the log
	// within says that an envelope tells it within a status of 200, as the product does: HTTP has done its part.
	within bool
	wait   time.Duration // before the same may succeed
}

// Error implements error.
func (f *failure) Error() string { return f.info }

// What callers are told.
var (
	refused          = &failure{status: 403, code: 403, info: "Security Validation Failed", more: "The request has no valid token.", within: true}
	notAllowed       = &failure{status: 403, code: 403, info: "Security Validation Failed", more: "The caller may not call this.", within: true}
	notLoggedIn      = &failure{status: 401, code: 401, info: "Not Logged In", more: "Come by a link with a valid token, or log in."}
	unknownMethod    = &failure{status: 404, code: 404, info: "Unknown Service Method", within: true}
	simulated        = &failure{status: 500, code: 4001, info: "Simulated Error", within: true}
	noToken          = &failure{status: 404, code: 404, info: "Not Found", more: "The product's own pages stand behind the proxy that asks Jeton about each call.", word: "not_found"}
	twice            = &failure{status: 400, code: 400, info: "Bad Request", more: "A parameter stands twice.", word: "parameter_twice"}
	twoCredentials   = &failure{status: 400, code: 400, info: "Bad Request", more: "The request has two credentials.", word: "two_credentials"}
	tooLong          = &failure{status: 400, code: 400, info: "Bad Request", more: "The token is too long.", word: "too_long"}
	badEscape        = &failure{status: 400, code: 400, info: "Bad Request", more: "A parameter is not percent-encoded as it must be.", word: "bad_escape"}
	badType          = &failure{status: 400, code: 400, info: "Bad Request", more: "The type of the body can't be read.", word: "bad_type"}
	badForm          = &failure{status: 400, code: 400, info: "Bad Request", more: "The form can't be read.", word: "bad_form"}
	lateToken        = &failure{status: 400, code: 400, info: "Bad Request", more: "In a form of several parts, tokens must come before the first file, and within 64 KiB.", word: "late_token"}
	cutOff           = &failure{status: 400, code: 400, info: "Bad Request", more: "The body didn't arrive whole and in time.", word: "cut_off"}
	methodNotAllowed = &failure{status: 405, code: 405, info: "Method Not Allowed", word: "method_not_allowed"}
	tooLarge         = &failure{status: 413, code: 413, info: "Request Too Large", more: "The form is too large.", word: "too_large"}
	longLink         = &failure{status: 413, code: 413, info: "Request Too Large", more: "There are too many parameters for an address.", word: "long_link"}
	tooMany          = &failure{status: 429, code: 429, info: "Too Many Requests", more: "Wait before you try again."}
	internalError    = &failure{status: 500, code: 500, info: "Internal Error"}
	unavailable      = &failure{status: 503, code: 503, info: "Service Unavailable", more: "Nobody can tell just now. Try again in a moment."}
	storageFull      = &failure{status: 507, code: 507, info: "Insufficient Storage"}
)

// told returns what a caller is told of a refusal: that the tokens are refused, unless it is the form or the time that is wrong.
func (c *call) told(ref *authority.Refusal) *failure {
	switch ref.Reason.Outcome() {
	case authority.OutcomeMalformed:
		if ref.Reason == authority.ReasonTwoCredentials {
			return twoCredentials
		}
		return tooLong
	case authority.OutcomeTooMany:
		f := *tooMany
		f.wait = ref.RetryAfter
		return &f
	case authority.OutcomeUnavailable:
		if errors.Is(ref, authority.ErrStorageFull) {
			return storageFull
		}
		return unavailable
	case authority.OutcomeForbidden:
		if c.forwarded {
			return notAllowed
		}
	case authority.OutcomeUnauthenticated:
		if c.forwarded && c.isPage {
			web.SetChallenge(c.w.Header(), ref.Reason)
			return notLoggedIn
		}
	}
	return refused
}

// ofProblem returns what a caller is told of a problem on the way to the upstream.
func ofProblem(p *api.Problem) *failure {
	more := p.Detail
	if more == "" {
		more = p.Title + "."
	}
	return &failure{status: p.Status, code: p.Status, info: http.StatusText(p.Status), more: more, word: string(p.Code), wait: p.RetryAfter}
}

// failureOf returns what a caller is told of an error: a refusal, a failure, a problem of the upstream's, or a fault of Jeton's own. It
// notes for the log what that must know.
func (c *call) failureOf(err error) *failure {
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		c.line.Refused(ref)
		return c.told(ref)
	}
	f, ok := errors.AsType[*failure](err)
	if p, isProblem := errors.AsType[*api.Problem](err); isProblem {
		f = ofProblem(p)
		if f.status >= http.StatusInternalServerError && c.line.Err == nil {
			c.line.Err = err
		}
	} else if !ok {
		c.line.Err = err
		f = internalError
	}
	if !f.within {
		c.line.Told(f.status, f.word)
	}
	return f
}

// enveloped returns the status of an envelope that tells a failure.
func (f *failure) enveloped() int {
	if f.within {
		return http.StatusOK
	}
	return f.status
}
