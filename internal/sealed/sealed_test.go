package sealed_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// keyText is the text of a key that fits every size and mode, but for the derivation raw.
const keyText = "correct horse battery staple, and some more"

var bound = sealed.Bound(1000, "XST")

// gcm, cbc and ecb are settings as an administrator has them where nothing else is said.
func gcm() sealed.Settings {
	return sealed.Settings{Mode: sealed.GCM, KeySize: 256, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256}
}

func cbc(padding sealed.Padding) sealed.Settings {
	return sealed.Settings{Mode: sealed.CBC, KeySize: 256, Padding: padding, IV: "@1B2c3D4", IVExpansion: sealed.UTF16LE, Derivation: sealed.SHA256}
}

func cbcRandom(padding sealed.Padding) sealed.Settings {
	return sealed.Settings{Mode: sealed.CBC, KeySize: 256, Padding: padding, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256}
}

func ecb(padding sealed.Padding) sealed.Settings {
	return sealed.Settings{Mode: sealed.ECB, KeySize: 256, Padding: padding, Derivation: sealed.SHA256}
}

// paddings are all that CBC and ECB have.
var paddings = []sealed.Padding{sealed.PKCS7, sealed.ANSIX923, sealed.ISO10126, sealed.Zeros, sealed.NoPadding}

// everySetting is one of each family, mode and padding.
func everySetting() []sealed.Settings {
	all := []sealed.Settings{gcm()}
	for _, p := range paddings {
		all = append(all, cbc(p), cbcRandom(p), ecb(p))
	}
	return all
}

func name(s sealed.Settings) string {
	return strings.Trim(fmt.Sprint(s.Mode, "-", s.KeySize, " ", s.Padding, " ", s.IVExpansion), " ")
}

func newCipher(t testing.TB, s sealed.Settings, key string) *sealed.Cipher {
	t.Helper()
	c, err := sealed.New(s, secret.Text(key))
	if err != nil {
		t.Fatalf("%s: %v", name(s), err)
	}
	return c
}

