package feed_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/feed"
)

// journaled is a node with a journal at a path, which may have been another's before.
func journaled(t *testing.T, path string, store *changes) *node {
	t.Helper()
	j, err := feed.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	n := &node{store: store, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), journal: j}
	n.Feed, err = feed.New(feed.Config{Store: store, Apply: n.apply, Now: func() time.Time { return n.now }, Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// written returns the lines of a journal after the first.
func written(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if lines[0] != "jeton-journal 1 "+instance.String() {
		t.Errorf("got first line %q, want the instance", lines[0])
	}
	return lines[1:]
}

// line is what a journal says of a row.
func line(revision int64, id uuid.UUID) string {
	return fmt.Sprintf("1 %d %d 0001-01-01T00:00:00Z user %s", revision, 1000+revision, id)
}

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	store := new(changes)
	store.add(alice)
	n := journaled(t, path, store)
	n.start(t)
	store.add(bob, alice)
	n.start(t)
	n.start(t)
	want := []string{"1 1 1001 -", line(2, bob), line(3, alice)}
	if got := written(t, path); !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}

	// The next process goes on where that one was, and keeps what was changed while none ran.
	store.add(bob)
	n = journaled(t, path, store)
	if err := n.CatchUp(t.Context()); err != nil || !cmp.Equal(n.applied, []feed.Change{all(4)}) {
		t.Errorf("got %v applied, %v, want everything forgotten at the start", n.applied, err)
	}
	want = append(want, line(4, bob))
	if got := written(t, path); !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	// What is pruned leaves a gap, which the journal doesn't hide.
	store.add(alice, alice)
	store.kept = 5
	n.start(t)
	if got := written(t, path); !cmp.Equal(got[len(got)-1], "1 6 1006 -") {
		t.Errorf("got %q, want a position", got)
	}
	id, entries, err := feed.ReadJournal(strings.NewReader(readFile(t, path)))
	if err != nil || id != instance || len(entries) != 5 || !entries[0].Gap || entries[1].ID != bob || entries[1].Gap || !entries[4].Gap {
		t.Errorf("got %s, %+v, %v, want what was written", id, entries, err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestJournalRemembers starts a node on a database that went back while none ran. Its twin didn't.
func TestJournalRemembers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	store := new(changes)
	store.add(alice, bob)
	journaled(t, path, store).start(t)
	store.rows = store.rows[:1]
	n := journaled(t, path, store)
	if err := n.CatchUp(t.Context()); !errors.Is(err, feed.ErrPast) || n.Halted() == nil {
		t.Errorf("got %v, want ErrPast", err)
	}
	store.add(bob)
	if err := journaled(t, path, store).CatchUp(t.Context()); err != nil {
		t.Errorf("got %v for the database as it was, want none", err)
	}
}

// TestJournalRestored goes on after a restore with a new epoch, from a position.
func TestJournalRestored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	store := new(changes)
	store.add(alice, bob)
	n := journaled(t, path, store)
	n.start(t)
	store.answers = func(b feed.Batch) feed.Batch {
		b.Head.Epoch, b.Reach = 2, feed.Position{Epoch: 1, Revision: 2}
		return b
	}
	n.start(t)
	store.add(alice)
	n.start(t)
	want := []string{"1 2 1002 -", "2 2 1002 -", "2" + line(3, alice)[1:]}
	if got := written(t, path); !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := n.journal.Position(); got.Epoch != 2 || got.Revision != 3 {
		t.Errorf("got position %+v, want revision 3 of epoch 2", got)
	}
}

// TestJournalAfterACrash cuts the last line at each of its bytes: the change counts as not written, and is written again.
func TestJournalAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	store := new(changes)
	store.add(alice)
	n := journaled(t, path, store)
	n.start(t)
	store.add(bob)
	n.start(t)
	whole := readFile(t, path)
	for cut := len(whole) - len(line(2, bob)) - 1; cut < len(whole); cut++ {
		if err := os.WriteFile(path, []byte(whole[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		journaled(t, path, store).start(t)
		if got := readFile(t, path); got != whole {
			t.Errorf("cut after %d bytes: got %q, want %q", cut, got, whole)
		}
	}
}

// TestJournalCantBeWritten has the disk refuse: the feed goes on, and what is missing is written once there is room.
func TestJournalCantBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	store := new(changes)
	store.add(alice)
	n := journaled(t, path, store)
	n.start(t)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := n.journal.Swap(full)
	store.add(bob)
	if err := n.CatchUp(t.Context()); err != nil || !n.Fresh() || !cmp.Equal(n.ids(), []uuid.UUID{bob}) || n.journal.Err() == nil {
		t.Errorf("got %v applied, %v, fresh %t, journal's error %v, want the change applied and the journal's error", n.ids(), err, n.Fresh(), n.journal.Err())
	}
	n.journal.Swap(file)
	if err := n.CatchUp(t.Context()); err != nil || len(n.applied) != 1 || n.journal.Err() != nil {
		t.Errorf("got %v applied, %v, journal's error %v, want nothing applied twice", n.applied, err, n.journal.Err())
	}
	if got, want := written(t, path), []string{"1 1 1001 -", line(2, bob)}; !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// What was pruned before there was room is a gap.
	n.journal.Swap(full)
	store.add(bob, alice)
	n.start(t)
	store.kept = 4
	n.journal.Swap(file)
	if err := n.CatchUp(t.Context()); err != nil || len(n.applied) != 0 {
		t.Errorf("got %v applied, %v, want nothing forgotten for the journal's sake", n.applied, err)
	}
	if got := written(t, path); got[len(got)-1] != "1 4 1004 -" {
		t.Errorf("got %q, want a position", got)
	}
}

// TestJournalLagsAndDatabaseGoesBack puts an earlier copy of the database back while the journal couldn't be written for some
// time: the node still knows how far it had come itself. Its twin, the database as it was, is followed.
func TestJournalLagsAndDatabaseGoesBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		put  func([]feed.Change) []feed.Change
		want error
	}{
		{"as it was", func(rows []feed.Change) []feed.Change { return rows }, nil},
		{"an earlier revision, after the journal's", func(rows []feed.Change) []feed.Change { return rows[:2] }, feed.ErrPast},
		{"another history since the journal's end", func(rows []feed.Change) []feed.Change { rows[2].Mark = 7; return rows }, feed.ErrPast},
		{"another history since then that is longer", func(rows []feed.Change) []feed.Change {
			rows[2].Mark = 7
			return append(rows, row(4, bob))
		}, feed.ErrPast},
	} {
		store := new(changes)
		store.add(alice)
		n := journaled(t, filepath.Join(t.TempDir(), "journal"), store)
		n.start(t)
		full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = n.journal.Swap(full).Close() }()
		n.journal.Swap(full)
		store.add(bob, alice)
		n.start(t)
		store.rows = tt.put(store.rows)
		if err := n.CatchUp(t.Context()); !errors.Is(err, tt.want) || n.Fresh() != (tt.want == nil) || !errors.Is(n.Halted(), tt.want) {
			t.Errorf("%s: got %v, fresh %t, halted by %v, want %v", tt.name, err, n.Fresh(), n.Halted(), tt.want)
		}
	}
}

