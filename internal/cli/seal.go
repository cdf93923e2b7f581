package cli

import (
	"context"
	"crypto/aes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// sealing is what the flags of "seal" and "unseal" have in common: by what a token is sealed, and for what.
type sealing struct {
	settings  sealSettings
	keyFile   string
	project   string
	parameter string
	only      string
}

func (s *sealing) flags(p *program, cmd *cobra.Command) {
	s.settings.flags(p, cmd)
	cmd.Flags().StringVar(&s.keyFile, "key-file", "", "`FILE` of the text of the key")
	cmd.Flags().StringVar(&s.project, "project", "1000", "`NUMBER` of the project to which GCM binds the token")
	p.parameterFlag(cmd, &s.parameter)
	p.onlyFlag(cmd, &s.only)
}

// onlyFlag defines the flag that narrows the output to one step.
func (p *program) onlyFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "only", "", "print one step alone: plaintext, base64 or url")
	p.complete(cmd, "only", "plaintext", "base64", "url")
}

// checkOnly refuses what is no step.
func checkOnly(only string) error {
	switch only {
	case "", "plaintext", "base64", "url":
		return nil
	}
	return &usageError{text: "--only is neither plaintext nor base64 nor url"}
}

// cipher returns what seals and opens, and to what GCM binds the token. What is wrong is told by the names of flags.
func (s *sealing) cipher(cmd *cobra.Command, p *program) (*sealed.Cipher, string, error) {
	if s.keyFile == "" {
		return nil, "", lacks(cmd, "key-file")
	}
	if err := errors.Join(checkParameter(s.parameter), checkOnly(s.only)); err != nil {
		return nil, "", err
	}
	number, err := projectNumber(s.project)
	if err != nil {
		return nil, "", &usageError{text: "--project is no number of a project"}
	}
	settings, err := s.settings.settings(cmd)
	if err != nil {
		return nil, "", err
	}
	key, err := p.tokenKey(s.keyFile)
	if err != nil {
		return nil, "", err
	}
	cipher, err := sealed.New(settings, secret.Text(key.Reveal()))
	if err != nil {
		return nil, "", settingFault(err)
	}
	if settings.Forgeable() {
		p.hint("Warning: %s", sealed.ForgeableWarning)
	}
	return cipher, sealed.Bound(number, s.parameter), nil
}

// settingFault tells of a setting by the flag that it comes from.
func settingFault(err error) error {
	bad, ok := errors.AsType[*sealed.SettingError](err)
	if !ok {
		return err
	}
	flags := strings.NewReplacer("key_size", "--key-size", "iv_expansion", "--iv-expansion", "key_derivation", "--key-derivation")
	problem, fix := flags.Replace(bad.Problem), flags.Replace(bad.Fix)
	if bad.Setting == "key" {
		return &fault{err, "the key in --key-file " + problem, fix}
	}
	return &usageError{text: "--" + strings.ReplaceAll(bad.Setting, "_", "-") + " " + problem, fix: fix}
}

