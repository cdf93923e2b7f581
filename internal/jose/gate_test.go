package jose_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

const (
	goodHeader = `{"alg":"RS256","kid":"1","typ":"JWT"}`
	goodClaims = `{"sub":"alice"}`
)

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// form returns a token whose signature is none of anybody's: the gate doesn't look.
func form(header, claims string) string {
	return encode(header) + "." + encode(claims) + "." + encode("signature")
}

func claimed(claims string) string { return form(goodHeader, claims) }
func headed(header string) string  { return form(header, goodClaims) }

// nested returns claims whose innermost array lies so deep.
func nested(depth int) string {
	return claimed(`{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`)
}

// ofLength returns a token of exactly so many bytes.
func ofLength(length int) string {
	long := form(goodHeader, goodClaims)
	return long + strings.Repeat("A", length-len(long))
}

// gateTest pairs a refused token with a twin, one byte away or as near as can be, that is admitted: a refusal alone might
// have another reason.
type gateTest struct {
	name      string
	kind      error
	bad, good string
}

func gateTests() []gateTest {
	return slices.Concat(formTests(), syntaxTests(), textTests(), nameTests(), headerTests())
}

// formTests are about the text and its segments.
func formTests() []gateTest {
	h, c, s := encode(goodHeader), encode(goodClaims), encode("signature")
	return []gateTest{
		{"8,193 bytes", jose.ErrTooLong, ofLength(8<<10) + "A", ofLength(8 << 10)},
		{"a megabyte of dots", jose.ErrTooLong, strings.Repeat(".", 1<<20), h + "." + c + "." + s},
		{"nested 100,000 deep", jose.ErrTooLong, nested(100_000), nested(16)},
		{"a kid of a megabyte", jose.ErrTooLong, headed(`{"alg":"RS256","kid":"` + strings.Repeat("k", 1<<20) + `"}`), headed(`{"alg":"RS256","kid":"k"}`)},
		{"nothing", jose.ErrSegments, "", h + "." + c + "." + s},
		{"8,192 dots", jose.ErrSegments, strings.Repeat(".", 8<<10), h + "." + c + "." + s},
		{"one segment", jose.ErrSegments, h, h + "." + c + "." + s},
		{"no signature and no dot", jose.ErrSegments, h + "." + c, h + "." + c + "." + s},
		{"empty signature", jose.ErrSegments, h + "." + c + ".", h + "." + c + ".AA"},
		{"empty claims", jose.ErrSegments, h + ".." + s, h + ".e30." + s},
		{"empty header", jose.ErrSegments, "." + c + "." + s, h + "." + c + "." + s},
		{"doubled signature", jose.ErrSegments, h + "." + c + "." + s + "." + s, h + "." + c + "." + s + s},
		{"a dot at the end", jose.ErrSegments, h + "." + c + "." + s + ".", h + "." + c + "." + s},
		{"JWE", jose.ErrSegments, h + ".." + c + "." + c + "." + s, h + "." + c + "." + s},
		{"JSON serialisation", jose.ErrSegments, `{"protected":"` + h + `","payload":"` + c + `","signature":"` + s + `"}`, h + "." + c + "." + s},
		{"line feed in the signature", jose.ErrEncoding, h + "." + c + "." + s[:4] + "\n" + s[4:], h + "." + c + "." + s[:4] + "A" + s[4:11]},
		{"line feed at the end", jose.ErrEncoding, h + "." + c + "." + s + "\n", h + "." + c + "." + s},
		{"carriage return in the claims", jose.ErrEncoding, h + "." + c[:4] + "\r" + c[4:] + "." + s, h + "." + c + "." + s},
		{"line feed before the header", jose.ErrEncoding, "\n" + h + "." + c + "." + s, h + "." + c + "." + s},
		{"padding of the claims", jose.ErrEncoding, h + ".e30=." + s, h + ".e30." + s},
		{"padding of the signature", jose.ErrEncoding, h + "." + c + ".AA==", h + "." + c + ".AA"},
		{"unused bits of the claims", jose.ErrEncoding, h + ".e31." + s, h + ".e30." + s},
		{"unused bits of the signature", jose.ErrEncoding, h + "." + c + ".AB", h + "." + c + ".AA"},
		{"unused bits of the header", jose.ErrEncoding, encode(`{"alg":"RS256"} `)[:21] + "B." + c + "." + s, encode(`{"alg":"RS256"} `)[:21] + "A." + c + "." + s},
		{"one character too many", jose.ErrEncoding, h + "." + c + ".AAAAA", h + "." + c + ".AAAA"},
		{"the other alphabet", jose.ErrEncoding, h + "." + c + ".AA+/", h + "." + c + ".AA-_"},
		{"a space", jose.ErrEncoding, h + "." + c + ". " + s[1:], h + "." + c + "." + s},
		{"a NUL", jose.ErrEncoding, h + "." + c + ".\x00" + s[1:], h + "." + c + "." + s},
		{"a letter of another script", jose.ErrEncoding, h + "." + c + ".АA", h + "." + c + ".AAA"},
	}
}

