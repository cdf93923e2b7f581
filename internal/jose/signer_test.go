package jose_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/jose"
)

func TestSign(t *testing.T) {
	for _, alg := range pairs() {
		s := signer(t, alg)
		header := jose.Header{KeyID: "0000000000000000000000", Type: "api+jwt"}
		text, err := s.Sign(rand.Reader, header, []byte(`{"sub": "alice"}`))
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		header.Algorithm = alg
		if got := parse(t, text).Header(); got != header {
			t.Errorf("%s: got %+v, want %+v", alg, got, header)
		}
		if got, want := text[:strings.IndexByte(text, '.')], encode(`{"alg":"`+string(alg)+`","kid":"0000000000000000000000","typ":"api+jwt"}`); got != want {
			t.Errorf("%s: got the header %s, want %s", alg, decode(t, got), decode(t, want))
		}
		if alg == jose.ES256 {
			if _, signature := cut(t, text); len(signature) != 64 {
				t.Errorf("ES256: got a signature of %d bytes, want 64", len(signature))
			}
		}
		if got, err := s.Sign(rand.Reader, jose.Header{}, []byte(`{}`)); err != nil || !strings.HasPrefix(got, encode(`{"alg":"`+string(alg)+`"}`)+".e30.") {
			t.Errorf("%s: got %s, %v, want a header of alg alone", alg, got, err)
		}
	}
}

// TestES256Pads signs until r or s has a zero in front, which must not shorten the signature.
func TestES256Pads(t *testing.T) {
	key := signer(t, jose.ES256).Key()
	for range 5000 {
		text := sign(t, jose.ES256, goodClaims)
		_, signature := cut(t, text)
		if signature[0] != 0 && signature[32] != 0 {
			continue
		}
		if _, err := verify(key, text); err != nil || len(signature) != 64 {
			t.Errorf("%s: got %v", text, err)
		}
		return
	}
	t.Error("no signature of 5,000 has a zero in front")
}

func TestSignRefuses(t *testing.T) {
	s := signer(t, jose.EdDSA)
	tests := []struct {
		name   string
		header jose.Header
		claims string
		kind   error
	}{
		{"its own algorithm", jose.Header{Algorithm: jose.EdDSA}, `{}`, nil},
		{"another algorithm", jose.Header{Algorithm: jose.ES256}, `{}`, jose.ErrAlgorithm},
		{"none", jose.Header{Algorithm: "none"}, `{}`, jose.ErrAlgorithm},
		{"no claims", jose.Header{}, ``, jose.ErrJSON},
		{"an array", jose.Header{}, `[]`, jose.ErrJSON},
		{"a duplicate", jose.Header{}, `{"a":1,"a":1}`, jose.ErrMemberName},
		{"too long", jose.Header{}, `{"a":"` + strings.Repeat("a", 6<<10) + `"}`, jose.ErrTooLong},
		{"just not too long", jose.Header{}, `{"a":"` + strings.Repeat("a", 6000) + `"}`, nil},
		{"a kid that is no UTF-8", jose.Header{KeyID: "\xff"}, `{}`, jose.ErrHeader},
		{"a typ with NUL", jose.Header{Type: "\x00"}, `{}`, jose.ErrJSON},
	}
	for _, test := range tests {
		text, err := s.Sign(rand.Reader, test.header, []byte(test.claims))
		if !errors.Is(err, test.kind) || (text == "") != (test.kind != nil) {
			t.Errorf("%s: got %q, %v, want %v", test.name, text, err, test.kind)
		}
		if _, err := jose.Parse(text); (err == nil) != (test.kind == nil) {
			t.Errorf("%s: got %v from the gate, want %v", test.name, err, test.kind)
		}
	}
	var zero jose.Signer
	if _, err := zero.Sign(rand.Reader, jose.Header{}, []byte(`{}`)); !errors.Is(err, jose.ErrNoKey) {
		t.Errorf("the zero Signer: got %v, want ErrNoKey", err)
	}
	if _, err := zero.PKCS8(); !errors.Is(err, jose.ErrNoKey) {
		t.Errorf("its PKCS#8: got %v, want ErrNoKey", err)
	}
	if _, err := zero.PKCS1PEM(); !errors.Is(err, jose.ErrNoKey) {
		t.Errorf("its PEM: got %v, want ErrNoKey", err)
	}
	if got := zero.Key().Algorithm(); got != "" {
		t.Errorf("its key: got %s, want the zero Key", got)
	}
}

