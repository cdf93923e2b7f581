package jose_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

// The public keys of RFC 7515, appendix A.2.1 and A.3.1, and of RFC 8037, appendix A.2.
const (
	rfcN = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs" +
		"D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD" +
		"Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
	rfcRSA = `{"kty":"RSA","n":"` + rfcN + `","e":"AQAB"}`
	rfcX   = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
	rfcY   = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
	rfcEC  = `{"kty":"EC","crv":"P-256","x":"` + rfcX + `","y":"` + rfcY + `"}`
	rfcOKP = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)

// with adds a member to a JWK.
func with(jwk, member string) string { return strings.TrimSuffix(jwk, "}") + "," + member + "}" }

func TestParseJWK(t *testing.T) {
	replaced := strings.Replace
	zeros := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	tests := []struct {
		name string
		alg  jose.Algorithm
		text string
		kind error
	}{
		{"RSA", jose.RS256, rfcRSA, nil},
		{"RSA for PSS", jose.PS384, rfcRSA, nil},
		{"EC", jose.ES256, rfcEC, nil},
		{"OKP", jose.EdDSA, rfcOKP, nil},
		{"all members that fit", jose.RS256, with(rfcRSA, `"use":"sig","alg":"RS256","key_ops":["verify"],"kid":"1","x5c":["MII"],"x5u":"https://h/","x5t":"AA"`), nil},
		{"for encryption", jose.RS256, with(rfcRSA, `"use":"enc"`), jose.ErrKeyFormat},
		{"use null", jose.RS256, with(rfcRSA, `"use":null`), jose.ErrKeyFormat},
		{"to sign only", jose.RS256, with(rfcRSA, `"key_ops":["sign"]`), jose.ErrKeyFormat},
		{"no operation", jose.RS256, with(rfcRSA, `"key_ops":[]`), jose.ErrKeyFormat},
		{"operations no array", jose.RS256, with(rfcRSA, `"key_ops":1`), jose.ErrKeyFormat},
		{"another algorithm of the family", jose.RS256, with(rfcRSA, `"alg":"RS512"`), jose.ErrKeyFormat},
		{"algorithm in lower case", jose.RS256, with(rfcRSA, `"alg":"rs256"`), jose.ErrKeyFormat},
		{"kid a number", jose.RS256, with(rfcRSA, `"kid":1`), jose.ErrKeyFormat},
		{"member twice", jose.RS256, with(rfcRSA, `"e":"AQAB"`), jose.ErrMemberName},
		{"member in capitals beside", jose.RS256, with(rfcRSA, `"E":"Aw"`), jose.ErrMemberName},
		{"no JSON", jose.RS256, rfcRSA + ",", jose.ErrJSON},
		{"an array", jose.RS256, "[" + rfcRSA + "]", jose.ErrJSON},
		{"empty", jose.RS256, "", jose.ErrJSON},
		{"too long", jose.RS256, rfcRSA + strings.Repeat(" ", 16<<10), jose.ErrKeyFormat},
		{"no kty", jose.RS256, replaced(rfcRSA, `"kty":"RSA",`, "", 1), jose.ErrKeyFormat},
		{"kty in lower case", jose.RS256, replaced(rfcRSA, "RSA", "rsa", 1), jose.ErrKeyFormat},
		{"no modulus", jose.RS256, `{"kty":"RSA","e":"AQAB"}`, jose.ErrKeyFormat},
		{"modulus padded", jose.RS256, replaced(rfcRSA, rfcN, rfcN+"==", 1), jose.ErrKeyFormat},
		{"modulus with a zero in front", jose.RS256, replaced(rfcRSA, rfcN, base64.RawURLEncoding.EncodeToString([]byte("\x00"+decode(t, rfcN))), 1), jose.ErrKeyFormat},
		{"modulus short", jose.RS256, replaced(rfcRSA, rfcN, rfcN[:340], 1), jose.ErrWeakKey},
		{"exponent 3", jose.RS256, replaced(rfcRSA, "AQAB", "Aw", 1), jose.ErrWeakKey},
		{"exponent 1", jose.RS256, replaced(rfcRSA, "AQAB", "AQ", 1), jose.ErrWeakKey},
		{"exponent 65537 and 2⁶⁴", jose.RS256, replaced(rfcRSA, "AQAB", "AQAAAAAAAQAB", 1), jose.ErrWeakKey},
		{"exponent with a zero in front", jose.RS256, replaced(rfcRSA, "AQAB", "AAEAAQ", 1), jose.ErrKeyFormat},
		{"exponent empty", jose.RS256, replaced(rfcRSA, "AQAB", "", 1), jose.ErrKeyFormat},
		{"exponent a number", jose.RS256, replaced(rfcRSA, `"AQAB"`, "65537", 1), jose.ErrKeyFormat},
		{"private RSA", jose.RS256, with(rfcRSA, `"d":"AQAB"`), jose.ErrPrivateKey},
		{"private RSA by a prime", jose.RS256, with(rfcRSA, `"p":"AQAB"`), jose.ErrPrivateKey},
		{"private EC", jose.ES256, with(rfcEC, `"d":"`+rfcX+`"`), jose.ErrPrivateKey},
		{"private OKP", jose.EdDSA, with(rfcOKP, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"`), jose.ErrPrivateKey},
		{"shared secret", jose.RS256, `{"kty":"oct","k":"` + rfcX + `"}`, jose.ErrPrivateKey},
		{"shared secret for HS256", jose.HS256, `{"kty":"oct","k":"` + rfcX + `"}`, jose.ErrPrivateKey},
		{"RSA for HS256", jose.HS256, rfcRSA, jose.ErrUnknownAlgorithm},
		{"RSA for none", "none", rfcRSA, jose.ErrUnknownAlgorithm},
		{"EC for RS256", jose.RS256, rfcEC, jose.ErrKeyFormat},
		{"RSA for ES256", jose.ES256, rfcRSA, jose.ErrKeyFormat},
		{"P-384 by name", jose.ES256, replaced(rfcEC, "P-256", "P-384", 1), jose.ErrKeyFormat},
		{"no curve", jose.ES256, replaced(rfcEC, `"crv":"P-256",`, "", 1), jose.ErrKeyFormat},
		{"x and y swapped", jose.ES256, replaced(replaced(replaced(rfcEC, rfcX, "1", 1), rfcY, rfcX, 1), `"1"`, `"`+rfcY+`"`, 1), jose.ErrKeyFormat},
		{"the point at infinity", jose.ES256, replaced(replaced(rfcEC, rfcX, zeros, 1), rfcY, zeros, 1), jose.ErrKeyFormat},
		{"x of 31 bytes", jose.ES256, replaced(rfcEC, rfcX, rfcX[:42], 1), jose.ErrKeyFormat},
		{"x with unused bits", jose.ES256, replaced(rfcEC, rfcX, rfcX[:42]+"V", 1), jose.ErrKeyFormat},
		{"no y", jose.ES256, `{"kty":"EC","crv":"P-256","x":"` + rfcX + `"}`, jose.ErrKeyFormat},
		{"X25519", jose.EdDSA, replaced(rfcOKP, "Ed25519", "X25519", 1), jose.ErrKeyFormat},
		{"OKP of small order", jose.EdDSA, replaced(rfcOKP, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", zeros, 1), jose.ErrWeakKey},
		{"OKP of 31 bytes", jose.EdDSA, replaced(rfcOKP, "URo", "UQ", 1), jose.ErrKeyFormat},
	}
	for _, test := range tests {
		got, err := jose.ParseJWK(test.alg, []byte(test.text))
		if !errors.Is(err, test.kind) || (err == nil) != (test.kind == nil) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.kind)
		}
		if (err == nil) != (got.Key.Algorithm() == test.alg) {
			t.Errorf("%s: got a key of %q beside %v", test.name, got.Key.Algorithm(), err)
		}
	}
}

// TestParseMixedJWKSet: each key is for the algorithm that it names, or for its type's own, and nothing private passes.
func TestParseMixedJWKSet(t *testing.T) {
	one := with(rfcRSA, `"kid":"1"`)
	tests := []struct {
		name string
		keys string
		want string // the keys' algorithms
		kind error
	}{
		{"of each type", rfcRSA + "," + rfcEC + "," + rfcOKP, "[RS256 ES256 EdDSA]", nil},
		{"by name", with(rfcRSA, `"alg":"PS512"`) + "," + with(rfcEC, `"alg":"ES256"`), "[PS512 ES256]", nil},
		{"others beside", with(rfcRSA, `"alg":"RSA-OAEP"`) + "," + with(rfcRSA, `"use":"enc"`) + `,{"kty":"AKP"},{"kty":"EC","crv":"P-384"},{"kty":"EC","alg":"ES384"},` + one, "[RS256]", nil},
		{"by a name of another type", with(rfcRSA, `"alg":"ES256"`) + "," + one, "[RS256]", nil},
		{"none", `{"kty":"AKP"}`, "[]", jose.ErrKeyFormat},
		{"HMAC by name", with(rfcRSA, `"alg":"HS256"`), "[]", jose.ErrKeyFormat},
		{"a name that is no text", with(rfcRSA, `"alg":7`) + "," + one, "[RS256]", nil},
		{"a private one", one + "," + with(rfcEC, `"d":"AQAB"`), "[]", jose.ErrPrivateKey},
		{"a private one that is passed over", one + `,{"kty":"EC","alg":"ES384","d":"AQAB"}`, "[]", jose.ErrPrivateKey},
		{"a shared secret", one + `,{"kty":"oct","k":"AQAB"}`, "[]", jose.ErrPrivateKey},
		{"the same kid twice", one + "," + with(rfcEC, `"kid":"1"`), "[]", jose.ErrKeyFormat},
		{"a weak one", one + "," + strings.Replace(rfcRSA, "AQAB", "Aw", 1), "[]", jose.ErrWeakKey},
	}
	for _, test := range tests {
		keys, err := jose.ParseMixedJWKSet([]byte(`{"keys":[` + test.keys + `]}`))
		algorithms := []jose.Algorithm{}
		for _, key := range keys {
			algorithms = append(algorithms, key.Key.Algorithm())
		}
		if got := fmt.Sprint(algorithms); got != test.want || !errors.Is(err, test.kind) || (err == nil) != (test.kind == nil) {
			t.Errorf("%s: got %s, %v, want %s, %v", test.name, got, err, test.want, test.kind)
		}
	}
}

func TestParseJWKSet(t *testing.T) {
	one, two := with(rfcRSA, `"kid":"1"`), with(rfcRSA, `"kid":"2"`)
	tests := []struct {
		name string
		keys string
		want string // the keys' IDs
		kind error
	}{
		{"one", one, "[1]", nil},
		{"two", one + " , " + two, "[1 2]", nil},
		{"others beside", rfcEC + "," + one + "," + rfcOKP + "," + with(rfcRSA, `"use":"enc"`) + "," + with(rfcRSA, `"alg":"PS256"`), "[1]", nil},
		{"a kty nobody knows", `{"kty":"AKP"},` + one, "[1]", nil},
		{"two without kid", rfcRSA + "," + rfcRSA, "[ ]", nil},
		{"none", "", "[]", jose.ErrKeyFormat},
		{"others only", rfcEC, "[]", jose.ErrKeyFormat},
		{"the same kid twice", one + "," + one, "[]", jose.ErrKeyFormat},
		{"a private one", one + "," + with(two, `"d":"AQAB"`), "[]", jose.ErrPrivateKey},
		{"a private one of others", one + "," + with(rfcEC, `"d":"AQAB"`), "[]", jose.ErrPrivateKey},
		{"a shared secret", one + `,{"kty":"oct","k":"AQAB"}`, "[]", jose.ErrPrivateKey},
		{"a weak one", one + "," + strings.Replace(two, "AQAB", "Aw", 1), "[]", jose.ErrWeakKey},
		{"one that can't be read", one + "," + strings.Replace(two, "AQAB", "=", 1), "[]", jose.ErrKeyFormat},
		{"no object", one + ",1", "[]", jose.ErrKeyFormat},
	}
	for _, test := range tests {
		keys, err := jose.ParseJWKSet(jose.RS256, []byte(`{"keys":[`+test.keys+`]}`))
		ids := []string{}
		for _, key := range keys {
			ids = append(ids, key.ID)
		}
		if got := fmt.Sprint(ids); got != test.want || !errors.Is(err, test.kind) || (err == nil) != (test.kind == nil) {
			t.Errorf("%s: got %s, %v, want %s, %v", test.name, got, err, test.want, test.kind)
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"keys":null}`, `{"keys":{}}`, `{"Keys":[` + one + `]}`, `{"keys":[` + one + `],"keys":[]}`, `{"keys":[` + one + strings.Repeat(" ", 64<<10) + `]}`} {
		if _, err := jose.ParseJWKSet(jose.RS256, []byte(text)); !errors.Is(err, jose.ErrKeyFormat) {
			t.Errorf("%.50s: got %v, want ErrKeyFormat", text, err)
		}
	}
	if _, err := jose.ParseJWKSet(jose.HS256, []byte(`{"keys":[`+one+`]}`)); !errors.Is(err, jose.ErrUnknownAlgorithm) {
		t.Errorf("HS256: got %v, want ErrUnknownAlgorithm", err)
	}
}
