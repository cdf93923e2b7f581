// Package report tells people what came of a run: a page in Markdown and in HTML, and a timeline. All that it says comes from
// the journals, by way of the checker; it decides nothing itself.
package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/invariant"
	"github.com/jeton-io/jeton/test/faults/journal"
	"github.com/jeton-io/jeton/test/faults/plant"
)

// shown is how many violations of one promise are shown; the rest are counted.
const shown = 25

// Write judges a run, writes the report into its folder, says in short what came of it, and reports whether all promises
// were kept and all controls found.
func Write(dir string, run *journal.Run, say func(string, ...any)) (bool, error) {
	r := &report{run: run, result: invariant.Check(run), planted: plant.Controls(run)}
	r.build()
	svg := Timeline(run, &r.result)
	for i, b := range r.blocks {
		if p, ok := b.(picture); ok {
			p.svg = svg
			r.blocks[i] = p
		}
	}
	kept := r.result.Kept() && r.controlled()
	for name, text := range map[string]string{
		"report.md": r.plain(), "report.html": r.page("Jeton under faults"), timelineFile: svg,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return false, fmt.Errorf("writing the report: %w", err)
		}
	}
	r.say(say)
	say("the report is %s", filepath.Join(dir, "report.html"))
	if len(run.Checks) == 0 {
		return false, errors.New("the journal has no checks")
	}
	return kept, nil
}

const timelineFile = "timeline.svg"

type report struct {
	document
	run     *journal.Run
	result  invariant.Result
	planted []plant.Planted
}

// say tells in short what came of the run.
func (r *report) say(say func(string, ...any)) {
	for i := range r.result.Rules {
		rule := &r.result.Rules[i]
		say("%-28s %s, %d observed; %s", rule.Name, verdict(rule), rule.Observed, strings.Join(rule.Notes, "; "))
		for _, v := range rule.Violations[:min(5, len(rule.Violations))] {
			say("    at %.3f s: %s", v.At.Seconds(), v.What)
		}
	}
	say("%s", r.controls())
}

// verdict says in a word what became of a promise.
func verdict(r *invariant.Rule) string {
	switch {
	case r.Kept():
		return "kept"
	case r.Observed == 0:
		return "**not observed**"
	default:
		return fmt.Sprintf("**broken %d times**", len(r.Violations))
	}
}

// controlled reports whether every violation that was planted was found, and no twin was.
func (r *report) controlled() bool {
	for _, p := range r.planted {
		if p.Room && (!p.Found || !p.TwinAllowed) {
			return false
		}
	}
	return true
}

// controls says how many violations were planted and found.
func (r *report) controls() string {
	planted, found, twins, passed := 0, 0, 0, 0
	for _, p := range r.planted {
		if !p.Room {
			continue
		}
		planted++
		if p.Found {
			found++
		}
		if p.Twin != "" {
			twins++
			if p.TwinAllowed {
				passed++
			}
		}
	}
	return fmt.Sprintf("controls: %d violations planted into copies of the journal, %d found; %d twins just within the bound, %d passed", planted, found, twins, passed)
}

// build writes all parts.
func (r *report) build() {
	word := "every promise was kept"
	if !r.result.Kept() {
		word = "a promise was broken"
	}
	r.heading(1, "Jeton under faults: %s", word)
	r.text("Three nodes of the shipped binary, PostgreSQL and nginx, each a process in a network namespace of its own, were broken as below while clients changed and checked credentials. All that the clients sent and heard was written down; a checker that reads nothing else held it against what Jeton promises.")
	r.facts()
	r.promises()
	r.violations()
	r.heading(2, "Timeline")
	r.add(picture{file: timelineFile, alt: "Faults, latencies of revocation, answers without a verdict, and readiness over time"})
	r.latencies()
	r.faults()
	r.cuts()
	r.checksum()
	r.planting()
	r.limits()
}

func (r *report) facts() {
	t := &table{head: []string{"what", "which"}}
	for _, f := range r.run.Facts {
		value := f.Value
		if f.Name == "command" {
			value = "`" + value + "`"
		}
		t.row(f.Name, value)
	}
	last := time.Duration(0)
	for i := range r.run.Checks {
		last = max(last, r.run.Checks[i].Answered)
	}
	t.row("length", fmt.Sprintf("%.0f s", last.Seconds()))
	t.row("written down", fmt.Sprintf("%d checks, %d changes, %d readings, %d answers of /readyz, %d counts of rows",
		len(r.run.Checks), len(r.run.Writes), len(r.run.Readings), len(r.run.Readies), len(r.run.Counts)))
	r.add(t)
}

