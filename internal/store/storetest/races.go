package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/session"
)

// rounds is how often a race of two is run: who is faster must be left to chance.
const rounds = 20

func raceTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"rotations":                    testRaceRotations,
		"updates of one version":       testRaceUpdates,
		"administrators' demotions":    testRaceAdmins,
		"creations of one name":        testRaceCreations,
		"rotations and a deletion":     testRaceDeletion,
		"rotations and a reset":        testRaceReset,
		"log-outs":                     testRaceLogOuts,
		"log-ins in place of one":      testRaceLogIns,
		"log-ins and a deletion":       testRaceLogInsAndDeletion,
		"changes of one password":      testRacePasswords,
		"password changes and a reset": testRaceChangeAndReset,
		"master keys":                  testRaceMasterCheck,
		"peppers":                      testRacePeppers,
		"signing keys' rotations":      testRaceSigningKeys,
		"first signing keys":           testRaceFirstSigningKeys,
		"rotations and a revocation":   testRaceRevocation,
		"revocations":                  testRaceRevocations,
		"refusals":                     testRaceRefusals,
		"changes and their reader":     testRaceFeed,
		"operations and their readers": testRaceOperations,
	}
}

// together runs what n callers do at once and returns their errors.
func together(n int, do func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-begin
			errs[i] = do(i)
		})
	}
	close(begin)
	group.Wait()
	return errs
}

// oneWins makes sure that exactly one caller succeeded and that the others lost in the way wanted.
func oneWins(t *testing.T, errs []error, lost error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, lost):
			t.Errorf("got error %v, want %v", err, lost)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d succeeded, want 1", won, len(errs))
	}
}

func testRaceRotations(t *testing.T, s Store) {
	const rotations = 50
	r := born(t, s, person("alice"), "")
	before := readLog(t, s)
	for i, err := range together(rotations, func(i int) error {
		return s.PutPersonalToken(t.Context(), r.ID, digest(1, i), event(audit.PersonalTokenRotate, r.ID, start()))
	}) {
		if err != nil {
			t.Errorf("rotation %d: %v", i, err)
		}
	}
	live, former := 0, 0
	for i := range rotations {
		switch _, err := s.FindPersonalToken(t.Context(), []keyring.Digest{digest(1, i)}); {
		case errors.Is(err, personal.ErrFormer):
			former++
		case err == nil:
			live++
		case !errors.Is(err, authority.ErrNotFound):
			t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
		}
	}
	if live != 1 || former != 1 {
		t.Errorf("got %d valid and %d former tokens, want 1 and 1", live, former)
	}
	after := readLog(t, s)
	if got := len(after.events) - len(before.events); got != rotations {
		t.Errorf("got %d events, want %d", got, rotations)
	}
	if got := len(after.changes) - len(before.changes); got != rotations-1 {
		t.Errorf("got %d changes, want %d: the first took nothing away", got, rotations-1)
	}
}

func testRaceUpdates(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	errs := together(20, func(i int) error {
		mine := r
		mine.DisplayName = fmt.Sprint(i)
		return update(t, s, mine)()
	})
	oneWins(t, errs, authority.ErrStale)
	got, err := s.User(t.Context(), r.ID)
	must(t, err)
	same(t, got.Version, 2)
	for i, err := range errs {
		if (err == nil) != (got.DisplayName == fmt.Sprint(i)) {
			t.Errorf("caller %d got %v, and the display name is %q", i, err, got.DisplayName)
		}
	}
}

// testRaceAdmins has the only two administrators take each other's power at once, in each way there is.
func testRaceAdmins(t *testing.T, s Store) {
	keeper := born(t, s, person("keeper", authority.AdminRole), "hash")
	ways := losses()
	ways["delete"] = nil
	for way, lose := range ways {
		for round := range rounds / 4 {
			var two [2]account.Record
			for i := range two {
				two[i] = born(t, s, person(fmt.Sprint(way, round, i), authority.AdminRole), "hash")
			}
			must(t, remove(t, s, keeper.ID)())
			errs := together(2, func(i int) error {
				r := two[i]
				if lose == nil {
					return remove(t, s, r.ID)()
				}
				lose(&r)
				return update(t, s, r)()
			})
			oneWins(t, errs, authority.ErrLastAdmin)
			keeper = born(t, s, person("keeper", authority.AdminRole), "hash")
			for i, err := range errs {
				if err != nil {
					must(t, remove(t, s, two[i].ID)())
				}
			}
		}
	}
}

