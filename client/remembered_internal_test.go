package client

import (
	"crypto/sha256"
	"strconv"
	"testing"
)

var (
	userID, otherID = recordID{1}, recordID{2}
	credentialID    = recordID{3}
)

// fresh is a credential as Jeton tells of one.
func fresh(token string) *known { return &known{sum: sha256.Sum256([]byte(token)), until: never} }

// TestKeepAgainstEvents: an answer is kept only where nothing that the feed has told meanwhile could have made it untrue.
func TestKeepAgainstEvents(t *testing.T) {
	tests := map[string]struct {
		events func(*remembered)
		kept   bool
	}{
		"nothing":                    {func(*remembered) {}, true},
		"another user's":             {func(m *remembered) { m.forget(otherID, 11) }, true},
		"its user":                   {func(m *remembered) { m.forget(userID, 11) }, false},
		"its record":                 {func(m *remembered) { m.forget(credentialID, 11) }, false},
		"its user, before":           {func(m *remembered) { m.forget(userID, 10) }, true},
		"everything":                 {func(m *remembered) { m.forgetAll(10) }, false},
		"more than can be looked at": {func(m *remembered) { m.many(recentEvents + 1) }, false},
		"as much as can":             {func(m *remembered) { m.many(recentEvents) }, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := newRemembered(100)
			m.forgetAll(5)
			asked := m.asOf()
			test.events(m) // after the question, and the node that answers has heard up to revision 10
			m.keep(fresh("token"), answered{user: userID, record: credentialID, forgets: asked, revision: 10})
			if got := m.recall("token", 0) != nil; got != test.kept {
				t.Errorf("got kept %v, want %v", got, test.kept)
			}
		})
	}
	m := newRemembered(100)
	m.forgetAll(5)
	m.keep(fresh("token"), answered{user: userID, record: credentialID, forgets: m.asOf(), revision: 4})
	if m.recall("token", 0) != nil {
		t.Error("the answer of a node that has heard less than the feed began with was kept")
	}
}

// many tells of so many changes of somebody else, after revision 10.
func (m *remembered) many(count int) {
	for i := range count {
		m.forget(otherID, int64(11+i))
	}
}

// TestForgetExactly: what rests on a record is forgotten and nothing else, however many credentials there are.
func TestForgetExactly(t *testing.T) {
	m := newRemembered(1 << 12)
	m.forgetAll(1)
	const count = 1000
	id := func(i int) recordID { return recordID{4, byte(i), byte(i >> 8)} }
	for i := range count {
		m.keep(fresh(strconv.Itoa(i)), answered{user: recordID{5, byte(i)}, record: id(i), forgets: m.asOf(), revision: 1})
	}
	gone := map[int]bool{}
	for i := range count {
		gone[i] = m.recall(strconv.Itoa(i), 0) == nil // for want of a place
	}
	m.forget(id(7), 2)
	m.forget(recordID{5, 9}, 3)
	for i := range count {
		want := !gone[i] && i != 7 && byte(i) != 9
		if got := m.recall(strconv.Itoa(i), 0) != nil; got != want {
			t.Errorf("%d: got remembered %v, want %v", i, got, want)
		}
	}
}

// TestBounded: however many credentials there are, what is remembered, and what that rests on, has its bound.
func TestBounded(t *testing.T) {
	m := newRemembered(64)
	m.forgetAll(1)
	for i := range 10_000 {
		m.keep(fresh(strconv.Itoa(i)), answered{user: recordID{6, byte(i), byte(i >> 8)}, record: recordID{7, byte(i), byte(i >> 8)}, forgets: m.asOf(), revision: 1})
	}
	if got := len(m.grounds); got > 2*64 {
		t.Errorf("got %d records for 64 places", got)
	}
	if m.recall("9999", 0) == nil {
		t.Error("the newest isn't remembered")
	}
}

// TestEnd: a credential is dead from its end on.
func TestEnd(t *testing.T) {
	m := newRemembered(8)
	m.forgetAll(1)
	k := fresh("token")
	k.until = 100
	m.keep(k, answered{user: userID, record: credentialID, forgets: m.asOf(), revision: 1})
	if m.recall("token", 99) == nil || m.recall("token", 100) != nil {
		t.Error("got another end than 100")
	}
}

// TestParseID takes one spelling of an ID.
func TestParseID(t *testing.T) {
	const good = "0192f0c1-2a3b-7c4d-8e5f-60718293a4b5"
	if id, ok := parseID(good); !ok || id[0] != 0x01 || id[15] != 0xb5 {
		t.Errorf("got %x, %v", id, ok)
	}
	for _, text := range []string{"", good[1:], good + "0", "0192F0c1-2a3b-7c4d-8e5f-60718293a4b5", "0192f0c12a3b-7c4d--8e5f-60718293a4b5", "0192f0cg-2a3b-7c4d-8e5f-60718293a4b5"} {
		if _, ok := parseID(text); ok {
			t.Errorf("%q was taken", text)
		}
	}
}

// BenchmarkRecall is a look-up alone.
func BenchmarkRecall(b *testing.B) {
	m := newRemembered(1 << 16)
	m.forgetAll(1)
	tokens := make([]string, 10_000)
	for i := range tokens {
		tokens[i] = "jtp0123456789012345678901234567890123456789" + strconv.Itoa(10_000_000+i)
		m.keep(fresh(tokens[i]), answered{user: userID, record: recordID{8, byte(i), byte(i >> 8)}, forgets: m.asOf(), revision: 1})
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if m.recall(tokens[i%64], 0) == nil {
				b.Fatal("nothing is remembered")
			}
		}
	})
}
