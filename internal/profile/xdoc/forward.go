package xdoc

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxHeld bounds a form in the notation of a query that goes on to an upstream, in bytes: it is held whole.
	maxHeld = 1 << 20
	// maxLarge is how many forms of more than maxBody may be held at a time. A form is held before anybody knows whose it is, so that
	// without a bound whoever has connections has the memory.
	maxLarge = 64
)

// body is the form in the body of a call that may go on: what of it goes on, beside the tokens, is known when it is known whether these
// go along.
type body struct {
	form  string // in the notation of a query, or
	parts *head  // in parts, and
	in    *bufio.Reader
	rest  *filter // nil before the call goes on
	large bool    // it has one of the places for large ones
}

// hold reads the form in the body of a call that may go on, in the notation of a query, as readForm does. What the product might read as
// a form is one: by any method, and by a type that only begins as that of a form. One that is compressed, or in letters in which the
// name of a token looks like another, could hold what nobody here sees, and is refused.
func (c *call) hold() (string, error) {
	types := c.r.Header["Content-Type"]
	if c.r.Body == nil || c.r.Body == http.NoBody || len(types) == 0 {
		return "", nil
	}
	media, attributes, err := mime.ParseMediaType(types[0])
	if err != nil || len(types) > 1 {
		return "", badType
	}
	inParts := strings.HasPrefix(media, "multipart/form-data")
	if !inParts && !strings.HasPrefix(media, "application/x-www-form-urlencoded") {
		return "", nil
	}
	coding, charset := c.r.Header.Get("Content-Encoding"), attributes["charset"]
	ascii := []string{"", "utf-8", "us-ascii", "iso-8859-1"}
	if coding != "" && !strings.EqualFold(coding, "identity") || !slices.Contains(ascii, strings.ToLower(charset)) {
		return "", badType
	}
	if inParts {
		if !plainBoundary(types[0], attributes["boundary"]) {
			return "", badType
		}
		return c.holdParts(attributes["boundary"])
	}
	return c.holdForm()
}

// The name of a boundary before its value, and a boundary itself (RFC 2046, section 5.1.1).
var (
	boundaryName = regexp.MustCompile(`(?i)boundary[ \t]*[=*]`)
	boundaryText = regexp.MustCompile(`^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$`)
)

// plainBoundary reports whether all readers of a type find this boundary there. ASP.NET looks for the name wherever it stands, within
// quotes as well, knows no escapes there and no notation of RFC 2231: it would divide a form where nobody here does, and take for a
// parameter what nobody here has seen.
func plainBoundary(contentType, boundary string) bool {
	names := boundaryName.FindAllString(contentType, 2)
	return len(names) == 1 && strings.HasSuffix(names[0], "=") && boundaryText.MatchString(boundary)
}

func (c *call) holdForm() (string, error) {
	c.body = new(body)
	if c.r.ContentLength > maxHeld {
		return "", tooLarge
	}
	text, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err == nil && len(text) > maxBody {
		select {
		case c.large <- struct{}{}:
			c.body.large = true
		default:
			return "", unavailable
		}
		var more []byte
		more, err = io.ReadAll(io.LimitReader(c.r.Body, int64(maxHeld+1-len(text))))
		text = append(text, more...)
	}
	switch {
	case len(text) > maxHeld:
		return "", tooLarge
	case err != nil:
		return "", cutOff
	}
	c.body.form = string(text)
	return c.body.form, nil
}

func (c *call) holdParts(boundary string) (string, error) {
	if boundary == "" {
		return "", badForm
	}
	delimiter := []byte("--" + boundary)
	c.body = &body{in: bufio.NewReaderSize(c.r.Body, maxHead)}
	c.body.rest = &filter{in: c.body.in, delimiter: delimiter, forbidden: tokenNames()}
	var err error
	if c.body.parts, err = readHead(c.body.in, delimiter); err != nil {
		return "", err
	}
	return strings.TrimPrefix(string(c.body.parts.fields), "&"), nil
}

// release gives back what the call had.
func (c *call) release() {
	if c.body != nil && c.body.large {
		<-c.large
	}
}

// forward passes the call on to the product, without the tokens, for whoever the tokens say or whatever else it presents.
func (c *call) forward() error {
	c.forwarded = true
	r := c.r.WithContext(c.r.Context())
	keeps := c.cfg.KeepsTokens != nil && c.cfg.KeepsTokens(c.r.Host, c.r.URL.EscapedPath())
	c.passQuery(r, keeps)
	if c.body != nil {
		c.passBody(r, keeps)
	}
	in := c.in
	in.Route = "" // of a call to the product, the call itself is entered
	err := c.cfg.Forward(c.w, r, &in)
	if err != nil && c.body != nil && c.body.rest != nil {
		if failed := c.body.rest.failed.Load(); failed != nil {
			return failed
		}
	}
	return err
}

// passQuery has a request go on without the tokens in its query, also where that stands as it came.
func (c *call) passQuery(r *http.Request, keeps bool) {
	names := Parameters()
	query := names.Without(c.r.URL.RawQuery)
	if keeps || query == c.r.URL.RawQuery {
		return
	}
	to := *c.r.URL
	to.RawQuery, r.URL = query, &to
	r.RequestURI, _, _ = strings.Cut(c.r.RequestURI, "?")
	if query != "" {
		r.RequestURI += "?" + query
	}
}

// passBody has a request go on with the form that was read, and what is still to come of it.
func (c *call) passBody(r *http.Request, keeps bool) {
	length := c.r.ContentLength
	if c.body.parts == nil {
		text := c.body.form
		if names := Parameters(); !keeps {
			text = names.Without(text)
		}
		r.Body, length = http.NoBody, int64(len(text))
		if text != "" {
			r.Body = io.NopCloser(strings.NewReader(text))
		}
	} else {
		head := c.body.parts.passed(keeps)
		if length >= 0 {
			length += int64(len(head) - c.body.parts.end)
		}
		_, _ = c.body.in.Discard(c.body.parts.end) // it is in the buffer
		if names := Parameters(); c.in.Given != nil {
			// What else a token is judged by must not stand there unseen, either.
			c.body.rest.forbidden = append(c.body.rest.forbidden, strings.ToLower(names.Context), strings.ToLower(names.Project))
		}
		r.Body = readCloser{io.MultiReader(bytes.NewReader(head), c.body.rest), c.r.Body}
	}
	if length != c.r.ContentLength {
		r.ContentLength, r.TransferEncoding, r.Header = length, nil, c.r.Header.Clone()
		if r.Header.Get("Content-Length") != "" {
			r.Header.Set("Content-Length", strconv.FormatInt(length, 10))
		}
	}
}

// passed returns what was read of a form in parts, as it goes on.
func (h *head) passed(keeps bool) []byte {
	if keeps {
		return slices.Clone(h.text[:h.end])
	}
	text, from := make([]byte, 0, h.end), 0
	for _, token := range h.tokens {
		text = append(text, h.text[from:token[0]]...)
		from = token[1]
	}
	return append(text, h.text[from:h.end]...)
}

// readCloser reads from one and closes the other.
type readCloser struct {
	io.Reader
	io.Closer
}
