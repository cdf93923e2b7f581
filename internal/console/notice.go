package console

import (
	"math"
	"time"

	"github.com/jeton-io/jeton/internal/words"
)

// notice names what a page says at its top of what was just done. A form's answer sends the browser on to a page, so that
// reading that page again doesn't send the form again; the address tells that page what to say. It can tell it nothing but one of these.
type notice string

const noticeParameter = "notice"

// The notices of one's own account.
const (
	loggedOut       notice = "logged-out"
	sessionEnded    notice = "session-ended"
	passwordChanged notice = "password-changed"
	newPassword     notice = "new-password"
	tokenRevoked    notice = "token-revoked"
	tokenKept       notice = "token-kept"
	sessionOver     notice = "session-over"
	othersOver      notice = "other-sessions-over"
	notYet          notice = "not-yet"
	stepOver        notice = "step-over"
)

// noneChosen is said above a list of which rows were to be chosen.
const noneChosen notice = "none-chosen"

func accountNotices() map[notice]words.Text {
	return map[notice]words.Text{
		loggedOut:       words.Say("You are logged out."),
		sessionEnded:    words.Say("Your session has ended. Log in again."),
		passwordChanged: words.Say("Password changed. Your other browsers are logged out; your token goes on working."),
		newPassword:     words.Say("Password changed. Log in with the new one."),
		sessionOver:     words.Say("That session has ended."),
		othersOver:      words.Say("All your other sessions have ended."),
		notYet:          words.Say("Nothing was done yet. Confirm that it is you, then do it once more."),
		stepOver:        words.Say("That took too long, or your account has changed meanwhile. Log in again."),
		tokenKept:       words.Say("Nothing new was generated: the token shown a moment ago still works."),
		tokenRevoked:    words.Say("Token revoked. Programs that use it are refused from now on."),
	}
}

// listNotices are those of every list whose rows can be chosen.
func listNotices() map[notice]words.Text {
	return map[notice]words.Text{noneChosen: words.Say("Nothing was chosen, so nothing was done. Tick those that you mean.")}
}

// notices are all that there are: each area's stand in its file.
func notices() []map[notice]words.Text {
	return []map[notice]words.Text{
		accountNotices(), listNotices(), factorNotices(), linkNotices(), userNotices(), clientNotices(), apiTokenNotices(), platformNotices(), projectNotices(), serviceNotices(), keyNotices(),
	}
}

// Words returns what a notice says, or nothing of what is none.
func (n notice) Words() words.Text {
	for _, area := range notices() {
		if said, ok := area[n]; ok {
			return said
		}
	}
	return words.Text{}
}

// Class returns how a notice looks: green for what was done as one wished.
func (n notice) Class() string {
	switch n {
	case sessionEnded, notYet, stepOver, noneChosen, enrolmentOver, tokenKept, authenticatorOn, codesKept, linkKept:
		return "plain"
	}
	return "success"
}

// notice returns the notice that the address asks for, or none. A link on another site's page makes us say nothing:
// somebody who is told that a password was changed, which it wasn't, may do what the link's author would like. To an
// address that was typed we say only that a session has ended: whoever comes back to a page so must learn why it isn't there.
func (c *call) notice() notice {
	asked := notice(c.r.URL.Query().Get(noticeParameter))
	switch site := c.r.Header.Get("Sec-Fetch-Site"); {
	case site == "", site == "same-origin", site == "none" && asked == sessionEnded:
		return asked
	}
	return ""
}

// tooMany says when to try a password again, after so many wrong ones.
func tooMany(wait time.Duration) words.Text {
	return words.Say("Too many wrong passwords were tried. Try again in %s. Tokens go on working.", waitWords(wait))
}

// waitWords rounds up: who waits for as long as it says must find the door open.
func waitWords(wait time.Duration) words.Text {
	seconds := int(math.Ceil(wait.Seconds()))
	if seconds > 90 {
		return words.Say("%d minutes", int(math.Ceil(wait.Minutes())))
	}
	return words.Say("%d seconds", max(seconds, 1))
}
