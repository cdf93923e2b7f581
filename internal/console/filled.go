package console

import (
	"errors"
	"strconv"
	"strings"
	"unicode"

	"github.com/jeton-io/jeton/internal/words"
)

// form is a form of a page: what is in its fields, and what is wrong with that.
type form struct {
	Values   map[string]string
	Problems problems
	entries  map[string][]string // what fields that hold lists were read as
	secret   string              // the field that is typed anew, if it is one that may be left empty
}

// filled returns the form as it was sent, for a page that shows it again, with all fields that it may have: a box that isn't ticked isn't
// sent. The fields that are named hold secrets, and are typed anew.
func (c *call) filled(secrets ...string) form {
	f := form{Values: map[string]string{}}
	for _, name := range c.fields {
		f.Values[name] = c.form[name]
	}
	for _, name := range secrets {
		f.Values[name] = ""
	}
	return f
}

// lines reads a field that has an entry on each line.
func (f *form) lines(name string) []string { return f.read(name, linesOf(f.Values[name])) }

// roles reads a field that has roles, with commas, semicolons, spaces or line breaks between them: no role's name has any.
func (f *form) roles(name string) []string {
	return f.read(name, strings.FieldsFunc(f.Values[name], func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }))
}

func (f *form) read(name string, entries []string) []string {
	if f.entries == nil {
		f.entries = map[string][]string{}
	}
	f.entries[name] = entries
	return entries
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

// number reads a field that is a whole number, 0 where it is empty, and notes what is wrong with it. A time of so many seconds holds it.
func (f *form) number(name string) int {
	text := strings.TrimSpace(f.Values[name])
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 31)
	switch {
	case errors.Is(err, strconv.ErrRange):
		f.Problems.add(name, words.Say("Give a smaller number."))
	case err != nil:
		f.Problems.add(name, words.Say("Give a whole number."))
	default:
		return int(n)
	}
	return 0
}

// numberIn returns a number as a field has it, with nothing for zero.
func numberIn(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// checked is how a form has a box that is checked, or isn't.
func checked(is bool) string {
	if is {
		return "yes"
	}
	return ""
}
