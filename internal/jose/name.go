package jose

import (
	"bytes"
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"
)

// appendFolded adds name to folded in the one form that all names have in common which encoding/json would put into the
// same field: the smallest rune of each set of runes that differ in case alone. So "ſ" (U+017F) is S and "K" (U+212A,
// the Kelvin sign) is K. No name grows by it.
func appendFolded(folded, name []byte) []byte {
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
		folded = utf8.AppendRune(folded, smallestFold(char))
		at += n
	}
	return folded
}

// smallestFold walks around the set of runes that differ from char in case alone until it comes past the highest.
func smallestFold(char rune) rune {
	for {
		next := unicode.SimpleFold(char)
		if next <= char {
			return next
		}
		char = next
	}
}

// distinct reports whether no two of the folded names are the same. It sorts them, so that a token of a thousand names
// doesn't cost a million comparisons; the shorter comes first, since lengths are cheaper to compare.
func (r *reader) distinct(spans []span) bool {
	compare := func(a, b span) int {
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
