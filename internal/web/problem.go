package web

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

// retryAfter is what a caller is told to wait when there is no room or no database just now, and nobody can say for how
// long.
const retryAfter = time.Second

// challenge is the one WWW-Authenticate of every 401: whatever door has one takes both schemes. Both stand in one field,
// because nginx's auth_request passes only the first field on.
const challenge = `Bearer realm="jeton", Basic realm="jeton", charset="UTF-8"`

// The challenges to a caller whose credential is good, but not for what it asks (RFC 6750, section 3.1). Nobody else is told
// more than that there is no valid credential.
const (
	exchangeFirst = `Bearer realm="jeton", error="invalid_token", error_description="exchange it first", Basic realm="jeton", charset="UTF-8"`
	// No other scheme would help: whose call it is isn't in doubt.
	insufficientScope = `Bearer realm="jeton", error="insufficient_scope"`
)

// ProblemOf turns an error of the inside into what a caller may learn of it. What it doesn't know is an internal error.
func ProblemOf(err error) *api.Problem {
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return p
	}
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		return refusalProblem(ref)
	}
	code := codeOf(err)
	p := api.NewProblem(code, "")
	if field, ok := errors.AsType[*authority.FieldError](err); ok {
		if code == api.CodeInternal {
			p = api.NewProblem(api.CodeInvalidField, "")
		}
		p.Errors = []api.FieldProblem{{Field: field.Field, Problem: field.Problem, Fix: field.Fix}}
	}
	return p
}

func codeOf(err error) api.Code {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case errors.Is(err, authority.ErrNotFound):
		return api.CodeNotFound
	case errors.Is(err, authority.ErrConflict):
		return api.CodeConflict
	case errors.Is(err, authority.ErrLastAdmin):
		return api.CodeLastAdministrator
	case errors.Is(err, authority.ErrStale):
		return api.CodeStale
	case errors.Is(err, authority.ErrBusy), errors.Is(err, authority.ErrUnavailable), errors.Is(err, authority.ErrActorChanged),
		errors.Is(err, feed.ErrClosed), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return api.CodeUnavailable
	case errors.Is(err, authority.ErrStorageFull):
		return api.CodeStorageFull
	case tooLarge:
		return api.CodeTooLarge
	default:
		return api.CodeInternal
	}
}

// refusalProblem tells a caller the outcome and not the reason, so that unknown, wrong, expired, revoked and blocked
// look alike. What only the bearer of a good token hears may say more.
func refusalProblem(ref *authority.Refusal) *api.Problem {
	switch ref.Reason.Outcome() {
	case authority.OutcomeMalformed:
		if ref.Reason == authority.ReasonTwoCredentials {
			return api.NewProblem(api.CodeTwoCredentials, "")
		}
		p := api.NewProblem(api.CodeMalformedRequest, "The credential is longer than any that Jeton issues.")
		p.Fix = "Send one credential, no longer than Jeton issues them."
		if ref.Reason == authority.ReasonUnreadableCall {
			p.Detail, p.Fix = "The proxy doesn't say in full which call it asks about.", "Compare the proxy's configuration with the example in deploy/."
		}
		return p
	case authority.OutcomeTooMany:
		p := api.NewProblem(api.CodeTooManyRequests, "Too many wrong passwords were tried. Tokens go on working.")
		switch ref.Reason {
		case authority.ReasonRateLimited:
			p.Detail = "The token is used more often than it may be."
		case authority.ReasonServiceRateLimited:
			p.Detail = "The service is called more often than it may be."
		}
		p.RetryAfter = ref.RetryAfter
		return p
	case authority.OutcomeUnavailable:
		return api.NewProblem(api.CodeUnavailable, "")
	case authority.OutcomeForbidden:
		p := api.NewProblem(api.CodeNotAllowed, "")
		if ref.Reason == authority.ReasonInsufficientScope {
			p.Detail, p.Fix = "The token is narrowed to other operations.", "Use a token that has the operation's scope."
		}
		return p
	default:
		p := api.NewProblem(api.CodeNotAuthenticated, "")
		if ref.Reason == authority.ReasonExchangeFirst {
			p.Detail, p.Fix = "An API token calls no service by itself.", "Exchange it first, and send the access token that it gets."
		}
		return p
	}
}

// WriteError answers with the problem of err, and notes err for the log where it is a fault and no refusal.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err)
	if p.Status >= http.StatusInternalServerError {
		Note(w).Err = err
	}
	WriteProblem(w, r, p)
}

// WriteProblem answers with a problem, as plain text where the caller accepts that and no JSON. Its code is noted for the log,
// see Line.Told.
func WriteProblem(w http.ResponseWriter, r *http.Request, problem *api.Problem) {
	p := *problem // which other requests may share
	p.Instance = RequestID(w)
	Note(w).Told(p.Status, string(p.Code))
	body := RenderProblem(w.Header(), r.Header.Get("Accept"), &p)
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) //nolint:gosec // G705: by the request the body is chosen, and nothing in it; the caller may have gone
}

