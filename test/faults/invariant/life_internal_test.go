package invariant

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/journal"
)

const s = time.Second

// write is a write that is answered half a second after it was sent.
func write(at time.Duration, op journal.Op, thing journal.Thing, outcome journal.Outcome) journal.Write {
	return journal.Write{Sent: at, Answered: at + s/2, Op: op, Thing: thing, Outcome: outcome}
}

// token is the making of a token of a user at 0.
func token() journal.Write {
	return journal.Write{Op: journal.Make, Thing: "t", Parent: "u", Outcome: journal.Done}
}

// TestLives: what can be claimed of a token at a check, sent and answered at the times given, and what can't.
func TestLives(t *testing.T) {
	user := journal.Write{Op: journal.Make, Thing: "u", Outcome: journal.Done}
	off, on, end := journal.Off, journal.On, journal.End
	tests := []struct {
		name     string
		writes   []journal.Write
		from, to time.Duration
		alive    bool
		dead     bool
		since    time.Duration
	}{
		{"made", nil, 1 * s, 2 * s, true, false, 0},
		{"asked before the answer", []journal.Write{write(3*s, journal.Make, "later", journal.Done)}, 1 * s, 2 * s, true, false, 0},
		{"ended", []journal.Write{write(3*s, end, "t", journal.Done)}, 4 * s, 5 * s, false, true, 3*s + s/2},
		{"ended, and asked before the answer came", []journal.Write{write(3*s, end, "t", journal.Done)}, 3*s + s/4, 5 * s, false, false, 0},
		{"ended while asked", []journal.Write{write(3*s, end, "t", journal.Done)}, 2 * s, 3*s + 1, false, false, 0},
		{"to be ended", []journal.Write{write(3*s, end, "t", journal.Done)}, 1 * s, 3 * s, true, false, 0},
		{"the end was refused", []journal.Write{write(3*s, end, "t", journal.Refused)}, 4 * s, 5 * s, true, false, 0},
		{"the end isn't known", []journal.Write{write(3*s, end, "t", journal.Unknown)}, 9 * s, 10 * s, false, false, 0},
		{"the end isn't known, then it is", []journal.Write{write(3*s, end, "t", journal.Unknown), write(5*s, end, "t", journal.Done)}, 9 * s, 10 * s, false, true, 5*s + s/2},
		{"replaced", []journal.Write{{Sent: 3 * s, Answered: 4 * s, Op: journal.Make, Thing: "t2", Former: "t", Parent: "u", Outcome: journal.Done}}, 5 * s, 6 * s, false, true, 4 * s},
		{"perhaps replaced", []journal.Write{{Sent: 3 * s, Answered: 4 * s, Op: journal.Make, Former: "t", Outcome: journal.Unknown}}, 5 * s, 6 * s, false, false, 0},
		{"user blocked", []journal.Write{write(3*s, off, "u", journal.Done)}, 4 * s, 5 * s, false, true, 3*s + s/2},
		{"user unblocked a moment ago", []journal.Write{write(3*s, off, "u", journal.Done), write(5*s, on, "u", journal.Done)}, 6 * s, 7 * s, false, false, 0},
		{"user unblocked long ago", []journal.Write{write(3*s, off, "u", journal.Done), write(5*s, on, "u", journal.Done)}, 11 * s, 12 * s, true, false, 0},
		{"user perhaps unblocked", []journal.Write{write(3*s, off, "u", journal.Done), write(5*s, on, "u", journal.Unknown)}, 11 * s, 12 * s, false, false, 0},
		{"unblocked while asked", []journal.Write{write(3*s, off, "u", journal.Done), write(5*s, on, "u", journal.Done)}, 4 * s, 5*s + 1, false, false, 0},
		{"blocked after an unblocking that may come late", []journal.Write{
			write(1*s, off, "u", journal.Done), write(2*s, on, "u", journal.Unknown), write(3*s, off, "u", journal.Done),
		}, 11 * s, 12 * s, false, false, 0},
		{"ended after an unblocking that may come late", []journal.Write{write(2*s, on, "u", journal.Unknown), write(3*s, end, "u", journal.Done)}, 11 * s, 12 * s, false, true, 3*s + s/2},
		{"two reasons, the earlier counts", []journal.Write{write(3*s, end, "t", journal.Done), write(2*s, off, "u", journal.Done)}, 11 * s, 12 * s, false, true, 2*s + s/2},
	}
	for _, tt := range tests {
		ls := livesOf(append([]journal.Write{user, token()}, tt.writes...))
		since, dead := ls.deadSince("t", tt.from, tt.to)
		if alive := ls.alive("t", tt.from, tt.to, Stale); alive != tt.alive || dead != tt.dead || since != tt.since {
			t.Errorf("%s: got alive %t, dead %t since %v; want %t, %t, %v", tt.name, alive, dead, since, tt.alive, tt.dead, tt.since)
		}
	}
	if ls := livesOf(nil); ls.alive("t", s, 2*s, 0) {
		t.Error("got a thing alive that nobody made")
	}
}

