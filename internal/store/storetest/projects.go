package storetest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/session"
)

func projectTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"read what was added":            testAddProject,
		"find nothing":                   testNoProject,
		"refuse what is taken":           testProjectConflicts,
		"list in the order of numbers":   testProjects,
		"update":                         testUpdateProject,
		"refuse a stale update":          testStaleProject,
		"delete":                         testDeleteProject,
		"delete after its account":       testDeleteProjectAlone,
		"inherit nothing from a tomb":    testProjectInheritance,
		"a service's":                    testProjectOfService,
		"its account is a user":          testProjectAccount,
		"what an application says of us": testExternal,
	}
}

// projectOf returns a new project of a number, whose name is its own canonical form.
func projectOf(number int) project.Project {
	return project.Project{
		ID: newID(), Number: number, Name: fmt.Sprint("p", number), MaxAge: 15 * time.Minute, Version: 1, CreatedAt: start(), UpdatedAt: start(),
	}
}

// accountOf returns the service account of a new project.
func accountOf(p *project.Project) project.OwnAccount {
	r := person(fmt.Sprint("project-", p.Number))
	r.Kind = account.Service
	return project.OwnAccount{Record: r, Event: event(audit.UserCreate, r.ID, p.CreatedAt)}
}

// addProject adds a project with an account of its own, and returns it as the store then has it. A node hears of it.
func addProject(t *testing.T, s Store, p project.Project) project.Project {
	t.Helper()
	own := accountOf(&p)
	p.ServiceAccount = own.ID
	ev := event(audit.ProjectCreate, p.ID, p.CreatedAt)
	doesBoth(t, s, [2]audit.Event{own.Event, ev}, one(feed.Project, p.ID), func() error { return s.AddProject(t.Context(), p, p.Name, own, ev) })
	return p
}

// doesBoth is does for a change with two events.
func doesBoth(t *testing.T, s Store, events [2]audit.Event, want []feed.Change, change func() error) {
	t.Helper()
	before := readLog(t, s)
	must(t, change())
	after := readLog(t, s)
	if diff := cmp.Diff(events[:], after.events[len(before.events):], cmpopts.IgnoreFields(audit.Event{}, "Seq", "Actor.AsOf")); diff != "" {
		t.Errorf("events not as wanted (-want +got):\n%s", diff)
	}
	for i := range want {
		want[i].Revision, want[i].At, want[i].Gone = before.head+int64(i)+1, events[1].At, events[1].Action.Ends()
	}
	same(t, after.changes[len(before.changes):], want)
}

// tokenSet returns a new set of a project whose name is its own canonical form.
func tokenSet(projectID uuid.UUID, name string) project.TokenSet {
	return project.TokenSet{
		ID: newID(), ProjectID: projectID, Name: name, Active: true,
		Settings: sealed.Settings{Mode: sealed.GCM, KeySize: 256, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256},
		Key:      []byte("key of " + name), Version: 1, CreatedAt: start(), UpdatedAt: start(),
	}
}

// addSet adds a set to a project. A node hears of it, and nothing ends.
func addSet(t *testing.T, s Store, set project.TokenSet) project.TokenSet {
	t.Helper()
	ev := event(audit.TokenSetCreate, set.ID, set.CreatedAt)
	does(t, s, ev, one(feed.Project, set.ProjectID), func() error { return s.AddTokenSet(t.Context(), set, set.Name, ev) })
	return set
}

// updateProject returns a change of a project an hour after the start, to be run, and its event.
func updateProject(t *testing.T, s Store, p project.Project, change func(*project.Project)) (audit.Event, func() error) {
	p.UpdatedAt = start().Add(time.Hour)
	change(&p)
	ev := event(audit.ProjectUpdate, p.ID, p.UpdatedAt)
	return ev, func() error { return s.UpdateProject(t.Context(), p, p.Name, ev) }
}

// deleteProject returns the deletion of a project an hour after the start, to be run, and its two events.
func deleteProject(t *testing.T, s Store, p project.Project) (ev, ownEv audit.Event, run func() error) {
	at := start().Add(time.Hour)
	ev, ownEv = event(audit.ProjectDelete, p.ID, at), event(audit.UserDelete, p.ServiceAccount, at)
	return ev, ownEv, func() error { return s.DeleteProject(t.Context(), p.ID, ev, ownEv) }
}

// dropProject deletes a project.
func dropProject(t *testing.T, s Store, p project.Project) {
	t.Helper()
	_, _, run := deleteProject(t, s, p)
	must(t, run())
}

