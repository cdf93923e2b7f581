package console

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// rowsPerPage is how many rows a list shows at once.
const rowsPerPage = 50

// pager leads through a list. A place in it is named by the row before, and not by a number of rows, so that what is made or deleted
// between two pages shifts nothing.
type pager struct {
	First string // the address of the first page, on any other
	Next  string // of the next, where there is one
	Query string // by which the list is as it stands, with its question mark, for the forms on it: see doneInList
	Shown int    // how many rows there are on this one
}

// listed is what the page of a list has beside its rows.
type listed struct {
	Path     string // of the list with nothing chosen
	Filtered bool   // rows may be left out
	Sort     sorter
	Pages    pager
}

// after returns behind which row a page of a list begins, nothing for the first.
func (c *call) after() (string, error) {
	after := c.r.URL.Query().Get("after")
	if !web.Storable(after) {
		return "", api.NewProblem(api.CodeMalformedRequest, "")
	}
	return after, nil
}

// resume has a query go on behind the row that the address names.
func (c *call) resume(from func(position string) error) error {
	after, err := c.after()
	if err != nil {
		return err
	}
	if err := from(after); errors.Is(err, authority.ErrNotFound) {
		return api.NewProblem(api.CodeMalformedRequest, "")
	} else if err != nil {
		return err
	}
	return nil
}

// sought returns what is searched for by the one field that a list has for it.
func (c *call) sought() (string, error) {
	text := strings.TrimSpace(c.r.URL.Query().Get("q"))
	if !web.Storable(text) {
		return "", api.NewProblem(api.CodeMalformedRequest, "")
	}
	return text, nil
}

// searchField is the field of a list by which it is searched.
type searchField struct{ Path, Value, Label string }

// address returns that of the list with one parameter changed. A page is left for the first, lest a place in one order be taken for one
// in another, and what was just done isn't said again.
func (c *call) address(name, value string) string {
	query := url.Values{}
	for name, values := range c.r.URL.Query() {
		if name != "after" && name != noticeParameter && slices.ContainsFunc(values, func(v string) bool { return v != "" }) {
			query[name] = values
		}
	}
	query.Set(name, value)
	if value == "" {
		query.Del(name)
	}
	return withQuery(c.r.URL.EscapedPath(), query)
}

// errPastEnd is that of a page on which no row is left: they were deleted meanwhile, or no longer fit the filter.
var errPastEnd = errors.New("console: there is nothing on this page of the list")

// toFirstPage leads from there to the first page, which says what was just done.
func (c *call) toFirstPage() error {
	query := c.r.URL.Query()
	query.Del("after")
	return c.redirect(withQuery(c.r.URL.EscapedPath(), query))
}

// pageOf returns the rows of one page of those that were read, which are one more than that where there is another page, and the way
// to the others. Key names a row's place. It returns errPastEnd where no row is left.
func pageOf[T any](c *call, rows []T, key func(T) string) ([]T, pager, error) {
	var p pager
	query := c.r.URL.Query()
	if query.Get("after") != "" {
		if len(rows) == 0 {
			return nil, p, errPastEnd
		}
		p.First = c.address("after", "")
	}
	query.Del(noticeParameter)
	p.Query = withQuery("", query)
	if len(rows) > rowsPerPage {
		rows = rows[:rowsPerPage]
		p.Next = c.address("after", key(rows[rowsPerPage-1]))
	}
	p.Shown = len(rows)
	return rows, p, nil
}

// withQuery returns an address.
func withQuery(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// sorter is the order of a list and the ways to the others.
type sorter struct {
	Column     string // by which the list is sorted
	Descending bool
	Chosen     string            // how the address has it, empty where it doesn't
	paths      map[string]string // to the list by each column that it can be sorted by
}

// sorted returns the order that the address asks for, as "created", or "-created" for the other way round. Of the columns the first is
// taken where it asks for none of them.
func (c *call) sorted(columns ...string) sorter {
	asked := c.r.URL.Query().Get("sort")
	column, descending := strings.CutPrefix(asked, "-")
	s := sorter{Column: column, Descending: descending, Chosen: asked, paths: make(map[string]string)}
	if !slices.Contains(columns, column) {
		s.Column, s.Descending, s.Chosen = columns[0], false, ""
	}
	for _, column := range columns {
		sort := column
		if column == s.Column && !s.Descending {
			sort = "-" + column
		}
		s.paths[column] = c.address("sort", sort)
	}
	return s
}

// columnHead is the head of a column.
type columnHead struct {
	Name, Label string
	Path        string // to the list by this column, or the other way round; empty where it can't be sorted by it
	Direction   string // "ascending" or "descending", of the one column by which the list is sorted
}

// Head returns the head of a column.
func (s sorter) Head(column, label string) columnHead {
	h := columnHead{Name: column, Label: label, Path: s.paths[column]}
	if column == s.Column {
		h.Direction = "ascending"
		if s.Descending {
			h.Direction = "descending"
		}
	}
	return h
}
