package authority

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/secret"
)

// Kind is a kind of credential: a closed set, and the only label of metrics about credentials.
type Kind uint8

// The kinds of credential.
const (
	KindNone       Kind = iota // no credential
	Password                   // HTTP Basic, RFC 7617
	ConsoleSession             // the console's cookie
	APISession                 // the gateway's cookie
	PersonalToken              // a user's rotating personal token
	APIToken                   // a signed API token
	AccessToken                // a short access token, RFC 9068
	SessionToken               // a session token
	ClientSecret               // an OAuth client secret
	Assertion                  // a platform's signed assertion
	Sealed                     // an encrypted query token
	SecondFactor               // the second step of a log-in, beside the ticket that the first one gave
	Link                       // the secret of a link that was sent to a user
	kindCount
)

// String returns the kind's name, as it stands in metrics, logs, headers and the API.
func (k Kind) String() string {
	names := [kindCount]string{
		"none", "password", "console_session", "api_session", "personal_token", "api_token",
		"access_token", "session_token", "client_secret", "assertion", "sealed", "second_factor", "link",
	}
	if k >= kindCount {
		return "unknown"
	}
	return names[k]
}

// Kinds is a set of kinds.
type Kinds uint32

// KindsOf returns the set of the given kinds.
func KindsOf(kinds ...Kind) Kinds {
	var set Kinds
	for _, k := range kinds {
		set |= 1 << k
	}
	return set
}

// Has reports whether the set holds k.
func (s Kinds) Has(k Kind) bool { return s&(1<<k) != 0 }

// Door is one place where calls knock, and the kinds of credential that it accepts. A kind that it doesn't accept is
// refused exactly as an invalid credential is.
type Door struct {
	Name  string // "gateway", "v1", "verify", "console": in the audit log
	Kinds Kinds
}

// Presented is a call as an edge received it, in no protocol's terms. It is not kept.
type Presented struct {
	Given         *Credential // what the edge's protocol itself names, as a log-in form does; nil for nothing
	Bearer        string      // a bearer token that stands elsewhere than in the header, as in a form; empty for none
	Authorization []string    // the values of the Authorization header field
	Cookie        []string    // likewise of Cookie
	Origin        []string    // likewise of Origin
	SecFetchSite  []string    // likewise of Sec-Fetch-Site
	Query         string      // of the call's URL, still percent-encoded: for the tokens that come in it, and for nothing else
	Method        string      // of the call to the protected API
	Host          string      // likewise, with or without port
	Path          string      // likewise, still percent-encoded, without the query
	Route         string      // where the call is to the edge itself: its method and the route's pattern, for the audit log alone
	Upgrade       bool        // the call would have its connection carry a WebSocket, over which pages can write though it is a GET
	Peer          netip.Addr  // the client's address, where it is known
	Asker         netip.Addr  // the address of who asks about the call, where that isn't its client: for the audit log alone
}

// Credential is the one credential of a call.
type Credential struct {
	Kind Kind
	Name string      // the user name beside a password, in UTF-8, the ticket beside a second factor, or the purpose beside a link
	Text secret.Text // the token, or the password
	From netip.Addr  // the client's address, for limits on guessing; it proves nothing
	// Sealed are the tokens of kind Sealed, in the place of Name and Text.
	Sealed SealedTokens
}

// Cookie is a cookie in which a kind of credential comes.
type Cookie struct {
	Kind Kind
	Name string
}

const (
	// maxBasic bounds the credentials of HTTP Basic, decoded, in bytes: more is no password that Jeton lets anyone have.
	maxBasic = 1024
	// maxBearer bounds bearer tokens, in bytes: no kind is longer, and what is longer isn't even hashed.
	maxBearer = 8 * 1024
)

// credential makes at most one Credential of what was presented, and fills c with it.
//
// What a client says expressly, in the header field or in a form, wins over the cookie that its browser adds to every
// call. Two express ones are refused and not resolved: a proxy and the API behind it may each believe another one.
func (a *Authority) credential(in *Presented, door *Door, c *Credential) *Refusal {
	express := len(in.Authorization)
	if in.Given != nil {
		express++
	}
	if in.Bearer != "" {
		express++
	}
	if in.Query != "" && a.cfg.Parameters != (Parameters{}) {
		c.Kind = Sealed
		if ref := a.sealedTokens(in, &c.Sealed); ref != nil {
			return ref
		}
		c.Kind = KindNone
	}
	sealed := c.Sealed.Any()
	if sealed {
		express++
	}
	switch {
	case express > 1:
		return &Refusal{Reason: ReasonTwoCredentials}
	case in.Given != nil && in.Given.Kind >= kindCount:
		return &Refusal{Reason: ReasonNotAcceptedHere}
	case in.Given != nil:
		*c = *in.Given
		return nil
	case sealed:
		c.Kind = Sealed
		return nil
	case in.Bearer != "":
		return a.bearerCredential(in.Bearer, c)
	case express == 0 || in.Authorization[0] == "":
		return a.cookieCredential(in.Cookie, door, c)
	}
	if token, ok := strings.CutPrefix(in.Authorization[0], "Bearer "); ok && strings.IndexByte(token, ' ') < 0 { // as most are spelt
		return a.bearerCredential(token, c)
	}
	scheme, value, _ := strings.Cut(in.Authorization[0], " ")
	value = strings.Trim(value, " ")
	switch {
	case isScheme(scheme, "Bearer"):
		return a.bearerCredential(value, c)
	case isScheme(scheme, "Basic"):
		return a.basicCredential(value, c)
	default:
		return &Refusal{Reason: ReasonUnknownScheme}
	}
}

// isScheme ignores the case of ASCII letters (RFC 9110, section 11.1). Unicode's folds are longer in UTF-8: U+017F is
// no s here.
func isScheme(scheme, want string) bool {
	return scheme == want || len(scheme) == len(want) && strings.EqualFold(scheme, want)
}

// bearerCredential finds the way in whose form the token has (RFC 6750, section 2.1).
func (a *Authority) bearerCredential(token string, c *Credential) *Refusal {
	if token == "" {
		return &Refusal{Reason: ReasonMalformed}
	}
	if len(token) > maxBearer {
		return &Refusal{Reason: ReasonUnrecognized}
	}
	for i := range a.bearer {
		if a.bearer[i].Recognizes(token) {
			c.Kind, c.Text = a.bearer[i].kind, secret.Text(token)
			return nil
		}
	}
	return &Refusal{Reason: ReasonUnrecognized}
}

// basicCredential reads a user name and a password (RFC 7617, with charset UTF-8): the password may hold colons. A client's
// secret has its own form (RFC 6749, section 2.3.1).
func (a *Authority) basicCredential(value string, c *Credential) *Refusal {
	c.Kind = Password
	if len(value) > base64.StdEncoding.EncodedLen(maxBasic) {
		return &Refusal{Reason: ReasonTooLong}
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || strings.ContainsAny(value, "\r\n") || !utf8.Valid(decoded) { // even Strict passes over line breaks
		return &Refusal{Reason: ReasonMalformed}
	}
	if len(decoded) > maxBasic {
		return &Refusal{Reason: ReasonTooLong}
	}
	name, password, ok := strings.Cut(string(decoded), ":")
	if !ok || name == "" || password == "" {
		return &Refusal{Reason: ReasonMalformed}
	}
	c.Name, c.Text = name, secret.Text(password)
	if w, ok := a.ways[ClientSecret].(SecretWay); ok && w.RecognizesSecret(password) {
		c.Kind = ClientSecret
	}
	return nil
}
