package jose

import (
	"encoding/base64"
	"strings"
	"unsafe"
)

// longestHeader is how long a header's segment may be that [Signer.Sign] writes with a kid of [NewKeyID], in bytes.
const longestHeader = 160

// PeekKeyID returns the kid of a token whose header is spelled as [Signer.Sign] spells it, with a kid of [NewKeyID]'s form:
// no other spelling can have come from there, nor have a good signature. It says which record to look at and nothing else:
// the token hasn't passed the gate. It allocates nothing.
func PeekKeyID(text string) (kid [KeyIDLength]byte, ok bool) {
	header, _, ok := strings.Cut(text, ".")
	if !ok || len(header) > longestHeader {
		return kid, false
	}
	var buf [longestHeader]byte
	n, err := base64.RawURLEncoding.Decode(buf[:], unsafe.Slice(unsafe.StringData(header), len(header))) //nolint:gosec // G103: it is only read
	if err != nil {
		return kid, false
	}
	const before, after = `","kid":"`, `","typ":"`
	rest, ok := strings.CutPrefix(unsafe.String(&buf[0], n), `{"alg":"`) //nolint:gosec // G103: nothing of it is returned
	if !ok {
		return kid, false
	}
	_, rest, ok = strings.Cut(rest, before)
	if !ok || len(rest) < KeyIDLength || !strings.HasPrefix(rest[KeyIDLength:], after) {
		return kid, false
	}
	copy(kid[:], rest)
	return kid, true
}