func (r *report) promises() {
	r.heading(2, "Promises")
	t := &table{head: []string{"", "promise", "verdict", ">observed", "figures"}}
	for i := range r.result.Rules {
		rule := &r.result.Rules[i]
		t.row(rule.Number, "**"+rule.Name+"**: "+rule.Promise, verdict(rule), rule.Observed, strings.Join(rule.Notes, "; "))
	}
	r.add(t)
	r.text("Observed is how many things were seen that could have broken the promise; one of which nothing was observed counts as broken. %s.", r.controls())
}

func (r *report) violations() {
	for _, rule := range r.result.Rules {
		if len(rule.Violations) == 0 {
			continue
		}
		r.heading(3, "Broken: %s", rule.Name)
		var items list
		for _, v := range rule.Violations[:min(shown, len(rule.Violations))] {
			items = append(items, fmt.Sprintf("at %.3f s%s: %s", v.At.Seconds(), r.during(v.At), v.What))
		}
		if more := len(rule.Violations) - shown; more > 0 {
			items = append(items, fmt.Sprintf("and %d more", more))
		}
		r.add(items)
	}
}

// during says which faults were near at a moment.
func (r *report) during(at time.Duration) string {
	var near []string
	for _, w := range r.result.Windows {
		if w.Begun <= at && at <= w.Over() {
			near = append(near, fmt.Sprintf("%d %s", w.Number, w.Kind))
		}
	}
	if len(near) == 0 {
		return ""
	}
	return " (fault " + strings.Join(near, ", ") + ")"
}

// latencies shows how long revocations took, by node and by what was broken.
func (r *report) latencies() {
	r.heading(2, "How long a revocation takes")
	r.text("From the acknowledgement of the revocation until a node was last asked by a client to whom it still said yes. Each node was asked every 10 ms at first, later at intervals of a twentieth of the time that had passed. 0 ms: it never said yes after the acknowledgement.")
	t := &table{head: []string{"while", "node", ">revocations", ">p50", ">p90", ">p99", ">max", ">never heard to refuse"}}
	for _, phase := range r.phases() {
		for _, node := range append([]string{""}, invariant.Nodes()...) {
			var took []time.Duration
			unseen := 0
			for _, l := range r.result.Latencies {
				if !phase.holds(&l) || node != "" && l.Node != node {
					continue
				}
				if !l.Seen {
					unseen++
				}
				took = append(took, l.Took)
			}
			if p := invariant.Percentiles(took); p.Count > 0 && (node != "" || phase.total) {
				t.row(phase.name, orAll(node), p.Count, invariant.After(p.P50), invariant.After(p.P90), invariant.After(p.P99), invariant.After(p.Max), unseen)
			}
		}
	}
	r.add(t)
}

func orAll(node string) string {
	if node == "" {
		return "all"
	}
	return node
}

// phase is a part of the run, by what was broken.
type phase struct {
	name  string
	total bool // all nodes together are shown, too
	holds func(*invariant.Latency) bool
}

// phases are the time without faults, and that of each kind by itself and of those at a time.
func (r *report) phases() []phase {
	all := []phase{{"nothing is broken", true, func(l *invariant.Latency) bool { return l.Quiet }}}
	seen := map[string]bool{}
	for _, l := range r.result.Latencies {
		if name := during(&l); name != "" && !seen[name] {
			seen[name] = true
		}
	}
	for _, name := range sortedKeys(seen) {
		all = append(all, phase{name, false, func(l *invariant.Latency) bool { return during(l) == name }})
	}
	return all
}

// during names what was broken at a revocation.
func during(l *invariant.Latency) string {
	var names []string
	for _, k := range l.During {
		names = append(names, string(k))
	}
	return strings.Join(names, " + ")
}

