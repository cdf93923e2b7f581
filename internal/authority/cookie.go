package authority

import (
	"strings"

	"github.com/jeton-io/jeton/internal/secret"
)

// cookieCredential finds the cookie that the door takes. A door takes one at most: where the console's counts, that of the
// protected APIs has no power, and the other way round.
//
// Two cookies of that name are refused: a page below the same domain can set a second one (RFC 6265, section 8.6), and
// which of them a server believes would be its choice. Of other cookies nothing is read, good or bad: they are others'.
func (a *Authority) cookieCredential(headers []string, door *Door, c *Credential) *Refusal {
	for _, known := range a.cfg.Cookies {
		if !door.Kinds.Has(known.Kind) {
			continue
		}
		value, found := findCookie(headers, known.Name)
		if found == 0 || found == 1 && value == "" {
			continue
		}
		c.Kind = known.Kind
		switch {
		case found > 1:
			return &Refusal{Reason: ReasonTwoCredentials}
		case len(value) > maxBearer:
			return &Refusal{Reason: ReasonTooLong}
		}
		c.Text = secret.Text(value)
		return nil
	}
	return &Refusal{Reason: ReasonNoCredential}
}

// findCookie returns the value of a cookie and how often it is there (RFC 6265, section 5.4: pairs divided by "; "; over
// HTTP/2, RFC 9113, section 8.2.3, several fields). It copies nothing. Our cookies' values need no quotes, and have none.
func findCookie(headers []string, name string) (value string, found int) {
	for _, rest := range headers {
		for rest != "" {
			var pair string
			pair, rest, _ = strings.Cut(rest, ";")
			pair = strings.TrimLeft(pair, " \t")
			if v, ok := strings.CutPrefix(pair, name); ok && strings.HasPrefix(v, "=") {
				value = strings.TrimRight(v[1:], " \t")
				found++
			}
		}
	}
	return value, found
}
