package plant_test

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/invariant"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// ideal is a run in which Jeton kept every promise: the journal of a Jeton that is nothing but the promises.
type ideal struct {
	journal.Run
	length time.Duration
}

const (
	sec   = time.Second
	milli = time.Millisecond
)

// idealRun has one of every sort of thing, and faults of the kinds given, one after another, each for twelve seconds.
func idealRun(kinds ...fault.Kind) *journal.Run {
	r := &ideal{length: 20*sec + time.Duration(len(kinds))*20*sec}
	for i, kind := range kinds {
		r.fault(i+1, kind, 20*sec+time.Duration(i)*20*sec)
	}
	r.make("user/s", "", 0)
	r.make("personal/s/1", "user/s", 0)
	r.make("user/b", "", 0)
	r.make("personal/b/1", "user/b", 0)
	r.make("user/r", "", 0)
	r.make("personal/r/0", "user/r", 0)
	r.make("api/1", "user/s", 0)
	r.rotate()
	r.block()
	r.expire()
	r.revokeOnFullDisk()
	r.ask()
	r.final()
	for at := sec; at < r.length; at += 5 * sec {
		r.Counts = append(r.Counts, journal.Count{At: at, Table: "audit_event", Rows: int64(at / sec)})
	}
	return &r.Run
}

func (r *ideal) fault(number int, kind fault.Kind, at time.Duration) {
	node := map[fault.Reach]string{fault.OneNode: "n2", fault.ClockedNode: "n3"}[fault.Of(kind).Reach]
	for i, phase := range []journal.Phase{journal.Begun, journal.InForce, journal.Mending, journal.Mended} {
		r.Steps = append(r.Steps, journal.Step{
			At: at + []time.Duration{0, milli, 12 * sec, 12*sec + milli}[i], Fault: number, Kind: kind, Node: node, Phase: phase,
		})
	}
}

func (r *ideal) write(w journal.Write) {
	w.Answered, w.Outcome = w.Sent+milli, journal.Done
	r.Writes = append(r.Writes, w)
}

func (r *ideal) make(thing, parent journal.Thing, at time.Duration) {
	r.write(journal.Write{Sent: at, Op: journal.Make, Thing: thing, Parent: parent, Status: http.StatusCreated})
}

// down reports whether writes can't be made at a time.
func (r *ideal) down(at time.Duration) bool {
	return slices.ContainsFunc(invariant.Windows(r.Steps), func(w invariant.Window) bool {
		return !fault.Of(w.Kind).Serves && w.Begun <= at && at <= w.Mended
	})
}

// rotate has a user rotate each second, and every node probed.
func (r *ideal) rotate() {
	former := journal.Thing("personal/r/0")
	for n := 1; ; n++ {
		at := time.Duration(n) * sec
		if at >= r.length {
			return
		}
		if r.down(at) {
			continue
		}
		next := journal.Thing(fmt.Sprintf("personal/r/%d", n))
		r.write(journal.Write{Sent: at, Op: journal.Make, Thing: next, Former: former, Parent: "user/r", By: former, Status: http.StatusCreated})
		for _, node := range invariant.Nodes() {
			r.answer(node, former, journal.Probe, at+10*milli)
		}
		former = next
	}
}

// block has a user blocked and unblocked in turn.
func (r *ideal) block() {
	op := journal.Off
	for at := 3 * sec; at < r.length; at += 7 * sec {
		if !r.down(at) {
			r.write(journal.Write{Sent: at, Op: op, Thing: "user/b", By: "personal/s/1", Status: http.StatusOK})
			op = map[journal.Op]journal.Op{journal.Off: journal.On, journal.On: journal.Off}[op]
		}
	}
}

// expire has a token come to its end every second.
func (r *ideal) expire() {
	for at := 2 * sec; at < r.length; at += sec {
		r.write(journal.Write{
			Op: journal.Make, Thing: journal.Thing(fmt.Sprintf("access/%d", at/sec)), Parent: "api/1", Until: at, Status: http.StatusOK,
		})
	}
}

