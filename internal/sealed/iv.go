package sealed

import (
	"encoding/binary"
	"unicode/utf16"
)

// expandIV makes the IV of 16 bytes of settings that have been checked. XDOC shows an IV of eight characters and doesn't say how
// they become sixteen bytes: hence the choice. UTF-16 is how .NET keeps a text in memory.
func expandIV(text string, expansion IVExpansion) (iv [blockSize]byte) {
	switch expansion {
	case UTF16LE:
		copy(iv[:], utf16LE(text))
	case Double:
		copy(iv[:], text+text)
	default: // ZeroFill and Full; for RandomIV there is no text
		copy(iv[:], text)
	}
	return iv
}

// utf16LE encodes text as .NET's Encoding.Unicode does.
func utf16LE(text string) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return out
}
