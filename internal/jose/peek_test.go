package jose_test

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

// TestPeek peeks at what Sign has written, and at what others might.
func TestPeek(t *testing.T) {
	signer, err := jose.GenerateSigner(jose.ES256, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	kid, err := jose.NewKeyID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(rand.Reader, jose.Header{KeyID: kid, Type: "at+jwt"}, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	got, ok := jose.Peek(token)
	if !ok || string(got.KeyID[:]) != kid || !got.IsType("at+jwt") || got.IsType("at+jw") || got.IsType("") {
		t.Errorf("got %q, %t, want %q and its type", got.KeyID, ok, kid)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = jose.Peek(token) }); n > 0 {
		t.Errorf("got %v allocations, want none", n)
	}
	for name, header := range map[string]string{
		"another order":  `{"kid":"` + kid + `","alg":"ES256","typ":"at+jwt"}`,
		"a space":        `{"alg": "ES256","kid":"` + kid + `","typ":"at+jwt"}`,
		"no typ":         `{"alg":"ES256","kid":"` + kid + `"}`,
		"a short kid":    `{"alg":"ES256","kid":"` + kid[1:] + `","typ":"at+jwt"}`,
		"a long kid":     `{"alg":"ES256","kid":"` + kid + `0","typ":"at+jwt"}`,
		"no kid":         `{"alg":"ES256","typ":"at+jwt"}`,
		"a long header":  `{"alg":"` + strings.Repeat("E", 200) + `","kid":"` + kid + `","typ":"at+jwt"}`,
		"cut in the kid": `{"alg":"ES256","kid":"0`,
		"more behind":    `{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt"} `,
		"nothing":        ``,
	} {
		if got, ok := jose.Peek(base64.RawURLEncoding.EncodeToString([]byte(header)) + ".e30.AA"); ok {
			t.Errorf("%s: got %q, want nothing", name, got.KeyID)
		}
	}
	for _, text := range []string{"", ".", token[:20], strings.ReplaceAll(token, ".", ""), "!" + token[1:], strings.Repeat("A", 1<<20)} {
		if got, ok := jose.Peek(text); ok {
			t.Errorf("%.30q: got %q, want nothing", text, got.KeyID)
		}
	}
}

// FuzzPeek holds what is peeked to what the gate reads.
func FuzzPeek(f *testing.F) {
	f.Add(`{"alg":"ES256","kid":"0123456789abcdefghijkl","typ":"at+jwt"}`)
	f.Add(`{"alg":"ES256","kid":"0123456789abcdefghijk\u0031","typ":"at+jwt"}`)
	f.Add(`{"alg":"","kid":"","kid":"0123456789abcdefghijkl","typ":"at+jwt"}`)
	f.Fuzz(func(t *testing.T, header string) {
		text := base64.RawURLEncoding.EncodeToString([]byte(header)) + ".e30.AA"
		peeked, ok := jose.Peek(text)
		token, err := jose.Parse(text)
		if ok && err == nil && jose.ValidKeyID(token.Header().KeyID) && (token.Header().KeyID != string(peeked.KeyID[:]) || !peeked.IsType(token.Header().Type)) {
			t.Errorf("%q: peeked at %q, read %+v", header, peeked.KeyID, token.Header())
		}
	})
}
