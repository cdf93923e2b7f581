package jose

import (
	"errors"
	"fmt"
	"slices"
)

// ParseJWKSet returns the keys of a JWK Set (RFC 7517 section 5) that are for the given algorithm. Others it passes over;
// one of them that is private or weak spoils the set, and so does a "kid" that is there twice. It returns the errors of
// [ParseJWK], and ErrKeyFormat where no key is left.
func ParseJWKSet(alg Algorithm, text []byte) ([]IdentifiedKey, error) {
	return parseSet(text, func(Claims) Algorithm { return alg })
}

// ParseMixedJWKSet is ParseJWKSet for a set whose keys say for themselves what they are for: each is read for the algorithm
// that it names or, where it names none, for the one that its type is used with as a rule: RS256, ES256 or EdDSA. Keys of
// other algorithms and types, of which some sets are full, it passes over.
func ParseMixedJWKSet(text []byte) ([]IdentifiedKey, error) { return parseSet(text, ownAlgorithm) }

// ownAlgorithm returns the algorithm that a JWK is for by its own word, empty for none of ours.
func ownAlgorithm(c Claims) Algorithm {
	if c.Has("alg") {
		alg, err := c.Text("alg")
		if f, _ := Algorithm(alg).scheme(); err != nil || f == noFamily || f == familyHMAC {
			return ""
		}
		return Algorithm(alg)
	}
	switch kind, _ := c.Text("kty"); kind {
	case "RSA":
		return RS256
	case "EC":
		return ES256
	case "OKP":
		return EdDSA
	default:
		return ""
	}
}

// parseSet reads a set, and of it the keys to which algorithm gives one.
func parseSet(text []byte, algorithm func(Claims) Algorithm) ([]IdentifiedKey, error) {
	if len(text) > maxKeySetText {
		return nil, refuse(ErrKeyFormat, "it is too long")
	}
	members, err := readObject(text, new(room))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	set, _ := members.find("keys")
	values, ok := set.elements()
	if !ok {
		return nil, refuse(ErrKeyFormat, "it has no array of keys")
	}
	var keys []IdentifiedKey
	for _, value := range values {
		key, err := parseMember(value, algorithm)
		if errors.Is(err, errOtherPurpose) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if key.ID != "" && slices.ContainsFunc(keys, func(k IdentifiedKey) bool { return k.ID == key.ID }) {
			return nil, refuse(ErrKeyFormat, "two keys have the same kid")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, refuse(ErrKeyFormat, "no key is for this algorithm")
	}
	return keys, nil
}

// parseMember reads one key of a set.
func parseMember(text []byte, algorithm func(Claims) Algorithm) (IdentifiedKey, error) {
	members, err := readJWKMembers(text)
	if err != nil {
		return IdentifiedKey{}, err
	}
	if err := checkPublic(members); err != nil { // also of one that is passed over
		return IdentifiedKey{}, err
	}
	alg := algorithm(members)
	if alg == "" {
		return IdentifiedKey{}, errOtherPurpose
	}
	return parseJWK(alg, members)
}
