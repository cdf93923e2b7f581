package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/project"
)

func projectRaceTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"additions of one number or name":     testRaceProjects,
		"changes of one version of a project": testRaceProjectUpdates,
		"changes of one version of a set":     testRaceSetUpdates,
		"sets, the last two":                  testRaceSets,
		"deletions":                           testRaceProjectDeletions,
		"sets and their project's deletion":   testRaceSetsAndDeletion,
		"sessions and their project's change": testRaceSealedSessions,
	}
}

// testRaceProjects adds many projects at once that have something in common.
func testRaceProjects(t *testing.T, s Store) {
	for field, share := range map[string]func(*project.Project){
		"number": func(p *project.Project) { p.Number = 77 }, "name": func(p *project.Project) { p.Name = "one" },
	} {
		before := len(readLog(t, s).events)
		errs := together(10, func(i int) error {
			p := projectOf(100 + i)
			p.Name = field + p.Name
			share(&p)
			own := accountOf(&p)
			return s.AddProject(t.Context(), p, p.Name, own, event(audit.ProjectCreate, p.ID, start()))
		})
		oneWins(t, errs, authority.ErrConflict)
		for _, err := range errs {
			if err != nil && fieldOf(err) != field {
				t.Errorf("got error %v, want one about the %s", err, field)
			}
		}
		same(t, len(readLog(t, s).events)-before, 2)
	}
	people, err := s.Users(t.Context(), account.Query{Limit: 20})
	must(t, err)
	same(t, len(people), 2) // nothing of those that lost
}

func testRaceProjectUpdates(t *testing.T, s Store) {
	p := addProject(t, s, projectOf(1))
	errs := together(20, func(i int) error {
		_, run := updateProject(t, s, p, func(p *project.Project) { p.SecurityContext = fmt.Sprint(i) })
		return run()
	})
	oneWins(t, errs, authority.ErrStale)
	got, err := s.Project(t.Context(), 1)
	must(t, err)
	same(t, got.Version, 2)
	for i, err := range errs {
		if (err == nil) != (got.SecurityContext == fmt.Sprint(i)) {
			t.Errorf("caller %d got %v, and the context is %q", i, err, got.SecurityContext)
		}
	}
}

func testRaceSetUpdates(t *testing.T, s Store) {
	p := addProject(t, s, projectOf(1))
	set := addSet(t, s, tokenSet(p.ID, "set"))
	before := readLog(t, s)
	errs := together(50, func(i int) error {
		_, run := updateSet(t, s, set, func(set *project.TokenSet) { set.Salt = fmt.Sprint(i) })
		return run()
	})
	oneWins(t, errs, authority.ErrStale)
	got, err := s.Project(t.Context(), 1)
	must(t, err)
	same(t, got.Sets[0].Version, 2)
	for i, err := range errs {
		if (err == nil) != (got.Sets[0].Salt == fmt.Sprint(i)) {
			t.Errorf("caller %d got %v, and the salt is %q", i, err, got.Sets[0].Salt)
		}
	}
	after := readLog(t, s)
	if events, changes := len(after.events)-len(before.events), after.head-before.head; events != 1 || changes != 1 {
		t.Errorf("got %d events and %d changes, want one of each", events, changes)
	}
}

// testRaceSets adds sets at once to a project that has room for two.
func testRaceSets(t *testing.T, s Store) {
	p := addProject(t, s, projectOf(1))
	for n := range project.MaxSets - 2 {
		addSet(t, s, tokenSet(p.ID, fmt.Sprint("set ", n)))
	}
	added := 0
	for _, err := range together(8, func(i int) error {
		set := tokenSet(p.ID, fmt.Sprint("late ", i))
		return s.AddTokenSet(t.Context(), set, set.Name, event(audit.TokenSetCreate, set.ID, start()))
	}) {
		switch {
		case err == nil:
			added++
		case fieldOf(err) != "token_sets":
			t.Errorf("got error %v, want a conflict about token_sets", err)
		}
	}
	got, err := s.Project(t.Context(), 1)
	must(t, err)
	if added != 2 || len(got.Sets) != project.MaxSets {
		t.Errorf("got %d sets added and %d in all, want 2 and %d", added, len(got.Sets), project.MaxSets)
	}
}

