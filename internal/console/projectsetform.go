package console

import (
	"net/http"
	"strconv"

	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/words"
)

// tokenSetFields are those of the form of a token set, new or not.
func tokenSetFields() []string {
	return append(emptiedFields(),
		"name", "active", "key", "key_size", "mode", "padding", "iv", "iv_expansion", "key_derivation", "salt", "hash", "iterations", "one_time",
	)
}

// tokenSetView is the form of a token set; without an ID, of a new one. It is also the page that shows the key that was made.
type tokenSetView struct {
	projectPage
	Set    project.TokenSet
	Form   form
	Issued string // the key itself, on the one page that shows it
}

// New reports whether there is no such set yet.
func (v tokenSetView) New() bool { return v.Set.Version == 0 }

// Warning is what is said where a mode is chosen whose tokens can be forged.
func (v tokenSetView) Warning() words.Text { return words.Say(sealed.ForgeableWarning) }

// Choice returns a field that is one of a few, with what follows its label as newField takes it.
func (v tokenSetView) Choice(name, label string, more ...string) (choice, error) {
	f, err := newField(v.Form, name, label, more...)
	return choice{f, tokenSetOptions(name)}, err
}

// KeyHint returns what is said of the key: of one that will be, or of the one that there is.
func (v tokenSetView) KeyHint(made, kept string) string {
	if v.New() {
		return made
	}
	return kept
}

// tokenSetOptions are the values of such a field. Nothing stands for what goes with the mode, or with the key derivation.
func tokenSetOptions(name string) []option {
	standard := option{"", words.Say("Default")}
	switch name {
	case "key_size":
		return []option{{"256", words.Say("%s", "256")}, {"196", words.Say("196 (192 bits)")}, {"128", words.Say("%s", "128")}}
	case "mode":
		return append([]option{{"GCM", words.Say("GCM (recommended)")}}, itself("CBC", "ECB")...)
	case "padding":
		return append([]option{standard}, itself("PKCS7", "ANSIX923", "ISO10126", "Zeros", "None")...)
	case "iv_expansion":
		return []option{
			standard,
			{"utf16le", words.Say("UTF-16LE, two bytes a character")},
			{"zero", words.Say("Eight ASCII characters, then zeros")},
			{"double", words.Say("Eight ASCII characters, twice")},
			{"full", words.Say("Sixteen ASCII characters")},
			{"random", words.Say("Random, in front of each token")},
		}
	case "key_derivation":
		return []option{
			{"sha256", words.Say("SHA-256 of the text")},
			{"raw", words.Say("The text itself")},
			{"md5", words.Say("MD5 of the text (128 bits)")},
			{"pbkdf2", words.Say("%s", "PBKDF2")},
			{"passwordderivebytes", words.Say("%s", "PasswordDeriveBytes (.NET)")},
		}
	default: // hash
		return append([]option{standard}, itself("SHA256", "SHA384", "SHA512", "SHA1", "MD5")...)
	}
}

func (s *server) newTokenSet(c *call) error {
	p, err := c.projectPage("sets")
	if err != nil {
		return err
	}
	f := form{Values: map[string]string{"active": checked(true), "key_size": "256", "mode": "GCM", "key_derivation": "sha256"}}
	return c.renderTokenSet(http.StatusOK, tokenSetView{projectPage: p, Form: f})
}

func (c *call) renderTokenSet(status int, v tokenSetView) error {
	title := words.Say("New token set")
	if !v.New() {
		title = words.Say("%s", v.Set.Name)
	}
	return c.renderAdmin(status, "projectset.html", projectsPath, title, v)
}

// createTokenSet makes a token set. A key that was made for it is shown on the answer, this once; one that was brought along, not even
// then.
func (s *server) createTokenSet(c *call) error {
	p, err := c.projectPage("sets")
	if err != nil {
		return err
	}
	f, size, iterations := c.filledTokenSet()
	if f.Problems.First() != "" {
		return c.renderTokenSet(http.StatusUnprocessableEntity, tokenSetView{projectPage: p, Form: f})
	}
	active, mode, padding := c.form["active"] != "", c.form["mode"], c.form["padding"]
	set, key, err := s.cfg.Projects.AddSet(c.r.Context(), p.Number, project.SetDraft{
		Name: c.form["name"], Active: &active, Key: secret.Text(c.form["key"]), KeySize: &size, Mode: &mode, Padding: &padding,
		IV: c.form["iv"], IVExpansion: c.form["iv_expansion"], KeyDerivation: c.form["key_derivation"], Salt: c.form["salt"], Hash: c.form["hash"],
		Iterations: iterations, OneTime: c.form["one_time"] != "",
	}, c.actor())
	if err != nil {
		if !f.explain(err, map[string]string{"token_sets": "token_sets"}) {
			return err
		}
		return c.renderTokenSet(http.StatusUnprocessableEntity, tokenSetView{projectPage: p, Form: f})
	}
	if key == "" {
		return c.done(p.Path()+"/token-sets", tokenSetAdded)
	}
	return c.renderTokenSet(http.StatusOK, tokenSetView{projectPage: p, Set: set, Issued: key.Reveal()})
}

