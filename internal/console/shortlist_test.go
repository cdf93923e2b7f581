package console_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
)

// TestSearchedLists searches the lists that are read row by row: by a part of what they show, in whatever case, over more than a page.
func TestSearchedLists(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	for n := range 120 {
		_, err := d.inside.Catalog.Create(t.Context(), catalog.Draft{Name: fmt.Sprintf("api-%03d", n), Host: fmt.Sprintf("%03d.example.com", n)}, audit.Actor{})
		check(t, err)
	}
	b.enrol(t, "name", "Acme")
	const services = "/console/administration/services"
	for _, test := range []struct {
		path string
		rows int
		next bool
	}{
		{services + "?q=API-11", 10, false},
		{services + "?q=019.Example", 1, false},
		{services + "?q=example.com", 50, true},
		{services + "?q=nothing", 0, false},
		{services + "?q=%25", 0, false}, // stands for itself
		{platformsRoute + "?q=cme", 1, false},
		{platformsRoute + "?q=like+no+other", 0, false},
		{"/console/administration/integration/projects?q=1000", 0, false},
	} {
		a := b.want(t, ask{route: "GET " + test.path}, 200)
		checkPage(t, test.path, a.node)
		if got := len(a.all("#list tbody tr")); got != test.rows {
			t.Errorf("%s: got %d rows, want %d", test.path, got, test.rows)
		}
		if got := len(a.all("#next-page")) > 0; got != test.next {
			t.Errorf("%s: got a next page: %v, want %v", test.path, got, test.next)
		}
		if !strings.Contains(a.one(t, "#list").text(), "Show all") {
			t.Errorf("%s: got no way back to all", test.path)
		}
	}
	a := b.want(t, ask{route: "GET " + services + "?q=example.com"}, 200)
	a = b.want(t, ask{route: "GET " + a.one(t, "#next-page").attribute("href")}, 200)
	if got := len(a.all("#list tbody tr")); got != 50 || a.one(t, "#q").attribute("value") != "example.com" {
		t.Errorf("got %d rows on the second page, want 50 of the same search", got)
	}
}
