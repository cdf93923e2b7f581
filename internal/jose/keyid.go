package jose

import (
	"fmt"
	"io"
	"math/big"
	"strings"
)

// KeyIDLength is the number of characters of the "kid" of a key of ours.
const KeyIDLength = 22

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewKeyID returns a new "kid": 128 bits read from random, as 22 digits of base 62 (0-9A-Za-z), the most significant
// first. It wraps the error of a source that fails.
func NewKeyID(random io.Reader) (string, error) {
	var buf [16]byte
	if _, err := io.ReadFull(random, buf[:]); err != nil {
		return "", fmt.Errorf("reading randomness for a key's ID: %w", err)
	}
	n, digit := new(big.Int).SetBytes(buf[:]), new(big.Int)
	id := make([]byte, KeyIDLength)
	for i := KeyIDLength - 1; i >= 0; i-- {
		n.DivMod(n, big.NewInt(int64(len(base62))), digit)
		id[i] = base62[digit.Int64()]
	}
	return string(id), nil
}

// ValidKeyID reports whether text is a "kid" that NewKeyID can have made: its length, its alphabet, and that it is below
// 2¹²⁸. A token's "kid" is its sender's to choose, up to a path or a line of SQL: where this package's keys are meant, it
// is asked here before it is looked up.
func ValidKeyID(text string) bool {
	if len(text) != KeyIDLength {
		return false
	}
	const largest = "7n42DGM5Tflk9n8mt7Fhc7" // 2¹²⁸−1; the alphabet is in the order of its bytes
	for i := range len(text) {
		if strings.IndexByte(base62, text[i]) < 0 {
			return false
		}
	}
	return text <= largest
}
