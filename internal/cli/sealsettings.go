package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/sealed"
)

// sealSettings are the flags that say how tokens are sealed: for a token set at Jeton, and for "seal" and "unseal", which ask none.
// As in the API, what is left out takes the default of today, and what is given empty is XDOC's blank.
type sealSettings struct {
	mode, keySize, padding, iv, ivExpansion string
	derivation, salt, hash                  string
	iterations                              int
}

// settingFlags are the names of these flags.
var settingFlags = []string{"mode", "key-size", "padding", "iv", "iv-expansion", "key-derivation", "salt", "hash", "iterations"}

func (s *sealSettings) flags(p *program, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.mode, "mode", "", "GCM (if not given), CBC (if empty) or ECB")
	f.StringVar(&s.keySize, "key-size", "", "`BITS` of the key: 256 (if not given, or empty), 192 (which XDOC spells 196) or 128")
	f.StringVar(&s.padding, "padding", "", "PKCS7 (if not given, or empty), ANSIX923, ISO10126, Zeros or None; GCM has none")
	f.StringVar(&s.iv, "iv", "", "`TEXT` of the IV, for CBC: eight characters ("+sealed.DefaultIV+" if not given), or sixteen with --iv-expansion full")
	f.StringVar(&s.ivExpansion, "iv-expansion", "", "how that becomes 16 bytes: utf16le (if not given), zero, double or full; random for one of each token's own")
	f.StringVar(&s.derivation, "key-derivation", "", "how the text of the key becomes the key: sha256 (if not given), raw, md5, pbkdf2 or passwordderivebytes")
	f.StringVar(&s.salt, "salt", "", "`TEXT` of the salt, for pbkdf2 and passwordderivebytes")
	f.StringVar(&s.hash, "hash", "", "for pbkdf2: SHA256 (if not given), SHA384, SHA512 or SHA1; for passwordderivebytes SHA1 (if not given), or also MD5")
	f.IntVar(&s.iterations, "iterations", 0, "`NUMBER` of rounds, for pbkdf2: 600000 if not given; for passwordderivebytes 100")
	p.complete(cmd, "mode", "GCM", "CBC", "ECB")
	p.complete(cmd, "key-size", "256", "192", "128")
	p.complete(cmd, "padding", "PKCS7", "ANSIX923", "ISO10126", "Zeros", "None")
	p.complete(cmd, "iv-expansion", "utf16le", "zero", "double", "full", "random")
	p.complete(cmd, "key-derivation", "sha256", "raw", "md5", "pbkdf2", "passwordderivebytes")
	p.complete(cmd, "hash", "SHA256", "SHA384", "SHA512", "SHA1", "MD5")
}

// size returns the size of the key, as a request has it.
func (s *sealSettings) size(cmd *cobra.Command) (api.KeySize, error) {
	size := api.KeySize{Set: cmd.Flags().Changed("key-size")}
	if s.keySize == "" {
		return size, nil
	}
	// The type of the wire knows how XDOC spells 192.
	if err := size.UnmarshalJSON([]byte(strconv.Quote(s.keySize))); err != nil {
		return size, &usageError{text: "--key-size is no number of bits", fix: "Give 256, 192 or 128."}
	}
	return size, nil
}

// settings returns the settings that the flags choose.
func (s *sealSettings) settings(cmd *cobra.Command) (sealed.Settings, error) {
	size, err := s.size(cmd)
	if err != nil {
		return sealed.Settings{}, err
	}
	choice := sealed.Choice{
		Mode: given(cmd, "mode", s.mode).Pointer(), Padding: given(cmd, "padding", s.padding).Pointer(),
		IV: s.iv, IVExpansion: s.ivExpansion, Derivation: s.derivation, Salt: s.salt, Hash: s.hash, Iterations: s.iterations,
	}
	if size.Set {
		choice.KeySize = &size.Bits
	}
	return choice.Settings(), nil
}

// draft writes the settings into a request for a new token set.
func (s *sealSettings) draft(cmd *cobra.Command, d *api.NewTokenSet) (err error) {
	d.KeySize, err = s.size(cmd)
	d.Mode, d.Padding = given(cmd, "mode", s.mode), given(cmd, "padding", s.padding)
	d.IV, d.IVExpansion, d.KeyDerivation, d.Salt, d.Hash, d.Iterations = s.iv, s.ivExpansion, s.derivation, s.salt, s.hash, s.iterations
	return err
}

// patch writes those settings into a merge patch whose flags were given.
func (s *sealSettings) patch(cmd *cobra.Command, p *api.TokenSetPatch) (err error) {
	p.KeySize, err = s.size(cmd)
	p.Mode, p.Padding = given(cmd, "mode", s.mode), optional(cmd, "padding", s.padding)
	p.IV, p.IVExpansion, p.KeyDerivation = optional(cmd, "iv", s.iv), optional(cmd, "iv-expansion", s.ivExpansion), given(cmd, "key-derivation", s.derivation)
	p.Salt, p.Hash, p.Iterations = optional(cmd, "salt", s.salt), optional(cmd, "hash", s.hash), given(cmd, "iterations", s.iterations)
	return err
}

// tokenKey reads the text of a key from a file. Space is a part of it.
func (p *program) tokenKey(file string) (client.Secret, error) {
	return p.secretFrom(file, "--key-file")
}
