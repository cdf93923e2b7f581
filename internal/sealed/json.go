package sealed

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// readJSON reads one object of strings and numbers (RFC 8259), a number as it is spelled. A member that is null is absent. One comma
// behind the last member is borne with, as XDOC's samples have it. Half a pair of surrogates, which some readers replace, some drop
// and some keep (RFC 8259 section 8.2), becomes a replacement character here, which add refuses.
func (l *list) readJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(withoutLastComma(text)))
	d.UseNumber()
	if _, err := d.Token(); err != nil { // the '{' that is there
		return l.badJSON(d)
	}
	for d.More() {
		if err := l.readMember(d); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the '}'
		return l.badJSON(d)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return l.bad(int(d.InputOffset()), "something follows the JSON object")
	}
	return nil
}

// badJSON stands for an error of encoding/json, which might quote the text.
func (l *list) badJSON(d *json.Decoder) error {
	return l.bad(int(d.InputOffset()), "the text begins as JSON does, but isn't one object")
}

func (l *list) readMember(d *json.Decoder) error {
	at := int(d.InputOffset())
	token, err := d.Token()
	if err != nil {
		return l.badJSON(d)
	}
	name, _ := token.(string) // in this place encoding/json admits nothing else
	if err := l.name(at, name); err != nil {
		return err
	}
	if token, err = d.Token(); err != nil {
		return l.badJSON(d)
	}
	switch value := token.(type) {
	case string:
		return l.add(at, name, value)
	case json.Number:
		return l.add(at, name, value.String())
	case nil:
		l.absent = append(l.absent, name)
		return nil
	default: // true, false, or what opens an object or array: nothing is read of what lies in it
		return l.bad(at, "a JSON member is neither a string nor a number")
	}
}

// withoutLastComma returns the text without a comma before its closing brace. Were that comma part of a string, so would the brace
// be, and the text no JSON with it or without.
func withoutLastComma(text []byte) []byte {
	object, ok := bytes.CutSuffix(bytes.TrimRight(text, space), []byte("}"))
	if !ok {
		return text
	}
	members, ok := bytes.CutSuffix(bytes.TrimRight(object, space), []byte(","))
	if !ok {
		return text
	}
	return append(members[:len(members):len(members)], '}')
}
