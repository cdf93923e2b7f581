package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/api"
)

// statusClosed is the status of a call whose client went before it had an answer, for the log alone: nginx writes it so.
const statusClosed = 499

// errNoUpstream is for the log: a call may pass, and nobody has said where to.
var errNoUpstream = errors.New("the service has no upstream: jeton service update NAME --upstream URL gives it one")

// fault is what became of a call that might have passed, of which nothing has been answered: by its upstream's fault, or by its
// client's. The caller of Forward has it, and answers in its own words.
type fault struct {
	problem *api.Problem // what the client is told
	cause   error        // for the log
}

// Error implements error.
func (f *fault) Error() string { return f.cause.Error() }

// Unwrap returns the problem.
func (f *fault) Unwrap() error { return f.problem }

// fail says what became of a call of which nothing came.
func (p *Proxy) fail(_ http.ResponseWriter, r *http.Request, err error) {
	c := callOf(r.Context())
	c.sayOwn()
	switch cause := context.Cause(r.Context()); {
	case errors.Is(cause, errIdle), errors.Is(cause, errStopping):
		panic(http.ErrAbortHandler) // the connection has no time left for an answer
	case errors.Is(cause, errInformational):
		err = cause
	case c.client.Err() != nil:
		c.ResponseWriter.WriteHeader(statusClosed)
		return
	}
	if cause := c.bodyFault.Load(); cause != nil {
		c.failBody(r, *cause)
		return
	}
	problem := problemOf(err)
	c.line.Err = fmt.Errorf("passing the call on to %s: %w", c.route.Upstream, p.explained(unquoted{err}, problem.Code))
	p.upstreams.of(c).count(problem.Code)
	if !c.received.Load() {
		closeBehind(c, r)
	}
	c.fault = &fault{problem, c.line.Err}
}

// explained names the setting that an operator will ask for where a call fails so.
func (p *Proxy) explained(err error, code api.Code) error {
	if code == api.CodeUpstreamTimeout {
		return fmt.Errorf("no answer began within %s, see --upstream-timeout: %w", p.cfg.AnswerTimeout, err)
	}
	if distrusted(err) {
		return fmt.Errorf("its certificate isn't believed, see --upstream-ca: %w", err)
	}
	return err
}

// distrusted reports whether an upstream's certificate is of nobody who is believed, of another name, or has ended.
func distrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// failBody says what is wrong with a body that ends too early, or can't be read.
func (c *call) failBody(r *http.Request, cause error) {
	if errors.Is(cause, io.ErrUnexpectedEOF) {
		c.ResponseWriter.WriteHeader(statusClosed)
		return
	}
	closeBehind(c, r)
	problem := malformed("The request's body can't be read.", "Send as many bytes as Content-Length says, or well-formed chunks.")
	if _, large := errors.AsType[*http.MaxBytesError](cause); large {
		problem = api.NewProblem(api.CodeTooLarge, "")
	}
	c.fault = &fault{problem, cause}
}

// problemOf returns what a client is told of an upstream's fault: which it is, and nothing of where the upstream is.
func problemOf(err error) *api.Problem {
	if _, ok := errors.AsType[*dialError](err); ok || errors.Is(err, errDown) {
		return api.NewProblem(api.CodeUpstreamUnreachable, "No connection to the API could be made.")
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() && !isHandshake(err) {
		return api.NewProblem(api.CodeUpstreamTimeout, "The API has the request and didn't begin its answer in time.")
	}
	if distrusted(err) {
		return api.NewProblem(api.CodeUpstreamUnreachable, "No connection to the API could be made that can be trusted.")
	}
	if lost(err) {
		return api.NewProblem(api.CodeUpstreamUnreachable, "The connection to the API was lost before it answered.")
	}
	return api.NewProblem(api.CodeUpstreamUnreachable, "The API gave no answer that can be read.")
}

// unquoted is an error of net/http about an upstream's answer, for the log, without what it quotes of that: an API that gets its head
// wrong may have put anything there, as a cookie of its own.
type unquoted struct{ error }

// Error implements error.
func (u unquoted) Error() string { return withoutQuoted(u.error.Error()) }

// Unwrap returns the error.
func (u unquoted) Unwrap() error { return u.error }

// withoutQuoted returns a text with nothing left between its quotation marks; of what has no end, nothing is.
func withoutQuoted(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, `"`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(`"…"`)
		quoted, err := strconv.QuotedPrefix(`"` + rest)
		if err != nil {
			return b.String()
		}
		text = rest[len(quoted)-1:]
	}
}