func TestRandomness(t *testing.T) {
	broken := errors.New("broken")
	failing := iotest.ErrReader(broken)
	if _, err := jose.GenerateSigner(jose.EdDSA, failing); !errors.Is(err, broken) {
		t.Errorf("EdDSA pair: got %v, want the source's error", err)
	}
	if text, err := signer(t, jose.PS256).Sign(failing, jose.Header{}, []byte(`{}`)); !errors.Is(err, broken) || text != "" {
		t.Errorf("PS256: got %q, %v, want the source's error", text, err)
	}
	// crypto/rsa and crypto/ecdsa don't read it: a source that always yields the same makes no pair and no nonce twice.
	same := func() *bytes.Reader { return bytes.NewReader(make([]byte, 1<<16)) }
	pairs := map[string]bool{}
	for range 2 {
		s, err := jose.GenerateSigner(jose.ES256, same())
		if err != nil {
			t.Fatal(err)
		}
		jwk, err := s.Key().JWK("")
		if err != nil {
			t.Fatal(err)
		}
		pairs[string(jwk)] = true
		text, err := signer(t, jose.ES256).Sign(same(), jose.Header{}, []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		_, signature := cut(t, text)
		pairs[signature[:32]] = true
	}
	if len(pairs) != 4 {
		t.Errorf("got %d different pairs and nonces of 4", len(pairs))
	}
	for _, alg := range []jose.Algorithm{jose.HS256, "none", ""} {
		if _, err := jose.GenerateSigner(alg, rand.Reader); !errors.Is(err, jose.ErrUnknownAlgorithm) {
			t.Errorf("%q: got %v, want ErrUnknownAlgorithm", alg, err)
		}
	}
}

func TestPrivateForms(t *testing.T) {
	for _, alg := range pairs() {
		der, err := signer(t, alg).PKCS8()
		if err != nil {
			t.Fatal(err)
		}
		s, err := jose.ParseSigner(alg, der)
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		text, err := s.Sign(rand.Reader, jose.Header{}, []byte(goodClaims))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(signer(t, alg).Key(), text); err != nil {
			t.Errorf("%s: got %v from the pair read again", alg, err)
		}
		for _, bad := range [][]byte{nil, der[:len(der)-1], append(bytes.Clone(der), 0)} {
			if _, err := jose.ParseSigner(alg, bad); !errors.Is(err, jose.ErrKeyFormat) {
				t.Errorf("%s: %d bytes of %d: got %v, want ErrKeyFormat", alg, len(bad), len(der), err)
			}
		}
		other := jose.EdDSA
		if alg == jose.EdDSA {
			other = jose.RS256
		}
		if _, err := jose.ParseSigner(other, der); !errors.Is(err, jose.ErrKeyFormat) {
			t.Errorf("%s as %s: got %v, want ErrKeyFormat", alg, other, err)
		}
		if _, err := jose.ParseSigner(jose.HS256, der); !errors.Is(err, jose.ErrUnknownAlgorithm) {
			t.Errorf("%s as HS256: got %v, want ErrUnknownAlgorithm", alg, err)
		}
	}
}

func TestParseSignerRefusesWeak(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for private, want := range map[any]struct {
		alg  jose.Algorithm
		kind error
	}{weak: {jose.RS256, jose.ErrWeakKey}, p384: {jose.ES256, jose.ErrKeyFormat}} {
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jose.ParseSigner(want.alg, der); !errors.Is(err, want.kind) {
			t.Errorf("%T: got %v, want %v", private, err, want.kind)
		}
	}
}

// TestPKCS8PEM: what is written can be read again, and is nobody's public key.
func TestPKCS8PEM(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.RS512, jose.ES256, jose.EdDSA} {
		text, err := signer(t, alg).PKCS8PEM()
		if err != nil {
			t.Fatal(err)
		}
		block, rest := pem.Decode(text)
		if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
			t.Fatalf("%s: got no block of PRIVATE KEY alone", alg)
		}
		if again, err := jose.ParseSigner(alg, block.Bytes); err != nil || again.Key().Algorithm() != alg {
			t.Errorf("%s: got %v when it is read again", alg, err)
		}
		if _, err := jose.ParsePEM(alg, text); !errors.Is(err, jose.ErrPrivateKey) {
			t.Errorf("%s: got %v for it as a public key, want that it is private", alg, err)
		}
	}
	if _, err := (jose.Signer{}).PKCS8PEM(); !errors.Is(err, jose.ErrNoKey) {
		t.Errorf("got %v of the zero Signer, want no key", err)
	}
}

func TestPKCS1PEM(t *testing.T) {
	text, err := signer(t, jose.RS512).PKCS1PEM()
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "RSA PRIVATE KEY" || len(rest) != 0 {
		t.Fatalf("got %q, want one RSA PRIVATE KEY", text)
	}
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil || !private.PublicKey.Equal(signer(t, jose.RS512).Key().Public()) || private.N.BitLen() != 2048 {
		t.Errorf("got %v, want the pair's 2048 bits", err)
	}
	if _, err := signer(t, jose.ES256).PKCS1PEM(); !errors.Is(err, jose.ErrNoKey) {
		t.Errorf("ES256: got %v, want ErrNoKey", err)
	}
}