// syntaxTests are about JSON's grammar.
func syntaxTests() []gateTest {
	return []gateTest{
		{"header null", jose.ErrJSON, headed(`null`), headed(goodHeader)},
		{"header an array", jose.ErrJSON, headed(`[` + goodHeader + `]`), headed(` ` + goodHeader + ` `)},
		{"claims null", jose.ErrJSON, claimed(`null`), claimed(`{}`)},
		{"claims an array", jose.ErrJSON, claimed(`[]`), claimed(`{}`)},
		{"claims a string", jose.ErrJSON, claimed(`"{}"`), claimed(`{}`)},
		{"claims a number", jose.ErrJSON, claimed(`1`), claimed(`{}`)},
		{"claims no JSON", jose.ErrJSON, claimed(`foo`), claimed(`{}`)},
		{"two objects", jose.ErrJSON, claimed(`{}{}`), claimed(`{} `)},
		{"a comma behind", jose.ErrJSON, claimed(`{},`), claimed(`{}`)},
		{"a NUL behind", jose.ErrJSON, claimed("{}\x00"), claimed("{}\n")},
		{"byte order mark", jose.ErrJSON, claimed("\ufeff{}"), claimed("\t{}")},
		{"a space that is none of JSON's", jose.ErrJSON, claimed("{\v}"), claimed("{\r}")},
		{"a comment", jose.ErrJSON, claimed(`{}//`), claimed(`{}`)},
		{"cut object", jose.ErrJSON, claimed(`{"a":1`), claimed(`{"a":1}`)},
		{"comma before the end", jose.ErrJSON, claimed(`{"a":1,}`), claimed(`{"a":1}`)},
		{"two commas", jose.ErrJSON, claimed(`{"a":1,,"b":1}`), claimed(`{"a":1,"b":1}`)},
		{"no colon", jose.ErrJSON, claimed(`{"a" 1}`), claimed(`{"a":1}`)},
		{"no value", jose.ErrJSON, claimed(`{"a":}`), claimed(`{"a":1}`)},
		{"name without quotes", jose.ErrJSON, claimed(`{a:1}`), claimed(`{"a":1}`)},
		{"name in single quotes", jose.ErrJSON, claimed(`{'a':1}`), claimed(`{"a":1}`)},
		{"wrong bracket", jose.ErrJSON, claimed(`{"a":[1}]`), claimed(`{"a":[1]}`)},
		{"comma at an array's end", jose.ErrJSON, claimed(`{"a":[1,]}`), claimed(`{"a":[1]}`)},
		{"comma at an array's start", jose.ErrJSON, claimed(`{"a":[,1]}`), claimed(`{"a":[1]}`)},
		{"two values", jose.ErrJSON, claimed(`{"a":1 2}`), claimed(`{"a":12}`)},
		{"True", jose.ErrJSON, claimed(`{"a":True}`), claimed(`{"a":true}`)},
		{"nul", jose.ErrJSON, claimed(`{"a":nul}`), claimed(`{"a":null}`)},
		{"nulll", jose.ErrJSON, claimed(`{"a":nulll}`), claimed(`{"a":null}`)},
		{"NaN", jose.ErrJSON, claimed(`{"a":NaN}`), claimed(`{"a":1}`)},
		{"leading zero", jose.ErrJSON, claimed(`{"a":01}`), claimed(`{"a":10}`)},
		{"plus sign", jose.ErrJSON, claimed(`{"a":+1}`), claimed(`{"a":-1}`)},
		{"minus alone", jose.ErrJSON, claimed(`{"a":-}`), claimed(`{"a":-0}`)},
		{"nothing before the point", jose.ErrJSON, claimed(`{"a":.5}`), claimed(`{"a":0.5}`)},
		{"nothing behind the point", jose.ErrJSON, claimed(`{"a":5.}`), claimed(`{"a":5.0}`)},
		{"two points", jose.ErrJSON, claimed(`{"a":5.0.0}`), claimed(`{"a":5.00}`)},
		{"empty exponent", jose.ErrJSON, claimed(`{"a":1e}`), claimed(`{"a":1e1}`)},
		{"exponent of a sign", jose.ErrJSON, claimed(`{"a":1E+}`), claimed(`{"a":1E+1}`)},
		{"hexadecimal", jose.ErrJSON, claimed(`{"a":0x1}`), claimed(`{"a":0}`)},
	}
}

