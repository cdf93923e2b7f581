package authority_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
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
type crowd struct{ proved atomic.Int64 }

const crowdToken = "jtp0aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9" // and eight digits: 51 characters

func (*crowd) Kind() authority.Kind          { return authority.PersonalToken }
func (*crowd) Recognizes(bearer string) bool { return len(bearer) == 51 && bearer[:3] == "jtp" }

func (c *crowd) Prove(_ context.Context, cr authority.Credential) (authority.Proof, error) {
	c.proved.Add(1)
	n, err := strconv.Atoi(cr.Text.Reveal()[len(crowdToken):])
	if err != nil || n >= 50_000_000 {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknown}
	}
	return authority.Proof{ID: numbered(n), UserID: numbered(n), Remember: true}, nil
}

func (c *crowd) AuthorityUser(_ context.Context, id uuid.UUID) (authority.User, error) {
	n := int(binary.BigEndian.Uint32(id[4:]))
	name := fmt.Sprintf("user%07d", n)
	return authority.User{ID: id, Username: name, Email: name + "@example.com", Roles: []string{"partner"}, Active: true}, nil
}

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
	c := &caller{in: authority.Presented{Method: "GET", Host: "api.example.com", Path: "/reports/2026", Peer: netip.MustParseAddr("192.0.2.7")}}
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

var gatewayDoor = &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.PersonalToken)}

func newCrowd(tb testing.TB, remembered int) (*authority.Authority, *crowd) {
	tb.Helper()
	table, err := policy.Compile([]policy.Service{{Name: "reports", ID: uuid.New(), Host: "api.example.com", Operations: []policy.Operation{
		{Pattern: "GET /reports/{id}", Audience: []policy.Audience{policy.RoleAudience("partner")}},
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	c := &crowd{}
	a, err := authority.New(authority.Config{
		Ways: []authority.Way{c}, Users: c, Policy: func() *policy.Table { return table },
		Refusals: audit.NewRefusals(10), Fresh: func() bool { return true }, Now: time.Now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	call := newCaller()
	for n := range remembered {
		if d := a.Decide(tb.Context(), call.present(n), gatewayDoor); !d.Allowed() {
			tb.Fatalf("token %d: got %s", n, d.Reason)
		}
	}
	return a, c
}

var million = sync.OnceValue(func() *authority.Authority {
	a, _ := newCrowd(&testing.B{}, 1_000_000)
	return a
})

const live = 1_000_000

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkDecideWarm(b *testing.B) {
	before := heap()
	a, c := newCrowd(b, live)
	perToken := float64(heap()-before) / live
	proved := c.proved.Load()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		call, rng := newCaller(), rand.New(rand.NewPCG(rand.Uint64(), 1))
		for pb.Next() {
			if d := a.Decide(b.Context(), call.present(int(rng.Uint32N(live))), gatewayDoor); !d.Allowed() {
				b.Errorf("got %s", d.Reason)
			}
		}
	})
	b.ReportMetric(perToken, "B/token")
	if got := c.proved.Load() - proved; got != 0 {
		b.Errorf("%d warm tokens were proven again", got)
	}
}