// sealedVisit returns a session that was begun by a project's tokens.
func sealedVisit(userID uuid.UUID, p project.Project) session.Session {
	b := visit(userID)
	b.Sealed = session.SealedOrigin{Project: p.ID, From: p.AllowedIPs}
	return b
}

// comeIn begins a session of a user by a project's tokens, with the n-th pair of cookies.
func comeIn(t *testing.T, s Store, userID uuid.UUID, p project.Project, n int) session.Session {
	t.Helper()
	b := sealedVisit(userID, p)
	_, run := begin(t, s, b, n, uuid.Nil)
	must(t, run())
	return b
}

// checkProject makes sure that a project is as it is wanted, with its sets, by its number, in the list and among all.
func checkProject(t *testing.T, s Store, p project.Project, sets ...project.TokenSet) {
	t.Helper()
	want := project.Entry{Project: p, Sets: sets}
	got, err := s.Project(t.Context(), p.Number)
	must(t, err)
	same(t, got, want)
	listed, err := s.Projects(t.Context(), p.Number-1, 1)
	must(t, err)
	same(t, listed, []project.Project{p})
	all, err := s.AllProjects(t.Context())
	must(t, err)
	i := slices.IndexFunc(all, func(e project.Entry) bool { return e.ID == p.ID })
	if i < 0 {
		t.Fatalf("%s isn't among all", p.Name)
	}
	same(t, all[i], want)
}

// checkNoProject makes sure that nothing is found of a project.
func checkNoProject(t *testing.T, s Store, p project.Project) {
	t.Helper()
	if got, err := s.Project(t.Context(), p.Number); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got project %+v and error %v, want %v", got, err, authority.ErrNotFound)
	}
	listed, err := s.Projects(t.Context(), 0, 100)
	must(t, err)
	all, err := s.AllProjects(t.Context())
	must(t, err)
	for _, e := range all {
		listed = append(listed, e.Project)
	}
	for _, other := range listed {
		if other.ID == p.ID {
			t.Errorf("got %s in a list", p.Name)
		}
	}
}

func testAddProject(t *testing.T, s Store) {
	p := projectOf(2_147_483_647)
	p.Name, p.SecurityContext, p.ContextRequired, p.TokenRequired = "ångström", `con"text`, true, true
	p.AppKeys, p.AppKeyCount = []byte{0, 255, 1}, 2
	p.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")}
	p.MaxAge, p.CreateUsers, p.NewUserRoles, p.UpdatedAt = time.Second, true, []string{"partner", "x.y"}, start().Add(time.Microsecond)
	p = addProject(t, s, p)
	checkProject(t, s, p)
	own, err := s.User(t.Context(), p.ServiceAccount)
	must(t, err)
	if own.Kind != account.Service || own.Username != "project-2147483647" || own.HasPassword {
		t.Errorf("got the account %+v, want that of the project", own)
	}

	full := tokenSet(p.ID, "ä \"full\"")
	full.Active, full.OneTime, full.UpdatedAt, full.Key = false, true, start().Add(2*time.Microsecond), []byte{0, 254}
	full.Settings = sealed.Settings{
		Mode: sealed.CBC, KeySize: 192, Padding: sealed.PKCS7, IV: "12345678", IVExpansion: sealed.UTF16LE, Derivation: sealed.PBKDF2, Salt: "salt\té",
		Hash: "SHA512", Iterations: 1_000_000,
	}
	early := tokenSet(p.ID, "early")
	early.CreatedAt = start().Add(-time.Second)
	addSet(t, s, full)
	addSet(t, s, early)
	checkProject(t, s, p, early, full)
	got, err := s.Project(t.Context(), p.Number)
	must(t, err)
	exactly(t, got.Sets[0].Settings, early.Settings)
	if zone := got.Sets[0].CreatedAt.Location(); zone != time.UTC || got.CreatedAt.Location() != time.UTC {
		t.Errorf("got a time in %v, want UTC whatever the machine's zone", zone)
	}

	plain := addProject(t, s, projectOf(1))
	checkProject(t, s, plain)
	got, err = s.Project(t.Context(), 1)
	must(t, err)
	exactly(t, got.AllowedIPs, nil)
	exactly(t, got.NewUserRoles, nil)
	exactly(t, got.AppKeys, nil)
}

