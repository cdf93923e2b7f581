package gateway

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/jeton-io/jeton/internal/h1"
	"github.com/jeton-io/jeton/internal/web"
)

// plain is a check that came past net/http, with what web.Log would keep of it.
type plain struct {
	check
	own web.Line
}

// AnswerPlain implements h1.Handler: the edge to the leaner engine. It does what web.Log does around ServeHTTP, too: the request gets an
// ID and its line in the log, and a panic is answered for.
//
// It leaves to net/http what that has to decode to know where it goes. The context never ends before the check does: what waits for the
// database does so within bounds of its own, whether the proxy is still there or not.
func (g *Gateway) AnswerPlain(r *h1.Request, a *h1.Answer) bool {
	path, _, _ := strings.Cut(r.Target, "?")
	if strings.Contains(path, "%") && !asksExtAuthz(r.Target) {
		return false
	}
	began := g.cfg.Now()
	p, _ := g.plains.Get().(*plain)
	p.header, p.method, p.target, p.path, p.host = r, r.Method, r.Target, path, r.Host
	p.remote, p.id, p.line = r.Remote.Addr().Unmap().WithZone(""), web.NewRequestID(), &p.own
	ctx := context.Background()
	g.answerOrFail(ctx, p)
	p.send(a)
	p.fill()
	p.own.Write(ctx, g.cfg.Logger, web.Entry{Listener: listener, ID: p.id, Status: p.status, Began: began, Ended: g.cfg.Now()})
	p.clear()
	p.own = web.Line{}
	g.plains.Put(p)
	return true
}

// answerOrFail answers a question, with a 500 that tells nothing but the request's ID where that panics. Of what had been meant to be
// the answer nothing stays.
func (g *Gateway) answerOrFail(ctx context.Context, p *plain) {
	defer func() {
		if fault := recover(); fault != nil {
			p.own.Err = web.Panicked(fault)
			p.fields, p.body = p.fields[:0], p.body[:0]
			p.status = g.fault.Status()
			p.fields = p.fields.Refuse(p.status, "", 0)
			p.tell(g.fault)
		}
	}()
	g.answer(ctx, &p.check)
}

// send hands the answer to the engine.
func (p *plain) send(a *h1.Answer) {
	if p.status != http.StatusOK { // which goes without saying
		a.Status(p.status)
	}
	a.Field("X-Request-Id", p.id)
	for i := range p.fields {
		a.Field(p.fields[i].Name, p.fields[i].Value)
	}
	if len(p.body) > 0 {
		a.Body(p.body)
	}
}

// fill notes of the request itself what the check has not noted otherwise, as web.Log does.
func (p *plain) fill() {
	l := &p.own
	if l.Method == "" {
		l.Method, l.Host, l.Path = p.method, p.host, p.path
		if u, err := url.ParseRequestURI(p.target); err == nil { // always: the engine takes no target that net/http would refuse
			l.Path = u.EscapedPath()
		}
	}
	if !l.Client.IsValid() {
		l.Client = p.remote
	}
}
