package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/web"
)

// statusClosed is the status of a call whose client went before it had an answer, for the log alone: nginx writes it so.
const statusClosed = 499

// fail answers a call of which nothing came: by the upstream's fault, or by the client's.
func (p *Proxy) fail(_ http.ResponseWriter, r *http.Request, err error) {
	c := callOf(r.Context())
	for name, values := range c.own {
		c.Header()[name] = values
	}
	switch cause := context.Cause(r.Context()); {
	case errors.Is(cause, errIdle), errors.Is(cause, errStopping):
		panic(http.ErrAbortHandler) // the connection has no time left for an answer
	case errors.Is(cause, errInformational):
		err = cause
	case c.client.Err() != nil:
		c.ResponseWriter.WriteHeader(statusClosed)
		return
	}
	if fault := c.bodyFault.Load(); fault != nil {
		c.failBody(r, *fault)
		return
	}
	problem := problemOf(err)
	c.line.Err = fmt.Errorf("passing the call on to %s: %w", c.route.Upstream, err)
	p.upstreams.of(c).count(problem.Code)
	if !c.received.Load() {
		c.Header().Set("Connection", "close")
	}
	web.WriteProblem(c.ResponseWriter, r, problem)
}

// failBody answers a client whose body ends too early, or can't be read.
func (c *call) failBody(r *http.Request, fault error) {
	if errors.Is(fault, io.ErrUnexpectedEOF) {
		c.ResponseWriter.WriteHeader(statusClosed)
		return
	}
	c.Header().Set("Connection", "close")
	if _, large := errors.AsType[*http.MaxBytesError](fault); large {
		web.WriteProblem(c.ResponseWriter, r, api.NewProblem(api.CodeTooLarge, ""))
		return
	}
	web.WriteProblem(c.ResponseWriter, r, malformed("The request's body can't be read.", "Send as many bytes as Content-Length says, or well-formed chunks."))
}

// problemOf returns what a client is told of an upstream's fault: which it is, and nothing of where the upstream is.
func problemOf(err error) *api.Problem {
	if _, ok := errors.AsType[*dialError](err); ok || errors.Is(err, errDown) {
		return api.NewProblem(api.CodeUpstreamUnreachable, "No connection to the API could be made.")
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() && !isHandshake(err) {
		return api.NewProblem(api.CodeUpstreamTimeout, "The API has the request and didn't begin its answer in time.")
	}
	if lost(err) {
		return api.NewProblem(api.CodeUpstreamUnreachable, "The connection to the API was lost before it answered.")
	}
	return api.NewProblem(api.CodeUpstreamUnreachable, "The API gave no answer that can be read.")
}
