package jose_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/jose"
)

// This is the gate as it was before it was made fast: slower, plainer, and with a piece of memory for whatever it reads. It is kept
// as the second opinion about the one in use, see FuzzAgainstOldGate, in one file since it is not to be changed. Why it refuses what it refuses is
// told there.

// oldToken is a token as the old gate has read it.
type oldToken struct {
	header    jose.Header
	claims    oldClaims
	signed    []byte
	signature []byte
}

func oldRefuse(kind error, text string) error { return fmt.Errorf("%w: %s", kind, text) }

func oldParse(text string) (*oldToken, error) {
	t, claims, err := oldParseForm(text)
	if err != nil {
		return nil, err
	}
	if t.claims, err = oldReadClaims(claims); err != nil {
		return nil, err
	}
	return t, nil
}

func oldParseForm(text string) (t *oldToken, claims []byte, err error) {
	if len(text) > jose.MaxLength {
		return nil, nil, oldRefuse(jose.ErrTooLong, "a token has 8,192 bytes at most")
	}
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	if header == "" || payload == "" || signature == "" || strings.Contains(signature, ".") {
		return nil, nil, oldRefuse(jose.ErrSegments, "three are wanted, and none empty")
	}
	buf := append(make([]byte, 0, 2*len(text)), text...)
	t = &oldToken{signed: buf[: len(header)+1+len(payload) : len(text)]}
	var parts [3][]byte
	from := 0
	for i, segment := range [3]string{header, payload, signature} {
		start := len(buf)
		if buf, err = oldDecodeSegment(buf, buf[from:from+len(segment)]); err != nil {
			return nil, nil, err
		}
		parts[i] = buf[start:len(buf):len(buf)]
		from += len(segment) + 1
	}
	if t.header, err = oldReadHeader(parts[0]); err != nil {
		return nil, nil, err
	}
	t.signature = parts[2]
	return t, parts[1], nil
}

var oldBase64url = base64.RawURLEncoding.Strict()

func oldDecodeSegment(buf, segment []byte) ([]byte, error) {
	if bytes.IndexByte(segment, '\n') >= 0 || bytes.IndexByte(segment, '\r') >= 0 {
		return nil, oldRefuse(jose.ErrEncoding, "a segment has a line break")
	}
	buf, err := oldBase64url.AppendDecode(buf, segment)
	if err != nil {
		return nil, oldRefuse(jose.ErrEncoding, "a segment is not the one spelling of its bytes")
	}
	return buf, nil
}

func oldReadHeader(data []byte) (h jose.Header, err error) {
	members, err := oldReadObject(data, 3)
	if err != nil {
		return h, err
	}
	for _, m := range members {
		text, ok := m.text()
		switch {
		case !ok:
			return h, oldRefuse(jose.ErrHeader, "a member is no string")
		case string(m.name) == "alg":
			h.Algorithm = jose.Algorithm(text)
		case string(m.name) == "kid":
			h.KeyID = text
		case string(m.name) == "typ":
			h.Type = text
		default:
			return h, oldRefuse(jose.ErrHeader, "it has another member than alg, kid and typ")
		}
	}
	if h.Algorithm == "" {
		return h, oldRefuse(jose.ErrHeader, "it names no algorithm")
	}
	return h, nil
}

const oldMaxDepth = 16

type oldMember struct {
	name  []byte
	value []byte
}

type oldReader struct {
	data      []byte
	at        int
	depth     int
	names     []byte
	spans     []oldSpan
	nameArray [192]byte
	spanArray [16]oldSpan
}

type oldSpan struct{ from, to int }

func oldReadObject(data []byte, room int) ([]oldMember, error) {
	r := &oldReader{data: data}
	r.names, r.spans = r.nameArray[:0], r.spanArray[:0]
	r.space()
	if r.peek() != '{' {
		return nil, oldRefuse(jose.ErrJSON, "it is no object")
	}
	members := make([]oldMember, 0, room)
	if err := r.object(&members); err != nil {
		return nil, err
	}
	r.space()
	if r.at < len(r.data) {
		return nil, oldRefuse(jose.ErrJSON, "something follows the object")
	}
	return members, nil
}

