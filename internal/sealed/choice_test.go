package sealed_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/sealed"
)

// TestChoice: what is left out is authenticated; what is blank is XDOC's.
func TestChoice(t *testing.T) {
	blank, gcm, cbc, ecb, none, size, nothing := "", "GCM", "CBC", "ECB", "None", 192, 0
	for name, tt := range map[string]struct {
		choice sealed.Choice
		want   sealed.Settings
	}{
		"nothing": {
			sealed.Choice{},
			sealed.Settings{Mode: sealed.GCM, KeySize: 256, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256},
		},
		"blanks": {
			sealed.Choice{Mode: &blank, KeySize: &nothing, Padding: &blank},
			sealed.Settings{Mode: sealed.CBC, KeySize: 256, Padding: sealed.PKCS7, IV: "@1B2c3D4", IVExpansion: sealed.UTF16LE, Derivation: sealed.SHA256},
		},
		"GCM of XDOC's form": {
			sealed.Choice{Mode: &gcm, KeySize: &size, Padding: &blank},
			sealed.Settings{Mode: sealed.GCM, KeySize: 192, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256},
		},
		"CBC": {
			sealed.Choice{Mode: &cbc, Padding: &none, IV: "12345678", IVExpansion: "zero", Derivation: "md5"},
			sealed.Settings{Mode: sealed.CBC, KeySize: 256, Padding: sealed.NoPadding, IV: "12345678", IVExpansion: sealed.ZeroFill, Derivation: sealed.MD5},
		},
		"CBC with an IV in front": {
			sealed.Choice{Mode: &cbc, IVExpansion: "random"},
			sealed.Settings{Mode: sealed.CBC, KeySize: 256, Padding: sealed.PKCS7, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256},
		},
		"a whole IV that is missing": { // for Check to say
			sealed.Choice{Mode: &cbc, IVExpansion: "full"},
			sealed.Settings{Mode: sealed.CBC, KeySize: 256, Padding: sealed.PKCS7, IVExpansion: sealed.Full, Derivation: sealed.SHA256},
		},
		"ECB": {
			sealed.Choice{Mode: &ecb, Derivation: "pbkdf2", Salt: "saltsalt"},
			sealed.Settings{Mode: sealed.ECB, KeySize: 256, Padding: sealed.PKCS7, Derivation: sealed.PBKDF2, Salt: "saltsalt", Hash: "SHA256", Iterations: 600_000},
		},
		".NET": {
			sealed.Choice{Mode: &ecb, Derivation: "passwordderivebytes"},
			sealed.Settings{Mode: sealed.ECB, KeySize: 256, Padding: sealed.PKCS7, Derivation: sealed.PasswordDeriveBytes, Hash: "SHA1", Iterations: 100},
		},
		"what fits nothing is kept": {
			sealed.Choice{Mode: &gcm, Padding: &none, IV: "12345678", IVExpansion: "zero", Salt: "s", Hash: "MD5", Iterations: 7},
			sealed.Settings{Mode: sealed.GCM, KeySize: 256, Padding: sealed.NoPadding, IV: "12345678", IVExpansion: sealed.ZeroFill, Derivation: sealed.SHA256, Salt: "s", Hash: "MD5", Iterations: 7},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.choice.Settings()); diff != "" {
				t.Errorf("got (+), want (-):\n%s", diff)
			}
		})
	}
}
