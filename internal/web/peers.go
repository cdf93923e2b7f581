package web

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/jeton-io/jeton/internal/secret"
)

// Peers are the proxies whose word about a client is believed. The zero Peers trusts nobody. Set replaces them while
// requests are served.
type Peers struct {
	trusted atomic.Pointer[[]netip.Prefix]
	secret  atomic.Pointer[secret.Text]
}

// Set replaces the trusted prefixes.
func (p *Peers) Set(trusted []netip.Prefix) { p.trusted.Store(&trusted) }

// peerSecret is the header field in which a trusted peer shows its secret, where one is required.
const peerSecret = "X-Jeton-Peer-Secret"

// Require replaces the secret that a trusted peer must show beside its address; an empty one means that the address is
// enough. It is for a network on which others might send from a proxy's address, or where proxies have none of their own.
func (p *Peers) Require(text secret.Text) { p.secret.Store(&text) }

// Admits reports whether a peer may tell of others' calls: its address is trusted, and it has shown the secret that is
// required, if one is. shown are the values of the field X-Jeton-Peer-Secret, or of what its protocol has in its place.
func (p *Peers) Admits(remote netip.Addr, shown []string) bool {
	if !p.Trust(remote) {
		return false
	}
	required := p.secret.Load()
	if required == nil || *required == "" {
		return true
	}
	return len(shown) == 1 && subtle.ConstantTimeCompare([]byte(shown[0]), []byte(required.Reveal())) == 1
}

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

// Client returns the address of the client of a request: see ClientOf.
func (p *Peers) Client(r *http.Request) (client netip.Addr, trusted bool) {
	return p.ClientOf(Remote(r), header(r.Header))
}

// ClientOf returns the address of the client of a request that came from the other end of a connection: that itself or, where it is a
// trusted peer, what it says in X-Real-IP, else the rightmost address in X-Forwarded-For that is no trusted peer's. Whatever stands
// further left may have been written by anybody. trusted tells whether the peer itself is trusted.
func (p *Peers) ClientOf(remote netip.Addr, h Header) (client netip.Addr, trusted bool) {
	if !p.Admits(remote, h.Values(peerSecret)) {
		return remote, false
	}
	if values := h.Values("X-Real-Ip"); len(values) == 1 {
		if a, err := netip.ParseAddr(values[0]); err == nil {
			return a.Unmap().WithZone(""), true
		}
	}
	return p.Behind(remote, h.Values("X-Forwarded-For")), true
}

// Behind returns the address of the client behind a trusted peer that sends X-Forwarded-For: the rightmost that is no trusted
// peer's. It is the peer's own where there is none, or where what is to be read first isn't an address.
func (p *Peers) Behind(peer netip.Addr, forwarded []string) netip.Addr {
	for rest, more := strings.Join(forwarded, ","), len(forwarded) > 0; more; {
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
			return a
		}
	}
	return peer
}
