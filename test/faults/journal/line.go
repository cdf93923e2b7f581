package journal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
)

// table is one file: its name, the names of its fields, and how a line of it is read into a run.
type table struct {
	name   string
	fields string
	read   func(*Run, *reader)
}

// tables are all files of a journal.
var tables = []table{
	{"run.tsv", "fact value", func(r *Run, l *reader) {
		r.Facts = append(r.Facts, Fact{l.text(), l.text()})
	}},
	{"writes.tsv", "sent answered op thing former parent until by outcome status", func(r *Run, l *reader) {
		r.Writes = append(r.Writes, Write{
			l.time(), l.time(), Op(l.text()), l.thing(), l.thing(), l.thing(), l.time(), l.thing(), Outcome(l.text()), l.number(),
		})
	}},
	{"checks.tsv", "sent answered target thing purpose verdict status x-jeton-status", func(r *Run, l *reader) {
		r.Checks = append(r.Checks, Check{
			l.time(), l.time(), l.text(), l.thing(), Purpose(l.text()), Verdict(l.text()), l.number(), l.text(),
		})
	}},
	{"ready.tsv", "sent answered node status problems", func(r *Run, l *reader) {
		r.Readies = append(r.Readies, Ready{l.time(), l.time(), l.text(), l.number(), l.text()})
	}},
	{"faults.tsv", "at fault kind node phase note", func(r *Run, l *reader) {
		r.Steps = append(r.Steps, Step{l.time(), l.number(), fault.Kind(l.text()), l.text(), Phase(l.text()), l.text()})
	}},
	{"readings.tsv", "sent answered thing purpose life status", func(r *Run, l *reader) {
		r.Readings = append(r.Readings, Reading{l.time(), l.time(), l.thing(), Purpose(l.text()), Life(l.text()), l.number()})
	}},
	{"counts.tsv", "at table rows", func(r *Run, l *reader) {
		r.Counts = append(r.Counts, Count{l.time(), l.text(), int64(l.number())})
	}},
}

// entry is what can be a line.
type entry interface {
	// line returns the file to which the entry goes, and its fields.
	line() (file string, fields []any)
}

func (f Fact) line() (string, []any) { return "run.tsv", []any{f.Name, f.Value} }

func (w Write) line() (string, []any) {
	return "writes.tsv", []any{w.Sent, w.Answered, w.Op, w.Thing, w.Former, w.Parent, w.Until, w.By, w.Outcome, w.Status}
}

func (c Check) line() (string, []any) {
	return "checks.tsv", []any{c.Sent, c.Answered, c.Target, c.Thing, c.Purpose, c.Verdict, c.Status, c.Jeton}
}

func (r Ready) line() (string, []any) {
	return "ready.tsv", []any{r.Sent, r.Answered, r.Node, r.Status, r.Problems}
}

func (s Step) line() (string, []any) {
	return "faults.tsv", []any{s.At, s.Fault, s.Kind, s.Node, s.Phase, s.Note}
}

func (r Reading) line() (string, []any) {
	return "readings.tsv", []any{r.Sent, r.Answered, r.Thing, r.Purpose, r.Life, r.Status}
}

func (c Count) line() (string, []any) { return "counts.tsv", []any{c.At, c.Table, c.Rows} }

// text writes a field.
func text(field any) string {
	if d, ok := field.(time.Duration); ok {
		return seconds(d)
	}
	s := strings.Join(strings.Fields(fmt.Sprint(field)), " ") // no tab, no line break
	if s == "" {
		return "-"
	}
	return s
}

// seconds writes a time to the microsecond.
func seconds(d time.Duration) string {
	us := d.Microseconds()
	sign := ""
	if us < 0 {
		sign, us = "-", -us
	}
	return fmt.Sprintf("%s%d.%06d", sign, us/1e6, us%1e6)
}

// reader reads the fields of a line in turn. The first that can't be read stays as its error.
type reader struct {
	fields []string
	err    error
}

func (l *reader) text() string {
	if len(l.fields) == 0 {
		l.fail("a field is missing")
		return ""
	}
	field := l.fields[0]
	l.fields = l.fields[1:]
	if field == "-" {
		return ""
	}
	return field
}

func (l *reader) thing() Thing { return Thing(l.text()) }

func (l *reader) number() int {
	field := l.text()
	n, err := strconv.Atoi(field)
	if err != nil {
		l.fail("%q is no number", field)
	}
	return n
}

func (l *reader) time() time.Duration {
	field := l.text()
	whole, micros, ok := strings.Cut(field, ".")
	us, err := strconv.ParseInt(whole+micros, 10, 64)
	if !ok || len(micros) != 6 || err != nil {
		l.fail("%q is no time", field)
	}
	return time.Duration(us) * time.Microsecond
}

func (l *reader) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
}
