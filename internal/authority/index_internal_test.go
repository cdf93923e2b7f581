package authority

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// remembered is what the model of an index knows of one key.
type remembered struct {
	kind  Kind
	until int64 // microseconds since 1970, 0 for never
	id    uuid.UUID
	user  User
}

// model is a memory as plain maps, and the real one beside it.
type model struct {
	memory *memory
	now    time.Time
	byKey  map[key]remembered
	users  map[uuid.UUID]User // as they would be loaded from the database
}

// modelKeys are few, so that they meet often: some share a home, some the last words of the table, where a probe goes
// round, and some half of the other's words.
var modelKeys = func() []key {
	var keys []key
	for _, first := range []uint64{1, 3, 1<<63 | 1, 1<<63 | 3, 1<<63 | 5, ^uint64(0), ^uint64(0) - 2, ^uint64(0) - 4} {
		for second := range uint64(4) {
			keys = append(keys, key{first, second})
		}
	}
	return keys
}()

func modelID(n int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(n+1))
	binary.BigEndian.PutUint64(id[8:], uint64(n%8+1)) // some share a home
	return id
}

const modelIDs = 24 // of users and of credentials: some are both

func newModel(limit int) *model {
	return &model{
		memory: newMemory(limit), now: time.UnixMicro(1_000_000_000),
		byKey: map[key]remembered{}, users: map[uuid.UUID]User{},
	}
}

// user returns a user as it is now, and makes it up where it isn't known.
func (m *model) user(id uuid.UUID, version int) User {
	u, known := m.users[id]
	if !known {
		u = User{
			ID: id, Active: true, Username: fmt.Sprintf("%x-v%d", id[8:], version), DisplayName: strings.Repeat("d", version%5),
			Email: strings.Repeat("m", version%7), Roles: []string{fmt.Sprint("role", version%4)},
		}
		m.users[id] = u
	}
	return u
}

// forget has a change of a record heard of; the database has another version of a user from then on.
func (m *model) forget(id uuid.UUID) {
	m.memory.forget(id)
	for k, r := range m.byKey {
		if id == uuid.Nil || r.id == id || r.user.ID == id {
			delete(m.byKey, k)
		}
	}
	if id == uuid.Nil {
		clear(m.users)
	}
	delete(m.users, id)
}

// check recalls every key as each of two kinds. What the model has the memory may have lost, but only if it may forget;
// what the memory has is exactly what the model has.
func (m *model) check(t *testing.T, mayForget bool) {
	t.Helper()
	for _, k := range modelKeys {
		for _, kind := range []Kind{PersonalToken, SessionToken} {
			var got Principal
			found := m.memory.recall(k, kind, m.now, &got) != nil
			r, known := m.byKey[k]
			want := known && r.kind == kind && (r.until == 0 || m.now.UnixMicro() < r.until)
			if found && !want || !found && want && !mayForget {
				t.Fatalf("key %x of kind %s: found %v, want %v", k, kind, found, want)
			}
			if found {
				if want := (Principal{User: r.user, CredentialKind: kind, CredentialID: r.id}); !reflect.DeepEqual(got, want) {
					t.Fatalf("key %x (-want +got):\n%s", k, cmp.Diff(want, got))
				}
			}
		}
	}
	if got := m.memory.len(); got > m.memory.max {
		t.Fatalf("got %d proofs, want %d at most", got, m.memory.max)
	}
}