// TestJournalMovedAway takes the file away under a node, as a rotation of logs would: another is begun, which says that it lacks
// what came before. One that is no file isn't opened.
func TestJournalMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	store := new(changes)
	store.add(alice)
	n := journaled(t, path, store)
	n.start(t)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	store.add(bob)
	n.start(t)
	store.add(alice)
	n.start(t)
	if got, want := written(t, path), []string{"1 2 1002 -", line(3, alice)}; !cmp.Equal(got, want) || n.journal.Err() != nil {
		t.Errorf("got %q, %v, want %q", got, n.journal.Err(), want)
	}
	if got, want := written(t, path+".1"), []string{"1 1 1001 -"}; !cmp.Equal(got, want) {
		t.Errorf("the former one: got %q, want %q", got, want)
	}
	other := "jeton-journal 1 " + alice.String() + "\n"
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte(other), 0o600)); err != nil {
		t.Fatal(err)
	}
	store.add(bob)
	n.start(t)
	if got := readFile(t, path); got != other || !errors.Is(n.journal.Err(), feed.ErrOther) {
		t.Errorf("got %q, %v in the journal of another database, want it left alone", got, n.journal.Err())
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := feed.OpenJournal(pipe); err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Errorf("got %v for a pipe, want it refused", err)
	}
}