func (r *ideal) revokeOnFullDisk() {
	for _, w := range invariant.Windows(r.Steps) {
		if w.Kind == fault.DiskFull {
			r.make("personal/f/1", "user/s", 0)
			r.write(journal.Write{Sent: w.InForce + sec, Op: journal.End, Thing: "personal/f/1", Status: http.StatusNoContent})
		}
	}
}

// ask has every target checked ten times a second, and every node's readiness.
func (r *ideal) ask() {
	for at := sec; at < r.length; at += 100 * milli {
		ended := journal.Thing(fmt.Sprintf("access/%d", max(2, (at-500*milli)/sec)))
		for _, target := range append(invariant.Nodes(), journal.Nginx) {
			for _, thing := range []journal.Thing{"personal/s/1", "personal/b/1", "personal/r/0", ended} {
				r.answer(target, thing, journal.Steady, at)
			}
		}
		for _, node := range invariant.Nodes() {
			status := http.StatusOK
			if r.state(node, at) != journal.Yes {
				status = http.StatusServiceUnavailable
			}
			r.Readies = append(r.Readies, journal.Ready{Sent: at, Answered: at + milli, Node: node, Status: status})
		}
	}
}

// state is what a node says at a time of what is good.
func (r *ideal) state(node string, at time.Duration) journal.Verdict {
	for _, w := range invariant.Windows(r.Steps) {
		effect := fault.Of(w.Kind)
		switch {
		case !w.Touches(node) || at < w.Begun || at > w.Mended+sec:
		case w.Kind == fault.Rolling && node == "n1" && at < w.Begun+sec:
			return journal.Lost // the first of them; each has its turn
		case w.Kind == fault.Rolling:
		case effect.Silences:
			return journal.Lost
		case effect.Cuts && at > w.InForce+4*sec:
			return journal.Wait
		}
	}
	return journal.Yes
}

// answer has a target answer as it should.
func (r *ideal) answer(target string, thing journal.Thing, purpose journal.Purpose, at time.Duration) {
	verdict := r.state(target, at)
	if target == journal.Nginx {
		for _, node := range invariant.Nodes() {
			if verdict = r.state(node, at); verdict == journal.Yes {
				break
			}
		}
	}
	if verdict == journal.Yes && !r.good(thing, at) {
		verdict = journal.No
	}
	status := map[journal.Verdict]int{journal.Yes: 200, journal.No: 401, journal.Wait: 503}[verdict]
	r.Checks = append(r.Checks, journal.Check{
		Sent: at, Answered: at + milli, Target: target, Thing: thing, Purpose: purpose, Verdict: verdict, Status: status,
	})
}

// good is the truth about a thing at a time.
func (r *ideal) good(thing journal.Thing, at time.Duration) bool {
	var parent journal.Thing
	living := false
	for _, w := range r.Writes {
		if w.Sent > at {
			continue
		}
		switch {
		case w.Former == thing:
			living = false
		case w.Thing == thing && w.Op == journal.Make:
			living, parent = w.Until == 0 || at < w.Until, w.Parent
		case w.Thing == thing:
			living = w.Op == journal.On
		}
	}
	return living && (parent == "" || r.good(parent, at))
}

// final reads back all that was made.
func (r *ideal) final() {
	at := r.length + 10*sec
	for _, w := range r.Writes {
		switch {
		case w.Op != journal.Make:
		case w.Thing.Kind() == journal.User || w.Thing.Kind() == journal.APIToken:
			life := journal.Lives
			if !r.good(w.Thing, at) {
				life = journal.Stopped
			}
			r.Readings = append(r.Readings, journal.Reading{Sent: at, Answered: at + milli, Thing: w.Thing, Purpose: journal.Final, Life: life, Status: 200})
		default:
			for _, node := range invariant.Nodes() {
				r.answer(node, w.Thing, journal.Final, at)
			}
		}
	}
}