func (r *oldReader) peek() byte {
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

func (r *oldReader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

func (r *oldReader) space() {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *oldReader) value() error {
	switch c := r.peek(); {
	case c == '{':
		return r.object(nil)
	case c == '[':
		return r.array()
	case c == '"':
		_, _, err := r.text()
		return err
	case c == '-' || oldIsDigit(c):
		return r.number()
	default:
		return r.literal()
	}
}

func (r *oldReader) enter() error {
	if r.depth == oldMaxDepth {
		return oldRefuse(jose.ErrJSON, "it is nested too deep")
	}
	r.depth++
	r.at++
	r.space()
	return nil
}

func (r *oldReader) next(closing byte) (more bool, err error) {
	r.space()
	if r.take(',') {
		r.space()
		return true, nil
	}
	if r.take(closing) {
		r.depth--
		return false, nil
	}
	return false, oldRefuse(jose.ErrJSON, "a comma or a closing bracket is missing")
}

func (r *oldReader) array() error {
	if err := r.enter(); err != nil {
		return err
	}
	if r.peek() == ']' {
		_, err := r.next(']')
		return err
	}
	for more := true; more; {
		err := r.value()
		if err == nil {
			more, err = r.next(']')
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *oldReader) object(keep *[]oldMember) error {
	if err := r.enter(); err != nil {
		return err
	}
	if r.peek() == '}' {
		_, err := r.next('}')
		return err
	}
	first, from := len(r.spans), len(r.names)
	for more := true; more; {
		m, err := r.member()
		if err == nil {
			more, err = r.next('}')
		}
		if err != nil {
			return err
		}
		if keep != nil {
			*keep = append(*keep, m)
		}
	}
	if !r.distinct(r.spans[first:]) {
		return oldRefuse(jose.ErrMemberName, "a name is there twice, or in two cases")
	}
	r.spans, r.names = r.spans[:first], r.names[:from]
	return nil
}

func (r *oldReader) member() (m oldMember, err error) {
	if r.peek() != '"' {
		return m, oldRefuse(jose.ErrJSON, "a member's name is missing")
	}
	raw, escaped, err := r.text()
	if err != nil {
		return m, err
	}
	m.name = raw
	if escaped {
		m.name = oldUnescape(raw)
	}
	from := len(r.names)
	r.names = oldAppendFolded(r.names, m.name)
	r.spans = append(r.spans, oldSpan{from, len(r.names)})
	r.space()
	if !r.take(':') {
		return m, oldRefuse(jose.ErrJSON, "a colon is missing")
	}
	r.space()
	start := r.at
	err = r.value()
	m.value = r.data[start:r.at]
	return m, err
}

func oldAppendFolded(folded, name []byte) []byte {
	for at := 0; at < len(name); {
		if c := name[at]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			folded = append(folded, c)
			at++
			continue
		}
		char, n := utf8.DecodeRune(name[at:])
		folded = utf8.AppendRune(folded, oldSmallestFold(char))
		at += n
	}
	return folded
}

func oldSmallestFold(char rune) rune {
	for {
		next := unicode.SimpleFold(char)
		if next <= char {
			return next
		}
		char = next
	}
}

func (r *oldReader) distinct(spans []oldSpan) bool {
	compare := func(a, b oldSpan) int {
		return cmp.Or((a.to-a.from)-(b.to-b.from), bytes.Compare(r.names[a.from:a.to], r.names[b.from:b.to]))
	}
	slices.SortFunc(spans, compare)
	for i := 1; i < len(spans); i++ {
		if compare(spans[i-1], spans[i]) == 0 {
			return false
		}
	}
	return true
}

func (r *oldReader) literal() error {
	for _, word := range []string{"true", "false", "null"} {
		if rest := r.data[r.at:]; len(rest) >= len(word) && string(rest[:len(word)]) == word {
			r.at += len(word)
			return nil
		}
	}
	return oldRefuse(jose.ErrJSON, "a value is missing or misspelt")
}

func (r *oldReader) number() error {
	r.take('-')
	whole := r.take('0') || r.digits()
	if r.take('.') {
		whole = whole && r.digits()
	}
	if r.take('e') || r.take('E') {
		if !r.take('-') {
			r.take('+')
		}
		whole = whole && r.digits()
	}
	if !whole {
		return oldRefuse(jose.ErrJSON, "a number is misspelt")
	}
	return nil
}

func (r *oldReader) digits() bool {
	from := r.at
	for oldIsDigit(r.peek()) {
		r.at++
	}
	return r.at > from
}

func oldIsDigit(c byte) bool { return c-'0' < 10 }

func (r *oldReader) text() (raw []byte, escaped bool, err error) {
	from := r.at + 1
	for at := from; at < len(r.data); {
		c := r.data[at]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			at++
			continue
		}
		switch {
		case c == '"':
			r.at = at + 1
			return r.data[from:at], escaped, nil
		case c == '\\':
			_, n := oldDecodeEscape(r.data[at:])
			if n == 0 {
				return nil, false, oldRefuse(jose.ErrJSON, "a string has a bad escape")
			}
			escaped = true
			at += n
		case c < ' ':
			return nil, false, oldRefuse(jose.ErrJSON, "a string has a control character")
		default:
			char, n := utf8.DecodeRune(r.data[at:])
			if char == utf8.RuneError && n == 1 {
				return nil, false, oldRefuse(jose.ErrJSON, "a string isn't UTF-8")
			}
			at += n
		}
	}
	return nil, false, oldRefuse(jose.ErrJSON, "a string doesn't end")
}

func oldDecodeEscape(raw []byte) (char rune, length int) {
	if len(raw) < 2 {
		return 0, 0
	}
	switch raw[1] {
	case '"', '\\', '/':
		return rune(raw[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	char = oldDecodeHex(raw)
	if char <= 0 {
		return 0, 0
	}
	if !utf16.IsSurrogate(char) {
		return char, 6
	}
	if char = utf16.DecodeRune(char, oldDecodeHex(raw[6:])); char == unicode.ReplacementChar {
		return 0, 0
	}
	return char, 12
}

func oldDecodeHex(raw []byte) (char rune) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	for _, c := range raw[2:6] {
		switch lower := c | 0x20; {
		case oldIsDigit(c):
			c -= '0'
		case 'a' <= lower && lower <= 'f':
			c = lower - 'a' + 10
		default:
			return -1
		}
		char = char<<4 | rune(c)
	}
	return char
}

func oldUnescape(raw []byte) []byte {
	text := make([]byte, 0, len(raw))
	for at := 0; at < len(raw); {
		if raw[at] != '\\' {
			text = append(text, raw[at])
			at++
			continue
		}
		char, n := oldDecodeEscape(raw[at:])
		text = utf8.AppendRune(text, char)
		at += max(n, 1)
	}
	return text
}

type oldClaims struct{ members []oldMember }

func oldReadClaims(data []byte) (oldClaims, error) {
	members, err := oldReadObject(data, 10)
	if err != nil {
		return oldClaims{}, err
	}
	for _, m := range members {
		if oldIsVariant(m.name) {
			return oldClaims{}, oldRefuse(jose.ErrMemberName, "a registered claim's name has another case")
		}
	}
	return oldClaims{members}, nil
}

func oldIsVariant(name []byte) bool {
	const longest = 3 * utf8.UTFMax
	if len(name) > longest {
		return false
	}
	switch string(name) {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti":
		return false
	}
	var array [longest]byte
	switch string(oldAppendFolded(array[:0], name)) {
	case "ISS", "SUB", "AUD", "EXP", "NBF", "IAT", "JTI":
		return true
	}
	return false
}

func (c oldClaims) find(name string) (oldMember, bool) {
	for _, m := range c.members {
		if string(m.name) == name {
			return m, true
		}
	}
	return oldMember{}, false
}

func (c oldClaims) Has(name string) bool {
	_, ok := c.find(name)
	return ok
}

func (c oldClaims) Raw(name string) []byte {
	m, _ := c.find(name)
	return slices.Clone(m.value)
}

func (c oldClaims) Text(name string) (string, error) {
	m, ok := c.find(name)
	if !ok {
		return "", oldRefuse(jose.ErrAbsent, name)
	}
	text, ok := m.text()
	if !ok {
		return "", oldRefuse(jose.ErrClaimType, name+" is no string")
	}
	return text, nil
}

func (c oldClaims) Texts(name string) ([]string, error) {
	m, ok := c.find(name)
	if !ok {
		return nil, oldRefuse(jose.ErrAbsent, name)
	}
	if text, ok := m.text(); ok {
		return []string{text}, nil
	}
	texts, ok := m.texts()
	if !ok {
		return nil, oldRefuse(jose.ErrClaimType, name+" is neither a string nor an array of strings")
	}
	return texts, nil
}

func (c oldClaims) Seconds(name string) (int64, error) {
	m, ok := c.find(name)
	if !ok {
		return 0, oldRefuse(jose.ErrAbsent, name)
	}
	if !oldIsDigits(bytes.TrimPrefix(m.value, []byte("-"))) {
		return 0, oldRefuse(jose.ErrClaimType, name+" is no integer")
	}
	return oldParseSeconds(name, string(m.value))
}

func (c oldClaims) SecondsOrDigits(name string) (int64, error) {
	m, _ := c.find(name)
	text, ok := m.text()
	if !ok {
		return c.Seconds(name)
	}
	if !oldIsDigits([]byte(text)) {
		return 0, oldRefuse(jose.ErrClaimType, name+" is a string that is no integer")
	}
	return oldParseSeconds(name, text)
}

func oldIsDigits(text []byte) bool {
	return len(text) > 0 && !slices.ContainsFunc(text, func(c byte) bool { return !oldIsDigit(c) })
}

func oldParseSeconds(name, digits string) (int64, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, oldRefuse(jose.ErrClaimRange, name+" is too large")
	}
	return n, nil
}

func (m oldMember) text() (string, bool) {
	if len(m.value) == 0 || m.value[0] != '"' {
		return "", false
	}
	raw := m.value[1 : len(m.value)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = oldUnescape(raw)
	}
	return string(raw), true
}

func (m oldMember) texts() ([]string, bool) {
	values, ok := m.elements()
	if !ok {
		return nil, false
	}
	texts := make([]string, len(values))
	for i, value := range values {
		if texts[i], ok = value.text(); !ok {
			return nil, false
		}
	}
	return texts, true
}

func (m oldMember) elements() (values []oldMember, ok bool) {
	r := oldReader{data: m.value}
	if r.peek() != '[' || r.enter() != nil {
		return nil, false
	}
	for r.peek() != ']' && r.at < len(r.data) {
		from := r.at
		if r.value() != nil {
			return nil, false
		}
		values = append(values, oldMember{value: r.data[from:r.at]})
		r.space()
		if r.take(',') {
			r.space()
		}
	}
	return values, true
}
