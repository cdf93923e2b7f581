package api

import (
	"net/http"
	"time"
)

// Problem is the body of every error of /v1: application/problem+json (RFC 9457) with a stable code and the next step.
// It never repeats a value that the caller sent.
type Problem struct {
	Type     string         `json:"type" doc:"about:blank: the code says more than a link could"`
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Detail   string         `json:"detail,omitempty"`
	Code     Code           `json:"code"`
	Fix      string         `json:"fix,omitempty" doc:"what to do next"`
	Instance string         `json:"instance,omitempty" doc:"the request's ID, to find it in the server's log"`
	Errors   []FieldProblem `json:"errors,omitempty"`

	// RetryAfter is how long to wait before trying again, where the server knows; it is sent in the header field of that
	// name, in whole seconds, and not in the body.
	RetryAfter time.Duration `json:"-"`
}

// FieldProblem says what is wrong with one member of a request: "username" "is empty".
type FieldProblem struct {
	Field   string `json:"field" doc:"as roles[1], operations[2].pattern; body for the whole body"`
	Problem string `json:"problem" doc:"what is wrong with it"`
	Fix     string `json:"fix,omitempty"`
}

// Error implements error.
func (p *Problem) Error() string {
	text := string(p.Code) + ": " + p.Title
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	for _, f := range p.Errors {
		text += "; " + f.Field + " " + f.Problem
	}
	return text
}

// Code names a sort of problem. Programs branch on it; it is never renamed.
type Code string

// The codes: each has one status, one title and one piece of advice (see Lookup).
const (
	CodeMalformedRequest     Code = "malformed_request"
	CodeMalformedJSON        Code = "malformed_json"
	CodeNotAuthenticated     Code = "not_authenticated"
	CodeTwoCredentials       Code = "two_credentials"
	CodeNotAllowed           Code = "not_allowed"
	CodeCredentialTooWeak    Code = "credential_not_accepted"
	CodeNotFound             Code = "not_found"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeNotAcceptable        Code = "not_acceptable"
	CodeConflict             Code = "conflict"
	CodeLastAdministrator    Code = "last_administrator"
	CodeStale                Code = "stale_version"
	CodeVersionRequired      Code = "version_required"
	CodeTooLarge             Code = "body_too_large"
	CodeUnsupportedMediaType Code = "unsupported_media_type"
	CodeInvalidField         Code = "invalid_field"
	CodeTooManyRequests      Code = "too_many_requests"
	CodeInternal             Code = "internal_error"
	CodeUnavailable          Code = "unavailable"
	CodeUpstreamUnreachable  Code = "upstream_unreachable"
	CodeUpstreamTimeout      Code = "upstream_timeout"
	CodeStorageFull          Code = "storage_full"
)

// Description is what a code comes with.
type Description struct {
	Status int
	Title  string
	Fix    string
}

// registry is the one list of codes.
var registry = map[Code]Description{
	CodeMalformedRequest:     {http.StatusBadRequest, "The request can't be read", "Compare it with /v1/openapi.json."},
	CodeMalformedJSON:        {http.StatusBadRequest, "The body is not one JSON value", "Send one JSON object whose members have different names."},
	CodeTwoCredentials:       {http.StatusBadRequest, "The request has two credentials", "Send one Authorization header field, and each cookie once."},
	CodeNotAuthenticated:     {http.StatusUnauthorized, "The request has no valid credential", "Send a valid access, session or personal token as Bearer, or user name and password as Basic."},
	CodeNotAllowed:           {http.StatusForbidden, "The caller may not do this", "Ask an administrator."},
	CodeCredentialTooWeak:    {http.StatusForbidden, "This kind of credential has no such power over Jeton", "Use a personal token, or user name and password."},
	CodeNotFound:             {http.StatusNotFound, "There is no such resource", "Check the name or ID."},
	CodeMethodNotAllowed:     {http.StatusMethodNotAllowed, "The resource doesn't have this method", "See the Allow header field."},
	CodeNotAcceptable:        {http.StatusNotAcceptable, "The answer has no such form", "Accept application/json."},
	CodeConflict:             {http.StatusConflict, "The request clashes with what is there", "Choose another name, or change what is there."},
	CodeLastAdministrator:    {http.StatusConflict, "This would leave no administrator", "Make another administrator first."},
	CodeStale:                {http.StatusPreconditionFailed, "The resource has changed since", "Read it again and repeat the change with its new ETag."},
	CodeVersionRequired:      {http.StatusPreconditionRequired, "The change must say which version it is for", "Send the ETag of the version that you read as If-Match."},
	CodeTooLarge:             {http.StatusRequestEntityTooLarge, "The body is too large", "Send less at a time."},
	CodeUnsupportedMediaType: {http.StatusUnsupportedMediaType, "The body has no form that is understood here", "Send Content-Type: application/json."},
	CodeInvalidField:         {http.StatusUnprocessableEntity, "A member of the request can't be used", "Correct the members named in errors."},
	CodeTooManyRequests:      {http.StatusTooManyRequests, "Too many requests", "Wait as long as Retry-After says."},
	CodeInternal:             {http.StatusInternalServerError, "Something went wrong in Jeton", "Look for the instance in the server's log."},
	CodeUnavailable:          {http.StatusServiceUnavailable, "Jeton can't answer just now", "Wait as long as Retry-After says, then try again."},
	CodeUpstreamUnreachable:  {http.StatusBadGateway, "The API behind Jeton can't be reached", "Try again in a moment; if that doesn't help, tell whoever runs the API."},
	CodeUpstreamTimeout:      {http.StatusGatewayTimeout, "The API behind Jeton didn't answer in time", "Try again in a moment; if that doesn't help, tell whoever runs the API."},
	CodeStorageFull:          {http.StatusInsufficientStorage, "The disk of Jeton's database is full", "Free some space; nothing was changed."},
}

// Lookup returns what a code comes with; the zero Description for a code that isn't in the registry.
func Lookup(code Code) Description { return registry[code] }

// Codes returns all codes of the registry, in no order.
func Codes() []Code {
	codes := make([]Code, 0, len(registry))
	for c := range registry {
		codes = append(codes, c)
	}
	return codes
}

// NewProblem returns the problem of a code, with a detail that may be empty.
func NewProblem(code Code, detail string) *Problem {
	d := registry[code]
	return &Problem{Type: "about:blank", Title: d.Title, Status: d.Status, Detail: detail, Code: code, Fix: d.Fix}
}
