package client

import (
	"errors"
	"io"
	"net/http"
)

// Transport returns a RoundTripper that sends each request with a current access token as Bearer (RFC 6750), by base, or
// by http.DefaultTransport where base is nil:
//
//	api := &http.Client{Transport: source.Transport(nil)}
//
// Where the API answers 401, the token is dropped, as Jeton may have revoked it before its end, and the request is sent
// once more with another, if its body can be had again (http.NewRequest sees to that for the usual readers). A new token
// that is refused, too, isn't exchanged again for ten seconds.
//
// Unlike oauth2.Transport, it gives a request that follows a redirect to another origin no token, and, like Config, it
// refuses plain http to another machine.
func (s *TokenSource) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{s, base}
}

type transport struct {
	source *TokenSource
	base   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if redirected(r) {
		return t.base.RoundTrip(r)
	}
	if r.URL.Scheme != "https" && !t.source.insecure && !loopback(r.URL.Hostname()) {
		closeBody(r)
		return nil, errors.New("client: plain http to another machine: the access token would travel in the clear; use https")
	}
	g, err := t.source.current(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	res, err := t.send(r, r.Body, g)
	if err != nil || res.StatusCode != http.StatusUnauthorized || !t.source.outlived(g) {
		return res, err
	}
	body := r.Body
	if body != nil && body != http.NoBody {
		if r.GetBody == nil {
			return res, nil
		}
		if body, err = r.GetBody(); err != nil {
			return res, nil //nolint:nilerr // the answer that there is says more
		}
	}
	// The API's answer has nothing more to tell. Read to its end, the connection can be used again.
	_, _ = io.CopyN(io.Discard, res.Body, maxGrant)
	_ = res.Body.Close()
	if g, err = t.source.current(r.Context()); err != nil {
		if body != nil {
			_ = body.Close()
		}
		return nil, err
	}
	return t.send(r, body, g)
}

// send sends a copy of the request, as a RoundTripper may not change the one that it was given.
func (t *transport) send(r *http.Request, body io.ReadCloser, g *grant) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body = body
	r.Header.Set("Authorization", "Bearer "+g.token.Reveal())
	return t.base.RoundTrip(r)
}

// closeBody closes the body of a request that isn't sent, as a RoundTripper must.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// redirected reports whether a request follows an answer of another origin. The program named the first one; where that
// one points to may be anybody's, and a token for one service must not be shown to another's owner. Nor may that one choose
// the call that is made with the token: what has left the origin once stays without, also on its way back.
func redirected(r *http.Request) bool {
	for next := r; next.Response != nil && next.Response.Request != nil; next = next.Response.Request {
		if before := next.Response.Request; before.URL.Scheme != r.URL.Scheme || before.URL.Host != r.URL.Host {
			return true
		}
	}
	return false
}

// outlived drops a token that an API refused, and reports whether another may be had: one that is newer already, or one
// for an old one. A refused token that is as good as new says that it is the API that refuses: exchanging for each of its
// answers would only add a load to Jeton.
func (s *TokenSource) outlived(g *grant) bool {
	now := s.wallClock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != g {
		return true
	}
	if age := now.Sub(g.from); age >= 0 && age < youngest {
		return false
	}
	s.held = nil
	return true
}
