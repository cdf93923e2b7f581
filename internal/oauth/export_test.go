package oauth

import "net/url"

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
