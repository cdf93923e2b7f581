package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTransport has listeners, certificate, plain http and public URL together. What is refused stands beside the
// nearest that is taken.
func TestTransport(t *testing.T) {
	const (
		open     = "--listen=:1 --public-url=https://a.example"
		openGate = "--gateway-listen=10.0.0.1:1"
		openProx = "--proxy-listen=:2"
		pair     = " --tls-cert=c --tls-key=k"
	)
	for _, tc := range []struct{ name, args, want string }{ // want is empty where it is taken
		{"loopback", "", ""},
		{"loopback of IPv6", "--listen=[::1]:1 --gateway-listen=localhost:1", ""},
		{"open", open, "listen: is not a loopback address"},
		{"open, with TLS", open + pair, ""},
		{"open, behind a proxy", open + " --plain-http=public", ""},
		{"open, with the other named", open + " --plain-http=gateway", "behind a proxy that ends TLS, --plain-http public"},
		{"open and open gateway", open + " " + openGate + " --plain-http=public", "gateway-listen: is not a loopback address"},
		{"open and open gateway, both named", open + " " + openGate + " --plain-http=public,gateway", ""},
		{"open and open gateway, with TLS", open + " " + openGate + pair, ""},
		{"open gateway, with TLS but plain", openGate + " --plain-http=gateway" + pair, ""},
		{"proxy on loopback", "--proxy-listen=127.0.0.1:2", ""},
		{"open proxy", openProx, "proxy-listen: is not a loopback address"},
		{"open proxy, with the others named", openProx + " --plain-http=public,gateway", "behind a proxy that ends TLS, --plain-http proxy"},
		{"open proxy, named", openProx + " --plain-http=proxy", ""},
		{"open proxy, with TLS", openProx + pair, ""},
		{"open proxy, with TLS but plain", openProx + " --plain-http=proxy" + pair, ""},
		{"no proxy, named", "--plain-http=proxy", ""},
		{"open Envoy's", "--envoy-listen=10.0.0.1:1 --plain-http=gateway", "envoy-listen: is not a loopback address, and without TLS credentials would cross the network in the clear: " +
			"give --tls-cert and --tls-key, or, behind a proxy that ends TLS, --plain-http envoy"},
		{"open Envoy's, named", "--envoy-listen=10.0.0.1:1 --plain-http=gateway,envoy", ""},
		{"open Envoy's, with TLS", "--envoy-listen=10.0.0.1:1" + pair, ""},
		{"Envoy's on loopback", "--envoy-listen=127.0.0.1:1", ""},
		{"Envoy's without a port", "--envoy-listen=127.0.0.1", "envoy-listen: is not host:port"},
		{"TLS but plain", "--plain-http=public" + pair, "plain-http: names public although"},
		{"TLS on loopback", pair, ""},
		{"a certificate alone", "--tls-cert=c", "tls-key: is required"},
		{"a key alone", "--tls-key=k", "tls-cert: is required"},
		{"an http URL with TLS", "--public-url=http://127.0.0.1:1" + pair, "public-url: begins with http:// although"},
		{"an https URL with TLS", "--public-url=https://127.0.0.1:1" + pair, ""},
		{"an http URL of the network", "--public-url=http://a.example", "public-url: begins with http:// and names"},
		{"an http URL in capitals", "--public-url=HTTP://A.example", "public-url: begins with http:// and names"},
		{"an http URL of the network, named", "--public-url=http://a.example --plain-http=public", ""},
		{"an http URL of the network, the other named", "--public-url=http://a.example --plain-http=gateway", "public-url: begins with http:// and names"},
		{"an http URL of loopback", "--public-url=http://localhost:1", ""},
		{"an http URL of loopback, IPv6", "--public-url=http://[::1]:1", ""},
		{"an http URL that looks like loopback", "--public-url=http://localhost.example", "public-url: begins with http:// and names"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, strings.Fields(tc.args), nil)
			if (err == nil) != (tc.want == "") || !strings.Contains(fmt.Sprint(err), tc.want) {
				t.Errorf("%s: got %v, want %q", tc.args, err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %v, want one fault", tc.args, err)
			}
		})
	}
}

