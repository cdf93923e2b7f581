package sealed

// Mode is how AES's blocks are chained.
type Mode string

// The modes.
const (
	GCM Mode = "GCM" // NIST SP 800-38D: a random nonce of 12 bytes in front, a tag of 16 behind
	CBC Mode = "CBC" // NIST SP 800-38A section 6.2
	ECB Mode = "ECB" // NIST SP 800-38A section 6.1
)

// Padding is what fills the last block, by .NET's names.
type Padding string

// The paddings. GCM has none.
const (
	PKCS7     Padding = "PKCS7"    // n bytes, each n (RFC 5652 section 6.3)
	ANSIX923  Padding = "ANSIX923" // zeros, then n
	ISO10126  Padding = "ISO10126" // anything, then n
	Zeros     Padding = "Zeros"    // zeros as far as they are needed: none come off a text that fills its block
	NoPadding Padding = "None"     // the text fills its blocks by itself
)

// IVExpansion is how the text of an IV becomes 16 bytes.
type IVExpansion string

// The expansions.
const (
	UTF16LE  IVExpansion = "utf16le" // eight characters, two bytes each, the lower first
	ZeroFill IVExpansion = "zero"    // eight ASCII characters, then zeros
	Double   IVExpansion = "double"  // eight ASCII characters, twice
	Full     IVExpansion = "full"    // sixteen ASCII characters
	RandomIV IVExpansion = "random"  // none is given: each token has its own in front
)

// KeyDerivation is how the text of a key becomes the key.
type KeyDerivation string

// The derivations.
const (
	Raw                 KeyDerivation = "raw"                 // the text's bytes in UTF-8, exactly as many as the key has
	SHA256              KeyDerivation = "sha256"              // the first bytes of its SHA-256
	MD5                 KeyDerivation = "md5"                 // its MD5, for 128 bits
	PBKDF2              KeyDerivation = "pbkdf2"              // RFC 8018 section 5.2
	PasswordDeriveBytes KeyDerivation = "passwordderivebytes" // .NET's, RFC 8018 section 5.1 continued beyond one hash
)

// Settings say how tokens are encrypted. The zero Settings are none: see Check.
type Settings struct {
	Mode        Mode
	KeySize     int     // in bits: 128, 192 or 256
	Padding     Padding // empty for GCM
	IV          string  // for CBC, but where it is random; else empty
	IVExpansion IVExpansion
	Derivation  KeyDerivation
	Salt        string // for PBKDF2 and PasswordDeriveBytes, in UTF-8
	Hash        string // for these: SHA1, SHA256, SHA384, SHA512; for PasswordDeriveBytes also MD5
	Iterations  int    // for these
}

// Forgeable reports whether somebody without the key can make tokens of others that open: what a token says is then no proof
// that its key's owner said so. It goes by the settings alone, never by a token.
func (s *Settings) Forgeable() bool { return s.Mode != GCM }
