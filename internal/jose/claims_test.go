package jose_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/jose"
)

// read returns the claims in text, which must pass the gate.
func read(t *testing.T, text string) jose.Claims {
	t.Helper()
	token, err := jose.Parse(claimed(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return token.UnverifiedClaims()
}

func TestSeconds(t *testing.T) {
	const huge = "9223372036854775808"
	tests := []struct {
		claims       string
		want         int64
		kind, digits error // what Seconds returns, and SecondsOrDigits
	}{
		{`{"exp":1300819380}`, 1300819380, nil, nil},
		{`{"exp":0}`, 0, nil, nil},
		{`{"exp":-0}`, 0, nil, nil},
		{`{"exp":-1}`, -1, nil, nil},
		{`{"exp":9223372036854775807}`, math.MaxInt64, nil, nil},
		{`{"exp":` + huge + `}`, 0, jose.ErrClaimRange, jose.ErrClaimRange},
		{`{"exp":-9223372036854775808}`, math.MinInt64, nil, nil},
		{`{"exp":-9223372036854775809}`, 0, jose.ErrClaimRange, jose.ErrClaimRange},
		{`{"exp":` + strings.Repeat("9", 1000) + `}`, 0, jose.ErrClaimRange, jose.ErrClaimRange},
		{`{}`, 0, jose.ErrAbsent, jose.ErrAbsent},
		{`{"exq":1}`, 0, jose.ErrAbsent, jose.ErrAbsent},
		{`{"exp":null}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":true}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":[1]}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":{}}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":1.0}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":1.5}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":1e9}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":1E400}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":"1300819380"}`, 1300819380, jose.ErrClaimType, nil},
		{`{"exp":"007"}`, 7, jose.ErrClaimType, nil},
		{`{"exp":"\u0031"}`, 1, jose.ErrClaimType, nil},
		{`{"exp":""}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":"-1"}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":"+1"}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":" 1"}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":"1_0"}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":"1.0"}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":"0x1"}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":"١"}`, 0, jose.ErrClaimType, jose.ErrClaimType},
		{`{"exp":"` + huge + `"}`, 0, jose.ErrClaimType, jose.ErrClaimRange},
	}
	for _, test := range tests {
		c := read(t, test.claims)
		got, err := c.Seconds("exp")
		if !errors.Is(err, test.kind) || err == nil && got != test.want {
			t.Errorf("%.60s: got %d, %v, want %d, %v", test.claims, got, err, test.want, test.kind)
		}
		got, err = c.SecondsOrDigits("exp")
		if !errors.Is(err, test.digits) || err == nil && got != test.want {
			t.Errorf("%.60s, digits allowed: got %d, %v, want %d, %v", test.claims, got, err, test.want, test.digits)
		}
	}
}

func TestTexts(t *testing.T) {
	tests := []struct {
		claims string
		want   []string
		kind   error
	}{
		{`{"aud":"a"}`, []string{"a"}, nil},
		{`{"aud":""}`, []string{""}, nil},
		{`{"aud":[]}`, []string{}, nil},
		{`{"aud":[ ]}`, []string{}, nil},
		{`{"aud":["a"]}`, []string{"a"}, nil},
		{`{"aud": [ "a\u0062" ,"]","\"" , "," ] }`, []string{"ab", "]", `"`, ","}, nil},
		{`{"aud":["a",1]}`, nil, jose.ErrClaimType},
		{`{"aud":["a",["b"]]}`, nil, jose.ErrClaimType},
		{`{"aud":null}`, nil, jose.ErrClaimType},
		{`{"aud":1}`, nil, jose.ErrClaimType},
		{`{"aud":{"a":"a"}}`, nil, jose.ErrClaimType},
		{`{}`, nil, jose.ErrAbsent},
	}
	for _, test := range tests {
		got, err := read(t, test.claims).Texts("aud")
		if diff := cmp.Diff(test.want, got); !errors.Is(err, test.kind) || diff != "" {
			t.Errorf("%s: got %v, %v, want %v, %v", test.claims, got, err, test.want, test.kind)
		}
	}
}

func TestClaims(t *testing.T) {
	c := read(t, `{"sub":"al\u0069ce","n":null,"act":{"sub": "b"},"https:\/\/example.com\/x":true,"s":"\b\f\n\r\t\\\/\"é😀"}`)
	if got, err := c.Text("sub"); got != "alice" || err != nil {
		t.Errorf("sub: got %q, %v, want alice", got, err)
	}
	if got, err := c.Text("s"); got != "\b\f\n\r\t\\/\"é😀" || err != nil {
		t.Errorf("s: got %q, %v, want all escapes", got, err)
	}
	for name, kind := range map[string]error{"n": jose.ErrClaimType, "act": jose.ErrClaimType, "Sub": jose.ErrAbsent, "": jose.ErrAbsent} {
		if got, err := c.Text(name); got != "" || !errors.Is(err, kind) {
			t.Errorf("%q: got %q, %v, want %v", name, got, err, kind)
		}
	}
	if !c.Has("n") || !c.Has("https://example.com/x") || c.Has("N") || (jose.Claims{}).Has("") {
		t.Error("want Has to tell what is there")
	}
	raw := c.Raw("act")
	if string(raw) != `{"sub": "b"}` || c.Raw("Act") != nil {
		t.Errorf("act: got %s, want its JSON", raw)
	}
	raw[2] = 'X'
	if again := c.Raw("act"); string(again) != `{"sub": "b"}` {
		t.Errorf("act: got %s after the caller wrote into its copy", again)
	}
}

// FuzzReader holds that encoding/json reads the same from what our reader lets pass, and that nothing was duplicate: each
// member's value is found again under its exact name.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":1}`, `{"a":[1,2.5e3,-0],"b":{"c":null},"d":"\u00e9\ud83d\ude00"}`, `{"sub":"a","aud":["b","c"],"exp":1300819380}`,
		`{"ſ":1,"s":2}`, ` {"a" : true , "b":false}	`, `{"a\/b":"\\"}`, `{"a":1,"A":2}`, `{"":0}`, `{"a":[[[{"b":[]}]]]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		token, err := jose.Parse(claimed(string(text)))
		if err != nil {
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var want map[string]any
		if err := decoder.Decode(&want); err != nil || decoder.More() || !utf8.Valid(text) {
			t.Fatalf("%q passed, and encoding/json says %v", text, err)
		}
		c := token.UnverifiedClaims()
		for name, value := range want {
			checkClaim(t, c, name, value)
		}
		checkRegistered(t, text, c)
	})
}

func checkClaim(t *testing.T, c jose.Claims, name string, want any) {
	t.Helper()
	var raw any
	decoder := json.NewDecoder(bytes.NewReader(c.Raw(name)))
	decoder.UseNumber()
	if err := decoder.Decode(&raw); err != nil || !cmp.Equal(raw, want) {
		t.Errorf("%q: got %v, %v, want %v", name, raw, err, want)
	}
	text, err := c.Text(name)
	if value, ok := want.(string); ok != (err == nil) || text != value {
		t.Errorf("%q: got text %q, %v, want %v", name, text, err, want)
	}
	seconds, err := c.Seconds(name)
	number, _ := want.(json.Number)
	if value, bad := strconv.ParseInt(string(number), 10, 64); (bad == nil) != (err == nil) || err == nil && seconds != value {
		t.Errorf("%q: got seconds %d, %v, want %v", name, seconds, err, want)
	}
	texts, err := c.Texts(name)
	if list, ok := want.([]any); ok && err == nil && len(list) != len(texts) {
		t.Errorf("%q: got texts %q, want %v", name, texts, want)
	}
}

// checkRegistered holds that encoding/json finds the registered claims where we do, although it ignores case.
func checkRegistered(t *testing.T, text []byte, c jose.Claims) {
	t.Helper()
	var want struct {
		Iss, Sub, Aud, Exp, Nbf, Iat, Jti json.RawMessage
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]json.RawMessage{
		"iss": want.Iss, "sub": want.Sub, "aud": want.Aud, "exp": want.Exp, "nbf": want.Nbf, "iat": want.Iat, "jti": want.Jti,
	} {
		if got := c.Raw(name); !bytes.Equal(got, raw) {
			t.Errorf("%q: got %s for %s, and encoding/json %s", text, got, name, raw)
		}
	}
}