func testRaceCreations(t *testing.T, s Store) {
	errs := together(20, func(i int) error {
		r := person("alice")
		r.DisplayName = fmt.Sprint(i)
		return s.CreateUser(t.Context(), r, "", event(audit.UserCreate, r.ID, start()))
	})
	oneWins(t, errs, authority.ErrConflict)
	for _, err := range errs {
		if err != nil && fieldOf(err) != "username" {
			t.Errorf("got error %v, want one about the username", err)
		}
	}
	same(t, len(readLog(t, s).events), 1)
}

func testRaceDeletion(t *testing.T, s Store) {
	for round := range rounds {
		r := born(t, s, person(fmt.Sprint("u", round)), "")
		errs := together(8, func(i int) error {
			if i == 0 {
				return remove(t, s, r.ID)()
			}
			return s.PutPersonalToken(t.Context(), r.ID, digest(int64(round), i), event(audit.PersonalTokenRotate, r.ID, start()))
		})
		must(t, errs[0])
		for i, err := range errs[1:] {
			if err != nil && !errors.Is(err, authority.ErrNotFound) {
				t.Errorf("got error %v, want none or %v", err, authority.ErrNotFound)
			}
			checkDead(t, s, digest(int64(round), i+1))
		}
	}
}

// testRaceReset has an administrator reset a password while the token is rotated: what was valid before the reset is
// dead, and what was made after it lives.
func testRaceReset(t *testing.T, s Store) {
	for round := range rounds {
		r := born(t, s, person(fmt.Sprint("u", round)), "")
		pepper := int64(round + 1)
		put(t, s, r.ID, digest(pepper, 0))
		for _, err := range together(2, func(i int) error {
			if i == 0 {
				return s.ResetPassword(t.Context(), r.ID, "new", event(audit.UserPasswordReset, r.ID, start()))
			}
			return s.PutPersonalToken(t.Context(), r.ID, digest(pepper, 1), event(audit.PersonalTokenRotate, r.ID, start()))
		}) {
			must(t, err)
		}
		checkDead(t, s, digest(pepper, 0))
		events := readLog(t, s).events
		if last := events[len(events)-1]; last.Action == audit.PersonalTokenRotate {
			checkLive(t, s, r.ID, digest(pepper, 1))
		} else {
			checkDead(t, s, digest(pepper, 1))
		}
	}
}

func testRaceLogOuts(t *testing.T, s Store) {
	b := logIn(t, s, born(t, s, person("alice"), "").ID, 0)
	before := readLog(t, s)
	oneWins(t, together(20, func(i int) error {
		return end(t, s, b.ID, event(audit.SessionEnd, b.ID, start().Add(time.Duration(i)*time.Minute)))()
	}), authority.ErrNotFound)
	after := readLog(t, s)
	if events, changes := len(after.events)-len(before.events), after.head-before.head; events != 1 || changes != 1 {
		t.Errorf("got %d events and %d changes, want one of each", events, changes)
	}
	checkEnded(t, s, 0, b, after.events[len(after.events)-1].At) // when it did for the one who did it
}

// testRaceLogIns has many log-ins take the place of one session: it ends once, and each has a session of its own.
func testRaceLogIns(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	former, head := logIn(t, s, r.ID, 0), readLog(t, s).head
	begun := make([]session.Session, 20)
	for _, err := range together(len(begun), func(i int) error {
		begun[i] = visit(r.ID)
		_, run := begin(t, s, begun[i], i+1, former.ID)
		return run()
	}) {
		must(t, err)
	}
	checkEnded(t, s, 0, former, start())
	for i, b := range begun {
		checkSession(t, s, i+1, b)
	}
	if got := readLog(t, s).head - head; got != 1 {
		t.Errorf("got %d changes, want one: the former ended once", got)
	}
}

func testRaceLogInsAndDeletion(t *testing.T, s Store) {
	for round := range rounds {
		r := born(t, s, person(fmt.Sprint("u", round)), "")
		errs := together(8, func(i int) error {
			if i == 0 {
				return remove(t, s, r.ID)()
			}
			b := visit(r.ID)
			return s.CreateBrowserSession(t.Context(), b, cookies(int64(round), i), uuid.Nil, event(audit.SessionBegin, b.ID, start()))
		})
		must(t, errs[0])
		for i, err := range errs[1:] {
			if err != nil && !errors.Is(err, authority.ErrNotFound) {
				t.Errorf("got error %v, want none or %v", err, authority.ErrNotFound)
			}
			checkNoSession(t, s, authority.ConsoleSession, cookies(int64(round), i+1).Console)
		}
	}
}

func testRacePasswords(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "old")
	errs := together(20, func(i int) error {
		return s.ChangePassword(t.Context(), r.ID, account.Rehash{Old: "old", New: fmt.Sprint(i)}, event(audit.UserPassword, r.ID, start()))
	})
	oneWins(t, errs, authority.ErrStale)
	for i, err := range errs {
		if err == nil {
			checkHash(t, s, r, fmt.Sprint(i))
		}
	}
}

