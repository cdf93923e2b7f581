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
	fmt.Fprintf(&t, "%s live tokens, rounds: %d of %d s, %s, %s, in %s\n\n", thousands(float64(b.scale.tokens)), b.rounds, b.seconds,
		b.machine, time.Now().UTC().Format(time.DateOnly), time.Since(b.began).Round(time.Second))
	writeRows(&t, b.rows.all())
	t.WriteString("\n")
	writeFigures(&t, b.figures.all())
	fmt.Fprintf(&t, "\nFigures are medians of the rounds (least–greatest). Levels are must / aim / beyond. Core is the share of its core that the server had, and a request what one took of it.\n\n")
	fmt.Fprintf(&t, "- load: `%s`, after one second of the same; %s\n", strings.Join(b.wrkCommandShown(), " "), b.pins)
	t.WriteString("- server: `jeton serve --data DIR --listen … --gateway-listen … --admin-listen …` and nothing else set: request log to a file, audit, metrics, times of last use and policy are on\n")
	t.WriteString("- in process: `go test -run '^$' -bench Decide -benchmem -cpu 1,2 ./internal/authority`\n")
	return t.String()
}

// wrkCommandShown is the command line of wrk without what differs from run to run.
func (b *bench) wrkCommandShown() []string {
	argv := b.wrkCommand("127.0.0.1:PORT/…", b.seconds)
	for i, arg := range argv {
		if strings.HasSuffix(arg, "load.lua") {
			argv[i] = "bench/load.lua"
		}
	}
	return argv
}

// writeRows writes the table of the paths. Only what is judged has its spread beside it.
func writeRows(t *strings.Builder, all []*row) {
	writeLine(t, "path", "requests/s", "ratio", "to", "levels", "p50", "p99", "levels of p99", "verdict", "core", "a request", "RSS")
	writeLine(t, "---", "--:", "--:", "---", "---", "--:", "--:", "---", "---", "--:", "--:", "--:")
	for _, r := range all {
		unit := r.unit
		if unit == "" {
			unit = "–"
		}
		writeLine(t, r.name, spread(r.each(rateOf), thousands), spread(r.ratios, ratio), unit, r.ratio.write(ratio),
			middle(r.each(p50Of), milliseconds), spread(r.each(p99Of), milliseconds), r.tail.write(milliseconds),
			r.verdict(), middle(r.each(busyOf), percent), middle(r.each(costOf), microseconds), middle(r.rss, mebibytes))
	}
}

// writeFigures writes the table of what is no path.
func writeFigures(t *strings.Builder, all []*figure) {
	writeLine(t, "figure", "value", "levels", "verdict")
	writeLine(t, "---", "--:", "---", "---")
	for _, f := range all {
		verdict := f.levels.verdict(median(f.values))
		if len(f.values) == 0 {
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

// failures returns an error where a path's figures are missing: such a table must not pass for a whole one.
func (b *bench) failures() error {
	var errs []error
	for _, r := range b.rows.all() {
		if r.failed != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.name, r.failed))
		} else if len(r.samples) == 0 {
			errs = append(errs, fmt.Errorf("%s: not measured", r.name))
		}
	}
	return errors.Join(errs...)
}