// testRaceProjectDeletions deletes a project many times at once, while its account is deleted and has sessions begun.
func testRaceProjectDeletions(t *testing.T, s Store) {
	for round := range rounds {
		p, pepper := addProject(t, s, projectOf(round+1)), int64(round+1)
		errs := together(9, func(i int) error {
			switch {
			case i == 0:
				return remove(t, s, p.ServiceAccount)()
			case i < 5:
				_, _, run := deleteProject(t, s, p)
				return run()
			default:
				b := sealedVisit(p.ServiceAccount, p)
				return s.CreateBrowserSession(t.Context(), b, cookies(pepper, i), uuid.Nil, event(audit.SessionBegin, b.ID, start()))
			}
		})
		oneWins(t, errs[1:5], authority.ErrNotFound)
		for i, err := range errs {
			if err != nil && !errors.Is(err, authority.ErrNotFound) && !errors.Is(err, authority.ErrActorChanged) {
				t.Errorf("caller %d got error %v", i, err)
			}
		}
		checkNoProject(t, s, p)
		for i := 5; i < 9; i++ {
			checkNoSession(t, s, authority.APISession, cookies(pepper, i).API)
		}
		removals := 0
		for _, ev := range readLog(t, s).events {
			if ev.Action == audit.UserDelete && ev.Target.ID == p.ServiceAccount {
				removals++
			}
		}
		same(t, removals, 1) // by the one or by the other
	}
}

// testRaceSetsAndDeletion adds and changes sets of a project that is being deleted: none of them is left.
func testRaceSetsAndDeletion(t *testing.T, s Store) {
	for round := range rounds {
		p := addProject(t, s, projectOf(1))
		set := addSet(t, s, tokenSet(p.ID, "set"))
		errs := together(6, func(i int) error {
			switch i {
			case 0:
				_, _, run := deleteProject(t, s, p)
				return run()
			case 1:
				_, run := updateSet(t, s, set, func(set *project.TokenSet) { set.OneTime = true })
				return run()
			case 2:
				_, run := deleteSet(t, s, set)
				return run()
			}
			late := tokenSet(p.ID, fmt.Sprint("late ", i))
			return s.AddTokenSet(t.Context(), late, late.Name, event(audit.TokenSetCreate, late.ID, start()))
		})
		must(t, errs[0])
		for i, err := range errs[1:] {
			if err != nil && !errors.Is(err, authority.ErrNotFound) {
				t.Errorf("round %d, caller %d: got error %v, want none or %v", round, i+1, err, authority.ErrNotFound)
			}
		}
		checkNoProject(t, s, p)
	}
}

// testRaceSealedSessions has users come in by the tokens of a project that is about to be changed, in each way there is: whoever
// comes first, no session is left that these began.
func testRaceSealedSessions(t *testing.T, s Store) {
	const users = 5
	var people [users + 1]account.Record
	for i := range people {
		people[i] = born(t, s, person(fmt.Sprint("u", i)), "")
	}
	number, made := 0, 0
	for way, change := range map[string]func(project.Project, project.TokenSet) func() error{
		"project changed": func(p project.Project, _ project.TokenSet) func() error {
			_, run := updateProject(t, s, p, func(p *project.Project) { p.ContextRequired = true })
			return run
		},
		"project deleted": func(p project.Project, _ project.TokenSet) func() error {
			_, _, run := deleteProject(t, s, p)
			return run
		},
		"set changed": func(_ project.Project, set project.TokenSet) func() error {
			_, run := updateSet(t, s, set, func(set *project.TokenSet) { set.Active = false })
			return run
		},
		"set deleted": func(_ project.Project, set project.TokenSet) func() error {
			_, run := deleteSet(t, s, set)
			return run
		},
	} {
		for range rounds {
			number++
			p := addProject(t, s, projectOf(number))
			set, pepper := addSet(t, s, tokenSet(p.ID, "set")), int64(number)
			asOf := readLog(t, s).head
			errs := together(users+1, func(i int) error {
				if i == 0 {
					return change(p, set)()
				}
				b := sealedVisit(people[i].ID, p)
				ev := event(audit.SessionBegin, b.ID, start())
				ev.Actor = audit.Actor{UserID: b.UserID, Username: "user", CredentialKind: "sealed", CredentialID: set.ID, AsOf: asOf}
				return s.CreateBrowserSession(t.Context(), b, cookies(pepper, i), uuid.Nil, ev)
			})
			must(t, errs[0])
			for i, err := range errs[1:] {
				if err != nil && !errors.Is(err, authority.ErrActorChanged) {
					t.Errorf("%s: got error %v, want none or %v", way, err, authority.ErrActorChanged)
				}
				if err == nil {
					made++
				}
				b, err := s.BrowserSessionByDigest(t.Context(), authority.APISession, []keyring.Digest{cookies(pepper, i+1).API})
				if !errors.Is(err, authority.ErrNotFound) && (err != nil || b.EndedAt.IsZero()) {
					t.Errorf("%s: got the session %+v and error %v, want none that lasts", way, b, err)
				}
			}
		}
	}
	t.Logf("%d of %d sessions began before the change of their project", made, number*users)
}
