package authority_test

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// crowd is a way in, and the users behind it, for numbered tokens: so many that a map of them would be measured too.
type crowd struct {
	proved  atomic.Int64
	records bool // each token has a record of its own, and limits that are one of a hundred
}

const crowdToken = "jtp0aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9" // and eight digits: 51 characters

func (*crowd) Kind() authority.Kind          { return authority.PersonalToken }
func (*crowd) Recognizes(bearer string) bool { return len(bearer) == 51 && bearer[:3] == "jtp" }

func (c *crowd) Prove(_ context.Context, cr authority.Credential) (authority.Proof, error) {
	c.proved.Add(1)
	n, err := strconv.Atoi(cr.Text.Reveal()[len(crowdToken):])
	if err != nil || n >= 50_000_000 {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknown}
	}
	p := authority.Proof{ID: numbered(n), UserID: numbered(n), Remember: true}
	if c.records {
		p.ID[0] = 1
		p.Limits = &authority.Limits{Scopes: []string{"scope" + strconv.Itoa(n%100)}}
	}
	return p, nil
}

func (c *crowd) AuthorityUser(_ context.Context, id uuid.UUID) (authority.User, error) {
	n := int(binary.BigEndian.Uint32(id[4:]))
	name := userName(n)
	return authority.User{ID: id, Username: name, Email: name + "@example.com", Roles: []string{"partner"}, Active: true}, nil
}

func userName(n int) string { return fmt.Sprintf("user%07d", n) }

// numbered returns an ID that looks random, as those of version 7 do, and tells its number.
func numbered(n int) (id uuid.UUID) {
	binary.BigEndian.PutUint32(id[4:], uint32(n))
	binary.BigEndian.PutUint64(id[8:], uint64(n+1)*0x9e3779b97f4a7c15)
	return id
}

// caller presents the tokens of a crowd without allocating.
type caller struct {
	in   authority.Presented
	text [len("Bearer ") + len(crowdToken) + 8]byte
	auth [1]string
}

func newCaller() *caller {
	c := &caller{in: authority.Presented{Method: "GET", Host: "api.example.com", Path: "/v2/reports/2026", Peer: netip.MustParseAddr("192.0.2.7")}}
	copy(c.text[:], "Bearer "+crowdToken)
	c.auth[0] = unsafe.String(&c.text[0], len(c.text))
	c.in.Authorization = c.auth[:]
	return c
}

func (c *caller) present(n int) *authority.Presented {
	for i := len(c.text) - 1; i >= len(c.text)-8; i-- {
		c.text[i] = byte('0' + n%10)
		n /= 10
	}
	return &c.in
}

// newCrowdOf returns an authority of a crowd that remembers at most so many.
func newCrowdOf(tb testing.TB, maxRemembered int) (*authority.Authority, *crowd) {
	tb.Helper()
	table, c := compile(tb), &crowd{}
	a, err := authority.New(authority.Config{
		Ways: []authority.Way{c}, Users: c, Policy: func() *policy.Table { return table },
		Refusals: audit.NewRefusals(10), Fresh: func() bool { return true }, Now: time.Now, Random: cryptorand.Reader, MaxRemembered: maxRemembered,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return a, c
}

// heap returns the bytes of the heap that are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// warm is an authority that remembers so many tokens of a crowd, each of another user.
type warm struct {
	*authority.Authority
	crowd    *crowd
	tokens   int
	perToken float64 // bytes of memory
}

func newWarm(tb testing.TB, tokens int) *warm { return newWarmOf(tb, tokens, false) }

func newWarmOf(tb testing.TB, tokens int, records bool) *warm {
	before := heap()
	a, c := newCrowdOf(tb, 0)
	c.records = records
	call := newCaller()
	for n := range tokens {
		if _, err := a.Identify(tb.Context(), call.present(n), tokenDoor); err != nil {
			tb.Fatalf("token %d: got %v", n, err)
		}
	}
	return &warm{a, c, tokens, float64(heap()-before) / float64(tokens)}
}

// warmOnes are made once for all runs of the benchmarks: a million tokens take their time.
var warmOnes = map[int]*warm{}

func warmOf(b *testing.B, tokens int) *warm {
	if warmOnes[tokens] == nil {
		warmOnes[tokens] = newWarm(b, tokens)
	}
	return warmOnes[tokens]
}

// BenchmarkDecideWarm presents tokens at random: of a thousand, whose records are in the processor's cache, and of a
// million, where almost none is. Besides the heart, it times the policy (some 60 ns) and the clock (some 50 ns).
func BenchmarkDecideWarm(b *testing.B) {
	for _, tokens := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprintf("tokens=%d", tokens), func(b *testing.B) {
			w := warmOf(b, tokens)
			proved := w.crowd.proved.Load()
			ctx := b.Context()
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				call, random := newCaller(), rand.New(rand.NewPCG(rand.Uint64(), 1))
				for pb.Next() {
					if d := w.Decide(ctx, call.present(int(random.Uint32N(uint32(tokens)))), tokenDoor); !d.Allowed() {
						b.Errorf("got %s", d.Reason)
					}
				}
			})
			b.ReportMetric(w.perToken, "B/token")
			if got := w.crowd.proved.Load() - proved; got != 0 {
				b.Errorf("%d remembered tokens were proven again", got)
			}
		})
	}
}