// sealCommand makes a token as an application does, for whoever writes that to compare. It asks nobody: key and token stay on this
// machine.
func (p *program) sealCommand() *cobra.Command {
	var s sealing
	var t plaintext
	cmd := &cobra.Command{
		Use:   "seal",
		Short: "Seal a token as an application does, to compare one's own with",
		Long: `Seal a plaintext with an application's key, and print the three steps of it: the
plaintext, encrypted and Base64 encoded, URL encoded as it stands in a call. No
Jeton is asked for that. The settings are those of the token set.

The plaintext is read from --in or standard input, and sealed as it is, good or
not. With --context, --app-id, --app-key-file, --user, --display or --email, one
is made that says so, with the time of now as its GenDT. An empty --mode,
--key-size or --padding is what XDOC has where it is blank: CBC, 256, PKCS7.`,
		Example: "  jeton seal --key-file key.txt --context MySecurityContext --app-id MyAppId --app-key-file app.key\n" +
			"  jeton seal --key-file key.txt --parameter XUT --user john --display 'John Doe' --form json --only url\n" +
			"  jeton seal --key-file old.key --mode CBC --iv @1B2c3D4 --in token.xml",
	}
	s.flags(p, cmd)
	t.flags(p, cmd)
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		if err := t.check(cmd); err != nil {
			return err
		}
		cipher, bound, err := s.cipher(cmd, p)
		if err != nil {
			return err
		}
		text, err := t.read(cmd.Context(), cmd, p, s.parameter)
		if err != nil {
			return err
		}
		token, err := cipher.Seal(rand.Reader, []byte(text), bound)
		if err != nil {
			return &fault{err, "the plaintext can't be sealed: " + err.Error(), "Choose another --padding: PKCS7 carries every text."}
		}
		shown := api.SealedText{Plaintext: text}
		shown.Base64, shown.URL = sealed.Encode(token)
		return p.showToken(p.judged(shown, s.parameter), s.only)
	})
	return cmd
}

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
		cipher, bound, err := s.cipher(cmd, p)
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
		plain, sound := cipher.Open(raw, bound)
		if sound != 1 || !utf8.Valid(plain) && !firstBlock(plain) {
			return s.closed(cmd)
		}
		shown := api.SealedText{Plaintext: strings.ToValidUTF8(string(plain), "\uFFFD")}
		shown.Base64, shown.URL = sealed.Encode(raw)
		shown = p.judged(shown, s.parameter)
		if settings, _ := s.settings.settings(cmd); shown.Fields == nil && settings.Mode == sealed.CBC {
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

// closed is the error of a token that doesn't open.
func (s *sealing) closed(cmd *cobra.Command) error {
	fix := "It was cut or changed, or sealed by another key or other settings: compare --mode, --key-size, --key-derivation"
	switch settings, _ := s.settings.settings(cmd); settings.Mode {
	case sealed.GCM:
		fix += ", and --project and --parameter, to which it is bound."
	case sealed.CBC:
		fix += ", --padding, --iv and --iv-expansion."
	default:
		fix += " and --padding."
	}
	return &fault{errors.New("the token doesn't open"), "", fix}
}

// judged adds to a token what its plaintext says, and what is wrong with that.
func (p *program) judged(text api.SealedText, parameter string) api.SealedText {
	fields, problems := readFields(text.Plaintext, parameter, p.env.Now())
	text.Fields, text.Problem = fields, strings.Join(problems, "; ")
	return text
}

// showToken prints a token in the three steps of its making, or one of them. What would have it refused is said on stderr.
func (p *program) showToken(text api.SealedText, only string) error {
	if steps := map[string]string{"plaintext": text.Plaintext, "base64": text.Base64, "url": text.URL}; only != "" && p.output != formatJSON {
		p.lines(steps[only])
		return p.doubt(text)
	}
	err := p.show(text, func() {
		for _, step := range [][2]string{{"Plaintext:", text.Plaintext}, {"Encrypted and Base64 encoded:", text.Base64}, {"URL encoded:", text.URL}} {
			p.say("%s", step[0])
			p.lines(step[1])
			p.say("")
		}
		if len(text.Fields) > 0 {
			rows := make([][]string, len(text.Fields))
			for i, f := range text.Fields {
				rows[i] = []string{f.Name, f.Value}
			}
			p.table([]string{"FIELD", "VALUE"}, rows)
		}
	})
	return errors.Join(err, p.doubt(text))
}

// doubt says on stderr what is wrong with what a token says.
func (p *program) doubt(text api.SealedText) error {
	if text.Problem == "" {
		return nil
	}
	if err := p.out.Flush(); err != nil { // or the remark would stand before what it is about
		return outputError(err)
	}
	p.hint("It would be refused: %s.", strings.TrimSuffix(text.Problem, "."))
	return nil
}

// lines prints a text of several lines.
func (p *program) lines(text string) {
	for line := range strings.Lines(text) {
		_, _ = fmt.Fprintln(p.out, clean(strings.TrimRight(line, "\r\n"))) // see say
	}
}

// tokenSetEncrypt is XDOC's String Encryptor, at Jeton.
func (p *program) tokenSetEncrypt() *cobra.Command {
	var t plaintext
	var parameter, only string
	cmd := &cobra.Command{
		Use:   "encrypt NUMBER SET",
		Short: "Have Jeton seal a plaintext by a token set, as its application would",
		Long: `Have Jeton seal a plaintext by a token set, and print the three steps of it. The
token counts as if it came from the application. For the plaintext, see "jeton
seal", which does the same with a key of one's own, and asks nobody.`,
		Example: "  jeton token-set encrypt 1000 current --context MySecurityContext --app-key-file app.key\n" +
			"  jeton token-set encrypt 1000 current --parameter XUT --user john --only url",
	}
	t.flags(p, cmd)
	p.parameterFlag(cmd, &parameter)
	p.onlyFlag(cmd, &only)
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(t.check(cmd), checkParameter(parameter), checkOnly(only)); err != nil {
			return err
		}
		return p.askSet(func(ctx context.Context, c *client.Client, number int, id string) error {
			text, err := t.read(ctx, cmd, p, parameter)
			if err != nil {
				return err
			}
			sealed, err := c.Seal(ctx, number, id, api.SealRequest{Plaintext: text, Parameter: parameter})
			if err != nil {
				return err
			}
			return p.showToken(sealed, only)
		})(cmd, args)
	})
	return cmd
}

// tokenSetDecrypt is XDOC's String Decryptor, at Jeton.
func (p *program) tokenSetDecrypt() *cobra.Command {
	var in, parameter, only string
	cmd := &cobra.Command{
		Use:   "decrypt NUMBER SET",
		Short: "Have Jeton open a token by a token set, and say what is wrong with it",
		Long: `Have Jeton open a token by a token set, and print what it says, and what is
wrong with that. It is not used up. The token is read from --in or standard
input, as it stands in a URL, or before it was URL encoded.`,
		Example: "  jeton token-set decrypt 1000 current --in token.txt\n  jeton token-set decrypt 1000 current --parameter XUT < token.txt",
	}
	cmd.Flags().StringVar(&in, "in", "-", "`FILE` of the token; - for standard input")
	p.parameterFlag(cmd, &parameter)
	p.onlyFlag(cmd, &only)
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(checkParameter(parameter), checkOnly(only)); err != nil {
			return err
		}
		return p.askSet(func(ctx context.Context, c *client.Client, number int, id string) error {
			token, err := p.sealedFrom(ctx, in, "--in", "Token")
			if err != nil {
				return err
			}
			text, err := c.Unseal(ctx, number, id, api.UnsealRequest{Token: token.Reveal(), Parameter: parameter})
			if err != nil {
				return err
			}
			return p.showToken(text, only)
		})(cmd, args)
	})
	return cmd
}
