package policy

// decodeEscape decodes the escape with which raw begins, unless it must not
// stand in a path.
func decodeEscape(raw string) (c byte, problem string) {
	if !startsHex(raw[1:]) {
		return 0, "it holds a % without two hexadecimal digits"
	}
	c = unhex(raw[1])<<4 | unhex(raw[2])
	switch {
	case c == '/' || c == '\\':
		return 0, "it holds an encoded slash or backslash"
	case c == 0:
		return 0, "it holds an encoded NUL"
	case isUnreserved(c):
		return 0, "it holds an encoded unreserved character"
	case c == '%' && startsHex(raw[3:]):
		return 0, "it is encoded twice"
	}
	return c, ""
}

// isOverlong reports whether two bytes begin a longer spelling than UTF-8
// permits (RFC 3629 section 3), which lax decoders take for the short one. The
// rest of what isn't UTF-8 passes: old clients send ISO 8859-1.
func isOverlong(first, second byte) bool {
	switch first {
	case 0xc0, 0xc1:
		return second >= 0x80 && second < 0xc0
	case 0xe0:
		return second >= 0x80 && second < 0xa0
	case 0xf0:
		return second >= 0x80 && second < 0x90
	default:
		return false
	}
}

// isAlphanumeric asks two questions instead of six, since it is asked of each
// byte of each path: bit 0x20 is what tells the cases apart in ASCII, and a byte
// below 'a' or '0' wraps around to a high one.
func isAlphanumeric(c byte) bool {
	return c|0x20-'a' < 26 || c-'0' < 10
}

// isUnreserved knows RFC 3986 section 2.3: the characters whose encoded and
// plain spellings are the same URL.
func isUnreserved(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

func startsHex(text string) bool { return len(text) >= 2 && isHex(text[0]) && isHex(text[1]) }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
