package jose

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Claims are a token's claims: the members of one JSON object. They are read one at a time, by whoever needs one and in
// the type it needs, so that a claim nobody asks for harms nobody. Names are compared byte by byte. The zero Claims has
// none. Claims are safe for concurrent use.
type Claims struct{ members []member }

func readClaims(data []byte) (Claims, error) {
	members, err := readObject(data, 10)
	if err != nil {
		return Claims{}, err
	}
	for _, m := range members {
		if isVariant(m.name) {
			return Claims{}, refuse(ErrMemberName, "a registered claim's name has another case")
		}
	}
	return Claims{members}, nil
}

// isVariant reports whether name is a registered claim's (RFC 7519 section 4.1) in another case. Alone in its object it is
// no duplicate, and yet encoding/json would read "EXP" where it is asked for "exp".
func isVariant(name []byte) bool {
	const longest = 3 * utf8.UTFMax // they all have three letters
	if len(name) > longest {
		return false
	}
	switch string(name) {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti":
		return false
	}
	var array [longest]byte
	switch string(appendFolded(array[:0], name)) {
	case "ISS", "SUB", "AUD", "EXP", "NBF", "IAT", "JTI":
		return true
	}
	return false
}

// find returns the JSON text of a claim.
func (c Claims) find(name string) (member, bool) {
	for _, m := range c.members {
		if string(m.name) == name {
			return m, true
		}
	}
	return member{}, false
}

// Has reports whether the claim is there, be it null.
func (c Claims) Has(name string) bool {
	_, ok := c.find(name)
	return ok
}

// Raw returns the JSON text of a claim, which the gate has found good at every level, or nil where it is absent.
func (c Claims) Raw(name string) []byte {
	m, _ := c.find(name)
	return slices.Clone(m.value)
}

// Text returns a claim that is a string. It returns ErrAbsent or ErrClaimType.
func (c Claims) Text(name string) (string, error) {
	m, ok := c.find(name)
	if !ok {
		return "", refuse(ErrAbsent, name)
	}
	text, ok := m.text()
	if !ok {
		return "", refuse(ErrClaimType, name+" is no string")
	}
	return text, nil
}

// Texts returns a claim that is a string or an array of strings, as "aud" may be (RFC 7519 section 4.1.3). It returns
// ErrAbsent or ErrClaimType. An empty array is no error: it names nobody.
func (c Claims) Texts(name string) ([]string, error) {
	m, ok := c.find(name)
	if !ok {
		return nil, refuse(ErrAbsent, name)
	}
	if text, ok := m.text(); ok {
		return []string{text}, nil
	}
	texts, ok := m.texts()
	if !ok {
		return nil, refuse(ErrClaimType, name+" is neither a string nor an array of strings")
	}
	return texts, nil
}

// Seconds returns a claim that is a NumericDate (RFC 7519 section 2): seconds since 1970 in UTC. It may be 0 or negative,
// which is long past. It returns
//   - ErrAbsent where the claim isn't there;
//   - ErrClaimType for null, a string, and a number with a fraction or an exponent, which Jeton doesn't round;
//   - ErrClaimRange beyond int64.
//
// Compare it with a time's Unix(): microseconds of so large a number would overflow.
func (c Claims) Seconds(name string) (int64, error) {
	m, ok := c.find(name)
	if !ok {
		return 0, refuse(ErrAbsent, name)
	}
	if !isDigits(bytes.TrimPrefix(m.value, []byte("-"))) {
		return 0, refuse(ErrClaimType, name+" is no integer")
	}
	return parseSeconds(name, string(m.value))
}

// SecondsOrDigits is Seconds for those whose clients also send a string of decimal digits, without a sign.
func (c Claims) SecondsOrDigits(name string) (int64, error) {
	m, _ := c.find(name)
	text, ok := m.text()
	if !ok {
		return c.Seconds(name)
	}
	if !isDigits([]byte(text)) {
		return 0, refuse(ErrClaimType, name+" is a string that is no integer")
	}
	return parseSeconds(name, text)
}

func isDigits(text []byte) bool {
	return len(text) > 0 && !slices.ContainsFunc(text, func(c byte) bool { return !isDigit(c) })
}

// parseSeconds reads digits, of which only the number can be wrong.
func parseSeconds(name, digits string) (int64, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, refuse(ErrClaimRange, name+" is too large")
	}
	return n, nil
}

// text returns the value of a member that is a string. The gate has seen that it is well-formed.
func (m member) text() (string, bool) {
	if len(m.value) == 0 || m.value[0] != '"' {
		return "", false
	}
	raw := m.value[1 : len(m.value)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = unescape(raw)
	}
	return string(raw), true
}

// texts returns the values of a member that is an array of strings.
func (m member) texts() ([]string, bool) {
	values, ok := m.elements()
	if !ok {
		return nil, false
	}
	texts := make([]string, len(values))
	for i, value := range values {
		if texts[i], ok = value.text(); !ok {
			return nil, false
		}
	}
	return texts, true
}

// elements returns the values of a member that is an array, each as a member without a name.
func (m member) elements() (values []member, ok bool) {
	r := reader{data: m.value}
	if r.peek() != '[' || r.enter() != nil {
		return nil, false
	}
	for r.peek() != ']' && r.at < len(r.data) {
		from := r.at
		if r.value() != nil {
			return nil, false // never: the gate has read it
		}
		values = append(values, member{value: r.data[from:r.at]})
		r.space()
		if r.take(',') {
			r.space()
		}
	}
	return values, true
}
