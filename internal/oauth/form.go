package oauth

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unsafe"

	"github.com/jeton-io/jeton/internal/web"
)

const (
	// maxForm bounds a form, in bytes: two tokens of the longest, encoded, and room beside them.
	maxForm = 48 << 10
	// maxParameters bounds their number: no request has more than a dozen, but for services that are listed.
	maxParameters = 64
)

// form is the parameters of a request, in their order. The zero form is empty.
type form struct {
	all  []parameter
	room [8]parameter // for those of an ordinary request
}

type parameter struct{ name, value string }

// get returns a parameter's value, empty where it is absent: sent without a value, it counts as absent (RFC 6749 section
// 3.2).
func (f *form) get(name string) string {
	for i := range f.all {
		if f.all[i].name == name {
			return f.all[i].value
		}
	}
	return ""
}

// values returns all values of a parameter that may be repeated.
func (f *form) values(name string) []string {
	var values []string
	for i := range f.all {
		if f.all[i].name == name && f.all[i].value != "" {
			values = append(values, f.all[i].value)
		}
	}
	return values
}

// repeatable are the parameters that may be there more than once (RFC 8693 section 2.1, RFC 8707 section 2).
func repeatable(name string) bool { return name == "resource" || name == "audience" }

// readForm reads a request's form (RFC 6749 appendix B). It refuses parameters in the URL, which logs keep; another type of
// content; and whatever could be read in two ways: a bad escape, a semicolon, which once divided parameters, and a parameter
// that is there twice, also one that nobody knows.
func readForm(r *http.Request, f *form) error {
	if r.URL.RawQuery != "" {
		return bad(invalidRequest, "Parameters belong into the body, not into the URL.")
	}
	types := r.Header["Content-Type"]
	if len(types) != 1 || !isForm(types[0]) {
		return bad(invalidRequest, "The content type is not application/x-www-form-urlencoded.")
	}
	text, err := readText(r)
	if err != nil {
		return err
	}
	return f.parse(text)
}

// isForm reports whether a content type is a form's; a charset that isn't UTF-8 is refused.
func isForm(contentType string) bool {
	if contentType == "application/x-www-form-urlencoded" {
		return true
	}
	media, parameters, err := mime.ParseMediaType(contentType)
	charset := parameters["charset"]
	return err == nil && media == "application/x-www-form-urlencoded" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

func tooLarge() error {
	return &failure{status: http.StatusRequestEntityTooLarge, code: invalidRequest, description: "The form is longer than any that is meant."}
}

// readText reads the body. Where its length is known, which net/http holds the body to, it is read into that much memory.
func readText(r *http.Request) (string, error) {
	if r.ContentLength > maxForm {
		return "", tooLarge()
	}
	var text []byte
	var err error
	if r.ContentLength >= 0 {
		text = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, text)
	} else {
		text, err = io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large || len(text) > maxForm {
		return "", tooLarge()
	}
	if err != nil {
		return "", bad(invalidRequest, "The body can't be read.")
	}
	return unsafe.String(unsafe.SliceData(text), len(text)), nil //nolint:gosec // G103: nobody else has it, to write into it
}

// parse reads the text of a form. A value without escapes is a part of the text.
func (f *form) parse(text string) error {
	f.all = f.room[:0]
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, "&")
		if pair == "" {
			continue
		}
		if strings.Contains(pair, ";") {
			return malformed()
		}
		name, value, _ := strings.Cut(pair, "=")
		p, err := unescape(name, value)
		if err != nil {
			return err
		}
		if len(f.all) == maxParameters {
			return bad(invalidRequest, "There are too many parameters.")
		}
		if !repeatable(p.name) && f.has(p.name) {
			return bad(invalidRequest, "A parameter is there twice.")
		}
		f.all = append(f.all, p)
	}
	return nil
}

func (f *form) has(name string) bool {
	for i := range f.all {
		if f.all[i].name == name {
			return true
		}
	}
	return false
}

func unescape(name, value string) (p parameter, err error) {
	if p.name, err = unescapeText(name); err != nil {
		return p, malformed()
	}
	if p.value, err = unescapeText(value); err != nil {
		return p, malformed()
	}
	if !web.Storable(p.name) || !web.Storable(p.value) {
		return p, malformed()
	}
	return p, nil
}

// unescapeText is url.QueryUnescape, which looks at each byte by itself. Most texts, tokens above all, hold no escape and stand for
// themselves.
func unescapeText(text string) (string, error) {
	if strings.IndexByte(text, '%') < 0 && strings.IndexByte(text, '+') < 0 {
		return text, nil
	}
	return url.QueryUnescape(text)
}

func malformed() error { return bad(invalidRequest, "The body is no form.") }
