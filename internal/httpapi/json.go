package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/web"
)

const (
	// maxBody bounds a body, in bytes: several thousand operations fit.
	maxBody = 1 << 20
	// maxDepth bounds how deep lists and objects nest: none of ours goes deeper than three.
	maxDepth = 32
	// maxName bounds a member's name, in bytes. A longer one is unknown anyway, and isn't repeated in a problem.
	maxName = 32
)

// A body that two programs read in two ways is a way round whichever of them checks it: a proxy that admits the first of
// two "roles", and Jeton that takes the last. encoding/json takes the last, ignores the case of names, replaces what
// isn't UTF-8 and stops at nothing that follows. So a body is checked as a text first, by rules of its own.

// jsonFormat is how huma reads and writes JSON, once readBody has let it through.
func jsonFormat() huma.Format {
	return huma.Format{
		Marshal: huma.DefaultJSONFormat.Marshal,
		Unmarshal: func(data []byte, v any) error {
			d := json.NewDecoder(bytes.NewReader(data))
			d.UseNumber() // a number that no float64 holds is a field's problem and not the body's
			return d.Decode(v)
		},
	}
}

// checkForm refuses a request whose query can't be read in one way only, or whose sender wants no JSON. It must come
// before the handler: who gets a 406 for a new token has lost the former one.
func checkForm(r *http.Request, media string) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return api.NewProblem(api.CodeMalformedRequest, "The query is not properly percent-encoded.")
	}
	for _, values := range query {
		if len(values) > 1 {
			return api.NewProblem(api.CodeMalformedRequest, "A query parameter stands twice.")
		}
		if !web.Storable(values[0]) {
			return api.NewProblem(api.CodeMalformedRequest, "A query parameter is not UTF-8, or holds NUL.")
		}
	}
	if !accepts(r.Header.Values("Accept"), media) {
		return api.NewProblem(api.CodeNotAcceptable, "")
	}
	return nil
}

// accepts reads an Accept header field (RFC 9110, section 12.5.1): of the ranges that hold the media type of the answer the most
// specific counts, and weight 0 means no. (huma's own reader panics on some fields.)
func accepts(accept []string, media string) bool {
	field := strings.Join(accept, ",")
	if strings.TrimSpace(field) == "" {
		return true
	}
	family, _, _ := strings.Cut(media, "/")
	ranges := []string{"*/*", family + "/*", media}
	best, accepted := -1, false
	for part := range strings.SplitSeq(field, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		for i, r := range ranges {
			if i >= best && strings.EqualFold(strings.TrimSpace(name), r) {
				best, accepted = i, !weightless(parameters)
			}
		}
	}
	return accepted
}

// weightless reports whether the parameters of a media range say q=0.
func weightless(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); strings.EqualFold(strings.TrimSpace(name), "q") && err == nil && q == 0 {
			return true
		}
	}
	return false
}

// readBody returns the body of a request, which is one JSON value that can be read in one way only.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, api.NewProblem(api.CodeMalformedJSON, "The body is empty.")
	}
	if !jsonType(r.Header, r.Method) {
		return nil, api.NewProblem(api.CodeUnsupportedMediaType, "")
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, err
	}
	if err != nil {
		return nil, api.NewProblem(api.CodeMalformedRequest, "The body didn't arrive whole and in time.")
	}
	return data, checkJSON(data)
}

// jsonType reports whether a body is said to be JSON in UTF-8, without further coding. A body that doesn't say so may
// come from a form on some web page, for which no browser asks leave beforehand.
func jsonType(h http.Header, method string) bool {
	values := h.Values("Content-Type")
	if len(values) != 1 || h.Get("Content-Encoding") != "" {
		return false
	}
	name, parameters, err := mime.ParseMediaType(values[0])
	if err != nil || name != "application/json" && !(name == "application/merge-patch+json" && method == http.MethodPatch) {
		return false
	}
	for parameter, value := range parameters {
		if parameter != "charset" || !strings.EqualFold(value, "utf-8") {
			return false
		}
	}
	return true
}

