package plant

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/invariant"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// Just beyond a bound, and just within it.
const (
	late  = 5100 * time.Millisecond
	early = 4900 * time.Millisecond
)

var controls = []control{
	{
		"a node says yes to a rotated token 5.1 s after the acknowledgement", "4.9 s", "no stale yes",
		func(f *field) bool { return f.staleYes("n1", late) }, func(f *field) bool { return f.staleYes("n1", early) },
	},
	{
		"the same through the proxy", "4.9 s", "no stale yes",
		func(f *field) bool { return f.staleYes(journal.Nginx, late) }, func(f *field) bool { return f.staleYes(journal.Nginx, early) },
	},
	{
		"a node says yes to the token of a user 5.1 s after blocking was acknowledged", "4.9 s", "no stale yes",
		func(f *field) bool { return f.blockedYes(late) }, func(f *field) bool { return f.blockedYes(early) },
	},
	{
		"one in twenty revocations takes 1.1 s, with nothing broken", "0.9 s", "revocation is quick",
		func(f *field) bool { return f.slow(1100 * time.Millisecond) }, func(f *field) bool { return f.slow(900 * time.Millisecond) },
	},
	{
		"a node refuses a good token with 401", "it says yes", "no wrong no",
		func(f *field) bool { return f.calmly("n2", journal.No, http.StatusUnauthorized) },
		func(f *field) bool { return f.calmly("n2", journal.Yes, http.StatusOK) },
	},
	{
		"a node refuses a token 5.1 s after unblocking its user was acknowledged", "4.9 s", "no wrong no",
		func(f *field) bool { return f.unblockedNo(late) }, func(f *field) bool { return f.unblockedNo(early) },
	},
	{
		"a node can't decide, with nothing broken", "its link is down", "no wrong no",
		func(f *field) bool { return f.calmly("n2", journal.Wait, http.StatusServiceUnavailable) },
		func(f *field) bool { return f.inForce(fault.LinkDown, "", journal.Wait, time.Second, time.Millisecond) },
	},
	{
		"a node can't decide 2.1 s after PostgreSQL is back", "1.9 s", "no wrong no",
		func(f *field) bool { return f.afterwards(2100 * time.Millisecond) },
		func(f *field) bool { return f.afterwards(1900 * time.Millisecond) },
	},
	{
		"the proxy can't get a verdict while one node's link is down", "while PostgreSQL is down", "no wrong no",
		func(f *field) bool {
			return f.inForce(fault.LinkDown, journal.Nginx, journal.Wait, time.Second, time.Millisecond)
		},
		func(f *field) bool {
			return f.inForce(fault.DBStopped, journal.Nginx, journal.Wait, time.Second, time.Millisecond)
		},
	},
	{
		"a node says yes 5.1 s after its link went down", "4.9 s", "a node cut off says so",
		func(f *field) bool { return f.inForce(fault.LinkDown, "", journal.Yes, late, time.Millisecond) },
		func(f *field) bool { return f.inForce(fault.LinkDown, "", journal.Yes, early, time.Millisecond) },
	},
	{
		"a node says yes 5.1 s after PostgreSQL hung", "4.9 s", "a node cut off says so",
		func(f *field) bool { return f.inForce(fault.DBPaused, "", journal.Yes, late, time.Millisecond) },
		func(f *field) bool { return f.inForce(fault.DBPaused, "", journal.Yes, early, time.Millisecond) },
	},
	{
		"a node that is cut off takes 0.1 s longer to say 503 than it may", "0.1 s less", "a node cut off says so",
		func(f *field) bool { return f.slow503(100 * time.Millisecond) },
		func(f *field) bool { return f.slow503(-100 * time.Millisecond) },
	},
	{
		"a node that is cut off says nothing in the place of 503", "503", "a node cut off says so",
		func(f *field) bool { return f.inForce(fault.LinkDown, "", journal.Lost, late, time.Millisecond) },
		func(f *field) bool { return f.inForce(fault.LinkDown, "", journal.Wait, late, time.Millisecond) },
	},
	{
		"a node is ready 2.1 s after PostgreSQL is back", "1.6 s", "back within 2 s",
		func(f *field) bool { return f.notReady(2100 * time.Millisecond) },
		func(f *field) bool { return f.notReady(1600 * time.Millisecond) },
	},
	{
		"a user that was made is gone in the end", "one whose making was never answered is", "no acknowledged write is lost",
		func(f *field) bool { return f.lostUser(journal.Done) }, func(f *field) bool { return f.lostUser(journal.Unknown) },
	},
	{
		"a token that was made is not read back in the end", "", "no acknowledged write is lost",
		(*field).unread, nil,
	},
	{
		"a token that was replaced works in the end on one node", "", "no acknowledged write is lost",
		(*field).replacedWorks, nil,
	},
	{
		"a user has two personal tokens in the end", "", "one personal token",
		(*field).replacedWorks, nil,
	},
	{
		"what was over is taken again by a node whose clock was set back", "what came to its end while it was behind", "no revival, no deletion",
		func(f *field) bool { return f.revived(-time.Second) }, func(f *field) bool { return f.revived(time.Second) },
	},
	{
		"a row of the audit log is deleted", "one is added", "no revival, no deletion",
		func(f *field) bool { return f.count(-1) }, func(f *field) bool { return f.count(1) },
	},
	{
		"a check through the proxy fails in the rolling restart", "one at the node that is restarted", "rolling restart",
		func(f *field) bool { return f.inForce(fault.Rolling, journal.Nginx, journal.Lost, 0, time.Millisecond) },
		func(f *field) bool { return f.inForce(fault.Rolling, "n1", journal.Lost, 0, time.Millisecond) },
	},
	{
		"no check was made in the rolling restart", "", "rolling restart",
		(*field).noRolling, nil,
	},
	{
		"revoking fails on a full disk", "it works", "a full disk",
		func(f *field) bool { return f.onFullDisk(journal.End, journal.Unknown, http.StatusServiceUnavailable) },
		func(f *field) bool { return f.onFullDisk(journal.End, journal.Done, http.StatusNoContent) },
	},
	{
		"making gets 500 on a full disk", "507", "a full disk",
		func(f *field) bool {
			return f.onFullDisk(journal.Make, journal.Unknown, http.StatusInternalServerError)
		},
		func(f *field) bool {
			return f.onFullDisk(journal.Make, journal.Refused, http.StatusInsufficientStorage)
		},
	},
}

