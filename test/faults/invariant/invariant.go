// Package invariant holds what Jeton promises under faults against what was written down of a run.
//
// It reads journals and nothing else, knows nothing of how they came about, and asks nobody. A promise of which nothing was
// observed counts as broken. What isn't known isn't held against anybody: a change whose answer was lost may have been made
// or not, and its credential is then neither good nor bad.
package invariant

import (
	"fmt"
	"time"

	"github.com/jeton-io/jeton/test/faults/journal"
)

// The bounds that are promised.
const (
	// Stale is for how long at most a node that hears of nothing may go on saying yes.
	Stale = 5 * time.Second
	// Usual is within what time, at p99, a revocation is everywhere when nothing is broken.
	Usual = time.Second
	// Waiting is how long a node may try the database before it says that it can't decide.
	Waiting = 1500 * time.Millisecond
	// Recovery is how soon after the database, or a node, is back all is as before.
	Recovery = 2 * time.Second
)

// Slack returns what the harness itself may be late by, on cores that are shared by everything that runs: a quarter of a
// second, or what the run says. It counts for how soon an answer comes, and for nothing else.
func Slack(run *journal.Run) time.Duration {
	if slack, err := time.ParseDuration(run.Fact("slack")); err == nil {
		return slack
	}
	return 250 * time.Millisecond
}

// Rule is one promise, and what became of it.
type Rule struct {
	Number        int
	Name, Promise string
	Observed      int // how many things were seen that could have broken it
	Violations    []Violation
	Notes         []string // figures that stand beside it
}

// Kept reports whether the promise was kept, and could have been broken.
func (r *Rule) Kept() bool { return r.Observed > 0 && len(r.Violations) == 0 }

// Violation is one time that a promise was broken.
type Violation struct {
	At   time.Duration
	What string
}

// Result is what became of all promises.
type Result struct {
	Rules     []Rule
	Windows   []Window
	Latencies []Latency
}

// Kept reports whether all promises were kept.
func (r *Result) Kept() bool {
	for i := range r.Rules {
		if !r.Rules[i].Kept() {
			return false
		}
	}
	return true
}

// checker is one run with what is read from it.
type checker struct {
	*journal.Run
	lives   lives
	windows windows
	slack   time.Duration
}

// rules are the promises, in order. A rule without observations is broken, but for those that a run may leave out: see
// only.
var rules = []struct {
	name, promise string
	only          func(*checker) bool // whether the run can say anything of it; always where nil
	judge         func(*checker, *Rule)
}{
	{"no stale yes", "no node says yes to a credential more than 5 s after it was acknowledged that it is revoked, disabled, blocked or deleted, whatever is broken", nil, (*checker).stale},
	{"revocation is quick", "with nothing broken, a revocation is on every node within 1 s at p99 of its acknowledgement", nil, (*checker).quick},
	{"no wrong no", "a credential that is good for certain is never refused (401, 403); it can't be judged (503), or nothing is heard, only where a fault explains it, and through the proxy only where no node could serve", nil, (*checker).wrong},
	{"a node cut off says so", "from 5 s after it was cut off from the database a node never says yes, and answers 503 within 1.5 s", (*checker).hasCut, (*checker).cut},
	{"back within 2 s", "2 s after the database, or the node, is back, the node is ready (/readyz) and says yes again", (*checker).hasOutage, (*checker).back},
	{"no acknowledged write is lost", "all that was ever acknowledged is read back through /v1, and is so on each node", nil, (*checker).kept},
	{"one personal token", "of all personal tokens that a user ever had, each node takes exactly one in the end", nil, (*checker).one},
	{"no revival, no deletion", "what was over stays over when a clock is set back, and no row is deleted when one is set forward", (*checker).hasClock, (*checker).clock},
	{"rolling restart", "no check through the proxy fails while the nodes are restarted one after another", (*checker).hasRolling, (*checker).rolling},
	{"a full disk", "checks go on; what can't be stored is answered by 507 and changes nothing; revoking works", (*checker).hasFull, (*checker).full},
}

// Check judges a run.
func Check(run *journal.Run) Result {
	c := &checker{run, livesOf(run.Writes), Windows(run.Steps), Slack(run)}
	result := Result{Windows: c.windows, Latencies: c.latencies()}
	for i, r := range rules {
		if r.only != nil && !r.only(c) {
			continue
		}
		rule := Rule{Number: i + 1, Name: r.name, Promise: r.promise}
		r.judge(c, &rule)
		result.Rules = append(result.Rules, rule)
	}
	return result
}

// breaks enters a violation.
func (r *Rule) breaks(at time.Duration, format string, args ...any) {
	r.Violations = append(r.Violations, Violation{at, fmt.Sprintf(format, args...)})
}

// notes enters a figure.
func (r *Rule) notes(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// After writes a span of time as people read it.
func After(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
