package console

import (
	"errors"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

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

// explainListed is explain for forms that have a list as lines, too: what is wrong with one of them is said of what stands there, or
// of its place where that is a secret, which isn't shown again.
func (f *form) explainListed(err error) bool {
	wrong, ok := errors.AsType[*authority.FieldError](err)
	if !ok {
		return false
	}
	list, place, listed := strings.Cut(wrong.Field, "[")
	n, notNumber := strconv.Atoi(strings.TrimSuffix(place, "]"))
	if !listed || notNumber != nil {
		return f.explain(err, nil)
	}
	text, ours := f.Values[list]
	if !ours {
		return false
	}
	name := words.Say("Entry %d", n+1)
	if entries := linesOf(text); n < len(entries) {
		name = words.Say("%s", entries[n])
	}
	f.Problems.add(list, problemOf(name, wrong))
	return true
}

// linesOf returns the lines of a text that say something.
func linesOf(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// wholeNumber reads a field that is a number; an empty one is 0. It notes what is wrong with it, and reports whether that is nothing.
func (f *form) wholeNumber(name string, to *int) bool {
	text := strings.TrimSpace(f.Values[name])
	if text == "" {
		return true
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		f.Problems.add(name, words.Say("Give a whole number."))
		return false
	}
	*to = int(n)
	return true
}

// checked is how a form has a box that is checked, or isn't.
func checked(is bool) string {
	if is {
		return "yes"
	}
	return ""
}
