package catalog

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// maxUpstream bounds an upstream in bytes.
const maxUpstream = 255

// ports are those that an upstream of a scheme means where it names none.
var ports = map[string]uint16{"http": 80, "https": 443, "h2c": 80}

// setRoute writes a draft's route and rate into s. Errors are a *authority.FieldError.
func (c *Catalog) setRoute(s *Service, d Draft) error {
	s.Route, s.Rate = d.Route, d.Rate
	s.Upstream = strings.ToLower(strings.TrimSuffix(d.Upstream, "/")) // a slash alone is what people copy with an address
	if s.Profile != "" && !slices.Contains(c.cfg.Profiles, s.Profile) {
		return authority.Field("profile", "is none of "+strings.Join(c.cfg.Profiles, ", "), "Name one of these, or leave it out.")
	}
	if err := authority.CheckRate(s.Rate); err != nil {
		return err
	}
	if d.Upstream == "" {
		return nil
	}
	return c.checkUpstream(s.Upstream)
}

// checkUpstream refuses what is no address of an API: of a path, a query or a password in it nothing would come, and a zone is
// known to one machine alone. The host is held to what a service's own is, and has one spelling.
//
// Jeton's own listeners are refused, too, by their addresses: a call would come back again and again until nothing is left to take
// it in by. A name that leads to this machine, or another proxy that passes the call back, is not found out here.
func (c *Catalog) checkUpstream(upstream string) error {
	scheme, host, _ := strings.Cut(upstream, "://")
	if port, known := ports[scheme]; known && len(upstream) <= maxUpstream && goodHost(host) {
		if c.own(host, port) {
			return authority.Field("upstream", "is an address of Jeton itself, to which each call would come back", "Give the address of the API.")
		}
		return nil
	}
	return authority.Field("upstream", "is no address of an API", "Give http://host:port, https://host:port or h2c://host:port, without a path.")
}

// goodHost reports whether a service could have this host.
func goodHost(host string) bool {
	s := policy.Service{Host: host}
	return s.Validate() == nil
}

// own reports whether a good host leads to one of Jeton's listeners, by its address or as localhost.
func (c *Catalog) own(host string, port uint16) bool {
	if c.cfg.Own == nil {
		return false
	}
	name := withoutDot(host)
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, ']') {
		n, _ := strconv.ParseUint(name[colon+1:], 10, 16) // a good host's port is a number
		name, port = name[:colon], uint16(n)
	}
	address, err := netip.ParseAddr(strings.Trim(name, "[]"))
	here := name == "localhost" || err == nil && address.IsUnspecified() // which is this machine to whoever calls it
	return slices.ContainsFunc(c.cfg.Own(), func(at netip.AddrPort) bool {
		return at.Port() == port && (at.Addr() == address.Unmap() || here && at.Addr().IsLoopback())
	})
}

// rateText is a rate as the audit log tells of it, or nothing where there is none.
func rateText(r authority.Rate) string {
	if r == (authority.Rate{}) {
		return ""
	}
	return strconv.Itoa(r.Calls) + "/" + r.Per.String()
}
