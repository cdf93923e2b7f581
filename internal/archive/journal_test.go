package archive_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/feed"
)

var instance = uuid.MustParse("0190a8f4-0000-7000-8000-000000000001")

// record returns the ID of a record of these tests.
func record(n byte) uuid.UUID { return uuid.UUID{15: n} }

// at is the moment of a revision.
func at(revision int64) time.Time { return taken().Add(time.Duration(revision) * time.Minute) }

// change is the line of a change in epoch 1 whose mark is ten times its revision.
func change(revision int64, kind feed.Kind, id byte) feed.Entry {
	return feed.Entry{Epoch: 1, Change: feed.Change{Revision: revision, Mark: 10 * revision, At: at(revision), Kind: kind, ID: record(id)}}
}

func gone(e feed.Entry) feed.Entry {
	e.Gone = true
	return e
}

func marked(e feed.Entry, mark int64) feed.Entry {
	e.Mark = mark
	return e
}

// later puts a line into another epoch.
func later(epoch int64, e feed.Entry) feed.Entry {
	e.Epoch = epoch
	return e
}

// position is the line of a position.
func position(revision int64) feed.Entry {
	return feed.Entry{Epoch: 1, Gap: true, Change: feed.Change{Revision: revision, Mark: 10 * revision}}
}

// upTo is a reach.
func upTo(epoch, revision int64) feed.Position {
	return feed.Position{Epoch: epoch, Revision: revision}
}

func user(revision int64, id byte) feed.Entry { return change(revision, feed.User, id) }

// restored is the first line of an epoch, of a restore that knew nothing.
func restored(epoch, revision int64) feed.Entry {
	return later(epoch, change(revision, feed.Restored, 0))
}

// knowing is one of a restore that knew so much.
func knowing(epoch, revision int64, reach feed.Position) feed.Entry {
	e := restored(epoch, revision)
	told := feed.RestoredTo(reach, e.At)
	e.ID, e.Gone = told.ID, told.Gone
	return e
}

