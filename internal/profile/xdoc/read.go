package xdoc

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
)

// maxBody bounds a form, in bytes: two tokens of the longest, in whatever spelling, and what stands beside them.
const maxBody = 64 << 10

// parameters are those of a query and of a form, in the notation of a query and still percent-encoded.
type parameters string

// The methods that are taken. HEAD is GET whose answer is cut off, and counts as such.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost}

// parameters returns the parameters of the request, those of its query first. A parameter of either is the same to the product, so
// that one that stands in both stands twice.
func (c *call) parameters() (parameters, error) {
	if !slices.Contains(methods, c.r.Method) {
		c.w.Header().Set("Allow", strings.Join(methods, ", "))
		return "", methodNotAllowed
	}
	read := c.hold
	if c.cfg.Forward == nil {
		read = func() (string, error) { return readForm(c.r) }
	}
	form, err := read()
	if err != nil {
		return "", err
	}
	all := c.r.URL.RawQuery
	if form != "" {
		all += "&" + form
	}
	return parameters(all), nil
}

// readForm returns the form in the body of a request, in the notation of a query. Methods of the product take whatever else in
// their body, and their parameters in the query: such a body isn't read.
func readForm(r *http.Request) (string, error) {
	types := r.Header["Content-Type"]
	if coding := r.Header.Get("Content-Encoding"); r.Method != http.MethodPost || len(types) == 0 || coding != "" && !strings.EqualFold(coding, "identity") {
		return "", nil
	}
	media, attributes, err := mime.ParseMediaType(types[0])
	if err != nil || len(types) > 1 {
		return "", badType
	}
	switch media {
	case "application/x-www-form-urlencoded":
		text, err := readBody(r)
		return string(text), err
	case "multipart/form-data":
		text, err := readBody(r)
		if err != nil {
			return "", err
		}
		return flatten(text, attributes["boundary"])
	}
	return "", nil
}

// readBody reads no more than one byte above the bound.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case len(data) > maxBody:
		return nil, tooLarge
	case err != nil:
		return nil, cutOff
	}
	return data, nil
}

// flatten writes a form of several parts (RFC 7578) as a query, so that whoever reads parameters finds them in one notation. Files
// are no parameters. A part's bytes are taken as they are: no Content-Transfer-Encoding is obeyed (section 4.7).
func flatten(text []byte, boundary string) (string, error) {
	var b strings.Builder
	parts := multipart.NewReader(bytes.NewReader(text), boundary)
	for found := false; ; found = true {
		part, err := parts.NextRawPart()
		if found && errors.Is(err, io.EOF) {
			return strings.TrimPrefix(b.String(), "&"), nil
		}
		if err != nil {
			return "", badForm
		}
		if part.FormName() == "" || part.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return "", badForm
		}
		b.WriteString("&" + url.QueryEscape(part.FormName()) + "=" + url.QueryEscape(string(value)))
	}
}

// read finds the values of parameters by their names, which count in any spelling that authority.SameParameter knows. One of them
// that stands twice is refused: of two, one reader takes the first, another the last, and XDOC's own both.
func (p parameters) read(into map[string]*string) error {
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(string(p), "&") {
		name, value, _ := strings.Cut(pair, "=")
		for want, to := range into {
			if !authority.SameParameter(name, want) {
				continue
			}
			if seen[want] {
				return twice
			}
			plain, err := url.QueryUnescape(value)
			if err != nil {
				return badEscape
			}
			*to, seen[want] = plain, true
		}
	}
	return nil
}

// withoutTokens returns the parameters less the tokens, as the query of another address. Values keep their spelling, but for what
// has no place in a URL, so that the product reads what its client wrote.
func (p parameters) withoutTokens() string {
	names := Parameters()
	var b strings.Builder
	for pair := range strings.SplitSeq(names.Without(string(p)), "&") {
		name, value, valued := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil || pair == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(plain))
		if valued {
			b.WriteByte('=')
			writeValue(&b, value)
		}
	}
	return b.String()
}

// writeValue writes a value, and percent-encodes all that isn't known to be harmless in a query: a form's text may hold anything.
func writeValue(b *strings.Builder, value string) {
	const harmless, digits = "-._~!*,;:@/?+%=", "0123456789ABCDEF"
	for i := range len(value) {
		c := value[i]
		if '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.IndexByte(harmless, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
}
