package oauth

import (
	"net/http"
	"strconv"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/jose"
)

// fixed holds what is the same in many answers, as http.Header wants it. It is shared and never written.
type fixed struct {
	inactive               []byte
	json, noStore, noCache []string
}

func newFixed() fixed {
	return fixed{[]byte(inactive), []string{"application/json"}, []string{"no-store"}, []string{"no-cache"}}
}

// write answers with JSON, for nobody to keep.
func (c *call) write(status int, body []byte) {
	c.noStore()
	c.writeBody(status, body)
}

// writeBody answers with JSON.
func (c *call) writeBody(status int, body []byte) {
	c.w.Header()["Content-Type"] = c.fixed.json
	if status != http.StatusOK { // which goes without saying
		c.w.WriteHeader(status)
	}
	_, _ = c.w.Write(body) // the caller may have gone
}

// noStore is what RFC 6749 section 5.1 demands.
func (c *call) noStore() {
	h := c.w.Header()
	h["Cache-Control"], h["Pragma"] = c.fixed.noStore, c.fixed.noCache
}

// writeToken answers with a token.
func (c *call) writeToken(t *api.OAuthToken) {
	c.write(http.StatusOK, appendToken(make([]byte, 0, len(t.AccessToken)+256), t))
}

// appendToken adds to text what encoding/json makes of t, without a detour by way of what a type is.
func appendToken(text []byte, t *api.OAuthToken) []byte {
	text = jose.AppendText(append(text, `{"access_token":`...), t.AccessToken)
	if t.IssuedTokenType != "" {
		text = jose.AppendText(append(text, `,"issued_token_type":`...), t.IssuedTokenType)
	}
	text = jose.AppendText(append(text, `,"token_type":`...), t.TokenType)
	text = strconv.AppendInt(append(text, `,"expires_in":`...), t.ExpiresIn, 10)
	if t.Scope != nil {
		text = jose.AppendText(append(text, `,"scope":`...), *t.Scope)
	}
	return append(text, '}')
}
