package console

import (
	"errors"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// problems are what is wrong with the fields of a form, by field, in the order in which that was found.
type problems struct {
	found map[string]problem
	first string
}

// problem is what is wrong with a field: a sentence of ours, or what the inside says of the field or of an entry in it.
type problem struct {
	said  words.Text
	wrong *authority.FieldError
	entry words.Text // which of a list, if one is meant
}

// add notes what is wrong with a field in a sentence of its own.
func (p *problems) add(field string, said words.Text) { p.put(field, problem{said: said}) }

func (p *problems) put(field string, found problem) {
	if p.found == nil {
		p.found, p.first = map[string]problem{}, field
	}
	p.found[field] = found
}

// Of says what is wrong with a field, or nothing. The label is what people know the field by: the inside leaves its name to whoever
// shows what it says.
func (p problems) Of(field string, label any) words.Text {
	found := p.found[field]
	switch {
	case found.wrong == nil:
		return found.said
	case !found.entry.IsZero():
		return wrongWith(found.entry, found.wrong)
	}
	if said, ok := plainly(found.wrong); ok {
		return said
	}
	return wrongWith(words.Say("%s", label), found.wrong)
}

// Has reports whether anything is wrong with a field.
func (p problems) Has(field string) bool {
	_, has := p.found[field]
	return has
}

// First returns the field to begin at.
func (p problems) First() string { return p.first }

// explain notes what the inside found wrong with a field of the form, and reports whether it was that. Names tells how the form calls
// what has another name inside, be it a field, a list or one entry of a list. A field that is named there needs no value in the form.
func (f *form) explain(err error, names map[string]string) bool {
	wrong, ok := errors.AsType[*authority.FieldError](err)
	if !ok {
		return false
	}
	name := wrong.Field
	if ours, ok := names[name]; ok {
		name = ours
	}
	field, n, listed := entryOf(name)
	ours, named := names[field]
	if named {
		field = ours
	}
	if _, has := f.Values[field]; !has && !named {
		return false
	}
	found := problem{wrong: wrong}
	if listed {
		found.entry = f.entry(field, n)
	}
	f.Problems.put(field, found)
	return true
}

// entryOf cuts the name of an entry of a list, "allowed_ips[2]".
func entryOf(name string) (list string, n int, ok bool) {
	list, place, _ := strings.Cut(name, "[")
	n, err := strconv.Atoi(strings.TrimSuffix(place, "]"))
	return list, n, err == nil
}

// entry names an entry of a list by what stands there, or by its place where that is a secret, which isn't shown again.
func (f *form) entry(list string, n int) words.Text {
	if entries := f.entries[list]; n < len(entries) {
		return quoted(entries[n])
	}
	return words.Say("Entry %d", n+1)
}

// quoted sets a label or what somebody has typed apart from what is said of it.
func quoted(text any) words.Text { return words.Say("“%s”", text) }

// wrongWith says what the inside found wrong with something, and how to mend that.
func wrongWith(subject words.Text, wrong *authority.FieldError) words.Text {
	said := words.Say("%s %s.", subject, told(wrong.Problem))
	if wrong.Fix == "" {
		return said
	}
	return words.Say("%s %s", said, told(wrong.Fix))
}
