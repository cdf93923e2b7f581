package cli_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/cli"
	"github.com/jeton-io/jeton/internal/jose"
)

// pemFile writes a key into a file of PEM and returns its path.
func pemFile(t *testing.T, typ string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func textFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pairs are a key of each sort, made once.
type pairs struct {
	rsa  *rsa.PrivateKey
	p256 *ecdsa.PrivateKey
	ed   ed25519.PrivateKey
}

func newPairs(t *testing.T) (p pairs) {
	t.Helper()
	var errs [3]error
	p.rsa, errs[0] = rsa.GenerateKey(rand.Reader, 2048)
	p.p256, errs[1] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, p.ed, errs[2] = ed25519.GenerateKey(rand.Reader)
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// verified checks an assertion as Jeton does and returns its header and claims.
func verified(t *testing.T, alg jose.Algorithm, key any, text string) (jose.Header, map[string]any) {
	t.Helper()
	token, err := jose.Parse(strings.TrimSpace(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var check jose.Key
	switch key := key.(type) {
	case string:
		check, err = jose.NewSecretKey(alg, []byte(key))
	case crypto.Signer:
		check, err = jose.NewKey(alg, key.Public())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Verify(token); err != nil {
		t.Errorf("%s: %v", alg, err)
	}
	return token.Header(), payload(t, text)
}

// payload returns the claims of an assertion, whoever has signed it.
func payload(t *testing.T, text string) (claims map[string]any) {
	t.Helper()
	plain, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err == nil {
		err = json.Unmarshal(plain, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestAssertionKeys signs by each algorithm, with the key in each form in which tools write it.
func TestAssertionKeys(t *testing.T) {
	keys := newPairs(t)
	secret := strings.Repeat("s", 64)
	sec1, sec1Err := x509.MarshalECPrivateKey(keys.p256)
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return pemFile(t, "PRIVATE KEY", der, err)
	}
	rsaFile := pkcs8(keys.rsa)
	params := textFile(t, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"+
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})))
	for name, tt := range map[string]struct {
		flag, file, algorithm string
		want                  jose.Algorithm
		key                   any
	}{
		"RSA in PKCS#1":                 {"--key-file", pemFile(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(keys.rsa), nil), "", jose.RS512, keys.rsa},
		"RSA in PKCS#8":                 {"--key-file", rsaFile, "", jose.RS512, keys.rsa},
		"RS384":                         {"--key-file", rsaFile, "RS384", jose.RS384, keys.rsa},
		"RS256":                         {"--key-file", rsaFile, "RS256", jose.RS256, keys.rsa},
		"P-256 in PKCS#8":               {"--key-file", pkcs8(keys.p256), "", jose.ES256, keys.p256},
		"P-256 in SEC 1":                {"--key-file", pemFile(t, "EC PRIVATE KEY", sec1, sec1Err), "ES256", jose.ES256, keys.p256},
		"P-256 as openssl ecparam does": {"--key-file", params, "", jose.ES256, keys.p256},
		"Ed25519":                       {"--key-file", pkcs8(keys.ed), "", jose.EdDSA, keys.ed},
		"secret":                        {"--secret-file", textFile(t, secret+"\n"), "", jose.HS512, secret},
		"HS384":                         {"--secret-file", textFile(t, secret), "HS384", jose.HS384, secret},
		"HS256":                         {"--secret-file", textFile(t, secret[:32]), "HS256", jose.HS256, secret[:32]},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, cli.Env{}, "platform", "assert", tt.flag, tt.file, "--algorithm", tt.algorithm, "--email", "john@example.com")
			got.want(t, 0)
			header, claims := verified(t, tt.want, tt.key, got.stdout)
			if want := (jose.Header{Algorithm: tt.want, Type: "JWT"}); header != want {
				t.Errorf("got header %+v, want %+v", header, want)
			}
			want := map[string]any{"email": "john@example.com", "expire": 1793588645.0 + 300} // of the clock of run
			if diff := cmp.Diff(want, claims); diff != "" {
				t.Errorf("claims (-want +got): %s", diff)
			}
		})
	}
}

// TestAssertionClaims: what each flag puts into an assertion, and into the request that presents it.
func TestAssertionClaims(t *testing.T) {
	secret := strings.Repeat("s", 64)
	file := textFile(t, secret)
	const end = 1793588645.0 + 300
	for name, tt := range map[string]struct {
		args   []string
		claims map[string]any
		url    string
	}{
		"plain": {nil, map[string]any{"email": "j@example.com", "expire": end}, "http://127.0.0.1:8080/api/v1/authenticate-jwt/{platform}"},
		"at a platform": {
			[]string{"--platform", "K7PX2MQA", "--url", "https://Tokens.example.com/"},
			map[string]any{"email": "j@example.com", "expire": end},
			"https://tokens.example.com/api/v1/authenticate-jwt/K7PX2MQA",
		},
		"of an issuer for an audience": {
			[]string{"--issuer", "https://partner.example.com", "--audience", "jeton", "--jti", "1", "--life", "1m"},
			map[string]any{"iss": "https://partner.example.com", "aud": "jeton", "email": "j@example.com", "expire": end - 240, "jti": "1"},
			"http://127.0.0.1:8080/api/v1/authenticate-jwt/{platform}",
		},
		"grant": {
			[]string{"--grant", "--platform", "K7PX2MQA", "--url", "https://tokens.example.com/"},
			map[string]any{"iss": "K7PX2MQA", "aud": "https://tokens.example.com", "sub": "j@example.com", "exp": end},
			"https://tokens.example.com/oauth/token",
		},
		"grant of an issuer for an audience": {
			[]string{"--grant", "--issuer", "https://partner.example.com", "--audience", "jeton", "--jti", "1"},
			map[string]any{"iss": "https://partner.example.com", "aud": "jeton", "sub": "j@example.com", "exp": end, "jti": "1"},
			"http://127.0.0.1:8080/oauth/token",
		},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"platform", "assert", "--secret-file", file, "--email", "j@example.com", "--kid", "k1", "-o", "json"}, tt.args...)
			got := run(t, cli.Env{}, args...)
			got.want(t, 0)
			var shown struct {
				Assertion string
				Header    map[string]string
				Claims    map[string]any
				Request   struct {
					Method, URL, Body string
					Header            map[string]string
				}
			}
			if err := json.Unmarshal([]byte(got.stdout), &shown); err != nil {
				t.Fatalf("%s: %v", got.stdout, err)
			}
			header, claims := verified(t, jose.HS512, secret, shown.Assertion)
			if header.KeyID != "k1" || shown.Header["kid"] != "k1" || shown.Header["alg"] != "HS512" || shown.Header["typ"] != "JWT" {
				t.Errorf("got header %+v, shown as %v", header, shown.Header)
			}
			if diff := cmp.Diff(tt.claims, claims) + cmp.Diff(tt.claims, shown.Claims); diff != "" {
				t.Errorf("claims (-want +got): %s", diff)
			}
			wantHeader, wantBody := map[string]string{"Token": shown.Assertion}, ""
			if strings.HasPrefix(name, "grant") {
				wantHeader = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
				wantBody = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + shown.Assertion
			}
			if diff := cmp.Diff(wantHeader, shown.Request.Header); diff != "" || shown.Request.Body != wantBody || shown.Request.Method != http.MethodPost || shown.Request.URL != tt.url {
				t.Errorf("got request %+v, want one of %s to %s", shown.Request, tt.claims, tt.url)
			}
		})
	}
}

