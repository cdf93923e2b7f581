package catalog

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
)

// setRoute writes a draft's route and rate into s. Errors are a *authority.FieldError.
func (c *Catalog) setRoute(s *Service, d Draft) error {
	s.Route, s.Rate = d.Route, d.Rate
	if s.Profile != "" && !slices.Contains(c.cfg.Profiles, s.Profile) {
		return authority.Field("profile", "is none of "+strings.Join(c.cfg.Profiles, ", "), "Name one of these, or leave it out.")
	}
	if s.Rate != (authority.Rate{}) && (s.Rate.Calls < 1 || s.Rate.Per < time.Second) {
		return authority.Field("rate_limit", "bounds nothing", "Give calls of 1 or more, and per_seconds of 1 or more.")
	}
	if s.Upstream == "" {
		return nil
	}
	return checkUpstream(s.Upstream)
}

// checkUpstream refuses what is no address of an API. Of a path, a query or a password in it nothing would come of.
func checkUpstream(upstream string) error {
	u, err := url.Parse(upstream)
	ok := err == nil && slices.Contains([]string{"http", "https", "h2c"}, u.Scheme) && u.Hostname() != "" && upstream == u.Scheme+"://"+u.Host
	if port := ""; ok {
		if port = u.Port(); port != "" {
			n, err := strconv.ParseUint(port, 10, 16)
			ok = err == nil && n > 0
		}
	}
	if !ok {
		return authority.Field("upstream", "is no address of an API", "Give http://host:port, https://host:port or h2c://host:port, without a path.")
	}
	return nil
}

// rateText is a rate as the audit log tells of it, or nothing where there is none.
func rateText(r authority.Rate) string {
	if r == (authority.Rate{}) {
		return ""
	}
	return strconv.Itoa(r.Calls) + " per " + r.Per.String()
}
