package httpapi

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// problem is an api.Problem in the shape that huma wants of an error. It is written as the Problem in it: the members of
// what is embedded are its own.
type problem struct{ *api.Problem }

// GetStatus implements huma.StatusError.
func (p problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p problem) ContentType(string) string { return "application/problem+json" }

// A problem and its cause travel apart: the caller gets the problem, with a code to branch on and the request's ID; the
// log's line of that request gets the cause. Handlers return what the inside returned, and never write an answer.

// problem turns a handler's error into what the caller may learn of it. A fault goes to the log, too, unless the caller
// has gone: then what failed was the answer to nobody.
func (c *call) problem(err error) error {
	p := web.ProblemOf(err)
	if p.Status >= http.StatusInternalServerError && c.r.Context().Err() == nil {
		web.Note(c.w).Err = err
	}
	return addressed(c.w, p)
}

// addressed gives a problem the ID of the request, the answer the header fields that go with its status, and the log the code.
func addressed(w http.ResponseWriter, p *api.Problem) problem {
	p.Instance = web.RequestID(w)
	web.Note(w).Told(p.Status, string(p.Code))
	web.SetProblemHeaders(w.Header(), p.Status, p.RetryAfter)
	return problem{p}
}

// note enters a refusal into the log's line: the reason that the caller isn't told.
func note(line *web.Line, err error) {
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		line.Refused(ref)
	}
}

// setHuma sets what huma keeps in package variables, which nothing else in Jeton uses: its errors become ours, the case
// of a member's name counts, and null is no list.
var setHuma = sync.OnceFunc(func() {
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		return problem{humaProblem(status, errs)}
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		_, w := humago.Unwrap(ctx)
		return addressed(w, humaProblem(status, errs))
	}
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
})

// What huma finds wrong it would tell with the value that is wrong: measured on 2.39, a body that can't be read comes
// back whole, passwords included. So none of its texts reaches a caller. json.go has refused what isn't JSON before huma
// sees it; what is left for huma are fields that are missing, unknown or of a wrong type.

// maxFieldProblems bounds the list of what is wrong, which else a body of ten thousand wrong members could swell.
const maxFieldProblems = 20

// humaProblem returns the problem for an error of huma's. Its message is dropped, and of its details what they say of a
// value: only the place is taken over, and what was wrong there in our words.
func humaProblem(status int, errs []error) *api.Problem {
	if status != http.StatusUnprocessableEntity {
		return api.NewProblem(humaCode(status), "")
	}
	p := api.NewProblem(api.CodeInvalidField, "")
	for _, err := range errs {
		if detailer, ok := err.(huma.ErrorDetailer); ok {
			p.Errors = append(p.Errors, fieldProblem(detailer.ErrorDetail()))
		}
	}
	slices.SortFunc(p.Errors, func(a, b api.FieldProblem) int {
		return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Problem, b.Problem))
	})
	if len(p.Errors) > maxFieldProblems {
		p.Errors = p.Errors[:maxFieldProblems]
		p.Detail = "Only the first of many problems are listed."
	}
	return p
}

// humaCode returns the code of huma's other errors. As requests reach it, huma has no reason for any of these; should a
// later one find some, the answer is still a problem with a code of that status.
func humaCode(status int) api.Code {
	switch status {
	case http.StatusBadRequest, http.StatusRequestTimeout:
		return api.CodeMalformedRequest
	case http.StatusNotAcceptable:
		return api.CodeNotAcceptable
	case http.StatusRequestEntityTooLarge:
		return api.CodeTooLarge
	case http.StatusUnsupportedMediaType:
		return api.CodeUnsupportedMediaType
	default:
		return api.CodeInternal
	}
}

// wordings turn the beginning of a message of huma's into ours. What follows it is taken over where rest is true: it
// then comes from the schema and not from the request. A message that isn't here may hold anything.
var wordings = []struct {
	theirs, ours string
	rest         bool
}{
	{"unexpected property", "is unknown", false},
	{"unknown query parameter", "is unknown", false},
	{"required query parameter is missing", "is missing", false},
	{"expected string", "is not a string", false},
	{"expected array length", "has not so many items: ", true},
	{"expected array", "is not a list", false},
	{"expected object", "is not an object", false},
	{"expected boolean", "is neither true nor false", false},
	{"expected integer", "is not an integer", false},
	{"invalid integer", "is not an integer", false},
	{"invalid date/time", "is not a time such as 2026-01-31T12:00:00Z", false},
	{"expected value to match at least one schema", "is none of the forms that it may have", false},
	{"expected value to be one of ", "is none of ", true},
	{"expected number >= ", "is less than ", true},
	{"expected number <= ", "is more than ", true},
	{"expected number ", "is not ", true},
	{"expected length ", "has not so many characters: ", true},
}

// fieldProblem says in our words what huma found wrong with a field. That one is missing, huma says of the object it is
// missing from.
func fieldProblem(d *huma.ErrorDetail) api.FieldProblem {
	field := fieldOf(d.Location)
	if name, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
		name = strings.TrimSuffix(name, " to be present")
		if field != bodyField {
			name = field + "." + name
		}
		return api.FieldProblem{Field: name, Problem: "is missing"}
	}
	for _, w := range wordings {
		if rest, ok := strings.CutPrefix(d.Message, w.theirs); ok {
			if !w.rest {
				rest = ""
			}
			return api.FieldProblem{Field: field, Problem: w.ours + strings.Trim(rest, `"`)}
		}
	}
	return api.FieldProblem{Field: field, Problem: "can't be used"}
}

// bodyField names the body as a whole, and listField a body that is a list: the only such one is a service's operations.
const (
	bodyField = "body"
	listField = "operations"
)

// fieldOf turns one of huma's locations into a field as the API names it: "body.roles[1]" into "roles[1]", "query.limit"
// into "limit".
func fieldOf(location string) string {
	if at, ok := strings.CutPrefix(location, "body["); ok {
		return listField + "[" + at
	}
	in, field, _ := strings.Cut(location, ".")
	switch {
	case field == "":
		return in
	case in == "query" && !plainName(field):
		return in // the name of an unknown parameter is the caller's own text
	}
	return field
}
