package storetest

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
)

func refusalTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"merge":            testMergeRefusals,
		"write none":       testNoRefusals,
		"all or none":      testRefusalsWhole,
		"merge from Drain": testMergeDrained,
	}
}

// refusal returns a merged refusal of so many calls, the last of which came at the given time.
func refusal(mergeKey string, count int64, lastAt time.Time) audit.Event {
	return audit.Event{
		ID: newID(), At: start(), LastAt: lastAt, Action: audit.Refused, Reason: "unknown", Door: "gateway", Count: count, MergeKey: mergeKey,
	}
}

func testMergeRefusals(t *testing.T, s Store) {
	first := refusal("a", 2, start().Add(20*time.Second))
	logged(t, s, first, refusal("b", 1, start()))
	overflow := audit.New(audit.RefusalsOverflow, audit.Actor{}, audit.Target{}, start())
	overflow.Count = 9
	again := overflow
	again.ID = newID()
	logged(t, s, refusal("a", 40, start().Add(30*time.Second)), overflow, again, refusal("a", 500, start().Add(10*time.Second)))

	events, err := s.Events(t.Context(), audit.Query{})
	must(t, err)
	if len(events) != 4 {
		t.Fatalf("got %d rows, want 4: what has no merge key is never merged", len(events))
	}
	merged := events[3] // it keeps its place, the first
	first.Seq, first.Count, first.LastAt = merged.Seq, 542, start().Add(30*time.Second)
	same(t, merged, first)
	same(t, events[2].Count, 1)
	same(t, events[1].Count, 9)
	same(t, events[0].Count, 9)
}

func testNoRefusals(t *testing.T, s Store) {
	quietly(t, s, func() error { return s.AppendRefusals(t.Context(), nil) })
}

// testRefusalsWhole appends a refusal beside one of which not every store can keep the text. Whether it is kept is the
// store's affair; that an error leaves nothing is not: the caller may append both again, and would count one twice.
func testRefusalsWhole(t *testing.T, s Store) {
	odd := refusal("a\x00b\xff", 1, start())
	want := 2
	if err := s.AppendRefusals(t.Context(), []audit.Event{refusal("a", 1, start()), odd}); err != nil {
		want = 0
	}
	same(t, len(readLog(t, s).events), want)
}

// testMergeDrained has one minute's refusals drained at two of its seconds.
func testMergeDrained(t *testing.T, s Store) {
	buffer := audit.NewRefusals(10)
	for second := range 2 {
		for range 3 {
			buffer.Add(audit.Refusal{Reason: "unknown", Kind: "personal_token", Door: "gateway"}, start().Add(time.Duration(second)*time.Second))
		}
		logged(t, s, buffer.Drain(start())...)
	}
	events, err := s.Events(t.Context(), audit.Query{})
	must(t, err)
	if len(events) != 1 || events[0].Count != 6 || !events[0].LastAt.Equal(start().Add(time.Second)) {
		t.Errorf("got %+v, want one row that counts 6", events)
	}
}
