package factor

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/jeton-io/jeton/internal/secret"
)

// The codes of authenticator apps: RFC 6238 with the values that every app takes, whatever it is told.
const (
	period      = 30 // seconds
	secretBytes = 20 // as RFC 4226 section 4 recommends for SHA-1
	codeLength  = 6
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// issuerOf returns the name by which an authenticator app shows this server: it has no colon, which would divide it.
func issuerOf(publicURL string) (string, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" {
		return "", fmt.Errorf("factor: PublicURL %q names no host", publicURL)
	}
	return "Jeton " + strings.ReplaceAll(u.Hostname(), ":", "."), nil
}

// newSecret returns the shared secret of a new authenticator app, in Base32.
func newSecret(random io.Reader) (string, error) {
	var b [secretBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("reading randomness for an authenticator app: %w", err)
	}
	return base32Text.EncodeToString(b[:]), nil
}

// keyURL returns what the QR code says: the form that all apps read (github.com/google/google-authenticator, "Key URI Format").
func (f *Factors) keyURL(username, shared string) secret.Text {
	query := url.Values{"secret": {shared}, "issuer": {f.issuer}}
	u := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + f.issuer + ":" + username,
		RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20"), // some apps show the plus
	}
	return secret.Text(u.String())
}

// stepAt returns the number of the step in which a time lies.
func stepAt(t time.Time) int64 { return t.Unix() / period }

// codeAt returns the code of a step.
func codeAt(shared string, step int64) (string, error) {
	return hotp.GenerateCodeCustom(shared, uint64(max(step, 0)), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}

// stepOf returns the step of which a code is, now or one before or after it: phones' clocks are off, and typing takes its time. Where a
// code is that of two of them, as one in a million is, it is the one after the last that counted.
func stepOf(shared, code string, now time.Time, last int64) (step int64, found bool, err error) {
	for _, s := range []int64{stepAt(now) - 1, stepAt(now), stepAt(now) + 1} {
		want, err := codeAt(shared, s)
		if err != nil {
			return 0, false, fmt.Errorf("computing a code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && (!found || step <= last) {
			step, found = s, true
		}
	}
	return step, found, nil
}

// isCode returns the digits of a text that has the form of a code, as typed with spaces or without.
func isCode(text string) (digits string, ok bool) {
	digits = strings.ReplaceAll(text, " ", "")
	return digits, len(digits) == codeLength && strings.Trim(digits, "0123456789") == ""
}
