package bitcanuck

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
)

// maxBody bounds the body of a log-in, in bytes: an e-mail and a password of the longest are below a quarter of it, whatever of
// them is escaped.
const maxBody = 8 << 10

// readLogin returns the e-mail and the password in the body of a request. Members that it doesn't know are passed over, as
// clients send a "ttl" or whether to remember them; but none may stand twice, for of two e-mails one reader takes the first
// and another the last. How long a password may be is for package account to say.
func readLogin(r *http.Request) (email string, password secret.Text, err error) {
	if !saysJSON(r.Header) {
		return "", "", unsupportedType
	}
	data, err := readBody(r)
	if err != nil {
		return "", "", err
	}
	members, err := membersOf(data)
	if err != nil {
		return "", "", err
	}
	email, err = textOf(members["email"], emailRequired)
	if err != nil {
		return "", "", err
	}
	if !web.Storable(email) {
		return "", "", notJSON
	}
	text, err := textOf(members["password"], passwordRequired)
	return email, secret.Text(text), err
}

// saysJSON reports whether a body is said to be JSON, or nothing is said of it. Parameters of the type don't count: there are
// none that would change anything (RFC 8259, section 11), and a body that isn't UTF-8 is refused whatever they say.
//
// A page can have a browser send such a body anywhere, without a type or with that of a form. What it can't do is to read the
// answer; and where the browser tells that the page is from elsewhere, the authority refuses the password.
func saysJSON(h http.Header) bool {
	if coding := h.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return false
	}
	types := h["Content-Type"]
	if len(types) == 0 || len(types) == 1 && types[0] == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(types[0])
	return len(types) == 1 && err == nil && media == "application/json"
}

// readBody reads no more than one byte above the bound.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case len(data) > maxBody:
		return nil, tooLarge
	case err != nil:
		return nil, cutOff
	}
	return data, nil
}

// membersOf returns the members of the one JSON object that a text holds.
func membersOf(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, notJSON
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, notJSON
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, notJSON
		}
		if _, twice := members[name]; twice {
			return nil, memberTwice
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, notJSON
		}
		members[name] = value
	}
	return members, nil
}

// textOf returns the text that a member holds; missing is the error where it is absent, empty or of another type.
//
// encoding/json makes U+FFFD of half a surrogate pair, and so the same password of different ones: such a text is refused.
func textOf(value json.RawMessage, missing error) (string, error) {
	var text *string
	if len(value) == 0 || json.Unmarshal(value, &text) != nil || text == nil || *text == "" {
		return "", missing
	}
	if strings.ContainsRune(*text, utf8.RuneError) && bytes.Contains(bytes.ToLower(value), []byte(`\ud`)) {
		return "", notJSON
	}
	return *text, nil
}