// checkJSON refuses with a problem what is not I-JSON (RFC 7493): anything but one value in UTF-8, halves of surrogate pairs, and two
// members of one name in an object, of which one reader takes the first and another the last. It also bounds how deep
// the value nests.
func checkJSON(data []byte) error {
	if !utf8.Valid(data) || !json.Valid(data) || halvesPair(data) {
		return api.NewProblem(api.CodeMalformedJSON, "The body is not exactly one JSON value in UTF-8.")
	}
	c := checker{tokens: json.NewDecoder(bytes.NewReader(data))}
	c.tokens.UseNumber()
	return c.value()
}

// checker walks through a valid JSON text and knows where it is, for the problem to name the place.
type checker struct {
	tokens *json.Decoder
	path   []step // from the root to what is looked at
}

// step leads from a list or an object to what it holds.
type step struct {
	name  string // empty in a list
	index int
}

// value walks through one value. It calls itself for what that holds, as deep as maxDepth.
func (c *checker) value() error {
	token, err := c.tokens.Token()
	if err != nil {
		return fmt.Errorf("reading JSON that was found valid: %w", err)
	}
	open, nests := token.(json.Delim)
	if !nests {
		return nil
	}
	if len(c.path) >= maxDepth {
		return api.NewProblem(api.CodeMalformedJSON, "The body nests too deep.")
	}
	c.path = append(c.path, step{})
	seen := make(map[string]bool)
	for i := 0; c.tokens.More(); i++ {
		at := step{index: i}
		if open == '{' {
			if at.name, err = c.name(seen); err != nil {
				return err
			}
		}
		c.path[len(c.path)-1] = at
		if err := c.value(); err != nil {
			return err
		}
	}
	c.path = c.path[:len(c.path)-1]
	_, err = c.tokens.Token() // the closing one
	return err
}

// name reads the name of a member. It compares names as they are meant and not as they are escaped: u0075ser is user.
// Names that differ in case are no duplicates; all but one of them are unknown, for huma to say.
func (c *checker) name(seen map[string]bool) (string, error) {
	token, err := c.tokens.Token()
	if err != nil {
		return "", fmt.Errorf("reading JSON that was found valid: %w", err)
	}
	name, _ := token.(string)
	parent := c.path[:len(c.path)-1]
	if !plainName(name) {
		p := api.NewProblem(api.CodeInvalidField, "")
		p.Errors = []api.FieldProblem{{Field: fieldAt(parent), Problem: "has a member that is unknown"}}
		return "", p
	}
	if seen[name] {
		p := api.NewProblem(api.CodeMalformedJSON, "Two members of one object have the same name.")
		p.Errors = []api.FieldProblem{{Field: fieldAt(append(parent[:len(parent):len(parent)], step{name: name})), Problem: "stands twice"}}
		return "", p
	}
	seen[name] = true
	return name, nil
}

// plainName reports whether a name is of the sort that members and parameters have. Others are never repeated: what
// stands there may be a value in the wrong place.
func plainName(name string) bool {
	return name != "" && len(name) <= maxName && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
}

// fieldAt returns a path as the API names fields: operations[2].pattern. The names in it are plain ones: name lets no
// others by.
func fieldAt(path []step) string {
	var b strings.Builder
	for i, s := range path {
		switch {
		case s.name == "" && i == 0:
			fmt.Fprintf(&b, "%s[%d]", listField, s.index)
		case s.name == "":
			fmt.Fprintf(&b, "[%d]", s.index)
		case i == 0:
			b.WriteString(s.name)
		default:
			b.WriteString("." + s.name)
		}
	}
	if b.Len() == 0 {
		return bodyField
	}
	return b.String()
}

// halvesPair reports whether a string of a valid JSON text escapes one half of a surrogate pair without the other. Such
// halves all become U+FFFD when they are decoded, and different passwords the same.
func halvesPair(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++ // what is escaped; a valid text doesn't end before it
		if first := escaped(data[i:]); utf16.IsSurrogate(first) {
			i += len("u0000")
			if i >= len(data) || data[i] != '\\' || utf16.DecodeRune(first, escaped(data[i+1:])) == utf8.RuneError {
				return true
			}
			i++
		}
	}
	return false
}

// escaped returns the code unit of an escape without its backslash, "u" and four digits; 0 for any other escape.
func escaped(data []byte) rune {
	if len(data) < len("u0000") || data[0] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(data[1:len("u0000")]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}
