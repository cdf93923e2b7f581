package project_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// The bare AES is crypto/aes's and crypto/cipher's alone, with a key that was made ready before. The load benchmark in bench/ runs these
// benchmarks, by these names.

// BenchmarkColdGCM proves sealed tokens that were never seen.
func BenchmarkColdGCM(b *testing.B) {
	benchmarkCold(b, sealed.GCM, func(b *testing.B, block cipher.Block, tokens [2][]byte) {
		gcm, err := cipher.NewGCM(block)
		check(b, err)
		bound := [2][]byte{[]byte(sealed.Bound(project.DefaultNumber, "XST")), []byte(sealed.Bound(project.DefaultNumber, "XUT"))}
		var plain []byte
		for b.Loop() {
			for i, token := range tokens {
				if plain, err = gcm.Open(plain[:0], token[:12], token[12:], bound[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkColdCBC does so in the mode of old clients.
func BenchmarkColdCBC(b *testing.B) {
	benchmarkCold(b, sealed.CBC, func(b *testing.B, block cipher.Block, tokens [2][]byte) {
		iv := []byte("@\x001\x00B\x002\x00c\x003\x00D\x004\x00")
		plain := make([]byte, 512)
		for b.Loop() {
			for _, token := range tokens {
				cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain[:len(token)], token)
			}
		}
	})
}

// benchmarkCold proves the tokens of calls by the seed's two samples, beside what decrypts them and does nothing else.
func benchmarkCold(b *testing.B, mode sealed.Mode, bare func(*testing.B, cipher.Block, [2][]byte)) {
	b.Helper()
	d := newDesk(b, func(p *project.Draft) { p.SecurityContext, p.AppKeys = "MySecurityContext", []secret.Text{"MyAppKey"} })
	set, key, err := d.AddSet(b.Context(), project.DefaultNumber, project.SetDraft{Name: "current", Mode: new(string(mode))}, admin)
	check(b, err)
	calls, first := sealCalls(b, d, &set.Settings, key)
	b.Run("bare AES", func(b *testing.B) {
		sum := sha256.Sum256([]byte(key))
		block, err := aes.NewCipher(sum[:])
		check(b, err)
		bare(b, block, first)
	})
	b.Run("proof", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := d.Prove(b.Context(), authority.Credential{Kind: authority.Sealed, From: peer, Sealed: calls[i%len(calls)]}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// sealCalls seals the tokens of calls, each with an AppId of its own, and returns those of the first as they are before Base64, too.
func sealCalls(b *testing.B, d *desk, settings *sealed.Settings, key secret.Text) (calls []authority.SealedTokens, first [2][]byte) {
	b.Helper()
	c, err := sealed.New(*settings, key)
	check(b, err)
	seal := func(parameter, text string) (string, []byte) {
		token, err := c.Seal(rand.Reader, []byte(strings.ReplaceAll(text, "\n", "\r\n")), sealed.Bound(project.DefaultNumber, parameter))
		check(b, err)
		_, url := sealed.Encode(token)
		return url, token
	}
	calls = make([]authority.SealedTokens, 2000)
	for i := range calls {
		security, one := seal("XST", "<SecurityToken>\n    <Context>MySecurityContext</Context>\n    <AppId>"+rand.Text()[:7]+"</AppId>\n    <AppKey>MyAppKey</AppKey>\n    <GenDT>"+
			d.now().Format(time.RFC3339)+"</GenDT>\n</SecurityToken>")
		user, other := seal("XUT", "<UserToken>\n    <UserName>ann</UserName>\n    <Display>John Doe</Display>\n</UserToken>")
		calls[i] = authority.SealedTokens{Security: secret.Text(security), User: secret.Text(user)}
		if i == 0 {
			first = [2][]byte{one, other}
		}
	}
	return calls, first
}
