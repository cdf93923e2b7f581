package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// KeySize is the size of an AES key in bits, as a number or, as forms send it, as a text: empty, "128", "192" or "256". XDOC
// spells 192 as 196.
type KeySize struct {
	Set  bool // the member was present
	Bits int  // 0 where it was empty
}

// IsZero makes `omitzero` leave an absent member out.
func (k KeySize) IsZero() bool { return !k.Set }

// UnmarshalJSON implements json.Unmarshaler. Which sizes there are, it doesn't know. In a merge patch (RFC 7396), null takes back
// what was chosen, as an empty text does.
func (k *KeySize) UnmarshalJSON(b []byte) error {
	text := string(b)
	quoted := bytes.HasPrefix(b, []byte(`"`))
	if quoted {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	*k = KeySize{Set: true}
	if text == "" || text == "null" {
		return nil
	}
	bits, err := strconv.Atoi(text)
	if err != nil && (quoted || !json.Valid(b) || !strings.ContainsAny(text[:1], "-0123456789")) {
		return errors.New("is neither a number nor the text of one")
	}
	if err != nil {
		bits = -1 // 128.5, 1e99: no size, as whoever knows them will say
	}
	if bits == 196 {
		bits = 192
	}
	k.Bits = bits
	return nil
}

// MarshalJSON implements json.Marshaler.
func (k KeySize) MarshalJSON() ([]byte, error) {
	if k.Bits == 0 {
		return []byte(`""`), nil
	}
	return json.Marshal(k.Bits)
}
