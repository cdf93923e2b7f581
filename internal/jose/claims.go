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
type Claims struct {
	json    []byte // of the object
	members []member
}

// readClaims reads claims, which are an object in which registered ones have their own names.
func readClaims(data []byte, in *room) (Claims, error) {
	c, err := readObject(data, in)
	if err != nil {
		return Claims{}, err
	}
	for i := range c.members {
		if isVariant(c.name(i)) {
			return Claims{}, refuse(ErrMemberName, "a registered claim's name has another case")
		}
	}
	return c, nil
}

// isVariant reports whether name is a registered claim's (RFC 7519 section 4.1) in another case. Alone in its object it is
// no duplicate, and yet encoding/json would read "EXP" where it is asked for "exp".
func isVariant(name []byte) bool {
	const longest = 3 * utf8.UTFMax // they all have three letters
	if len(name) < 3 || len(name) > longest {
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

// name returns the name of a member, with its escapes resolved.
func (c Claims) name(i int) []byte {
	name := c.members[i].name.of(c.json)
	if c.members[i].escaped {
		name = unescape(name)
	}
	return name
}

// find returns the JSON text of a claim.
func (c Claims) find(name string) (value, bool) {
	for i := range c.members {
		if string(c.name(i)) == name {
			return c.members[i].value.of(c.json), true
		}
	}
	return nil, false
}

// Has reports whether the claim is there, be it null.
func (c Claims) Has(name string) bool {
	_, ok := c.find(name)
	return ok
}

// Raw returns the JSON text of a claim, which the gate has found good at every level, or nil where it is absent.
func (c Claims) Raw(name string) []byte {
	v, _ := c.find(name)
	return slices.Clone(v)
}

// View is Text without a copy where that can be: it must not be changed.
func (c Claims) View(name string) ([]byte, error) {
	v, ok := c.find(name)
	if !ok {
		return nil, refuse(ErrAbsent, name)
	}
	text, ok := v.text()
	if !ok {
		return nil, refuse(ErrClaimType, name+" is no string")
	}
	return text, nil
}

// Is reports whether a claim is a string, and that one.
func (c Claims) Is(name, text string) bool {
	v, err := c.View(name)
	return err == nil && string(v) == text
}

// Lists reports whether a claim is a string, and that one, or an array of strings that holds it: what [Claims.Texts] returns
// has it.
func (c Claims) Lists(name, text string) bool {
	v, ok := c.find(name)
	if !ok {
		return false
	}
	if one, ok := v.text(); ok {
		return string(one) == text
	}
	texts, ok := v.texts()
	return ok && slices.Contains(texts, text)
}

// Text returns a claim that is a string. It returns ErrAbsent or ErrClaimType.
func (c Claims) Text(name string) (string, error) {
	text, err := c.View(name)
	return string(text), err
}

// Texts returns a claim that is a string or an array of strings, as "aud" may be (RFC 7519 section 4.1.3). It returns
// ErrAbsent or ErrClaimType. An empty array is no error: it names nobody.
func (c Claims) Texts(name string) ([]string, error) {
	v, ok := c.find(name)
	if !ok {
		return nil, refuse(ErrAbsent, name)
	}
	if text, ok := v.text(); ok {
		return []string{string(text)}, nil
	}
	texts, ok := v.texts()
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
	v, ok := c.find(name)
	if !ok {
		return 0, refuse(ErrAbsent, name)
	}
	if !isDigits(bytes.TrimPrefix(v, []byte("-"))) {
		return 0, refuse(ErrClaimType, name+" is no integer")
	}
	return parseSeconds(name, v)
}

// SecondsOrDigits is Seconds for those whose clients also send a string of decimal digits, without a sign.
func (c Claims) SecondsOrDigits(name string) (int64, error) {
	v, _ := c.find(name)
	text, ok := v.text()
	if !ok {
		return c.Seconds(name)
	}
	if !isDigits(text) {
		return 0, refuse(ErrClaimType, name+" is a string that is no integer")
	}
	return parseSeconds(name, text)
}

func isDigits(text []byte) bool {
	return len(text) > 0 && !slices.ContainsFunc(text, func(c byte) bool { return !isDigit(c) })
}

// parseSeconds reads digits, of which only the number can be wrong.
func parseSeconds(name string, digits []byte) (int64, error) {
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return 0, refuse(ErrClaimRange, name+" is too large")
	}
	return n, nil
}

// value is the JSON text of a claim, without the space around. The gate has seen that it is well-formed.
type value []byte

// text returns what a string says.
func (v value) text() ([]byte, bool) {
	if len(v) == 0 || v[0] != '"' {
		return nil, false
	}
	raw := v[1 : len(v)-1 : len(v)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = unescape(raw)
	}
	return raw, true
}

// texts returns what the strings of an array say.
func (v value) texts() ([]string, bool) {
	values, ok := v.elements()
	if !ok {
		return nil, false
	}
	texts := make([]string, len(values))
	for i, value := range values {
		text, ok := value.text()
		if !ok {
			return nil, false
		}
		texts[i] = string(text)
	}
	return texts, true
}

// elements returns the values of an array.
func (v value) elements() (values []value, ok bool) {
	r := reader{data: v}
	if r.peek() != '[' || r.enter() != nil {
		return nil, false
	}
	for r.peek() != ']' && r.at < len(r.data) {
		from := r.at
		if r.value() != nil {
			return nil, false // never: the gate has read it
		}
		values = append(values, v[from:r.at])
		r.space()
		if r.take(',') {
			r.space()
		}
	}
	return values, true
}
