package main

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestArrivals shows that requests come as often as they should, at times that are the same in each session, and not at even intervals.
func TestArrivals(t *testing.T) {
	const count = 100_000
	a, again := newArrivals(1000, 7), newArrivals(1000, 7)
	var gaps []float64
	for last := time.Duration(0); len(gaps) < count; {
		if a.next != again.next {
			t.Fatalf("arrival %d: got %s and then %s", len(gaps), a.next, again.next)
		}
		gaps = append(gaps, (a.next - last).Seconds())
		last = a.next
		a.step()
		again.step()
	}
	if got := a.next.Seconds(); math.Abs(got-100) > 2 {
		t.Errorf("got %d requests in %.1f s, want about 100", count, got)
	}
	// Of exponential gaps a median one is ln 2 of the mean, and 1 of 1,000 is more than ln 1,000 times that.
	if middle, far := quantile(gaps, 500), quantile(gaps, 999); math.Abs(middle*1000-math.Ln2) > 0.02 || math.Abs(far*1000-math.Log(1000)) > 0.5 {
		t.Errorf("got a median gap of %v s and %v s at p99.9", middle, far)
	}
}

// TestSummarize shows that an answer is timed from when its request was due, and that the warm-up doesn't count.
func TestSummarize(t *testing.T) {
	var all []timing
	for n := range 2000 {
		due := time.Duration(n) * time.Millisecond
		all = append(all, timing{due: due, could: due, sent: due + 2*time.Millisecond, answered: due + 5*time.Millisecond})
	}
	all[10].answered += time.Minute // in the warm-up
	all[1500].could, all[1500].sent, all[1500].answered = all[1500].due+time.Second, all[1500].due+2*time.Second, all[1500].due+3*time.Second
	got, err := summarize(all, time.Second)
	want := outcome{Rate: 1000 / 3.5, P50: 0.005, P99: 0.005, P999: 0.005, Most: 3, LateP99: 0.002, LateMost: 1}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got, err := summarize(all[:900], time.Second); err == nil {
		t.Errorf("got %+v of the warm-up alone, want an error", got)
	}
}

func TestLoadLimited(t *testing.T) {
	good := outcome{Rate: 990, P99: 0.004, LateP99: 0.001, Idle: 0.3}
	for name, change := range map[string]func(*outcome){
		"never idle": func(o *outcome) { o.Idle = 0.01 },
		"sent late":  func(o *outcome) { o.LateP99 = 0.003 },
	} {
		o := good
		change(&o)
		if good.loadLimited() || !o.loadLimited() {
			t.Errorf("%s: got %t, and %t where all is well", name, o.loadLimited(), good.loadLimited())
		}
	}
	if behind := (outcome{Rate: 500, P99: 3, LateP99: 0.001, Idle: 0.3}); behind.loadLimited() {
		t.Error("the load is blamed for a server that falls behind")
	}
}

func TestComplete(t *testing.T) {
	tests := []struct {
		answer string
		want   bool
		err    string
	}{
		{"", false, ""},
		{"HTTP/1.1 20", false, ""},
		{"HTTP/1.1 200 OK\r\nA: b\r\n", false, ""},
		{"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", true, ""},
		{"HTTP/1.1 401 Unauthorized\r\n", false, "HTTP/1.1 401 Unauthorized"},
		{"HTTP/1.1 204 No Content\r\n\r\n", false, "HTTP/1.1 204"},
	}
	for _, tt := range tests {
		got, err := complete([]byte(tt.answer))
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: got %t, %v", tt.answer, got, err)
		}
	}
}

// TestOpenLoop sends an open loop to a server as the program does that runs by itself.
func TestOpenLoop(t *testing.T) {
	var asked atomic.Int64
	address := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization") != "Bearer good" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	spec := func(token string) *bytes.Buffer {
		text, err := json.Marshal(&openLoop{
			Address: address, Request: askGateway(address).with(token), Rate: 2000, WarmUp: 50 * time.Millisecond, Length: 200 * time.Millisecond, Connections: 8, Seed: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		return bytes.NewBuffer(text)
	}
	want := 0
	for a := newArrivals(2000, 1); a.next < 250*time.Millisecond; a.step() {
		want++
	}
	var out bytes.Buffer
	if err := printOpenLoop(spec("good"), &out); err != nil {
		t.Fatal(err)
	}
	var o outcome
	if err := json.Unmarshal(out.Bytes(), &o); err != nil || o.P50 <= 0 || o.P99 < o.P50 || o.Most < o.P999 || o.Rate <= 0 || o.Idle < 0 || o.Idle > 1 {
		t.Errorf("got %s, %v", out.String(), err)
	}
	if got := int(asked.Load()); got != want {
		t.Errorf("got %d requests, want %d: each that was due", got, want)
	}
	if err := printOpenLoop(spec("bad"), &out); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("got %v, want the refusal told", err)
	}
}

func TestLatency(t *testing.T) {
	l := newLatencies()[5]
	if got := l.verdict(); got != "**not measured**" {
		t.Errorf("got %s", got)
	}
	l.add(&outcome{Rate: 80_000, P50: 0.0002, P99: 0.0021, P999: 0.004, Most: 0.009, LateP99: 0.0001, Idle: 0.25})
	if got := l.verdict(); got != "aim" {
		t.Errorf("got %s", got)
	}
	b := &bench{scale: scale{tokens: 1000, rounds: 1, seconds: 1, only: onlyLatency}, latencies: []*latency{l}, began: time.Now()}
	const want = "| 80 % of capacity | 80,000 | 0.20 ms | 2.10 ms | 4.00 ms | 9.00 ms | ≤ 5.0 ms / 2.5 ms / 1.5 ms | aim | 0.10 ms | 25 % |\n"
	if got := b.report(); !strings.Contains(got, want) || strings.Contains(got, "| path |") || strings.Contains(got, "log-ins") {
		t.Errorf("got %s, want the line %s and no other table", got, want)
	}
	l.add(&outcome{Rate: 40_000, P99: 0.0021})
	if got := l.verdict(); got != "aim, but the load itself was the limit" {
		t.Errorf("got %s", got)
	}
}