// TestMemoryIsItsModel does what can be done to a memory, by chance. With room for all, and credentials that don't go by
// another user's ID, nothing is lost.
func TestMemoryIsItsModel(t *testing.T) {
	for _, test := range []struct {
		limit      int
		firstID    int // of credentials
		mayForget  bool
		renewEvery int
	}{
		{limit: 3, mayForget: true, renewEvery: 50},
		{limit: 20, mayForget: true, renewEvery: 50},
		{limit: 1000, mayForget: true, renewEvery: 20},
		{limit: 1000, firstID: modelIDs, renewEvery: 20},
		{limit: 1000, firstID: modelIDs, renewEvery: 1_000_000},
		{limit: 8 * leastPerShard, mayForget: true, renewEvery: 20},
		{limit: 8 * leastPerShard, firstID: modelIDs, renewEvery: 20},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			for seed := range uint64(Rounds(40)) {
				random := rand.New(rand.NewPCG(seed, 0))
				m := newModel(test.limit)
				for step := range 1000 {
					switch random.IntN(8) {
					case 0:
						m.forget(modelID(random.IntN(2 * modelIDs)))
					case 1:
						m.now = m.now.Add(time.Second)
					case 2:
						if random.IntN(20) == 0 {
							m.forget(uuid.Nil)
						}
					default:
						m.keepAny(random, test.firstID, step)
					}
					if random.IntN(test.renewEvery) == 0 {
						m.memory.renew(m.now)
					}
					if step%5 == 0 {
						m.check(t, test.mayForget)
					}
				}
			}
		})
	}
}

// renew renews every shard.
func (m *memory) renew(now time.Time) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		s.renew(now)
		s.mu.Unlock()
	}
}

// keepAny has some proof remembered, which ends never or within ten seconds, and whose record is one from firstID on or
// its user's own.
func (m *model) keepAny(random *rand.Rand, firstID, version int) {
	var until time.Time
	if seconds := random.IntN(11); seconds > 0 {
		until = m.now.Add(time.Duration(seconds) * time.Second)
	}
	userID := modelID(random.IntN(modelIDs))
	id := userID
	if random.IntN(2) == 0 {
		id = modelID(firstID + random.IntN(modelIDs))
	}
	kind := []Kind{PersonalToken, SessionToken}[random.IntN(2)]
	k := modelKeys[random.IntN(len(modelKeys))]
	u := m.user(userID, version)
	m.memory.keep(&fill{
		key: k, kind: kind, began: m.memory.sequence(), proof: Proof{ID: id, UserID: userID, NotAfter: until}, user: &u,
	}, m.now)
	r := remembered{kind: kind, id: id, user: u}
	if !until.IsZero() {
		r.until = until.UnixMicro()
	}
	m.byKey[k] = r
}

// TestChangeDuringRenewal hears of changes while the index is being copied.
func TestChangeDuringRenewal(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(m *memory)
		want   []bool // of each of the model's first users, whether it is still known
	}{
		{"of nothing", func(*memory) {}, []bool{true, true, true}},
		{"of one", func(m *memory) { m.forget(modelID(1)) }, []bool{true, false, true}},
		{"of two among others", func(m *memory) {
			m.forget(modelID(0))
			forgetOthers(m, recentChanges-2)
			m.forget(modelID(2))
		}, []bool{false, true, false}},
		{"of one before more than are known", func(m *memory) { m.forget(modelID(1)); forgetOthers(m, recentChanges) }, []bool{false, false, false}},
		{"of everything", func(m *memory) { m.forget(uuid.Nil) }, []bool{false, false, false}},
		{"that one proof has ended", func(m *memory) { m.end(modelKeys[1]) }, []bool{true, false, true}},
		{"that more have ended than are known", func(m *memory) {
			for range recentChanges + 1 {
				m.end(key{7, 7})
			}
		}, []bool{false, false, false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMemory(1000)
			now := time.Now()
			forgetOthers(m, 700)
			for n := range test.want {
				u := User{ID: modelID(n), Username: fmt.Sprint("user", n)}
				m.keep(&fill{key: modelKeys[n], kind: PersonalToken, began: m.sequence(), proof: Proof{ID: u.ID, UserID: u.ID}, user: &u}, now)
			}
			s := &m.shards[0]
			s.begin()
			next := s.current.Load().renewed(now.Unix(), m.max)
			test.change(m)
			s.install(next)
			for n, want := range test.want {
				var p Principal
				if got := m.recall(modelKeys[n], PersonalToken, now, &p) != nil; got != want || got && p.Username != fmt.Sprint("user", n) {
					t.Errorf("user %d: got %v with the name %q, want %v", n, got, p.Username, want)
				}
			}
		})
	}
}

