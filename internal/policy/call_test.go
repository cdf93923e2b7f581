package policy_test

import (
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/policy"
)

func TestCutURL(t *testing.T) {
	for url, want := range map[string][3]string{
		"https://api.example.com/reports/7?x=1": {"api.example.com", "/reports/7", "x=1"},
		"HTTP://api.example.com:8080":           {"api.example.com:8080", "/", ""},
		"https://api.example.com?x":             {"api.example.com", "/", "x"},
		"https://a/%2e%2e/b#c":                  {"a", "/%2e%2e/b#c", ""},
	} {
		host, path, query, ok := policy.CutURL(url)
		if got := [3]string{host, path, query}; !ok || got != want {
			t.Errorf("%s: got %q, %t, want %q", url, got, ok, want)
		}
	}
	for _, url := range []string{"", "/reports", "api.example.com/reports", "ftp://a/b", "https://", "https:///x", "https://me@a/b", `https://a\b/c`, "https://a b/"} {
		if host, _, _, ok := policy.CutURL(url); ok {
			t.Errorf("%q: got the host %q, want none", url, host)
		}
	}
}

func TestIsMethod(t *testing.T) {
	for method, want := range map[string]bool{"GET": true, "M-SEARCH": true, "": false, "GET ": false, "GET/": false, "É": false, strings.Repeat("A", 65): false} {
		if got := policy.IsMethod(method); got != want {
			t.Errorf("%q: got %t, want %t", method, got, want)
		}
	}
}
