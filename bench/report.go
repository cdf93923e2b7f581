package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// report writes what was measured, as Markdown that can go into docs/performance.md as it is. What the figures depend on
// stands beside them: they travel without the session that they were taken in.
func (b *bench) report() string {
	var t strings.Builder
	live := thousands(float64(b.scale.tokens)) + " live tokens"
	if b.only == "" {
		live += ", of which " + thousands(float64(b.presented)) + " were presented, " + thousands(float64(b.apiTokens)) + " API tokens, large bodies of " + mebibytes(float64(b.body))
	}
	fmt.Fprintf(&t, "%s, rounds: %d of %d s, %s, %s, in %s\n\n", live, b.rounds, b.seconds,
		b.machine, time.Now().UTC().Format(time.DateOnly), time.Since(b.began).Round(time.Second))
	switch b.only {
	case onlyFlood:
		b.writeFloods(&t)
	case onlyLatency:
		b.writeLatencies(&t)
	default:
		b.writePaths(&t)
		b.writeLatencies(&t)
		b.writeFloods(&t)
	}
	return t.String()
}

// writePaths writes the tables of the paths, and what goes with them.
func (b *bench) writePaths(t *strings.Builder) {
	writeRows(t, b.rows.all())
	t.WriteString("\n")
	writeFigures(t, b.figures.all())
	fmt.Fprintf(t, "\nFigures are medians of the rounds (least–greatest). Levels are must / aim / beyond. Core is the share of its core that the server had, a request what one took of it, and allocations how many objects one put on the heap.%s\n\n",
		b.rows.tokenBesideBasic())
	fmt.Fprintf(t, "- load: `%s`, after one second of the same; -c%d where passwords are hashed; what ratios are to for %d s, right before; %s\n",
		strings.Join(b.wrkCommandShown(), " "), fewConnections, b.unitSeconds(), b.pins)
	t.WriteString("- server: `jeton serve --data DIR --listen … --gateway-listen … --admin-listen … --proxy-listen … --public-url " + publicURL + "` and nothing else set: request log to a file, audit, metrics, times of last use and policy are on\n")
	t.WriteString("- in process, each by `go test -run '^$' -benchmem`: `-bench DecideWarm -cpu 1,2 ./internal/authority`, `-bench 'Warm|Cold|Exchange' -cpu 1 ./internal/accesstoken`," +
		" `-bench Cold -cpu 1 ./internal/personal ./internal/project`; what is bare of them is their first part\n\n")
}

// writeFloods writes the table of the checks beside log-ins.
func (b *bench) writeFloods(t *strings.Builder) {
	writeLine(t, "2,000 checks/s beside", "p50", "p99", "p99.9", "promise", "verdict", "sent late, p99", "log-ins hashed", "throttled (429)", "busy (503)")
	writeLine(t, "---", "--:", "--:", "--:", "---", "---", "--:", "--:", "--:", "--:")
	for _, f := range b.floods {
		writeLine(t, f.name, spread(f.p50, milliseconds), spread(f.p99, milliseconds), spread(f.p999, milliseconds), f.promise(), f.verdict(b.floods[0]),
			spread(f.late, milliseconds), spread(f.hashed, thousands), spread(f.throttled, thousands), spread(f.busy, thousands))
	}
	fmt.Fprintf(t, "\nAn open loop for %d s: each check is timed from when it was due, and sent late is by how much of that the load itself was.\n\n", floodLength*b.seconds)
	fmt.Fprintf(t, "- %s remembered tokens in turn, %s, GOMAXPROCS not set, the load on the same cores unless there are more\n", thousands(floodTokens), b.pins.both())
	t.WriteString("- `go run ./bench -flood` measures only this\n")
}

// tokenBesideBasic is a sentence on how many calls a token admits for each that HTTP Basic does, or nothing where not both
// were measured.
func (r *rows) tokenBesideBasic() string {
	for _, one := range []*row{r.hot, r.password, r.cold, r.coldPassword} {
		if len(one.samples) == 0 {
			return ""
		}
	}
	token, basic := median(r.hot.each(rateOf)), median(r.password.each(rateOf))
	coldToken, coldBasic := median(r.cold.each(rateOf)), median(r.coldPassword.each(rateOf))
	return fmt.Sprintf(" A personal token admits %s times as many calls as HTTP Basic where both are remembered (%s/s against %s/s), and %s times as many where neither is (%s/s against %s/s).",
		times(token/basic), thousands(token), thousands(basic), times(coldToken/coldBasic), thousands(coldToken), thousands(coldBasic))
}

// wrkCommandShown is the command line of wrk without what differs from run to run.
func (b *bench) wrkCommandShown() []string {
	argv := b.wrkCommand("127.0.0.1:PORT/…", wrkConnections, b.seconds)
	for i, arg := range argv {
		if strings.HasSuffix(arg, "load.lua") {
			argv[i] = "bench/load.lua"
		}
	}
	return argv
}

// writeRows writes the table of the paths. Only what is judged has its spread beside it.
func writeRows(t *strings.Builder, all []*row) {
	writeLine(t, "path", "requests/s", "ratio", "to", "levels", "p50", "p99", "levels of p99", "verdict", "core", "a request", "RSS", "allocations")
	writeLine(t, "---", "--:", "--:", "---", "---", "--:", "--:", "---", "---", "--:", "--:", "--:", "--:")
	for _, r := range all {
		unit := r.unit
		if unit == "" {
			unit = "–"
		}
		writeLine(t, r.name, spread(r.each(rateOf), thousands), spread(r.ratios, ratio), unit, r.ratio.write(ratio),
			middle(r.each(p50Of), milliseconds), spread(r.each(p99Of), milliseconds), r.tail.write(milliseconds),
			r.verdict(), middle(r.each(busyOf), percent), middle(r.each(costOf), microseconds), middle(r.rss, mebibytes), middle(r.allocs, thousands))
	}
}

// writeFigures writes the table of what is no path.
func writeFigures(t *strings.Builder, all []*figure) {
	writeLine(t, "figure", "value", "levels", "verdict")
	writeLine(t, "---", "--:", "---", "---")
	for _, f := range all {
		verdict := f.levels.verdict(median(f.values))
		if f.failed != nil {
			verdict = "**failed**: " + f.failed.Error()
		} else if len(f.values) == 0 {
			verdict = "**not measured**"
		}
		writeLine(t, f.name, spread(f.values, f.format), f.levels.write(f.format), verdict)
	}
}

// writeLine writes a line of a table. What would end a cell early is written so that it doesn't.
func writeLine(t *strings.Builder, cells ...string) {
	for i, c := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(c)
	}
	t.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// failures returns an error where figures are missing: such a table must not pass for a whole one.
func (b *bench) failures() error {
	var errs []error
	look := func(name string, failed error, measured int) {
		if failed != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, failed))
		} else if measured == 0 {
			errs = append(errs, fmt.Errorf("%s: not measured", name))
		}
	}
	if b.only != onlyLatency {
		for _, f := range b.floods {
			look("checks beside "+f.name, f.failed, len(f.p99))
		}
	}
	if b.only != onlyFlood {
		for _, l := range b.latencies {
			look("open loop at "+l.name(), l.failed, len(l.p99))
		}
	}
	if b.only == "" {
		for _, r := range b.rows.all() {
			look(r.name, r.failed, len(r.samples))
		}
		for _, f := range b.figures.all() {
			look(f.name, f.failed, len(f.values))
		}
	}
	return errors.Join(errs...)
}
