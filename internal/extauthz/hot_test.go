package extauthz_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/extauthz"
	"github.com/jeton-io/jeton/test/desk"
)

// browser is a call with the header fields that a browser sends.
func browser(token string) *phoned {
	return get(
		token, field{"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}, field{"accept", "application/json"},
		field{"accept-language", "en"}, field{"accept-encoding", "gzip, br"}, field{"cookie", "a=b; c=d"}, field{"sec-fetch-site", "same-origin"},
		field{"x-forwarded-for", clientAddress}, field{"x-forwarded-proto", "https"}, field{"x-request-id", "5f0b7a1e-0000-4000-8000-000000000000"}, field{"x-envoy-internal", "true"},
	)
}

// local is a trusted peer.
func local() *peer.Peer {
	return &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}}
}

// maxAllocations is what a warm check may allocate beyond decoding its question and but for gRPC: the header fields that count, twice
// as many for being bytes in the message; those of the answer; and its encoding.
const maxAllocations = 48

func TestWarmCheckAllocatesLittle(t *testing.T) {
	d := openDoor(t, func(c *extauthz.Config) { c.Logger = discard() })
	question, err := proto.Marshal(browser(d.token).raw())
	desk.Check(t, err)
	ask := func() {
		if answer, err := d.server.Answer(t.Context(), local(), question); err != nil || answer.GetOkResponse() == nil {
			t.Fatalf("got %v, %v, want it let in", answer, err)
		}
	}
	ask()
	decoding := testing.AllocsPerRun(1000, func() { desk.Check(t, proto.Unmarshal(question, new(authv3.CheckRequest))) })
	got := testing.AllocsPerRun(1000, ask)
	t.Logf("%v allocations, of which %v for decoding the question", got, decoding)
	if got-decoding > maxAllocations {
		t.Errorf("got %v allocations beyond decoding, want %d at most", got-decoding, maxAllocations)
	}
}

// TestNoMixUp asks 100,000 times for two users, eight at once on one connection, and looks whose answer each gets.
func TestNoMixUp(t *testing.T) {
	const callers, calls = 8, 100_000
	d := openDoor(t, func(c *extauthz.Config) { c.Logger = discard() })
	_, bob := d.person(t, account.Draft{Username: "bob", Roles: []string{"partner"}})
	phoned := map[string]*phoned{"alice": get(d.token), "bob": get(bob)}
	asked := map[string]*authv3.CheckRequest{"alice": phoned["alice"].raw(), "bob": phoned["bob"].raw()}
	var running sync.WaitGroup
	for g := range callers {
		running.Go(func() {
			for i := range calls / callers {
				name := [2]string{"alice", "bob"}[(g+i)%2]
				answer, err := d.Check(t.Context(), asked[name])
				if err != nil {
					t.Error(err)
					return
				}
				if header, _ := phoned[name].arrives(t, answer); fmt.Sprint(header["remote-user"]) != "["+name+"]" {
					t.Errorf("got %q, want %s", header["remote-user"], name)
					return
				}
			}
		})
	}
	running.Wait()
}

// FuzzAnswer has the server answer any bytes. Whatever they are there is an answer that can be sent, and no call passes without the
// token in it, by one of the paths that alice may call.
func FuzzAnswer(f *testing.F) {
	d := openDoor(f, func(c *extauthz.Config) { c.Logger = discard() })
	for _, call := range []*phoned{get(d.token), browser(d.token), get(d.token).to("/v2/reports/é?XST=a"), get(""), get(last(d.token)), get(d.token, field{"authorization", "Bearer x"})} {
		for _, asked := range []*authv3.CheckRequest{call.raw(), call.joined()} {
			question, err := proto.Marshal(asked)
			desk.Check(f, err)
			f.Add(question)
		}
	}
	f.Fuzz(func(t *testing.T, question []byte) {
		answer, err := d.server.Answer(t.Context(), local(), question)
		if err != nil {
			t.Fatalf("got the error %v, want an answer", err)
		}
		d.Refusals.Drain(d.Now())
		if answer.GetOkResponse() == nil {
			if code := status(t, answer); code < 400 || code == http.StatusInternalServerError {
				t.Fatalf("got %v, want a refusal", answer)
			}
			return
		}
		if !strings.Contains(string(question), d.token) || !strings.Contains(string(question), "/v2/reports/") || strings.Contains(answer.String(), d.token) {
			t.Fatalf("got %v for %q", answer, question)
		}
	})
}

// BenchmarkCheck measures one check after the other over a real connection, and the same without gRPC.
func BenchmarkCheck(b *testing.B) {
	d := openDoor(b, func(c *extauthz.Config) { c.Logger = discard() })
	asked := browser(d.token).raw()
	question, err := proto.Marshal(asked)
	desk.Check(b, err)
	b.Run("over gRPC", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if answer, err := d.Check(b.Context(), asked); err != nil || answer.GetOkResponse() == nil {
					b.Fatal(answer, err)
				}
			}
		})
	})
	b.Run("without gRPC", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if answer, err := d.server.Answer(b.Context(), local(), question); err != nil || answer.GetOkResponse() == nil {
				b.Fatal(answer, err)
			}
		}
	})
}
