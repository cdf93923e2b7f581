package jose_test

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/jeton-io/jeton/internal/jose"
)

// vectors reads one of Wycheproof's files.
func vectors(t *testing.T, name string, into any) {
	t.Helper()
	text, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

type jwsGroups struct {
	TestGroups []struct {
		Comment string
		Public  json.RawMessage
		Private json.RawMessage
		Tests   []jwsVector
	}
}

type jwsVector struct {
	TcID    int
	Comment string
	Flags   []string
	Result  string
	JWS     json.RawMessage
}

// text returns the token, which is a string or, in JSON serialisation, an object.
func (v jwsVector) text() string {
	var text string
	if json.Unmarshal(v.JWS, &text) != nil {
		return string(v.JWS)
	}
	return text
}

// check reports what gate and key say to a token that needn't have claims. The key is made by the algorithm that stands
// in the vector's key, as if that were the record.
func (v jwsVector) check(key jose.Key) error {
	token, _, err := jose.ParseForm(v.text())
	if err != nil {
		return err
	}
	_, err = key.Verify(token)
	return err
}

type sharedSecret struct{ Kty, Alg, Use, K, Kid string }

// vectorKey makes the key of a group, for the algorithm that the key names, else for the given one.
func vectorKey(t *testing.T, public, private json.RawMessage, alg jose.Algorithm) (jose.Key, error) {
	t.Helper()
	text := public
	if len(text) == 0 {
		text = private
	}
	var secret sharedSecret
	if err := json.Unmarshal(text, &secret); err != nil {
		t.Fatal(err)
	}
	if secret.Alg != "" {
		alg = jose.Algorithm(secret.Alg)
	}
	if secret.Kty == "oct" {
		return jose.NewSecretKey(alg, []byte(decode(t, secret.K)))
	}
	key, err := jose.ParseJWK(alg, text)
	return key.Key, err
}

func headerAlgorithm(text string) jose.Algorithm {
	if token, _, err := jose.ParseForm(text); err == nil {
		return token.Header().Algorithm
	}
	return jose.RS256
}

// opinions are where we say otherwise than Wycheproof does of the tokens in its file of JWS.
var opinions = map[int]error{
	// An empty payload is good for a JWS, and no claims.
	259: jose.ErrSegments, 264: jose.ErrSegments, 268: jose.ErrSegments, 272: jose.ErrSegments, 320: jose.ErrSegments, 325: jose.ErrSegments,
	// PS384 under a key for PS256, where the RFC's own key names none: see TestForms.
	346: jose.ErrAlgorithm, 350: jose.ErrAlgorithm,
	// P-521 is none of ours.
	347: jose.ErrUnknownAlgorithm, 351: jose.ErrUnknownAlgorithm,
	// "?" within a segment.
	372: jose.ErrEncoding, 373: jose.ErrEncoding,
	// These two are called badly padded, and are to the byte the text of 357, which is called valid.
	367: nil, 370: nil,
}

func TestWycheproofJWS(t *testing.T) {
	var file jwsGroups
	vectors(t, "json_web_signature_test.json", &file)
	checkJWS(t, file, opinions)
	vectors(t, "json_web_crypto_test.json", &file)
	checkJWS(t, file, nil)
}

func checkJWS(t *testing.T, file jwsGroups, opinions map[int]error) {
	t.Helper()
	admitted, refused := 0, 0
	for _, group := range file.TestGroups {
		if strings.HasPrefix(group.Comment, "jwe") || strings.HasSuffix(strings.ToLower(group.Comment), "keyset") {
			continue // encryption; and sets of keys, see TestWycheproofJWK
		}
		for _, v := range group.Tests {
			key, err := vectorKey(t, group.Public, group.Private, headerAlgorithm(v.text()))
			if err == nil {
				err = v.check(key)
			}
			opinion, ours := opinions[v.TcID]
			if ours && !errors.Is(err, opinion) || !ours && (err == nil) != (v.Result == "valid") {
				t.Errorf("%d %s: got %v, want it %s, or by our opinion %v", v.TcID, v.Comment, err, v.Result, opinion)
			}
			if err == nil {
				admitted++
			} else {
				refused++
			}
		}
	}
	t.Logf("%d admitted, %d refused", admitted, refused)
	if admitted < 3 || refused < 40 {
		t.Errorf("got %d admitted and %d refused: has the file changed?", admitted, refused)
	}
}

func TestWycheproofJWK(t *testing.T) {
	for _, name := range []string{"json_web_key_test.json", "json_web_crypto_test.json"} {
		var file jwsGroups
		vectors(t, name, &file)
		seen := 0
		for _, group := range file.TestGroups {
			text := group.Public
			if len(text) == 0 {
				text = group.Private
			}
			if group.Comment == "jws_duplicate_kid" || !strings.Contains(string(text), `"keys"`) {
				continue // shared secrets of one name: no record has more than one
			}
			for _, v := range group.Tests {
				seen++
				keys, err := vectorSet(t, text, headerAlgorithm(v.text()))
				if err == nil {
					err = checkAmong(keys, v)
				}
				if (err == nil) != (v.Result == "valid") {
					t.Errorf("%s %d %s: got %v, want it %s", name, v.TcID, v.Comment, err, v.Result)
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s: no test: has the file changed?", name)
		}
	}
}

// vectorSet reads a set of keys; where all are shared secrets, each is taken as the record of a platform would give it.
func vectorSet(t *testing.T, text json.RawMessage, alg jose.Algorithm) ([]jose.IdentifiedKey, error) {
	t.Helper()
	var set struct{ Keys []sharedSecret }
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(set.Keys, func(k sharedSecret) bool { return k.Kty != "oct" }) {
		return jose.ParseJWKSet(alg, text)
	}
	var keys []jose.IdentifiedKey
	for _, k := range set.Keys {
		key, err := jose.NewSecretKey(jose.Algorithm(k.Alg), []byte(decode(t, k.K)))
		if err != nil {
			return nil, err
		}
		keys = append(keys, jose.IdentifiedKey{ID: k.Kid, Key: key})
	}
	return keys, nil
}

func checkAmong(keys []jose.IdentifiedKey, v jwsVector) error {
	token, _, err := jose.ParseForm(v.text())
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key.ID == token.Header().KeyID {
			return v.check(key.Key)
		}
	}
	return errors.New("no key of this ID")
}

type signatureGroups struct {
	TestGroups []struct {
		PublicKeyDer string
		PublicKeyAsn string
		Sha, MgfSha  string
		SLen         *int
		Tests        []struct {
			TcID             int
			Comment          string
			Msg, Sig, Result string
			Flags            []string
		}
	}
}

// TestWycheproofSignatures asks the checks alone, for signatures over any bytes.
func TestWycheproofSignatures(t *testing.T) {
	files := map[string]jose.Algorithm{
		"ecdsa_secp256r1_sha256_p1363_test.json": jose.ES256,
		"ed25519_test.json":                      jose.EdDSA,
		"rsa_signature_2048_sha256_test.json":    jose.RS256,
		"rsa_signature_2048_sha384_test.json":    jose.RS384,
		"rsa_signature_2048_sha512_test.json":    jose.RS512,
		"rsa_signature_3072_sha256_test.json":    jose.RS256,
		"rsa_signature_3072_sha384_test.json":    jose.RS384,
		"rsa_signature_4096_sha512_test.json":    jose.RS512,
		"rsa_pss_2048_sha256_mgf1_32_test.json":  jose.PS256,
		"rsa_pss_2048_sha256_mgf1_0_test.json":   jose.PS256,
		"rsa_pss_2048_sha384_mgf1_48_test.json":  jose.PS384,
		"rsa_pss_3072_sha256_mgf1_32_test.json":  jose.PS256,
		"rsa_pss_4096_sha512_mgf1_64_test.json":  jose.PS512,
		"rsa_pss_4096_sha512_mgf1_32_test.json":  jose.PS512,
		"rsa_pss_misc_test.json":                 jose.PS256,
	}
	for name, alg := range files {
		t.Run(name, func(t *testing.T) { checkSignatures(t, name, alg) })
	}
}

func checkSignatures(t *testing.T, name string, alg jose.Algorithm) {
	var file signatureGroups
	vectors(t, name, &file)
	admitted, refused := 0, 0
	for _, group := range file.TestGroups {
		key, err := derKey(t, alg, group.PublicKeyDer, group.PublicKeyAsn)
		if errors.Is(err, jose.ErrWeakKey) {
			continue // an exponent of 3, or 1024 bits
		}
		if err != nil {
			t.Fatal(err)
		}
		hash := map[jose.Algorithm]string{jose.PS256: "SHA-256", jose.PS384: "SHA-384", jose.PS512: "SHA-512"}[alg]
		ours := group.SLen == nil || group.Sha == hash && group.MgfSha == hash && fmt.Sprint(*group.SLen*8) == hash[4:]
		for _, v := range group.Tests {
			got := key.Check(unhex(t, v.Msg), unhex(t, v.Sig))
			want := v.Result == "valid" && ours
			if !ours && slices.Contains(v.Flags, "ModifiedSignature") && strings.HasPrefix(v.Comment, "s_len changed to 32") {
				want = true // what spoils it for others makes it ours
			}
			if want != got {
				t.Errorf("%d %s %v: got %t, want %t", v.TcID, v.Comment, v.Flags, got, want)
			}
			if got {
				admitted++
			} else {
				refused++
			}
		}
	}
	t.Logf("%d admitted, %d refused", admitted, refused)
	if admitted+refused == 0 {
		t.Error("no test: has the file changed?")
	}
}

func derKey(t *testing.T, alg jose.Algorithm, spki, pkcs1 string) (jose.Key, error) {
	t.Helper()
	var public crypto.PublicKey
	var err error
	if spki != "" {
		public, err = x509.ParsePKIXPublicKey(unhex(t, spki))
	} else {
		public, err = x509.ParsePKCS1PublicKey(unhex(t, pkcs1))
	}
	if err != nil {
		t.Fatal(err)
	}
	return jose.NewKey(alg, public)
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
