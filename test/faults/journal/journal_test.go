package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// TestReadBack writes one of each entry, with and without what may be empty, and reads them back.
func TestReadBack(t *testing.T) {
	const at, later = 1500*time.Microsecond + 2*time.Hour, 3 * time.Hour
	want := &journal.Run{
		Facts: []journal.Fact{{Name: "a fact", Value: "with a value"}, {Name: "none"}},
		Writes: []journal.Write{
			{Sent: at, Answered: later, Op: journal.Make, Thing: "personal/u/2", Former: "personal/u/1", Parent: "user/u", Until: -time.Microsecond, By: "password/u", Outcome: journal.Done, Status: 201},
			{Sent: at, Answered: later, Op: journal.Off, Thing: "user/u", Outcome: journal.Unknown},
		},
		Checks: []journal.Check{
			{Sent: at, Answered: later, Target: "n1", Thing: "api/1", Purpose: journal.Probe, Verdict: journal.Wait, Status: 503, Jeton: "503"},
			{Sent: at, Answered: later, Target: journal.Nginx, Thing: "api/1", Purpose: journal.Steady, Verdict: journal.Lost},
		},
		Readies:  []journal.Ready{{Sent: at, Answered: later, Node: "n2", Status: 503, Problems: `{"feed": "last heard 6s ago"}`}},
		Steps:    []journal.Step{{At: at, Fault: 3, Kind: fault.LinkDown, Node: "n2", Phase: journal.InForce, Note: "a note"}, {Kind: fault.DBKilled, Phase: journal.Begun}},
		Readings: []journal.Reading{{Sent: at, Answered: later, Thing: "user/u", Purpose: journal.Final, Life: journal.Gone, Status: 404}},
		Counts:   []journal.Count{{At: at, Table: "audit_event", Rows: 12}},
	}
	dir := t.TempDir()
	j, err := journal.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	j.Add(want.Facts[0], want.Facts[1], want.Writes[0], want.Writes[1], want.Checks[0], want.Checks[1], want.Readies[0],
		want.Steps[0], want.Steps[1], want.Readings[0], want.Counts[0])
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := journal.Read(dir)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %v, %s", err, cmp.Diff(want, got))
	}
	if _, err := journal.Create(dir); err == nil {
		t.Error("got a second journal in the same folder, want an error")
	}
	if got.Fact("a fact") != "with a value" || got.Fact("no fact") != "" {
		t.Error("got another fact")
	}
}

// TestReadRefuses damages a journal: what can't be read is an error that names the line, and never passed over.
func TestReadRefuses(t *testing.T) {
	for _, line := range []string{"1.000000\tuser", "1.000000\tuser\tmany", "1.0\tuser\t3", "1.000000\tuser\t3\tmore", "x\tuser\t3", ""} {
		dir := t.TempDir()
		j, err := journal.Create(dir)
		if err == nil {
			err = j.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "counts.tsv")
		if err := os.WriteFile(path, []byte("at\ttable\trows\n1.000000\tuser\t3\n"+line+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Read(dir); err == nil || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%q: got %v, want an error of line 3", line, err)
		}
		if err := os.WriteFile(path, []byte("rows\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Read(dir); err == nil {
			t.Error("got no error of another head")
		}
	}
}