// TestRenameDuringForget has a proof take another key while a change of its user has come to the shard of that key, and not yet to its
// own: it doesn't outlive the change.
func TestRenameDuringForget(t *testing.T) {
	m, now := newMemory(8*leastPerShard), time.Now()
	u := User{ID: modelID(1), Username: "user"}
	first, second, other := key{1, 0}, key{3, 0}, key{5, 1} // of the first shard, twice, and of the second
	for _, k := range []key{first, other} {
		m.keep(&fill{key: k, kind: PersonalToken, began: m.sequence(), proof: Proof{ID: u.ID, UserID: u.ID}, user: &u}, now)
	}
	var wait sync.WaitGroup
	m.shards[1].mu.Lock()
	wait.Go(func() { m.forget(u.ID) })
	var p Principal
	for m.recall(first, PersonalToken, now, &p) != nil {
		runtime.Gosched()
	}
	known := make(chan bool, 1)
	wait.Go(func() {
		found, renamed := m.rename(other, second, PersonalToken, now, &p)
		known <- found && !renamed
	})
	if !<-known || p.Username != "user" {
		t.Error("what was remembered when the change was still on its way doesn't pass, or takes the other key")
	}
	m.shards[1].mu.Unlock()
	wait.Wait()
	for _, k := range []key{first, second, other} {
		if m.recall(k, PersonalToken, now, &p) != nil {
			t.Errorf("key %x: still remembered after the change", k)
		}
	}
}

func forgetOthers(m *memory, n int) {
	for range n {
		m.forget(uuid.New())
	}
}

// TestNothingAddedDuringRenewal has verifications end while the index is being copied.
func TestNothingAddedDuringRenewal(t *testing.T) {
	m := newMemory(1000)
	u := User{ID: modelID(1), Username: "user"}
	f := &fill{key: modelKeys[0], kind: PersonalToken, proof: Proof{ID: u.ID, UserID: u.ID}, user: &u}
	m.shards[0].begin()
	m.keep(f, time.Now())
	if got := m.len(); got != 0 {
		t.Errorf("got %d proofs, want none added to an index that is given up", got)
	}
	m.shards[0].install(newIndex(0, 0, m.max, &m.alike))
	m.keep(f, time.Now())
	if got := m.len(); got != 1 {
		t.Errorf("got %d proofs, want 1", got)
	}
}

// TestRenewalSweeps counts what is left of an index after many changes of one user, or tokens that ended.
func TestRenewalSweeps(t *testing.T) {
	for _, test := range []struct {
		name   string
		keys   uint64 // how many different ones
		forget bool
	}{
		{"one user is changed again and again, with few tokens", 7, true},
		{"one user is changed again and again, with new tokens", 1 << 20, true},
		{"one user's tokens end", 1 << 20, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMemory(1_000_000) // the keys differ in what no shard goes by
			now := time.Now()
			for n := range uint64(Rounds(100_000)) {
				u := User{ID: modelID(1), Username: fmt.Sprintf("user-with-a-long-name-%06d", n), Roles: []string{fmt.Sprint("role", n)}}
				k := key{n%test.keys<<40 | 1, 2}
				proof := Proof{ID: u.ID, UserID: u.ID, NotAfter: now.Add(time.Minute)}
				m.keep(&fill{key: k, kind: PersonalToken, began: m.sequence(), proof: proof, user: &u}, now)
				var p Principal
				if m.recall(k, PersonalToken, now, &p) == nil || test.forget && p.Username != u.Username {
					t.Fatalf("round %d: got %q, want %q", n, p.Username, u.Username)
				}
				if test.forget {
					m.forget(u.ID)
				} else {
					now = now.Add(time.Second)
				}
			}
			x := m.shardOf(key{1, 2}).current.Load()
			if len(x.proofs) > 4*minRoom || len(x.grounds) > 2*minRoom || len(x.byID) > 3*minRoom {
				t.Errorf("got room for %d proofs and %d grounds, want about as little as at first", len(x.proofs), len(x.grounds))
			}
			if chunks := len(*x.text.chunks.Load()); chunks > 2 || len(x.roles.known) > 2*minRoom {
				t.Errorf("got %d chunks of text and %d sets of roles, want those of the last few users", chunks, len(x.roles.known))
			}
		})
	}
}