// steady returns a credential that lived for all of the run: the harness makes some that nobody changes.
func (f *field) steady() (journal.Thing, bool) {
	changed := map[journal.Thing]bool{}
	for _, w := range f.Writes {
		changed[w.Former] = true
		if w.Op != journal.Make {
			changed[w.Thing] = true
		}
	}
	for _, w := range f.Writes {
		if w.Outcome == journal.Done && w.Thing.Kind() == journal.Personal && !changed[w.Thing] && !changed[w.Parent] {
			return w.Thing, true
		}
	}
	return "", false
}

// check adds a check of a steady credential.
func (f *field) check(target string, at, took time.Duration, verdict journal.Verdict, status int) bool {
	thing, ok := f.steady()
	f.Checks = append(f.Checks, journal.Check{
		Sent: at, Answered: at + took, Target: target, Thing: thing, Purpose: journal.Steady, Verdict: verdict, Status: status,
	})
	return ok
}

// yes adds a check of a thing that is answered yes, and no one that is answered no.
func (f *field) yes(target string, thing journal.Thing, at time.Duration) {
	f.add(target, thing, at, journal.Yes, http.StatusOK)
}

func (f *field) no(target string, thing journal.Thing, at time.Duration) {
	f.add(target, thing, at, journal.No, http.StatusUnauthorized)
}

func (f *field) add(target string, thing journal.Thing, at time.Duration, verdict journal.Verdict, status int) {
	f.Checks = append(f.Checks, journal.Check{
		Sent: at, Answered: at + time.Millisecond, Target: target, Thing: thing, Purpose: journal.Steady, Verdict: verdict, Status: status,
	})
}