// testRaceChangeAndReset has an administrator reset a password while whoever knows the former one changes it: whatever
// came first, the reset is what stands.
func testRaceChangeAndReset(t *testing.T, s Store) {
	for round := range rounds {
		r := born(t, s, person(fmt.Sprint("u", round)), "old")
		errs := together(4, func(i int) error {
			if i == 0 {
				return s.ResetPassword(t.Context(), r.ID, "reset", event(audit.UserPasswordReset, r.ID, start()))
			}
			return s.ChangePassword(t.Context(), r.ID, account.Rehash{Old: "old", New: "changed"}, event(audit.UserPassword, r.ID, start()))
		})
		must(t, errs[0])
		for _, err := range errs[1:] {
			if err != nil && !errors.Is(err, authority.ErrStale) {
				t.Errorf("got error %v, want none or %v", err, authority.ErrStale)
			}
		}
		checkHash(t, s, r, "reset")
	}
}

func testRaceMasterCheck(t *testing.T, s Store) {
	var got [10][]byte
	for _, err := range together(len(got), func(i int) (err error) {
		got[i], err = s.SetMasterCheck(t.Context(), fmt.Append(nil, "check ", i))
		return err
	}) {
		must(t, err)
	}
	for _, check := range got {
		same(t, check, got[0])
	}
}

func testRacePeppers(t *testing.T, s Store) {
	oneWins(t, together(10, func(i int) error {
		p := keyring.WrappedPepper{Version: 1, Wrapped: fmt.Append(nil, i), CreatedAt: start()}
		return s.AddPepper(t.Context(), p, event(audit.PepperCreate, newID(), start()))
	}), authority.ErrConflict)
}

func testRaceRefusals(t *testing.T, s Store) {
	for _, err := range together(20, func(i int) error {
		return s.AppendRefusals(t.Context(), []audit.Event{refusal("a", 1, start()), refusal(fmt.Sprint("b", i%2), 10, start())})
	}) {
		must(t, err)
	}
	counts := map[string]int64{}
	for _, ev := range readLog(t, s).events {
		counts[ev.MergeKey] += ev.Count
	}
	same(t, counts, map[string]int64{"a": 20, "b0": 100, "b1": 100})
}

// testRaceFeed follows the feed while it is written: head and changes are always those of one moment.
func testRaceFeed(t *testing.T, s Store) {
	users := make([]account.Record, 8)
	for i := range users {
		users[i] = born(t, s, person(fmt.Sprint("u", i)), "")
	}
	const changes = 15
	done := make(chan []error)
	go func() {
		done <- together(len(users), func(i int) error {
			r := users[i]
			for range changes {
				if err := update(t, s, r)(); err != nil {
					return err
				}
				r.Version++
			}
			return nil
		})
	}()
	known := int64(0)
	for ended := false; !ended; {
		select {
		case errs := <-done:
			must(t, errors.Join(errs...))
			ended = true // and look once more
		default:
		}
		b := batchAfter(t, s, known)
		if b.Pruned || b.Head != known+int64(len(b.Changes)) {
			t.Fatalf("after revision %d: got head %d with %d changes, pruned %t", known, b.Head, len(b.Changes), b.Pruned)
		}
		for i, c := range b.Changes {
			if c.Revision != known+int64(i)+1 || c.Kind != feed.User {
				t.Fatalf("after revision %d: got change %+v in place %d", known, c, i)
			}
		}
		known = b.Head
	}
	same(t, known, int64(len(users)*changes))
}

// testRaceOperations reads a service while its operations are replaced by as many as its version was.
func testRaceOperations(t *testing.T, s Store) {
	v := setUp(t, s, api("reports"))
	done := make(chan error)
	go func() {
		var err error
		for version := int64(1); version <= rounds && err == nil; version++ {
			ops := make([]policy.Operation, version)
			for i := range ops {
				ops[i] = policy.Operation{Pattern: fmt.Sprintf("/%d", i), Audience: []policy.Audience{policy.RoleAudience("r")}}
			}
			err = s.ReplaceOperations(t.Context(), v.ID, version, ops, event(audit.OperationsReplace, v.ID, start()))
		}
		done <- err
	}()
	for ended := false; !ended; {
		select {
		case err := <-done:
			must(t, err)
			ended = true
		default:
		}
		entry, err := s.Service(t.Context(), "reports")
		must(t, err)
		entries, err := s.Catalog(t.Context())
		must(t, err)
		for _, e := range append(entries, entry) {
			if int64(len(e.Operations)) != e.Version-1 {
				t.Fatalf("got %d operations at version %d, want %d", len(e.Operations), e.Version, e.Version-1)
			}
		}
	}
}
