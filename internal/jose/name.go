package jose

import (
	"bytes"
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"
)

// fold takes note of a name in its folded form.
func (r *reader) fold(name []byte, escaped bool) {
	if escaped {
		name = unescape(name)
	}
	from := len(r.names)
	r.names = appendFolded(r.names, name)
	r.spans = append(r.spans, span{place(from), place(len(r.names))})
}

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

// fewNames are so many that comparing each with each is cheaper than sorting them.
const fewNames = 16

// distinct reports whether no two of the folded names are the same. Many it sorts, so that a token of a thousand names
// doesn't cost a million comparisons; the shorter comes first, since lengths are cheaper to compare.
func (r *reader) distinct(spans []span) bool {
	if len(spans) <= fewNames {
		for i, a := range spans {
			for _, b := range spans[:i] {
				if a.size() == b.size() && string(a.of(r.names)) == string(b.of(r.names)) {
					return false
				}
			}
		}
		return true
	}
	compare := func(a, b span) int {
		return cmp.Or(cmp.Compare(a.size(), b.size()), bytes.Compare(a.of(r.names), b.of(r.names)))
	}
	slices.SortFunc(spans, compare)
	for i := 1; i < len(spans); i++ {
		if compare(spans[i-1], spans[i]) == 0 {
			return false
		}
	}
	return true
}