func testNoProject(t *testing.T, s Store) {
	all, err := s.AllProjects(t.Context())
	must(t, err)
	same(t, all, nil)
	dead := addProject(t, s, projectOf(7))
	addSet(t, s, tokenSet(dead.ID, "set"))
	dropProject(t, s, dead)
	addProject(t, s, projectOf(8))
	for _, number := range []int{7, 9, 0, -1, 1 << 40} {
		if got, err := s.Project(t.Context(), number); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("%d: got project %+v and error %v, want %v", number, got, err, authority.ErrNotFound)
		}
	}
}

// conflictsAbout runs a change that must fail for a conflict about a field.
func conflictsAbout(t *testing.T, s Store, field string, change func() error) {
	t.Helper()
	refuses(t, s, authority.ErrConflict, func() error {
		err := change()
		if got := fieldOf(err); got != field {
			t.Errorf("got a conflict about %q, want it about %q: %v", got, field, err)
		}
		return err
	})
}

// testProjectConflicts adds projects with what another has, and changes one so: nothing of them is there, nor their accounts.
func testProjectConflicts(t *testing.T, s Store) {
	first, second := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	born(t, s, person("project-4"), "")
	for name, test := range map[string]struct {
		change func(*project.Project, *project.OwnAccount)
		field  string
	}{
		"number":         {func(p *project.Project, _ *project.OwnAccount) { p.Number = 1 }, "number"},
		"both":           {func(p *project.Project, r *project.OwnAccount) { *r = accountOf(&first); p.Number = 1 }, "number"},
		"name":           {func(p *project.Project, _ *project.OwnAccount) { p.Name = first.Name }, "name"},
		"account's name": {func(_ *project.Project, r *project.OwnAccount) { r.Username, r.UsernameKey = "project-4", "project-4" }, "number"},
		"ID":             {func(p *project.Project, _ *project.OwnAccount) { p.ID = first.ID }, ""},
		"account's ID":   {func(_ *project.Project, r *project.OwnAccount) { r.ID = first.ServiceAccount }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := projectOf(3)
			own := accountOf(&p)
			test.change(&p, &own)
			conflictsAbout(t, s, test.field, func() error {
				return s.AddProject(t.Context(), p, p.Name, own, event(audit.ProjectCreate, p.ID, start()))
			})
		})
	}
	_, run := updateProject(t, s, second, func(p *project.Project) { p.Name = first.Name })
	conflictsAbout(t, s, "name", run)
	checkProject(t, s, first)
	checkProject(t, s, second)
	addProject(t, s, projectOf(3)) // which nobody is, nor its account
}

func testProjects(t *testing.T, s Store) {
	c, a, dead, b := addProject(t, s, projectOf(1000)), addProject(t, s, projectOf(2)), addProject(t, s, projectOf(3)), addProject(t, s, projectOf(30))
	dropProject(t, s, dead)
	set := addSet(t, s, tokenSet(b.ID, "set"))
	for _, test := range []struct {
		after, limit int
		want         []project.Project
	}{
		{0, 10, []project.Project{a, b, c}},
		{0, 2, []project.Project{a, b}},
		{2, 1, []project.Project{b}},
		{29, 10, []project.Project{b, c}},
		{1000, 10, nil},
		{-1 << 40, 1, []project.Project{a}},
		{1 << 40, 1, nil},
	} {
		got, err := s.Projects(t.Context(), test.after, test.limit)
		must(t, err)
		same(t, got, test.want)
	}
	all, err := s.AllProjects(t.Context())
	must(t, err)
	same(t, all, []project.Entry{{Project: a}, {Project: b, Sets: []project.TokenSet{set}}, {Project: c}})
}

