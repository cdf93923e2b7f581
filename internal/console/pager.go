package console

import (
	"net/url"
	"slices"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/web"
)

// rowsPerPage is how many rows a list shows at once.
const rowsPerPage = 50

// pager leads through a list. A place in it is named by the row before, and not by a number of rows, so that what is made or deleted
// between two pages shifts nothing.
type pager struct {
	First string // the address of the first page, on any other
	Next  string // of the next, where there is one
}

// after returns behind which row a page of a list begins, nothing for the first.
func (c *call) after() (string, error) {
	after := c.r.URL.Query().Get("after")
	if !web.Storable(after) {
		return "", api.NewProblem(api.CodeMalformedRequest, "")
	}
	return after, nil
}

// pageOf returns the rows of one page of those that were read, which are one more than that where there is another page, and the way
// to the others. Key names a row's place.
func pageOf[T any](c *call, rows []T, key func(T) string) ([]T, pager) {
	var p pager
	at := func(after string) string {
		query := url.Values{}
		for name, values := range c.r.URL.Query() {
			if name != "after" && name != noticeParameter && slices.ContainsFunc(values, func(v string) bool { return v != "" }) {
				query[name] = values
			}
		}
		if after != "" {
			query.Set("after", after)
		}
		if len(query) == 0 {
			return c.r.URL.EscapedPath()
		}
		return c.r.URL.EscapedPath() + "?" + query.Encode()
	}
	if c.r.URL.Query().Get("after") != "" {
		p.First = at("")
	}
	if len(rows) > rowsPerPage {
		rows = rows[:rowsPerPage]
		p.Next = at(key(rows[rowsPerPage-1]))
	}
	return rows, p
}
