package web

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// The identity headers, by their place in IdentityNames.
const (
	remoteUser = iota
	remoteName
	remoteEmail
	remoteGroups
	xAuthRequestUser
	xAuthRequestEmail
	xAuthRequestGroups
	xAuthRequestPreferredUsername
	xJetonUserID
	xJetonCredentialKind
	xJetonCredentialID
	xJetonService
	xJetonStatus
	identityCount
)

// StatusHeader is the one among IdentityNames that tells of the answer and not of the caller: the status that the caller should
// see, where a proxy doesn't understand every one.
const StatusHeader = "X-Jeton-Status"

// IdentityNames are the header fields by which an API hears whose a call is, in the spelling of http.Header's keys, which
// spares working it out for each answer. The first two families are what Authelia and oauth2-proxy send, so that an API
// that knows either need not change.
var IdentityNames = [identityCount]string{
	"Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups",
	"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username",
	"X-Jeton-User-Id", "X-Jeton-Credential-Kind", "X-Jeton-Credential-Id", "X-Jeton-Service", StatusHeader,
}

// SetIdentity tells whose a call is that may pass, in every identity header, to nothing where there is nothing to tell. The
// values share one array: a header of thirteen fields costs one allocation, and those with nothing to tell none.
func SetIdentity(h http.Header, d *authority.Decision) {
	values := IdentityValues(d)
	for i, name := range IdentityNames {
		h[name] = values[i : i+1 : i+1]
	}
}

// IdentityValues tells whose a call is that may pass, in the order of IdentityNames; empty is what there is nothing to tell of.
func IdentityValues(d *authority.Decision) []string {
	values := identityValues(d)
	return values[:]
}

// Identify appends the identity headers of a call that may pass: SetIdentity, where there is no http.Header.
func (f Fields) Identify(d *authority.Decision) Fields {
	values := identityValues(d)
	for i, name := range IdentityNames {
		f = append(f, Field{name, values[i]})
	}
	return f
}

// Anonymize appends the identity headers of a call that may not pass: each says nothing, so that a proxy that copies them puts that in
// the place of what a client wrote, but for StatusHeader, which tells what its caller should see.
func (f Fields) Anonymize(status string) Fields {
	for _, name := range IdentityNames[:xJetonStatus] {
		f = append(f, Field{name, ""})
	}
	return append(f, Field{StatusHeader, status})
}

func identityValues(d *authority.Decision) (values [identityCount]string) {
	u := &d.Principal.User
	values[remoteUser] = encodeField(u.Username)
	values[remoteName] = encodeField(u.DisplayName)
	values[remoteEmail] = encodeField(u.Email)
	values[xJetonUserID], values[xJetonCredentialID], values[remoteGroups] = madeTexts(u.ID, d.Principal.CredentialID, u.Roles)
	values[xAuthRequestUser] = values[remoteUser]
	values[xAuthRequestPreferredUsername] = values[remoteUser]
	values[xAuthRequestEmail] = values[remoteEmail]
	values[xAuthRequestGroups] = values[remoteGroups]
	values[xJetonCredentialKind] = d.Kind.String()
	values[xJetonService] = d.Service
	values[xJetonStatus] = "200"
	return values
}

// idText is the length of an ID as text.
const idText = 36

// madeTexts returns two IDs and a list of roles as text, for one allocation: they are what has to be made for each call.
func madeTexts(a, b uuid.UUID, roles []string) (idA, idB, groups string) {
	var room [256]byte
	text := appendID(room[:0], &a)
	if b != a { // that of a personal token is its user's
		text = appendID(text, &b)
	}
	ids := len(text)
	if len(roles) > 1 {
		for i, role := range roles {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(text, role...)
		}
	}
	made := string(text)
	groups = made[ids:]
	if len(roles) == 1 {
		groups = roles[0]
	}
	return made[:idText], made[ids-idText : ids], encodeField(groups)
}

// encodeField percent-encodes what can't stand in a header field as it is, and '%', so that decoding gives back the very name
// and no two names look alike. A line break would begin a header of the name's choosing; bytes beyond ASCII are read in
// two ways by those who get them; spaces at either end are cut off by HTTP (RFC 9110, section 5.5).
func encodeField(value string) string {
	at := 0
	for at < len(value) && plain(value, at) {
		at++
	}
	if at == len(value) {
		return value
	}
	const digits = "0123456789ABCDEF"
	encoded := make([]byte, 0, len(value)+3*8)
	for i := range len(value) {
		if c := value[i]; plain(value, i) {
			encoded = append(encoded, c)
		} else {
			encoded = append(encoded, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(encoded)
}

// plain reports whether the byte at i stands for itself.
func plain(value string, i int) bool {
	c := value[i]
	return c > ' ' && c < 0x7f && c != '%' || c == ' ' && i > 0 && i < len(value)-1
}
