// Package forge makes the tokens that somebody presents who has a good one, or even one of the keys: each is to be refused,
// and differs from the good one in one thing.
//
// The good token is the twin of them all. A test that runs through a list presents it before and after: a door that refuses
// everything would pass else.
package forge

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

// Token is a forged token, with the reason for which it is to be refused.
type Token struct {
	Name, Text string
	Reason     authority.Reason
}

// Good is a token that is admitted, and what it takes to sign others with its key.
type Good struct {
	Text   string
	Signer jose.Signer
	// Now is the time at which the tokens are presented, on the clock of who checks them.
	Now time.Time
	// Other is a good token of another kind, whose key isn't this one's.
	Other string
	// Recorded says that a record knows when the good token ends, Never that it has no end.
	Recorded, Never bool
}

// part is one decoded segment of the good token.
func (g *Good) part(tb testing.TB, n int) map[string]any {
	tb.Helper()
	segments := strings.Split(g.Text, ".")
	if len(segments) != 3 {
		tb.Fatal("the good token isn't three segments")
	}
	data, err := base64.RawURLEncoding.DecodeString(segments[n])
	if err != nil {
		tb.Fatal(err)
	}
	part := map[string]any{}
	if err := json.Unmarshal(data, &part); err != nil {
		tb.Fatal(err)
	}
	for name, value := range part { // a time is a whole number, also once it was a float64
		if f, ok := value.(float64); ok {
			part[name] = int64(f)
		}
	}
	return part
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func marshal(tb testing.TB, value any) []byte {
	tb.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// Sign signs any header and claims with the good token's key, by the key's own algorithm, whatever the header says.
func (g *Good) Sign(tb testing.TB, header, claims []byte) string {
	tb.Helper()
	return Sign(tb, g.Signer, header, claims)
}

// Sign signs any header and claims, by the signer's own algorithm, whatever the header says.
func Sign(tb testing.TB, signer jose.Signer, header, claims []byte) string {
	tb.Helper()
	input := encode(header) + "." + encode(claims)
	return input + "." + encode(signature(tb, signer, []byte(input)))
}

// signature signs with the private key itself: jose.Signer makes only what its own gate lets in.
func signature(tb testing.TB, signer jose.Signer, input []byte) []byte {
	tb.Helper()
	der, err := signer.PKCS8()
	if err != nil {
		tb.Fatal(err)
	}
	return rawSign(tb, signer.Key().Algorithm(), der, input)
}

// All returns everything that is to be refused in the place of the good token.
func (g *Good) All(tb testing.TB) []Token {
	tb.Helper()
	var all []Token
	all = append(all, g.spellings(tb)...)
	all = append(all, g.headers(tb)...)
	all = append(all, g.signatures(tb)...)
	all = append(all, g.claims(tb)...)
	return append(all, g.payloads(tb)...)
}

// spellings are other texts of the good token, and what isn't a JWS in compact form.
func (g *Good) spellings(tb testing.TB) []Token {
	tb.Helper()
	s := strings.Split(g.Text, ".")
	malformed := func(name, text string) Token { return Token{name, text, authority.ReasonMalformed} }
	all := []Token{
		malformed("without its signature", s[0]+"."+s[1]+"."),
		malformed("without its claims", s[0]+".."+s[2]),
		malformed("with an empty segment behind", g.Text+"."),
		malformed("as a JWE", g.Text+"."+s[1]+"."+s[2]),
		malformed("cut to two segments", s[0]+"."+s[1]),
	}
	for i, name := range []string{"header", "claims", "signature"} {
		change := func(segment string) string {
			t := append([]string{}, s...)
			t[i] = segment
			return strings.Join(t, ".")
		}
		middle := len(s[i]) / 2
		all = append(all,
			malformed("a line break in the "+name, change(s[i][:middle]+"\n"+s[i][middle:])),
			malformed("a carriage return in the "+name, change(s[i][:middle]+"\r"+s[i][middle:])),
			malformed("padding behind the "+name, change(s[i]+"=")),
			malformed("two paddings behind the "+name, change(s[i]+"==")),
			malformed("plain Base64 in the "+name, change(s[i][:middle]+"+"+s[i][middle+1:])),
		)
		if unused, ok := unusedBits(s[i]); ok {
			all = append(all, malformed("unused bits set in the "+name, change(unused)))
		}
	}
	return all
}

// unusedBits returns the segment with another last character that decodes to the same bytes, where there is one.
func unusedBits(segment string) (string, bool) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(segment)%4 == 0 {
		return "", false
	}
	last := strings.IndexByte(alphabet, segment[len(segment)-1])
	return segment[:len(segment)-1] + string(alphabet[last^1]), true
}

// headers are tokens whose signature is the key's, and whose header is another.
func (g *Good) headers(tb testing.TB) []Token {
	tb.Helper()
	claims := marshal(tb, g.part(tb, 1))
	with := func(change func(h map[string]any)) string {
		h := g.part(tb, 0)
		change(h)
		return g.Sign(tb, marshal(tb, h), claims)
	}
	set := func(name string, value any) string { return with(func(h map[string]any) { h[name] = value }) }
	raw := func(text string) string { return g.Sign(tb, []byte(text), claims) }
	header := g.part(tb, 0)
	kid, alg, typ := header["kid"].(string), header["alg"].(string), header["typ"].(string) //nolint:forcetypeassert,errcheck // a panic says as much
	all := []Token{
		{"no typ", with(func(h map[string]any) { delete(h, "typ") }), authority.ReasonWrongType},
		{"typ JWT", set("typ", "JWT"), authority.ReasonWrongType},
		{"typ in capitals", set("typ", strings.ToUpper(typ)), authority.ReasonWrongType},
		{"no kid", with(func(h map[string]any) { delete(h, "kid") }), authority.ReasonUnknownKey},
		{"another kid", set("kid", strings.Repeat("0", 22)), authority.ReasonUnknownKey},
		{"a path for a kid", set("kid", "../../../../dev/null"), authority.ReasonUnknownKey},
		{"SQL for a kid", set("kid", kid+"' OR '1'='1"), authority.ReasonUnknownKey},
		{"a kid twice", raw(`{"alg":"` + alg + `","kid":"` + kid + `","kid":"` + kid + `","typ":"` + typ + `"}`), authority.ReasonMalformed},
		{"KID beside kid", raw(`{"alg":"` + alg + `","kid":"` + kid + `","KID":"x","typ":"` + typ + `"}`), authority.ReasonMalformed},
		{"a folded kid beside kid", raw(`{"alg":"` + alg + `","kid":"` + kid + `","` + "\u212a" + `id":"x","typ":"` + typ + `"}`), authority.ReasonMalformed},
		{"no alg", with(func(h map[string]any) { delete(h, "alg") }), authority.ReasonMalformed},
		{"crit", set("crit", []string{"exp"}), authority.ReasonMalformed},
		{"b64", set("b64", false), authority.ReasonMalformed},
		{"zip", set("zip", "DEF"), authority.ReasonMalformed},
		{"jwk", set("jwk", map[string]any{"kty": "oct", "k": "AA"}), authority.ReasonMalformed},
		{"jku", set("jku", "http://127.0.0.1:9/keys"), authority.ReasonMalformed},
		{"x5u", set("x5u", "http://127.0.0.1:9/cert"), authority.ReasonMalformed},
		{"x5c", set("x5c", []string{"AA"}), authority.ReasonMalformed},
		{"a header of null", raw("null"), authority.ReasonUnrecognized}, // where the door doesn't say what it is
		{"a header that is an array", raw("[]"), authority.ReasonUnrecognized},
		{"two headers", raw(string(marshal(tb, header)) + "{}"), authority.ReasonMalformed},
	}
	for _, other := range []string{"none", "None", "NONE", "nOnE", "", "HS256", "RS384", "RS512", "PS256", "ES384", "ES512", "Ed448", strings.ToLower(alg)} {
		reason := authority.ReasonWrongAlgorithm
		if other == "" {
			reason = authority.ReasonMalformed
		}
		if other != alg {
			all = append(all, Token{"alg " + other, set("alg", other), reason})
		}
	}
	return all
}

// signatures are tokens that nobody signed who has the key.
func (g *Good) signatures(tb testing.TB) []Token {
	tb.Helper()
	s := strings.Split(g.Text, ".")
	input := s[0] + "." + s[1]
	made, err := base64.RawURLEncoding.DecodeString(s[2])
	if err != nil {
		tb.Fatal(err)
	}
	bad := func(name string, signature []byte) Token {
		return Token{name, input + "." + encode(signature), authority.ReasonBadSignature}
	}
	flipped := append([]byte{}, made...)
	flipped[0] ^= 1
	all := []Token{
		bad("one bit of the signature", flipped),
		bad("a byte less of the signature", made[:len(made)-1]),
		bad("a byte more of the signature", append(append([]byte{}, made...), 0)),
		bad("the signature twice", append(append([]byte{}, made...), made...)),
		bad("a signature of zeros", make([]byte, len(made))),
		bad("one byte for a signature", []byte{1}),
	}
	if alg := g.Signer.Key().Algorithm(); alg == jose.ES256 {
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(made[:32]), new(big.Int).SetBytes(made[32:])})
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, bad("a signature in DER", der), bad("r is zero", append(make([]byte, 32), made[32:]...)), bad("s is zero", append(made[:32:32], make([]byte, 32)...)))
	}
	stranger, err := jose.GenerateSigner(g.Signer.Key().Algorithm(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	all = append(all, Token{"a stranger's key", Sign(tb, stranger, marshal(tb, g.part(tb, 0)), marshal(tb, g.part(tb, 1))), authority.ReasonBadSignature})
	return append(all, g.macs(tb)...)
}

// macs are tokens whose "signature" is an HMAC, under what everybody may know.
func (g *Good) macs(tb testing.TB) []Token {
	tb.Helper()
	pem, err := g.Signer.Key().PEM()
	if err != nil {
		tb.Fatal(err)
	}
	header := g.part(tb, 0)
	header["alg"] = "HS256"
	input := encode(marshal(tb, header)) + "." + strings.Split(g.Text, ".")[1]
	var all []Token
	for name, secret := range map[string][]byte{"the public key": pem, "the public key, trimmed": []byte(strings.TrimSpace(string(pem))), "nothing": nil} {
		mac := hmac.New(sha256.New, secret)
		_, _ = mac.Write([]byte(input))
		all = append(all, Token{"an HMAC under " + name, input + "." + encode(mac.Sum(nil)), authority.ReasonWrongAlgorithm})
	}
	return all
}

// claims are tokens whose header and signature are good, and of whose claims one is another.
func (g *Good) claims(tb testing.TB) []Token {
	tb.Helper()
	header := marshal(tb, g.part(tb, 0))
	with := func(name string, value any) string {
		claims := g.part(tb, 1)
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
		return g.Sign(tb, header, marshal(tb, claims))
	}
	null := func(name string) string {
		claims := g.part(tb, 1)
		claims[name] = nil
		return g.Sign(tb, header, marshal(tb, claims))
	}
	now := g.Now.Unix()
	const wrong = authority.ReasonWrongClaims
	ended := authority.ReasonExpired
	if g.Recorded {
		ended = wrong
	}
	all := []Token{
		{"no issuer", with("iss", nil), authority.ReasonWrongIssuer},
		{"another issuer", with("iss", "https://elsewhere.example"), authority.ReasonWrongIssuer},
		{"an issuer with a slash", with("iss", g.part(tb, 1)["iss"].(string)+"/"), authority.ReasonWrongIssuer}, //nolint:forcetypeassert,errcheck // a panic says as much
		{"a list of issuers", with("iss", []any{g.part(tb, 1)["iss"]}), authority.ReasonWrongIssuer},
		{"no audience", with("aud", nil), authority.ReasonWrongAudience},
		{"another audience", with("aud", "elsewhere"), authority.ReasonWrongAudience},
		{"an empty list of audiences", with("aud", []string{}), authority.ReasonWrongAudience},
		{"no subject", with("sub", nil), wrong},
		{"another subject", with("sub", "0190a0c0-0000-7000-8000-000000000001"), wrong},
		{"no ID", with("jti", nil), wrong},
		{"an ID that is none", with("jti", "1"), wrong},
		{"an ID in capitals", with("jti", strings.ToUpper(g.part(tb, 1)["jti"].(string))), wrong}, //nolint:forcetypeassert,errcheck // a panic says as much
		{"no time of issue", with("iat", nil), wrong},
		{"a time of issue of null", null("iat"), wrong},
		{"issued in the future", with("iat", now+60), authority.ReasonNotYet},
		{"not before the future", with("nbf", now+60), authority.ReasonNotYet},
		{"not before null", null("nbf"), wrong},
		{"not before a text", with("nbf", "0"), wrong},
		{"ended", with("exp", now), ended},
		{"ended long since", with("exp", 1), ended},
		{"an end of null", null("exp"), wrong},
		{"an end of 0", with("exp", 0), wrong},
		{"a negative end", with("exp", -now), wrong},
		{"an end as text", with("exp", "4102444800"), wrong},
		{"an end that is a fraction", with("exp", float64(now)+60.5), wrong},
		{"an end beyond every integer", g.Sign(tb, header, []byte(strings.Replace(string(marshal(tb, withEnd(g.part(tb, 1)))), `"END"`, "1e400", 1))), wrong},
		{"an end beyond 64 bits", g.Sign(tb, header, []byte(strings.Replace(string(marshal(tb, withEnd(g.part(tb, 1)))), `"END"`, "18446744073709551616", 1))), wrong},
		{"an end in the year 10000", with("exp", 253402300800), wrong},
	}
	if !g.Never {
		all = append(all, Token{"no end", with("exp", nil), wrong})
	}
	return all
}

// withEnd returns claims whose end is the text END.
func withEnd(claims map[string]any) map[string]any {
	claims = maps.Clone(claims)
	claims["exp"] = "END"
	return claims
}

// payloads are tokens whose header and signature are good, and whose claims aren't one object that all read alike.
func (g *Good) payloads(tb testing.TB) []Token {
	tb.Helper()
	header := marshal(tb, g.part(tb, 0))
	claims := string(marshal(tb, g.part(tb, 1)))
	var all []Token
	for name, payload := range map[string]string{
		"claims of null":            "null",
		"claims that are an array":  "[" + claims + "]",
		"claims that are a text":    `"claims"`,
		"no JSON":                   "claims",
		"claims, and more":          claims + claims,
		"claims twice":              strings.Replace(claims, "{", `{"sub":"x",`, 1),
		"SUB beside sub":            strings.Replace(claims, "{", `{"SUB":"x",`, 1),
		"a folded iss beside iss":   strings.Replace(claims, "{", `{"i`+"\u017f"+`s":"x",`, 1),
		"EXP":                       strings.Replace(claims, "{", `{"EXP":1,`, 1),
		"a duplicate further below": strings.Replace(claims, "{", `{"x":{"a":1,"A":2},`, 1),
		"nested too deep":           strings.Replace(claims, "{", `{"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+",", 1),
		"invalid UTF-8":             strings.Replace(claims, "{", "{\"x\":\"\xff\",", 1),
		"a lone surrogate":          strings.Replace(claims, "{", `{"x":"\ud800",`, 1),
	} {
		all = append(all, Token{name, g.Sign(tb, header, []byte(payload)), authority.ReasonMalformed})
	}
	return all
}

// rawSign signs with a private key in PKCS#8.
func rawSign(tb testing.TB, alg jose.Algorithm, der, input []byte) []byte {
	tb.Helper()
	switch private := parsePKCS8(tb, der).(type) {
	case *rsa.PrivateKey:
		return signRSA(tb, alg, private, input)
	case *ecdsa.PrivateKey:
		return signECDSA(tb, private, input)
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input)
	}
	tb.Fatalf("no key for %s", alg)
	return nil
}