// faults shows what was done and what clients saw of it.
func (r *report) faults() {
	r.heading(2, "What was broken, and what clients saw")
	t := &table{head: []string{"", "fault", "where", ">begun", ">in force", ">mended", "answers of the nodes", "answers through nginx", "within", "back", "beside"}}
	backs := invariant.Backs(r.run)
	for _, w := range r.result.Windows {
		nodes, proxied := newTally(), newTally()
		for i := range r.run.Checks {
			c := &r.run.Checks[i]
			switch {
			case c.Sent < w.Begun || c.Sent > w.Mended:
			case c.Target == journal.Nginx:
				proxied.add(c)
			case w.Touches(c.Target):
				nodes.add(c)
			}
		}
		var back []string
		for _, b := range backs {
			if b.Window == w.Number {
				back = append(back, fmt.Sprintf("%s ready %s, yes %s", b.Node, invariant.After(b.Ready), invariant.After(b.Yes)))
			}
		}
		t.row(w.Number, fmt.Sprintf("`%s`: %s", w.Kind, fault.Of(w.Kind).What), orAll(w.Node), seconds(w.Begun), span(w.InForce-w.Begun), span(w.Mended-w.Begun),
			nodes, proxied, proxied.times(), strings.Join(back, "; "), strings.Join(w.Notes, "; "))
	}
	r.add(t)
	r.text("In force and mended are counted from when the fault was begun. Answers are those to checks that were sent from its beginning until it was mended, at the nodes that it touched, of good and of dead credentials: yes (200), no (401, 403), 503, none. Within is how long those through nginx took. Back is how long after it was mended /readyz said so, and a check was answered yes; only where no other fault touched the node then.")
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func span(d time.Duration) string {
	if d > 24*time.Hour {
		return "never"
	}
	return fmt.Sprintf("+%.2f s", d.Seconds())
}

// cuts shows when nodes that were cut off began to say so.
func (r *report) cuts() {
	cuts := invariant.Cuts(r.run)
	if len(cuts) == 0 {
		return
	}
	r.heading(2, "Nodes that were cut off from the database")
	t := &table{head: []string{">fault", "node", ">yes from memory", ">the last after", ">503", ">the first after", ">slowest 503"}}
	for _, c := range cuts {
		t.row(c.Window, c.Node, c.Yes, invariant.After(c.LastYes), c.Wait, invariant.After(c.First), invariant.After(c.Slowest))
	}
	r.add(t)
	r.text("Counted from when the fault was in force. What a node doesn't remember it must ask the database for, and so the first 503 may come at once; the last yes must come within 5 s.")
}

// checksum counts all answers.
func (r *report) checksum() {
	r.heading(2, "All checks by answer")
	t := &table{head: []string{"asked", "credential", ">yes", ">no", ">503", ">none"}}
	counts := map[string]*tally{}
	for i := range r.run.Checks {
		c := &r.run.Checks[i]
		key := c.Target + "\t" + c.Thing.Kind()
		if counts[key] == nil {
			counts[key] = newTally()
		}
		counts[key].add(c)
	}
	for _, key := range sortedKeys(counts) {
		target, kind, _ := strings.Cut(key, "\t")
		n := counts[key].by
		t.row(target, kind, n[journal.Yes], n[journal.No], n[journal.Wait], n[journal.Lost])
	}
	r.add(t)
}

// planting shows that the checker finds what it looks for.
func (r *report) planting() {
	r.heading(2, "Does the checker find anything?")
	r.text("Into copies of the journal of this very run, violations were planted one at a time, and twins of them that are just within the bound. The checker must find the former and let the latter pass.")
	t := &table{head: []string{"planted", "breaks", "found", "its twin", "passed"}}
	for _, p := range r.planted {
		if !p.Room {
			t.row(p.What, "–", "no room for it in this run", p.Twin, "–")
			continue
		}
		passed := yesOr(p.TwinAllowed)
		if p.Twin == "" {
			passed = "–"
		}
		t.row(p.What, p.Rule, yesOr(p.Found), p.Twin, passed)
	}
	r.add(t)
	r.text("%s.", r.controls())
}

func yesOr(ok bool) string {
	if ok {
		return "yes"
	}
	return "**no**"
}

// limits says where the raw journals are, and what a run doesn't show.
func (r *report) limits() {
	r.heading(2, "To check it yourself")
	r.text("The journals lie beside this report: `run.tsv`, `writes.tsv`, `checks.tsv`, `ready.tsv`, `faults.tsv`, `readings.tsv`, `counts.tsv`; text, with tabs between fields and their names in the first line. `commands.log` has every command that made, broke or mended something, `logs/` what the processes printed. The checker alone, on these journals:")
	r.add(code("go run ./test/faults/nodes check DIR"))
	r.text("What a run doesn't show:")
	r.add(list{
		"One machine has one disk, one clock and few cores: SIGKILL tests what a process had written, not what a disk had; all share the load.",
		"A machine's clock can't be set for one process. The node named above is Jeton's code with a wall clock that a file sets off, while the monotonic clock stays right; the others are the binary as it is shipped.",
		"What is lost one way is lost at the switch: the sender's neighbour entry names a card that nobody has. Links that go down are pulled at the switch.",
		"What is deleted for its age is looked for once an hour, which a run of ten minutes doesn't reach: that a clock set forward deletes nothing then, the tests of `internal/app` show.",
		"A change whose answer was lost may have been made or not; nothing is claimed of its record from then on.",
	})
}