func seal(t testing.TB, c *sealed.Cipher, plain, bound string) []byte {
	t.Helper()
	token, err := c.Seal(rand.Reader, []byte(plain), bound)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// blocks is a text that fills its blocks, and so fits every padding.
func blocks(n int) string { return strings.Repeat("0123456789abcdef", n) }

// TestSealOpen opens what was sealed, of every length that a padding carries.
func TestSealOpen(t *testing.T) {
	for _, s := range everySetting() {
		c := newCipher(t, s, keyText)
		for length := range 50 {
			if length%16 != 0 && s.Padding == sealed.NoPadding || length == 0 && (s.Padding == sealed.Zeros || s.Padding == sealed.NoPadding) {
				continue
			}
			plain := blocks(4)[:length]
			token := seal(t, c, plain, bound)
			before := slices.Clone(token)
			got, sound := c.Open(token, bound)
			if string(got) != plain || sound != 1 || got == nil {
				t.Errorf("%s: got %q, %d for a text of %d bytes", name(s), got, sound, length)
			}
			if !bytes.Equal(token, before) {
				t.Errorf("%s: opening changed the token", name(s))
			}
		}
	}
}

// TestSealRefuses seals what a padding can't carry.
func TestSealRefuses(t *testing.T) {
	for _, s := range []sealed.Settings{cbc(sealed.NoPadding), ecb(sealed.NoPadding), cbc(sealed.Zeros), ecb(sealed.Zeros)} {
		for plain, ok := range map[string]bool{
			"": false, "fifteen bytes..": s.Padding == sealed.Zeros, "sixteen bytes...": true, "fifteen bytes..\x00": s.Padding != sealed.Zeros, "a\x00": false,
		} {
			if _, err := newCipher(t, s, keyText).Seal(rand.Reader, []byte(plain), bound); (err == nil) != ok {
				t.Errorf("%s: got %v for %q, want ok = %t", name(s), err, plain, ok)
			}
		}
	}
}

// TestNoRandomness lets the source of randomness fail, and end early.
func TestNoRandomness(t *testing.T) {
	broken := errors.New("broken")
	for _, s := range []sealed.Settings{gcm(), cbcRandom(sealed.PKCS7), cbc(sealed.ISO10126), ecb(sealed.ISO10126)} {
		c := newCipher(t, s, keyText)
		for _, random := range []reader{{}, {text: "short"}} {
			random.err = broken
			if token, err := c.Seal(&random, []byte("text"), bound); !errors.Is(err, broken) || token != nil {
				t.Errorf("%s: got %x, %v, want the source's error", name(s), token, err)
			}
		}
	}
	for _, s := range []sealed.Settings{cbc(sealed.PKCS7), ecb(sealed.ANSIX923)} { // which need none
		if _, err := newCipher(t, s, keyText).Seal(&reader{err: broken}, []byte("text"), bound); err != nil {
			t.Errorf("%s: got %v", name(s), err)
		}
	}
}

// TestBound opens GCM's tokens as what they weren't sealed as.
func TestBound(t *testing.T) {
	c := newCipher(t, gcm(), keyText)
	token := seal(t, c, "text", sealed.Bound(1000, "XST"))
	for _, bound := range []string{"", "XST", "1000:XUT", "1001:XST", "1000:xst", "1000:XST "} {
		if got, sound := c.Open(token, bound); sound != 0 || string(got) != "\x00\x00\x00\x00" {
			t.Errorf("%q: got %q, %d, want zeros and 0", bound, got, sound)
		}
	}
	if got, sound := c.Open(token, "1000:XST"); sound != 1 || string(got) != "text" {
		t.Errorf("got %q, %d for the right ones", got, sound)
	}
}

// TestNoncesDiffer seals one text twice.
func TestNoncesDiffer(t *testing.T) {
	for _, s := range []sealed.Settings{gcm(), cbcRandom(sealed.PKCS7)} {
		c := newCipher(t, s, keyText)
		if a, b := seal(t, c, blocks(2), bound), seal(t, c, blocks(2), bound); bytes.Equal(a[:12], b[:12]) || bytes.Equal(a[16:], b[16:]) {
			t.Errorf("%s: got %x and %x of one text", name(s), a, b)
		}
	}
}

// TestDecodeBounds decodes the longest tokens that can be read, in the longest spelling, and what is longer.
func TestDecodeBounds(t *testing.T) {
	longest := "UserName=" + strings.Repeat("x", sealed.MaxText-9)
	for _, s := range everySetting() {
		c := newCipher(t, s, keyText)
		text, _ := sealed.Encode(seal(t, c, longest, bound))
		var query strings.Builder
		for _, b := range []byte(`"` + text + `"`) {
			fmt.Fprintf(&query, "%%%02X", b)
		}
		token, ok := sealed.DecodeQuery(query.String())
		plain, sound := c.Open(token, bound)
		if _, err := sealed.ParseFields(plain); !ok || sound != 1 || err != nil {
			t.Errorf("%s: got %t, %d, %v for the longest text", name(s), ok, sound, err)
		}
	}
	for _, long := range []string{strings.Repeat("A", 12_000), strings.Repeat("A", 1<<20)} {
		if token, ok := sealed.Decode(long); ok || token != nil {
			t.Errorf("got %d bytes from %d characters", len(token), len(long))
		}
		if allocs := testing.AllocsPerRun(10, func() { _, _ = sealed.DecodeQuery(long + long + long + "%") }); allocs > 1 {
			t.Errorf("got %v allocations for %d characters", allocs, 3*len(long))
		}
	}
}

// TestConcurrently seals and opens by one cipher from many goroutines, for the race detector to watch.
func TestConcurrently(t *testing.T) {
	for _, s := range []sealed.Settings{gcm(), cbc(sealed.PKCS7), ecb(sealed.PKCS7)} {
		c := newCipher(t, s, keyText)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				text := fmt.Sprint("text of ", i)
				for range 50 {
					token, err := c.Seal(rand.Reader, []byte(text), bound)
					if plain, sound := c.Open(token, bound); err != nil || sound != 1 || string(plain) != text {
						t.Errorf("%s: got %q, %d, %v", name(s), plain, sound, err)
					}
				}
			})
		}
		all.Wait()
	}
}

