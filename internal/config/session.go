package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"
)

// sessions reads how long sessions last, and where the cookies of browsers go.
func (r *reader) sessions(c *Config) {
	c.SessionIdle, c.SessionLifetime = r.duration("session-idle", time.Minute), r.duration("session-lifetime", time.Minute)
	if c.SessionLifetime < c.SessionIdle && c.SessionLifetime >= time.Minute {
		r.fault("session-lifetime", "is shorter than session-idle (%s): a session would end before it could be idle for so long", c.SessionIdle)
	}
	const life = "session-token-life"
	c.SessionTokenLife, c.KeepSessionTokens = r.duration(life, time.Minute), r.onOff("keep-session-tokens")
	if c.SessionTokenLife > mostSessionTokenLife || c.SessionTokenLife%time.Second != 0 {
		r.fault(life, "is longer than 365d, or not whole seconds")
	}
	c.APICookieDomain = r.cookieDomain("api-cookie-domain", c.PublicURL)
}

// mostSessionTokenLife bounds how long a secret that nobody renews may lie about.
const mostSessionTokenLife = 365 * day

// domainName is a name of at least two labels, the last of which isn't a number: no address has that form.
var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// cookieDomain reads a cookie's Domain. A browser drops a cookie whose Domain is neither the host that sets it nor one
// that this host lies below (RFC 6265, section 5.3, step 6): the log-in would seem to work, and no API would ever see
// the cookie. Browsers drop it for a public suffix too, such as co.uk. Those are a list that changes; it isn't kept here.
func (r *reader) cookieDomain(name, publicURL string) string {
	domain := r.k.String(name)
	if domain == "" {
		return ""
	}
	if !domainName.MatchString(domain) || len(domain) > 253 {
		r.fault(name, "is not a domain name of at least two parts in lower case, as example.com, without a dot before it or a port behind it")
		return domain
	}
	u, err := url.Parse(publicURL)
	if err != nil {
		return domain // reported already
	}
	if host := u.Hostname(); host != domain && !strings.HasSuffix(host, "."+domain) {
		r.fault(name, "is neither the host of public-url nor a domain that it lies below: browsers would drop the cookie")
	}
	return domain
}
