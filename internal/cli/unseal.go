package cli

import (
	"crypto/aes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/sealed"
)

// unsealCommand opens a token, for whoever wonders what is in it.
func (p *program) unsealCommand() *cobra.Command {
	var s sealing
	var in string
	cmd := &cobra.Command{
		Use:   "unseal",
		Short: "Open a sealed token, and say what is wrong with it",
		Long: `Open a token with an application's key, and print what it says, and what is
wrong with that. No Jeton is asked; what a project wants besides, "jeton project
explain" knows. The settings are those of the token set.

The token is read from --in or standard input, as it stands in a URL, or before
it was URL encoded.`,
		Example: "  jeton unseal --key-file key.txt --in token.txt\n" +
			"  jeton unseal --key-file old.key --mode CBC --iv @1B2c3D4 --parameter XUT < token.txt",
	}
	s.flags(p, cmd)
	cmd.Flags().StringVar(&in, "in", "-", "`FILE` of the token; - for standard input")
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		w, err := s.with(cmd, p)
		if err != nil {
			return err
		}
		token, err := p.sealedFrom(cmd.Context(), in, "--in", "Token")
		if err != nil {
			return err
		}
		raw, ok := sealed.DecodeQuery(token.Reveal())
		if !ok {
			return &fault{errors.New("the token isn't Base64"), "", "Give what stands after XST= or XUT= in the URL, whole and alone."}
		}
		plain, sound := w.cipher.Open(raw, w.bound)
		if sound != 1 || !utf8.Valid(plain) && !firstBlock(plain) {
			return w.closed(raw)
		}
		shown := api.SealedText{Plaintext: strings.ToValidUTF8(string(plain), "\uFFFD")}
		shown.Base64, shown.URL = sealed.Encode(raw)
		shown = p.judged(shown, s.parameter)
		if shown.Fields == nil && w.settings.Mode == sealed.CBC {
			shown.Problem += "; if only its first 16 bytes are wrong, so are --iv or --iv-expansion"
		}
		return p.showToken(shown, s.only)
	})
	return cmd
}

// firstBlock reports whether a text is one but for its first 16 bytes, which a wrong IV spoils in CBC, and nothing else.
func firstBlock(plain []byte) bool {
	return len(plain) > aes.BlockSize && utf8.Valid(plain[aes.BlockSize:])
}

// closed is the error of a token that doesn't open. Whoever has the key may well not know how it is used: how XDOC makes a key and
// an IV of two texts isn't public. So other settings are tried.
func (w *with) closed(raw []byte) error {
	fix := "It was cut or changed, or sealed by another key or other settings: compare --mode, --key-size, --key-derivation"
	switch w.settings.Mode {
	case sealed.GCM:
		fix += ", and --project and --parameter, to which it is bound."
	case sealed.CBC:
		fix += ", --padding, --iv and --iv-expansion."
	default:
		fix += " and --padding."
	}
	if other, ok := w.guess(raw); ok {
		fix = "It does by other settings: " + flagsOf(&other)
	}
	return &fault{errors.New("the token doesn't open"), "", fix}
}

// guess looks for settings by which the token opens to what is a token's text. Noise is hardly ever that. What a key is derived by
// in many rounds isn't tried with other rounds, as it would take too long.
func (w *with) guess(raw []byte) (sealed.Settings, bool) {
	for _, s := range []sealed.Settings{
		{Derivation: sealed.SHA256},
		{Derivation: sealed.Raw},
		{Derivation: sealed.MD5},
		{Derivation: sealed.PasswordDeriveBytes, Hash: "SHA1", Iterations: 100, Salt: w.settings.Salt}, // .NET's defaults
		{Derivation: sealed.PasswordDeriveBytes, Hash: "SHA1", Iterations: 100},
	} {
		for _, s.KeySize = range []int{256, 192, 128} {
			for _, s.Mode = range []sealed.Mode{sealed.GCM, sealed.CBC, sealed.ECB} {
				for _, variant := range w.variants(s) {
					if w.opens(&variant, raw) {
						return variant, true
					}
				}
			}
		}
	}
	return sealed.Settings{}, false
}

// variants returns settings with each padding and each IV that they can have.
func (w *with) variants(s sealed.Settings) (all []sealed.Settings) {
	if s.Mode == sealed.GCM {
		s.IVExpansion = sealed.RandomIV
		return []sealed.Settings{s}
	}
	expansions := []sealed.IVExpansion{""}
	if s.Mode == sealed.CBC {
		expansions = []sealed.IVExpansion{sealed.UTF16LE, sealed.ZeroFill, sealed.Double, sealed.Full, sealed.RandomIV}
	}
	for _, padding := range []sealed.Padding{sealed.PKCS7, sealed.ANSIX923, sealed.ISO10126, sealed.Zeros, sealed.NoPadding} {
		for _, expansion := range expansions {
			s.Padding, s.IVExpansion, s.IV = padding, expansion, ""
			if expansion != "" && expansion != sealed.RandomIV {
				s.IV = orElse(w.settings.IV, sealed.DefaultIV)
			}
			all = append(all, s)
		}
	}
	return all
}

// opens reports whether the token opens by settings. Those that can't be, as with a key of another size, open nothing.
func (w *with) opens(s *sealed.Settings, raw []byte) bool {
	cipher, err := sealed.New(*s, w.key)
	if err != nil {
		return false
	}
	plain, sound := cipher.Open(raw, w.bound)
	_, err = sealed.ParseFields(plain)
	return sound == 1 && err == nil
}

// flagsOf returns the flags that stand for settings, but for those that are what they are without.
func flagsOf(s *sealed.Settings) string {
	flags := "--mode " + string(s.Mode)
	for _, flag := range [][3]string{
		{"key-size", fmt.Sprint(s.KeySize), "256"},
		{"padding", string(s.Padding), string(sealed.PKCS7)},
		{"iv", s.IV, sealed.DefaultIV},
		{"iv-expansion", string(s.IVExpansion), string(sealed.UTF16LE)},
		{"key-derivation", string(s.Derivation), string(sealed.SHA256)},
		{"salt", s.Salt, ""},
	} {
		if name, value, usual := flag[0], flag[1], flag[2]; value != "" && value != usual && !(s.Mode == sealed.GCM && name == "iv-expansion") {
			flags += " --" + name + " " + shellWord(value)
		}
	}
	return flags
}
