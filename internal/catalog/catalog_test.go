package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	testdesk "github.com/jeton-io/jeton/test/desk"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	actor = audit.Actor{Username: "root"}
)

// people finds users in the store, as account does.
type people struct {
	store *sqlite.Store
	fail  error
}

func (p *people) UserID(ctx context.Context, idOrName string) (uuid.UUID, error) {
	if p.fail != nil {
		return uuid.Nil, p.fail
	}
	if id, err := uuid.Parse(idOrName); err == nil {
		u, err := p.store.User(ctx, id)
		return u.ID, err
	}
	u, err := p.store.UserByName(ctx, idOrName)
	return u.ID, err
}

func (p *people) Names(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	if p.fail != nil {
		return nil, p.fail
	}
	return p.store.UsersNamed(ctx, ids)
}

func (p *people) ProjectID(ctx context.Context, number int) (uuid.UUID, error) {
	if p.fail != nil {
		return uuid.Nil, p.fail
	}
	e, err := p.store.Project(ctx, number)
	return e.ID, err
}

// desk is a catalog on a real database, that hears of its own changes.
type desk struct {
	*catalog.Catalog
	store  *sqlite.Store
	people *people
	now    time.Time
	path   string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{now: noon, path: filepath.Join(t.TempDir(), "jeton.db")}
	now := func() time.Time { return d.now }
	var err error
	if d.store, err = sqlite.Open(t.Context(), sqlite.Config{Path: d.path, Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.store.Close(); err != nil {
			t.Error(err)
		}
	})
	d.people = &people{store: d.store}
	f, err := feed.New(feed.Config{Store: d.store, Now: now, Apply: func(ctx context.Context, c feed.Change) error {
		if c.ID == uuid.Nil || c.Kind == feed.Service {
			return d.Reload(ctx)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if d.Catalog, err = catalog.New(catalog.Config{
		Store: d.store, Users: d.people, Projects: d.people, Applied: f.CatchUp, Now: now, Profiles: []string{"matrix42", "xdoc"}, Own: listening,
	}); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) user(t *testing.T, name string) uuid.UUID {
	t.Helper()
	u := account.User{ID: uuid.Must(uuid.NewV7()), Kind: account.Person, Username: name, State: account.Active, Version: 1, CreatedAt: noon, UpdatedAt: noon}
	r := account.Record{User: u, UsernameKey: name}
	if err := d.store.CreateUser(t.Context(), r, "", audit.New(audit.UserCreate, actor, audit.Target{}, noon)); err != nil {
		t.Fatal(err)
	}
	return u.ID
}

func (d *desk) deleteUser(t *testing.T, id uuid.UUID) {
	t.Helper()
	if err := d.store.DeleteUser(t.Context(), id, audit.New(audit.UserDelete, actor, audit.Target{}, noon)); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) create(t *testing.T, draft catalog.Draft) catalog.Service {
	t.Helper()
	s, err := d.Create(t.Context(), draft, actor)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (d *desk) replace(t *testing.T, name string, version int64, ops ...catalog.Operation) int64 {
	t.Helper()
	v, err := d.Replace(t.Context(), name, version, ops, actor)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// reason asks the policy in force about a call and returns why it is refused, or nothing.
func (d *desk) reason(host, call string, subject policy.Subject) policy.Reason {
	method, path, _ := strings.Cut(call, " ")
	s, ok := d.Policy().Find(host, path)
	if !ok {
		return "unknown_service"
	}
	return s.Authorize(method, path, subject).Reason
}

func fieldOf(err error) string {
	if field, ok := errors.AsType[*authority.FieldError](err); ok {
		return field.Field
	}
	return ""
}

func TestCreate(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	if got := d.reason("api.example.com", "GET /", policy.Subject{UserID: ann}); got != "unknown_service" {
		t.Errorf("got %q before there is a service, want it unknown", got)
	}
	s := d.create(t, catalog.Draft{Name: "reports", Host: "API.example.com.:8443", Verifiers: []string{"bob", ann.String(), "bob"}})
	want := catalog.Service{
		ID: s.ID, Name: "reports", Host: "api.example.com:8443", PathPrefix: "/", Default: policy.DefaultDeny,
		Verifiers: []uuid.UUID{ann, bob}, Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
	stored, err := d.Service(t.Context(), "reports")
	if !cmp.Equal(s, want) || err != nil || !cmp.Equal(stored.Service, want) || stored.Operations != nil {
		t.Errorf("got %+v, stored %+v, %v, want %+v", s, stored, err, want)
	}
	// It is in force, and lets nobody in yet.
	if got := d.reason("Api.Example.Com:8443", "GET /", policy.Subject{UserID: ann}); got != policy.ReasonNoOperation {
		t.Errorf("got %q, want %q", got, policy.ReasonNoOperation)
	}
	events, err := d.store.Events(t.Context(), audit.Query{Target: s.ID})
	if err != nil || len(events) != 1 || events[0].Action != audit.ServiceCreate || events[0].Detail["host"] != want.Host || events[0].Actor != actor {
		t.Errorf("got %+v, %v, want the event of the service", events, err)
	}
	if page, err := d.List(t.Context(), "", 10); err != nil || len(page) != 1 || page[0].ID != s.ID {
		t.Errorf("got %+v, %v, want the service listed", page, err)
	}
}

// project makes a project of that number.
func (d *desk) project(t *testing.T, number int) project.Project {
	t.Helper()
	p := project.Project{
		ID: uuid.Must(uuid.NewV7()), Number: number, Name: strconv.Itoa(number), MaxAge: time.Minute, ServiceAccount: uuid.Must(uuid.NewV7()), Version: 1,
		CreatedAt: noon, UpdatedAt: noon,
	}
	own := account.Record{
		User:        account.User{ID: p.ServiceAccount, Kind: account.Service, Username: "p" + p.Name, State: account.Active, Version: 1, CreatedAt: noon, UpdatedAt: noon},
		UsernameKey: "p" + p.Name,
	}
	ev := func(a audit.Action) audit.Event { return audit.New(a, actor, audit.Target{}, noon) }
	if err := d.store.AddProject(t.Context(), p, p.Name, project.OwnAccount{Record: own, Event: ev(audit.UserCreate)}, ev(audit.ProjectCreate)); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestProject: a service has the project of a number, by its ID; the policy knows it, and the audit log tells of it.
func TestProject(t *testing.T) {
	d := newDesk(t)
	first, second := d.project(t, 7), d.project(t, 8)
	made := d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com", Project: 7})
	wantProject := func(what string, want uuid.UUID, number int) {
		t.Helper()
		stored, err := d.Service(t.Context(), "reports")
		compiled, ok := d.Policy().Find("api.example.com", "/")
		if err != nil || !ok || stored.Project != want || stored.ProjectNumber != number || compiled.Project() != want {
			t.Errorf("%s: got %+v and %v, want %s, %d", what, stored.Service, err, want, number)
		}
		events, err := d.store.Events(t.Context(), audit.Query{Target: made.ID, Limit: 1})
		if text := map[bool]string{true: strconv.Itoa(number)}[number > 0]; err != nil || events[0].Detail["project"] != text {
			t.Errorf("%s: got the event %+v and %v, want it to tell of %q", what, events, err, text)
		}
	}
	wantProject("made", first.ID, 7)
	for what, tt := range map[string]struct {
		number int
		fail   error
		field  string
	}{"none of that number": {9, nil, "project"}, "a number that none can have": {-1, nil, "project"}, "nobody knows": {8, errors.New("down"), ""}} {
		d.people.fail = tt.fail
		_, err := d.Update(t.Context(), "reports", 0, catalog.Draft{Name: "reports", Host: "api.example.com", Project: tt.number}, actor)
		if err == nil || fieldOf(err) != tt.field || !errors.Is(err, tt.fail) && tt.fail != nil {
			t.Errorf("%s: got %v, want an error of %q", what, err, tt.field)
		}
	}
	d.people.fail = nil
	for _, tt := range []struct {
		what   string
		number int
		want   uuid.UUID
	}{{"changed", 8, second.ID}, {"without one", 0, uuid.Nil}} {
		if _, err := d.Update(t.Context(), "reports", 0, catalog.Draft{Name: "reports", Host: "api.example.com", Project: tt.number}, actor); err != nil {
			t.Fatal(err)
		}
		wantProject(tt.what, tt.want, tt.number)
	}
}

// TestDrafts makes services of every sort. Each that is refused has a twin that isn't.
func TestDrafts(t *testing.T) {
	d := newDesk(t)
	d.user(t, "ann")
	d.deleteUser(t, d.user(t, "gone"))
	tests := []struct {
		what  string
		draft catalog.Draft
		want  string // the field complained of
	}{
		{"the least", catalog.Draft{Name: "a", Host: "a.example"}, ""},
		{"a name of 64", catalog.Draft{Name: strings.Repeat("a", 64), Host: "b.example"}, ""},
		{"a name of 65", catalog.Draft{Name: strings.Repeat("a", 65), Host: "c.example"}, "name"},
		{"no name", catalog.Draft{Host: "c.example"}, "name"},
		{"a name in capitals", catalog.Draft{Name: "Reports", Host: "c.example"}, "name"},
		{"a name with a slash", catalog.Draft{Name: "a/b", Host: "c.example"}, "name"},
		{"a name that begins with a dot", catalog.Draft{Name: ".a", Host: "c.example"}, "name"},
		{"a name with dots within", catalog.Draft{Name: "0a.b-c_", Host: "c.example"}, ""},
		{"a name with a line break", catalog.Draft{Name: "a\nb", Host: "d.example"}, "name"},
		{"no host", catalog.Draft{Name: "d"}, "host"},
		{"a host with a scheme", catalog.Draft{Name: "d", Host: "https://d.example"}, "host"},
		{"a host with a space", catalog.Draft{Name: "d", Host: "d example"}, "host"},
		{"a host with a dot at its end", catalog.Draft{Name: "dot", Host: "dot.example."}, ""},
		{"a host with two dots at its end", catalog.Draft{Name: "d", Host: "d.example.."}, "host"},
		{"a port of 0", catalog.Draft{Name: "d", Host: "d.example:0"}, "host"},
		{"an empty port", catalog.Draft{Name: "d", Host: "d.example:"}, "host"},
		{"an IPv6 address", catalog.Draft{Name: "d", Host: "[2001:DB8::1]:443"}, ""},
		{"a prefix", catalog.Draft{Name: "e", Host: "e.example", PathPrefix: "/api"}, ""},
		{"a prefix with a slash at its end", catalog.Draft{Name: "f", Host: "f.example", PathPrefix: "/api/"}, "path_prefix"},
		{"a prefix without one at its beginning", catalog.Draft{Name: "f", Host: "f.example", PathPrefix: "api"}, "path_prefix"},
		{"a prefix with a dot segment", catalog.Draft{Name: "f", Host: "f.example", PathPrefix: "/.."}, "path_prefix"},
		{"an open default", catalog.Draft{Name: "f", Host: "f.example", Default: policy.DefaultAuthenticated}, ""},
		{"another default", catalog.Draft{Name: "g", Host: "g.example", Default: "allow"}, "default"},
		{"an allowance", catalog.Draft{Name: "g", Host: "g.example", AllowInPath: ";//"}, ""},
		{"another allowance", catalog.Draft{Name: "h", Host: "h.example", AllowInPath: ".."}, "allow_in_path"},
		{"a verifier", catalog.Draft{Name: "h", Host: "h.example", Verifiers: []string{"ann"}}, ""},
		{"a verifier who doesn't exist", catalog.Draft{Name: "i", Host: "i.example", Verifiers: []string{"ann", "anna"}}, "verifiers[1]"},
		{"a verifier who is gone", catalog.Draft{Name: "i", Host: "i.example", Verifiers: []string{"gone"}}, "verifiers[0]"},
		{"the name of another", catalog.Draft{Name: "a", Host: "i.example"}, "name"},
		{"the host of another", catalog.Draft{Name: "i", Host: "a.example"}, "path_prefix"},
		{"the host of another in capitals", catalog.Draft{Name: "i", Host: "A.Example"}, "path_prefix"},
		{"the host of another with a dot", catalog.Draft{Name: "i", Host: "a.example."}, "path_prefix"},
		{"the host of another with a port", catalog.Draft{Name: "i", Host: "a.example:443"}, ""},
		{"the same with a dot before the port", catalog.Draft{Name: "j", Host: "a.example.:443"}, "path_prefix"},
		{"the host of another with another prefix", catalog.Draft{Name: "j", Host: "a.example", PathPrefix: "/j"}, ""},
	}
	for _, tt := range tests {
		_, err := d.Create(t.Context(), tt.draft, actor)
		if got := fieldOf(err); got != tt.want || (err != nil) != (tt.want != "") {
			t.Errorf("%s: got %v, want a complaint of %q", tt.what, err, tt.want)
		}
		if conflict := strings.Contains(tt.what, "of another"); err != nil && errors.Is(err, authority.ErrConflict) != (conflict || strings.HasPrefix(tt.what, "the same")) {
			t.Errorf("%s: got %v, want a conflict: %t", tt.what, err, conflict)
		}
	}
	// Whatever was let in compiles: one service must not be able to freeze the policy of all.
	if err := d.Reload(t.Context()); err != nil {
		t.Errorf("got %v, want the catalog to compile", err)
	}
	down := errors.New("down")
	d.people.fail = down
	if _, err := d.Create(t.Context(), catalog.Draft{Name: "k", Host: "k.example", Verifiers: []string{"ann"}}, actor); !errors.Is(err, down) || fieldOf(err) != "" {
		t.Errorf("got %v while users can't be found, want the store's error", err)
	}
}

func TestUpdate(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	s := d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com", Verifiers: []string{"ann"}})
	d.create(t, catalog.Draft{Name: "billing", Host: "billing.example.com"})
	d.replace(t, "reports", 1, catalog.Operation{Pattern: "GET /", Audience: []string{"user:ann"}})
	d.now = noon.Add(time.Hour)
	changed, err := d.Update(t.Context(), "reports", 2, catalog.Draft{Name: "figures", Host: "figures.example.com"}, actor)
	if err != nil || changed.ID != s.ID || changed.Version != 3 || !changed.UpdatedAt.Equal(d.now) || !changed.CreatedAt.Equal(noon) || len(changed.Verifiers) != 0 {
		t.Errorf("got %+v, %v, want version 3", changed, err)
	}
	subject := policy.Subject{UserID: ann}
	if got := d.reason("figures.example.com", "GET /", subject); got != "" {
		t.Errorf("got %q at the new host, want its operations to have come along", got)
	}
	if got := d.reason("api.example.com", "GET /", subject); got != "unknown_service" {
		t.Errorf("got %q at the former host, want it unknown", got)
	}
	for version, want := range map[int64]error{2: authority.ErrStale, 4: authority.ErrStale} {
		if _, err := d.Update(t.Context(), "figures", version, catalog.Draft{Name: "figures", Host: "x.example"}, actor); !errors.Is(err, want) {
			t.Errorf("got %v for version %d, want %v", err, version, want)
		}
	}
	if _, err := d.Update(t.Context(), "figures", 0, catalog.Draft{Name: "billing", Host: "x.example"}, actor); !errors.Is(err, authority.ErrConflict) || fieldOf(err) != "name" {
		t.Errorf("got %v for another's name, want a conflict", err)
	}
	if _, err := d.Update(t.Context(), "figures", 0, catalog.Draft{Name: "figures", Host: "Billing.Example.com."}, actor); !errors.Is(err, authority.ErrConflict) || fieldOf(err) != "path_prefix" {
		t.Errorf("got %v for another's host, want a conflict", err)
	}
	if _, err := d.Update(t.Context(), "reports", 0, catalog.Draft{Name: "reports", Host: "x.example"}, actor); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for the former name, want ErrNotFound", err)
	}
	if entry, err := d.Service(t.Context(), "figures"); err != nil || entry.Version != 3 {
		t.Errorf("got %+v, %v, want version 3 still", entry, err)
	}
}

// suspend has the service of that name suspended, as by a restore, and returns its version from then on.
func (d *desk) suspend(t *testing.T, name string) int64 {
	t.Helper()
	testdesk.Suspend(t, d.path, name)
	e, err := d.Service(t.Context(), name)
	if err = errors.Join(err, d.Reload(t.Context())); err != nil {
		t.Fatal(err)
	}
	return e.Version
}

// TestResume changes a suspended service in every way. Whichever it is, callers are let in again, and the audit log says by
// which change; the same change of a service that isn't suspended says nothing of it.
func TestResume(t *testing.T) {
	d := newDesk(t)
	ann := policy.Subject{UserID: d.user(t, "ann")}
	same := catalog.Draft{Name: "reports", Host: "api.example.com"}
	s := d.create(t, same)
	op := catalog.Operation{Pattern: "GET /", Audience: []string{"user:ann"}}
	d.replace(t, "reports", 1, op)
	for what, change := range map[string]func(version int64) error{
		"the same service": func(version int64) error {
			updated, err := d.Update(t.Context(), "reports", version, same, actor)
			if updated.Suspended {
				t.Error("got the updated service suspended, want it not")
			}
			return err
		},
		"the same operations": func(version int64) error {
			_, err := d.Replace(t.Context(), "reports", version, []catalog.Operation{op}, actor)
			return err
		},
	} {
		for _, suspended := range []bool{false, true} {
			e, err := d.Service(t.Context(), "reports")
			if err != nil {
				t.Fatal(err)
			}
			version, before := e.Version, policy.ReasonNone
			if suspended {
				version, before = d.suspend(t, "reports"), policy.ReasonServiceSuspended
			}
			if got := d.reason("api.example.com", "GET /", ann); got != before {
				t.Errorf("%s: got %q before, want %q", what, got, before)
			}
			if err := change(version); err != nil {
				t.Fatal(err)
			}
			if got := d.reason("api.example.com", "GET /", ann); got != policy.ReasonNone {
				t.Errorf("%s: got %q after, want none", what, got)
			}
			events, err := d.store.Events(t.Context(), audit.Query{Target: s.ID, Limit: 1})
			if err != nil || len(events) != 1 || (events[0].Detail["suspended"] == "false") != suspended {
				t.Errorf("%s: got %+v, %v, want it told that the service was suspended: %t", what, events, err, suspended)
			}
		}
	}
}

func TestReplace(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com", PathPrefix: "/v2"})
	ops := []catalog.Operation{
		{Pattern: "GET /reports/{id}", Audience: []string{"user:ann", "role:partner"}, Scope: "reports.read"},
		{Pattern: "/users/{user}/", Audience: []string{"self:{user}"}},
		{Pattern: "POST /reports", Audience: []string{}},
		{Pattern: "DELETE /reports/{id}", Audience: []string{"user:" + bob.String()}},
	}
	if got := d.replace(t, "reports", 1, ops...); got != 2 {
		t.Errorf("got version %d, want 2", got)
	}
	calls := []struct {
		call    string
		subject policy.Subject
		want    policy.Reason
	}{
		{"GET /v2/reports/7", policy.Subject{UserID: ann}, ""},
		{"GET /v2/reports/7", policy.Subject{UserID: bob}, policy.ReasonNotInAudience},
		{"GET /v2/reports/7", policy.Subject{UserID: bob, Roles: []string{"partner"}}, ""},
		{"GET /v2/users/" + ann.String() + "/x", policy.Subject{UserID: ann}, ""},
		{"GET /v2/users/" + ann.String() + "/x", policy.Subject{UserID: bob}, policy.ReasonNotInAudience},
		{"POST /v2/reports", policy.Subject{UserID: ann}, policy.ReasonNotInAudience},
		{"DELETE /v2/reports/7", policy.Subject{UserID: bob}, ""},
		{"DELETE /v2/reports/7", policy.Subject{UserID: ann}, policy.ReasonNotInAudience},
		{"GET /v2/other", policy.Subject{UserID: ann}, policy.ReasonNoOperation},
	}
	for _, c := range calls {
		if got := d.reason("api.example.com", c.call, c.subject); got != c.want {
			t.Errorf("%s: got %q, want %q", c.call, got, c.want)
		}
	}
	// What is read is in people's words, and is taken back as it is.
	read, version, err := d.Operations(t.Context(), "reports")
	want := slices.Clone(ops)
	want[3].Audience = []string{"user:bob"}
	if err != nil || version != 2 || !cmp.Equal(read, want) {
		t.Errorf("got %v, version %d, %v, want %v", read, version, err, want)
	}
	d.replace(t, "reports", version, read...)
	if again, version, err := d.Operations(t.Context(), "reports"); err != nil || version != 3 || !cmp.Equal(again, want) {
		t.Errorf("got %v, version %d, %v read back, want %v", again, version, err, want)
	}
	events, err := d.store.Events(t.Context(), audit.Query{Action: audit.OperationsReplace})
	if err != nil || len(events) != 2 || events[0].Detail["operations"] != "4" || events[0].Target.Name != "reports" {
		t.Errorf("got %+v, %v, want two events", events, err)
	}
	// Whoever replaced an older version than there is has lost nothing of the newer one.
	for version, want := range map[int64]error{1: authority.ErrStale, 2: authority.ErrStale, 4: authority.ErrStale, 0: authority.ErrStale} {
		if _, err := d.Replace(t.Context(), "reports", version, nil, actor); !errors.Is(err, want) {
			t.Errorf("got %v for version %d, want %v", err, version, want)
		}
	}
	if got := d.reason("api.example.com", "GET /v2/reports/7", policy.Subject{UserID: ann}); got != "" {
		t.Errorf("got %q after stale replacements, want the operations in force", got)
	}
	d.replace(t, "reports", 3)
	if got := d.reason("api.example.com", "GET /v2/reports/7", policy.Subject{UserID: ann}); got != policy.ReasonNoOperation {
		t.Errorf("got %q after all operations went, want %q", got, policy.ReasonNoOperation)
	}
	if _, err := d.Replace(t.Context(), "nobody", 1, nil, actor); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for a service unknown, want ErrNotFound", err)
	}
}

// TestRefusedOperations leaves the former ones in force.
func TestRefusedOperations(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com"})
	d.replace(t, "reports", 1, catalog.Operation{Pattern: "GET /", Audience: []string{"user:ann"}})
	op := func(pattern, scope string, audience ...string) []catalog.Operation {
		return []catalog.Operation{{Pattern: "GET /first"}, {Pattern: pattern, Scope: scope, Audience: audience}}
	}
	many := make([]catalog.Operation, 5001)
	for i := range many {
		many[i].Pattern = fmt.Sprintf("M%d /", i) // of methods that differ: all pairs are compared
	}
	tests := []struct {
		what  string
		ops   []catalog.Operation
		field string
		holds []string // what the complaint names
	}{
		{"good", op("GET /a/{id}", "a", "user:ann", "role:b", "self:{id}"), "", nil},
		{"a user unknown", op("GET /a", "", "role:b", "user:anna"), "operations[1].audience[1]", nil},
		{"a user of an unknown ID", op("GET /a", "", "user:"+uuid.NewString()), "operations[1].audience[0]", nil},
		{"a user without a name", op("GET /a", "", "user:"), "operations[1].audience[0]", nil},
		{"a role without a name", op("GET /a", "", "role:"), "operations[1].audience[0]", nil},
		{"a role of other letters", op("GET /a", "", "role:a b"), "operations[1].audience[0]", nil},
		{"an audience of another kind", op("GET /a", "", "group:b"), "operations[1].audience[0]", nil},
		{"everybody", op("GET /a", "", "*"), "operations[1].audience[0]", nil},
		{"self of a variable that isn't there", op("GET /a/{id}", "", "self:{user}"), "operations", []string{"GET /a/{id}", "audience"}},
		{"a pattern without a slash", op("GET a", ""), "operations", []string{"GET a"}},
		{"a pattern with a host", op("GET example.com/a", ""), "operations", []string{"GET example.com/a"}},
		{"an empty pattern", op("", ""), "operations", nil},
		{"a scope with a space", op("GET /a", "a b"), "operations", []string{"GET /a", "scope"}},
		{"two patterns alike", op("GET /first", ""), "operations", []string{`"GET /first"`}},
		{"two patterns of which neither is more specific", []catalog.Operation{{Pattern: "GET /{a}/b"}, {Pattern: "GET /a/{b}"}}, "operations", []string{`"GET /{a}/b"`, `"GET /a/{b}"`}},
		{"5000 operations", many[:5000], "", nil},
		{"5001 operations", many, "operations", []string{"5000"}},
	}
	version := int64(2)
	for _, tt := range tests {
		got, err := d.Replace(t.Context(), "reports", version, tt.ops, actor)
		if tt.field == "" {
			if err != nil || got != version+1 {
				t.Errorf("%s: got version %d, %v, want %d", tt.what, got, err, version+1)
			}
			version = d.replace(t, "reports", got, catalog.Operation{Pattern: "GET /", Audience: []string{"user:ann"}})
			continue
		}
		if fieldOf(err) != tt.field || got != 0 {
			t.Errorf("%s: got %v, want a complaint of %s", tt.what, err, tt.field)
			continue
		}
		if conflict := strings.HasPrefix(tt.what, "two patterns"); errors.Is(err, authority.ErrConflict) != conflict {
			t.Errorf("%s: got %v, want a conflict: %t", tt.what, err, conflict)
		}
		for _, part := range tt.holds {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: got %v, want it to name %s", tt.what, err, part)
			}
		}
		if got := d.reason("api.example.com", "GET /", policy.Subject{UserID: ann}); got != "" {
			t.Errorf("%s: got %q after it, want the former operations in force", tt.what, got)
		}
	}
}

// TestNameMadeAnew deletes a user and makes another of the same name: it inherits nothing.
func TestNameMadeAnew(t *testing.T) {
	d := newDesk(t)
	former := d.user(t, "ann")
	d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com", Verifiers: []string{"ann"}})
	d.replace(t, "reports", 1, catalog.Operation{Pattern: "GET /", Audience: []string{"user:ann", "role:partner"}})
	if got := d.reason("api.example.com", "GET /", policy.Subject{UserID: former}); got != "" {
		t.Fatalf("got %q, want the first of the name admitted", got)
	}
	d.deleteUser(t, former)
	anew := d.user(t, "ann")
	if err := d.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.reason("api.example.com", "GET /", policy.Subject{UserID: anew}); got != policy.ReasonNotInAudience {
		t.Errorf("got %q, want the second of the name refused", got)
	}
	if d.Verifies(&authority.Principal{User: authority.User{ID: anew}}, "api.example.com", "/") {
		t.Error("got a verifier, want the second of the name to be none")
	}
	ops, version, err := d.Operations(t.Context(), "reports")
	if want := []catalog.Operation{{Pattern: "GET /", Audience: []string{"role:partner"}}}; err != nil || !cmp.Equal(ops, want) {
		t.Errorf("got %v, %v, want %v: the first is left out", ops, err, want)
	}
	// Who reads and writes back gives the second nothing, either.
	d.replace(t, "reports", version, ops...)
	if got := d.reason("api.example.com", "GET /", policy.Subject{UserID: anew}); got != policy.ReasonNotInAudience {
		t.Errorf("got %q after writing back, want the second refused", got)
	}
}

func TestVerifies(t *testing.T) {
	d := newDesk(t)
	principal := func(name string, roles ...string) *authority.Principal {
		return &authority.Principal{User: authority.User{ID: d.user(t, name), Username: name, Roles: roles}}
	}
	admin, program, other := principal("admin", "admin"), principal("program"), principal("other", "administrator")
	d.create(t, catalog.Draft{Name: "whole", Host: "api.example.com", Verifiers: []string{"other"}})
	d.create(t, catalog.Draft{Name: "part", Host: "api.example.com", PathPrefix: "/v2", Verifiers: []string{"program"}})
	tests := []struct {
		who        *authority.Principal
		host, path string
		want       bool
	}{
		{program, "api.example.com", "/v2", true},
		{program, "API.example.com:443", "/v2/x", true},
		{program, "api.example.com", "/v2x", false}, // belongs to the whole
		{program, "api.example.com", "/", false},
		{other, "api.example.com", "/", true},
		{other, "api.example.com", "/v2/x", false},
		{other, "elsewhere.example.com", "/", false},
		{admin, "api.example.com", "/v2", true},
		{admin, "elsewhere.example.com", "/", true},
		{&authority.Principal{}, "api.example.com", "/", false},
	}
	for _, tt := range tests {
		if got := d.Verifies(tt.who, tt.host, tt.path); got != tt.want {
			t.Errorf("%s about %s%s: got %t, want %t", tt.who.Username, tt.host, tt.path, got, tt.want)
		}
	}
}

func TestDelete(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	first := d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com", Default: policy.DefaultAuthenticated})
	subject := policy.Subject{UserID: ann}
	if got := d.reason("api.example.com", "GET /", subject); got != "" {
		t.Errorf("got %q where every user may call, want it admitted", got)
	}
	if err := d.Delete(t.Context(), "reports", actor); err != nil {
		t.Fatal(err)
	}
	if got := d.reason("api.example.com", "GET /", subject); got != "unknown_service" {
		t.Errorf("got %q after deleting, want it unknown", got)
	}
	if err := d.Delete(t.Context(), "reports", actor); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for deleting twice, want ErrNotFound", err)
	}
	anew := d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com"})
	if got := d.reason("api.example.com", "GET /", subject); anew.ID == first.ID || got != policy.ReasonNoOperation {
		t.Errorf("got %q of the service made anew, want it to inherit nothing", got)
	}
}

// altered is a store whose catalog somebody has touched.
type altered struct {
	catalog.Store
	alter func([]catalog.Entry) ([]catalog.Entry, error)
}

func (a *altered) Catalog(ctx context.Context) ([]catalog.Entry, error) {
	entries, err := a.Store.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	return a.alter(entries)
}

// TestReloadFails: a catalog that can't be read or compiled leaves the former policy in force, and says so.
func TestReloadFails(t *testing.T) {
	d := newDesk(t)
	d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com", Default: policy.DefaultAuthenticated})
	untouched := func(e []catalog.Entry) ([]catalog.Entry, error) { return e, nil }
	store := &altered{d.store, untouched}
	c, err := catalog.New(catalog.Config{Store: store, Users: d.people, Projects: d.people, Applied: d.Reload, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if c.Policy().Len() != 0 {
		t.Error("got a policy before the first reload, want none")
	}
	if err := c.Reload(t.Context()); err != nil || c.Policy().Len() != 1 {
		t.Fatalf("got %d services, %v, want 1", c.Policy().Len(), err)
	}
	before, down := c.Policy(), errors.New("down")
	for what, alter := range map[string]func([]catalog.Entry) ([]catalog.Entry, error){
		"can't be read": func([]catalog.Entry) ([]catalog.Entry, error) { return nil, down },
		"has a conflict": func(e []catalog.Entry) ([]catalog.Entry, error) {
			e[0].Operations = []policy.Operation{{Pattern: "GET /a"}, {Pattern: "GET /a"}}
			return e, nil
		},
		"has two services in one place": func(e []catalog.Entry) ([]catalog.Entry, error) { return append(e, e[0]), nil },
	} {
		store.alter = alter
		if err := c.Reload(t.Context()); err == nil || c.Policy() != before {
			t.Errorf("a catalog that %s: got %v, want an error and the former policy", what, err)
		}
	}
	store.alter = untouched
	if err := c.Reload(t.Context()); err != nil || c.Policy() == before {
		t.Errorf("got %v, want a new policy", err)
	}
}

func TestConfig(t *testing.T) {
	d := newDesk(t)
	good := catalog.Config{Store: d.store, Users: d.people, Projects: d.people, Applied: d.Reload, Now: time.Now}
	for what, change := range map[string]func(*catalog.Config){
		"no store": func(c *catalog.Config) { c.Store = nil }, "no users": func(c *catalog.Config) { c.Users = nil },
		"no projects": func(c *catalog.Config) { c.Projects = nil },
		"no Applied":  func(c *catalog.Config) { c.Applied = nil }, "no clock": func(c *catalog.Config) { c.Now = nil },
	} {
		cfg := good
		change(&cfg)
		if c, err := catalog.New(cfg); err == nil || c != nil {
			t.Errorf("%s: got %v, want an error", what, c)
		}
	}
}
