package policy

// decodeEscape decodes the escape with which raw begins, unless it must not
// stand in a path.
func decodeEscape(raw string) (c byte, problem string) {
	if len(raw) < 3 || !isHex(raw[1]) || !isHex(raw[2]) {
		return 0, "it holds a % without two hexadecimal digits"
	}
	c = unhex(raw[1])<<4 | unhex(raw[2])
	switch {
	case c == '/' || c == '\\':
		return 0, "it holds an encoded slash or backslash"
	case c == 0:
		return 0, "it holds an encoded NUL"
	case isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~':
		return 0, "it holds an encoded unreserved character"
	case c == '%' && len(raw) >= 5 && isHex(raw[3]) && isHex(raw[4]):
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

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
