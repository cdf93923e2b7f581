package jose

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// AppendText adds a JSON string to text, as encoding/json writes it. Most of what is ever said in a token or about one stands for
// itself there; to all else encoding/json sees.
func AppendText(text []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			encoded, _ := json.Marshal(s) // which never fails for a string
			return append(text, encoded...)
		}
	}
	text = append(text, '"')
	text = append(text, s...)
	return append(text, '"')
}

// object writes the members of one JSON object, in the order in which they are told. Make one with newObject.
type object struct{ text []byte }

// newObject returns the beginning of an object with room for an ordinary token's claims.
func newObject() object { return object{append(make([]byte, 0, 512), '{')} }

// name begins a member.
func (o *object) name(name string) {
	if len(o.text) > 1 {
		o.text = append(o.text, ',')
	}
	o.text = append(AppendText(o.text, name), ':')
}

func (o *object) string(name, value string) {
	o.name(name)
	o.text = AppendText(o.text, value)
}

// optional writes a member where there is a value.
func (o *object) optional(name, value string) {
	if value != "" {
		o.string(name, value)
	}
}

func (o *object) number(name string, value int64) {
	o.name(name)
	o.text = strconv.AppendInt(o.text, value, 10)
}

func (o *object) strings(name string, values []string) {
	o.name(name)
	o.text = append(o.text, '[')
	for i, value := range values {
		if i > 0 {
			o.text = append(o.text, ',')
		}
		o.text = AppendText(o.text, value)
	}
	o.text = append(o.text, ']')
}

// end returns the whole object.
func (o *object) end() []byte { return append(o.text, '}') }