// staleYes has a target say yes to the first token that was rotated.
func (f *field) staleYes(target string, after time.Duration) bool {
	for _, w := range f.Writes {
		if w.Outcome == journal.Done && w.Former.Kind() == journal.Personal {
			f.yes(target, w.Former, w.Answered+after)
			return true
		}
	}
	return false
}

// stretch finds a change of a user's state that was followed by none for some time, and a token of that user's from before.
func (f *field) stretch(op journal.Op) (at time.Duration, token journal.Thing, ok bool) {
	for _, w := range f.Writes {
		if w.Outcome != journal.Done || w.Op != op || w.Thing.Kind() != journal.User {
			continue
		}
		next := slices.IndexFunc(f.Writes, func(n journal.Write) bool {
			return n.Sent > w.Sent && n.Sent < w.Answered+late+time.Second && (n.Thing == w.Thing || n.Parent == w.Thing)
		})
		unknown := slices.ContainsFunc(f.Writes, func(n journal.Write) bool {
			return (n.Thing == w.Thing || n.Parent == w.Thing) && n.Outcome == journal.Unknown
		})
		owned := slices.IndexFunc(f.Writes, func(n journal.Write) bool {
			return n.Parent == w.Thing && n.Thing.Kind() == journal.Personal && n.Answered < w.Sent && n.Outcome == journal.Done
		})
		if next < 0 && !unknown && owned >= 0 && f.quiet(w.Answered, w.Answered+late+time.Second) {
			return w.Answered, f.Writes[owned].Thing, true
		}
	}
	return 0, "", false
}

func (f *field) blockedYes(after time.Duration) bool {
	at, token, ok := f.stretch(journal.Off)
	f.yes("n1", token, at+after)
	return ok
}

func (f *field) unblockedNo(after time.Duration) bool {
	at, token, ok := f.stretch(journal.On)
	f.no("n1", token, at+after)
	return ok
}

// slow has every twentieth revocation be late.
func (f *field) slow(by time.Duration) bool {
	planted := 0
	for _, l := range f.latencies {
		if !l.Quiet || !l.Seen {
			continue
		}
		if planted++; planted%20 == 1 {
			f.yes(l.Node, l.Thing, l.Acked+by)
			f.Checks[len(f.Checks)-1].Purpose = journal.Probe
		}
	}
	return planted > 0
}

// calmly has a target answer so while nothing is broken.
func (f *field) calmly(target string, verdict journal.Verdict, status int) bool {
	for _, c := range f.Checks {
		if f.quiet(c.Sent-time.Second, c.Sent+time.Second) && c.Sent > 2*time.Second {
			return f.check(target, c.Sent, time.Millisecond, verdict, status)
		}
	}
	return false
}

// quiet reports whether no fault is near a span.
func (f *field) quiet(from, to time.Duration) bool {
	return !slices.ContainsFunc(f.windows, func(w invariant.Window) bool { return w.Begun <= to && from <= w.Over() })
}

// window finds a fault of a kind that no other was near to.
func (f *field) window(kind fault.Kind) *invariant.Window {
	for i := range f.windows {
		w := &f.windows[i]
		alone := !slices.ContainsFunc(f.windows, func(o invariant.Window) bool {
			return o.Number != w.Number && o.Begun <= w.Over() && w.Begun <= o.Over()
		})
		if w.Kind == kind && alone {
			return w
		}
	}
	return nil
}

// inForce has a target, or where it is empty the node that is touched, answer so while a fault is in force.
func (f *field) inForce(kind fault.Kind, target string, verdict journal.Verdict, after, took time.Duration) bool {
	w := f.window(kind)
	if w == nil {
		return false
	}
	if target == "" {
		target = "n2"
		if w.Node != "" {
			target = w.Node
		}
	}
	status := map[journal.Verdict]int{journal.Yes: http.StatusOK, journal.Wait: http.StatusServiceUnavailable}[verdict]
	return f.check(target, w.InForce+after, took, verdict, status)
}

func (f *field) slow503(by time.Duration) bool {
	return f.inForce(fault.LinkDown, "", journal.Wait, late, invariant.Waiting+invariant.Slack(f.Run)+by)
}

