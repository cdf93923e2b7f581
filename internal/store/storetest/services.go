package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/policy"
)

// api returns a new service of that name, on a host of its own.
func api(name string) catalog.Service {
	return catalog.Service{
		ID: newID(), Name: name, Host: name + ".example.com", PathPrefix: "/", Default: policy.DefaultDeny,
		Version: 1, CreatedAt: start(), UpdatedAt: start(),
	}
}

// route is what the proxy does with the calls of a service for which everything is set.
func route() (catalog.Route, authority.Rate) {
	return catalog.Route{Upstream: "https://[2001:db8::1]:9000", Profile: "xdoc", ForwardQueryTokens: true, IdentityToken: true},
		authority.Rate{Calls: 1e9, Per: 24 * time.Hour}
}

// setUp creates a service.
func setUp(t *testing.T, s Store, v catalog.Service) catalog.Service {
	t.Helper()
	must(t, s.CreateService(t.Context(), v, event(audit.ServiceCreate, v.ID, start())))
	return v
}

func serviceTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"read what was created":      testCreateService,
		"find none":                  testNoService,
		"refuse what is taken":       testServiceConflicts,
		"list in the order of names": testServices,
		"update":                     testUpdateService,
		"update each of a route":     testUpdateRoute,
		"delete":                     testDeleteService,
		"replace operations":         testOperations,
		"refuse stale operations":    testStaleOperations,
		"read the whole catalog":     testCatalog,
	}
}

