package client

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// OAuthError is the error that Jeton's token endpoint answered (RFC 6749, section 5.2). It is an ErrTokenRefused, or
// where Jeton couldn't answer for now, an ErrTooManyRequests, ErrInternal or ErrUnavailable.
type OAuthError struct {
	// Code is the RFCs' word: "invalid_request" where the API token isn't valid (RFC 8693, section 2.2.2), "invalid_scope"
	// or "invalid_target" where it is, but gives no access token of those scopes or for that service.
	Code string
	// Description is for people; it may be empty.
	Description string
	// Status is the one of HTTP.
	Status int
	// RetryAfter is how long Jeton asks to wait; 0 where it doesn't say.
	RetryAfter time.Duration
}

// Error implements error.
func (e *OAuthError) Error() string {
	text := fmt.Sprintf("%s: %s", exchanging, e.Code)
	if e.Description != "" {
		text += " (" + e.Description + ")"
	}
	return text
}

// Is reports whether target is the sentinel of the error.
func (e *OAuthError) Is(target error) bool {
	if e.refused() {
		return target == ErrTokenRefused
	}
	return target == kindOf(e.Status)
}

// refused reports whether the same request would get the same answer again.
func (e *OAuthError) refused() bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return e.Code != "temporarily_unavailable" && e.Code != "server_error"
	}
	return false
}

// errorCode is what a code may look like. RFC 6749 allows more; what isn't plain words might be anything, and is to be
// printed.
var errorCode = regexp.MustCompile(`^[a-z][a-z_]{0,63}$`)

// maxDescription bounds a description, in bytes.
const maxDescription = 300

// readOAuthError returns the error that the members of an answer tell of, or nil where they tell of none.
func readOAuthError(status int, all object, token Secret) *OAuthError {
	e := &OAuthError{Code: all.text("error"), Description: all.text("error_description"), Status: status}
	if !errorCode.MatchString(e.Code) {
		return nil
	}
	unfit := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' } // RFC 6749, section 5.2
	if len(e.Description) > maxDescription || strings.ContainsFunc(e.Description, unfit) || repeats(e.Description, token) {
		e.Description = ""
	}
	return e
}

// repeats reports whether a text that came back holds a part of the API token, which an error would take into a log. Jeton
// repeats none; a proxy that shows what it was asked might.
func repeats(text string, token Secret) bool {
	const part = 16 // characters by which a token is known beyond doubt; of any 31 in a row, such a part is one
	for secret := token.Reveal(); secret != ""; secret = secret[min(part, len(secret)):] {
		if piece := secret[:min(part, len(secret))]; len(piece) == part && strings.Contains(text, piece) {
			return true
		}
	}
	return strings.Contains(text, token.Reveal())
}
