package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wrkOutput is what wrk 4.1.0 printed with load.lua.
const wrkOutput = `Running 1s test @ http://127.0.0.1:40123
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.25ms    5.40ms  76.71ms   96.84%
    Req/Sec    17.53k     6.40k   34.24k    70.00%
  35461 requests in 1.03s, 4.84MB read
  Non-2xx or 3xx responses: 12
Requests/sec:  34282.37
Transfer/sec:      4.68MB
bench: requests=35461 duration_us=1034380 refused=12 broken=3 p50_us=612 p99_us=30740 exhausted=1
`

func TestParseSample(t *testing.T) {
	got, err := parseSample(wrkOutput)
	if err != nil {
		t.Fatal(err)
	}
	want := sample{
		requests: 35461, took: 1034380 * time.Microsecond, refused: 12, broken: 3,
		p50: 612 * time.Microsecond, p99: 30740 * time.Microsecond, exhausted: 1,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{})); diff != "" {
		t.Errorf("a sample differs (-want +got):\n%s", diff)
	}
	if rate := thousands(got.rate()); rate != "34,282" {
		t.Errorf("got a rate of %s, want wrk's own 34,282", rate)
	}
	for name, out := range map[string]string{
		"nothing":         "",
		"no line":         strings.Replace(wrkOutput, "bench: ", "", 1),
		"a field missing": strings.Replace(wrkOutput, "refused=12 ", "", 1),
		"no number":       strings.Replace(wrkOutput, "refused=12", "refused=-nan", 1),
	} {
		if got, err := parseSample(out); err == nil {
			t.Errorf("%s: got %+v, want an error", name, got)
		}
	}
}

func TestCheckSample(t *testing.T) {
	tests := []struct {
		name   string
		sample sample
		status int
		want   string // part of the error
	}{
		{"all admitted", sample{requests: 10}, 200, ""},
		{"all created", sample{requests: 10}, 201, ""},
		{"all refused, as wanted", sample{requests: 10, refused: 10}, 401, ""},
		{"one refused", sample{requests: 10, refused: 1}, 200, "1 of 10 answers were refusals"},
		{"one admitted", sample{requests: 10, refused: 9}, 401, "9 of 10 answers were refusals"},
		{"one without an answer", sample{requests: 10, broken: 1}, 200, "1 requests got no answer"},
		{"no tokens left", sample{requests: 10, exhausted: 2}, 200, "ran out of tokens"},
		{"nothing", sample{}, 200, "nothing was answered"},
	}
	for _, tt := range tests {
		err := tt.sample.check(tt.status)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestWrkCommand(t *testing.T) {
	b := &bench{dir: "/tmp/x"}
	tests := []struct {
		pins pins
		load load
		want string
	}{
		{pins{on: true, server: 4, client: 5}, load{}, "taskset -c 5 wrk -t2 -c64 -d4s --timeout 5s -s /tmp/x/load.lua http://127.0.0.1:1"},
		{pins{}, load{}, "wrk -t2 -c64 -d4s --timeout 5s -s /tmp/x/load.lua http://127.0.0.1:1"},
		{pins{}, load{few: true}, "wrk -t2 -c8 -d4s --timeout 5s -s /tmp/x/load.lua http://127.0.0.1:1"},
	}
	for _, tt := range tests {
		b.pins = tt.pins
		if got := strings.Join(b.wrkCommand("127.0.0.1:1", tt.load.connections(), 4), " "); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
