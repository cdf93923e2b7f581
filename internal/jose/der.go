package jose

// crypto/ecdsa takes and gives signatures in DER (RFC 3279 section 2.2.3), tokens have the two numbers side by side (RFC 7518
// section 3.4). It has functions for numbers, too: they go by math/big and back, which is more work than what stands here.

// The tags and lengths of DER that a signature has.
const (
	derSequence = 0x30
	derInteger  = 0x02
	// maxDER is how long a signature of P-256 is at most: three heads of two bytes, and two numbers of 33, of which the first byte
	// is 0 where the highest bit of the second is set. So no length needs more than a byte.
	maxDER = 2 + 2*(2+1+scalarSize)
)

// appendDER adds the signature of two numbers to der. It reports false for a number that is 0, which no signature has.
func appendDER(der, r, s []byte) ([]byte, bool) {
	start := len(der)
	der = append(der, derSequence, 0)
	for _, number := range [2][]byte{r, s} {
		for len(number) > 0 && number[0] == 0 {
			number = number[1:]
		}
		if len(number) == 0 {
			return der, false
		}
		if number[0] < 0x80 {
			der = append(der, derInteger, derLength(len(number)))
		} else { // else it would be negative
			der = append(der, derInteger, derLength(len(number)+1), 0)
		}
		der = append(der, number...)
	}
	der[start+1] = derLength(len(der) - start - 2)
	return der, true
}

// derLength is a length below 128 in DER.
func derLength(n int) byte { return byte(n) } //nolint:gosec // G115: see maxDER

// splitDER writes the two numbers of a signature side by side, and reports false for what is no signature as appendDER writes it.
func splitDER(pair *[2 * scalarSize]byte, der []byte) bool {
	if len(der) < 2 || der[0] != derSequence || int(der[1]) != len(der)-2 {
		return false
	}
	der = der[2:]
	for _, to := range [2][]byte{pair[:scalarSize], pair[scalarSize:]} {
		if len(der) < 3 || der[0] != derInteger || int(der[1]) > len(der)-2 || der[1] == 0 {
			return false
		}
		number := der[2 : 2+int(der[1])]
		der = der[2+len(number):]
		if number[0] == 0 && len(number) > 1 && number[1] >= 0x80 {
			number = number[1:]
		} else if number[0] == 0 || number[0] >= 0x80 {
			return false // 0, longer than it need be, or negative
		}
		if len(number) > scalarSize {
			return false
		}
		copy(to[scalarSize-len(number):], number)
	}
	return len(der) == 0
}
