package sealed

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/secret"
)

// What settings may be at most. The bounds are far above what anybody needs and keep what is stored, and what deriving a key
// costs, in hand: a million rounds of PBKDF2 are about a second.
const (
	MaxKey        = 1024 // bytes of a key's text
	MaxSalt       = 1024 // bytes of a salt
	MaxIterations = 1_000_000
)

const (
	// minKey is the least text of a key for GCM: 16 characters can be as good as 128 bits if they are random, fewer can't.
	minKey = 16
	// minSalt is what RFC 8018 section 4.1 asks for at least.
	minSalt = 8
)

// SettingError says which setting is wrong. It never quotes the key.
type SettingError struct {
	Setting string // as the API spells it: mode, key_size, padding, iv, iv_expansion, key_derivation, salt, hash, iterations, key
	Problem string // what is wrong, as it follows the setting's name in a sentence
	Fix     string // what to do, as a sentence
}

// Error implements error.
func (e *SettingError) Error() string { return e.Setting + " " + e.Problem }

func wrong(setting, problem, fix string) error { return &SettingError{setting, problem, fix} }

// Check returns a *SettingError where tokens can't be opened by these settings and the text of that key, or not as they were
// meant: a setting that would have no effect is wrong, too, since whoever gave it expected one.
func (s *Settings) Check(key secret.Text) error {
	for _, check := range []func() error{s.checkMode, s.checkPadding, s.checkIV, s.checkDerivation} {
		if err := check(); err != nil {
			return err
		}
	}
	return s.checkKey(key.Reveal())
}

func (s *Settings) checkMode() error {
	switch s.Mode {
	case GCM, CBC, ECB:
	default:
		return wrong("mode", "is not GCM, CBC or ECB", "Choose GCM, unless the client can't do it.")
	}
	switch s.KeySize {
	case 128, 192, 256:
		return nil
	default:
		return wrong("key_size", "is not 128, 192 or 256", "AES has keys of 128, 192 and 256 bits: choose 256, unless the client can't do it.")
	}
}

func (s *Settings) checkPadding() error {
	switch {
	case s.Mode == GCM && s.Padding != "":
		return wrong("padding", "is given, but GCM has none", "Leave it out.")
	case s.Mode == GCM:
		return nil
	}
	switch s.Padding {
	case PKCS7, ANSIX923, ISO10126, Zeros, NoPadding:
		return nil
	default:
		return wrong("padding", "is not PKCS7, ANSIX923, ISO10126, Zeros or None", "Choose PKCS7, unless the client does otherwise.")
	}
}

func (s *Settings) checkIV() error {
	switch {
	case s.Mode == ECB && s.IVExpansion != "":
		return wrong("iv_expansion", "is given, but ECB has no IV", "Leave it out.")
	case s.Mode == ECB && s.IV != "":
		return wrong("iv", "is given, but ECB has none", "Leave it out.")
	case s.Mode == ECB:
		return nil
	case s.Mode == GCM && s.IVExpansion != RandomIV:
		return wrong("iv_expansion", "is not random, as GCM needs it", "Choose random: GCM under one nonce twice gives its key away.")
	case s.IVExpansion == RandomIV && s.IV != "":
		return wrong("iv", "is given, but each token has its own in front", "Leave it out, or choose another iv_expansion.")
	case s.IVExpansion == RandomIV:
		return nil
	}
	return checkFixedIV(s.IV, s.IVExpansion)
}

// checkFixedIV looks at the text of an IV that is the same for every token.
func checkFixedIV(text string, expansion IVExpansion) error {
	switch expansion {
	case UTF16LE:
		if !clean(text) || len(utf16LE(text)) != blockSize {
			return wrong("iv", "is not eight characters", "Give eight characters, such as @1B2c3D4.")
		}
	case ZeroFill, Double:
		if !ascii(text) || len(text) != blockSize/2 {
			return wrong("iv", "is not eight ASCII characters", "Give eight ASCII characters, such as @1B2c3D4.")
		}
	case Full:
		if !ascii(text) || len(text) != blockSize {
			return wrong("iv", "is not sixteen ASCII characters", "Give sixteen ASCII characters, or choose another iv_expansion.")
		}
	default:
		return wrong("iv_expansion", "is not utf16le, zero, double, full or random", "Choose random, unless the client has an IV of its own.")
	}
	return nil
}

