package invariant

import (
	"slices"
	"time"

	"github.com/jeton-io/jeton/test/faults/journal"
)

// lives is what the authors of changes know of every thing. Where they don't know, nothing is claimed: neither that a
// thing lives nor that it is dead.
type lives map[journal.Thing]*life

// life is one thing's.
type life struct {
	parent journal.Thing
	made   time.Duration // when its making was acknowledged
	sure   bool          // it was acknowledged at all
	until  time.Duration // when it is over by itself; 0 for never
	events []event       // in the order in which they were sent
}

// event is a change of a life that isn't known to have changed nothing.
type event struct {
	op             journal.Op
	sent, answered time.Duration
	sure           bool
}

// livesOf reads the lives from what was written.
func livesOf(writes []journal.Write) lives {
	all := lives{}
	at := func(t journal.Thing) *life {
		if all[t] == nil {
			all[t] = new(life)
		}
		return all[t]
	}
	for _, w := range slices.SortedStableFunc(slices.Values(writes), func(a, b journal.Write) int { return int(a.Sent - b.Sent) }) {
		if w.Outcome == journal.Refused {
			continue
		}
		sure := w.Outcome == journal.Done
		if w.Former != "" {
			former := at(w.Former)
			former.events = append(former.events, event{journal.End, w.Sent, w.Answered, sure})
		}
		switch {
		case w.Thing == "": // a rotation whose answer was lost: what it may have made, nobody holds
		case w.Op == journal.Make:
			l := at(w.Thing)
			l.parent, l.until, l.made, l.sure = w.Parent, w.Until, w.Answered, sure
		default:
			l := at(w.Thing)
			l.events = append(l.events, event{w.Op, w.Sent, w.Answered, sure})
		}
	}
	return all
}

// line returns a thing and those on whose life its own rests.
func (ls lives) line(t journal.Thing) []*life {
	var line []*life
	for l := ls[t]; l != nil; l = ls[l.parent] {
		line = append(line, l)
	}
	return line
}

// deadSince returns since when it has been acknowledged that a thing is dead, if it is so for all of a span; the
// earliest moment where there are several reasons. That a thing is over by itself is no such reason: see over.
func (ls lives) deadSince(t journal.Thing, from, to time.Duration) (since time.Duration, dead bool) {
	for _, l := range ls.line(t) {
		if at, ok := l.deadSince(from, to); ok && (!dead || at < since) {
			since, dead = at, true
		}
	}
	return since, dead
}

func (l *life) deadSince(from, to time.Duration) (since time.Duration, dead bool) {
	for i, e := range l.events {
		if !e.sure || e.answered > from {
			continue
		}
		if e.op != journal.End && (e.op != journal.Off || l.mayRevive(i, to)) {
			continue
		}
		if !dead || e.answered < since {
			since, dead = e.answered, true
		}
	}
	return since, dead
}

// mayRevive reports whether something could have undone the stop at i before a moment: one that was sent after it, or one
// that was sent before it, was never answered, and may have come late.
func (l *life) mayRevive(i int, before time.Duration) bool {
	for j, e := range l.events {
		if e.op == journal.On && (j > i && e.sent < before || j < i && !e.sure) {
			return true
		}
	}
	return false
}

// over returns when a thing, or one on which it rests, is over by itself, if that was before a moment.
func (ls lives) over(t journal.Thing, before time.Duration) (at time.Duration, over bool) {
	for _, l := range ls.line(t) {
		if l.until != 0 && l.until <= before && (!over || l.until < at) {
			at, over = l.until, true
		}
	}
	return at, over
}

// ends reports whether a thing is ever over by itself.
func (ls lives) ends(t journal.Thing) bool {
	return slices.ContainsFunc(ls.line(t), func(l *life) bool { return l.until != 0 })
}

// alive reports whether a thing lives for certain during all of a span: its making was acknowledged, and so was, for as long
// as grace, that it lives again where it had been stopped; nobody is changing it.
func (ls lives) alive(t journal.Thing, from, to, grace time.Duration) bool {
	line := ls.line(t)
	for _, l := range line {
		if !l.alive(from, to, grace) {
			return false
		}
	}
	return len(line) > 0
}

func (l *life) alive(from, to, grace time.Duration) bool {
	if !l.sure || l.made > from || l.until != 0 && l.until <= to {
		return false
	}
	living := true
	for _, e := range l.events {
		switch {
		case e.sent >= to:
			return living
		case !e.sure || e.op == journal.End:
			return false
		default:
			living = e.op == journal.On && e.answered+grace <= from
		}
	}
	return living
}
