package authority_test

import (
	"context"
	cryptorand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// town is a way in and users who change all the time. Everything about a user bears the same version: its names, its
// roles and its tokens, of which one goes by its own ID and two have records of their own.
type town struct {
	citizens []citizen
	proved   atomic.Int64
}

// citizen is one user. The database knows version now; every change up to version heard was heard of.
type citizen struct {
	id         uuid.UUID
	now, heard atomic.Int64
}

const citizens = 48

func newTown(tb testing.TB, maxRemembered int) (*town, *authority.Authority) {
	tb.Helper()
	w := &town{citizens: make([]citizen, citizens)}
	for n := range w.citizens {
		w.citizens[n].id = uuid.Must(uuid.NewV7())
	}
	table := compile(tb)
	a, err := authority.New(authority.Config{
		Ways: []authority.Way{w}, Users: w, Policy: func() *policy.Table { return table }, Refusals: audit.NewRefusals(100),
		Fresh: func() bool { return true }, Now: time.Now, Random: cryptorand.Reader, MaxRemembered: maxRemembered,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return w, a
}

// tokenOf is "jtp-CITIZEN-RECORD-VERSION".
func tokenOf(citizen, record int, version int64) string {
	return fmt.Sprintf("jtp-%d-%d-%d", citizen, record, version)
}

// recordOf returns the ID of a citizen's record: the first is its own.
func (w *town) recordOf(citizen, record int) uuid.UUID {
	id := w.citizens[citizen].id
	id[0] += byte(record)
	return id
}

func (*town) Kind() authority.Kind          { return authority.PersonalToken }
func (*town) Recognizes(bearer string) bool { return strings.HasPrefix(bearer, "jtp-") }

func (w *town) Prove(_ context.Context, c authority.Credential) (authority.Proof, error) {
	w.proved.Add(1)
	var n, record int
	var version int64
	if _, err := fmt.Sscanf(c.Text.Reveal(), "jtp-%d-%d-%d", &n, &record, &version); err != nil {
		return authority.Proof{}, err
	}
	now := w.citizens[n].now.Load()
	runtime.Gosched() // the answer is on its way, while things change
	if version != now {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonSuperseded}
	}
	return authority.Proof{ID: w.recordOf(n, record), UserID: w.citizens[n].id, Remember: true}, nil
}

func (w *town) AuthorityUser(_ context.Context, id uuid.UUID) (authority.User, error) {
	for n := range w.citizens {
		if c := &w.citizens[n]; c.id == id {
			version := c.now.Load()
			runtime.Gosched()
			return userOf(n, id, version), nil
		}
	}
	return authority.User{}, authority.ErrNotFound
}

func userOf(n int, id uuid.UUID, version int64) authority.User {
	name := fmt.Sprintf("u%d-v%d", n, version)
	return authority.User{
		ID: id, Active: true, Username: name, DisplayName: strings.ToUpper(name) + strings.Repeat("!", int(version%50)), Email: name + "@example.com",
		Roles: []string{"partner", "role" + strconv.Itoa(n), "version" + strconv.FormatInt(version%8, 10)},
	}
}

// change gives a citizen its next version and has it heard of, or of a change of everything.
func (w *town) change(a *authority.Authority, n int, random *rand.Rand) {
	c := &w.citizens[n]
	version := c.now.Add(1)
	if random.IntN(50) == 0 {
		a.Forget(uuid.Nil)
	} else {
		a.Forget(c.id)
	}
	c.heard.Store(version)
}

// checkPrincipal says what is wrong with the principal of a citizen's token of the given version.
func (w *town) checkPrincipal(p *authority.Principal, n, record int, version, heard int64) string {
	var shown int64
	if _, err := fmt.Sscanf(p.Username, "u"+strconv.Itoa(n)+"-v%d", &shown); err != nil {
		return fmt.Sprintf("has the user name %q", p.Username)
	}
	want := userOf(n, w.citizens[n].id, shown)
	switch {
	case p.ID != want.ID || p.CredentialID != w.recordOf(n, record):
		return "is another's"
	case p.DisplayName != want.DisplayName || p.Email != want.Email || fmt.Sprint(p.Roles) != fmt.Sprint(want.Roles) || !p.Active:
		return fmt.Sprintf("is mixed of several: %+v", p)
	case version < heard:
		return fmt.Sprintf("has a token of version %d, superseded by %d as was heard of before", version, heard)
	case shown < heard:
		return fmt.Sprintf("has names of version %d, when %d was heard of before", shown, heard)
	}
	return ""
}

// TestConcurrent has readers present tokens, the current and the last ones, while writers change their users and have
// that heard of. Whatever is admitted is one citizen as it was at one time, and not before the last change heard of
// when the call began. Memories of these sizes are renewed for want of room, of grounds, and hardly ever.
func TestConcurrent(t *testing.T) {
	patience := 700 * time.Millisecond
	if os.Getenv("JETON_TEST_LONG") != "" {
		patience = 30 * time.Second
	}
	for _, most := range []int{7, 100, 4 * 1024, 100_000} { // the last two in several shards
		t.Run(fmt.Sprint("remembered=", most), func(t *testing.T) {
			w, a := newTown(t, most)
			ctx, cancel := context.WithTimeout(t.Context(), max(20*patience, time.Minute)) // on a machine that does much else
			defer cancel()
			var readers, writers sync.WaitGroup
			var admitted, refused, changes atomic.Int64
			warm := func() int64 { return admitted.Load() + refused.Load() - w.proved.Load() }
			began := time.Now()
			ended := func() bool {
				return ctx.Err() != nil || time.Since(began) > patience && warm() >= 100 && changes.Load() >= 100
			}
			for range 2 {
				writers.Go(func() {
					random := rand.New(rand.NewPCG(rand.Uint64(), 1))
					for !ended() {
						w.change(a, random.IntN(citizens), random)
						changes.Add(1)
						for calm := admitted.Load() + random.Int64N(30); admitted.Load() < calm && !ended(); {
							runtime.Gosched()
						}
					}
				})
			}
			for range 4 {
				readers.Go(func() {
					random := rand.New(rand.NewPCG(rand.Uint64(), 1))
					for !ended() && !t.Failed() {
						n, record := random.IntN(citizens), random.IntN(3)
						c := &w.citizens[n]
						heard := c.heard.Load()
						version := max(0, c.now.Load()-int64(random.IntN(6)/5))
						d := a.Decide(t.Context(), bearer(tokenOf(n, record, version)), tokenDoor)
						if !d.Allowed() {
							refused.Add(1)
							continue
						}
						admitted.Add(1)
						if problem := w.checkPrincipal(&d.Principal, n, record, version, heard); problem != "" {
							t.Errorf("the principal of citizen %d's token %d %s", n, record, problem)
						}
					}
				})
			}
			writers.Wait()
			readers.Wait()
			t.Logf("%d admitted, of them %d warm, %d refused, %d changes", admitted.Load(), warm(), refused.Load(), changes.Load())
			if warm() < 100 || changes.Load() < 100 {
				t.Error("hardly anything happened")
			}
			w.settle(t, a)
		})
	}
}

// settle presents every citizen's tokens when all is quiet: the last version passes, and no other.
func (w *town) settle(t *testing.T, a *authority.Authority) {
	t.Helper()
	for n := range w.citizens {
		c := &w.citizens[n]
		now := c.now.Load()
		c.heard.Store(now)
		a.Forget(c.id) // two writers may have been heard of in another order than they changed
		for record := range 3 {
			for range 2 {
				d := a.Decide(t.Context(), bearer(tokenOf(n, record, now)), tokenDoor)
				if !d.Allowed() {
					t.Errorf("citizen %d: got %s", n, d.Reason)
				} else if problem := w.checkPrincipal(&d.Principal, n, record, now, now); problem != "" {
					t.Errorf("the principal of citizen %d's token %d %s", n, record, problem)
				}
				for former := max(0, now-20); former < now; former++ {
					if d := a.Decide(t.Context(), bearer(tokenOf(n, record, former)), tokenDoor); d.Allowed() {
						t.Errorf("citizen %d: the token of version %d of %d passes", n, former, now)
					}
				}
			}
		}
	}
}
