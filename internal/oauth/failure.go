package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/web"
)

// The codes of RFC 6749 section 5.2, and of those that add to them.
const (
	invalidRequest       = "invalid_request"
	invalidClient        = "invalid_client"
	invalidGrant         = "invalid_grant"
	unauthorizedClient   = "unauthorized_client"
	unsupportedGrant     = "unsupported_grant_type"
	unsupportedTokenType = "unsupported_token_type" // RFC 7009 section 2.2.1
	invalidScope         = "invalid_scope"
	invalidTarget        = "invalid_target"          // RFC 8707 section 2
	temporarily          = "temporarily_unavailable" // of the authorization endpoint (RFC 6749 section 4.1.2.1): there is no nearer one
	serverError          = "server_error"            // likewise
)

// failure is what a caller is told. Its description is ASCII without " and \ (RFC 6749 section 5.2), and never repeats what
// was sent.
type failure struct {
	status      int
	code        string
	description string
	wait        time.Duration // before the same may succeed
}

// Error implements error.
func (f *failure) Error() string { return f.code + ": " + f.description }

func bad(code, description string) error {
	return &failure{status: http.StatusBadRequest, code: code, description: description}
}

// badClient is the answer to every client that isn't known for good, whatever the reason. The RFC has it be 401 where the
// client used the header; it is so for all, for one answer tells least.
func badClient() error {
	return &failure{status: http.StatusUnauthorized, code: invalidClient, description: "The client is not authenticated."}
}

// badSubject is the answer to every subject token that isn't good: RFC 8693 section 2.2.2 demands this code, and not
// invalid_grant.
func badSubject() error { return bad(invalidRequest, "The subject token is not valid.") }

// refusal returns what a caller is told of a refusal: denied, unless it is the form or the time that is wrong.
func refusal(ref *authority.Refusal, denied error) error {
	switch ref.Reason.Outcome() {
	case authority.OutcomeMalformed:
		return bad(invalidRequest, "The request holds two credentials, or one that is too long.")
	case authority.OutcomeTooMany:
		return &failure{status: http.StatusTooManyRequests, code: temporarily, description: "The credential is used more often than it may be.", wait: ref.RetryAfter}
	case authority.OutcomeUnavailable:
		return unavailable()
	default:
		return denied
	}
}

func unavailable() *failure {
	return &failure{status: http.StatusServiceUnavailable, code: temporarily, description: "Nobody can tell just now. Try again."}
}

// refuse notes a refusal for the log, and returns what the caller is told.
func (c *call) refuse(err, denied error) error {
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		return err
	}
	c.line.Refused(ref)
	return refusal(ref, denied)
}

// failureOf returns what a caller may learn of an error. What it doesn't know is a fault of Jeton's own.
func failureOf(err error) *failure {
	f, ok := errors.AsType[*failure](err)
	switch {
	case ok:
		return f
	case errors.Is(err, authority.ErrBusy), errors.Is(err, authority.ErrUnavailable), errors.Is(err, feed.ErrClosed), errors.Is(err, authority.ErrActorChanged), errors.Is(err, authority.ErrStorageFull),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable()
	default:
		return &failure{status: http.StatusInternalServerError, code: serverError, description: "A fault of the server. Its log knows more."}
	}
}

// The WWW-Authenticate of a 401.
const (
	basicAlone = `Basic realm="jeton", charset="UTF-8"`
	asAtDoors  = "" // both schemes, as web has it for every door that takes both
)

// fail answers with an error.
func (c *call) fail(err error) {
	f := failureOf(err)
	if _, known := errors.AsType[*failure](err); !known && c.line.Err == nil {
		c.line.Err = err
	}
	c.line.Told(f.status, f.code)
	h := c.w.Header()
	web.SetProblemHeaders(h, f.status, f.wait)
	if f.status == http.StatusUnauthorized && c.challenge != asAtDoors {
		h.Set("Www-Authenticate", c.challenge)
	}
	text, err := json.Marshal(api.OAuthError{Error: f.code, Description: f.description})
	if err != nil { // never: it holds strings alone
		c.line.Err = err
	}
	c.write(f.status, text)
}