func (f *field) afterwards(after time.Duration) bool {
	w := f.window(fault.DBStopped)
	return w != nil && f.check("n1", w.Mended+after, time.Millisecond, journal.Wait, http.StatusServiceUnavailable)
}

func (f *field) notReady(until time.Duration) bool {
	w := f.window(fault.DBStopped)
	if w == nil {
		return false
	}
	for i := range f.Readies {
		if r := &f.Readies[i]; r.Node == "n1" && r.Sent >= w.Mended && r.Answered < w.Mended+until {
			r.Status = http.StatusServiceUnavailable
		}
	}
	return true
}

// lostUser has a user be gone that another has seen made, with that outcome.
func (f *field) lostUser(outcome journal.Outcome) bool {
	end := f.end()
	f.Writes = append(f.Writes, journal.Write{
		Sent: time.Second, Answered: time.Second, Op: journal.Make, Thing: "user/planted", Outcome: outcome, Status: http.StatusCreated,
	})
	f.Readings = append(f.Readings, journal.Reading{
		Sent: end, Answered: end, Thing: "user/planted", Purpose: journal.Final, Life: journal.Gone, Status: http.StatusNotFound,
	})
	return true
}

// end is after all that happened.
func (f *field) end() time.Duration {
	last := time.Duration(0)
	for _, c := range f.Checks {
		last = max(last, c.Answered)
	}
	return last + time.Second
}

func (f *field) unread() bool {
	thing, ok := f.steady()
	f.Checks = slices.DeleteFunc(f.Checks, func(c journal.Check) bool { return c.Thing == thing && c.Purpose == journal.Final })
	return ok
}

// replacedWorks has a token that was rotated for a steady one work in the end.
func (f *field) replacedWorks() bool {
	steady, ok := f.steady()
	user := journal.Thing("")
	for _, w := range f.Writes {
		if w.Thing == steady {
			user = w.Parent
		}
	}
	former := journal.Thing(strings.TrimSuffix(string(steady), "1") + "planted")
	f.Writes = append(f.Writes,
		journal.Write{Op: journal.Make, Thing: former, Parent: user, Outcome: journal.Done, Status: http.StatusCreated},
		journal.Write{Sent: 1, Answered: 2, Op: journal.End, Thing: former, Outcome: journal.Done, Status: http.StatusNoContent})
	f.yes("n2", former, f.end())
	f.Checks[len(f.Checks)-1].Purpose = journal.Final
	return ok
}

// revived has a node whose clock is behind say yes to what was over at that moment of the fault.
func (f *field) revived(over time.Duration) bool {
	w := f.window(fault.ClockBack)
	if w == nil {
		return false
	}
	f.Writes = append(f.Writes, journal.Write{
		Op: journal.Make, Thing: "access/planted", Until: w.Begun + over, Outcome: journal.Done, Status: http.StatusOK,
	})
	f.yes(w.Node, "access/planted", w.InForce+2*time.Second)
	f.no(w.Node, "access/planted", f.end())
	f.Checks[len(f.Checks)-1].Purpose = journal.Final
	return true
}

// count has the audit log, after the last count, have another number of rows.
func (f *field) count(more int64) bool {
	for _, c := range slices.Backward(f.Counts) {
		if c.Table == "audit_event" {
			f.Counts = append(f.Counts, journal.Count{At: c.At + 1, Table: c.Table, Rows: c.Rows + more})
			return true
		}
	}
	return false
}

func (f *field) noRolling() bool {
	w := f.window(fault.Rolling)
	if w == nil {
		return false
	}
	f.Checks = slices.DeleteFunc(f.Checks, func(c journal.Check) bool { return c.Sent >= w.Begun && c.Sent <= w.Mended })
	return true
}

func (f *field) onFullDisk(op journal.Op, outcome journal.Outcome, status int) bool {
	w := f.window(fault.DiskFull)
	if w == nil {
		return false
	}
	w2 := journal.Write{Sent: w.InForce + 1, Answered: w.InForce + 2, Op: op, Thing: "access/planted", Outcome: outcome, Status: status}
	f.Writes = append(f.Writes, w2)
	return true
}
