package client_test

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// BenchmarkVerifier is what a call costs that is decided in the API's own process, warm: its credential, the policy, and whether all
// of that still counts.
func BenchmarkVerifier(b *testing.B) {
	v := &verifying{Server: jetontest.New(b), tb: b} // by the system's clock, as outside of tests
	v.furnish()
	v.start(v.URL)
	opaque := v.Token("alice")
	signed := v.AccessToken(v.APIToken("alice", "batch").Token)
	soon(b, "it is fresh", v.Fresh)
	for name, token := range map[string]client.Secret{"opaque": opaque, "JWT": signed} {
		v.wantReason(get(token), "")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				call := get(token)
				for pb.Next() {
					if d, err := v.Decide(b.Context(), call); err != nil || !d.Allowed() {
						b.Fatal(d.Reason, err)
					}
				}
			})
		})
	}
	if got := v.count("/v1/verify"); got > 10 {
		b.Errorf("got %d questions, want all to be warm", got)
	}
}

// BenchmarkSigned is the first look at an access token whose parent is known: its signature is checked here.
func BenchmarkSigned(b *testing.B) {
	v := newVerifying(b)
	issued := v.APIToken("alice", "batch")
	v.wantReason(get(v.AccessToken(issued.Token)), "")
	v.Advance(15 * time.Second)
	tokens := make([]client.Secret, 0, b.N)
	for b.Loop() {
		b.StopTimer()
		tokens = append(tokens, v.AccessToken(issued.Token))
		b.StartTimer()
		if d, err := v.Decide(b.Context(), get(tokens[len(tokens)-1])); err != nil || !d.Allowed() {
			b.Fatal(d.Reason, err)
		}
	}
}
