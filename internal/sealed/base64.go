package sealed

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// maxBase64 is how long Base64 may be, with quotes around it: what is longer holds no text that ParseFields would read, and isn't
// worth decrypting.
const maxBase64 = 2 + (blockSize+nonceSize+tagSize+MaxText+2)/3*4

// Encode writes a token as Base64, and as what stands for it in a URL.
func Encode(token []byte) (text, query string) {
	text = base64.StdEncoding.EncodeToString(token)
	return text, url.QueryEscape(text)
}

// DecodeQuery reads a token as it stands in a query, percent-encoded: see Decode.
func DecodeQuery(raw string) (token []byte, ok bool) {
	if len(raw) > len("%2B")*maxBase64 {
		return nil, false
	}
	text, err := url.QueryUnescape(raw)
	if err != nil {
		return nil, false
	}
	return Decode(text)
}

// Decode reads a token that is no longer percent-encoded. It bears with what clients do to Base64 on its way: a '+' that has become
// a space, quotes around it, which XDOC's samples have, the alphabet of base64url, and a missing end of '='. All else is refused:
// line breaks, bits beyond the last byte, an empty text, and one that is longer than that of any token whose text could be read.
func Decode(text string) (token []byte, ok bool) {
	if len(text) > maxBase64 {
		return nil, false
	}
	if n := len(text); n >= 2 && text[0] == text[n-1] && (text[0] == '"' || text[0] == '\'') {
		text = text[1 : n-1]
	}
	if bare := strings.TrimRight(text, "="); bare != text && (len(text)-len(bare) > 2 || len(text)%4 != 0) {
		return nil, false
	} else if text = bare; text == "" {
		return nil, false
	}
	var room [1024]byte // so that spelling an ordinary token anew takes no memory
	spelled := append(room[:0], text...)
	for i, c := range spelled {
		switch c {
		case ' ', '-':
			spelled[i] = '+'
		case '_':
			spelled[i] = '/'
		case '\r', '\n': // which encoding/base64 would pass over
			return nil, false
		}
	}
	token = make([]byte, base64.RawStdEncoding.DecodedLen(len(spelled)))
	n, err := base64.RawStdEncoding.Strict().Decode(token, spelled)
	return token[:n], err == nil
}