// TestRenewalKeepsLastUse looks for the second of last use in the copy.
func TestRenewalKeepsLastUse(t *testing.T) {
	m := newMemory(10)
	u := User{ID: modelID(1), Username: "user"}
	now := time.Now()
	m.keep(&fill{key: modelKeys[0], kind: PersonalToken, proof: Proof{ID: u.ID, UserID: u.ID}, user: &u}, now)
	var p Principal
	m.recall(modelKeys[0], PersonalToken, now, &p).Store(4711)
	m.renew(now)
	if got := m.recall(modelKeys[0], PersonalToken, now, &p).Load(); got != 4711 {
		t.Errorf("got %d, want 4711", got)
	}
}

// TestMillionRandomKeys has a memory of ten thousand remember a million.
func TestMillionRandomKeys(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	most, million := Rounds(10_000), Rounds(1_000_000)
	m := newMemory(most)
	now := time.Now()
	for n := range million {
		var u User
		binary.BigEndian.PutUint64(u.ID[8:], random.Uint64())
		var id uuid.UUID
		binary.BigEndian.PutUint64(id[8:], random.Uint64())
		k := key{random.Uint64() | 1, random.Uint64()}
		m.keep(&fill{key: k, kind: SessionToken, began: m.sequence(), proof: Proof{ID: id, UserID: u.ID}, user: &u}, now)
		var p Principal
		if m.recall(k, SessionToken, now, &p) == nil || p.ID != u.ID || p.CredentialID != id {
			t.Fatalf("key %d: not remembered as it was", n)
		}
		if got := m.len(); got > most {
			t.Fatalf("key %d: got %d proofs, want %d at most", n, got, most)
		}
	}
	proofs, grounds := 0, 0
	for i := range m.shards {
		x := m.shards[i].current.Load()
		proofs, grounds = proofs+len(x.proofs), grounds+len(x.grounds)
	}
	if proofs > most*5/4 || grounds > 3*most {
		t.Errorf("got room for %d proofs and %d grounds, want it bounded by %d", proofs, grounds, most)
	}
}

// TestRecordBeingWritten has a reader come upon a record in a writer's hand.
func TestRecordBeingWritten(t *testing.T) {
	m := newMemory(10)
	u := User{ID: modelID(1), Username: "user"}
	m.keep(&fill{key: modelKeys[0], kind: PersonalToken, proof: Proof{ID: u.ID, UserID: u.ID}, user: &u}, time.Now())
	r, _ := m.shards[0].current.Load().find(modelKeys[0])
	rests := r.rests.Load()
	for _, test := range []struct {
		rests uint64
		found bool
	}{{rests, true}, {0, false}, {rests, true}} {
		r.rests.Store(test.rests)
		var p Principal
		if got := m.recall(modelKeys[0], PersonalToken, time.Now(), &p) != nil; got != test.found {
			t.Errorf("resting on %x: got found %v, want %v", test.rests, got, test.found)
		}
	}
}

// TestRecordIsReadWhole has a writer give a record other words all the time, always the same in both places.
func TestRecordIsReadWhole(t *testing.T) {
	var r proofRecord
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			whole := 0
			for !done.Load() {
				b, ok := r.read()
				if ok && uint64(b.end) != b.rests {
					t.Errorf("got %+v, want them the same", b)
					return
				}
				if ok {
					whole++
				}
			}
			t.Logf("%d times read whole", whole)
		})
	}
	for n, began := uint64(1), time.Now(); n%256 != 0 || time.Since(began) < 300*time.Millisecond; n++ {
		r.write(modelKeys[0], proofBody{n, uint32(n)})
	}
	done.Store(true)
	readers.Wait()
}

