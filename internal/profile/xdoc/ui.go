package xdoc

import (
	"bytes"
	_ "embed" // the page
	"errors"
	"fmt"
	"html/template"
	"net/http"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
)

// maxLink bounds the query of the address to which a browser is led, in bytes: proxies and servers take 8 kB for the line of a
// request.
const maxLink = 7 << 10

// logIn begins a browser session for whoever the tokens say, and leads the browser to the same address without them: the product's
// own page, before which the proxy now knows the session. Where Jeton is that proxy, who comes without tokens is passed on; elsewhere it
// is told where that page is, and what cookies it has says nothing.
//
// The address is this one and no other, whatever the parameters hold: there is nowhere else for a link to lead. A session that the
// browser had before goes on until it ends by itself, since its cookie has no power here, not even over itself.
func (c *call) logIn() error {
	all, err := c.parameters()
	if err != nil {
		return err
	}
	if err := c.present(all); err != nil {
		return err
	}
	switch {
	case c.in.Given == nil && c.cfg.Forward != nil:
		return c.forward()
	case c.in.Given == nil:
		return noToken
	}
	rest := all.withoutTokens()
	if len(rest) > maxLink {
		return longLink // before a token that is good for one use is used
	}
	api, err := c.begin()
	if err != nil {
		return err
	}
	http.SetCookie(c.w, c.cfg.Cookie(api))
	if rest != "" {
		rest = "?" + rest
	}
	c.w.Header().Set("Location", uiPath+rest)
	c.answer(http.StatusSeeOther)
	return nil
}

// begin makes a session for whoever the tokens say, and returns its cookie's secret. A refusal has been counted and entered for the
// audit log.
//
// The store makes no session for a user, a project or a token set that has changed since it was known who calls. That is asked once
// more then, after this process has heard of the change, which it does before the first time, too: of tokens that are good for one
// use there is no second time. They have had that use, and it would be wrong to say that they are bad.
func (c *call) begin() (api secret.Text, err error) {
	ctx := c.r.Context()
	_ = c.cfg.Feed.Hear(ctx) // where it can't be heard, the authority knows
	for again := false; ; again = true {
		asOf := c.cfg.Feed.Revision() // before it is asked who calls: the answer is at least as new
		owner, err := c.cfg.Authority.Identify(ctx, &c.in, &c.door)
		if ref, ok := errors.AsType[*authority.Refusal](err); again && ok && ref.Reason == authority.ReasonReplayed {
			return "", &authority.Refusal{Reason: authority.ReasonUnavailable, ID: ref.ID, UserID: ref.UserID}
		}
		if err != nil {
			return "", err
		}
		c.line.Caller(&owner)
		api, err := c.beginFor(&owner, web.Actor(&owner, c.in.Peer, asOf))
		if !again && errors.Is(err, authority.ErrActorChanged) {
			if err = c.cfg.Feed.Hear(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return "", c.cfg.Authority.Withhold(err, &c.in, &c.door, &owner)
		}
		return api, nil
	}
}

func (c *call) beginFor(owner *authority.Principal, actor audit.Actor) (secret.Text, error) {
	api, _, err := c.cfg.Sessions.BeginSealed(c.r.Context(), owner, actor)
	if errors.Is(err, authority.ErrNotFound) {
		return "", &authority.Refusal{Reason: authority.ReasonUserDeleted}
	}
	return api, err
}

//go:embed page.html
var pageText string

// page is what a browser shows where there is no way on. It has no style of its own: the browser's, in either colour scheme, will
// do, and no policy need be made for it.
type page struct{ Title, Text, Request string }

func parsePage() (*template.Template, error) {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("parsing the page of XDOC's profile: %w", err)
	}
	return t, nil
}

// failPage answers with an error.
func (c *call) failPage(err error) {
	f := c.failureOf(err)
	var b bytes.Buffer
	if err := c.page.Execute(&b, page{f.info, f.more, web.RequestID(c.w)}); err != nil { // never: the page holds texts
		c.line.Err = err
		f = internalError
		b.Reset()
	}
	h := c.w.Header()
	web.SetProblemHeaders(h, f.status, f.wait)
	h.Set("Content-Type", "text/html; charset=utf-8")
	c.answer(f.status)
	_, _ = c.w.Write(b.Bytes()) // the reader may have gone
}
