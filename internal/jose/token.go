package jose

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unsafe"
)

// MaxLength is how long a token may be, in bytes. It bounds the work that anybody can ask for without a credential.
const MaxLength = 8 << 10

// Header is what a token says of its own making. All of it is the sender's claim.
type Header struct {
	Algorithm Algorithm // as it stands there, of this package's or not
	KeyID     string    // "kid", empty where there is none; any text, see [ValidKeyID] for ours
	Type      string    // "typ", empty where there is none
}

// Token is a token whose form is good and whose signature was not checked. It is safe for concurrent use.
type Token struct {
	header    Header
	claims    Claims
	signed    []byte // the signing input (RFC 7515 section 2), a part of the text: it is only read
	signature []byte
	room      room // of the claims, and before them of the header
}

// Header returns the token's header. It may choose which record to look at, and nothing else.
func (t *Token) Header() Header { return t.header }

// UnverifiedClaims returns what anybody may have written: to find out whose key the signature is to be checked with,
// where only "iss" or "sub" tells (RFC 7523 section 3). All that is decided is decided by what [Key.Verify] returns.
func (t *Token) UnverifiedClaims() Claims { return t.claims }

// Digest returns SHA-256 of the signing input. It is the same for every signature of the same header and claims, of which
// an ECDSA signer can make as many as it likes: so one-time use of a token without "jti" keys on it.
func (t *Token) Digest() [sha256.Size]byte { return sha256.Sum256(t.signed) }

// Parse is the gate: it reads the text of a signed token, and refuses every text that has another spelling, or that
// another reader might understand otherwise. It refuses with
//   - ErrTooLong what is longer than MaxLength;
//   - ErrSegments what isn't three segments, none empty (RFC 7515 section 3.1), so JWE and JSON serialisation too;
//   - ErrEncoding a segment with line breaks, "=" or unused bits set (RFC 4648 section 3.5): one token has one text, so
//     that who caches or revokes by text isn't led astray;
//   - ErrJSON a header or claims that are not one JSON object in valid UTF-8, with lone surrogates or NUL, or nested
//     deeper than 16 levels;
//   - ErrMemberName a name that is there twice in an object at any level, also if its spellings differ in case, and a
//     registered claim's (RFC 7519 section 4.1) in any spelling but its own: readers take the first, the last, or the
//     one that fits best, encoding/json among them;
//   - ErrHeader a header without alg, or with other members than the strings alg, kid and typ: with "jwk", "jku", "x5u"
//     and "x5c" it would bring its own key, "crit", "b64" and "zip" change what is signed.
//
// The error names the problem and quotes nothing of the text.
func Parse(text string) (*Token, error) {
	t, claims, err := parseForm(text)
	if err != nil {
		return nil, err
	}
	if t.claims, err = readClaims(claims, &t.room); err != nil {
		return nil, err
	}
	return t, nil
}

// parseForm is the gate but for the claims, which it returns decoded and unread.
func parseForm(text string) (t *Token, claims []byte, err error) {
	if len(text) > MaxLength {
		return nil, nil, errTooLong()
	}
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	if header == "" || payload == "" || signature == "" || strings.Contains(signature, ".") {
		return nil, nil, refuse(ErrSegments, "three are wanted, and none empty")
	}
	raw := unsafe.Slice(unsafe.StringData(text), len(text)) //nolint:gosec // G103: it is only read
	if hasLineBreak(raw) {
		return nil, nil, errLineBreak()
	}
	t = &Token{signed: raw[: len(header)+1+len(payload) : len(header)+1+len(payload)]}
	buf := make([]byte, 0, len(text)) // for the three segments decoded, which are shorter
	var parts [3][]byte
	from := 0
	for i, segment := range [3]string{header, payload, signature} {
		start := len(buf)
		if buf, err = decodeSegment(buf, raw[from:from+len(segment)]); err != nil {
			return nil, nil, err
		}
		parts[i] = buf[start:len(buf):len(buf)]
		from += len(segment) + 1
	}
	if t.header, err = readHeader(parts[0], &t.room); err != nil {
		return nil, nil, err
	}
	t.signature = parts[2]
	return t, parts[1], nil
}

func errTooLong() error { return refuse(ErrTooLong, "a token has 8,192 bytes at most") }

func errLineBreak() error { return refuse(ErrEncoding, "a segment has a line break") }

// base64url refuses "=" and unused bits that are set.
var base64url = base64.RawURLEncoding.Strict()

// decodeSegment adds the decoded segment, in which there is no line break, to buf. Of all spellings of the same bytes it takes
// the one that encoding them again would give.
func decodeSegment(buf, segment []byte) ([]byte, error) {
	buf, err := base64url.AppendDecode(buf, segment)
	if err != nil {
		return nil, refuse(ErrEncoding, "a segment is not the one spelling of its bytes")
	}
	return buf, nil
}

// hasLineBreak reports whether a text has what decoding goes over in silence, strict or not.
func hasLineBreak(text []byte) bool {
	return bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0
}

// readHeader reads a header. What it says of itself is a part of data, which must not be changed any more.
func readHeader(data []byte, in *room) (h Header, err error) {
	members, err := readObject(data, in)
	if err != nil {
		return h, err
	}
	for i, m := range members.members {
		v := value(m.value.of(data))
		text, ok := v.text()
		if !ok {
			return h, refuse(ErrHeader, "a member is no string")
		}
		switch string(members.name(i)) {
		case "alg":
			h.Algorithm = Algorithm(view(text))
		case "kid":
			h.KeyID = view(text)
		case "typ":
			h.Type = view(text)
		default:
			return h, refuse(ErrHeader, "it has another member than alg, kid and typ")
		}
	}
	if h.Algorithm == "" {
		return h, refuse(ErrHeader, "it names no algorithm")
	}
	return h, nil
}

// view returns bytes that are never written again as a string.
func view(text []byte) string {
	return unsafe.String(unsafe.SliceData(text), len(text)) //nolint:gosec // G103: see above
}