func (s *Settings) checkDerivation() error {
	switch {
	case s.Derivation == PasswordDeriveBytes && s.Mode == GCM, s.Derivation == MD5 && s.Mode == GCM:
		return wrong("key_derivation", "is one of old, which GCM isn't to have", "Choose raw, sha256 or pbkdf2.")
	case s.Derivation == MD5 && s.KeySize != 128:
		return wrong("key_size", "is not 128, which is all that MD5 gives", "Choose 128, or another key_derivation.")
	}
	switch s.Derivation {
	case Raw, SHA256, MD5:
		return s.checkUnused()
	case PBKDF2, PasswordDeriveBytes:
		return s.checkRounds()
	default:
		return wrong("key_derivation", "is not raw, sha256, md5, pbkdf2 or passwordderivebytes",
			"Choose what the client does: raw or sha256, if it may be chosen.")
	}
}

// checkUnused looks for settings that belong to other derivations.
func (s *Settings) checkUnused() error {
	problem := fmt.Sprintf("is given, but the key derivation %s has none", s.Derivation)
	switch {
	case s.Salt != "":
		return wrong("salt", problem, "Leave it out.")
	case s.Hash != "":
		return wrong("hash", problem, "Leave it out.")
	case s.Iterations != 0:
		return wrong("iterations", problem, "Leave it out.")
	}
	return nil
}

func (s *Settings) checkRounds() error {
	if newHash(s.Hash) == nil || s.Hash == "MD5" && s.Derivation == PBKDF2 {
		if s.Derivation == PBKDF2 {
			return wrong("hash", "is not SHA1, SHA256, SHA384 or SHA512",
				"Name the client's: .NET's Rfc2898DeriveBytes has SHA1 where nothing else is said.")
		}
		return wrong("hash", "is not MD5, SHA1, SHA256, SHA384 or SHA512",
			"Name the client's: .NET's PasswordDeriveBytes has SHA1 where nothing else is said.")
	}
	switch {
	case s.Derivation == PBKDF2 && len(s.Salt) < minSalt:
		return wrong("salt", "is shorter than eight bytes", "Give at least eight bytes, as the client does.")
	case len(s.Salt) > MaxSalt || !clean(s.Salt):
		return wrong("salt", "is longer than 1,024 bytes, or not UTF-8 without NUL", "Give the text that the client has.")
	case s.Iterations < 1 || s.Iterations > MaxIterations:
		return wrong("iterations", "is not from 1 to 1,000,000",
			"Give the number that the client has: 100 is the default of .NET's PasswordDeriveBytes.")
	}
	return nil
}

func (s *Settings) checkKey(text string) error {
	switch {
	case text == "":
		return wrong("key", "is empty", "Give the text of the key.")
	case len(text) > MaxKey:
		return wrong("key", "is longer than 1,024 bytes", "Give a shorter one: 43 random characters are more than AES can use.")
	case !utf8.ValidString(text):
		return wrong("key", "is not UTF-8", "Give the key as a text.")
	case s.Derivation == Raw && len(text) != s.KeySize/8:
		return wrong("key", fmt.Sprintf("is not %d bytes, as key_size and the key derivation raw have it", s.KeySize/8),
			"Give exactly as many bytes, or choose another key_derivation.")
	case s.Mode == GCM && len(text) < minKey:
		return wrong("key", "is shorter than 16 bytes", "Make it of at least 16 random characters; 43 are as good as a key of 256 bits.")
	}
	return nil
}

// clean reports whether text is UTF-8 without NUL, which PostgreSQL can't store.
func clean(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// ascii reports whether text is printable ASCII.
func ascii(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
