package console_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/project"
)

// TestSearchedLists searches the short lists: by a part of what they show, in whatever case, over more than a page.
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

// TestSortedLists sorts each short list by each of its columns, either way, and meets every row once, in that order, over several pages.
func TestSortedLists(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	const rows = 103 // on three pages
	byAge, byName, byNumber := make([]string, rows), make([]string, rows), make([]string, rows)
	for n := range rows {
		name, number := fmt.Sprintf("Shop-%03d", n*7%rows), n*5%rows
		byAge[n], byName[n*7%rows], byNumber[number] = name, name, name
		if n != 50 { // which is of the same moment as the row before it, the last of the first page
			d.pass(t, time.Microsecond)
		}
		_, err := d.inside.Catalog.Create(t.Context(), catalog.Draft{Name: strings.ToLower(name), Host: name + ".example.com"}, audit.Actor{})
		check(t, err)
		_, _, err = d.inside.Platforms.Enrol(t.Context(), platform.Draft{Name: name, Algorithm: jose.RS256}, audit.Actor{})
		check(t, err)
		_, err = d.inside.Projects.Create(t.Context(), project.Draft{Number: number + 1, Name: name}, audit.Actor{})
		check(t, err)
	}
	for _, test := range []struct {
		path, sort string
		want       []string
	}{
		{servicesRoute, "", byName},
		{servicesRoute, "name", byName},
		{servicesRoute, "created", byAge},
		{platformsRoute, "", byName},
		{platformsRoute, "name", byName},
		{platformsRoute, "created", byAge},
		{projectsRoute, "", byNumber},
		{projectsRoute, "number", byNumber},
		{projectsRoute, "name", byName},
		{projectsRoute, "created", byAge},
		{projectsRoute, "nothing", byNumber},
	} {
		if diff := cmp.Diff(test.want, b.turned(t, test.path, test.sort)); diff != "" {
			t.Errorf("%s?sort=%s (-want +got):\n%s", test.path, test.sort, diff)
		}
		if test.sort == "" || test.sort == "nothing" {
			continue
		}
		got := b.turned(t, test.path, "-"+test.sort)
		if slices.Reverse(got); !slices.Equal(got, test.want) {
			t.Errorf("%s?sort=-%s: got another order than the reverse", test.path, test.sort)
		}
	}

	// What is deleted between two pages shifts nothing.
	a := b.want(t, ask{route: "GET " + projectsRoute + "?sort=created"}, 200)
	check(t, d.inside.Projects.Delete(t.Context(), 49*5%rows+1, audit.Actor{}))
	a = b.want(t, ask{route: "GET " + a.one(t, "#next-page").attribute("href")}, 200)
	if got := a.all("#list tbody th")[0].text(); got != byAge[50] {
		t.Errorf("got %q first behind a row that is gone, want %q", got, byAge[50])
	}
}

// turned returns the names of all rows of a list in an order, page by page.
func (b *browser) turned(t testing.TB, path, sort string) (names []string) {
	t.Helper()
	for next := path + "?sort=" + sort; next != ""; {
		a := b.want(t, ask{route: "GET " + next}, 200)
		for _, head := range a.all("#list tbody th") {
			names = append(names, strings.Replace(head.text(), "shop", "Shop", 1)) // of a service in small letters
		}
		next = ""
		if to := a.all("#next-page"); len(to) > 0 {
			next = to[0].attribute("href")
		}
	}
	return names
}
