// Package storetest holds every store to the same promises: what the packages inside ask of their Store interfaces, and
// what the database must keep by itself (one transaction for a change, its event and its row of the feed; tombstones
// that nothing inherits from; exactly one winner of a race).
//
// A store's own tests call Run and test beside it only what is that store's alone: files, pragmas, connections. The
// suite never sleeps and gives every time itself, so that a failure means a broken promise and not a slow machine.
package storetest

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/store"
)

// Store is what is tested.
type Store = store.Store

// Run holds a store to the promises. Each of its tests calls open for an empty database of its own; open closes it with
// t.Cleanup. A test whose store can't be reached fails.
func Run(t *testing.T, open func(t *testing.T) Store) {
	groups := map[string]map[string]func(*testing.T, Store){
		"users":              userTests(),
		"actors":             actorTests(),
		"passwords":          passwordTests(),
		"addresses":          addressTests(),
		"admins":             adminTests(),
		"personal":           personalTests(),
		"holders":            holderTests(),
		"walks":              walkTests(),
		"sessions":           sessionTests(),
		"tokens":             sessionTokenTests(),
		"links":              linkTests(),
		"platforms":          platformTests(),
		"factors":            factorTests(),
		"projects":           projectTests(),
		"token sets":         tokenSetTests(),
		"api":                apiTokenTests(),
		"clients":            clientTests(),
		"services":           serviceTests(),
		"keys":               keyTests(),
		"feed":               feedTests(),
		"events":             eventTests(),
		"refusals":           refusalTests(),
		"contexts":           contextTests(),
		"races":              raceTests(),
		"races of platforms": platformRaceTests(),
		"races of projects":  projectRaceTests(),
	}
	for group, tests := range groups {
		for name, test := range tests {
			t.Run(group+"/"+name, func(t *testing.T) { test(t, open(t)) })
		}
	}
}

// start is when the suite's stories begin. Its microseconds tell whether times are kept whole.
func start() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 123456000, time.UTC) }

// newID returns an ID that nothing has.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// event returns the event of a change at the given time.
func event(action audit.Action, id uuid.UUID, at time.Time) audit.Event {
	actor := audit.Actor{UserID: newID(), Username: "Zoë", CredentialKind: "password", CredentialID: newID(), Address: "2001:db8::1"}
	return audit.New(action, actor, audit.Target{Kind: "user", ID: id, Name: "target"}, at, "field", "Wért, \"quoted\"")
}

// must fails the test at once where a step that is not the one under test went wrong.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same compares, taking no list for an empty one.
func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("not as wanted (-want +got):\n%s", diff)
	}
}

// exactly compares, telling no list from an empty one: a token without a list of scopes counts for all of them, and one with
// an empty list for none.
func exactly[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("not as wanted (-want +got):\n%s", diff)
	}
}

// log is the audit log and the feed at one moment.
type log struct {
	events  []audit.Event
	changes []feed.Change
	head    int64
}

func readLog(t *testing.T, s Store) log {
	t.Helper()
	events, err := s.Events(t.Context(), audit.Query{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(events)
	batch := batchAfter(t, s, 0)
	return log{events, batch.Changes, batch.Head}
}

// does runs a change that must succeed. The audit log must gain exactly its event, and the feed exactly the changes
// wanted, by kind and ID, each with the next revision.
func does(t *testing.T, s Store, ev audit.Event, want []feed.Change, change func() error) {
	t.Helper()
	before := readLog(t, s)
	if err := change(); err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	after := readLog(t, s)
	events := after.events[len(before.events):]
	if diff := cmp.Diff([]audit.Event{ev}, events, cmpopts.IgnoreFields(audit.Event{}, "Seq", "Actor.AsOf")); diff != "" {
		t.Errorf("events not as wanted (-want +got):\n%s", diff)
	}
	for i := range want {
		want[i].Revision, want[i].At, want[i].Gone = before.head+int64(i)+1, ev.At, want[i].Gone || ev.Action.Ends()
	}
	same(t, after.changes[len(before.changes):], want)
	if got, want := after.head, before.head+int64(len(want)); got != want {
		t.Errorf("got revision %d, want %d", got, want)
	}
}

// refuses runs a change that must fail with a kind of error, and must leave neither an event nor a change behind.
func refuses(t *testing.T, s Store, want error, change func() error) {
	t.Helper()
	before := readLog(t, s)
	if err := change(); !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
	if diff := cmp.Diff(before, readLog(t, s), cmp.AllowUnexported(log{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the log or the feed changed (-before +after):\n%s", diff)
	}
}

// quietly runs a change that must succeed and be seen neither in the audit log nor in the feed.
func quietly(t *testing.T, s Store, change func() error) {
	t.Helper()
	refuses(t, s, nil, change)
}

// one is the feed of a single change.
func one(kind feed.Kind, id uuid.UUID) []feed.Change { return []feed.Change{{Kind: kind, ID: id}} }
