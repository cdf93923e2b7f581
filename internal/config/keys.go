package config

import (
	"slices"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/jose"
)

// signingAlgorithms returns the names of those that signing keys may have: the same as package keyring's, which a test
// compares.
func signingAlgorithms() []string {
	return []string{string(jose.RS256), string(jose.PS256), string(jose.ES256), string(jose.EdDSA)}
}

// signingKeys reads how old the keys that sign tokens grow, and by which algorithms they sign.
func (r *reader) signingKeys(c *Config) {
	c.KeyAge = r.duration("key-age", time.Hour)
	c.AccessTokenAlgorithm, c.APITokenAlgorithm = r.algorithm("access-token-algorithm"), r.algorithm("api-token-algorithm")
}

// algorithm reads the name of an algorithm, whose case counts (RFC 7515, section 4.1.1).
func (r *reader) algorithm(name string) jose.Algorithm {
	value := r.k.String(name)
	if !slices.Contains(signingAlgorithms(), value) {
		r.fault(name, "is none of %s", strings.Join(signingAlgorithms(), ", "))
	}
	return jose.Algorithm(value)
}
