package sealed

import "cmp"

// ForgeableWarning is what follows where settings are forgeable (see Settings.Forgeable). It is told wherever such a mode is chosen
// or shown.
const ForgeableWarning = "Tokens of this mode can be forged from others by somebody who doesn't have the key: it encrypts, and doesn't authenticate. " +
	"An administrator who is named in one is let in without that role. That a token counts once stops whoever repeats it, and nobody who forges one. " +
	"Choose GCM for whoever can do it."

// What is taken for what is left out.
const (
	DefaultIV = "@1B2c3D4" // XDOC's

	defaultKeySize       = 256
	defaultPBKDF2        = 600_000 // OWASP's password storage cheat sheet, for SHA-256
	defaultPasswordBytes = 100     // .NET's
)

// Choice is what somebody chooses of Settings. A field that is nil, or empty where it is no pointer, takes the default of today,
// which is authenticated. A pointer to nothing is XDOC's blank: CBC, PKCS7, 256 bits.
type Choice struct {
	KeySize     *int // in bits
	Mode        *string
	Padding     *string
	IV          string
	IVExpansion string
	Derivation  string
	Salt        string
	Hash        string
	Iterations  int
}

// Settings completes the choice. Whether anything can be decrypted by it, Settings.Check says.
func (c *Choice) Settings() Settings {
	s := Settings{
		Mode: GCM, KeySize: defaultKeySize, IV: c.IV, IVExpansion: IVExpansion(c.IVExpansion),
		Derivation: KeyDerivation(cmp.Or(c.Derivation, string(SHA256))), Salt: c.Salt, Hash: c.Hash, Iterations: c.Iterations,
	}
	if c.Mode != nil {
		s.Mode = cmp.Or(Mode(*c.Mode), CBC)
	}
	if c.KeySize != nil {
		s.KeySize = cmp.Or(*c.KeySize, defaultKeySize)
	}
	if c.Padding != nil {
		s.Padding = Padding(*c.Padding)
	}
	switch s.Mode {
	case GCM:
		s.IVExpansion = cmp.Or(s.IVExpansion, RandomIV)
	case CBC:
		s.Padding, s.IVExpansion = cmp.Or(s.Padding, PKCS7), cmp.Or(s.IVExpansion, UTF16LE)
		if s.IVExpansion != RandomIV && s.IVExpansion != Full { // the default has eight characters
			s.IV = cmp.Or(s.IV, DefaultIV)
		}
	case ECB:
		s.Padding = cmp.Or(s.Padding, PKCS7)
	}
	switch s.Derivation {
	case PBKDF2:
		s.Hash, s.Iterations = cmp.Or(s.Hash, "SHA256"), cmp.Or(s.Iterations, defaultPBKDF2)
	case PasswordDeriveBytes:
		s.Hash, s.Iterations = cmp.Or(s.Hash, "SHA1"), cmp.Or(s.Iterations, defaultPasswordBytes)
	}
	return s
}
