package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/internal/words"
)

// conflict is what can't be done as things are, and to do it again wouldn't help.
type conflict struct{ heading, advice words.Text }

// Error implements error.
func (c *conflict) Error() string { return authority.ErrConflict.Error() }

// Unwrap returns authority.ErrConflict, by which the answer's status goes.
func (c *conflict) Unwrap() error { return authority.ErrConflict }

// errorPage is what a person may learn of an error: the cause goes to the log.
type errorPage struct {
	Heading words.Text
	Advice  words.Text
	Login   string // where to log in, if that is the next step
	Request string // its ID, where an administrator will want to look for it
}

// fail answers for an error. Who reads pages gets a page. Programs that ask outside the console for what isn't there, as
// for a document of a protocol that Jeton doesn't speak, get a problem as everywhere else.
func (c *call) fail(err error) {
	switch {
	case errors.Is(err, errNotRecent):
		_ = c.toConfirm()
		return
	case errors.Is(err, errPastEnd):
		_ = c.toFirstPage()
		return
	}
	p := web.ProblemOf(err)
	if p.Status >= http.StatusInternalServerError && c.r.Context().Err() == nil {
		web.Note(c.w).Err = err
	}
	switch {
	case c.outside() && !strings.Contains(c.r.Header.Get("Accept"), "text/html"):
		web.WriteProblem(c.w, c.r, p)
	case p.Status == http.StatusUnauthorized && safe(c.r.Method):
		_ = c.redirect(loginFor(c.r.URL.RequestURI(), c.whyLogIn()))
	default:
		c.failPage(err, p.Status)
	}
}

func (c *call) failPage(err error, status int) {
	if status == http.StatusPreconditionFailed { // no page has a precondition that the browser knows of
		status = http.StatusConflict
	}
	e := explain(status)
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		e.refused(c, ref)
	}
	if because, ok := errors.AsType[*conflict](err); ok {
		e.Heading, e.Advice = because.heading, because.advice
	}
	if errors.Is(err, authority.ErrLastAdmin) {
		e.Heading, e.Advice = words.Say("This would leave no administrator"), words.Say("Nothing was changed. Make another administrator first.")
	}
	if status >= http.StatusInternalServerError {
		e.Request = web.RequestID(c.w)
	}
	web.Note(c.w).Told(status, string(web.ProblemOf(err).Code))
	c.setRetry(status, err)
	if err := c.render(status, "error.html", page{Title: e.Heading, Here: homePath, Main: e}); err != nil {
		web.Note(c.w).Err = err
		http.Error(c.w, c.words.Of(words.Say("Something went wrong in Jeton")), http.StatusInternalServerError)
	}
}

// setRetry sets Retry-After where the status goes with it.
func (c *call) setRetry(status int, err error) {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		web.SetProblemHeaders(c.w.Header(), status, web.ProblemOf(err).RetryAfter)
	}
}

// outside reports whether a path isn't the console's.
func (c *call) outside() bool {
	return c.r.URL.Path != strings.TrimSuffix(homePath, "/") && !strings.HasPrefix(c.r.URL.Path, homePath)
}

// whyLogIn is what the log-in says to somebody who had a session.
func (c *call) whyLogIn() notice {
	if c.hasCookie() {
		return sessionEnded
	}
	return ""
}

// refused words what only the reason tells apart and a person can do something about. No reason is told that a stranger
// could learn from: the sender's own cookies, and the page that sent it.
func (e *errorPage) refused(c *call, ref *authority.Refusal) {
	switch ref.Reason {
	case authority.ReasonCrossOrigin:
		e.Heading = words.Say("This came from another site")
		e.Advice = words.Say("Your browser says that a page of another site sent this, or doesn't say which. Nothing was changed. Begin on Jeton's own pages.")
	case authority.ReasonTwoCredentials:
		e.Heading = words.Say("Your browser sent two sessions")
		e.Advice = words.Say("Delete the cookies of this site in your browser, then log in again.")
	case authority.ReasonThrottled:
		e.Advice = tooMany(ref.RetryAfter)
	}
	if ref.Reason.Outcome() == authority.OutcomeUnauthenticated {
		e.Login = loginFor(c.r.URL.RequestURI(), "")
	}
}

// explain returns the page of a status.
func explain(status int) errorPage {
	switch status {
	case http.StatusUnauthorized:
		return errorPage{Heading: words.Say("You are not logged in"), Advice: words.Say("Your session has ended, and nothing was changed. Log in and try again.")}
	case http.StatusForbidden:
		return errorPage{Heading: words.Say("You may not do this"), Advice: words.Say("Nothing was changed. Ask an administrator.")}
	case http.StatusNotFound:
		return errorPage{Heading: words.Say("There is no such page"), Advice: words.Say("Check the address, or begin at the start page.")}
	case http.StatusMethodNotAllowed:
		return errorPage{Heading: words.Say("This page can't do that"), Advice: words.Say("Nothing was changed. Begin at the start page.")}
	case http.StatusConflict:
		return errorPage{Heading: words.Say("Something has changed meanwhile"), Advice: words.Say("Nothing was changed by you. Go back, read the page again and repeat what you did.")}
	case http.StatusRequestEntityTooLarge:
		return errorPage{Heading: words.Say("That was too long"), Advice: words.Say("Nothing was changed. Go back and enter less.")}
	case http.StatusTooManyRequests:
		return errorPage{Heading: words.Say("Too many tries")}
	case http.StatusServiceUnavailable:
		return errorPage{Heading: words.Say("Jeton can't answer just now"), Advice: words.Say("Wait a moment, then try again.")}
	case http.StatusInsufficientStorage:
		return errorPage{Heading: words.Say("Jeton's disk is full"), Advice: words.Say("Nothing was changed. Tell an administrator.")}
	}
	if status >= http.StatusInternalServerError {
		return errorPage{Heading: words.Say("Something went wrong in Jeton"), Advice: words.Say("It was not your fault. If it goes on, tell an administrator.")}
	}
	return errorPage{Heading: words.Say("This can't be read"), Advice: words.Say("Nothing was changed. Go back, read the page again and repeat what you did.")}
}
