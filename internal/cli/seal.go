package cli

import (
	"crypto/rand"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
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

// with is by what a token is sealed and opened.
type with struct {
	settings sealed.Settings
	key      secret.Text
	cipher   *sealed.Cipher
	bound    string // to which GCM binds it
}

// with reads the flags. What is wrong is told by their names.
func (s *sealing) with(cmd *cobra.Command, p *program) (*with, error) {
	if s.keyFile == "" {
		return nil, lacks(cmd, "key-file")
	}
	if err := errors.Join(checkParameter(s.parameter), checkOnly(s.only)); err != nil {
		return nil, err
	}
	number, err := projectNumber(s.project)
	if err != nil {
		return nil, &usageError{text: "--project is no number of a project"}
	}
	w := &with{bound: sealed.Bound(number, s.parameter)}
	if w.settings, err = s.settings.settings(cmd); err != nil {
		return nil, err
	}
	key, err := p.tokenKey(s.keyFile)
	if err != nil {
		return nil, err
	}
	w.key = secret.Text(key.Reveal())
	if w.cipher, err = sealed.New(w.settings, w.key); err != nil {
		return nil, settingFault(cmd, err)
	}
	if w.settings.Forgeable() {
		p.hint("Warning: %s", sealed.ForgeableWarning)
	}
	return w, nil
}

// settingFault tells of a setting by the flag that it comes from.
func settingFault(cmd *cobra.Command, err error) error {
	bad, ok := errors.AsType[*sealed.SettingError](err)
	if !ok {
		return err
	}
	flags := strings.NewReplacer("key_size", "--key-size", "iv_expansion", "--iv-expansion", "key_derivation", "--key-derivation")
	problem, fix := flags.Replace(bad.Problem), flags.Replace(bad.Fix)
	if bad.Setting == "key" && !cmd.Flags().Changed("mode") {
		fix += " For a client of old, give its --mode."
	}
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
		w, err := s.with(cmd, p)
		if err != nil {
			return err
		}
		text, err := t.read(cmd.Context(), cmd, p, s.parameter)
		if err != nil {
			return err
		}
		token, err := w.cipher.Seal(rand.Reader, []byte(text), w.bound)
		if err != nil {
			return &fault{err, "the plaintext can't be sealed: " + err.Error(), "Choose another --padding: PKCS7 carries every text."}
		}
		shown := api.SealedText{Plaintext: text}
		shown.Base64, shown.URL = sealed.Encode(token)
		return p.showToken(p.judged(shown, s.parameter), s.only)
	})
	return cmd
}
