package console

import (
	"fmt"
	"strings"

	"github.com/jeton-io/jeton/internal/words"
)

// field is one field of a form as the template "field" writes it.
type field struct {
	Name, Value string
	Label       any // a text, which may have markup in it
	Problem     words.Text
	Focus       bool // to begin at, since it is the first with a problem
	Hint        string
	Type        string
	Attributes  map[string]string
}

// newField returns a field of a form. What follows the label are names and values: "hint", "type", and any other attribute of an input,
// with an empty value for one that only has to be there.
func newField(f form, name string, label any, more ...string) (field, error) {
	made := field{
		Name: name, Label: label, Value: f.Values[name], Problem: f.Problems.Of(name, quoted(label)), Focus: f.Problems.First() == name,
		Type: "text", Attributes: map[string]string{},
	}
	if made.Problem.IsZero() && f.lacks(name) {
		made.Problem, made.Focus = typeAgain(), f.Problems.First() == ""
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

// option is one of the values of a field that has a few.
type option struct {
	Value string
	Text  words.Text
}

// choice is a field that is one of a few, as the template "choice" writes it.
type choice struct {
	field
	Options []option
}

// newChoice returns a field that is one of a few: of values that are followed by their texts each.
func newChoice(f field, values ...string) (choice, error) {
	made := choice{field: f}
	if len(values)%2 != 0 {
		return made, fmt.Errorf("the field %s has a value without a text", f.Name)
	}
	for n := 0; n < len(values); n += 2 {
		made.Options = append(made.Options, option{values[n], words.Say("%s", values[n+1])})
	}
	return made, nil
}

// itself returns options whose texts are their values.
func itself[S ~string](values ...S) []option {
	options := make([]option, len(values))
	for n, v := range values {
		options[n] = option{string(v), words.Say("%s", string(v))}
	}
	return options
}

// way is one of the ways between which a form lets choose, each with fields of its own, as the template "way" writes it.
type way struct {
	Name, Value, Label string
	Chosen             bool
}

func newWay(f form, name, value, label string) way {
	return way{name, value, label, f.Values[name] == value}
}
