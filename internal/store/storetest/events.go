package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
)

func eventTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"read what was written": testEvent,
		"select":                testSelectEvents,
		"page":                  testPageEvents,
		"count":                 testCountEvents,
		"prune":                 testPruneEvents,
		"prune many":            testPruneManyEvents,
	}
}

// logged writes an event as it is, as the refusal that it may be.
func logged(t *testing.T, s Store, events ...audit.Event) {
	t.Helper()
	must(t, s.AppendRefusals(t.Context(), events))
}

// seqs returns the places in the log of the events that a query selects.
func seqs(t *testing.T, s Store, q audit.Query) (list []int64) {
	t.Helper()
	events, err := s.Events(t.Context(), q)
	must(t, err)
	for _, ev := range events {
		list = append(list, ev.Seq)
	}
	return list
}

func testEvent(t *testing.T, s Store) {
	full := event(audit.Refused, newID(), start())
	full.Reason, full.Door, full.Count, full.LastAt, full.MergeKey = "unknown", "gateway", 7, start().Add(time.Second), "key|1"
	full.Detail = map[string]string{"a": "é", "<b>": `"\`, "c": "line\nbreak\x1b[31m"}
	bare := audit.Event{ID: newID(), At: start(), Action: audit.PepperCreate}
	logged(t, s, full, bare)
	events, err := s.Events(t.Context(), audit.Query{})
	must(t, err)
	if len(events) != 2 || events[0].Seq <= events[1].Seq {
		t.Fatalf("got %d events, want 2, the newest first", len(events))
	}
	bare.Seq, full.Seq = events[0].Seq, events[1].Seq
	same(t, events, []audit.Event{bare, full})
}

func testSelectEvents(t *testing.T, s Store) {
	alice, bob, target := newID(), newID(), newID()
	add := func(action audit.Action, reason string, actor, target uuid.UUID, minutes int) {
		ev := event(action, target, start().Add(time.Duration(minutes)*time.Minute))
		ev.Actor.UserID, ev.Reason = actor, reason
		logged(t, s, ev)
	}
	add(audit.UserUpdate, "", alice, target, 0)
	add(audit.UserUpdate, "", bob, target, 1)
	add(audit.UserDelete, "", alice, newID(), 2)
	add(audit.Refused, "unknown", bob, uuid.Nil, 3)
	add(audit.Refused, "blocked", alice, uuid.Nil, 4)
	add(audit.Refused, "unknown", uuid.Nil, uuid.Nil, 3) // written later than it happened
	places := seqs(t, s, audit.Query{})
	if len(places) != 6 {
		t.Fatalf("got %d events, want 6", len(places))
	}
	at := func(minutes int) time.Time { return start().Add(time.Duration(minutes) * time.Minute) }
	tests := map[string]struct {
		query audit.Query
		want  []int // numbers as they were written, from 1
	}{
		"everything":        {audit.Query{}, []int{6, 5, 4, 3, 2, 1}},
		"limit":             {audit.Query{Limit: 2}, []int{6, 5}},
		"before":            {audit.Query{Before: places[2], Limit: 2}, []int{3, 2}},
		"after":             {audit.Query{After: places[4], Before: places[2]}, []int{3}},
		"action":            {audit.Query{Action: audit.UserUpdate}, []int{2, 1}},
		"reason":            {audit.Query{Reason: "unknown"}, []int{6, 4}},
		"actor":             {audit.Query{Actor: alice}, []int{5, 3, 1}},
		"target":            {audit.Query{Target: target}, []int{2, 1}},
		"since":             {audit.Query{Since: at(3)}, []int{6, 5, 4}},
		"until":             {audit.Query{Until: at(1)}, []int{1}},
		"since and until":   {audit.Query{Since: at(1), Until: at(4)}, []int{6, 4, 3, 2}},
		"all at once":       {audit.Query{Before: places[0], Limit: 1, Action: audit.Refused, Reason: "unknown", Actor: bob, Since: at(3), Until: at(4)}, []int{4}},
		"nothing":           {audit.Query{Action: "user"}, nil},
		"actor and reason":  {audit.Query{Actor: alice, Reason: "unknown"}, nil},
		"target and before": {audit.Query{Target: target, Before: places[4]}, []int{1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var want []int64
			for _, n := range test.want {
				want = append(want, places[len(places)-n])
			}
			same(t, seqs(t, s, test.query), want)
		})
	}
}

func testPageEvents(t *testing.T, s Store) {
	for i := range 7 {
		logged(t, s, event(audit.Action(fmt.Sprintf("test.%d", i)), newID(), start()))
	}
	var got []string
	for q := (audit.Query{Limit: 3}); ; {
		page, err := s.Events(t.Context(), q)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, ev := range page {
			got = append(got, string(ev.Action))
			q.Before = ev.Seq
		}
	}
	same(t, got, []string{"test.6", "test.5", "test.4", "test.3", "test.2", "test.1", "test.0"})
}

// testCountEvents counts by the hour, no more than the newest events, and says how far back they go where there are others.
func testCountEvents(t *testing.T, s Store) {
	add := func(action audit.Action, reason string, count int64, after time.Duration) {
		ev := event(action, newID(), start().Add(after))
		ev.Reason, ev.Count = reason, count
		logged(t, s, ev)
	}
	add(audit.Refused, "expired", 7, -time.Second)
	add(audit.Refused, "expired", 2, 0)
	add(audit.Refused, "expired", 3, time.Hour-time.Microsecond)
	add(audit.Refused, "unknown", 4, time.Minute)
	add(audit.UserCreate, "", 1, time.Hour)
	add(audit.UserCreate, "", 1, 2*time.Hour-time.Microsecond)
	all := []audit.Count{
		{Hour: 0, Action: audit.Refused, Reason: "expired", Events: 2, Times: 5},
		{Hour: 0, Action: audit.Refused, Reason: "unknown", Events: 1, Times: 4},
		{Hour: 1, Action: audit.UserCreate, Events: 2, Times: 2},
	}
	for most, want := range map[int]struct {
		counts []audit.Count
		back   time.Time
	}{
		9: {counts: all},
		6: {counts: all},
		2: {all[2:], start().Add(time.Hour)},
		3: {all[1:], start().Add(time.Minute)},
	} {
		counts, back, err := s.CountEvents(t.Context(), start(), most)
		must(t, err)
		same(t, counts, want.counts)
		if !back.Equal(want.back) {
			t.Errorf("of %d: got it back to %v, want %v", most, back, want.back)
		}
	}
}

func testPruneEvents(t *testing.T, s Store) {
	for i := range 4 {
		logged(t, s, event(audit.UserUpdate, newID(), start().Add(time.Duration(i)*time.Minute)))
	}
	places := seqs(t, s, audit.Query{})
	n, err := s.PruneEvents(t.Context(), start().Add(2*time.Minute))
	must(t, err)
	same(t, n, 2)
	same(t, seqs(t, s, audit.Query{}), places[:2])

	_, err = s.PruneEvents(t.Context(), start().Add(time.Hour))
	must(t, err)
	logged(t, s, event(audit.UserUpdate, newID(), start()))
	if got := seqs(t, s, audit.Query{}); len(got) != 1 || got[0] <= places[0] {
		t.Errorf("got places %v, want one after %d: a cursor must not meet new events under old numbers", got, places[0])
	}
}

func testPruneManyEvents(t *testing.T, s Store) {
	events := make([]audit.Event, 2500)
	for i := range events {
		events[i] = audit.Event{ID: newID(), At: start(), Action: audit.UserUpdate, Count: 1}
	}
	logged(t, s, events...)
	n, err := s.PruneEvents(t.Context(), start().Add(time.Microsecond))
	must(t, err)
	same(t, n, 2500)
	same(t, seqs(t, s, audit.Query{}), nil)
}