// TestReadJournal refuses what no journal has written. Each has its twin above or here.
func TestReadJournal(t *testing.T) {
	head := "jeton-journal 1 " + instance.String() + "\n"
	for text, ok := range map[string]bool{
		head:                                     true,
		head + "1 1 5 -\n" + line(2, bob) + "\n": true,
		head + line(2, bob) + " gone\n" + head + "1 3 5 -\n":    true, // of two processes
		head + line(2, bob) + " here\n":                         false,
		head + "1 1 5\n":                                        false,
		head + "1 x 5 -\n":                                      false,
		head + strings.Replace(line(2, bob), "Z", "", 1) + "\n": false,
		head + line(2, bob)[:40]:                                true, // what a crash has left of a line
		head[:20]:                                               true,
		"1 1 5 -\n":                                             false,
		head + "9223372036854775807 1 5 -\n":                    false,
		head + "1 -1 5 -\n":                                     false,
		"jeton-journal 1 x\n1 1 5 -\n":                          false,
		head + "1 1 5 -\n" + "jeton-journal 1 " + uuid.Must(uuid.NewV7()).String() + "\n1 1 5 -\n": false,
	} {
		if _, entries, err := feed.ReadJournal(strings.NewReader(text)); (err == nil) != ok {
			t.Errorf("%q: got %v, %v, want it taken: %t", text, entries, err, ok)
		}
	}
	_, entries, err := feed.ReadJournal(strings.NewReader(head + line(3, bob) + " gone\n" + line(2, alice) + "\n" + line(2, alice) + "\n"))
	if err != nil || len(entries) != 2 || entries[0].ID != alice || entries[0].Gone || entries[1].ID != bob || !entries[1].Gone {
		t.Errorf("got %+v, %v, want two entries in order", entries, err)
	}
}

// TestJournalOfARestore begins an epoch: in the journal that there is, and in one that begins with it. A node goes on from there.
func TestJournalOfARestore(t *testing.T) {
	restoredAt := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	to := feed.Position{Instance: instance, Epoch: 2, Revision: 2, Mark: 1002}
	reach := feed.Position{Epoch: 1, Revision: 0x2a}
	first := fmt.Sprintf("2 2 1002 %s restored 00000000-0000-0001-0000-00000000002a", restoredAt.Format(time.RFC3339Nano))
	for name, former := range map[string][]string{"a new journal": nil, "one that there is": {"1 7 1007 -"}} {
		path := filepath.Join(t.TempDir(), "journal")
		if former != nil {
			text := "jeton-journal 1 " + instance.String() + "\n" + strings.Join(former, "\n") + "\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		j, err := feed.OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(j.Restore(to, reach, restoredAt), j.Close()); err != nil || j.Position() != to {
			t.Errorf("%s: got %+v, %v, want the position of the restore", name, j.Position(), err)
		}
		store := &changes{answers: func(b feed.Batch) feed.Batch { b.Head.Epoch = 2; return b }}
		store.add(alice, alice)
		n := journaled(t, path, store)
		n.start(t)
		store.add(bob)
		if err := n.CatchUp(t.Context()); err != nil {
			t.Errorf("%s: got %v, want the node to follow", name, err)
		}
		want := append(slices.Clone(former), first, strings.Replace(line(3, bob), "1 3", "2 3", 1))
		if got := written(t, path); !cmp.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
