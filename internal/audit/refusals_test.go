package audit_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

var (
	token = uuid.Must(uuid.NewV7())
	other = uuid.Must(uuid.NewV7())
)

// refusal is what the table below changes one thing of.
func refusal(change func(*audit.Refusal)) audit.Refusal {
	r := audit.Refusal{
		Reason: "unknown", Kind: "personal_token", Door: "gateway", Service: "reports",
		Address: netip.MustParseAddr("192.0.2.1"),
	}
	if change != nil {
		change(&r)
	}
	return r
}

func from(address string) func(*audit.Refusal) {
	return func(r *audit.Refusal) { r.Address = netip.MustParseAddr(address) }
}

func known(address string) func(*audit.Refusal) {
	return func(r *audit.Refusal) { r.ID, r.Address = token, netip.MustParseAddr(address) }
}

// TestMerge adds two refusals and tells whether they are one row. Each that merges has a twin that doesn't.
func TestMerge(t *testing.T) {
	tests := []struct {
		name          string
		first, second func(*audit.Refusal)
		later         time.Duration
		want          int
	}{
		{"alike", nil, nil, 0, 1},
		{"alike, at the end of the minute", nil, nil, time.Minute - time.Microsecond, 1},
		{"alike, in the next minute", nil, nil, time.Minute, 2},
		{"another reason", nil, func(r *audit.Refusal) { r.Reason = "bad_checksum" }, 0, 2},
		{"another kind", nil, func(r *audit.Refusal) { r.Kind = "password" }, 0, 2},
		{"another door", nil, func(r *audit.Refusal) { r.Door = "v1" }, 0, 2},
		{"another service", nil, func(r *audit.Refusal) { r.Service = "billing" }, 0, 2},
		{"another user", nil, func(r *audit.Refusal) { r.UserID = other }, 0, 2},
		{"another IPv4 address", nil, from("192.0.2.2"), 0, 2},
		{"the same IPv4 address, mapped", nil, from("::ffff:192.0.2.1"), 0, 1},
		{"another IPv4 address, mapped", nil, from("::ffff:192.0.2.2"), 0, 2},
		{"no address", nil, func(r *audit.Refusal) { r.Address = netip.Addr{} }, 0, 2},
		{"one /64", from("2001:db8:0:1::1"), from("2001:db8:0:1:ffff:ffff:ffff:ffff"), 0, 1},
		{"the next /64", from("2001:db8:0:1::1"), from("2001:db8:0:2::1"), 0, 2},
		{"one /64 in two zones", from("fe80::1%eth0"), from("fe80::2%eth1"), 0, 1},
		{"one credential from two addresses", known("192.0.2.1"), known("2001:db8::1"), 0, 1},
		{"two credentials", known("192.0.2.1"), func(r *audit.Refusal) { r.ID = other }, 0, 2},
		{"one credential, known and not", known("192.0.2.1"), nil, 0, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := audit.NewRefusals(10)
			r.Add(refusal(tt.first), noon)
			r.Add(refusal(tt.second), noon.Add(tt.later))
			events := r.Drain(noon)
			keys, total := map[string]bool{}, int64(0)
			for _, e := range events {
				keys[e.MergeKey] = true
				total += e.Count
			}
			if len(events) != tt.want || len(keys) != tt.want || total != 2 {
				t.Errorf("got %d rows under %d keys for %d calls, want %d for 2", len(events), len(keys), total, tt.want)
			}
			first, second := refusal(tt.first), refusal(tt.second)
			first.Call, second.Call = "GET host/a", "GET host/b"
			if r.Merge(&first, noon) {
				t.Error("got it merged with nothing")
			}
			r.Add(first, noon)
			merged := r.Merge(&second, noon.Add(tt.later))
			if events := r.Drain(noon); merged != (tt.want == 1) || len(events) != 1 || events[0].Detail["call"] != first.Call || (events[0].Count == 2) != merged {
				t.Errorf("got merged %t and %+v, want the first, with the second where it is like it", merged, events)
			}
		})
	}
}

