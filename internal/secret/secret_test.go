package secret_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"unicode"

	"github.com/jeton-io/jeton/internal/secret"
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// The vectors come from Python: zlib.crc32 over what stands before, by repeated division in this alphabet.
var vectors = []struct {
	tag  secret.Tag
	text string
}{
	{secret.Personal, "jtp0000000000000000000000000000000000000000001AYAdl"},
	{secret.Session, "jtszzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz2YKz4t"},
	{secret.ClientSecret, "jtc0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef2tvHiV"},
	{secret.Console, "jtbABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop22OHup"},
	{secret.API, "jtazyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLK1FWLlU"},
	{secret.SealedAPI, "jtqaZ9aZ9aZ9aZ9aZ9aZ9aZ9aZ9aZ9aZ9aZ9aZ9aZ9aZ924BkN3"},
	{secret.Personal, "jtpKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz4gKfhK"},
}

// source returns random bytes that are the same in every run.
func source(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func mustMake(t *testing.T, tag secret.Tag, random io.Reader) string {
	t.Helper()
	text, err := secret.Make(tag, random)
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

// sumOf computes the checksum anew: CRC-32 bit by bit, and base 62 by math/big.
func sumOf(body string) string {
	crc := ^uint32(0)
	for i := range len(body) {
		crc ^= uint32(body[i])
		for range 8 {
			crc = crc>>1 ^ 0xedb88320*(crc&1)
		}
	}
	digits := strings.Map(func(r rune) rune { // math/big counts 0-9 a-z A-Z
		if unicode.IsLower(r) {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, big.NewInt(int64(^crc)).Text(62))
	return strings.Repeat("0", 6-len(digits)) + digits
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		if !secret.Valid(v.text, v.tag) {
			t.Errorf("got %s refused, want it valid", v.text)
		}
		if got, want := sumOf(v.text[:45]), v.text[45:]; got != want {
			t.Errorf("checksum by the test of %s: got %s, want %s", v.text, got, want)
		}
	}
}

func TestMake(t *testing.T) {
	random := source(1)
	seen := map[string]bool{}
	for _, tag := range []secret.Tag{secret.Personal, secret.Session, secret.ClientSecret, secret.Console, secret.API, secret.SealedAPI} {
		for range 1000 {
			text := mustMake(t, tag, random)
			switch {
			case len(text) != secret.Length:
				t.Fatalf("got %d characters, want %d", len(text), secret.Length)
			case text[:3] != string(tag):
				t.Fatalf("got tag %s, want %s", text[:3], tag)
			case strings.Trim(text, alphabet) != "":
				t.Fatalf("got %s, want 0-9A-Za-z only", text)
			case text[45:] != sumOf(text[:45]):
				t.Fatalf("got checksum %s, want %s", text[45:], sumOf(text[:45]))
			case !secret.Valid(text, tag) || !secret.Looks(text, tag) || !secret.Opaque(text):
				t.Fatalf("got %s refused, want it valid", text)
			case seen[text]:
				t.Fatalf("got %s twice", text)
			}
			seen[text] = true
		}
	}
}

// TestOpaque: of what tag doesn't matter, all else does.
func TestOpaque(t *testing.T) {
	text := mustMake(t, secret.Tag("jtz"), source(1)) // a tag of a later version
	if !secret.Opaque(text) {
		t.Errorf("got %s refused, want it taken for a secret", text)
	}
	for _, other := range []string{"", "jt", "jtp", text[:50], text + "0", text[:50] + "~", mustMake(t, secret.Tag("abc"), source(1))} {
		if secret.Opaque(other) {
			t.Errorf("got %q taken for a secret", other)
		}
	}
}

// TestMakeReads shows which bytes become which characters: 248 and above none, or the first eight letters of the
// alphabet would come more often than the others.
func TestMakeReads(t *testing.T) {
	script := bytes.Repeat([]byte{255, 0, 248, 61, 62, 247}, 64)
	text := mustMake(t, secret.Session, bytes.NewReader(script))
	if got, want := text[3:45], strings.Repeat("0z0z", 11)[:42]; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// chiSquare measures how far counts are from being equal. With 61 degrees of freedom, a fair source stays below 120
// but once in 100,000 times, and above 25 as often.
func chiSquare(counts map[byte]int) (x float64) {
	total := 0
	for _, n := range counts {
		total += n
	}
	expected := float64(total) / 62
	for i := range alphabet {
		d := float64(counts[alphabet[i]]) - expected
		x += d * d / expected
	}
	return x
}

func TestMakeIsUniform(t *testing.T) {
	random := source(2)
	all, first, last := map[byte]int{}, map[byte]int{}, map[byte]int{}
	for range 20_000 {
		text := mustMake(t, secret.Personal, random)
		for i := 3; i < 45; i++ {
			all[text[i]]++
		}
		first[text[3]]++
		last[text[44]]++
	}
	for name, counts := range map[string]map[byte]int{"all": all, "first": first, "last": last} {
		if x := chiSquare(counts); x > 120 || x < 25 {
			t.Errorf("%s characters: got chi-square %.1f, want 25 to 120", name, x)
		}
	}
	// The twin: without leaving out bytes above 247, the same measure tells.
	biased, b := map[byte]int{}, make([]byte, 840_000)
	_, _ = io.ReadFull(random, b)
	for _, c := range b {
		biased[alphabet[c%62]]++
	}
	if x := chiSquare(biased); x < 1000 {
		t.Errorf("biased characters: got chi-square %.1f, want above 1000", x)
	}
}

// TestEveryChange changes each character of valid secrets into every other byte, and swaps neighbours.
func TestEveryChange(t *testing.T) {
	for _, v := range vectors {
		for i := range v.text {
			for c := range 256 {
				changed := []byte(v.text)
				changed[i] = byte(c)
				if got, want := secret.Valid(string(changed), v.tag), byte(c) == v.text[i]; got != want {
					t.Fatalf("%q: got valid %t, want %t", changed, got, want)
				}
			}
			if i == 0 || v.text[i] == v.text[i-1] {
				continue
			}
			swapped := []byte(v.text)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			if secret.Valid(string(swapped), v.tag) {
				t.Fatalf("%q: got valid, want neighbours swapped refused", swapped)
			}
		}
	}
}

func TestShapes(t *testing.T) {
	text := mustMake(t, secret.Personal, source(3))
	body := text[:45]
	swapCase := strings.Map(func(r rune) rune {
		if unicode.IsLower(r) {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, text)
	refused := map[string]string{
		"empty": "", "tag alone": "jtp", "doubled": text + text,
		"upper case": strings.ToUpper(text), "lower case": strings.ToLower(text), "case swapped": swapCase,
		"tag in capitals": "JTP" + text[3:], "another tag": "jts" + text[3:],
		"another tag with its own checksum": "jts" + body[3:] + sumOf("jts"+body[3:]),
		"a hyphen with its own checksum":    "jtp-" + body[4:] + sumOf("jtp-"+body[4:]),
		"a letter of two bytes":             "jtpé" + body[5:] + sumOf("jtpé"+body[5:]),
		"a checksum without its zeros":      body[:44] + strings.TrimLeft(sumOf(body[:44]), "0"),
	}
	for end := range text {
		refused["cut to "+text[:end]] = text[:end]
		refused["cut from "+text[end+1:]] = text[end+1:]
	}
	for _, pad := range []string{" ", "\n", "\x00", "=", "0", "."} {
		refused["padded with "+pad], refused["after "+pad] = text+pad, pad+text
	}
	for name, changed := range refused {
		if secret.Valid(changed, secret.Personal) {
			t.Errorf("%s: got %q valid, want it refused", name, changed)
		}
	}
	if !secret.Valid(text, secret.Personal) {
		t.Errorf("got %s refused, want it valid", text)
	}
	if secret.Looks("jt", secret.Personal) || secret.Looks("jts"+text[3:], secret.Personal) || !secret.Looks("jtp", secret.Personal) {
		t.Error("want Looks to compare the tag alone")
	}
}

// TestMakeWithoutRandomness holds Make to having no weaker fallback.
func TestMakeWithoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	useless := iotest.ErrReader(broken)
	all255 := func(n int) io.Reader { return bytes.NewReader(bytes.Repeat([]byte{255}, n)) }
	tests := []struct {
		name   string
		random io.Reader
		want   error
	}{
		{"fails at once", useless, broken},
		{"ends at once", strings.NewReader(""), io.EOF},
		{"is one byte short", io.LimitReader(source(4), 63), io.ErrUnexpectedEOF},
		{"fails when asked again", io.MultiReader(all255(64), useless), broken},
		{"fails in the middle of the second", io.MultiReader(all255(80), useless), broken},
		{"never yields what can be used", all255(1 << 20), nil},
	}
	for _, tt := range tests {
		text, err := secret.Make(secret.Personal, tt.random)
		if err == nil || text != "" || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("a source that %s: got %q, %v, want nothing, %v", tt.name, text.Reveal(), err, tt.want)
		}
	}
	// The twins: just enough, and enough at the second time.
	for _, random := range []io.Reader{io.LimitReader(source(4), 64), io.MultiReader(all255(64), source(4))} {
		if text, err := secret.Make(secret.Personal, random); err != nil || !secret.Valid(text.Reveal(), secret.Personal) {
			t.Errorf("got %q, %v, want a secret", text.Reveal(), err)
		}
	}
}

// TestDigest takes the vectors of RFC 4231, section 4.
func TestDigest(t *testing.T) {
	counting := make([]byte, 25)
	for i := range counting {
		counting[i] = byte(i + 1)
	}
	tests := []struct {
		pepper []byte
		text   string
		want   string
	}{
		{bytes.Repeat([]byte{0x0b}, 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{[]byte("Jefe"), "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{bytes.Repeat([]byte{0xaa}, 20), strings.Repeat("\xdd", 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
		{counting, strings.Repeat("\xcd", 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
		{bytes.Repeat([]byte{0xaa}, 131), "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	}
	for _, tt := range tests {
		key := bytes.Clone(tt.pepper)
		pepper := secret.NewPepper(key)
		clear(key)
		sum := pepper.Digest(secret.Text(tt.text))
		for range 3 { // what was used once is used again
			if got := hex.EncodeToString(sum[:]); got != tt.want {
				t.Errorf("digest of %q: got %s, want %s", tt.text, got, tt.want)
			}
			if pepper.Digest(secret.Text(tt.text+"0")) == sum {
				t.Errorf("digest of %q: got the same of another text", tt.text)
			}
			sum = pepper.Digest(secret.Text(tt.text))
		}
		changed := bytes.Clone(tt.pepper)
		changed[0] ^= 1
		if secret.NewPepper(changed).Digest(secret.Text(tt.text)) == sum {
			t.Errorf("digest of %q: got the same under another pepper", tt.text)
		}
	}
}

// TestDigestConcurrently has many digest at once under one pepper.
func TestDigestConcurrently(t *testing.T) {
	pepper := secret.NewPepper(bytes.Repeat([]byte{7}, 32))
	var wg sync.WaitGroup
	for n := range 4 {
		text := secret.Text(strings.Repeat("x", 40+n))
		want := secret.NewPepper(bytes.Repeat([]byte{7}, 32)).Digest(text)
		wg.Go(func() {
			for range 500 {
				if got := pepper.Digest(text); got != want {
					t.Errorf("got %x, want %x", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// FuzzValid holds Valid to what the package's comment says of the format.
func FuzzValid(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.text)
		f.Add(v.text[:50])
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := len(text) == 51 && strings.HasPrefix(text, "jtp") && strings.Trim(text, alphabet) == "" && sumOf(text[:45]) == text[45:]
		if got := secret.Valid(text, secret.Personal); got != want {
			t.Errorf("%q: got valid %t, want %t", text, got, want)
		}
	})
}
