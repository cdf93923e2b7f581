package sealed_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/sealed"
)

// job is what programs of other people's libraries are asked: to seal a text, or to open a token in Base64.
type job struct {
	Settings         sealed.Settings
	Key, Bound, Text string
	Seal             bool
}

// outside are the programs, by their libraries.
var outside = map[string][]string{
	"node":   {"node", "testdata/outside/seal.mjs"},
	"python": {"/usr/bin/python3", "testdata/outside/seal.py"},
}

// ask has a program do jobs.
func ask(t *testing.T, command []string, jobs []job) []string {
	t.Helper()
	var in bytes.Buffer
	for _, j := range jobs {
		if err := json.NewEncoder(&in).Encode(j); err != nil {
			t.Fatal(err)
		}
	}
	d := json.NewDecoder(bytes.NewReader(run(t, command, nil, in.String())))
	answers := make([]string, len(jobs))
	for i := range answers {
		if err := d.Decode(&answers[i]); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	return answers
}

// run runs a program that ought to be there.
func run(t *testing.T, command, env []string, in string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Stdin, cmd.Stderr, cmd.Env = strings.NewReader(in), os.Stderr, append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v; is all installed that test/deps.sh names?", strings.Join(command, " "), err)
	}
	return out
}

// crossed are settings by which the libraries are compared: each mode and padding with each size, then each derivation and expansion.
func crossed() []sealed.Settings {
	var all []sealed.Settings
	for _, s := range everySetting() {
		for _, s.KeySize = range []int{128, 192, 256} {
			all = append(all, s)
		}
	}
	derivation := func(s sealed.Settings, d sealed.KeyDerivation, salt, hash string, iterations int) {
		s.Derivation, s.Salt, s.Hash, s.Iterations = d, salt, hash, iterations
		all = append(all, s)
	}
	for _, size := range []int{128, 192, 256} {
		s, authentic := cbc(sealed.PKCS7), gcm()
		s.KeySize, authentic.KeySize = size, size
		derivation(s, sealed.Raw, "", "", 0)
		derivation(authentic, sealed.Raw, "", "", 0)
		for _, hash := range []string{"SHA1", "SHA256", "SHA384", "SHA512"} {
			derivation(s, sealed.PBKDF2, "Salz und Pfeffer, größer", hash, 1000)
			derivation(authentic, sealed.PBKDF2, "saltsalt", hash, 1)
			derivation(s, sealed.PasswordDeriveBytes, "Salz, größer", hash, 100)
			derivation(s, sealed.PasswordDeriveBytes, "", hash, 1)
			derivation(s, sealed.PasswordDeriveBytes, "s", hash, 2)
			derivation(s, sealed.PasswordDeriveBytes, "s", hash, 3)
		}
		derivation(s, sealed.PasswordDeriveBytes, "s@1tValue", "MD5", 2)
	}
	s := cbc(sealed.PKCS7)
	s.KeySize = 128
	derivation(s, sealed.MD5, "", "", 0)
	for iv, expansions := range map[string][]sealed.IVExpansion{
		"@1B2c3D4": {sealed.UTF16LE, sealed.ZeroFill, sealed.Double}, "sixteen, exactly": {sealed.Full}, "größer€é": {sealed.UTF16LE}, "astral\U0001F511": {sealed.UTF16LE},
	} {
		for _, expansion := range expansions {
			s := cbc(sealed.PKCS7)
			s.IV, s.IVExpansion = iv, expansion
			all = append(all, s)
		}
	}
	return all
}

// keyFor returns a key's text that the settings admit, with characters beyond ASCII where the derivation is none of bytes.
func keyFor(s sealed.Settings) string {
	if s.Derivation == sealed.Raw {
		return blocks(2)[:s.KeySize/8]
	}
	return "Schlüssel: " + keyText
}

// TestOutsidePrograms seals with Node and Python and opens here, then the other way round. They derive keys and expand IVs by
// themselves; the tokens go through Base64 as it stands in a URL.
func TestOutsidePrograms(t *testing.T) {
	texts := []string{securityText, userText, blocks(2), "é"}
	for library, command := range outside {
		t.Run(library, func(t *testing.T) {
			var seals, opens []job
			for _, s := range crossed() {
				c := newCipher(t, s, keyFor(s))
				for _, text := range texts {
					if s.Padding == sealed.NoPadding && len(text)%16 != 0 {
						continue
					}
					j := job{Settings: s, Key: keyFor(s), Bound: bound, Text: text, Seal: true}
					seals = append(seals, j)
					j.Text, _ = sealed.Encode(seal(t, c, text, bound))
					j.Seal = false
					opens = append(opens, j)
				}
			}
			tokens, plains := ask(t, command, seals), ask(t, command, opens)
			for i, j := range seals {
				_, query := sealed.Encode(decode(t, tokens[i]))
				token, ok := sealed.DecodeQuery(query)
				plain, sound := newCipher(t, j.Settings, j.Key).Open(token, bound)
				if !ok || sound != 1 || string(plain) != j.Text {
					t.Errorf("%+v: opened what it sealed: got %q, %d, want %q", j.Settings, plain, sound, j.Text)
				}
				if plains[i] != j.Text {
					t.Errorf("%+v: it opened what was sealed here: got %q, want %q", j.Settings, plains[i], j.Text)
				}
			}
			if len(seals) < 250 {
				t.Errorf("got %d tokens", len(seals))
			}
		})
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	token, ok := sealed.Decode(text)
	if !ok {
		t.Fatalf("got %q, want Base64", text)
	}
	return token
}

// TestOpenSSL does the same with openssl's command, which knows CBC and ECB.
func TestOpenSSL(t *testing.T) {
	var all []sealed.Settings
	for _, s := range []sealed.Settings{cbc(sealed.PKCS7), cbc(sealed.NoPadding), ecb(sealed.PKCS7), ecb(sealed.NoPadding)} {
		for _, s.KeySize = range []int{128, 192, 256} {
			all = append(all, s)
		}
	}
	for _, d := range []sealed.KeyDerivation{sealed.Raw, sealed.MD5, sealed.PBKDF2} {
		s := cbc(sealed.PKCS7)
		s.Derivation, s.KeySize = d, 128
		if d == sealed.PBKDF2 {
			s.Salt, s.Hash, s.Iterations = "saltsalt", "SHA256", 1000
		}
		all = append(all, s)
	}
	for _, s := range all {
		text := securityText
		if s.Padding == sealed.NoPadding {
			text = blocks(3)
		}
		env := []string{
			"MODE=" + string(s.Mode), fmt.Sprint("BITS=", s.KeySize), "PADDING=" + string(s.Padding), "IV=" + s.IV, "DERIVATION=" + string(s.Derivation), "KEY=" + keyFor(s),
			"SALT=" + s.Salt, "HASH=" + s.Hash, fmt.Sprint("ITERATIONS=", s.Iterations), "LC_ALL=C.UTF-8",
		}
		c := newCipher(t, s, keyFor(s))
		token := run(t, []string{"bash", "testdata/outside/seal.sh", "seal"}, env, text)
		if plain, sound := c.Open(decode(t, string(token)), bound); sound != 1 || string(plain) != text {
			t.Errorf("%+v: opened what openssl sealed: got %q, %d, want %q", s, plain, sound, text)
		}
		ours, _ := sealed.Encode(seal(t, c, text, bound))
		if plain := run(t, []string{"bash", "testdata/outside/seal.sh", "open"}, env, ours); string(plain) != text {
			t.Errorf("%+v: openssl opened what was sealed here: got %q, want %q", s, plain, text)
		}
	}
}
