package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/api"
)

// MiddlewareConfig is how calls are read. The zero value is for an API that its clients call at the service's own host.
type MiddlewareConfig struct {
	// Host is the service's host in Jeton, where a proxy calls the API by another name; that of each request where empty.
	Host string
	// ClientIP returns the address of a call's client; the connection's where nil. What a header field says of it must come from a
	// proxy that is trusted: by it, tokens count that are good from some addresses alone.
	ClientIP func(*http.Request) netip.Addr
	// OnRefused hears of every call that is refused, and why, for the API's log; the error is that of Decide. Nobody where nil.
	OnRefused func(*http.Request, Decision, error)
}

// Middleware returns what puts itself before a handler, next: it lets next have the calls that may pass, and answers all others as the
// gateway would, by the same verdict, the same problem (RFC 9457) and the same challenge (RFC 6750).
//
//	http.ListenAndServe(addr, verifier.Middleware(client.MiddlewareConfig{Host: "api.example.com"})(mux))
//
// Whose a call is, next reads by PrincipalFromContext. The header fields by which proxies tell that (Remote-User, X-Auth-Request-User,
// X-Jeton-User-Id and the like) are taken out of the request, whoever sent them. The credential stays in: next must not hand it on.
//
// The path is judged as it was sent. An API that reads it in another way than net/http does, as one that ignores its case, must take
// care of that itself.
func (v *Verifier) Middleware(cfg MiddlewareConfig) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.guard(w, r, next, &cfg) })
	}
}

// guard lets next have a call, or refuses it.
func (v *Verifier) guard(w http.ResponseWriter, r *http.Request, next http.Handler, cfg *MiddlewareConfig) {
	d := Decision{}
	c, err := cfg.read(r)
	if err == nil {
		d, err = v.Decide(r.Context(), &c)
	}
	switch problem, ok := err.(*api.Problem); { //nolint:errorlint // it is read's own, unwrapped
	case ok:
		d = Decision{Reason: string(problem.Code), Refused: &api.Refused{Problem: *problem}}
	case err != nil:
		d = refusedHere(api.CodeUnavailable, string(api.CodeUnavailable), "")
	case d.Allowed():
		withoutIdentity(r.Header)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), principalKey{}, d.Principal)))
		return
	}
	if cfg.OnRefused != nil {
		cfg.OnRefused(r, d, err)
	}
	refuse(w, r, d.Refused)
}

// principalKey is the context key of a call's principal.
type principalKey struct{}

// PrincipalFromContext returns whose call it is, from the context of a request that Middleware has let pass, and false from any other. The
// Principal is shared and must not be changed.
func PrincipalFromContext(ctx context.Context) (*api.Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(*api.Principal)
	return p, ok
}

// read reads a call. The error is an *api.Problem, of what can't be said in the form of a Call.
func (cfg *MiddlewareConfig) read(r *http.Request) (Call, error) {
	h := r.Header
	switch {
	case len(h["Authorization"]) > 1:
		return Call{}, api.NewProblem(api.CodeTwoCredentials, "")
	case len(h["Origin"]) > 1, len(h["Sec-Fetch-Site"]) > 1:
		return Call{}, api.NewProblem(api.CodeMalformedRequest, "A header field stands twice.")
	case strings.ContainsFunc(r.Method, func(c rune) bool { return (c < 'A' || c > 'Z') && c != '-' && c != '_' }):
		// "get" would be judged as a method that no operation names, and served by an API that passes over the case.
		return Call{}, api.NewProblem(api.CodeMalformedRequest, "The method is not in capitals.")
	}
	c := Call{
		Authorization: h.Get("Authorization"), Cookie: strings.Join(h["Cookie"], "; "), Origin: h.Get("Origin"), SecFetchSite: h.Get("Sec-Fetch-Site"),
		Upgrade: h.Get("Upgrade") != "", Method: r.Method, Host: cfg.Host,
	}
	if c.Host == "" {
		c.Host = r.Host
	}
	if c.Host == "" || strings.ContainsAny(c.Host, "/?#@\\, ") {
		return Call{}, api.NewProblem(api.CodeMalformedRequest, "The host is none.")
	}
	if c.Path = r.RequestURI; !strings.HasPrefix(c.Path, "/") { // a handler's own call, or one in a form that proxies get
		c.Path = r.URL.RequestURI()
	}
	c.Path, c.Query, _ = strings.Cut(c.Path, "?")
	if cfg.ClientIP != nil {
		c.RemoteIP = cfg.ClientIP(r)
	} else if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.RemoteIP = at.Addr()
	}
	return c, nil
}

// withoutIdentity takes out what only Jeton's proxies write, and what frameworks take for it: Remote_User and Remote!User, too, which
// CGI and others read as Remote-User.
func withoutIdentity(h http.Header) {
	for name := range h {
		plain := strings.Map(func(c rune) rune {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				return '-'
			}
			return c
		}, strings.ToLower(name))
		for _, family := range [...]string{
			"remote-", "x-auth-request-", "x-jeton-", "x-remote-", "x-webauth-", "x-authenticated-", "x-forwarded-user", "x-forwarded-email",
			"x-forwarded-groups", "x-forwarded-preferred-username", "x-forwarded-access-token",
		} {
			if strings.HasPrefix(plain, family) {
				delete(h, name)
			}
		}
	}
}

// refuse answers a call that may not pass, in the bytes of the gateway's /forward-auth.
func refuse(w http.ResponseWriter, r *http.Request, refused *api.Refused) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if refused.Challenge != "" {
		h.Set("WWW-Authenticate", refused.Challenge)
	}
	if refused.RetryAfterSeconds > 0 {
		h.Set("Retry-After", strconv.Itoa(refused.RetryAfterSeconds))
	}
	p := &refused.Problem
	accept := r.Header.Get("Accept")
	body := []byte(p.Title + ". " + p.Fix + "\n")
	if strings.Contains(accept, "text/plain") && !strings.Contains(accept, "json") {
		h.Set("Content-Type", "text/plain; charset=utf-8")
	} else {
		h.Set("Content-Type", "application/problem+json")
		body, _ = json.Marshal(p) // of strings and numbers, which can't fail
		body = append(body, '\n')
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the caller may have gone
}
