package console

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Lists of services, platforms and projects stay short however many users there are: a company has some tens. So a page reads its list
// whole, and picks and sorts the rows itself. No store has an index for that, whose upkeep it wouldn't repay, and /v1 no parameter, whose
// clients read such a list with one request.

// readAtOnce is how many rows of a short list are read at once.
const readAtOnce = 500

// picked returns all rows of a short list that fit.
func picked[T any](read func(after string, limit int) ([]T, error), place func(T) string, fits func(T) bool) (found []T, err error) {
	for after := ""; ; {
		rows, err := read(after, readAtOnce)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if fits(row) {
				found = append(found, row)
			}
		}
		if len(rows) < readAtOnce {
			return found, nil
		}
		after = place(rows[len(rows)-1])
	}
}

// holds reports whether one of some texts has a part, in whatever case.
func holds(part string, texts ...string) bool {
	part = strings.ToLower(part)
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), part) {
			return true
		}
	}
	return false
}

// inOrder returns those rows of a short list that are on the page that the address asks for, and the way to the others. Of each column by
// which the list can be sorted there is a row's place in that order, which no other row has.
func inOrder[T any](c *call, rows []T, s sorter, places map[string]func(T) string) ([]T, pager, error) {
	after, err := c.after()
	if err != nil {
		return nil, pager{}, err
	}
	place := places[s.Column]
	compare := func(a, b string) int {
		if s.Descending {
			a, b = b, a
		}
		return strings.Compare(a, b)
	}
	slices.SortFunc(rows, func(a, b T) int { return compare(place(a), place(b)) })
	if after != "" {
		rows = slices.DeleteFunc(rows, func(row T) bool { return compare(place(row), after) <= 0 })
	}
	return pageOf(c, rows, place)
}

// aged is the place of a row in the order in which records were made, with what no other has where two are of one moment.
func aged(made time.Time, own string) string { return fmt.Sprintf("%016d.%s", made.UnixMicro(), own) }
