package console

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/web"
)

// The bounds of a form's body, in bytes.
const (
	maxForm      = 8 << 10   // three passwords of the longest, each byte of them percent-encoded
	maxAdminForm = 256 << 10 // a service with hundreds of operations
)

// readForm reads the body of a POST, which is a form with no other fields than those, each of them once at most, but for those that
// are named with a star behind. A field that stands twice has two values for two readers, and one that isn't ours was put there by
// somebody else.
//
// What is wrong is never said with the value, which may be a password.
func (c *call) readForm(fields []string) error {
	mediaType, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" || len(c.r.Header["Content-Type"]) > 1 {
		return api.NewProblem(api.CodeUnsupportedMediaType, "")
	}
	most := int64(maxForm)
	if c.principal.Admin() {
		most = maxAdminForm
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, most))
	if err != nil {
		return unreadable(err)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil { // which says what it could not decode
		return api.NewProblem(api.CodeMalformedRequest, "The form is not properly percent-encoded.")
	}
	c.form, c.lists = make(map[string]string, len(fields)), map[string][]string{}
	c.fields = slices.DeleteFunc(slices.Clone(fields), func(name string) bool { return strings.HasSuffix(name, "*") })
	for name, value := range values {
		many := slices.Contains(fields, name+"*")
		if !many && (!slices.Contains(fields, name) || len(value) > 1) || !storable(value) {
			return api.NewProblem(api.CodeMalformedRequest, "The form has a field that is unknown, stands twice, is not UTF-8 or holds NUL.")
		}
		if many {
			c.lists[name] = value
		} else {
			c.form[name] = value[0]
		}
	}
	return nil
}

func storable(values []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool { return !web.Storable(v) })
}

// unreadable returns the error of a body that could not be read: it was too long, or its sender stopped.
func unreadable(err error) error {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return err
	}
	return fmt.Errorf("%w: %w", api.NewProblem(api.CodeMalformedRequest, "The form ended early."), err)
}

// version returns the version of a record that a form is to change. A form of ours always has one; 0 would be any.
func (c *call) version() (int64, error) {
	version, err := strconv.ParseInt(c.form["version"], 10, 64)
	if err != nil || version < 1 {
		return 0, api.NewProblem(api.CodeMalformedRequest, "")
	}
	return version, nil
}
