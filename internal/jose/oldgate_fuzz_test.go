package jose_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/jose"
)

// FuzzAgainstOldGate holds the gate to the one that it has replaced: both admit the same, refuse all else for the same kind of
// reason, and read the same of what they admit. The signature is what is left of the text, so that all three segments vary; where
// there are none, the header is the whole text.
func FuzzAgainstOldGate(f *testing.F) {
	for _, test := range gateTests() {
		for _, text := range []string{test.bad, test.good} {
			if len(text) > 4<<10 {
				continue
			}
			f.Add(text, "", "")
			if parts := strings.Split(text, "."); len(parts) == 3 {
				f.Add(said(parts[0]), said(parts[1]), "signature")
			}
		}
	}
	for _, claims := range []string{
		accessClaims, `{"aud":["a","b",["c"]],"exp":-1,"iat":"12","nbf":1e3}`, `{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12,"m":13}`,
		many(20, "m"), many(20, "N3"), `{"\u0061ud":"\u0061","ſubject":{"ſ":1,"x":{"s":[{"S":1}]}}}`, "{\"abcdefgh\":\"1234567\x1f\"}", "{\"abcdefgh\":\"12345678\xc3\xa9\"}",
	} {
		f.Add(goodHeader, claims, "s")
	}
	f.Fuzz(func(t *testing.T, header, claims, signature string) {
		text := header
		if claims != "" || signature != "" {
			text = encode(header) + "." + encode(claims) + "." + encode(signature)
		}
		want, wantErr := oldParse(text)
		got, err := jose.Parse(text)
		for _, kind := range kinds {
			if errors.Is(err, kind) != errors.Is(wantErr, kind) {
				t.Fatalf("%q: got %v, and the old gate said %v", text, err, wantErr)
			}
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: got %v, and the old gate said %v", text, err, wantErr)
		}
		if err != nil {
			return
		}
		if got.Header() != want.header || got.Digest() != sha256.Sum256(want.signed) {
			t.Errorf("%q: got %+v, and the old gate read %+v", text, got.Header(), want.header)
		}
		c := got.UnverifiedClaims()
		for _, m := range want.claims.members {
			compareClaim(t, c, want.claims, string(m.name))
		}
		compareClaim(t, c, want.claims, "absent")
	})
}

// said is what a segment says, or itself where it is none.
func said(segment string) string {
	decoded, err := oldDecodeSegment(nil, []byte(segment))
	if err != nil {
		return segment
	}
	return string(decoded)
}

// compareClaim holds all that can be asked about a claim to what the old gate answers.
func compareClaim(t *testing.T, got jose.Claims, want oldClaims, name string) {
	t.Helper()
	same := func(what string, value, wanted any, err, wantedErr error) {
		t.Helper()
		alike := (err == nil) == (wantedErr == nil)
		for _, kind := range []error{jose.ErrAbsent, jose.ErrClaimType, jose.ErrClaimRange} {
			alike = alike && errors.Is(err, kind) == errors.Is(wantedErr, kind)
		}
		if !alike || !cmp.Equal(value, wanted) {
			t.Errorf("%s of %q: got %v, %v, and the old gate read %v, %v", what, name, value, err, wanted, wantedErr)
		}
	}
	text, err := got.Text(name)
	oldText, oldErr := want.Text(name)
	same("Text", text, oldText, err, oldErr)
	view, err := got.View(name)
	same("View", string(view), oldText, err, oldErr)
	same("Is", got.Is(name, oldText), oldErr == nil, nil, nil)
	same("Is with more", got.Is(name, oldText+"x"), false, nil, nil)
	texts, err := got.Texts(name)
	oldTexts, oldErr := want.Texts(name)
	same("Texts", texts, oldTexts, err, oldErr)
	for _, one := range append([]string{"x", ""}, oldTexts...) {
		same("Lists", got.Lists(name, one), slices.Contains(oldTexts, one), nil, nil)
	}
	seconds, err := got.Seconds(name)
	oldSeconds, oldErr := want.Seconds(name)
	same("Seconds", seconds, oldSeconds, err, oldErr)
	seconds, err = got.SecondsOrDigits(name)
	oldSeconds, oldErr = want.SecondsOrDigits(name)
	same("SecondsOrDigits", seconds, oldSeconds, err, oldErr)
	same("Raw", bytes.Clone(got.Raw(name)), bytes.Clone(want.Raw(name)), nil, nil)
	same("Has", got.Has(name), want.Has(name), nil, nil)
}