// TestEndOf tells from when on proofs are asked about anew: from the second in which they end.
func TestEndOf(t *testing.T) {
	last := time.Unix(maxEnd, 0)
	for _, test := range []struct {
		notAfter    time.Time
		alive, dead time.Time
	}{
		{time.Time{}, time.Unix(1<<40, 0), time.Time{}},
		{time.UnixMicro(5_000_000), time.UnixMicro(4_999_999), time.UnixMicro(5_000_000)},
		{time.UnixMicro(5_999_999), time.UnixMicro(4_999_999), time.UnixMicro(5_000_000)},
		{time.UnixMicro(0), time.UnixMicro(0), time.Unix(1, 0)},
		{time.UnixMicro(-5), time.UnixMicro(0), time.Unix(1, 0)},
		{last, last.Add(-time.Microsecond), last},
		{last.Add(time.Hour), last.Add(-time.Microsecond), last},
	} {
		end := endOf(test.notAfter)
		if ended(end, test.alive.Unix()) {
			t.Errorf("%s: ended at %s", test.notAfter, test.alive)
		}
		if !test.dead.IsZero() && !ended(end, test.dead.Unix()) {
			t.Errorf("%s: not ended at %s", test.notAfter, test.dead)
		}
	}
}

// TestBodyOf packs what a proof says and unpacks it.
func TestBodyOf(t *testing.T) {
	for _, place := range []uint32{0, 1, 1<<placeBits - 1} {
		for _, limits := range []uint32{0, 1, maxLimitSets} {
			for _, end := range []int64{0, 1, 1 << 31, 1 << 32, maxEnd} {
				for kind := KindNone + 1; kind < kindCount; kind++ {
					other := 1<<placeBits - 1 - place
					b := bodyOf(place, other, limits, end, kind)
					user, record := b.places()
					if user != place || record != other || b.limits() != limits || b.until() != end || b.kind() != kind {
						t.Errorf("got %d, %d, %d, %d and %s of %d, %d, %d, %d and %s", user, record, b.limits(), b.until(), b.kind(), place, other, limits, end, kind)
					}
				}
			}
		}
	}
}

// TestRoleSets makes more sets than are kept apart.
func TestRoleSets(t *testing.T) {
	x := newIndex(0, 0, 1, new(alike))
	sets := [][]string{nil, {"admin"}, {"admin", "staff"}, {"admin.staff"}, {"staff"}}
	for n := len(sets); n < maxRoleSets; n++ {
		sets = append(sets, []string{fmt.Sprint("role", n)})
	}
	for round := range 2 {
		for n, set := range sets {
			if got, ok := x.putRoles(set); !ok || int(got) != n || !slices.Equal(x.roles.at(got), set) {
				t.Fatalf("round %d, set %d: got number %d, %v", round, n, got, ok)
			}
		}
	}
	if _, ok := x.putRoles([]string{"one more"}); ok {
		t.Errorf("one set too many was taken")
	}
	if _, ok := x.describe(&User{Roles: []string{"one more"}}); ok {
		t.Errorf("a user with one set too many was taken")
	}
}

// TestTextKeepsStrings puts strings of all sizes and reads them again.
func TestTextKeepsStrings(t *testing.T) {
	var x text
	random := rand.New(rand.NewPCG(1, 2))
	var places []uint64
	var want []string
	for n := range 2000 {
		size := random.IntN(100)
		if n%100 == 0 {
			size = random.IntN(3 * textChunk)
		}
		s := strings.Repeat(string(rune('a'+n%26)), size)
		cut := random.IntN(size + 1)
		places, want = append(places, x.put(s[:cut], "", s[cut:])), append(want, s)
	}
	for _, more := range []int{0, 1, 2} { // than there is room for in the chunk
		x.put(strings.Repeat("y", textChunk-1000))
		s := strings.Repeat("z", len((*x.chunks.Load())[len(*x.chunks.Load())-1])-x.fill+more)
		places, want = append(places, x.put(s)), append(want, s)
	}
	for n, place := range places {
		if got := x.at(place); !strings.HasPrefix(got, want[n]) {
			t.Fatalf("string %d of %d bytes: got another", n, len(want[n]))
		}
	}
}
