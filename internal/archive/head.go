package archive

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// form is the first line of a file. Its number is raised when the form changes.
const form = "jeton-archive 1"

// timeForm is how a moment is written, to the microsecond as stores keep it.
const timeForm = "2006-01-02T15:04:05.000000Z"

// identifier is what a table or column may be called. A name from a file comes to a statement of SQL only after a store has
// found the same in its own catalog; this keeps nonsense from getting as far.
var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// headLines returns the lines above the rows, without their breaks.
func headLines(h Header, tables []Table) []string {
	lines := []string{
		form,
		"taken " + h.TakenAt.UTC().Format(timeForm),
		"instance " + h.Position.Instance.String(),
		fmt.Sprintf("position %d %d %d", h.Position.Epoch, h.Position.Revision, h.Position.Mark),
		fmt.Sprintf("schema %d", h.Schema),
		"master " + hex.EncodeToString(h.MasterCheck),
		fmt.Sprintf("event %d", h.LastEvent),
	}
	for _, t := range tables {
		lines = append(lines, fmt.Sprintf("table %s %d %s %s", t.Name, t.Rows, strings.Join(t.Key, ","), strings.Join(t.Columns, ",")))
	}
	return append(lines, "")
}

// parseHead reads such lines. Whatever would have been written otherwise is refused, so that one archive has one form.
func parseHead(lines []string) (h Header, tables []Table, err error) {
	const fixed = 7
	if len(lines) <= fixed {
		return h, nil, fmt.Errorf("%w: its head is too short", ErrDamaged)
	}
	if h, err = parseHeader(lines[1:fixed]); err != nil {
		return h, nil, err
	}
	for _, line := range lines[fixed:] {
		t, ok := parseTable(line)
		if !ok || slices.ContainsFunc(tables, func(other Table) bool { return other.Name == t.Name }) {
			return h, nil, fmt.Errorf("%w: it says what no table is", ErrDamaged)
		}
		tables = append(tables, t)
	}
	if !slices.Equal(headLines(h, tables), append(slices.Clone(lines), "")) {
		return h, nil, fmt.Errorf("%w: its head isn't as it is written", ErrDamaged)
	}
	return h, tables, nil
}

// parseHeader reads the lines of the header, each a name and its values.
func parseHeader(lines []string) (h Header, err error) {
	values := func(i int, name string) []string {
		fields := strings.Split(lines[i], " ")
		if fields[0] != name && err == nil {
			err = fmt.Errorf("%w: its head lacks %s", ErrDamaged, name)
		}
		return append(fields[1:], "", "", "")
	}
	number := func(text string) int64 {
		n, parseErr := strconv.ParseInt(text, 10, 64)
		if parseErr != nil && err == nil {
			err = fmt.Errorf("%w: its head lacks a number", ErrDamaged)
		}
		return n
	}
	var errs [3]error
	h.TakenAt, errs[0] = time.Parse(timeForm, values(0, "taken")[0])
	h.Position.Instance, errs[1] = uuid.Parse(values(1, "instance")[0])
	position := values(2, "position")
	h.Position.Epoch, h.Position.Revision, h.Position.Mark = number(position[0]), number(position[1]), number(position[2])
	h.Schema = number(values(3, "schema")[0])
	h.MasterCheck, errs[2] = hex.DecodeString(values(4, "master")[0])
	h.LastEvent = number(values(5, "event")[0])
	for _, e := range errs {
		if e != nil && err == nil {
			err = fmt.Errorf("%w: its head can't be read", ErrDamaged)
		}
	}
	return h, err
}

func parseTable(line string) (t Table, ok bool) {
	fields := strings.Split(line, " ")
	if len(fields) != 5 || fields[0] != "table" || !identifier.MatchString(fields[1]) {
		return t, false
	}
	rows, err := strconv.ParseInt(fields[2], 10, 64)
	t = Table{Name: fields[1], Rows: rows, Key: strings.Split(fields[3], ","), Columns: strings.Split(fields[4], ",")}
	if err != nil || rows < 0 || !slices.IsSorted(t.Columns) || len(slices.Compact(slices.Clone(t.Columns))) != len(t.Columns) {
		return t, false
	}
	for _, name := range t.Columns {
		if !identifier.MatchString(name) {
			return t, false
		}
	}
	for _, name := range t.Key {
		if !slices.Contains(t.Columns, name) {
			return t, false
		}
	}
	return t, true
}
