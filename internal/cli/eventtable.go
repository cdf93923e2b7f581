package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jeton-io/jeton/api"
)

// eventTable prints an event a line, in what fits a terminal: JSON has the rest. Of merged refusals the time is that of
// the first.
func (p *program) eventTable(events []api.Event) {
	if len(events) == 0 {
		p.say("(no events)")
		return
	}
	rows := make([][]string, len(events))
	for i, e := range events {
		action, address := e.Action, ""
		if e.Reason != "" {
			action += " " + e.Reason
		}
		if e.Actor != nil {
			address = e.Actor.Address
		}
		rows[i] = []string{p.when(e.At), action, actorOf(e), address, whatOf(e)}
	}
	p.table([]string{"TIME", "ACTION", "WHO", "FROM", "WHAT"}, rows)
}

// yearless is the age up to which a time can be told without its year.
const yearless = 300 * 24 * time.Hour

// when writes a time in few characters, as a clock on this machine's wall shows it.
func (p *program) when(t time.Time) string {
	now := p.env.Now()
	if now.Sub(t) > yearless {
		return t.In(now.Location()).Format(time.DateOnly)
	}
	return t.In(now.Location()).Format("01-02 15:04:05")
}

// actorOf returns the name of who did it, or the ID where the name isn't known. A refused caller whom nobody knows has
// neither; what nobody is named for otherwise, Jeton itself has done.
func actorOf(e api.Event) string {
	switch {
	case e.Actor != nil:
		return orElse(e.Actor.Username, e.Actor.UserID)
	case strings.HasPrefix(e.Action, "refused"):
		return ""
	}
	return "(Jeton)"
}

// credentialOf returns the credential by which it was done or refused, where its user may have several of the kind: the
// name of an API token, which an access token of it has too, or of the platform whose assertion or the token set whose token it
// was, else the ID. By that it can be found, and disabled. A platform or project that makes a user is named as the actor already.
func credentialOf(a *api.Actor) string {
	if a == nil {
		return ""
	}
	switch a.CredentialKind {
	case "api_token", "access_token", "client_secret", "session_token":
		return orElse(a.CredentialName, a.CredentialID)
	case "assertion", "sealed":
		if a.UserID == "" && a.Username != "" {
			return ""
		}
		return orElse(a.CredentialName, a.CredentialID)
	}
	return ""
}

// recordOf returns the name of a record, or its ID where it has none. Client secrets and keys have their account's name, those of
// platforms the platform's and session tokens their user's, which may have several: theirs is the ID beside it, by which one is ended.
func recordOf(t *api.Target) string {
	switch t.Kind {
	case "client_secret", "client_key", "platform_key", "session_token":
		return joined(" ", t.Name, t.ID)
	}
	return orElse(t.Name, t.ID)
}

// whatOf tells what an event is about: how often it was, by which credential, at which door, and what. The credential comes
// before what a terminal may have no room for.
func whatOf(e api.Event) string {
	count, by, door := "", credentialOf(e.Actor), e.Door
	if e.Count > 1 {
		count = fmt.Sprintf("%dx", e.Count)
	}
	if by != "" {
		by = "by " + by
	}
	if door == "gateway" && e.Detail["call"] != "" {
		door = ""
	}
	return joined(" ", count, joined(", ", by, joined(": ", door, subjectOf(e))))
}

// subjectOf tells the call that was refused, or the record that was changed, and how. What the action and the actor say
// already is left out.
func subjectOf(e api.Event) string {
	call := e.Detail["call"]
	parts := []string{call}
	if t := e.Target; t != nil && call == "" && (e.Actor == nil || t.Name == "" || recordOf(t) != e.Actor.Username) {
		if !strings.HasPrefix(e.Action, t.Kind+".") {
			parts = append(parts, t.Kind)
		}
		parts = append(parts, recordOf(t))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		// What is made begins without what isn't told; a change to nothing is one.
		if name != "call" && (e.Detail[name] != "" || !strings.HasSuffix(e.Action, ".create")) {
			parts = append(parts, name+"="+e.Detail[name])
		}
	}
	return joined(" ", parts...)
}

// joined joins those of the parts that aren't empty.
func joined(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
