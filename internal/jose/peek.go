package jose

import (
	"encoding/base64"
	"strings"
	"unsafe"
)

// longestHeader is how long a header's segment may be that [Signer.Sign] writes with a kid of [NewKeyID], in bytes.
const longestHeader = 160

// Peeked is what was peeked at.
type Peeked struct {
	KeyID [KeyIDLength]byte
	typ   [longestHeader]byte
	size  int
}

// IsType reports whether the header has that typ.
func (p *Peeked) IsType(typ string) bool { return string(p.typ[:p.size]) == typ }

// Peek looks at the header of a token, if it is spelled as [Signer.Sign] spells it with a kid of [NewKeyID]'s form: no other
// spelling can have come from there, nor have a good signature. It says which record to look at and nothing else: the token
// hasn't passed the gate. It allocates nothing.
func Peek(text string) (p Peeked, ok bool) {
	header, _, ok := strings.Cut(text, ".")
	if !ok || len(header) > longestHeader {
		return p, false
	}
	var buf [longestHeader]byte
	n, err := base64.RawURLEncoding.Decode(buf[:], unsafe.Slice(unsafe.StringData(header), len(header))) //nolint:gosec // G103: it is only read
	if err != nil {
		return p, false
	}
	const before, after, end = `","kid":"`, `","typ":"`, `"}`
	rest, ok := strings.CutPrefix(unsafe.String(&buf[0], n), `{"alg":"`) //nolint:gosec // G103: nothing of it is returned
	if !ok {
		return p, false
	}
	_, rest, ok = strings.Cut(rest, before)
	if !ok || len(rest) < KeyIDLength {
		return p, false
	}
	copy(p.KeyID[:], rest)
	typ, ok := strings.CutPrefix(rest[KeyIDLength:], after)
	if !ok || !strings.HasSuffix(typ, end) {
		return p, false
	}
	p.size = copy(p.typ[:], typ[:len(typ)-len(end)])
	return p, true
}