// reader yields text, then err.
type reader struct {
	text string
	err  error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, r.err
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

// The two texts of XDOC's guide, "Generating Tokens", and what they look like encrypted there. The key is unknown.
const (
	securityText = "<SecurityToken>\r\n    <Context>MySecurityContext</Context>\r\n    <AppId>MyAppId</AppId>\r\n" +
		"    <AppKey>MyAppKey</AppKey>\r\n    <GenDT>2023-03-08T14:15:53-08:00</GenDT>\r\n</SecurityToken>"
	userText = "<UserToken>\r\n    <UserName>admin</UserName>\r\n    <Display>John Doe</Display>\r\n</UserToken>"

	securitySample = `"C15OEgi932oPFmjdi6LH9w94vBOqvrdua4vKA+aAnoHe3E+0s06jIYs/Q5LxY2nC17qcpyCUZtbSJRf/PDx7AeScDnzuyUJDynvlwUJF8ebdHBFUvNWTFw4Oad8gbrmG4tC72zcj9BlBYpJv0DW5PXr4g/hnlEDg8Q8Wh6E1oO/6jLF8Y4FQRUej/LzYzNUnMZ5SLahHV54PdMtjU5VHfsvNuwRrCITJF9gmXmQtFD44wtvbYjAT0GhbXTwHp0XQ"`
	userSample     = `"MkclD3MPKt5gQBcRDoqek5neDQjto+rXc7cneMpPoQV+JqL52gJt4K2e3vOmjf6RCBRrQUjYh4fdzD2qT6iYIrXrEX6OblTTmoxfhpvehOQU6NvEpzOPgkfUl8fMU3TV"`
	userSampleURL  = `"MkclD3MPKt5gQBcRDoqek5neDQjto%2BrXc7cneMpPoQV%2BJqL52gJt4K2e3vOmjf6RCBRrQUjYh4fdzD2qT6iYIrXrEX6OblTTmoxfhpvehOQU6NvEpzOPgkfUl8fMU3TV"`
)

// TestSamples holds XDOC's samples to what is said of them: no IV in front and nothing behind, so that the texts, sealed in CBC or
// ECB, are as long.
func TestSamples(t *testing.T) {
	for _, test := range []struct {
		plain, sample string
		want          int
		fields        sealed.Fields
	}{
		{securityText, securitySample, 192, sealed.Fields{
			{"Context", "MySecurityContext"},
			{"AppId", "MyAppId"},
			{"AppKey", "MyAppKey"},
			{"GenDT", "2023-03-08T14:15:53-08:00"},
		}},
		{userText, userSample, 96, sealed.Fields{{"UserName", "admin"}, {"Display", "John Doe"}}},
	} {
		sample, ok := sealed.Decode(test.sample)
		if !ok || len(sample) != test.want {
			t.Errorf("got %d bytes, %t, want %d", len(sample), ok, test.want)
		}
		for _, s := range []sealed.Settings{cbc(sealed.PKCS7), ecb(sealed.PKCS7), cbc(sealed.Zeros)} {
			if got := len(seal(t, newCipher(t, s, keyText), test.plain, bound)); got != test.want {
				t.Errorf("%s: got %d bytes, want %d as XDOC's sample has", name(s), got, test.want)
			}
		}
		got, err := sealed.ParseFields([]byte(test.plain))
		if err != nil || !slices.Equal(got, test.fields) {
			t.Errorf("got %q, %v, want %q", got, err, test.fields)
		}
	}
	for _, text := range []string{strings.ReplaceAll(securityText, "\r", ""), strings.ReplaceAll(securityText, "    ", "\t"), strings.ReplaceAll(securityText, "    ", "  ")} {
		if got := len(seal(t, newCipher(t, cbc(sealed.PKCS7), keyText), text, bound)); got == 192 {
			t.Errorf("%q is as long as XDOC's sample, too", text)
		}
	}
	a, _ := sealed.Decode(userSample)
	b, ok := sealed.DecodeQuery(userSampleURL)
	if !ok || !bytes.Equal(a, b) {
		t.Errorf("the sample that is encoded for a URL is another")
	}
	if text, query := sealed.Encode(a); `"`+text+`"` != userSample || `"`+query+`"` != userSampleURL {
		t.Errorf("got %s and %s, want the samples again", text, query)
	}
}

// TestDecode reads Base64 as clients garble it, and none beyond.
func TestDecode(t *testing.T) {
	token := []byte{0xfb, 0xef, 0xff, 0x00} // ++//AA==
	for text, ok := range map[string]bool{
		"++//AA==": true, "  //AA==": true, " +//AA": true, "--__AA==": true, "--__AA": true, "+-_/AA": true, `"++//AA=="`: true,
		`'++//AA=='`: true, `"++//AA"`: true, `"  __AA"`: true,

		"": false, `"`: false, `""`: false, `''`: false, "=": false, "==": false, "++//AA=": false, "++//AA===": false, "++//AA====": false, "++//AB==": false, "++//AA==\n": false, "++//\nAA==": false,
		"++//\r\nAA==": false, "\t++//AA==": false, "++//A": false, `"++//AA==`: false, `'++//AA=="`: false, `""++//AA==""`: false, "++//AA==x": false, "++//=AA=": false, "++//====": false, "++//AA==\r": false, "++//\rAA==": false,
		"%2B%2B//AA==": false, "++//é": false, "++//AA\x00": false, "+.//AA": false, "++//AA== ": false,
	} {
		got, is := sealed.Decode(text)
		if is != ok || ok && !bytes.Equal(got, token) {
			t.Errorf("%q: got %x, %t, want %t", text, got, is, ok)
		}
	}
	for raw, ok := range map[string]bool{
		"%2B%2B%2F%2FAA%3D%3D": true, "++//AA==": true, "%2b+%2f/AA": true, "%22++//AA==%22": true, "%20%20//AA": true,
		"%": false, "++//AA=%3": false, "%zz": false, "%252B%252B//AA": false, "++//AA%0A": false, "%00": false,
	} {
		got, is := sealed.DecodeQuery(raw)
		if is != ok || ok && !bytes.Equal(got, token) {
			t.Errorf("query %q: got %x, %t, want %t", raw, got, is, ok)
		}
	}
	for n := 1; n <= 90; n++ {
		token := make([]byte, n*n)
		_, _ = rand.Read(token)
		text, query := sealed.Encode(token)
		if got, ok := sealed.Decode(text); !ok || !bytes.Equal(got, token) || text != base64.StdEncoding.EncodeToString(token) {
			t.Errorf("%d bytes: got others back", len(token))
		}
		if got, ok := sealed.DecodeQuery(query); !ok || !bytes.Equal(got, token) {
			t.Errorf("%d bytes: got others back from the query", len(token))
		}
	}
}
