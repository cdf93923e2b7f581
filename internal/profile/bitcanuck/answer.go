package bitcanuck

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/web"
)

// begunAnswer is the product's answer to a log-in.
type begunAnswer struct {
	Data begunData `json:"data"`
}

// begunData is a session, in the order of the product's members.
type begunData struct {
	ID      string `json:"id"` // the session token
	UserID  string `json:"userId"`
	TTL     int64  `json:"ttl"` // in seconds
	Until   string `json:"until"`
	Created string `json:"created"`
}

// instant is how the product writes times: in UTC, to the microsecond.
const instant = "2006-01-02T15:04:05.000000Z"

// failure is what a caller is told, in LoopBack's shape, which the product is made with. Of a credential that is refused it
// tells nothing but that.
type failure struct {
	status        int
	message, code string
	wait          time.Duration // before the same may succeed
}

// Error implements error.
func (f *failure) Error() string { return f.code + ": " + f.message }

// What callers are told. Codes that LoopBack has are its own, as clients know them.
var (
	loginFailed           = &failure{status: http.StatusUnauthorized, message: "login failed", code: "LOGIN_FAILED"}
	authorizationRequired = &failure{status: http.StatusUnauthorized, message: "Authorization Required", code: "AUTHORIZATION_REQUIRED"}
	emailRequired         = &failure{status: http.StatusBadRequest, message: "email is required", code: "USERNAME_EMAIL_REQUIRED"}
	passwordRequired      = &failure{status: http.StatusBadRequest, message: "password is required", code: "PASSWORD_REQUIRED"}
	notJSON               = &failure{status: http.StatusBadRequest, message: "the body is not one JSON object in UTF-8", code: "BAD_REQUEST"}
	memberTwice           = &failure{status: http.StatusBadRequest, message: "a member of the body stands twice", code: "BAD_REQUEST"}
	cutOff                = &failure{status: http.StatusBadRequest, message: "the body didn't arrive whole and in time", code: "BAD_REQUEST"}
	twoCredentials        = &failure{status: http.StatusBadRequest, message: "the request has two credentials", code: "BAD_REQUEST"}
	tooLong               = &failure{status: http.StatusBadRequest, message: "the credential is too long", code: "BAD_REQUEST"}
	accessDenied          = &failure{status: http.StatusForbidden, message: "Access Denied", code: "ACCESS_DENIED"}
	methodNotAllowed      = &failure{status: http.StatusMethodNotAllowed, message: "method not allowed", code: "METHOD_NOT_ALLOWED"}
	tooLarge              = &failure{status: http.StatusRequestEntityTooLarge, message: "the body is too large", code: "PAYLOAD_TOO_LARGE"}
	unsupportedType       = &failure{status: http.StatusUnsupportedMediaType, message: "the body is not application/json", code: "UNSUPPORTED_MEDIA_TYPE"}
	tooMany               = &failure{status: http.StatusTooManyRequests, message: "too many attempts", code: "TOO_MANY_REQUESTS"}
	internalError         = &failure{status: http.StatusInternalServerError, message: "internal error", code: "INTERNAL_SERVER_ERROR"}
	unavailable           = &failure{status: http.StatusServiceUnavailable, message: "nobody can tell just now", code: "SERVICE_UNAVAILABLE"}
	storageFull           = &failure{status: http.StatusInsufficientStorage, message: "storage is full", code: "INSUFFICIENT_STORAGE"}
)

// told returns what a caller is told of a refusal: denied, unless it is the form, the time or a page from elsewhere that is
// wrong.
func told(ref *authority.Refusal, denied *failure) *failure {
	switch ref.Reason.Outcome() {
	case authority.OutcomeMalformed:
		if ref.Reason == authority.ReasonTwoCredentials {
			return twoCredentials
		}
		return tooLong
	case authority.OutcomeForbidden:
		return accessDenied
	case authority.OutcomeTooMany:
		f := *tooMany
		f.wait = ref.RetryAfter
		return &f
	case authority.OutcomeUnavailable:
		if errors.Is(ref, authority.ErrStorageFull) {
			return storageFull
		}
		return unavailable
	default:
		return denied
	}
}

// challenge is the one scheme of which anything is taken here (RFC 6750, section 3). RFC 9110, section 15.5.2, wants one with
// every 401, also where what was wrong came in a body; and Basic would have a browser ask for a password that isn't taken.
const challenge = `Bearer realm="jeton"`

// fail answers with an error: a refusal, a failure, or a fault of Jeton's own.
func (c *call) fail(err error) {
	f, ok := errors.AsType[*failure](err)
	if ref, refused := errors.AsType[*authority.Refusal](err); refused {
		c.line.Refused(ref)
		f = told(ref, c.denied)
	} else if !ok {
		c.line.Err = err
		f = internalError
	}
	c.line.Told(f.status, f.code)
	h := c.w.Header()
	if f.status == http.StatusUnauthorized {
		h.Set("Www-Authenticate", challenge)
	}
	web.SetProblemHeaders(h, f.status, f.wait)
	c.write(f.status, errorAnswer{errorData{f.status, "Error", f.message, f.code}})
}

// errorAnswer is LoopBack's answer to whatever fails.
type errorAnswer struct {
	Error errorData `json:"error"`
}

// errorData is an error, in the order of LoopBack's members.
type errorData struct {
	StatusCode int    `json:"statusCode"`
	Name       string `json:"name"`
	Message    string `json:"message"`
	Code       string `json:"code"`
}

// answer tells of a session that has begun. Its end is its beginning and the seconds that it lasts, exactly.
func (c *call) answer(begun session.Begun) {
	t := &begun.Token
	c.write(http.StatusOK, begunAnswer{begunData{
		ID: begun.Text.Reveal(), UserID: t.UserID.String(), TTL: begun.Seconds(),
		Until: t.ExpiresAt.UTC().Format(instant), Created: t.CreatedAt.UTC().Format(instant),
	}})
}

// write answers as the product does. Neither a session token nor an error is for anybody to keep.
func (c *call) write(status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // never: the types are ours, and hold strings and numbers
		c.line.Err = err
		status, text = http.StatusInternalServerError, nil
	}
	h := c.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(text) // the caller may have gone
}

// noContent says that it is done.
func (c *call) noContent() {
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusNoContent)
}