// RenderProblem returns the body in which a caller is told of a problem, by the Accept that it sent, and sets the header fields
// that go with it. The problem's Instance is the request's ID.
func RenderProblem(h http.Header, accept string, p *api.Problem) []byte {
	SetProblemHeaders(h, p.Status, p.RetryAfter)
	h[contentType] = []string{problemType(accept)}
	return problemBody(accept, p)
}

// contentType is a field of each answer with a problem in it.
const contentType = "Content-Type"

// The media types of a problem.
const (
	problemJSON = "application/problem+json"
	problemText = "text/plain; charset=utf-8"
)

// problemType returns the media type of a problem for a caller who sent an Accept.
func problemType(accept string) string {
	if strings.Contains(accept, "text/plain") && !strings.Contains(accept, "json") {
		return problemText
	}
	return problemJSON
}

func problemBody(accept string, p *api.Problem) []byte {
	if problemType(accept) == problemText {
		return []byte(p.Title + ". " + p.Fix + "\n")
	}
	body, _ := json.Marshal(p) // of strings and numbers, which can't fail
	return append(body, '\n')
}

// Prepared is a problem of which many requests will be told, written out but for the request's ID. Make one with Prepare.
type Prepared struct {
	problem      *api.Problem
	status       string // as text
	text         []byte // the body for who wants no JSON
	before, tail []byte // of the other, around the ID
}

// instance is the last member of a problem of no single field, but for its value.
const instance = `,"instance":"`

// Prepare writes out a problem, which has no Errors.
func Prepare(problem *api.Problem) *Prepared {
	p := *problem
	p.Instance = ""
	whole := problemBody("", &p)
	end := len(whole) - len("}\n")
	return &Prepared{problem: problem, status: strconv.Itoa(p.Status), text: problemBody("text/plain", &p), before: whole[:end:end], tail: whole[end:]}
}

// Append appends the body in which a caller is told of the problem, by the Accept that it sent and its request's ID, and the field that
// tells of its type: what RenderProblem returns.
func (p *Prepared) Append(f Fields, body []byte, accept, id string) (Fields, []byte) {
	kind := problemType(accept)
	f = append(f, Field{contentType, kind})
	switch {
	case kind == problemText:
		return f, append(body, p.text...)
	case id == "":
		return f, append(append(body, p.before...), p.tail...)
	default:
		body = append(append(append(body, p.before...), instance...), id...)
		return f, append(append(body, '"'), p.tail...)
	}
}

// Status returns the status of an answer that tells of the problem.
func (p *Prepared) Status() int { return p.problem.Status }

// StatusText returns that status as text, for StatusHeader.
func (p *Prepared) StatusText() string { return p.status }

// Code returns the problem's code, for Line.Told.
func (p *Prepared) Code() string { return string(p.problem.Code) }

// SetChallenge sets the WWW-Authenticate of a refusal that has one of its own. That of every other 401 SetProblemHeaders
// sets, as does WriteProblem: they leave this one.
func SetChallenge(h http.Header, reason authority.Reason) {
	if text := ownChallenge(reason); text != "" {
		h[wwwAuthenticate] = []string{text}
	}
}

const wwwAuthenticate = "Www-Authenticate"

// ownChallenge returns the challenge of a refusal that has one of its own.
func ownChallenge(reason authority.Reason) string {
	switch reason {
	case authority.ReasonExchangeFirst:
		return exchangeFirst
	case authority.ReasonInsufficientScope:
		return insufficientScope
	default:
		return ""
	}
}

// SetProblemHeaders sets the header fields that go with a problem's status; wait is how long to wait before the next try,
// where that is known.
func SetProblemHeaders(h http.Header, status int, wait time.Duration) {
	var room [4]Field
	fields := Fields(room[:0]).afterProblem(status, wait)
	if _, set := h[wwwAuthenticate]; !set && status == http.StatusUnauthorized {
		fields = append(fields, Field{wwwAuthenticate, challenge})
	}
	fields.Set(h)
}

// Refuse appends the fields that go with the status of a refusal: what SetChallenge and SetProblemHeaders set.
func (f Fields) Refuse(status int, reason authority.Reason, wait time.Duration) Fields {
	f = f.afterProblem(status, wait)
	text := ownChallenge(reason)
	if text == "" && status == http.StatusUnauthorized {
		text = challenge
	}
	if text == "" {
		return f
	}
	return append(f, Field{wwwAuthenticate, text})
}

// afterProblem appends the fields that every answer with a problem's status has but for the challenge.
func (f Fields) afterProblem(status int, wait time.Duration) Fields {
	f = append(f.NoStore(), Field{"X-Content-Type-Options", "nosniff"})
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		f = append(f, Field{"Retry-After", strconv.Itoa(int(math.Ceil(max(wait, retryAfter).Seconds())))})
	}
	return f
}

// NoStore appends the field that keeps an answer out of every cache.
func (f Fields) NoStore() Fields { return append(f, Field{"Cache-Control", "no-store"}) }