func (s *server) newTokenSetAgain(c *call) error {
	p, err := c.projectPage("sets")
	if err != nil {
		return err
	}
	f, _, _ := c.filledTokenSet()
	return c.renderTokenSet(http.StatusForbidden, tokenSetView{projectPage: p, Form: f})
}

// filledTokenSet reads the numbers in the form of a token set, and notes what of them can't be read, and where the key is gone.
func (c *call) filledTokenSet() (f form, size, iterations int) {
	f = c.filledBut("key")
	c.demandSecret(&f)
	if size = f.number("key_size"); size == 196 {
		size = 192
	}
	return f, size, f.number("iterations")
}

func (s *server) showTokenSet(c *call) error {
	p, set, err := c.tokenSet()
	if err != nil {
		return err
	}
	return c.renderTokenSet(http.StatusOK, tokenSetView{projectPage: p, Set: set, Form: form{Values: valuesOf(set)}})
}

// valuesOf is a token set as the form has it, without its key. How GCM has its IV nobody chose.
func valuesOf(set project.TokenSet) map[string]string {
	iterations, expansion := "", string(set.IVExpansion)
	if set.Mode == sealed.GCM {
		expansion = ""
	}
	if set.Iterations != 0 {
		iterations = strconv.Itoa(set.Iterations)
	}
	return map[string]string{
		"version": strconv.FormatInt(set.Version, 10), "name": set.Name, "active": checked(set.Active), "key_size": keySizeText(set.KeySize),
		"mode": string(set.Mode), "padding": string(set.Padding), "iv": set.IV, "iv_expansion": expansion,
		"key_derivation": string(set.Derivation), "salt": set.Salt, "hash": set.Hash, "iterations": iterations, "one_time": checked(set.OneTime),
	}
}

// updateTokenSet writes the form over the token set.
func (s *server) updateTokenSet(c *call) error {
	p, set, err := c.tokenSet()
	if err != nil {
		return err
	}
	version, err := c.version()
	if err != nil {
		return err
	}
	f, size, iterations := c.filledTokenSet()
	if f.Problems.First() != "" {
		return c.renderTokenSet(http.StatusUnprocessableEntity, tokenSetView{projectPage: p, Set: set, Form: f})
	}
	patch := c.tokenSetPatch(set, iterations)
	patch.Version, patch.KeySize = version, &size
	if key := secret.Text(c.form["key"]); key != "" {
		patch.Key = &key
	}
	if _, err := s.cfg.Projects.UpdateSet(c.r.Context(), p.Number, set.ID, patch, c.actor()); err != nil {
		if !f.explain(err, nil) {
			return err
		}
		return c.renderTokenSet(http.StatusUnprocessableEntity, tokenSetView{projectPage: p, Set: set, Form: f})
	}
	return c.done(p.Path()+"/token-sets", tokenSetSaved)
}

func (s *server) tokenSetAgain(c *call) error {
	p, set, err := c.tokenSet()
	if err != nil {
		return err
	}
	f, _, _ := c.filledTokenSet()
	return c.renderTokenSet(http.StatusForbidden, tokenSetView{projectPage: p, Set: set, Form: f})
}

// tokenSetPatch returns what the form asks for. What stayed as it was is meant only as far as the chosen mode and key derivation have
// it: who changes to GCM needn't empty the fields of CBC.
func (c *call) tokenSetPatch(set project.TokenSet, iterations int) project.SetPatch {
	former := valuesOf(set)
	text := func(name string, meant bool) *string {
		now := c.form[name]
		if now == former[name] && !meant {
			return nil
		}
		return &now
	}
	mode, derivation := sealed.Mode(c.form["mode"]), sealed.KeyDerivation(c.form["key_derivation"])
	rounds := derivation == sealed.PBKDF2 || derivation == sealed.PasswordDeriveBytes
	active, oneTime := c.form["active"] != "", c.form["one_time"] != ""
	patch := project.SetPatch{
		Name: text("name", true), Active: &active, Mode: text("mode", true), Padding: text("padding", mode != sealed.GCM),
		IV: text("iv", mode == sealed.CBC), IVExpansion: text("iv_expansion", mode == sealed.CBC), KeyDerivation: text("key_derivation", true),
		Salt: text("salt", rounds), Hash: text("hash", rounds), OneTime: &oneTime,
	}
	if rounds || iterations != set.Iterations {
		patch.Iterations = &iterations
	}
	return patch
}
