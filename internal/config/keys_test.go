package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
)

// TestKeyAge gives the age in its forms, and the least that is taken beside what is too little.
func TestKeyAge(t *testing.T) {
	for _, tc := range []struct {
		text string
		want time.Duration // 0 where it is refused
	}{
		{"", 90 * 24 * time.Hour}, // not given
		{"1h", time.Hour},
		{"59m59s", 0},
		{"365d", 365 * 24 * time.Hour},
		{"1.5d", 0},
		{"never", 0},
		{"-90d", 0},
		{"0", 0},
	} {
		var environ []string
		if tc.text != "" {
			environ = []string{"JETON_KEY_AGE=" + tc.text}
		}
		c, err := load(t, nil, environ)
		if (err == nil) != (tc.want != 0) || err == nil && c.KeyAge != tc.want {
			t.Errorf("%q: got %v, %v, want %v", tc.text, c.KeyAge, err, tc.want)
		}
		if err != nil && !strings.Contains(err.Error(), "key-age: is not a duration of at least 1h0m0s") {
			t.Errorf("%q: got %v, want the setting and the least", tc.text, err)
		}
	}
}

// TestAlgorithms gives every algorithm that there is: those that signing keys may have are taken, and no others.
func TestAlgorithms(t *testing.T) {
	c, err := load(t, nil, nil)
	if err != nil || c.AccessTokenAlgorithm != jose.ES256 || c.APITokenAlgorithm != jose.RS256 {
		t.Errorf("got %s and %s, %v, want ES256 and RS256", c.AccessTokenAlgorithm, c.APITokenAlgorithm, err)
	}
	for _, alg := range []jose.Algorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.EdDSA, jose.HS256, jose.HS384, jose.HS512,
		"none", "es256", "Ed25519", "RS256,PS256",
	} {
		ok := slices.Contains(keyring.SigningAlgorithms(), alg)
		c, err := load(t, []string{"--access-token-algorithm=" + string(alg)}, nil)
		if (err == nil) != ok || ok && (c.AccessTokenAlgorithm != alg || c.APITokenAlgorithm != jose.RS256) {
			t.Errorf("%s for access tokens: got %s, %v, want it taken: %v", alg, c.AccessTokenAlgorithm, err, ok)
		}
		c, err = load(t, []string{"--api-token-algorithm=" + string(alg)}, nil)
		if (err == nil) != ok || ok && (c.APITokenAlgorithm != alg || c.AccessTokenAlgorithm != jose.ES256) {
			t.Errorf("%s for API tokens: got %s, %v, want it taken: %v", alg, c.APITokenAlgorithm, err, ok)
		}
	}
}

// TestKeyFaultsAtOnce has every setting of keys wrong: each is named.
func TestKeyFaultsAtOnce(t *testing.T) {
	_, err := load(t, []string{"--key-age=soon", "--access-token-algorithm=HS256", "--api-token-algorithm="}, nil)
	const none = "-algorithm: is none of RS256, PS256, ES256, EdDSA"
	for _, want := range []string{"key-age: is not a duration", "access-token" + none, "api-token" + none} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("got %v, want it to say %q too", err, want)
		}
	}
}
