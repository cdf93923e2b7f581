package cli

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The forms of the output.
const (
	formatText = "text"
	formatJSON = "json"
)

// show prints a result: as JSON, in the API's own shape, or by text. JSON is what programs can rely on, and only grows; the
// text is for people and may be worded anew with any version.
func (p *program) show(result any, text func()) error {
	if p.output != formatJSON {
		text()
		return nil
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(result); err != nil {
		return outputError(err)
	}
	if _, err := p.out.WriteString(escaped(b.String())); err != nil {
		return outputError(err)
	}
	return nil
}

// escaped writes in JSON, as \u escapes, what a terminal would obey and encoding/json leaves as it is: DEL, C1 control characters,
// changes of the direction of writing. In JSON they stand in strings alone, and mean the same there.
func escaped(text string) string {
	if !strings.ContainsFunc(text, obeyed) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !obeyed(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// obeyed reports whether a character of JSON is none that is printed.
func obeyed(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

// say prints one line of text to stdout, for people: JSON output has none.
func (p *program) say(format string, args ...any) {
	if p.output != formatJSON {
		_, _ = p.out.WriteString(clean(fmt.Sprintf(format, args...)) + "\n") // Run hears of the error when it flushes
	}
}

// hint prints one line of advice to stderr.
func (p *program) hint(format string, args ...any) {
	_, _ = fmt.Fprintln(p.env.Stderr, clean(fmt.Sprintf(format, args...)))
}

// table prints rows under a heading, which stands there even above no rows: empty output might be a command that failed.
// On a terminal the last column is cut where it would wrap; a file or a pipe gets it whole.
func (p *program) table(heading []string, rows [][]string) {
	rows = append([][]string{heading}, rows...)
	last, used := len(heading)-1, make([]int, len(heading)) // the widths of the columns
	for _, row := range rows {
		for i, cell := range row {
			row[i] = orDash(clean(cell))
			used[i] = max(used[i], utf8.RuneCountInString(row[i]))
		}
	}
	room := p.env.Width
	for _, width := range used[:last] {
		room -= width + columnGap
	}
	w := tabwriter.NewWriter(p.out, 0, 0, columnGap, ' ', 0)
	for _, row := range rows {
		if p.env.Width > 0 {
			row[last] = cut(row[last], max(room, leastCell))
		}
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // see say
}

const (
	columnGap = 2  // spaces between two columns
	leastCell = 20 // characters of the last column that are shown on the narrowest terminal
)

// cut shortens a text to so many characters, and shows that it did.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// fields prints names with their values, one a line.
func (p *program) fields(pairs ...string) {
	w := tabwriter.NewWriter(p.out, 0, 0, columnGap, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		_, _ = fmt.Fprintf(w, "%s:\t%s\n", pairs[i], orDash(clean(pairs[i+1])))
	}
	_ = w.Flush() // see say
}

// clean replaces what a terminal would not print but obey: control characters, changes of the direction of writing.
// Jeton refuses them in names; this is for what it may have missed.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// orDash marks an empty value, so that it isn't overlooked and columns can be told apart by any program.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// moment writes a time to the second, in UTC as the API has it; nothing for no time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// collect gathers a listing, of at most so many items; 0 means all. It is never nil: JSON wants an empty list.
func collect[T any](all iter.Seq2[T, error], limit int) ([]T, error) {
	items := []T{}
	for item, err := range all {
		if err != nil {
			return nil, err
		}
		if items = append(items, item); len(items) == limit {
			break
		}
	}
	return items, nil
}