// TestSince reads journals for a backup of revision 5. Each with a gap has a twin without.
func TestSince(t *testing.T) {
	backup := feed.Position{Instance: instance, Epoch: 1, Revision: 5, Mark: 50}
	for name, tt := range map[string]struct {
		entries []feed.Entry
		gap     string
		changes []int64 // the revisions
		last    int64
	}{
		"no journal":                          {nil, "no journal", nil, 5},
		"one that ends with the backup":       {[]feed.Entry{position(3), user(4, 1), user(5, 2)}, "", nil, 5},
		"one that ends before":                {[]feed.Entry{position(3), user(4, 1)}, "ends before", nil, 5},
		"one that begins with the backup":     {[]feed.Entry{position(5), user(6, 1)}, "", []int64{6}, 6},
		"one that begins right after":         {[]feed.Entry{user(6, 1), user(7, 2)}, "", []int64{6, 7}, 7},
		"one that begins one later":           {[]feed.Entry{user(7, 2)}, "after revision 5 ", []int64{7}, 7},
		"a position one later":                {[]feed.Entry{position(6), user(7, 2)}, "after revision 5 ", []int64{7}, 7},
		"a change left out":                   {[]feed.Entry{user(5, 1), user(6, 1), user(8, 3)}, "after revision 6 ", []int64{6, 8}, 8},
		"a gap that ends it":                  {[]feed.Entry{user(5, 1), user(6, 1), position(9)}, "after revision 6 ", []int64{6}, 9},
		"a gap in one that another fills":     {[]feed.Entry{position(5), position(7), user(8, 4), user(6, 1), user(7, 2)}, "", []int64{6, 7, 8}, 8},
		"a gap before the backup":             {[]feed.Entry{user(1, 1), position(5), user(6, 1)}, "", []int64{6}, 6},
		"another mark at the backup":          {[]feed.Entry{marked(user(5, 1), 51), user(6, 2)}, "revision 5 of epoch 1 is another", []int64{5, 6}, 6},
		"another mark at a position there":    {[]feed.Entry{marked(position(5), 51), user(6, 1)}, "revision 5 of epoch 1 is another", []int64{6}, 6},
		"an unknown mark at the backup":       {[]feed.Entry{marked(user(5, 1), 0), user(6, 1)}, "", []int64{6}, 6},
		"two histories after it":              {[]feed.Entry{user(6, 1), marked(user(6, 2), 61)}, "revision 6 of epoch 1 is another", []int64{6, 6}, 6},
		"one history from two nodes":          {[]feed.Entry{user(6, 1), user(7, 2), user(6, 1)}, "", []int64{6, 7}, 7},
		"a kind that a newer Jeton has":       {[]feed.Entry{change(6, "hat", 1)}, "a hat, which", []int64{6}, 6},
		"tokens of platforms, and these":      {[]feed.Entry{gone(change(6, feed.SessionToken, 1)), change(7, feed.Platform, 2), gone(change(8, feed.PlatformKey, 3))}, "", []int64{6, 7, 8}, 8},
		"a token set and its project":         {[]feed.Entry{gone(change(6, feed.TokenSet, 1)), change(7, feed.Project, 2)}, "", []int64{6, 7}, 7},
		"a change of everything":              {[]feed.Entry{change(6, feed.Service, 0)}, "every service", []int64{6}, 6},
		"a restore since":                     {[]feed.Entry{user(6, 1), restored(2, 4), later(2, user(5, 2))}, "", []int64{6, 5}, 5},
		"a restore since, heard late":         {[]feed.Entry{user(6, 1), restored(2, 4), later(2, position(5))}, "after revision 4 of epoch 2", []int64{6}, 5},
		"a restore whose beginning is lost":   {[]feed.Entry{user(6, 1), later(2, position(4)), later(2, user(5, 2))}, "the beginning of epoch 2", []int64{6, 5}, 5},
		"two restores since":                  {[]feed.Entry{position(5), restored(2, 4), restored(3, 2), later(3, user(3, 2))}, "", []int64{3}, 3},
		"a restore that knew as much":         {[]feed.Entry{user(6, 1), knowing(2, 4, upTo(1, 6))}, "", []int64{6}, 4},
		"a restore that knew more":            {[]feed.Entry{user(6, 1), knowing(2, 4, upTo(1, 7))}, "up to revision 7 of epoch 1, which", []int64{6}, 4},
		"one that knew less":                  {[]feed.Entry{user(6, 1), user(7, 1), knowing(2, 4, upTo(1, 6))}, "", []int64{7}, 4},
		"one that knew of a lost epoch":       {[]feed.Entry{user(6, 1), knowing(3, 4, upTo(2, 1))}, "lacks epoch 2", []int64{6}, 4},
		"the second knew of the first":        {[]feed.Entry{user(6, 1), knowing(2, 4, upTo(1, 6)), later(2, user(5, 2)), knowing(3, 2, upTo(2, 5))}, "", []int64{6, 5}, 2},
		"the second knew more of the first":   {[]feed.Entry{user(6, 1), knowing(2, 4, upTo(1, 6)), later(2, user(5, 2)), knowing(3, 2, upTo(2, 6))}, "up to revision 6 of epoch 2", []int64{6, 5}, 2},
		"a restore that suspended everybody":  {[]feed.Entry{user(6, 1), knowing(2, 4, feed.Everything())}, "epoch 2 suspended everybody", []int64{6}, 4},
		"one of which the backup is":          {[]feed.Entry{later(1, knowing(1, 5, feed.Everything())), user(6, 1)}, "", []int64{6}, 6},
		"a former epoch beyond the reach":     {[]feed.Entry{later(0, user(9, 1)), knowing(1, 3, upTo(0, 8)), position(5)}, "didn't know changes up to revision 9 of epoch 0", nil, 5},
		"a former epoch within the reach":     {[]feed.Entry{later(0, user(9, 1)), knowing(1, 3, upTo(0, 9)), position(5)}, "", nil, 5},
		"a former epoch, and all suspended":   {[]feed.Entry{later(0, user(9, 1)), knowing(1, 3, feed.Everything()), position(5)}, "", nil, 5},
		"two restores, and one is lost":       {[]feed.Entry{position(5), restored(3, 2)}, "lacks epoch 2", nil, 2},
		"nothing of the backup's own epoch":   {[]feed.Entry{restored(2, 4)}, "lacks epoch 1", nil, 4},
		"an epoch that is far away":           {[]feed.Entry{position(5), restored(1<<60, 4)}, "lacks epoch 2", nil, 4},
		"what was before, in a former epoch":  {[]feed.Entry{later(0, user(9, 1)), position(5)}, "", nil, 5},
		"one that ends in a former epoch":     {[]feed.Entry{later(0, user(9, 1))}, "ends before", nil, 5},
		"lines in another order than written": {[]feed.Entry{user(7, 2), user(6, 1), position(5)}, "", []int64{6, 7}, 7},
	} {
		got := archive.Since(backup, feed.Change{}, tt.entries)
		var changes []int64
		for _, c := range got.Changes {
			changes = append(changes, c.Revision)
		}
		if (got.Gap == "") != (tt.gap == "") || !strings.Contains(got.Gap, tt.gap) {
			t.Errorf("%s: got the gap %q, want %q", name, got.Gap, tt.gap)
		}
		if diff := cmp.Diff(tt.changes, changes); diff != "" || got.Last.Revision != tt.last || got.Last.Instance != instance {
			t.Errorf("%s: got the last position %+v, want revision %d; other changes (-want +got):\n%s", name, got.Last, tt.last, diff)
		}
	}
}

