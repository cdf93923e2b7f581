package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/internal/words"
)

// Whoever has a second factor gets no session for the password, and no cookie, but a page that asks for the factor. It holds a ticket,
// which says who has given the right password and when; what comes back with the ticket is a credential of its own, proved as every other
// is. Before the password was right, nothing says whether there is a second factor.

const secondFactorPath = loginPath + "/second-factor"

// secondFactorView is the page of that step.
type secondFactorView struct {
	factor.Challenge
	Next    string // the return address, checked
	Again   string // the first step, with the return address
	Problem words.Text
	Invalid bool // it is for the code that was entered
}

// Options returns what a script hands the browser's passkeys, empty where there are none.
func (v secondFactorView) Options() string { return string(v.Passkey) }

// proceed goes on after the first step of a log-in: to the second, or to the page that was asked for, with a new session.
func (c *call) proceed(next string) error {
	asked, on, err := c.s.cfg.Factors.Challenge(c.r.Context(), &c.principal)
	switch {
	case errors.Is(err, authority.ErrNotFound): // deleted in this moment: as if before
		return &authority.Refusal{Reason: authority.ReasonUserDeleted}
	case err != nil:
		return err
	case on:
		return c.askSecondFactor(http.StatusOK, secondFactorView{Challenge: asked, Next: next})
	}
	return c.welcome(next)
}

// welcome ends a log-in: with a new session, in place of the one that the browser had.
func (c *call) welcome(next string) error {
	err := c.begin(c.former())
	if errors.Is(err, authority.ErrNotFound) {
		return &authority.Refusal{Reason: authority.ReasonUserDeleted}
	}
	if err != nil {
		return err
	}
	if next == "" {
		next = homePath
	}
	return c.redirect(next)
}

func (c *call) askSecondFactor(status int, v secondFactorView) error {
	v.Again = loginFor(v.Next, "")
	return c.render(status, "login-factor.html", page{Title: words.Say("Second factor"), Here: v.Again, Main: v})
}

// logInFurther takes the second step: a code, or a passkey's answer, which a script has put into the form.
func (s *server) logInFurther(c *call) error {
	ticket, answer, next := secret.Text(c.form["ticket"]), c.form["code"], next(c.form["next"])
	if c.form["passkey"] != "" {
		answer = c.form["passkey"]
	}
	if answer == "" {
		return c.askSecondFactorAgain(http.StatusUnprocessableEntity, ticket, secondFactorView{Next: next, Problem: words.Say("Enter a code."), Invalid: true})
	}
	c.presented.Given = &authority.Credential{Kind: authority.SecondFactor, Name: ticket.Reveal(), Text: secret.Text(answer)}
	err := c.identify(&s.further)
	if err == nil {
		if next == "" && factor.IsRecoveryCode(answer) {
			next = homePath + "?" + noticeParameter + "=" + string(recoveryCodeUsed)
		}
		err = c.welcome(next)
	}
	ref, refused := errors.AsType[*authority.Refusal](err)
	if !refused {
		return err
	}
	status := http.StatusUnauthorized
	switch ref.Reason.Outcome() {
	case authority.OutcomeUnauthenticated:
	case authority.OutcomeTooMany:
		status = http.StatusTooManyRequests
	default:
		return err
	}
	c.setRetry(status, err)
	return c.askSecondFactorAgain(status, ticket, secondFactorView{
		Next: next, Problem: factorProblem(ref), Invalid: status == http.StatusUnauthorized && c.form["passkey"] == "",
	})
}

// askSecondFactorAgain shows the step anew, for as long as its ticket lasts. Then the log-in begins anew.
func (c *call) askSecondFactorAgain(status int, ticket secret.Text, v secondFactorView) error {
	asked, err := c.s.cfg.Factors.Again(c.r.Context(), ticket)
	if ref, over := errors.AsType[*authority.Refusal](err); over {
		if line := web.Note(c.w); line.Reason == "" {
			line.Reason = string(ref.Reason)
		}
		return c.redirect(loginFor(v.Next, stepOver))
	}
	if err != nil {
		return err
	}
	v.Challenge = asked
	return c.askSecondFactor(status, v)
}

// factorProblem says what is wrong with an answer. It is said to one who has the password.
func factorProblem(ref *authority.Refusal) words.Text {
	switch ref.Reason {
	case authority.ReasonUsedCode:
		return words.Say("This code was used already. Wait for the app's next one, or use another recovery code.")
	case authority.ReasonWrongPasskey, authority.ReasonReplayed:
		return words.Say("The passkey's answer was not accepted. Try again, or choose another way.")
	case authority.ReasonClonedPasskey:
		return words.Say("This passkey was refused: there may be a copy of it. Log in another way, then remove it.")
	case authority.ReasonThrottled:
		return tooManyCodes(ref.RetryAfter)
	}
	return words.Say("This code is wrong.")
}

func tooManyCodes(wait time.Duration) words.Text {
	return words.Say("Too many wrong codes were tried. Try again in %s, or use a recovery code.", waitWords(wait))
}
