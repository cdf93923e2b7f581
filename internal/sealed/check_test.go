package sealed_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestCheck changes one thing of settings that are right.
func TestCheck(t *testing.T) {
	type set = sealed.Settings
	pb := func(s *set) { s.Derivation, s.Salt, s.Hash, s.Iterations = sealed.PBKDF2, "saltsalt", "SHA256", 1000 }
	pdb := func(s *set) { s.Derivation, s.Salt, s.Hash, s.Iterations = sealed.PasswordDeriveBytes, "", "SHA1", 100 }
	for _, test := range []struct {
		from   sealed.Settings
		change func(s *set)
		key    string
		want   string // the setting that is wrong, or nothing
	}{
		{gcm(), nil, keyText, ""},
		{cbc(sealed.PKCS7), nil, "k", ""},
		{ecb(sealed.NoPadding), nil, "k", ""},
		{set{}, nil, keyText, "mode"},
		{gcm(), func(s *set) { s.Mode = "gcm" }, keyText, "mode"},
		{gcm(), func(s *set) { s.Mode = "CTR" }, keyText, "mode"},
		{gcm(), func(s *set) { s.KeySize = 0 }, keyText, "key_size"},
		{gcm(), func(s *set) { s.KeySize = 196 }, keyText, "key_size"},
		{gcm(), func(s *set) { s.KeySize = 192 }, keyText, ""},
		{gcm(), func(s *set) { s.Padding = sealed.PKCS7 }, keyText, "padding"},
		{cbc(""), nil, keyText, "padding"},
		{cbc("pkcs7"), nil, keyText, "padding"},
		{ecb("PKCS5"), nil, keyText, "padding"},
		{ecb(sealed.PKCS7), func(s *set) { s.IV = "@1B2c3D4" }, keyText, "iv"},
		{ecb(sealed.PKCS7), func(s *set) { s.IVExpansion = sealed.RandomIV }, keyText, "iv_expansion"},
		{gcm(), func(s *set) { s.IV = "@1B2c3D4" }, keyText, "iv"},
		{gcm(), func(s *set) { s.IVExpansion = "" }, keyText, "iv_expansion"},
		{gcm(), func(s *set) { s.IVExpansion = sealed.UTF16LE }, keyText, "iv_expansion"},
		{cbcRandom(sealed.PKCS7), nil, keyText, ""},
		{cbcRandom(sealed.PKCS7), func(s *set) { s.IV = "@1B2c3D4" }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IVExpansion = "" }, keyText, "iv_expansion"},
		{cbc(sealed.PKCS7), func(s *set) { s.IVExpansion = "ascii" }, keyText, "iv_expansion"},
		{cbc(sealed.PKCS7), func(s *set) { s.IV = "" }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IV = "@1B2c3D" }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IV = "@1B2c3D45" }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IV = "éÉ2c3D4ß" }, keyText, ""},
		{cbc(sealed.PKCS7), func(s *set) { s.IV = "1B2c3D\U0001F511" }, keyText, ""}, // two units
		{cbc(sealed.PKCS7), func(s *set) { s.IV = "1B2c3D4\U0001F511" }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IV = "1B2c3D4\xff" }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IV = "1B2c3D4\x00" }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IVExpansion = sealed.ZeroFill }, keyText, ""},
		{cbc(sealed.PKCS7), func(s *set) { s.IVExpansion, s.IV = sealed.ZeroFill, "1B2c3Dé" }, keyText, "iv"}, // eight bytes
		{cbc(sealed.PKCS7), func(s *set) { s.IVExpansion = sealed.Double }, keyText, ""},
		{cbc(sealed.PKCS7), func(s *set) { s.IVExpansion, s.IV = sealed.Double, "1B2c3D4\x7f" }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IVExpansion, s.IV = sealed.Double, "1B2c3D4\x1f" }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IVExpansion = sealed.Full }, keyText, "iv"},
		{cbc(sealed.PKCS7), func(s *set) { s.IVExpansion, s.IV = sealed.Full, "@1B2c3D4@1B2c3D4" }, keyText, ""},

		{gcm(), func(s *set) { s.Derivation = "" }, keyText, "key_derivation"},
		{gcm(), func(s *set) { s.Derivation = "SHA256" }, keyText, "key_derivation"},
		{gcm(), func(s *set) { s.Derivation, s.KeySize = sealed.MD5, 128 }, keyText, "key_derivation"},
		{gcm(), pdb, keyText, "key_derivation"},
		{ecb(sealed.PKCS7), func(s *set) { s.Derivation = sealed.MD5 }, keyText, "key_size"},
		{ecb(sealed.PKCS7), func(s *set) { s.Derivation, s.KeySize = sealed.MD5, 128 }, keyText, ""},
		{gcm(), func(s *set) { s.Salt = "saltsalt" }, keyText, "salt"},
		{gcm(), func(s *set) { s.Hash = "SHA1" }, keyText, "hash"},
		{gcm(), func(s *set) { s.Iterations = 1 }, keyText, "iterations"},
		{gcm(), pb, keyText, ""},
		{cbc(sealed.PKCS7), pb, "k", ""},
		{cbc(sealed.PKCS7), pdb, "k", ""},
		{cbc(sealed.PKCS7), func(s *set) { pb(s); s.Salt = "saltsal" }, keyText, "salt"},
		{cbc(sealed.PKCS7), func(s *set) { pb(s); s.Salt = "saltsal\xff" }, keyText, "salt"},
		{cbc(sealed.PKCS7), func(s *set) { pb(s); s.Salt = "saltsal\x00" }, keyText, "salt"},
		{cbc(sealed.PKCS7), func(s *set) { pb(s); s.Salt = strings.Repeat("s", 1024) }, keyText, ""},
		{cbc(sealed.PKCS7), func(s *set) { pb(s); s.Salt = strings.Repeat("s", 1025) }, keyText, "salt"},
		{cbc(sealed.PKCS7), func(s *set) { pb(s); s.Hash = "MD5" }, keyText, "hash"},
		{cbc(sealed.PKCS7), func(s *set) { pb(s); s.Hash = "sha1" }, keyText, "hash"},
		{cbc(sealed.PKCS7), func(s *set) { pb(s); s.Hash = "" }, keyText, "hash"},
		{cbc(sealed.PKCS7), func(s *set) { pdb(s); s.Hash = "MD5" }, keyText, ""},
		{cbc(sealed.PKCS7), func(s *set) { pdb(s); s.Hash = "" }, keyText, "hash"},
		{cbc(sealed.PKCS7), func(s *set) { pb(s); s.Iterations = 0 }, keyText, "iterations"},
		{cbc(sealed.PKCS7), func(s *set) { pdb(s); s.Iterations = -1 }, keyText, "iterations"},
		{cbc(sealed.PKCS7), func(s *set) { pdb(s); s.Iterations = 1 }, keyText, ""},
		{cbc(sealed.PKCS7), func(s *set) { pdb(s); s.Iterations = 1_000_000 }, keyText, ""},
		{cbc(sealed.PKCS7), func(s *set) { pdb(s); s.Iterations = 1_000_001 }, keyText, "iterations"},

		{ecb(sealed.PKCS7), nil, "", "key"},
		{ecb(sealed.PKCS7), nil, strings.Repeat("k", 1024), ""},
		{ecb(sealed.PKCS7), nil, strings.Repeat("k", 1025), "key"},
		{ecb(sealed.PKCS7), nil, "\xff\xfe", "key"},
		{gcm(), nil, strings.Repeat("k", 15), "key"},
		{gcm(), nil, strings.Repeat("k", 16), ""},
		{gcm(), func(s *set) { s.Derivation = sealed.Raw }, strings.Repeat("k", 31), "key"},
		{gcm(), func(s *set) { s.Derivation = sealed.Raw }, strings.Repeat("k", 33), "key"},
		{gcm(), func(s *set) { s.Derivation = sealed.Raw }, strings.Repeat("k", 32), ""},
		{gcm(), func(s *set) { s.Derivation, s.KeySize = sealed.Raw, 128 }, strings.Repeat("é", 8), ""},
		{ecb(sealed.PKCS7), func(s *set) { s.Derivation, s.KeySize = sealed.Raw, 192 }, strings.Repeat("k", 24), ""},
	} {
		s := test.from
		if test.change != nil {
			test.change(&s)
		}
		err := s.Check(secret.Text(test.key))
		var wrong *sealed.SettingError
		if got := errors.As(err, &wrong); got != (test.want != "") || got && wrong.Setting != test.want || !got && err != nil {
			t.Errorf("%+v: got %v, want it to be about %q", s, err, test.want)
			continue
		}
		if wrong != nil && (wrong.Problem == "" || wrong.Fix == "" || wrong.Error() != wrong.Setting+" "+wrong.Problem || len(test.key) > 2 && strings.Contains(wrong.Error()+wrong.Fix, test.key)) {
			t.Errorf("%+v: got the error %+v", s, wrong)
		}
		if test.want == "" && s.Iterations == 1_000_000 {
			continue // it takes a second
		}
		if c, made := sealed.New(s, secret.Text(test.key)); (made == nil) != (err == nil) || (c == nil) != (err != nil) {
			t.Errorf("%+v: New says %v, Check %v", s, made, err)
		}
	}
}

// TestForgeable goes by the mode alone.
func TestForgeable(t *testing.T) {
	for _, s := range everySetting() {
		if got := s.Forgeable(); got != (s.Mode != sealed.GCM) {
			t.Errorf("%s: got %t", name(s), got)
		}
	}
}