func TestClaimSet(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 999e6, time.FixedZone("", 3600))
	full := jose.ClaimSet{
		Issuer: "https://h<&>/", Subject: "s", Audience: []string{"a"}, ClientID: "c", Scope: new("x y"), ID: "j", IssuedAt: at, Expires: at.Add(time.Hour),
	}
	text, err := full.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"iss": "https://h<&>/", "sub": "s", "aud": "a", "client_id": "c", "scope": "x y", "jti": "j", "iat": 1772362800.0, "exp": 1772366400.0,
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	c := read(t, string(text))
	if exp, err := c.Seconds("exp"); exp != 1772366400 || err != nil {
		t.Errorf("got exp %d, %v", exp, err)
	}
	spare := full
	spare.Audience, spare.ClientID, spare.Scope, spare.Expires, spare.Never = []string{"a", "b"}, "", nil, time.Time{}, true
	text, err = spare.Encode()
	if want := `{"iss":"https://h\u003c\u0026\u003e/","sub":"s","aud":["a","b"],"jti":"j","iat":1772362800}`; string(text) != want || err != nil {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	for name, spoil := range map[string]func(c *jose.ClaimSet){
		"no issuer":     func(c *jose.ClaimSet) { c.Issuer = "" },
		"no subject":    func(c *jose.ClaimSet) { c.Subject = "" },
		"no audience":   func(c *jose.ClaimSet) { c.Audience = nil },
		"no ID":         func(c *jose.ClaimSet) { c.ID = "" },
		"no start":      func(c *jose.ClaimSet) { c.IssuedAt = time.Time{} },
		"no end":        func(c *jose.ClaimSet) { c.Expires = time.Time{} },
		"end and never": func(c *jose.ClaimSet) { c.Never = true },
	} {
		spoilt := full
		spoil(&spoilt)
		if text, err := spoilt.Encode(); err == nil {
			t.Errorf("%s: got %s, want it refused", name, text)
		}
	}
}

// TestIdentityClaims encodes all that an API may be told, as little as it may be, and what lacks something.
func TestIdentityClaims(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 999e6, time.FixedZone("", 3600))
	full := jose.IdentityClaims{
		Issuer: "i", Audience: "a", Subject: "s", PreferredUsername: "u", Name: "n", Email: "e", Groups: []string{"g"}, CredentialKind: "k", CredentialID: "c",
		Scope: new("x y"), IssuedAt: at, Expires: at.Add(time.Minute),
	}
	text, err := full.Encode()
	want := `{"iss":"i","aud":"a","sub":"s","iat":1772362800,"exp":1772362860,"preferred_username":"u","name":"n","email":"e","groups":["g"],` +
		`"credential_kind":"k","credential_id":"c","scope":"x y"}`
	if string(text) != want || err != nil {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	spare := full
	spare.Name, spare.Email, spare.Groups, spare.Scope, spare.Expires = "", "", nil, nil, at.Add(time.Second)
	text, err = spare.Encode()
	want = `{"iss":"i","aud":"a","sub":"s","iat":1772362800,"exp":1772362801,"preferred_username":"u","groups":[],"credential_kind":"k","credential_id":"c"}`
	if string(text) != want || err != nil {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	for name, spoil := range map[string]func(c *jose.IdentityClaims){
		"no issuer":        func(c *jose.IdentityClaims) { c.Issuer = "" },
		"no audience":      func(c *jose.IdentityClaims) { c.Audience = "" },
		"no subject":       func(c *jose.IdentityClaims) { c.Subject = "" },
		"no user name":     func(c *jose.IdentityClaims) { c.PreferredUsername = "" },
		"no kind":          func(c *jose.IdentityClaims) { c.CredentialKind = "" },
		"no credential":    func(c *jose.IdentityClaims) { c.CredentialID = "" },
		"no start":         func(c *jose.IdentityClaims) { c.IssuedAt = time.Time{} },
		"no end":           func(c *jose.IdentityClaims) { c.Expires = time.Time{} },
		"an end at once":   func(c *jose.IdentityClaims) { c.Expires = c.IssuedAt },
		"an end within it": func(c *jose.IdentityClaims) { c.Expires = c.IssuedAt.Truncate(time.Second).Add(time.Second - 1) },
	} {
		spoilt := full
		spoil(&spoilt)
		if text, err := spoilt.Encode(); err == nil {
			t.Errorf("%s: got %s, want it refused", name, text)
		}
	}
}
