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

// whatOf tells what an event is about: the call that was refused, or the record that was changed, and how. What the
// action and the actor say already is left out.
func whatOf(e api.Event) string {
	var parts []string
	if e.Count > 1 {
		parts = append(parts, fmt.Sprintf("%dx", e.Count))
	}
	if e.Door != "" && (e.Door != "gateway" || e.Detail["call"] == "") {
		parts = append(parts, e.Door+":")
	}
	call := e.Detail["call"]
	parts = append(parts, call)
	if t := e.Target; t != nil && call == "" && (e.Actor == nil || t.Name == "" || t.Name != e.Actor.Username) {
		if !strings.HasPrefix(e.Action, t.Kind+".") {
			parts = append(parts, t.Kind)
		}
		parts = append(parts, orElse(t.Name, t.ID))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		// What is made begins without what isn't told; a change to nothing is one.
		if name != "call" && (e.Detail[name] != "" || !strings.HasSuffix(e.Action, ".create")) {
			parts = append(parts, name+"="+e.Detail[name])
		}
	}
	return strings.TrimSuffix(strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " "), ":")
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