// testUpdateProject changes all that may be changed: what the project's tokens began ends, and nothing else.
func testUpdateProject(t *testing.T, s Store) {
	p, other := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	set, alice := addSet(t, s, tokenSet(p.ID, "set")), born(t, s, person("alice"), "")
	first, own := comeIn(t, s, alice.ID, p, 1), comeIn(t, s, p.ServiceAccount, p, 2)
	others, byHand := comeIn(t, s, alice.ID, other, 3), logIn(t, s, alice.ID, 4)
	ended := comeIn(t, s, alice.ID, p, 5)
	must(t, end(t, s, ended.ID, event(audit.SessionEnd, ended.ID, start()))())
	change := func(p *project.Project) {
		p.Name, p.SecurityContext, p.ContextRequired, p.TokenRequired, p.AppKeys, p.AppKeyCount = "Portal", "ctx", true, true, []byte{1}, 1
		p.AllowedIPs, p.MaxAge = []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}, time.Minute
		p.CreateUsers, p.NewUserRoles = true, []string{"r"}
		p.Number, p.CreatedAt, p.ServiceAccount = 9, start().Add(time.Minute), other.ServiceAccount // which aren't its to change
	}
	ev, run := updateProject(t, s, p, change)
	does(t, s, ev, one(feed.Project, p.ID), run)
	want := p
	change(&want)
	want.Number, want.CreatedAt, want.ServiceAccount, want.Version, want.UpdatedAt = p.Number, p.CreatedAt, p.ServiceAccount, 2, ev.At
	checkProject(t, s, want, set)
	checkProject(t, s, other)
	for n, b := range map[int]session.Session{1: first, 2: own} {
		b.Sealed.From = want.AllowedIPs // as they are now
		checkEnded(t, s, n, b, ev.At)
	}
	ended.Sealed.From = want.AllowedIPs
	checkEnded(t, s, 5, ended, start())
	checkSession(t, s, 3, others)
	checkSession(t, s, 4, byHand)

	_, run = updateProject(t, s, want, func(p *project.Project) {
		p.AllowedIPs, p.AppKeys, p.AppKeyCount, p.NewUserRoles = nil, nil, 0, nil
	})
	must(t, run())
	want.AllowedIPs, want.AppKeys, want.AppKeyCount, want.NewUserRoles, want.Version = nil, nil, 0, nil, 3
	checkProject(t, s, want, set)
}

func testStaleProject(t *testing.T, s Store) {
	p, dead := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	b := comeIn(t, s, born(t, s, person("alice"), "").ID, p, 1)
	dropProject(t, s, dead)
	for _, version := range []int64{0, 2} {
		_, run := updateProject(t, s, p, func(p *project.Project) { p.Version, p.CreateUsers = version, true })
		refuses(t, s, authority.ErrStale, run)
	}
	for _, gone := range []project.Project{dead, projectOf(3)} {
		_, run := updateProject(t, s, gone, func(p *project.Project) { p.Name = "free" })
		refuses(t, s, authority.ErrNotFound, run)
	}
	checkProject(t, s, p)
	checkSession(t, s, 1, b)
}

func testDeleteProject(t *testing.T, s Store) {
	p, other := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	addSet(t, s, tokenSet(p.ID, "one"))
	addSet(t, s, tokenSet(p.ID, "two"))
	alice, kept := born(t, s, person("alice"), ""), addSet(t, s, tokenSet(other.ID, "one"))
	b, others := comeIn(t, s, alice.ID, p, 1), comeIn(t, s, alice.ID, other, 2)
	comeIn(t, s, p.ServiceAccount, p, 3)
	secret := addSecret(t, s, p.ServiceAccount, 7)
	ev, ownEv, run := deleteProject(t, s, p)
	doesBoth(t, s, [2]audit.Event{ownEv, ev}, []feed.Change{{Kind: feed.User, ID: p.ServiceAccount}, {Kind: feed.Project, ID: p.ID}}, run)
	checkNoProject(t, s, p)
	checkEnded(t, s, 1, b, ev.At)
	checkSession(t, s, 2, others)
	checkNoSession(t, s, authority.APISession, cookies(1, 3).API) // which went with its user
	if _, err := s.User(t.Context(), p.ServiceAccount); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v for the account, want %v", err, authority.ErrNotFound)
	}
	if _, err := s.ClientSecretByDigest(t.Context(), []keyring.Digest{digest(1, 7)}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v for the account's secret %s, want %v", err, secret.ID, authority.ErrNotFound)
	}
	checkProject(t, s, other, kept)
	for _, gone := range []project.Project{p, projectOf(3), {}} {
		_, _, again := deleteProject(t, s, gone)
		refuses(t, s, authority.ErrNotFound, again)
	}
}

// testDeleteProjectAlone deletes a project whose account somebody has deleted before: there is nothing more to tell of that.
func testDeleteProjectAlone(t *testing.T, s Store) {
	p := addProject(t, s, projectOf(1))
	must(t, remove(t, s, p.ServiceAccount)())
	checkProject(t, s, p)
	ev, _, run := deleteProject(t, s, p)
	does(t, s, ev, one(feed.Project, p.ID), run)
	checkNoProject(t, s, p)
}

