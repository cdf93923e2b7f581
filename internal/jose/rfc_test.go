package jose_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

// What RFC 7515, appendix A.1 to A.3, and RFC 7520, section 4, sign.
const (
	rfcClaims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	rfcFrodo  = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBk" +
		"b24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
)

const rfc7520RSA = `{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT` +
	`-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-` +
	`OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3_` +
	`_kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB"}`

func TestRFC7515(t *testing.T) {
	hs := secretKey(t, jose.HS256, []byte(decode(t, "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")))
	tests := []struct {
		name      string
		key       jose.Key
		header    string
		signature string
	}{
		{"A.1", hs, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
		{
			"A.2", jwk(t, jose.RS256, rfcRSA), "eyJhbGciOiJSUzI1NiJ9",
			"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKB" +
				"YNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6Bf" +
				"I7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
		},
		{"A.3", jwk(t, jose.ES256, rfcEC), "eyJhbGciOiJFUzI1NiJ9", "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
	}
	for _, test := range tests {
		claims, err := verify(test.key, test.header+"."+rfcClaims+"."+test.signature)
		if err != nil {
			t.Errorf("%s: got %v, want it admitted", test.name, err)
			continue
		}
		if exp, err := claims.Seconds("exp"); exp != 1300819380 {
			t.Errorf("%s: got exp %d, %v", test.name, exp, err)
		}
		if got := string(claims.Raw("http://example.com/is_root")); got != "true" {
			t.Errorf("%s: got is_root %s, want true", test.name, got)
		}
		other := "A" + test.signature[1:]
		if _, err := verify(test.key, test.header+"."+rfcClaims+"."+other); !only(t, err, jose.ErrSignature) {
			t.Errorf("%s with another signature: got %v, want ErrSignature", test.name, err)
		}
	}
	if _, err := verify(hs, "eyJhbGciOiJub25lIn0."+rfcClaims+"."); !only(t, err, jose.ErrSegments) {
		t.Errorf("A.5, unsecured: got %v, want ErrSegments", err)
	}
	if _, err := verify(hs, "eyJhbGciOiJub25lIn0."+rfcClaims+".AA"); !only(t, err, jose.ErrAlgorithm) {
		t.Errorf("A.5 with a signature: got %v, want ErrAlgorithm", err)
	}
}

func jwk(t testing.TB, alg jose.Algorithm, text string) jose.Key {
	t.Helper()
	key, err := jose.ParseJWK(alg, []byte(text))
	if err != nil {
		t.Fatalf("%s %s: %v", alg, text, err)
	}
	return key.Key
}

// TestForms takes vectors that sign no claims: they pass the check, and not the gate.
func TestForms(t *testing.T) {
	tests := []struct {
		name      string
		key       jose.Key
		header    string
		payload   string
		signature string
	}{
		{
			"RFC 8037 A.4", jwk(t, jose.EdDSA, rfcOKP), `{"alg":"EdDSA"}`, encode("Example of Ed25519 signing"),
			"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
		},
		{
			"RFC 7520 4.1", jwk(t, jose.RS256, rfc7520RSA), `{"alg":"RS256","kid":"bilbo.baggins@hobbiton.example"}`, rfcFrodo,
			"MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4J" +
				"IwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluP" +
				"xUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
		},
		{
			"RFC 7520 4.2", jwk(t, jose.PS384, rfc7520RSA), `{"alg":"PS384","kid":"bilbo.baggins@hobbiton.example"}`, rfcFrodo,
			"cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXU" +
				"vdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT" +
				"0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
		},
		{
			"RFC 7520 4.4", secretKey(t, jose.HS256, []byte(decode(t, "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"))),
			`{"alg":"HS256","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037"}`, rfcFrodo, "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
		},
	}
	for _, test := range tests {
		text := encode(test.header) + "." + test.payload + "." + test.signature
		token, payload, err := jose.ParseForm(text)
		if err != nil || payload != decode(t, test.payload) {
			t.Errorf("%s: got %v, %q", test.name, err, payload)
			continue
		}
		if _, err := test.key.Verify(token); err != nil {
			t.Errorf("%s: got %v, want it admitted", test.name, err)
		}
		if _, err := jose.Parse(text); !only(t, err, jose.ErrJSON) {
			t.Errorf("%s: got %v, want ErrJSON: it has no claims", test.name, err)
		}
	}
}

// TestRFC8037Signs signs the vector of appendix A.4 anew: Ed25519 is deterministic.
func TestRFC8037Signs(t *testing.T) {
	seed := decode(t, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	s, err := jose.GenerateSigner(jose.EdDSA, strings.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := s.SignForm([]byte("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"))
	if want := "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"; encode(string(signature)) != want || err != nil {
		t.Errorf("got %s, %v, want %s", encode(string(signature)), err, want)
	}
	if got, err := s.Key().JWK(""); !strings.Contains(string(got), `"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`) || errors.Is(err, jose.ErrNoKey) {
		t.Errorf("got %s, %v, want the public key of appendix A.2", got, err)
	}
}