// TestAssertionOut: what goes into a file is on no screen.
func TestAssertionOut(t *testing.T) {
	secret := strings.Repeat("s", 64)
	file, out := textFile(t, secret), filepath.Join(t.TempDir(), "assertion.jwt")
	for _, output := range []string{"text", "json"} {
		got := run(t, cli.Env{}, "platform", "assert", "--secret-file", file, "--email", "j@example.com", "--out", out, "-o", output)
		got.want(t, 0)
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		verified(t, jose.HS512, secret, string(text))
		if info, err := os.Stat(out); err != nil || info.Mode() != fs.FileMode(0o600) {
			t.Errorf("got mode %v and %v, want 0600", info.Mode(), err)
		}
		if strings.Contains(got.stdout+got.stderr, strings.Split(string(text), ".")[2][:20]) {
			t.Errorf("the assertion was shown: %s", got.stdout)
		}
		want := "Wrote the assertion to " + out + ". It counts until 2026-11-02T03:09:05Z.\n"
		if output == "text" && got.stdout != want {
			t.Errorf("got %q, want %q", got.stdout, want)
		}
	}
}

// TestAssertionRefused: of what no assertion is made. Nothing of a key is repeated.
func TestAssertionRefused(t *testing.T) {
	keys := newPairs(t)
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return pemFile(t, "PRIVATE KEY", der, err)
	}
	good := pkcs8(keys.ed)
	rsaFile := pkcs8(keys.rsa)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, publicErr := x509.MarshalPKIXPublicKey(keys.ed.Public())
	old := textFile(t, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"+canary+"\n-----END RSA PRIVATE KEY-----\n")
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no key":                    {nil, 2, "lacks --key-file or --secret-file"},
		"two keys":                  {[]string{"--key-file", good, "--secret-file", good}, 2, "exclude each other"},
		"no e-mail":                 {[]string{"--key-file", good, "--email", ""}, 2, "lacks --email"},
		"no time":                   {[]string{"--key-file", good, "--life", "0"}, 2, "--life is no time of whole seconds"},
		"half a second":             {[]string{"--key-file", good, "--life", "1500ms"}, 2, "--life is no time of whole seconds"},
		"an hour as a number":       {[]string{"--key-file", good, "--life", "3600"}, 2, "--life is no time with its unit, as 90s, 15m or 1h30m"},
		"a grant of nobody":         {[]string{"--key-file", good, "--grant", "--url", "https://a.example"}, 2, `lacks --platform, which is the "iss" of a grant`},
		"a grant for nobody":        {[]string{"--key-file", good, "--grant", "--platform", "K7PX2MQA"}, 2, `lacks --url, which is the "aud" of a grant`},
		"another sort's algorithm":  {[]string{"--key-file", good, "--algorithm", "RS512"}, 2, "--algorithm is none of this key. It can sign by EdDSA."},
		"a secret's algorithm":      {[]string{"--key-file", rsaFile, "--algorithm", "HS512"}, 2, "It can sign by RS512, RS384, RS256."},
		"none":                      {[]string{"--key-file", rsaFile, "--algorithm", "none"}, 2, "--algorithm is none of this key"},
		"PSS":                       {[]string{"--key-file", rsaFile, "--algorithm", "PS512"}, 2, "--algorithm is none of this key"},
		"a short secret":            {[]string{"--secret-file", textFile(t, strings.Repeat("s", 63))}, 1, "a secret for HS512 has 64 bytes at least"},
		"a secret of another sort":  {[]string{"--secret-file", textFile(t, strings.Repeat("s", 64)), "--algorithm", "RS512"}, 2, "It can sign by HS512, HS384, HS256."},
		"a short RSA key":           {[]string{"--key-file", pkcs8(short)}, 1, "an RSA key has 2048 to 4096 bits, and this one 1024"},
		"another curve":             {[]string{"--key-file", pkcs8(p384)}, 1, "not on the curve P-256"},
		"a key that signs nothing":  {[]string{"--key-file", pkcs8(x25519)}, 1, "of no sort by which platforms sign"},
		"a public key":              {[]string{"--key-file", pemFile(t, "PUBLIC KEY", public, publicErr)}, 2, "--key-file names a public key"},
		"an encrypted key":          {[]string{"--key-file", pemFile(t, "ENCRYPTED PRIVATE KEY", []byte(canary), nil)}, 2, "--key-file names a key that is encrypted"},
		"an encrypted key of old":   {[]string{"--key-file", old}, 2, "--key-file names a key that is encrypted"},
		"a damaged key":             {[]string{"--key-file", pemFile(t, "RSA PRIVATE KEY", []byte(canary), nil)}, 1, "it can't be read as RSA PRIVATE KEY"},
		"no key at all":             {[]string{"--key-file", textFile(t, canary)}, 2, "--key-file names no private key in PEM"},
		"an empty file":             {[]string{"--key-file", textFile(t, "\n")}, 1, "is empty"},
		"a file that isn't there":   {[]string{"--key-file", "nowhere.pem"}, 1, "--key-file: "},
		"a secret that isn't there": {[]string{"--secret-file", "nowhere.secret"}, 1, "--secret-file: "},
		"a folder that isn't there": {[]string{"--key-file", good, "--out", "nowhere/a.jwt"}, 1, "--out: there is no folder nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, cli.Env{}, append([]string{"platform", "assert", "--email", "j@example.com"}, tt.args...)...)
			if got.want(t, tt.code); !strings.Contains(strings.Join(strings.Fields(got.stderr), " "), tt.want) || got.stdout != "" {
				t.Errorf("got %q and stdout %q, want %q", got.stderr, got.stdout, tt.want)
			}
		})
	}
	run(t, cli.Env{}, "platform", "assert", "--email", "j@example.com", "--key-file", good).want(t, 0) // the twin of them all
}
