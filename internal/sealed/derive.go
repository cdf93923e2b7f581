package sealed

import (
	"crypto/md5" //nolint:gosec // clients of old derive their keys by it; a set of these is marked as forgeable
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // likewise, and PBKDF2 of RFC 8018 has it by default
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strconv"
)

// deriveKey makes the key from its text, by settings that have been checked.
func (s *Settings) deriveKey(text string) ([]byte, error) {
	size := s.KeySize / 8
	switch s.Derivation {
	case Raw:
		return []byte(text), nil
	case SHA256:
		sum := sha256.Sum256([]byte(text))
		return sum[:size], nil
	case MD5:
		sum := md5.Sum([]byte(text)) //nolint:gosec // see the import
		return sum[:], nil
	case PBKDF2:
		key, err := pbkdf2.Key(newHash(s.Hash), text, []byte(s.Salt), s.Iterations, size)
		if err != nil {
			return nil, fmt.Errorf("deriving a key by PBKDF2: %w", err)
		}
		return key, nil
	default:
		return passwordDeriveBytes(newHash(s.Hash)(), text, s.Salt, s.Iterations, size), nil
	}
}

// newHash returns the hash that .NET knows by that name, or nil.
func newHash(name string) func() hash.Hash {
	switch name {
	case "MD5":
		return md5.New
	case "SHA1":
		return sha1.New
	case "SHA256":
		return sha256.New
	case "SHA384":
		return sha512.New384
	case "SHA512":
		return sha512.New
	default:
		return nil
	}
}

// passwordDeriveBytes is what one call of GetBytes returns of .NET's System.Security.Cryptography.PasswordDeriveBytes. It is PBKDF1
// (RFC 8018 section 5.1) as far as one hash goes:
//
//	base    = H(H(… H(password ‖ salt)))  iterations - 1 times
//	block 0 = H(base)
//
// Beyond, where PBKDF1 ends, it goes on in a way of its own: block n is H(n ‖ base), n in decimal digits of ASCII. One iteration
// is as two are, since .NET hashes once in any case. The class is known for giving other bytes if they are asked for in pieces
// (its GetBytes copies from a wrong place); whoever takes key and IV from it by two calls gets the key that is made here.
func passwordDeriveBytes(h hash.Hash, password, salt string, iterations, size int) []byte {
	base := digest(h, password, salt)
	for range iterations - 2 {
		base = digest(h, base)
	}
	out := digest(h, base)
	for n := 1; len(out) < size; n++ {
		out += digest(h, strconv.Itoa(n), base)
	}
	return []byte(out[:size])
}

// digest returns the hash of the parts, one after the other.
func digest(h hash.Hash, parts ...string) string {
	h.Reset()
	for _, part := range parts {
		h.Write([]byte(part))
	}
	return string(h.Sum(nil))
}
