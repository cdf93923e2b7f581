package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/jeton-io/jeton/api"
)

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
		e.RetryAfter = time.Duration(seconds) * time.Second
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
