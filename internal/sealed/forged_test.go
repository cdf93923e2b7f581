package sealed_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/sealed"
)

// TestLengths opens what no token of that length can be, beside what one can.
func TestLengths(t *testing.T) {
	for _, s := range everySetting() {
		c := newCipher(t, s, keyText)
		for length := range 66 {
			plain, sound := c.Open(make([]byte, length), bound)
			possible := length > 0 && length%16 == 0
			if s.Mode == sealed.GCM {
				possible = false // by its tag
			} else if s.IVExpansion == sealed.RandomIV {
				possible = length > 16 && length%16 == 0
			}
			if plain == nil || len(plain) > length || length-len(plain) > 31 || sound == 1 && !possible {
				t.Errorf("%s: got %x, %d for %d bytes", name(s), plain, sound, length)
			}
			if !possible && !zeros(plain) {
				t.Errorf("%s: got %x for %d bytes, want zeros", name(s), plain, length)
			}
		}
		if plain, sound := c.Open(nil, ""); plain == nil || len(plain) != 0 || sound != 0 {
			t.Errorf("%s: got %x, %d for nothing", name(s), plain, sound)
		}
	}
}

// TestGCMChanged cuts tags at each length, and changes every bit of a token. None but the token itself opens.
func TestGCMChanged(t *testing.T) {
	c := newCipher(t, gcm(), keyText)
	token := seal(t, c, userText, bound)
	wantRefused := func(what string, changed []byte) {
		t.Helper()
		if plain, sound := c.Open(changed, bound); sound != 0 || !zeros(plain) || len(changed) >= 28 && len(plain) != len(changed)-28 {
			t.Errorf("%s: got %q, %d", what, plain, sound)
		}
	}
	for n := range len(token) {
		wantRefused(fmt.Sprint("the first ", n), token[:n])
		wantRefused(fmt.Sprint("the last ", n), token[len(token)-n:])
	}
	for i := range 8 * len(token) {
		changed := slices.Clone(token)
		changed[i/8] ^= 1 << (i % 8)
		wantRefused(fmt.Sprint("bit ", i), changed)
	}
	wantRefused("one more byte", append(slices.Clone(token), 0))
	wantRefused("twice", append(slices.Clone(token), token...))
	if plain, sound := c.Open(token, bound); sound != 1 || string(plain) != userText {
		t.Errorf("the token: got %q, %d", plain, sound)
	}
}

// TestGCMZeroTag cuts a zero off a tag: what is missing must not be taken for one.
func TestGCMZeroTag(t *testing.T) {
	c := newCipher(t, gcm(), keyText)
	for {
		token := seal(t, c, "", bound)
		if token[27] != 0 {
			continue
		}
		if plain, sound := c.Open(token[:27], bound); sound != 0 || len(plain) != 0 {
			t.Errorf("got %q, %d", plain, sound)
		}
		if _, sound := c.Open(token, bound); sound != 1 {
			t.Error("the whole token is refused")
		}
		return
	}
}

// TestModes opens tokens in another mode under the same key: what was authenticated is never read as what wasn't, nor the other way
// round. (That a project doesn't have one key for both is the project's to see to.)
func TestModes(t *testing.T) {
	all := everySetting()
	for _, a := range all {
		token := seal(t, newCipher(t, a, keyText), userText+strings.Repeat(" ", 16-len(userText)%16), bound)
		for _, b := range all {
			if a.Mode == b.Mode {
				continue
			}
			plain, sound := newCipher(t, b, keyText).Open(token, bound)
			if b.Mode == sealed.GCM && (sound == 1 || !zeros(plain)) {
				t.Errorf("%s as %s: got %q, %d", name(a), name(b), plain, sound)
			}
			if _, err := sealed.ParseFields(plain); err == nil {
				t.Errorf("%s as %s: got fields from %q", name(a), name(b), plain)
			}
			if a.Mode == sealed.GCM && bytes.Contains(plain, []byte("admin")) {
				t.Errorf("%s as %s: got the text", name(a), name(b))
			}
		}
	}
}