// TestOver: what is over by itself, or rests on what is.
func TestOver(t *testing.T) {
	ls := livesOf([]journal.Write{
		{Op: journal.Make, Thing: "api", Until: 9 * s, Outcome: journal.Done},
		{Op: journal.Make, Thing: "access", Parent: "api", Until: 5 * s, Outcome: journal.Done},
		{Op: journal.Make, Thing: "personal", Outcome: journal.Done},
	})
	if at, over := ls.over("access", 5*s); !over || at != 5*s {
		t.Errorf("got over %t at %v, want at its end", over, at)
	}
	if _, over := ls.over("access", 5*s-1); over {
		t.Error("got over before its end")
	}
	if ls.alive("access", 4*s, 5*s, 0) || !ls.alive("access", 4*s, 5*s-1, 0) {
		t.Error("got alive past its end, or not until then")
	}
	if !ls.ends("access") || ls.ends("personal") {
		t.Error("got wrong what ever ends")
	}
}

func TestPercentiles(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(200-i))
	}
	if got, want := Percentiles(times), (Spread{200, 100, 180, 198, 200}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := Percentiles(times[:1]), (Spread{1, 200, 200, 200, 200}); got != want {
		t.Errorf("of one: got %v, want %v", got, want)
	}
	if got := Percentiles(nil); got != (Spread{}) {
		t.Errorf("of none: got %v", got)
	}
}

// TestExplains: which faults explain that a node says nothing, or can't decide.
func TestExplains(t *testing.T) {
	steps := func(number int, kind string, node string, at time.Duration) []journal.Step {
		var all []journal.Step
		for i, p := range []journal.Phase{journal.Begun, journal.InForce, journal.Mending, journal.Mended} {
			all = append(all, journal.Step{At: at + time.Duration(i)*s, Fault: number, Kind: fault.Kind(kind), Node: node, Phase: p})
		}
		return all
	}
	ws := windows(Windows(append(append(steps(1, "link-down", "n1", 10*s), steps(2, "node-killed", "n2", 20*s)...), steps(3, "rolling", "", 40*s)...)))
	tests := []struct {
		node    string
		verdict journal.Verdict
		at      time.Duration
		want    bool
	}{
		{"n1", journal.Wait, 9 * s, false},
		{"n1", journal.Wait, 10 * s, true},
		{"n1", journal.Lost, 11 * s, false},
		{"n2", journal.Wait, 11 * s, false},
		{"n1", journal.Wait, 15 * s, true}, // mended at 13 s, and two more to recover
		{"n1", journal.Wait, 15*s + 1, false},
		{"n2", journal.Lost, 21 * s, true},
		{"n3", journal.Lost, 41 * s, true},
	}
	for _, tt := range tests {
		if got := ws.explains(tt.node, tt.verdict, tt.at, tt.at); got != tt.want {
			t.Errorf("%s, %s at %v: got explained %t, want %t", tt.node, tt.verdict, tt.at, got, tt.want)
		}
	}
	if !ws.serving(10*s, 11*s) || !ws.serving(41*s, 42*s) || ws.quiet(10*s, 11*s) || !ws.quiet(30*s, 31*s) {
		t.Error("got wrong whether a node serves, or all is quiet")
	}
	down := windows(Windows(append(steps(1, "node-killed", "n1", 10*s), append(steps(2, "db-stopped", "", 12*s), steps(3, "db-paused", "", 40*s)...)...)))
	if !down.explains("n1", journal.Lost, 16*s, 16*s) || down.explains("n2", journal.Lost, 14*s, 14*s) || down.explains("n1", journal.Lost, 41*s, 41*s) {
		t.Error("got wrong whether a node that can't start without its database may be silent")
	}
	cut := windows(Windows(steps(1, "db-paused", "", 10*s)))
	if cut.serving(11*s, 12*s) || !cut.serving(16*s, 17*s) {
		t.Error("got a node serving without a database, or none after it is back")
	}
}
