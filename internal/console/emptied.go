package console

import "github.com/jeton-io/jeton/internal/words"

// A secret that somebody has typed isn't kept on the page that shows its form again. Where it may be left empty, whoever mends another
// field there could send the form without it and not notice: a project would take any AppKey, a user have no password. So the form says
// that something was typed, and nothing is taken in its place only where the box beside it says so.
const (
	typedField     = "typed"
	leftEmptyField = "left_empty"
)

// emptiedFields are those that a form with such a secret has for that.
func emptiedFields() []string { return []string{typedField, leftEmptyField} }

// filledBut is filled for a form with a secret that may be left empty; the others that are named are only typed anew with it.
func (c *call) filledBut(secret string, others ...string) form {
	f := c.filled(append(others, secret)...)
	if c.form[secret] != "" {
		f.empty(secret)
	}
	f.secret = secret
	return f
}

// empty takes a field's value out of the form, and remembers that there was one.
func (f *form) empty(name string) {
	f.secret = name
	f.Values[name], f.Values[typedField], f.Values[leftEmptyField] = "", checked(true), ""
}

// Emptied reports whether something was typed in the form's secret, and isn't there any more.
func (f form) Emptied() bool { return f.Values[typedField] != "" }

// lacks reports whether a field is the secret that was typed and is to be typed again: where none is needed, the form has no secret.
func (f *form) lacks(name string) bool {
	return name != "" && name == f.secret && f.Emptied() && f.Values[leftEmptyField] == ""
}

// demandSecret notes where the form was sent without the secret that was typed in it before.
func (c *call) demandSecret(f *form) {
	if f.lacks(f.secret) && c.form[f.secret] == "" {
		f.Problems.add(f.secret, typeAgain())
	}
}

func typeAgain() words.Text { return words.Say("Type this again: it isn't kept on the page.") }
