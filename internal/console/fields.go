package console

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// form is a form of a page: what is in its fields, and what is wrong with that.
type form struct {
	Values   map[string]string
	Problems problems
}

// problems are what is wrong with the fields of a form, by field, in the order in which that was found.
type problems struct {
	said  map[string]words.Text
	first string
}

func (p *problems) add(field string, problem words.Text) {
	if p.said == nil {
		p.said = map[string]words.Text{}
		p.first = field
	}
	p.said[field] = problem
}

// Of returns what is wrong with a field, or nothing.
func (p problems) Of(field string) words.Text { return p.said[field] }

// Has reports whether anything is wrong with a field.
func (p problems) Has(field string) bool { return !p.Of(field).IsZero() }

// First returns the field to begin at.
func (p problems) First() string { return p.first }

// filled returns the form as it was sent, for a page that shows it again. The fields that are named hold secrets, and are typed anew.
func (c *call) filled(secrets ...string) form {
	f := form{Values: maps.Clone(c.form)}
	for _, name := range secrets {
		f.Values[name] = ""
	}
	return f
}

// explain notes what the inside found wrong with a field, and reports whether it was that. Names gives those fields that the inside
// calls otherwise than the form.
func (f *form) explain(err error, names map[string]string) bool {
	wrong, ok := errors.AsType[*authority.FieldError](err)
	if !ok {
		return false
	}
	name := wrong.Field
	if ours, ok := names[name]; ok {
		name = ours
	}
	if _, ours := f.Values[name]; !ours {
		return false
	}
	f.Problems.add(name, problemOf(words.Say("This"), wrong))
	return true
}

// problemOf says what is wrong with a field, as the inside says it of its name, and how to mend that.
func problemOf(name words.Text, wrong *authority.FieldError) words.Text {
	problem := words.Say("%s %s.", name, words.Say(wrong.Problem))
	if wrong.Fix == "" {
		return problem
	}
	return words.Say("%s %s", problem, words.Say(wrong.Fix))
}

// field is one field of a form as the template "field" writes it.
type field struct {
	Name, Label, Value string
	Problem            words.Text
	Focus              bool // to begin at, since it is the first with a problem
	Hint               string
	Type               string
	Attributes         map[string]string
}

// newField returns a field of a form. What follows the label are names and values: "hint", "type", and any other attribute of an input,
// with an empty value for one that only has to be there.
func newField(f form, name, label string, more ...string) (field, error) {
	made := field{
		Name: name, Label: label, Value: f.Values[name], Problem: f.Problems.Of(name), Focus: f.Problems.First() == name, Type: "text",
		Attributes: map[string]string{},
	}
	if len(more)%2 != 0 {
		return made, fmt.Errorf("the field %s has an attribute without a value", name)
	}
	for n := 0; n < len(more); n += 2 {
		switch more[n] {
		case "hint":
			made.Hint = more[n+1]
		case "type":
			made.Type = more[n+1]
		default:
			made.Attributes[more[n]] = more[n+1]
		}
	}
	return made, nil
}

// Has reports whether the field has an attribute.
func (f field) Has(attribute string) bool {
	_, has := f.Attributes[attribute]
	return has
}

// DescribedBy returns the IDs of what is said of the field.
func (f field) DescribedBy() string {
	var ids []string
	if !f.Problem.IsZero() {
		ids = append(ids, f.Name+"-problem")
	}
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	return strings.Join(ids, " ")
}
