package console

import (
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
)

// Cookies are the two cookies of a log-in, as browsers know them.
//
//	               over https       plain http on loopback
//	console, /v1   __Host-jeton     jeton                    this host alone
//	the APIs       jeton_api        jeton_api                and, by setting, hosts below a domain
//
// A browser takes a __Host- cookie from this very host alone, over TLS, for every path: no other host below the same domain
// can plant one (RFC 6265bis, section 4.1.3.2). The cookie of the APIs can't have that: it is made to be sent to others.
//
// Neither can be read by scripts, and neither is sent with what a page of another site begins, unless a person follows a
// link. They have no end of their own: the browser drops them when it is closed, and the session ends here.
type Cookies struct {
	secure bool
	domain string
}

// NewCookies returns the cookies of a Jeton at the given URL. The domain is that below which the APIs are, empty where
// they share Jeton's host.
func NewCookies(url, domain string) Cookies {
	return Cookies{secure: strings.HasPrefix(url, "https://"), domain: domain}
}

// Known returns by which cookies which kinds of credential come, for the authority.
func (c Cookies) Known() []authority.Cookie {
	return []authority.Cookie{
		{Kind: authority.ConsoleSession, Name: c.Console()},
		{Kind: authority.APISession, Name: apiCookie},
	}
}

const apiCookie = "jeton_api"

// Console returns the name of the cookie that opens the console and /v1.
func (c Cookies) Console() string {
	if c.secure {
		return "__Host-jeton"
	}
	return "jeton"
}

// set gives the browser the cookies of a session.
func (c Cookies) set(w http.ResponseWriter, given *session.Cookies) {
	c.put(w, c.Console(), "", given.Console, 0)
	c.put(w, apiCookie, c.domain, given.API, 0)
}

// clear takes them away.
func (c Cookies) clear(w http.ResponseWriter) {
	c.put(w, c.Console(), "", "", -1)
	c.put(w, apiCookie, c.domain, "", -1)
}

// API returns the cookie that calls protected APIs, for a session that doesn't open the console.
func (c Cookies) API(value secret.Text) *http.Cookie { return c.cookie(apiCookie, c.domain, value, 0) }

func (c Cookies) put(w http.ResponseWriter, name, domain string, value secret.Text, maxAge int) {
	http.SetCookie(w, c.cookie(name, domain, value, maxAge))
}

func (c Cookies) cookie(name, domain string, value secret.Text, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: Secure is left out over plain http alone, where it would keep the cookie from coming back
		Name: name, Value: value.Reveal(), Path: "/", Domain: domain, MaxAge: maxAge,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
