package console

import "strings"

// searchStep is how many rows of a list are read at once where it is searched row by row.
const searchStep = 500

// searched returns the rows behind a place that fit what is sought, up to one more than a page holds. It reads the list from there on, so it
// is for lists that stay short however many users there are: of services, platforms and projects a company has some tens.
func searched[T any](after string, read func(after string, limit int) ([]T, error), place func(T) string, fits func(T) bool) ([]T, error) {
	var found []T
	for {
		rows, err := read(after, searchStep)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if fits(row) {
				if found = append(found, row); len(found) > rowsPerPage {
					return found, nil
				}
			}
		}
		if len(rows) < searchStep {
			return found, nil
		}
		after = place(rows[len(rows)-1])
	}
}

// holds returns whether one of some texts has a part, in whatever case.
func holds(part string, texts ...string) bool {
	part = strings.ToLower(part)
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), part) {
			return true
		}
	}
	return false
}
