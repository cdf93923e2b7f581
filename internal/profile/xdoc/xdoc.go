// Package xdoc serves XDOC's clients, unchanged: a security token and a user token, sealed by an application, in the query or a
// form of each call.
//
//	GET or POST /XDocApi/  XM=App.ApiTest&InputData=…&XST=…&XUT=…   200  <ServiceResponse ResultCode="0" ReturnData="…" …>
//	GET or POST /XDocUi/   AppLink=…&XST=…&XUT=…                    303  /XDocUi/?AppLink=…  and the cookie jeton_api
//
//	query and form ─▶ Credential ─▶ authority: whose is it? ─▶ /XDocApi/: the one method that is Jeton's own (api.go)
//	(read.go)                                              └─▶ /XDocUi/: a browser session, without the tokens (ui.go)
//
// The product's methods and pages are its own, behind a proxy that asks Jeton about each call. Here is what a client tries its
// tokens by, and where a browser comes in with them: it goes on by a cookie, at an address that has no token in it. What is a good
// token, package project says.
//
// It refuses all that is wrong with a token in the same words. The session that it begins is for the project's services alone,
// and opens neither the console nor /v1. It doesn't keep a link from logging its reader in as the user whom the link names: that
// is what such links are for.
package xdoc

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/web"
)

// Parameters are the names by which XDOC's clients send their tokens, and say which project and security context they mean.
func Parameters() authority.Parameters {
	return authority.Parameters{Security: "XST", User: "XUT", Context: "XSC", Project: "ProjectId"}
}

// Sessions begins sessions of browsers.
type Sessions interface {
	// BeginSealed makes a session for a principal that has just come by sealed tokens, and returns the secret of the cookie that
	// calls protected APIs. It returns authority.ErrNotFound where the user was deleted meanwhile, authority.ErrActorChanged where
	// user, project or token set was changed, or a store's error.
	BeginSealed(ctx context.Context, owner *authority.Principal, actor audit.Actor) (secret.Text, session.Session, error)
}

// Feed tells up to which revision changes are known.
type Feed interface {
	Revision() int64
	Hear(ctx context.Context) error
}

// Config is what the profile needs. Every field is required.
type Config struct {
	Authority *authority.Authority
	Sessions  Sessions
	Feed      Feed
	Peers     *web.Peers                     // the proxies whose word about a client is believed
	Cookie    func(secret.Text) *http.Cookie // the cookie that calls protected APIs, with its value
	Now       func() time.Time
}

// profile answers at the addresses. Everything in it is fixed once it is made.
type profile struct {
	cfg  Config
	door authority.Door
	page *template.Template
}

// New returns the handler of the requests that Serves names, or an error where the configuration lacks something.
func New(cfg Config) (http.Handler, error) {
	if cfg.Authority == nil || cfg.Sessions == nil || cfg.Feed == nil || cfg.Peers == nil || cfg.Cookie == nil || cfg.Now == nil {
		return nil, errors.New("xdoc: Authority, Sessions, Feed, Peers, Cookie and Now are required")
	}
	page, err := parsePage()
	if err != nil {
		return nil, err
	}
	return &profile{cfg, authority.Door{Name: "xdoc", Kinds: authority.KindsOf(authority.Sealed)}, page}, nil
}

// The addresses, as the product's own documents spell them.
const (
	apiPath = "/XDocApi/"
	uiPath  = "/XDocUi/"
)

// Serves reports whether a request of this path, still percent-encoded and without its query, is the profile's: one of the
// addresses, with one slash at its end or none.
func Serves(path string) bool { return find(path) != "" }

// find returns the address that a path is, or nothing.
func find(path string) string {
	switch strings.TrimSuffix(path, "/") + "/" {
	case apiPath:
		return apiPath
	case uiPath:
		return uiPath
	}
	return ""
}

// call is one request at one of the addresses.
type call struct {
	*profile

	w     http.ResponseWriter
	r     *http.Request
	line  *web.Line
	in    authority.Presented
	began time.Time
}

// ServeHTTP implements http.Handler.
//
// Neither an answer nor the address of the request, which may hold tokens, is for anybody else: no page that a browser comes to
// from here is told where it was.
func (p *profile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client, _ := p.cfg.Peers.Client(r)
	path := find(r.URL.EscapedPath())
	c := &call{profile: p, w: w, r: r, line: web.Note(w), in: web.PresentedHere(r, client), began: p.cfg.Now()}
	c.line.Client, c.line.Method, c.line.Host, c.line.Path = client, r.Method, r.Host, path
	c.in.Route = r.Method + " " + path
	h := w.Header()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if path == uiPath {
		if err := c.logIn(); err != nil {
			c.failPage(err)
		}
		return
	}
	if err := c.invoke(); err != nil {
		c.failEnvelope(err)
	}
}

// present takes the sealed tokens among the parameters for what the request presents. Anything else that it presents beside them
// the authority refuses.
func (c *call) present(all parameters) error {
	names := Parameters()
	tokens, err := names.Read(string(all))
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		return c.cfg.Authority.Refuse(ref.Reason, &c.in, &c.door)
	}
	if err != nil {
		return err
	}
	if tokens.Any() {
		c.in.Given = &authority.Credential{Kind: authority.Sealed, Sealed: tokens}
	}
	return nil
}