// BenchmarkDecideWays presents one remembered credential of each way, of which all that was read is in the processor's
// cache. Basic and the cookie are as a client sends them, the token is as long as the cookie's secret.
func BenchmarkDecideWays(b *testing.B) {
	d := newDesk(b, 0)
	alice := d.person("User0000000")
	const secret = "jtp-7gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9oP2rS5uV8xY1z" // 51 characters
	const password = "twenty-six characters long"
	d.personal.token(secret, alice)
	d.console.token(secret, alice)
	d.passwords.put(alice.Username+":"+password, authority.Proof{ID: alice.ID, UserID: alice.ID, Remember: true})
	door := &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.PersonalToken, authority.Password, authority.ConsoleSession)}
	signed := "jtp-" + strings.Repeat("eyJhbGciOiJFUzI1NiJ9", 25) // as long as a signed access token
	d.personal.token(signed, alice)
	cookie := call()
	cookie.Cookie = []string{"console=" + secret}
	among := call()
	among.Cookie = []string{"theme=dark; _ga=GA1.2.1234567890.1700000000; console=" + secret + "; language=en"}
	for _, way := range []struct {
		name string
		in   *authority.Presented
	}{
		{"token", bearer(secret)},
		{"signed", bearer(signed)},
		{"basic", call(basic(alice.Username + ":" + password))},
		{"cookie", cookie},
		{"cookie-among-others", among},
	} {
		b.Run(way.name, func(b *testing.B) {
			ctx := b.Context()
			if got := d.Decide(ctx, way.in, door); !got.Allowed() {
				b.Fatalf("got %s", got.Reason)
			}
			proved := d.proofs() + d.console.asked.Load()
			b.ReportAllocs()
			for b.Loop() {
				if got := d.Decide(ctx, way.in, door); !got.Allowed() {
					b.Fatalf("got %s", got.Reason)
				}
			}
			if got := d.proofs() + d.console.asked.Load() - proved; got != 0 {
				b.Errorf("a remembered credential was proven again %d times", got)
			}
		})
	}
}

// BenchmarkDecideMiss presents tokens that nobody has beside a million remembered ones: all but the look-up in the
// database.
func BenchmarkDecideMiss(b *testing.B) {
	w := warmOf(b, 1_000_000)
	ctx := b.Context()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		call, random := newCaller(), rand.New(rand.NewPCG(rand.Uint64(), 1))
		for pb.Next() {
			if d := w.Decide(ctx, call.present(50_000_000+int(random.Uint32N(1_000_000))), tokenDoor); d.Reason != authority.ReasonUnknown {
				b.Errorf("got %s", d.Reason)
			}
		}
	})
}

// BenchmarkKeep has every token seen for the first time, and the index grow with them: all that a first verification
// costs but the database.
func BenchmarkKeep(b *testing.B) {
	a, _ := newCrowdOf(b, 0)
	call, ctx := newCaller(), b.Context()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if d := a.Decide(ctx, call.present(n%4_000_000), tokenDoor); !d.Allowed() {
			b.Fatalf("got %s", d.Reason)
		}
		n++
	}
}

// BenchmarkForget forgets users of whom each has one token.
func BenchmarkForget(b *testing.B) {
	w := newWarm(b, 100_000)
	n := 0
	for b.Loop() {
		w.Forget(numbered(n % w.tokens))
		n++
	}
}

// TestBytesPerToken prints what a remembered token takes, with its user and that user's names of 34 bytes.
func TestBytesPerToken(t *testing.T) {
	for _, tokens := range []int{10_000, authority.Rounds(100_000), authority.Rounds(200_000)} {
		for _, records := range []bool{false, true} {
			w := newWarmOf(t, tokens, records)
			t.Logf("%d tokens, with records and limits of their own %t: %.1f bytes each", tokens, records, w.perToken)
			if got := w.Remembered(); got != tokens {
				t.Errorf("got %d remembered, want %d", got, tokens)
			}
			if w.perToken > 300 {
				t.Errorf("%d tokens: got %.1f bytes each, want 300 at most", tokens, w.perToken)
			}
		}
	}
}
