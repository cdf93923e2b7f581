package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
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

// unreachable is the error of a request that got no answer. The context's own end is no fault of Jeton's.
func unreachable(ctx context.Context, q request, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", q.doing, ctx.Err())
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the URL holds names, and says nothing that doing doesn't
	}
	return fmt.Errorf("%s: %w: %w", q.doing, ErrUnreachable, err)
}

// failure is the error of an answer that tells of none.
func failure(q request, res *http.Response, body []byte) error {
	var p api.Problem
	if mediaType(res) != "application/problem+json" || json.Unmarshal(body, &p) != nil || p.Code == "" {
		return foreign(q, res)
	}
	p.Status = res.StatusCode // the status that counts is the one of HTTP (RFC 9457, section 3.1.2)
	e := &Error{Doing: q.doing, Problem: &p}
	if seconds, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 31); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second //nolint:gosec // G115: 31 bits were read
	}
	return e
}

// foreign is the error of an answer that isn't Jeton's. Its body is not shown: it may be anything, of any length.
func foreign(q request, res *http.Response) error {
	text := fmt.Sprintf("status %d, content type %q", res.StatusCode, mediaType(res))
	if to, err := res.Location(); err == nil {
		text = fmt.Sprintf("status %d, a redirect to %s://%s, which was not followed", res.StatusCode, to.Scheme, to.Host)
	}
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout: // a proxy that can't reach Jeton
		return fmt.Errorf("%s: %w: %w: %s", q.doing, ErrUnavailable, ErrNotJeton, text)
	case http.StatusTooManyRequests:
		return fmt.Errorf("%s: %w: %w: %s", q.doing, ErrTooManyRequests, ErrNotJeton, text)
	}
	return fmt.Errorf("%s: %w: %s", q.doing, ErrNotJeton, text)
}

func mediaType(res *http.Response) string {
	t, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
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