// verifiers returns the IDs of so many new users, sorted.
func verifiers(t *testing.T, s Store, names ...string) (ids []uuid.UUID) {
	t.Helper()
	for _, name := range names {
		ids = append(ids, born(t, s, person(name), "").ID)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

func testCreateService(t *testing.T, s Store) {
	v := api("reports")
	v.Host, v.PathPrefix, v.Default, v.AllowInPath = "api.example.com:8443", "/reports", policy.DefaultAuthenticated, ";//"
	v.AcceptAPITokens = true
	v.Route, v.Rate = route()
	v.Verifiers, v.UpdatedAt = verifiers(t, s, "v1", "v2"), start().Add(time.Microsecond)
	ev := event(audit.ServiceCreate, v.ID, start())
	does(t, s, ev, one(feed.Service, v.ID), func() error { return s.CreateService(t.Context(), v, ev) })
	got, err := s.Service(t.Context(), "reports")
	must(t, err)
	same(t, got, catalog.Entry{Service: v})

	plain := setUp(t, s, api("plain"))
	got, err = s.Service(t.Context(), "plain")
	must(t, err)
	same(t, got, catalog.Entry{Service: plain})
}

func testNoService(t *testing.T, s Store) {
	setUp(t, s, api("a"))
	checkNoService(t, s, api("b"))
}

// checkNoService makes sure that no method knows a service, by its ID or by its name.
func checkNoService(t *testing.T, s Store, v catalog.Service) {
	t.Helper()
	ctx, ev := t.Context(), event(audit.ServiceUpdate, v.ID, start())
	for name, ask := range map[string]func() error{
		"Service":           func() error { _, err := s.Service(ctx, v.Name); return err },
		"UpdateService":     func() error { return s.UpdateService(ctx, v, ev) },
		"DeleteService":     func() error { return s.DeleteService(ctx, v.ID, ev) },
		"ReplaceOperations": func() error { return s.ReplaceOperations(ctx, v.ID, v.Version, nil, ev) },
	} {
		t.Run(name, func(t *testing.T) { refuses(t, s, authority.ErrNotFound, ask) })
	}
}

func testServiceConflicts(t *testing.T, s Store) {
	taken := setUp(t, s, api("taken"))
	tests := map[string]struct {
		change func(*catalog.Service)
		field  string // empty where there is no conflict
	}{
		"name":        {func(v *catalog.Service) { v.Name = taken.Name }, "name"},
		"address":     {func(v *catalog.Service) { v.Host, v.PathPrefix = taken.Host, taken.PathPrefix }, "path_prefix"},
		"host alone":  {func(v *catalog.Service) { v.Host, v.PathPrefix = taken.Host, "/x" }, ""},
		"longer name": {func(v *catalog.Service) { v.Name = taken.Name + "1" }, ""},
	}
	for name, test := range tests {
		try := func(t *testing.T, v catalog.Service, change func(catalog.Service) error) {
			test.change(&v)
			if test.field == "" {
				must(t, change(v))
				return
			}
			refuses(t, s, authority.ErrConflict, func() error { return change(v) })
			if got := fieldOf(change(v)); got != test.field {
				t.Errorf("got a conflict about %q, want %q", got, test.field)
			}
		}
		scrap := func(v catalog.Service) {
			_ = s.DeleteService(t.Context(), v.ID, event(audit.ServiceDelete, v.ID, start())) // there may be none
		}
		t.Run("create/"+name, func(t *testing.T) {
			v := api("new")
			defer scrap(v)
			try(t, v, func(v catalog.Service) error {
				return s.CreateService(t.Context(), v, event(audit.ServiceCreate, v.ID, start()))
			})
		})
		t.Run("update/"+name, func(t *testing.T) {
			v := setUp(t, s, api("new"))
			defer scrap(v)
			try(t, v, func(v catalog.Service) error {
				return s.UpdateService(t.Context(), v, event(audit.ServiceUpdate, v.ID, start()))
			})
		})
	}
	t.Run("create/ID", func(t *testing.T) {
		v := api("other")
		v.ID = taken.ID
		refuses(t, s, authority.ErrConflict, func() error { return s.CreateService(t.Context(), v, event(audit.ServiceCreate, v.ID, start())) })
	})
}

func testServices(t *testing.T, s Store) {
	names := []string{"a", "a-1", "a.1", "a1", "a_1", "b"} // in the order of their bytes
	for _, i := range []int{3, 0, 5, 2, 1, 4} {
		setUp(t, s, api(names[i]))
	}
	var got []string
	for after := ""; ; {
		page, err := s.Services(t.Context(), after, 4)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, v := range page {
			after = v.Name
			got = append(got, after)
		}
	}
	same(t, got, names)
}

func testUpdateService(t *testing.T, s Store) {
	ids := verifiers(t, s, "v1", "v2", "v3")
	v := api("reports")
	v.Verifiers = ids[:2]
	v = setUp(t, s, v)
	ops := []policy.Operation{{Pattern: "GET /x"}}
	must(t, s.ReplaceOperations(t.Context(), v.ID, 1, ops, event(audit.OperationsReplace, v.ID, start())))
	refuses(t, s, authority.ErrStale, func() error { // the operations have a part in the version
		return s.UpdateService(t.Context(), v, event(audit.ServiceUpdate, v.ID, start()))
	})

	v.Version = 2
	v.Name, v.Host, v.PathPrefix, v.Default, v.AllowInPath = "r2", "r2.example.com", "/r2", policy.DefaultAuthenticated, ";"
	v.AcceptAPITokens = true
	v.Verifiers, v.UpdatedAt = ids[1:], start().Add(time.Hour)
	ev := event(audit.ServiceUpdate, v.ID, v.UpdatedAt)
	does(t, s, ev, one(feed.Service, v.ID), func() error { return s.UpdateService(t.Context(), v, ev) })
	v.Version = 3
	got, err := s.Service(t.Context(), "r2")
	must(t, err)
	same(t, got, catalog.Entry{Service: v, Operations: ops})
	if _, err := s.Service(t.Context(), "reports"); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v for the former name, want %v", err, authority.ErrNotFound)
	}
}

// testUpdateRoute changes one member after the other, so that none is written in the place of its neighbour, and takes all away.
func testUpdateRoute(t *testing.T, s Store) {
	v := setUp(t, s, api("reports"))
	full, rate := route()
	for name, change := range map[string]func(){
		"upstream":             func() { v.Upstream = full.Upstream },
		"profile":              func() { v.Profile = full.Profile },
		"forward_query_tokens": func() { v.ForwardQueryTokens = full.ForwardQueryTokens },
		"identity_token":       func() { v.IdentityToken = full.IdentityToken },
		"rate":                 func() { v.Rate = rate },
		"nothing":              func() { v.Route, v.Rate = catalog.Route{}, authority.Rate{} },
	} {
		v.Route, v.Rate = catalog.Route{}, authority.Rate{}
		change()
		ev := event(audit.ServiceUpdate, v.ID, start())
		must(t, s.UpdateService(t.Context(), v, ev))
		v.Version++
		entries, err := s.Catalog(t.Context()) // of which the proxy's routes are made
		must(t, err)
		if diff := cmp.Diff([]catalog.Entry{{Service: v}}, entries); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func testDeleteService(t *testing.T, s Store) {
	v := api("reports")
	v.Verifiers = verifiers(t, s, "v")
	setUp(t, s, v)
	ops := []policy.Operation{{Pattern: "/x", Audience: []policy.Audience{policy.RoleAudience("r")}}}
	must(t, s.ReplaceOperations(t.Context(), v.ID, 1, ops, event(audit.OperationsReplace, v.ID, start())))
	ev := event(audit.ServiceDelete, v.ID, start())
	does(t, s, ev, one(feed.Service, v.ID), func() error { return s.DeleteService(t.Context(), v.ID, ev) })
	v.Version = 2
	checkNoService(t, s, v)
	entries, err := s.Catalog(t.Context())
	must(t, err)
	same(t, entries, nil)
	services, err := s.Services(t.Context(), "", 10)
	must(t, err)
	same(t, services, nil)

	heir := setUp(t, s, api("reports")) // name and address are free, and come without operations or verifiers
	got, err := s.Service(t.Context(), "reports")
	must(t, err)
	same(t, got, catalog.Entry{Service: heir})
	again := api("another")
	again.ID = v.ID
	refuses(t, s, authority.ErrConflict, func() error { // an ID is never used again
		return s.CreateService(t.Context(), again, event(audit.ServiceCreate, v.ID, start()))
	})
}

func testOperations(t *testing.T, s Store) {
	v := setUp(t, s, api("reports"))
	ids := verifiers(t, s, "a", "b")
	first := []policy.Operation{
		{Pattern: "GET /reports/{id}", Scope: "reports.read", Audience: []policy.Audience{
			policy.RoleAudience("partner"), policy.UserAudience(ids[1]), policy.UserAudience(ids[0]), policy.SelfAudience("id"),
		}},
		{Pattern: "/closed"}, // nobody
		{Pattern: "/a", Audience: []policy.Audience{policy.RoleAudience("x")}},
	}
	at := start().Add(time.Hour)
	ev := event(audit.OperationsReplace, v.ID, at)
	does(t, s, ev, one(feed.Service, v.ID), func() error { return s.ReplaceOperations(t.Context(), v.ID, 1, first, ev) })
	v.Version, v.UpdatedAt = 2, at
	got, err := s.Service(t.Context(), "reports")
	must(t, err)
	same(t, got, catalog.Entry{Service: v, Operations: first})

	second := []policy.Operation{first[2]}
	must(t, s.ReplaceOperations(t.Context(), v.ID, 2, second, ev))
	v.Version = 3
	got, err = s.Service(t.Context(), "reports")
	must(t, err)
	same(t, got, catalog.Entry{Service: v, Operations: second})

	must(t, s.ReplaceOperations(t.Context(), v.ID, 3, nil, ev))
	got, err = s.Service(t.Context(), "reports")
	must(t, err)
	same(t, got.Operations, nil)
}

func testStaleOperations(t *testing.T, s Store) {
	v := setUp(t, s, api("reports"))
	ops := []policy.Operation{{Pattern: "/x"}}
	for _, version := range []int64{0, 2} {
		refuses(t, s, authority.ErrStale, func() error {
			return s.ReplaceOperations(t.Context(), v.ID, version, ops, event(audit.OperationsReplace, v.ID, start()))
		})
	}
	got, err := s.Service(t.Context(), "reports")
	must(t, err)
	same(t, got, catalog.Entry{Service: v})
}

func testCatalog(t *testing.T, s Store) {
	entries, err := s.Catalog(t.Context())
	must(t, err)
	same(t, entries, nil)
	var want []catalog.Entry
	for _, name := range []string{"a", "b", "c"} {
		e := catalog.Entry{Service: setUp(t, s, api(name))}
		if name != "b" {
			e.Operations = []policy.Operation{
				{Pattern: "/" + name, Audience: []policy.Audience{policy.RoleAudience("r"), policy.RoleAudience("q")}}, {Pattern: "/all"},
			}
			must(t, s.ReplaceOperations(t.Context(), e.ID, 1, e.Operations, event(audit.OperationsReplace, e.ID, start())))
			e.Version = 2
		}
		want = append(want, e)
	}
	entries, err = s.Catalog(t.Context())
	must(t, err)
	slices.SortFunc(entries, func(a, b catalog.Entry) int { return strings.Compare(a.Name, b.Name) })
	same(t, entries, want)
}
