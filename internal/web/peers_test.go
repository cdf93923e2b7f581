package web_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jeton-io/jeton/internal/web"
)

func peers(t *testing.T, list ...string) *web.Peers {
	t.Helper()
	var prefixes []netip.Prefix
	for _, text := range list {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			prefixes = append(prefixes, prefix)
		} else {
			a := netip.MustParseAddr(text)
			prefixes = append(prefixes, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	p := new(web.Peers)
	p.Set(prefixes)
	return p
}

// xff and real are the fields in which a proxy names its client.
func xff(values ...string) http.Header  { return http.Header{"X-Forwarded-For": values} }
func real(values ...string) http.Header { return http.Header{"X-Real-Ip": values} }

func both(a, b http.Header) http.Header {
	all := a.Clone()
	for k, v := range b {
		all[k] = v
	}
	return all
}

func TestClient(t *testing.T) {
	p := peers(t, "10.0.0.0/8", "fd00::/8", "127.0.0.1")
	const proxy, stranger = "10.0.0.1:4711", "192.0.2.66:4711"
	tests := []struct {
		name    string
		remote  string
		header  http.Header
		want    string
		trusted bool
	}{
		{"a stranger", stranger, nil, "192.0.2.66", false},
		{"a stranger that names another", stranger, both(real("198.51.100.1"), xff("198.51.100.1")), "192.0.2.66", false},
		{"a stranger that names a trusted peer", stranger, both(real("10.0.0.1"), xff("127.0.0.1")), "192.0.2.66", false},
		{"a neighbour of the trusted", "11.0.0.0:4711", real("198.51.100.1"), "11.0.0.0", false},
		{"the last of the trusted", "10.255.255.255:4711", real("198.51.100.1"), "198.51.100.1", true},
		{"a proxy that says nothing", proxy, nil, "10.0.0.1", true},

		{"X-Real-IP", proxy, real("198.51.100.1"), "198.51.100.1", true},
		{"X-Real-IP before X-Forwarded-For", proxy, both(real("198.51.100.1"), xff("198.51.100.2")), "198.51.100.1", true},
		{"X-Real-IP twice", proxy, both(real("203.0.113.9", "198.51.100.1"), xff("198.51.100.2")), "198.51.100.2", true},
		{"X-Real-IP twice and nothing else", proxy, real("203.0.113.9", "198.51.100.1"), "10.0.0.1", true},
		{"X-Real-IP as a list", proxy, both(real("203.0.113.9, 198.51.100.1"), xff("198.51.100.2")), "198.51.100.2", true},
		{"X-Real-IP that is no address", proxy, both(real("unknown"), xff("198.51.100.2")), "198.51.100.2", true},
		{"X-Real-IP with a port", proxy, real("198.51.100.1:80"), "10.0.0.1", true},
		{"X-Real-IP, empty", proxy, real(""), "10.0.0.1", true},
		{"X-Real-IP with leading zeros", proxy, real("198.51.100.01"), "10.0.0.1", true},
		{"X-Real-IP, IPv4 mapped", proxy, real("::ffff:198.51.100.1"), "198.51.100.1", true},
		{"X-Real-IP with a zone", proxy, real("fe80::1%jtpCANARY"), "fe80::1", true},

		{"X-Forwarded-For", proxy, xff("198.51.100.1"), "198.51.100.1", true},
		{"a chain that begins with a forgery", proxy, xff("203.0.113.9, 198.51.100.1"), "198.51.100.1", true},
		{"a chain through proxies", proxy, xff("203.0.113.9, 198.51.100.1, 10.2.2.2, 127.0.0.1"), "198.51.100.1", true},
		{"a chain that forges a proxy", proxy, xff("203.0.113.9, 10.9.9.9, 198.51.100.1, 10.2.2.2"), "198.51.100.1", true},
		{"a chain over several fields", proxy, xff("203.0.113.9", "198.51.100.1, 10.2.2.2", "10.3.3.3"), "198.51.100.1", true},
		{"a chain of proxies alone", proxy, xff("10.2.2.2, 127.0.0.1"), "10.0.0.1", true},
		{"a chain without spaces", proxy, xff("203.0.113.9,198.51.100.1,10.2.2.2"), "198.51.100.1", true},
		{"a chain with a gap", proxy, xff("198.51.100.1, , 10.2.2.2"), "10.0.0.1", true},
		{"a chain that ends in a comma", proxy, xff("198.51.100.1,"), "10.0.0.1", true},
		{"a chain with what is no address", proxy, xff("198.51.100.1, unknown, 10.2.2.2"), "10.0.0.1", true},
		{"a chain whose garbage stands further left", proxy, xff("unknown, 198.51.100.1, 10.2.2.2"), "198.51.100.1", true},
		{"a hop with a port", proxy, xff("198.51.100.1:80"), "10.0.0.1", true},
		{"a chain of commas", proxy, xff(strings.Repeat(",", 30_000) + "198.51.100.1"), "198.51.100.1", true},
		{"a hop mapped to IPv6", proxy, xff("203.0.113.9, ::ffff:198.51.100.1, ::ffff:10.2.2.2"), "198.51.100.1", true},
		{"IPv6", "[fd00::1]:4711", xff("2001:db8::1, fd00::2"), "2001:db8::1", true},
		{"IPv6 with zones", "[fd00::1%eth0]:4711", xff("fe80::7%eth0, fd00::2%eth1"), "fe80::7", true},

		{"a proxy mapped to IPv6", "[::ffff:10.0.0.1]:4711", real("198.51.100.1"), "198.51.100.1", true},
		{"a stranger mapped to IPv6", "[::ffff:192.0.2.66]:4711", real("198.51.100.1"), "192.0.2.66", false},
		{"a Unix socket", "@", real("198.51.100.1"), "invalid IP", false},
	}
	for _, tt := range tests {
		r := &http.Request{RemoteAddr: tt.remote, Header: tt.header}
		got, trusted := p.Client(r)
		if got.String() != tt.want || trusted != tt.trusted {
			t.Errorf("%s: got %s, trusted %t, want %s, %t", tt.name, got, trusted, tt.want, tt.trusted)
		}
	}
	untouched := &http.Request{RemoteAddr: proxy, Header: real("198.51.100.1")}
	if got, trusted := new(web.Peers).Client(untouched); got.String() != "10.0.0.1" || trusted {
		t.Errorf("zero Peers: got %s, trusted %t, want nobody trusted", got, trusted)
	}
	if p.Trust(netip.Addr{}) {
		t.Error("got no address trusted, want it refused")
	}
}

// TestSet replaces the peers while requests are served.
func TestSet(t *testing.T) {
	p := peers(t, "10.0.0.1")
	lists := [][]netip.Prefix{{netip.MustParsePrefix("10.0.0.1/32")}, {netip.MustParsePrefix("10.0.0.2/32")}}
	var setting sync.WaitGroup
	setting.Go(func() {
		for range 1000 {
			p.Set(lists[0])
			p.Set(lists[1])
		}
	})
	r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: real("198.51.100.1")}
	for range 1000 {
		got, trusted := p.Client(r)
		if want := map[bool]string{true: "198.51.100.1", false: "10.0.0.1"}[trusted]; got.String() != want {
			t.Fatalf("got %s, trusted %t, want %s", got, trusted, want)
		}
	}
	setting.Wait()
	if got := []bool{p.Trust(netip.MustParseAddr("10.0.0.1")), p.Trust(netip.MustParseAddr("10.0.0.2"))}; !slices.Equal(got, []bool{false, true}) {
		t.Errorf("got %v, want the last list in force", got)
	}
}

// TestPeerSecret requires a secret beside a trusted address.
func TestPeerSecret(t *testing.T) {
	p := peers(t, "192.0.2.1")
	p.Require("the proxy's secret")
	for _, tt := range []struct {
		name   string
		remote string
		shown  []string
		want   bool
	}{
		{"the secret", "192.0.2.1:1", []string{"the proxy's secret"}, true},
		{"one byte different", "192.0.2.1:1", []string{"the proxy's secreu"}, false},
		{"cut", "192.0.2.1:1", []string{"the proxy's secre"}, false},
		{"none", "192.0.2.1:1", nil, false},
		{"empty", "192.0.2.1:1", []string{""}, false},
		{"twice", "192.0.2.1:1", []string{"the proxy's secret", "the proxy's secret"}, false},
		{"from elsewhere", "192.0.2.2:1", []string{"the proxy's secret"}, false},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Jeton-Peer-Secret": tt.shown, "X-Real-Ip": {"198.51.100.7"}}}
		client, trusted := p.Client(r)
		if trusted != tt.want || (client.String() == "198.51.100.7") != tt.want {
			t.Errorf("%s: got %v, trusted %v, want trusted %v", tt.name, client, trusted, tt.want)
		}
	}
	p.Require("")
	if _, trusted := p.Client(&http.Request{RemoteAddr: "192.0.2.1:1"}); !trusted {
		t.Error("without a secret, the address should be enough")
	}
}
