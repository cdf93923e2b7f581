package jose

import (
	"encoding/binary"
	"math/bits"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// text goes over a string and returns where it stands between its quotes, and whether it has escapes.
func (r *reader) text() (raw span, escaped bool, err error) {
	from := r.at + 1
	for at := from; ; {
		at += plain(r.data[at:])
		if at == len(r.data) {
			return raw, false, refuse(ErrJSON, "a string doesn't end")
		}
		switch c := r.data[at]; {
		case c == '"':
			r.at = at + 1
			return span{place(from), place(at)}, escaped, nil
		case c == '\\':
			_, n := decodeEscape(r.data[at:])
			if n == 0 {
				return raw, false, refuse(ErrJSON, "a string has a bad escape")
			}
			escaped = true
			at += n
		case c < ' ':
			return raw, false, refuse(ErrJSON, "a string has a control character")
		default:
			char, n := utf8.DecodeRune(r.data[at:])
			if char == utf8.RuneError && n == 1 {
				return raw, false, refuse(ErrJSON, "a string isn't UTF-8")
			}
			at += n
		}
	}
}

// plain returns with how many bytes data begins that stand for themselves in a string: ASCII without controls, " and \.
//
// It looks at eight at a time. Of a byte below 0x80, taking a number away sets the high bit if and only if the byte is the
// smaller; and a byte that is the one looked for is 0 beside it. What one byte borrows from the next is of no consequence: only
// the first that isn't plain counts, and there is none before it to borrow.
func plain(data []byte) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	at := 0
	for ; len(data)-at >= 8; at += 8 {
		word := binary.LittleEndian.Uint64(data[at:])
		quote, backslash := word^ones*'"', word^ones*'\\'
		if other := (word | (word - ones*' ') | (quote - ones) | (backslash - ones)) & high; other != 0 {
			return at + bits.TrailingZeros64(other)/8
		}
	}
	for at < len(data) && data[at] >= ' ' && data[at] < utf8.RuneSelf && data[at] != '"' && data[at] != '\\' {
		at++
	}
	return at
}

// decodeEscape decodes the escape with which raw begins and returns its length, or 0 for what must not stand in a
// string: an unknown escape, half a surrogate pair, which readers replace, drop or keep (RFC 8259 section 8.2), and NUL,
// which is no part of any honest claim and which PostgreSQL answers with an error, so that a look-up by such a name would
// be a fault (503) where it must be a refusal (401).
func decodeEscape(raw []byte) (char rune, length int) {
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
	char = decodeHex(raw)
	if char <= 0 {
		return 0, 0
	}
	if !utf16.IsSurrogate(char) {
		return char, 6
	}
	if char = utf16.DecodeRune(char, decodeHex(raw[6:])); char == unicode.ReplacementChar {
		return 0, 0
	}
	return char, 12
}

// decodeHex decodes \u and four hexadecimal digits, and returns -1 for all else.
func decodeHex(raw []byte) (char rune) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	for _, c := range raw[2:6] {
		switch lower := c | 0x20; {
		case isDigit(c):
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

// unescape returns the text of a string that reader.text went over.
func unescape(raw []byte) []byte {
	text := make([]byte, 0, len(raw))
	for at := 0; at < len(raw); {
		if raw[at] != '\\' {
			text = append(text, raw[at])
			at++
			continue
		}
		char, n := decodeEscape(raw[at:])
		text = utf8.AppendRune(text, char)
		at += max(n, 1)
	}
	return text
}