// TestSinceKeepsTheLast has one record changed several times: what was deleted once stays so.
func TestSinceKeepsTheLast(t *testing.T) {
	got := archive.Since(feed.Position{Instance: instance, Epoch: 1, Revision: 5, Mark: 50}, feed.Change{}, []feed.Entry{
		user(6, 1), change(7, feed.APIToken, 1), gone(change(8, feed.APIToken, 1)), user(9, 2), change(10, feed.APIToken, 1), user(11, 1),
	})
	want := []feed.Change{user(11, 1).Change, gone(change(10, feed.APIToken, 1)).Change, user(9, 2).Change}
	if diff := cmp.Diff(want, got.Changes); diff != "" || got.Gap != "" || !got.At.Equal(at(11)) {
		t.Errorf("got the gap %q, until %v, want none until %v; other changes (-want +got):\n%s", got.Gap, got.At, at(11), diff)
	}
}

// TestSinceBegan reads journals for a database that says itself how much the restore knew that began its epoch.
func TestSinceBegan(t *testing.T) {
	p := feed.Position{Instance: instance, Epoch: 1, Revision: 5, Mark: 50}
	for _, tt := range []struct {
		reach   feed.Position
		entries []feed.Entry
		gap     string
	}{
		{upTo(0, 9), []feed.Entry{later(0, user(9, 1)), position(5)}, ""},
		{upTo(0, 8), []feed.Entry{later(0, user(9, 1)), position(5)}, "didn't know changes up to revision 9 of epoch 0"},
		{feed.Everything(), []feed.Entry{later(0, user(9, 1)), position(5)}, ""},
		{upTo(0, 9), []feed.Entry{knowing(2, 4, upTo(1, 5))}, "lacks epoch 1"}, // it tells of nothing since
		{upTo(0, 9), nil, "no journal"},
	} {
		got := archive.Since(p, feed.RestoredTo(tt.reach, at(1)), tt.entries).Gap
		if (got == "") != (tt.gap == "") || !strings.Contains(got, tt.gap) {
			t.Errorf("%+v: got the gap %q, want %q", tt.reach, got, tt.gap)
		}
	}
}
