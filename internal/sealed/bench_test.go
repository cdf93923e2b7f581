package sealed_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/sealed"
)

// bare opens a token of our making by the standard library alone, as few lines as that takes.
func bare(b *testing.B, mode sealed.Mode, fixedIV []byte) func(token []byte) []byte {
	key := sha256.Sum256([]byte(keyText))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	return map[sealed.Mode]func([]byte) []byte{
		sealed.GCM: func(token []byte) []byte {
			plain, err := aead.Open(nil, token[:12], token[12:], []byte(bound))
			if err != nil {
				b.Fatal(err)
			}
			return plain
		},
		sealed.CBC: func(token []byte) []byte {
			plain := make([]byte, len(token))
			cipher.NewCBCDecrypter(block, fixedIV).CryptBlocks(plain, token)
			return plain[:len(plain)-int(plain[len(plain)-1])]
		},
		sealed.ECB: func(token []byte) []byte {
			plain := make([]byte, len(token))
			for at := 0; at < len(token); at += 16 {
				block.Decrypt(plain[at:], token[at:])
			}
			return plain[:len(plain)-int(plain[len(plain)-1])]
		},
	}[mode]
}

// BenchmarkOpen opens the security token of XDOC's guide, as large as its sample (192 bytes in CBC), in each mode: here, and with bare
// AES of the standard library.
func BenchmarkOpen(b *testing.B) {
	iv := []byte("@\x001\x00B\x002\x00c\x003\x00D\x004\x00")
	for _, s := range []sealed.Settings{gcm(), cbc(sealed.PKCS7), ecb(sealed.PKCS7)} {
		c, other := newCipher(b, s, keyText), bare(b, s.Mode, iv)
		token := seal(b, c, securityText, bound)
		b.Run(fmt.Sprintf("%s/sealed", s.Mode), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, sound := c.Open(token, bound); sound != 1 {
					b.Fatal("refused")
				}
			}
		})
		if s.Mode == sealed.CBC && string(other(token)) != securityText {
			b.Fatal("bare AES reads another text")
		}
		b.Run(fmt.Sprintf("%s/bare", s.Mode), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(other(token)) != len(securityText) {
					b.Fatal("got another text")
				}
			}
		})
	}
}

// BenchmarkParseFields reads the same fields from each notation, and noise.
func BenchmarkParseFields(b *testing.B) {
	for notation, text := range map[string]string{
		"xml":   securityText,
		"json":  `{"Context":"MySecurityContext","AppId":"MyAppId","AppKey":"MyAppKey","GenDT":"2023-03-08T14:15:53-08:00"}`,
		"form":  "Context=MySecurityContext&AppId=MyAppId&AppKey=MyAppKey&GenDT=2023-03-08T14%3A15%3A53-08%3A00",
		"noise": strings.Repeat("\xd1\x8e", 90),
	} {
		b.Run(notation, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = sealed.ParseFields([]byte(text))
			}
		})
	}
}

// BenchmarkWhole does all that is done with a token in a query: decode, open, read its fields and its time.
func BenchmarkWhole(b *testing.B) {
	for _, s := range []sealed.Settings{gcm(), cbc(sealed.PKCS7)} {
		c := newCipher(b, s, keyText)
		_, query := sealed.Encode(seal(b, c, securityText, bound))
		b.Run(string(s.Mode), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				token, ok := sealed.DecodeQuery(query)
				plain, sound := c.Open(token, bound)
				fields, err := sealed.ParseFields(plain)
				text, _ := fields.Get("GenDT")
				if _, late := sealed.ParseTime(text); !ok || sound != 1 || err != nil || late != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
