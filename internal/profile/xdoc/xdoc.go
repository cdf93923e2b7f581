// Package xdoc serves XDOC's clients, unchanged: a security token and a user token, sealed by an application, in the query or a
// form of each call.
//
//	GET or POST /XDocApi/  XM=App.ApiTest&InputData=…&XST=…&XUT=…   200  <ServiceResponse ResultCode="0" ReturnData="…" …>
//	GET or POST /XDocUi/   AppLink=…&XST=…&XUT=…                    303  /XDocUi/?AppLink=…  and the cookie jeton_api
//
//	query and form ─▶ Credential ─▶ authority: whose is it? ─▶ /XDocApi/: the one method that is Jeton's own (api.go)
//	(read.go)              │                               └─▶ /XDocUi/: a browser session, without the tokens (ui.go)
//	                       └──────▶ the product's own calls and pages, where Jeton stands before them (forward.go, parts.go)
//
// The product's methods and pages are its own. Where another proxy stands before them, it asks Jeton about each call, and here is
// what a client tries its tokens by, and where a browser comes in with them: it goes on by a cookie, at an address that has no token
// in it. Where Jeton is that proxy, the calls go on from here, less the tokens, which no other proxy can take out of a URL or a form.
// What is a good token, package project says.
//
// It refuses all that is wrong with a token in the same words, and a form in which a token could go on unseen. The session that it
// begins is for the project's services alone, and opens neither the console nor /v1. It doesn't keep a link from logging its reader in
// as the user whom the link names: that is what such links are for.
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

// Config is what the profile needs. Every field is required but Forward and KeepsTokens, which are for where it stands before the
// product itself.
type Config struct {
	Authority *authority.Authority
	Sessions  Sessions
	Feed      Feed
	Peers     *web.Peers                     // the proxies whose word about a client is believed
	Cookie    func(secret.Text) *http.Cookie // the cookie that calls protected APIs, with its value
	Now       func() time.Time
	// Forward judges a call that is the product's to answer, by what is presented, and passes it on to its upstream. It returns an
	// error, a *authority.Refusal or *api.Problem, where the call may not pass or gets no answer, and has written nothing then. Nil where
	// there is no upstream: then what isn't Jeton's own to answer is refused.
	Forward func(w http.ResponseWriter, r *http.Request, in *authority.Presented) error
	// KeepsTokens reports whether the upstream of a call, by its host and path, is to have the tokens, too. Nil where none is.
	KeepsTokens func(host, path string) bool
}

// profile answers at the addresses. Everything in it is fixed once it is made.
type profile struct {
	cfg  Config
	door authority.Door
	page *template.Template
	// large has room for as many forms as may be large at a time.
	large chan struct{}
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
	return &profile{cfg, authority.Door{Name: "xdoc", Kinds: authority.KindsOf(authority.Sealed)}, page, make(chan struct{}, maxLarge)}, nil
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
	body  *body // of a form, where the call may go on

	isPage    bool // it is a browser's
	forwarded bool // it is the product's to answer
}

// ServeHTTP implements http.Handler.
func (p *profile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client, _ := p.cfg.Peers.Client(r)
	path := find(r.URL.EscapedPath())
	c := &call{profile: p, w: w, r: r, line: web.Note(w), in: web.PresentedHere(r, client), began: p.cfg.Now(), isPage: path == uiPath}
	c.line.Client, c.line.Method, c.line.Host, c.line.Path = client, r.Method, r.Host, path
	c.in.Route = r.Method + " " + path
	defer c.release()
	if c.isPage {
		if err := c.logIn(); err != nil {
			c.failPage(err)
		}
		return
	}
	if err := c.invoke(); err != nil {
		c.failEnvelope(err)
	}
}

// answer sends the header of an answer of the profile's own.
//
// Neither the answer nor the address of the request, which may hold tokens, is for anybody else: no page that a browser comes to
// from here is told where it was.
func (c *call) answer(status int) {
	h := c.w.Header()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	c.w.WriteHeader(status)
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
