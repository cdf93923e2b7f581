package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const traces = `File: profiled
Type: cpu
Time: 2026-11-26 17:00:00 UTC
Duration: 3.01s, Total samples = 70ms ( 2.33%)
-----------+-------------------------------------------------------
      20ms   internal/runtime/syscall.Syscall6
             syscall.read (inline)
             internal/poll.(*FD).Read
             net/http.(*conn).serve
-----------+-------------------------------------------------------
     key:  a label
      40ms   runtime.memmove
             github.com/jeton-io/jeton/internal/gateway.(*Gateway).answer
             net/http.(*conn).serve
-----------+-------------------------------------------------------
      1.01s   runtime.cmpstring
`

func TestParseTraces(t *testing.T) {
	got, err := parseTraces(traces)
	want := []trace{
		{20 * time.Millisecond, []string{"internal/runtime/syscall.Syscall6", "syscall.read", "internal/poll.(*FD).Read", "net/http.(*conn).serve"}},
		{40 * time.Millisecond, []string{"runtime.memmove", "github.com/jeton-io/jeton/internal/gateway.(*Gateway).answer", "net/http.(*conn).serve"}},
		{1010 * time.Millisecond, []string{"runtime.cmpstring"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(trace{})); err != nil || diff != "" {
		t.Errorf("the stacks differ (-want +got), %v:\n%s", err, diff)
	}
	if got, err := parseTraces("File: profiled\n"); err == nil {
		t.Errorf("got %v of a profile without samples, want an error", got)
	}
}

func TestClassify(t *testing.T) {
	for want, stack := range map[string][]string{
		"the garbage collector":                                {"runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"},
		"allocating":                                           {"runtime.mallocgc", "runtime.newobject", house + "gateway.(*Gateway).ServeHTTP"},
		"system calls: reading the request":                    {"internal/runtime/syscall.Syscall6", "syscall.read", "internal/poll.(*FD).Read", house + "h1.(*conn).serve"},
		"the memory of proofs":                                 {"crypto/internal/fips140/sha256.blockSHANI", house + "authority.(*Authority).Decide", house + "gateway.(*Gateway).ServeHTTP"},
		"the request log: a line":                              {"runtime.memmove", house + "web.(*Line).attrs", house + "web.(*Line).Write", house + "gateway.answer"},
		"the policy":                                           {house + "policy.(*Table).Find", house + "authority.(*Authority).Decide"},
		"parsing the request and formatting the answer":        {"runtime.memmove", house + "h1.(*Answer).Field", house + "gateway.plain"},
		"net/http: parsing the request, formatting the answer": {"net/textproto.canonicalMIMEHeaderKey", "net/http.readRequest"},
		"the scheduler: waiting for what comes, and changing goroutines": {"internal/runtime/syscall.Syscall6", "runtime.netpoll", "runtime.findRunnable", "runtime.schedule"},
		"the signature":                         {"runtime.mallocgc", "crypto/internal/fips140/ecdsa.sign", "crypto/ecdsa.SignASN1", house + "jose.Signer.Sign", house + "oauth.(*server).issue"},
		"the select of the credential's record": {"modernc.org/sqlite/lib._sqlite3Step", house + "store/sqlite.(*finder).each", house + "accesstoken.(*Tokens).parent"},
		"the form, the claims and the answer":   {"strings.Cut", house + "oauth.(*form).parse"},
		elsewhere:                               {"main.main"},
	} {
		if got := classify(stack); got != want {
			t.Errorf("%v: got %s, want %s", stack, got, want)
		}
	}
}

func TestReportProfile(t *testing.T) {
	all, err := parseTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	all[2].took = 40 * time.Millisecond
	got := (&bench{}).reportProfile("A check", all, 20)
	for _, want := range []string{
		"A check: 20.0 µs of the core a request, by 10 samples", "| all the rest | 40 % | 8.0 µs |\n| the gateway: the call, the thirteen fields of the answer | 40 % | 8.0 µs |\n| system calls: reading the request | 20 % | 4.0 µs |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
}