// textTests are about strings, and how deep values may lie.
func textTests() []gateTest {
	return []gateTest{
		{"control character", jose.ErrJSON, claimed("{\"a\":\"\x1f\"}"), claimed("{\"a\":\"\x20\"}")},
		{"line break in a string", jose.ErrJSON, claimed("{\"a\":\"\n\"}"), claimed(`{"a":"\n"}`)},
		{"string without end", jose.ErrJSON, claimed(`{"a":"b}`), claimed(`{"a":"b"}`)},
		{"name without end", jose.ErrJSON, claimed(`{"a`), claimed(`{"a":1}`)},
		{"backslash at the end", jose.ErrJSON, claimed(`{"a":"\`), claimed(`{"a":"\\"}`)},
		{"unknown escape", jose.ErrJSON, claimed(`{"a":"\x41"}`), claimed(`{"a":"\u0041"}`)},
		{"capital U", jose.ErrJSON, claimed(`{"a":"\U0041"}`), claimed(`{"a":"\u0041"}`)},
		{"three digits", jose.ErrJSON, claimed(`{"a":"\u004"}`), claimed(`{"a":"\u0041"}`)},
		{"no hexadecimal digit", jose.ErrJSON, claimed(`{"a":"\u004g"}`), claimed(`{"a":"\u004f"}`)},
		{"NUL by escape", jose.ErrJSON, claimed(`{"a":"\u0000"}`), claimed(`{"a":"\u0001"}`)},
		{"NUL in a name", jose.ErrJSON, claimed(`{"a\u0000":1}`), claimed(`{"a\u0001":1}`)},
		{"NUL in the kid", jose.ErrJSON, headed(`{"alg":"RS256","kid":"\u0000"}`), headed(`{"alg":"RS256","kid":"\u0001"}`)},
		{"high surrogate alone", jose.ErrJSON, claimed(`{"a":"\ud83d"}`), claimed(`{"a":"\ud73d"}`)},
		{"low surrogate alone", jose.ErrJSON, claimed(`{"a":"\ude00"}`), claimed(`{"a":"\ue000"}`)},
		{"high surrogate and a letter", jose.ErrJSON, claimed(`{"a":"\ud83d\u0041"}`), claimed(`{"a":"\ud83d\ude00"}`)},
		{"two high surrogates", jose.ErrJSON, claimed(`{"a":"\ud83d\ud83d"}`), claimed(`{"a":"\ud83d\udc3d"}`)},
		{"surrogates swapped", jose.ErrJSON, claimed(`{"a":"\ude00\ud83d"}`), claimed(`{"a":"\ud83d\ude00"}`)},
		{"high surrogate before a cut escape", jose.ErrJSON, claimed(`{"a":"\ud83d\ude0"}`), claimed(`{"a":"\ud83d\ude00"}`)},
		{"invalid UTF-8", jose.ErrJSON, claimed("{\"a\":\"\xff\"}"), claimed("{\"a\":\"\u00ff\"}")},
		{"cut UTF-8", jose.ErrJSON, claimed("{\"a\":\"\xc3\"}"), claimed("{\"a\":\"\xc3\xa9\"}")},
		{"overlong UTF-8", jose.ErrJSON, claimed("{\"a\":\"\xc0\xaf\"}"), claimed("{\"a\":\"\xc3\xaf\"}")},
		{"surrogate in UTF-8", jose.ErrJSON, claimed("{\"a\":\"\xed\xa0\x80\"}"), claimed("{\"a\":\"\xed\x9f\xbf\"}")},
		{"beyond Unicode", jose.ErrJSON, claimed("{\"a\":\"\xf4\x90\x80\x80\"}"), claimed("{\"a\":\"\xf4\x8f\xbf\xbf\"}")},
		{"invalid UTF-8 in a name", jose.ErrJSON, claimed("{\"\xff\":1}"), claimed("{\"\u00ff\":1}")},
		{"nested 17 deep", jose.ErrJSON, nested(17), nested(16)},
		{"objects 17 deep", jose.ErrJSON, claimed(strings.Repeat(`{"a":`, 16) + "{}" + strings.Repeat("}", 16)), claimed(strings.Repeat(`{"a":`, 15) + "{}" + strings.Repeat("}", 15))},
		{"nested 3,000 deep", jose.ErrJSON, nested(3000), nested(3)},
		{"nested 17 deep behind others", jose.ErrJSON, claimed(`{"b":[],"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`), claimed(`{"b":[[],[],{},{"c":[]}` + strings.Repeat(",[[]],{}", 20) + `]}`)},
	}
}

// nameTests are about names that are there twice, or look so to others.
func nameTests() []gateTest {
	return []gateTest{
		{"duplicate claim", jose.ErrMemberName, claimed(`{"sub":"a","sub":"b"}`), claimed(`{"sub":"a","suc":"b"}`)},
		{"duplicate claim, the same value", jose.ErrMemberName, claimed(`{"a":1,"a":1}`), claimed(`{"a":1,"b":1}`)},
		{"duplicate by escape", jose.ErrMemberName, claimed(`{"a":1,"\u0061":1}`), claimed(`{"a":1,"\u0062":1}`)},
		{"duplicate by surrogates", jose.ErrMemberName, claimed(`{"😀":1,"\ud83d\ude00":1}`), claimed(`{"😀":1,"\ud83d\ude01":1}`)},
		{"duplicate by a slash", jose.ErrMemberName, claimed(`{"a/b":1,"a\/b":1}`), claimed(`{"a/b":1,"a\/c":1}`)},
		{"case variant beside", jose.ErrMemberName, claimed(`{"sub":"a","Sub":"b"}`), claimed(`{"sub":"a","Sup":"b"}`)},
		{"long s beside", jose.ErrMemberName, claimed(`{"email":1,"us":1,"uſ":1}`), claimed(`{"email":1,"us":1,"ut":1}`)},
		{"Kelvin sign beside", jose.ErrMemberName, claimed("{\"kind\":1,\"\u212aind\":1}"), claimed("{\"kind\":1,\"\u212bind\":1}")},
		{"Greek sigmas", jose.ErrMemberName, claimed(`{"σ":1,"ς":1}`), claimed(`{"σ":1,"τ":1}`)},
		{"duplicate empty name", jose.ErrMemberName, claimed(`{"":1,"":2}`), claimed(`{"":1," ":2}`)},
		{"duplicate within", jose.ErrMemberName, claimed(`{"act":{"a":1,"a":2}}`), claimed(`{"act":{"a":1,"b":2}}`)},
		{"duplicate within an array", jose.ErrMemberName, claimed(`{"x":[1,[{"a":1,"A":2}]]}`), claimed(`{"x":[1,[{"a":1},{"A":2}]]}`)},
		{"duplicate around an object", jose.ErrMemberName, claimed(`{"a":{"b":1},"a":1}`), claimed(`{"a":{"a":1},"b":{"a":1}}`)},
		{"first and last of many", jose.ErrMemberName, claimed(many(100, "n0")), claimed(many(100, "m0"))},
		{"duplicate member of the header", jose.ErrMemberName, headed(`{"alg":"RS256","alg":"RS256"}`), headed(`{"alg":"RS256","typ":"RS256"}`)},
		{"case variant in the header", jose.ErrMemberName, headed(`{"alg":"RS256","Alg":"none"}`), headed(`{"alg":"RS256","typ":"none"}`)},
		{"exp in capitals, alone", jose.ErrMemberName, claimed(`{"EXP":1}`), claimed(`{"EXQ":1}`)},
		{"Aud, alone", jose.ErrMemberName, claimed(`{"Aud":"a"}`), claimed(`{"aud":"a"}`)},
		{"sub with long s, alone", jose.ErrMemberName, claimed(`{"ſub":"a"}`), claimed(`{"ſuc":"a"}`)},
		{"iss with two long s, alone", jose.ErrMemberName, claimed(`{"iſſ":"a"}`), claimed(`{"iſt":"a"}`)},
		{"jti by escape, alone", jose.ErrMemberName, claimed(`{"\u004ati":"a"}`), claimed(`{"\u006ati":"a"}`)},
	}
}

// headerTests are about the members of a header.
func headerTests() []gateTest {
	return []gateTest{
		{"no alg", jose.ErrHeader, headed(`{"typ":"JWT"}`), headed(`{"alg":"JWT"}`)},
		{"no member", jose.ErrHeader, headed(`{}`), headed(goodHeader)},
		{"empty alg", jose.ErrHeader, headed(`{"alg":""}`), headed(`{"alg":"1"}`)},
		{"alg null", jose.ErrHeader, headed(`{"alg":null}`), headed(`{"alg":"null"}`)},
		{"alg a number", jose.ErrHeader, headed(`{"alg":1}`), headed(`{"alg":"1"}`)},
		{"alg an array", jose.ErrHeader, headed(`{"alg":["RS256"]}`), headed(`{"alg":"RS256"}`)},
		{"kid a number", jose.ErrHeader, headed(`{"alg":"RS256","kid":1}`), headed(`{"alg":"RS256","kid":"1"}`)},
		{"kid null", jose.ErrHeader, headed(`{"alg":"RS256","kid":null}`), headed(`{"alg":"RS256","kid":""}`)},
		{"typ an object", jose.ErrHeader, headed(`{"alg":"RS256","typ":{}}`), headed(`{"alg":"RS256","typ":"{}"}`)},
		{"Alg, alone", jose.ErrHeader, headed(`{"Alg":"RS256"}`), headed(`{"alg":"RS256"}`)},
		{"kid with the Kelvin sign", jose.ErrHeader, headed("{\"alg\":\"RS256\",\"\u212aid\":\"1\"}"), headed(`{"alg":"RS256","kid":"1"}`)},
		{"jwk", jose.ErrHeader, headed(`{"alg":"RS256","jwk":{"kty":"RSA"}}`), headed(`{"alg":"RS256","kid":"{\"kty\":\"RSA\"}"}`)},
		{"jku", jose.ErrHeader, headed(`{"alg":"RS256","jku":"https://evil.example/"}`), headed(`{"alg":"RS256","kid":"https://evil.example/"}`)},
		{"x5u", jose.ErrHeader, headed(`{"alg":"RS256","x5u":"https://evil.example/"}`), headed(`{"alg":"RS256","kid":"../../etc/passwd"}`)},
		{"x5c", jose.ErrHeader, headed(`{"alg":"RS256","x5c":["MII"]}`), headed(`{"alg":"RS256","kid":"' OR 1=1 --"}`)},
		{"crit", jose.ErrHeader, headed(`{"alg":"RS256","crit":["exp"]}`), headed(`{"alg":"RS256","typ":"exp"}`)},
		{"empty crit", jose.ErrHeader, headed(`{"alg":"RS256","crit":[]}`), headed(`{"alg":"RS256","typ":""}`)},
		{"b64", jose.ErrHeader, headed(`{"alg":"RS256","b64":false}`), headed(`{"alg":"RS256"}`)},
		{"zip", jose.ErrHeader, headed(`{"alg":"RS256","zip":"DEF"}`), headed(`{"alg":"RS256","typ":"DEF"}`)},
		{"cty", jose.ErrHeader, headed(`{"alg":"RS256","cty":"JWT"}`), headed(`{"alg":"RS256","typ":"JWT"}`)},
		{"enc", jose.ErrHeader, headed(`{"alg":"RS256","enc":"A128GCM"}`), headed(`{"alg":"RS256","kid":"A128GCM"}`)},
	}
}

// many returns claims of so many different names, and one more.
func many(n int, last string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&b, `"n%d":0,`, i)
	}
	return b.String() + `"` + last + `":0}`
}

// kinds are all errors by which a token is refused.
var kinds = []error{
	jose.ErrTooLong, jose.ErrSegments, jose.ErrEncoding, jose.ErrJSON, jose.ErrMemberName, jose.ErrHeader, jose.ErrAlgorithm, jose.ErrSignature,
}

// only reports whether err is of the given kind, and complains if it is of a second one.
func only(t *testing.T, err, kind error) bool {
	t.Helper()
	for _, other := range kinds {
		if errors.Is(err, other) && !errors.Is(other, kind) && errors.Is(err, kind) {
			t.Errorf("%v is of two kinds", err)
		}
	}
	return errors.Is(err, kind)
}

func TestGate(t *testing.T) {
	for _, test := range gateTests() {
		t.Run(test.name, func(t *testing.T) {
			if token, err := jose.Parse(test.bad); !only(t, err, test.kind) || token != nil {
				t.Errorf("Parse(%.200q): got %v, %v, want %v", test.bad, token, err, test.kind)
			}
			if _, err := jose.Parse(test.good); err != nil {
				t.Errorf("Parse(%.200q): got %v, want it admitted", test.good, err)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	tests := []struct {
		text string
		want jose.Header
	}{
		{`{"alg":"RS256","kid":"1","typ":"JWT"}`, jose.Header{Algorithm: "RS256", KeyID: "1", Type: "JWT"}},
		{"{\r\n \"typ\" : \"at+jwt\" ,\t\"alg\":\"none\" }", jose.Header{Algorithm: "none", Type: "at+jwt"}},
		{`{"k\u0069d":"\ud83d\ude00\/\"","alg":"nOnE"}`, jose.Header{Algorithm: "nOnE", KeyID: "😀/\""}},
	}
	for _, test := range tests {
		token, err := jose.Parse(headed(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if got := token.Header(); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.text, got, test.want)
		}
	}
}

// TestErrorsQuoteNothing holds the gate's errors to naming a problem and not what was sent.
func TestErrorsQuoteNothing(t *testing.T) {
	const secret = "squeamish"
	for _, text := range []string{
		secret, headed(`{"alg":"RS256","` + secret + `":1}`), claimed(`{"` + secret + `":1,"` + secret + `":2}`), claimed(`{"a":` + secret + `}`),
	} {
		if _, err := jose.Parse(text); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, want an error without %q", text, err, secret)
		}
	}
}

// FuzzSegments holds that of all texts only one spells the same bytes: decode, encode, compare.
func FuzzSegments(f *testing.F) {
	for _, test := range gateTests() {
		if len(test.bad) < 1<<10 {
			f.Add(test.bad)
			f.Add(test.good)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _, err := jose.ParseForm(text)
		if err != nil {
			return
		}
		segments := strings.Split(text, ".")
		if len(segments) != 3 || len(text) > jose.MaxLength {
			t.Fatalf("%q passed with %d segments and %d bytes", text, len(segments), len(text))
		}
		for _, segment := range segments {
			decoded, err := base64.RawURLEncoding.DecodeString(segment)
			if again := base64.RawURLEncoding.EncodeToString(decoded); err != nil || again != segment {
				t.Errorf("%q passed, and has another spelling %q (%v)", segment, again, err)
			}
		}
	})
}
