package oauth

import (
	"net/url"

	"github.com/jeton-io/jeton/api"
)

// AppendToken is appendToken.
func AppendToken(text []byte, t *api.OAuthToken) []byte { return appendToken(text, t) }

// ParseForm reads the text of a form.
func ParseForm(text string) (url.Values, error) {
	var f form
	if err := f.parse(text); err != nil {
		return nil, err
	}
	values := url.Values{}
	for _, p := range f.all {
		values.Add(p.name, p.value)
	}
	return values, nil
}