// TestWhichSpeaksTLS asks of each listener, where a certificate is given and where none is.
func TestWhichSpeaksTLS(t *testing.T) {
	for _, tc := range []struct {
		args                   string
		public, gateway, proxy bool
	}{
		{"", false, false, false},
		{"--gateway-listen=:1 --plain-http=gateway", false, false, false},
		{"--proxy-listen=:1 --plain-http=proxy", false, false, false},
		{"--tls-cert=c --tls-key=k --proxy-listen=127.0.0.1:2", true, false, false},
		{"--tls-cert=c --tls-key=k --gateway-listen=:1 --proxy-listen=127.0.0.1:2", true, true, false},
		{"--tls-cert=c --tls-key=k --proxy-listen=:2", true, false, true},
		{"--tls-cert=c --tls-key=k --gateway-listen=:1 --plain-http=gateway --proxy-listen=:2", true, false, true},
		{"--tls-cert=c --tls-key=k --gateway-listen=:1 --plain-http=proxy --proxy-listen=:2", true, true, false},
	} {
		c, err := load(t, strings.Fields(tc.args), nil)
		if err != nil || c.PublicTLS() != tc.public || c.GatewayTLS() != tc.gateway || c.ProxyTLS() != tc.proxy {
			t.Errorf("%s: got %t, %t, %t, %v, want %t, %t, %t", tc.args, c.PublicTLS(), c.GatewayTLS(), c.ProxyTLS(), err, tc.public, tc.gateway, tc.proxy)
		}
	}
}

// TestEnvoySpeaksTLS asks of the listener that is off unless it is named.
func TestEnvoySpeaksTLS(t *testing.T) {
	for args, want := range map[string]bool{
		"--envoy-listen=:1 --plain-http=envoy":                            false,
		"--tls-cert=c --tls-key=k --envoy-listen=127.0.0.1:1":             false,
		"--tls-cert=c --tls-key=k --envoy-listen=:1":                      true,
		"--tls-cert=c --tls-key=k --envoy-listen=:1 --plain-http=envoy":   false,
		"--tls-cert=c --tls-key=k --envoy-listen=:1 --plain-http=gateway": true,
	} {
		c, err := load(t, strings.Fields(args), nil)
		if err != nil || c.EnvoyTLS() != want {
			t.Errorf("%s: got %t, %v, want %t", args, c.EnvoyTLS(), err, want)
		}
	}
	if c, err := load(t, nil, nil); err != nil || c.EnvoyListen != "" {
		t.Errorf("by default: got %q, %v, want no listener", c.EnvoyListen, err)
	}
}

// TestPlainHTTP gives the list by each way in.
func TestPlainHTTP(t *testing.T) {
	file := write(t, "jeton.yaml", "plain-http: [public, gateway]\n")
	for _, args := range [][]string{{"--config", file}, {"--plain-http=public,gateway"}, {"--plain-http= public , gateway "}} {
		c, err := load(t, args, nil)
		if err != nil || fmt.Sprint(c.PlainHTTP) != "[public gateway]" {
			t.Errorf("%v: got %v, %v", args, c.PlainHTTP, err)
		}
	}
}

// TestPublicURL has it compared with what browsers send as an origin.
func TestPublicURL(t *testing.T) {
	for given, want := range map[string]string{
		"https://Tokens.Example.com/": "https://tokens.example.com", "HTTPS://a.example:8443": "https://a.example:8443",
	} {
		if c, err := load(t, []string{"--public-url", given}, nil); err != nil || c.PublicURL != want {
			t.Errorf("%s: got %s, %v, want %s", given, c.PublicURL, err, want)
		}
	}
}

// TestOpenTLSKey warns of a key that others can read, and not of a certificate, which is for everybody.
func TestOpenTLSKey(t *testing.T) {
	cert, key := write(t, "cert.pem", "x"), write(t, "key.pem", "x")
	for _, tc := range []struct {
		cert, key os.FileMode
		want      string // empty for none
	}{
		{0o644, 0o600, ""},
		{0o644, 0o640, "tls-key: " + key + " can be read by others (mode 0640)"},
	} {
		for path, mode := range map[string]os.FileMode{cert: tc.cert, key: tc.key} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		c, err := load(t, []string{"--tls-cert", cert, "--tls-key", key}, nil)
		got := strings.Join(c.Warnings, "; ")
		if err != nil || (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("modes %o, %o: got %q, %v, want %q", tc.cert, tc.key, got, err, tc.want)
		}
	}
}