// TestWrongKeys opens tokens under other keys: how often that comes off clean is what unpad says, and there are never any fields.
func TestWrongKeys(t *testing.T) {
	const tries = 4096
	expected := map[sealed.Padding][2]int{ // 16, 16, 256, all, all; with room for six standard deviations
		sealed.PKCS7: {0, 42}, sealed.ANSIX923: {0, 42}, sealed.ISO10126: {160, 352}, sealed.Zeros: {tries - 2, tries}, sealed.NoPadding: {tries, tries},
	}
	for _, padding := range paddings {
		token := seal(t, newCipher(t, cbc(sealed.PKCS7), keyText), userText, bound)
		c, clean := cbc(padding), 0
		c.Derivation, c.KeySize = sealed.Raw, 128
		for i := range tries {
			plain, sound := newCipher(t, c, fmt.Sprintf("key %012d", i)).Open(token, bound)
			clean += sound
			if fields, err := sealed.ParseFields(plain); err == nil {
				t.Errorf("%s: got the fields %q", padding, fields)
			}
		}
		low, high := expected[padding][0], expected[padding][1]
		if clean < low || clean > high {
			t.Errorf("%s: got %d of %d clean, want %d to %d", padding, clean, tries, low, high)
		}
	}
}

// TestForgeries makes tokens from others without the key, as Settings.Forgeable says that one can. Should one of these fail some day,
// the warning is out of date.
func TestForgeries(t *testing.T) {
	const plain = "UserName=jdoe_+&Display=John+Doe" // two blocks
	flip := func(token []byte, at int, from, to string) []byte {
		changed := slices.Clone(token)
		for i := range from {
			changed[at+i] ^= from[i] ^ to[i]
		}
		return changed
	}
	for _, test := range []struct {
		s     sealed.Settings
		forge func(token []byte) []byte
		want  string
	}{
		{cbcRandom(sealed.PKCS7), func(b []byte) []byte { return flip(b, 9, "jdoe_+", "admin+") }, "UserName=admin+&Display=John+Doe"},
		{ecb(sealed.PKCS7), func(b []byte) []byte { return append(b[16:32:32], b...) }, "Display=John+DoeUserName=jdoe_+&Display=John+Doe"},
		{ecb(sealed.NoPadding), func(b []byte) []byte { return b[16:] }, "Display=John+Doe"},
		{cbc(sealed.NoPadding), func(b []byte) []byte { return b[:16] }, "UserName=jdoe_+&"},
	} {
		c := newCipher(t, test.s, keyText)
		if got, sound := c.Open(test.forge(seal(t, c, plain, bound)), "1001:XUT"); sound != 1 || string(got) != test.want {
			t.Errorf("%s: got %q, %d, want %q", name(test.s), got, sound, test.want)
		}
		if !test.s.Forgeable() {
			t.Errorf("%s: isn't called forgeable", name(test.s))
		}
	}
	// With CBC, the text of the next block is changed as one likes, at the price of the block's own.
	c := newCipher(t, cbc(sealed.PKCS7), keyText)
	if got, sound := c.Open(flip(seal(t, c, plain, bound), 8, "John+Doe", "Jane+Roe"), bound); sound != 1 || string(got[16:]) != "Display=Jane+Roe" || string(got[:16]) == plain[:16] {
		t.Errorf("got %q, %d", got, sound)
	}
}

// TestSameWork counts decryptions of tokens that are right and wrong in every way that a cipher can see: of one length, there are as
// many of each, and as much memory is taken.
func TestSameWork(t *testing.T) {
	for _, s := range everySetting() {
		bare := s
		if s.Mode != sealed.GCM {
			bare.Padding = sealed.NoPadding
		}
		good := seal(t, newCipher(t, bare, keyText), blocks(5)+"0123456789\x00\x00\x00\x00\x00\x06", bound)
		tokens := [][]byte{good, make([]byte, len(good))}
		for _, last := range []string{"\x00", "\x01", "\x10", "\x11", "\xff"} {
			tokens = append(tokens, seal(t, newCipher(t, bare, keyText), blocks(5)+blocks(1)[:15]+last, bound))
		}
		for _, i := range []int{0, 16, len(good) - 17, len(good) - 1} {
			changed := slices.Clone(good)
			changed[i] ^= 1
			tokens = append(tokens, changed)
		}
		count := 0
		c := newCipher(t, s, keyText)
		counted := c.Counted(&count)
		var counts, lengths, allocs []int
		for _, token := range tokens {
			count = 0
			plain, sound := counted.Open(token, bound)
			counts = append(counts, count)
			if sound == 0 {
				lengths = append(lengths, len(plain))
			}
			allocs = append(allocs, int(testing.AllocsPerRun(10, func() { c.Open(token, bound) })))
		}
		for _, figures := range [][]int{counts, lengths, allocs} {
			if len(slices.Compact(slices.Clone(figures))) > 1 {
				t.Errorf("%s: got decryptions %v, lengths of what is refused %v, allocations %v, want equal ones", name(s), counts, lengths, allocs)
				break
			}
		}
		if allocs[0] != 1 {
			t.Errorf("%s: got %d allocations, want that of the text alone", name(s), allocs[0])
		}
	}
}