// testProjectInheritance adds a project in place of one that was deleted: number, names and the account's name are free again, IDs
// never, and nothing of what the other had is the new one's.
func testProjectInheritance(t *testing.T, s Store) {
	former := addProject(t, s, projectOf(1))
	set := addSet(t, s, tokenSet(former.ID, "set"))
	alice, reports := born(t, s, person("alice"), ""), api("reports")
	b := comeIn(t, s, alice.ID, former, 1)
	reports.Project = former.ID
	setUp(t, s, reports)
	dropProject(t, s, former)
	again := projectOf(1)
	again.ID = former.ID
	own := accountOf(&again)
	conflictsAbout(t, s, "", func() error {
		return s.AddProject(t.Context(), again, again.Name, own, event(audit.ProjectCreate, again.ID, start()))
	})
	next := addProject(t, s, projectOf(1))
	checkProject(t, s, next)
	addSet(t, s, tokenSet(next.ID, "set"))
	conflictsAbout(t, s, "", func() error {
		reused := tokenSet(next.ID, "other")
		reused.ID = set.ID
		return s.AddTokenSet(t.Context(), reused, reused.Name, event(audit.TokenSetCreate, set.ID, start()))
	})
	checkEnded(t, s, 1, b, start().Add(time.Hour))
	v, err := s.Service(t.Context(), "reports")
	must(t, err)
	if v.Project != uuid.Nil || v.ProjectNumber != 0 {
		t.Errorf("got a service of the project %s, %d, want one of none", v.Project, v.ProjectNumber)
	}
}

// testProjectOfService reads services with the projects whose tokens count in their queries.
func testProjectOfService(t *testing.T, s Store) {
	p, other := addProject(t, s, projectOf(1000)), addProject(t, s, projectOf(2))
	reports, plain := api("reports"), setUp(t, s, api("plain"))
	reports.Project, reports.ProjectNumber = p.ID, 77 // the number isn't its to say
	setUp(t, s, reports)
	check := func(version int64, projectID uuid.UUID, number int) {
		t.Helper()
		want := reports
		want.Version, want.Project, want.ProjectNumber = version, projectID, number
		got, err := s.Service(t.Context(), "reports")
		must(t, err)
		same(t, got.Service, want)
		list, err := s.Services(t.Context(), "plain", 1)
		must(t, err)
		same(t, list[0], want)
		all, err := s.Catalog(t.Context())
		must(t, err)
		same(t, all[0].Service, plain)
		same(t, all[1].Service, want)
	}
	check(1, p.ID, 1000)
	change := func(projectID uuid.UUID) {
		t.Helper()
		v, err := s.Service(t.Context(), "reports")
		must(t, err)
		v.Project = projectID
		ev := event(audit.ServiceUpdate, v.ID, start())
		does(t, s, ev, one(feed.Service, v.ID), func() error { return s.UpdateService(t.Context(), v.Service, ev) })
	}
	change(other.ID)
	check(2, other.ID, 2)
	change(uuid.Nil)
	check(3, uuid.Nil, 0)
	change(p.ID)
	dropProject(t, s, p)
	check(4, uuid.Nil, 0) // and its version is as before
	change(p.ID)          // by who had read it before
	check(5, uuid.Nil, 0)
}

// testProjectAccount changes a project's own account as any user: nothing of the project changes.
func testProjectAccount(t *testing.T, s Store) {
	p := addProject(t, s, projectOf(1))
	own := accountOf(&p)
	own.ID, own.State = p.ServiceAccount, account.Blocked
	must(t, update(t, s, own.Record)())
	checkProject(t, s, p)
}

// testExternal reads what an application says of a user that it has made: however the user is found, until it is deleted, and
// whatever is changed of it.
func testExternal(t *testing.T, s Store) {
	r := person("alice")
	r.Email, r.EmailKey = "alice@example.com", "alice@example.com"
	r.External = account.External{Profile: "pröfile", ID: "x\t1", Ref: `"ref"`, Data: "data", Flags: -1 << 63}
	r, plain := born(t, s, r, ""), born(t, s, person("bob"), "")
	check := func(version int64) {
		t.Helper()
		want := r.User
		want.Version = version
		byID, err := s.User(t.Context(), r.ID)
		must(t, err)
		byName, err := s.UserByName(t.Context(), "alice")
		must(t, err)
		byEmail, err := s.UserByEmail(t.Context(), "alice@example.com")
		must(t, err)
		list, err := s.Users(t.Context(), account.Query{Limit: 2})
		must(t, err)
		for _, got := range []account.User{byID, byName, byEmail, list[0]} {
			same(t, got, want)
		}
		same(t, list[1], plain.User)
	}
	check(1)
	changed := r
	changed.External = account.External{Profile: "other", Flags: 1}
	must(t, update(t, s, changed)())
	check(2)
	must(t, remove(t, s, r.ID)())
	next := r
	next.ID, next.External, next.Version = newID(), account.External{}, 1
	r = born(t, s, next, "")
	check(1)
}
