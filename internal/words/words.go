// Package words says what people read, in English, French and German.
//
//	Say("%d tokens", n) ──▶ Text ──▶ Words.Of ──▶ "1 000 jetons"
//	                                    ▲
//	                    fr/*.json, de/*.json, and en/*.json for what has a plural: a file for each part of the house
//
// A text is known by its English words, so that whoever reads a page's source reads what it says. Numbers in it are written as the
// language writes them, and what depends on a number has its forms. A text that a language lacks is said in English; the tests of
// those who say something see to it that there is none.
//
// The package knows no page and no markup, and what it is told is taken as it is: escaping is for whoever writes a page.
//
// The languages are read when the program starts, and a fault in their files ends it there, before it serves anybody: the files are in
// the program itself, so that nothing but a build can bring one in, and the tests of this package see it first.
package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

//go:embed */*.json
var files embed.FS

// Text is something to be said. The zero Text says nothing.
type Text struct {
	english string
	args    []any
}

// Say returns the text of some English words, in which verbs of package fmt stand for args. An arg may be a Text.
func Say(english string, args ...any) Text { return Text{english, args} }

// IsZero reports whether there is nothing to be said.
func (t Text) IsZero() bool { return t.english == "" }

// Words are those of one language. They are safe for many goroutines.
type Words struct {
	tag  language.Tag
	name string
	keys map[string]bool // the English words of which it has a form
	said *message.Printer
	form dateForm
}

// all are the languages, the one that is spoken where no other is asked for first.
var all = mustRead(
	Words{tag: language.English, name: "English", form: dateForm{"%[1]d %[2]s %[3]d", [12]string{
		"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
	}}},
	Words{tag: language.French, name: "Français", form: dateForm{"%[1]d %[2]s %[3]d", [12]string{
		"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
	}}},
	Words{tag: language.German, name: "Deutsch", form: dateForm{"%[1]d. %[2]s %[3]d", [12]string{
		"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember",
	}}},
)

// All returns the words of each language, English first. The caller must not change them.
func All() []*Words { return all }

// For returns the words of a language by its code ("en", "fr", "de"), and false where there is none.
func For(code string) (*Words, bool) {
	for _, w := range all {
		if w.Code() == code {
			return w, true
		}
	}
	return nil, false
}

// Preferred returns the words of the language that a browser's Accept-Language likes best of those there are (RFC 9110 section
// 12.5.4), and the other ones where it likes none of them.
func Preferred(acceptLanguage string, other *Words) *Words {
	asked, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return other
	}
	_, n, confidence := matcher.Match(asked...)
	if confidence == language.No {
		return other
	}
	return all[n]
}

var matcher = newMatcher()

func newMatcher() language.Matcher {
	tags := make([]language.Tag, len(all))
	for n, w := range all {
		tags[n] = w.tag
	}
	return language.NewMatcher(tags)
}

// Code returns the language's code, as HTML's lang wants it (BCP 47).
func (w *Words) Code() string { return w.tag.String() }

// Name returns the language's own name for itself.
func (w *Words) Name() string { return w.name }

// Of returns what a text says in this language.
func (w *Words) Of(t Text) string {
	if t.IsZero() {
		return ""
	}
	args := make([]any, len(t.args))
	for n, arg := range t.args {
		if inner, ok := arg.(Text); ok {
			arg = w.Of(inner)
		}
		args[n] = arg
	}
	return w.said.Sprintf(t.english, args...)
}

// Number returns a whole number as the language writes it.
func (w *Words) Number(n int64) string { return w.said.Sprint(n) }

// dateForm is how a language writes a date: its form, of the day, the month's name and the year.
type dateForm struct {
	form   string
	months [12]string
}

// Date returns the day of a time in UTC.
func (w *Words) Date(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf(w.form.form, t.Day(), w.form.months[t.Month()-1], t.Year())
}

// Moment returns a time in UTC to the minute, and says that it is in UTC.
func (w *Words) Moment(t time.Time) string {
	return w.Date(t) + ", " + t.UTC().Format("15:04") + " UTC"
}

// Second returns a time in UTC to the second, and says that it is in UTC.
func (w *Words) Second(t time.Time) string {
	return w.Date(t) + ", " + t.UTC().Format("15:04:05") + " UTC"
}

// mustRead reads the files of the languages, which are the program's own: a fault in them is seen by whoever tests it.
func mustRead(languages ...Words) []*Words {
	read := make([]*Words, len(languages))
	for n := range languages {
		w := &languages[n]
		said := catalog.NewBuilder(catalog.Fallback(language.English))
		if err := w.read(said); err != nil {
			panic(err)
		}
		w.said = message.NewPrinter(w.tag, message.Catalog(said))
		read[n] = w
	}
	return read
}

// entry is how one text is said: in one form, or by the number that is its first argument.
type entry struct {
	Text, One, Other string
}

// UnmarshalJSON takes a text alone for a form that holds for every number.
func (e *entry) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &e.Text)
	}
	var forms struct{ One, Other string }
	if err := json.Unmarshal(text, &forms); err != nil {
		return err
	}
	e.One, e.Other = forms.One, forms.Other
	return nil
}

func (w *Words) read(said *catalog.Builder) error {
	entries, err := entriesOf(w.Code())
	if err != nil {
		return err
	}
	w.keys = make(map[string]bool, len(entries))
	for english, e := range entries {
		w.keys[english] = true
		if w.tag == language.French {
			e = entry{spaced.Replace(e.Text), spaced.Replace(e.One), spaced.Replace(e.Other)}
		}
		if e.Text != "" {
			err = said.SetString(w.tag, english, e.Text)
		} else {
			err = said.Set(w.tag, english, plural.Selectf(1, "%d", plural.One, e.One, plural.Other, e.Other))
		}
		if err != nil {
			return fmt.Errorf("reading how %q is said in %s: %w", english, w.Code(), err)
		}
	}
	return nil
}

// spaced has French keep the marks of a sentence on the line of their words: the spaces before and between them are such that no line ends
// there, whatever spaces its files have.
var spaced = strings.NewReplacer(" :", "\u00a0:", " ;", "\u202f;", " ?", "\u202f?", " !", "\u202f!", "« ", "«\u00a0", " »", "\u00a0»")

// entriesOf reads the files of a language. No two of them have the same text.
func entriesOf(code string) (map[string]entry, error) {
	names, err := fs.Glob(files, code+"/*.json")
	if err != nil {
		return nil, fmt.Errorf("listing the words of a language: %w", err)
	}
	all := map[string]entry{}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the words of a language: %w", err)
		}
		var entries map[string]entry
		if err := json.Unmarshal(text, &entries); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		for english, e := range entries {
			if _, twice := all[english]; twice {
				return nil, fmt.Errorf("%s has %q, which another file has", name, english)
			}
			all[english] = e
		}
	}
	return all, nil
}

// Missing returns which of some English words a language has no form of. English lacks those alone that have a plural and whose forms
// aren't told: that can't be seen from the words, so that it lacks none.
func (w *Words) Missing(english []string) (missing []string) {
	for _, e := range english {
		if w.tag != language.English && !w.keys[e] {
			missing = append(missing, e)
		}
	}
	return missing
}

// Keys returns the English words of which a language has a form.
func (w *Words) Keys() []string { return slices.Collect(maps.Keys(w.keys)) }
