package config_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestCookieDomain(t *testing.T) {
	const notOne, elsewhere = "is not a domain name", "is neither the host of public-url"
	long := strings.Repeat("a.", 124) + "com"                 // 251 characters
	for _, tc := range []struct{ domain, host, want string }{ // want is empty where it is taken
		{"", "tokens.example.com", ""},
		{"example.com", "tokens.example.com", ""},
		{"example.com", "a.b.example.com", ""},
		{"example.com", "example.com", ""},
		{"example.com", "EXAMPLE.com:8443", ""},
		{"xn--bcher-kva.example", "xn--bcher-kva.example", ""},
		{long, long, ""},
		{"a.b." + long[4:], "b." + long[4:], elsewhere},
		{"bb." + long, "bb." + long, notOne},
		{"tokens.example.com", "example.com", elsewhere},
		{"example.com", "badexample.com", elsewhere},
		{"example.com", "example.com.evil.example", elsewhere},
		{"example.org", "tokens.example.com", elsewhere},
		{".example.com", "tokens.example.com", notOne},
		{"example.com.", "tokens.example.com", notOne},
		{"Example.com", "tokens.example.com", notOne},
		{"com", "tokens.example.com", notOne},
		{"localhost", "localhost", notOne},
		{"192.0.2.1", "192.0.2.1", notOne},
		{"example.com:443", "tokens.example.com:443", notOne},
		{"*.example.com", "tokens.example.com", notOne},
		{"example..com", "tokens.example.com", notOne},
		{"-a.example.com", "tokens.example.com", notOne},
		{"example.com; Path=/", "tokens.example.com", notOne},
		{"example.com\n", "tokens.example.com", notOne},
		{strings.Repeat("a", 63) + ".com", strings.Repeat("a", 63) + ".com", ""},
		{strings.Repeat("a", 64) + ".com", strings.Repeat("a", 64) + ".com", notOne},
	} {
		c, err := load(t, []string{"--public-url=https://" + tc.host, "--api-cookie-domain=" + tc.domain}, nil)
		if (err == nil) != (tc.want == "") || !strings.Contains(fmt.Sprint(err), tc.want) || err == nil && c.APICookieDomain != tc.domain {
			t.Errorf("%q at %s: got %q, %v, want %q", tc.domain, tc.host, c.APICookieDomain, err, tc.want)
		}
	}
	if _, err := load(t, []string{"--api-cookie-domain=example.com"}, nil); err == nil || !strings.Contains(err.Error(), elsewhere) {
		t.Errorf("without a public URL: got %v, want %q", err, elsewhere)
	}
}
