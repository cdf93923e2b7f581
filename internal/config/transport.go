package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// The listeners that --plain-http can name. That of health and metrics isn't among them: it carries no credential.
const (
	public  = "public"
	gateway = "gateway"
	proxy   = "proxy"
	envoy   = "envoy"
)

// transport reads how the listeners speak. Passwords and tokens cross each of these, and whoever reads one on its way can use it:
// plain http beyond this machine is a fault, unless the operator says that it is meant. What no setting can show is whether the
// proxy that --plain-http tells of is there, and ends TLS.
func (r *reader) transport(c *Config) {
	c.TLSCert, c.TLSKey = r.certificate()
	c.PlainHTTP = r.plainHTTP("plain-http")
	c.PublicURL = r.publicURL(c.Listen)
	certificate := c.TLSCert != "" || c.TLSKey != "" // half a pair is one fault, not three
	plain := slices.Contains(c.PlainHTTP, public)
	switch {
	case certificate && plain:
		r.fault("plain-http", "names public although tls-cert has the public listener speak TLS; leave out one of them")
	case !certificate && !plain && !loopback(c.Listen):
		r.clear("listen", public)
	}
	for _, at := range []struct{ setting, listener, address string }{
		{"gateway-listen", gateway, c.GatewayListen}, {"proxy-listen", proxy, c.ProxyListen}, {"envoy-listen", envoy, c.EnvoyListen},
	} {
		if !certificate && !c.mayBePlain(at.listener, at.address) {
			r.clear(at.setting, at.listener)
		}
	}
	switch u, err := url.Parse(c.PublicURL); {
	case err != nil || u.Scheme != "http": // an error was reported already
	case certificate:
		r.fault("public-url", "begins with http:// although tls-cert has the public listener speak TLS; name its https:// URL")
	case !plain && !loopbackHost(u.Hostname()):
		r.fault("public-url", "begins with http:// and names a host that is not loopback: credentials would cross the network in the clear; "+
			"name an https:// URL, or say by --plain-http %s that this is meant", public)
	}
}

// clear is the fault of a listener that would speak plain http to the network.
func (r *reader) clear(name, listener string) {
	r.fault(name, "is not a loopback address, and without TLS credentials would cross the network in the clear: give --tls-cert and --tls-key, "+
		"or, behind a proxy that ends TLS, --plain-http %s", listener)
}

// certificate reads the names of the certificate's files. What is in them is for the server to read, again and again.
func (r *reader) certificate() (cert, key string) {
	cert, key = r.k.String("tls-cert"), r.k.String("tls-key")
	switch {
	case cert != "" && key == "":
		r.fault("tls-key", "is required beside tls-cert: name the file of the certificate's key")
	case cert == "" && key != "":
		r.fault("tls-cert", "is required beside tls-key: name the file of the key's certificate")
	}
	if key != "" {
		r.warnOfOpen("tls-key", key)
	}
	return cert, key
}

// plainHTTP reads a list of listeners.
func (r *reader) plainHTTP(name string) []string {
	value := r.k.String(name)
	if value == "" {
		return nil
	}
	listeners := strings.Split(value, ",")
	for i, listener := range listeners {
		listeners[i] = strings.TrimSpace(listener)
		if !slices.Contains([]string{public, gateway, proxy, envoy}, listeners[i]) {
			r.fault(name, "is no list of public, gateway, proxy and envoy, as public,gateway")
			return nil
		}
	}
	return listeners
}

// PublicTLS reports whether the public listener speaks TLS.
func (c *Config) PublicTLS() bool { return c.TLSCert != "" }

// GatewayTLS reports whether the gateway listener speaks TLS. On loopback it doesn't: the proxy that asks is on this
// machine, and would gain nothing by having to know the certificate.
func (c *Config) GatewayTLS() bool {
	return c.PublicTLS() && !c.mayBePlain(gateway, c.GatewayListen)
}

// ProxyTLS reports whether the proxy listener speaks TLS. On loopback it doesn't, as the gateway.
func (c *Config) ProxyTLS() bool {
	return c.PublicTLS() && !c.mayBePlain(proxy, c.ProxyListen)
}

// EnvoyTLS reports whether the listener at which Envoy asks speaks TLS. On loopback it doesn't, as the gateway.
func (c *Config) EnvoyTLS() bool {
	return c.PublicTLS() && !c.mayBePlain(envoy, c.EnvoyListen)
}

// mayBePlain reports whether a listener may speak plain http: nobody but this machine can reach it, or the operator has said so.
func (c *Config) mayBePlain(listener, address string) bool {
	return loopback(address) || slices.Contains(c.PlainHTTP, listener)
}

// loopback reports whether only this machine can reach a listener. Nobody reaches one that there isn't.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err != nil || loopbackHost(host) // an error was reported already
}

func loopbackHost(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// publicURL reads the origin by which clients know Jeton. It is kept in the form in which browsers write an origin, so
// that it can be compared with one.
func (r *reader) publicURL(listen string) string {
	value := strings.TrimSuffix(r.k.String("public-url"), "/")
	if value == "" {
		if !loopback(listen) {
			r.fault("public-url", "is required where listen is not a loopback address: name the URL by which clients reach it")
		}
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || !strings.EqualFold(value, u.Scheme+"://"+u.Host) {
		r.fault("public-url", "is not of the form https://host or https://host:port")
	}
	return strings.ToLower(value)
}
