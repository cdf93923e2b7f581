package sealed

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a text may be at most. XDOC's are a few hundred bytes with eight fields.
const (
	MaxText   = 8 << 10 // bytes
	MaxFields = 64
	maxName   = 64 // bytes
)

// Field is one field of a token's text.
type Field struct{ Name, Value string }

// Fields are the fields of a token's text in their order. No two have names that differ in nothing but case.
type Fields []Field

// Get returns the value of the field of that name, whatever the case of its ASCII letters: XDOC doesn't say whether that counts,
// and a misspelled UserName that was passed over would make a call for another than was meant.
func (f Fields) Get(name string) (string, bool) {
	for i := range f {
		if sameName(f[i].Name, name) {
			return f[i].Value, true
		}
	}
	return "", false
}

// TextError says what is wrong with a token's text. It quotes nothing of it, since that may be anything, also a good token's
// secret by a wrong setting.
type TextError struct {
	Problem string // as a sentence without its full stop
	At      int    // so many bytes from the start, at or shortly before the place
}

// Error implements error.
func (e *TextError) Error() string { return fmt.Sprintf("%s (byte %d)", e.Problem, e.At) }

func bad(at int, problem string) error { return &TextError{Problem: problem, At: at} }

// ParseFields reads the text of a token: XML if it begins with '<', JSON if it begins with '{', else form-url. A byte order mark in
// front, as .NET writes it, is passed over. Each notation is read strictly and within bounds, so that no two readers can take one
// text for different things, and what noise decrypts to is hardly ever one. In all of them, the text is UTF-8, names are of ASCII
// letters, digits, '_', '-' and '.' and begin with a letter or '_', no two are equal but for case, and no value has a control
// character but tab and line ends, or U+FFFD, which stands for what was lost. A *TextError says what is wrong. How long the reading
// takes depends on the text.
func ParseFields(plain []byte) (Fields, error) {
	if len(plain) > MaxText {
		return nil, bad(MaxText, "the text is longer than 8,192 bytes")
	}
	if !utf8.Valid(plain) {
		return nil, bad(0, "the text isn't UTF-8: it was encrypted in another way or by another key, or is a text of another encoding")
	}
	text := bytes.TrimPrefix(plain, []byte("\uFEFF"))
	l := list{from: len(plain) - len(text)}
	read := (*list).readForm
	switch start := bytes.TrimLeft(text, space); {
	case bytes.HasPrefix(start, []byte("<")):
		read = (*list).readXML
	case bytes.HasPrefix(start, []byte("{")):
		read = (*list).readJSON
	}
	if err := read(&l, text); err != nil {
		return nil, err
	}
	if len(l.fields) == 0 {
		return nil, l.bad(0, "the text has no fields")
	}
	return l.fields, nil
}

// space is what may stand around an XML root and in JSON.
const space = " \t\r\n"

// list collects fields as they are read.
type list struct {
	from   int // where what is read begins in the text
	fields Fields
	absent []string // names of JSON members that are null: not there, but not to be there twice either
}

// bad makes an error about a place in what is read.
func (l *list) bad(at int, problem string) error { return bad(l.from+at, problem) }

// name checks the name of a field before anything is done with its value.
func (l *list) name(at int, name string) error {
	switch {
	case len(l.fields)+len(l.absent) == MaxFields:
		return l.bad(at, "there are more than 64 fields")
	case !isName(name):
		return l.bad(at, "a field's name is empty, longer than 64 bytes or has other characters than letters, digits, '_', '-' and '.'")
	}
	for i := range l.fields {
		if sameName(l.fields[i].Name, name) {
			return l.bad(at, "a field is there twice, perhaps in another case")
		}
	}
	for _, absent := range l.absent {
		if sameName(absent, name) {
			return l.bad(at, "a field is there twice, perhaps in another case")
		}
	}
	return nil
}

// add adds a field whose name was checked.
func (l *list) add(at int, name, value string) error {
	if !utf8.ValidString(value) {
		return l.bad(at, "a value isn't UTF-8")
	}
	if strings.ContainsFunc(value, unprintable) {
		return l.bad(at, "a value has a control character, or a character that is none")
	}
	if l.fields == nil {
		l.fields = make(Fields, 0, 8)
	}
	l.fields = append(l.fields, Field{name, value})
	return nil
}

// unprintable reports what no value has: control characters but tab and line ends, the two that XML can't have, and U+FFFD, by which
// encoders and this package's libraries replace what is no character, such as half a pair of surrogates.
func unprintable(r rune) bool {
	return '\uFFFD' <= r && r <= '\uFFFF' || unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
}

func isName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for i, c := range []byte(name) {
		switch lower := c | 0x20; {
		case 'a' <= lower && lower <= 'z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return true
}

// sameName reports whether names are equal but for the case of ASCII letters; other characters they don't have.
func sameName(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }
