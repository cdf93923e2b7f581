package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// problem turns an error into what is told of it, as a problem and as a sentence. The problem is Jeton's own, or one in
// the same form without a code.
func (p *program) problem(err error) (*api.Problem, string) {
	told, sentence := &api.Problem{Title: err.Error()}, err.Error()
	if e, ok := errors.AsType[*client.Error](err); ok {
		told, sentence = p.answered(e)
	}
	if e, ok := errors.AsType[*client.OAuthError](err); ok {
		told.Fix = waiting(e.RetryAfter)
	}
	if c, ok := errors.AsType[*configError](err); ok {
		told.Errors = c.fields()
	}
	switch {
	case errors.Is(err, context.Canceled):
		told.Title, sentence = "interrupted", "interrupted"
	case errors.Is(err, client.ErrUnreachable):
		told.Fix = p.unreachable(err)
	case errors.Is(err, client.ErrNotJeton):
		told.Fix = "Does Jeton's public listener answer at " + p.baseURL() + "? --url or JETON_URL names another place."
		if strings.HasPrefix(p.baseURL(), "http://") {
			told.Fix += " If it speaks TLS, the place begins with https://."
		}
	}
	if f, ok := errors.AsType[*fault](err); ok {
		if f.text != "" {
			told.Detail, sentence, told.Fix = f.text, f.text, ""
		}
		told.Fix = strings.TrimSpace(told.Fix + " " + f.fix)
	}
	return told, sentence
}

// unreachable says what to do where no answer came: somebody may have answered, with a certificate that doesn't do.
func (p *program) unreachable(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "Something answers at " + p.baseURL() + ", but nobody whom this machine trusts vouches for it. " +
			"If the certificate is your own, name its file in SSL_CERT_FILE."
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "Something answers at " + p.baseURL() + " with the certificate of another name: --url or JETON_URL must have one that it is for."
	}
	return "Is Jeton running at " + p.baseURL() + "? --url or JETON_URL names another place."
}

// answered tells of a problem that Jeton answered. Its own words are those of HTTP, for programs; where a person at a
// shell could make nothing of them, ours take their place.
func (p *program) answered(e *client.Error) (*api.Problem, string) {
	told := *e.Problem // the error's own stays as Jeton sent it
	told.Errors = slices.Clone(told.Errors)
	title := told.Title
	switch {
	case told.Code == api.CodeNotAuthenticated:
		told.Detail, told.Fix = p.badCredential()
		return &told, told.Detail
	case len(told.Errors) > 0: // they say why, in plain words
		title = "can't do that"
	}
	advised := slices.ContainsFunc(told.Errors, func(f api.FieldProblem) bool { return f.Fix != "" })
	if advised || told.Code == api.CodeInvalidField && len(told.Errors) > 0 {
		told.Fix = "" // it would only say to heed the advice about the fields
	}
	for i, f := range told.Errors {
		told.Errors[i].Field = orElse(fieldNames[f.Field], f.Field)
	}
	sentence := e.Doing + ": " + title
	if told.Detail != "" {
		sentence += ". " + told.Detail
	}
	told.Fix = orElse(waiting(e.RetryAfter), told.Fix)
	return &told, sentence
}

// waiting is the advice to wait, where Jeton said for how long.
func waiting(long time.Duration) string {
	if long <= 0 {
		return ""
	}
	return fmt.Sprintf("Wait %s, then try again.", long.Round(time.Second))
}

// fieldNames are the members of requests whose names say nothing to who typed a command.
var fieldNames = map[string]string{"new": "new password", "current": "current password", "remote_ip": "--remote-ip", "url": "URL"}

// badCredential says that the credential isn't valid, as far as it is known: the answer doesn't say why, so that nobody
// can find out whether a name exists. What the user can be told is which of the possible sources the credential came
// from: often that is the mistake.
func (p *program) badCredential() (text, fix string) {
	if p.byToken {
		return "the token from " + p.source + " is not valid, or no longer is", "Its owner can make another: jeton token rotate, with user name and password."
	}
	return "the user name or the password from " + p.source + " is wrong, or the user is blocked", ""
}