func TestRefusalEvent(t *testing.T) {
	r := audit.NewRefusals(10)
	add := func(address string, at time.Time) {
		r.Add(refusal(func(r *audit.Refusal) {
			r.ID, r.UserID, r.Address = token, other, netip.MustParseAddr(address)
		}), at)
	}
	add("2001:db8::7%jtpCANARY", noon.Add(3*time.Second))
	add("192.0.2.9", noon.Add(5*time.Second))
	add("192.0.2.9", noon.Add(4*time.Second)) // a call that was overtaken
	events := r.Drain(noon.Add(6 * time.Second))
	if len(events) != 1 {
		t.Fatalf("got %d events, want 1", len(events))
	}
	got := events[0]
	want := audit.Event{
		ID: got.ID, At: noon.Add(3 * time.Second), LastAt: noon.Add(5 * time.Second), Count: 3, MergeKey: got.MergeKey,
		Action: audit.Refused, Reason: "unknown", Door: "gateway",
		Actor:  audit.Actor{UserID: other, CredentialKind: "personal_token", CredentialID: token, Address: "2001:db8::7"},
		Target: audit.Target{Kind: "service", Name: "reports"},
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || got.ID == uuid.Nil || got.MergeKey == "" {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if strings.Contains(fmt.Sprintf("%+v", got), "CANARY") {
		t.Errorf("got %+v, want no text that a caller sent", got)
	}
	r.Add(audit.Refusal{Reason: "no_credential", Door: "v1"}, noon)
	if got := r.Drain(noon)[0]; got.Actor != (audit.Actor{}) || got.Target != (audit.Target{}) {
		t.Errorf("got %+v, want neither actor nor target", got)
	}
	if events := r.Drain(noon); len(events) != 0 {
		t.Errorf("got %d events from an empty buffer, want none", len(events))
	}
}

func addMany(r *audit.Refusals, n int, at time.Time) {
	for i := range n {
		r.Add(refusal(func(r *audit.Refusal) { r.Address = netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }), at)
	}
}

func TestBound(t *testing.T) {
	r := audit.NewRefusals(3)
	addMany(r, 3, noon)
	if events := r.Drain(noon); len(events) != 3 {
		t.Fatalf("got %d events of 3, want 3", len(events))
	}
	addMany(r, 5, noon)
	addMany(r, 5, noon) // three of them merge although the buffer is full
	kept, overflow := int64(0), audit.Event{}
	events := r.Drain(noon.Add(59 * time.Second))
	for _, e := range events {
		if e.Action == audit.RefusalsOverflow {
			overflow = e
		} else {
			kept += e.Count
		}
	}
	if len(events) != 4 || kept != 6 || overflow.Count != 4 {
		t.Errorf("got %d events, %d calls kept and %d counted, want 4, 6 and 4", len(events), kept, overflow.Count)
	}
	// What overflows in one minute is one row; the count begins anew with each drain.
	addMany(r, 4, noon)
	again := r.Drain(noon)[3]
	addMany(r, 4, noon)
	next := r.Drain(noon.Add(time.Minute))[3]
	if again.Count != 1 || again.MergeKey != overflow.MergeKey || again.LastAt != noon {
		t.Errorf("got %d under %q at %v, want 1 under %q at %v", again.Count, again.MergeKey, again.LastAt, overflow.MergeKey, noon)
	}
	if next.MergeKey == overflow.MergeKey {
		t.Errorf("got %q in two minutes, want two keys", next.MergeKey)
	}
	none := audit.NewRefusals(0)
	addMany(none, 2, noon)
	if events := none.Drain(noon); len(events) != 1 || events[0].Count != 2 {
		t.Errorf("got %+v without room, want 2 counted", events)
	}
}

func TestConcurrentRefusals(t *testing.T) {
	const workers, each = 8, 2000
	r := audit.NewRefusals(100)
	var adding sync.WaitGroup
	for range workers {
		adding.Go(func() { addMany(r, each, noon) })
	}
	done := make(chan struct{})
	go func() { adding.Wait(); close(done) }()
	total := int64(0)
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		for _, e := range r.Drain(noon) {
			total += e.Count
		}
	}
	if total != workers*each {
		t.Errorf("got %d calls drained, want %d: none lost, none twice", total, workers*each)
	}
}

// TestRefusalsBecomeOneRow drains twice within a minute, as two flushes or two nodes do.
func TestRefusalsBecomeOneRow(t *testing.T) {
	ctx := t.Context()
	store, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(t.TempDir(), "jeton.db"), Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	r := audit.NewRefusals(2)
	for second := range time.Duration(2) {
		at := noon.Add(second * time.Second)
		addMany(r, 5, at)
		if err := store.AppendRefusals(ctx, r.Drain(at)); err != nil {
			t.Fatal(err)
		}
	}
	events, err := store.Events(ctx, audit.Query{})
	if err != nil || len(events) != 3 {
		t.Fatalf("got %d rows, %v, want 3", len(events), err)
	}
	for _, e := range events {
		want := int64(2)
		if e.Action == audit.RefusalsOverflow {
			want = 6
		}
		if e.Count != want || !e.LastAt.Equal(noon.Add(time.Second)) {
			t.Errorf("%s: got %d until %v, want %d until %v", e.Action, e.Count, e.LastAt, want, noon.Add(time.Second))
		}
	}
}

// TestMinuteIsBounded sends more sorts of refusals than a minute may have rows, with drains between, as each second has.
func TestMinuteIsBounded(t *testing.T) {
	r := audit.NewRefusals(2)
	from := func(address string) audit.Refusal {
		return audit.Refusal{Reason: "no_credential", Door: "gateway", Address: netip.MustParseAddr(address)}
	}
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	steps := []struct {
		name    string
		address string
		at      time.Time
		want    audit.Action
	}{
		{"the first", "192.0.2.1", at, audit.Refused},
		{"the second", "192.0.2.2", at, audit.Refused},
		{"a third in that minute", "192.0.2.3", at.Add(59 * time.Second), audit.RefusalsOverflow},
		{"the first again in that minute", "192.0.2.1", at.Add(59 * time.Second), audit.Refused},
		{"the third in the next", "192.0.2.3", at.Add(60 * time.Second), audit.Refused},
	}
	for _, step := range steps {
		r.Add(from(step.address), step.at)
		if got := r.Drain(step.at); len(got) != 1 || got[0].Action != step.want {
			t.Errorf("%s: got %+v, want one %s", step.name, got, step.want)
		}
	}
}
