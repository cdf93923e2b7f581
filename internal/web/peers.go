package web

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
)

// Peers are the proxies whose word about a client is believed. The zero Peers trusts nobody. Set replaces them while
// requests are served.
type Peers struct {
	trusted atomic.Pointer[[]netip.Prefix]
}

// Set replaces the trusted prefixes.
func (p *Peers) Set(trusted []netip.Prefix) { p.trusted.Store(&trusted) }

// Trust reports whether an address is a trusted peer's.
func (p *Peers) Trust(a netip.Addr) bool {
	list := p.trusted.Load()
	if list == nil {
		return false
	}
	for _, prefix := range *list {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// Remote returns the address at the other end of the connection.
func Remote(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// Client returns the address of the client of a request: the one at the other end or, where that is a trusted peer,
// what it says in X-Real-IP, else the rightmost address in X-Forwarded-For that is no trusted peer's. Whatever stands
// further left may have been written by anybody. trusted tells whether the peer itself is trusted.
func (p *Peers) Client(r *http.Request) (client netip.Addr, trusted bool) {
	remote := Remote(r)
	if !p.Trust(remote) {
		return remote, false
	}
	if values := r.Header["X-Real-Ip"]; len(values) == 1 {
		if a, err := netip.ParseAddr(values[0]); err == nil {
			return a.Unmap().WithZone(""), true
		}
	}
	for rest, more := strings.Join(r.Header["X-Forwarded-For"], ","), true; more; {
		comma := strings.LastIndexByte(rest, ',')
		hop := rest[comma+1:]
		if more = comma >= 0; more {
			rest = rest[:comma]
		}
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		if a = a.Unmap().WithZone(""); !p.Trust(a) {
			return a, true
		}
	}
	return remote, true
}
