package jose

// ParseForm is Parse for a payload that needn't be claims, which it returns: the vectors of others sign "foo".
func ParseForm(text string) (*Token, string, error) {
	t, payload, err := parseForm(text)
	return t, string(payload), err
}
