package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/jeton-io/jeton/api"
)

// maxAnswer bounds an answer, in bytes: the operations of the largest service take a fraction of it.
const maxAnswer = 16 << 20

// request is one request of /v1.
type request struct {
	doing   string // for errors: "creating a user"
	method  string
	path    []string // the segments below /v1, not escaped
	query   url.Values
	ifMatch ETag
	body    any // sent as JSON where it isn't nil
}

// ETag names a version of a record (RFC 9110, section 8.8.3). What can be changed comes with one, and a change says which
// one it is for: so nobody overwrites what another has changed meanwhile.
type ETag string

// AnyVersion stands for whatever version a record has.
const AnyVersion ETag = ""

func etagOf(h http.Header) ETag { return ETag(h.Get("ETag")) }

// nothing is the answer of a request that has none.
type nothing struct{}

// send asks and decodes the answer. It returns its header fields, too.
func send[T any](ctx context.Context, c *Client, q request) (T, http.Header, error) {
	var answer T
	r, err := c.build(ctx, q)
	if err != nil {
		return answer, nil, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return answer, nil, unreachable(ctx, q, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return answer, nil, unreachable(ctx, q, err)
	case len(body) > maxAnswer:
		return answer, nil, fmt.Errorf("%s: %w: it is longer than %d bytes", q.doing, ErrNotJeton, maxAnswer)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return answer, nil, failure(q, res, body)
	}
	if _, none := any(answer).(nothing); none {
		return answer, res.Header, nil
	}
	if mediaType(res) != "application/json" {
		return answer, nil, foreign(q, res)
	}
	// A decoder would be content with the first of two values; Unmarshal isn't. Members that aren't known are new ones.
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, nil, fmt.Errorf("%s: %w: %w", q.doing, ErrNotJeton, err)
	}
	return answer, res.Header, nil
}

// build makes the HTTP request, with the credential.
func (c *Client) build(ctx context.Context, q request) (*http.Request, error) {
	target := c.base
	for _, segment := range append([]string{"v1"}, q.path...) {
		if segment == "" || segment == "." || segment == ".." {
			// No record has such a name, and such a path would lead to another resource.
			return nil, &Error{Doing: q.doing, Problem: api.NewProblem(api.CodeNotFound, "")}
		}
		target += "/" + url.PathEscape(segment)
	}
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	var body io.Reader
	if q.body != nil {
		b, err := json.Marshal(q.body)
		if err != nil {
			return nil, fmt.Errorf("%s: writing the request: %w", q.doing, err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("%s: making the request: %w", q.doing, err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.ifMatch != AnyVersion {
		r.Header.Set("If-Match", string(q.ifMatch))
	}
	c.authorize(r)
	return r, nil
}

// checkText refuses a password that isn't UTF-8. JSON can't carry such bytes: each would become the same replacement
// character, and the password another one than was meant.
func checkText(doing, field, text string) error {
	if utf8.ValidString(text) {
		return nil
	}
	p := api.NewProblem(api.CodeInvalidField, "")
	p.Errors = []api.FieldProblem{{Field: field, Problem: "is not UTF-8"}}
	return &Error{Doing: doing, Problem: p}
}
