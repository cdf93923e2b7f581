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
	if len(text) > maxKeySetText {
		return nil, refuse(ErrKeyFormat, "it is too long")
	}
	members, err := readObject(text, 1)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	set, _ := Claims{members}.find("keys")
	values, ok := set.elements()
	if !ok {
		return nil, refuse(ErrKeyFormat, "it has no array of keys")
	}
	var keys []IdentifiedKey
	for _, value := range values {
		key, err := ParseJWK(alg, value.value)
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
