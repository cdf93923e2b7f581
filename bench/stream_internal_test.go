package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	thousand := make([]float64, 1000)
	for i := range thousand {
		thousand[i] = float64(1000 - i)
	}
	tests := []struct {
		figures  []float64
		perMille int
		want     float64
	}{
		{nil, 500, 0},
		{[]float64{7}, 500, 7},
		{[]float64{7}, 999, 7},
		{[]float64{2, 1}, 500, 1},
		{[]float64{3, 1, 2}, 500, 2},
		{[]float64{3, 1, 2}, 990, 3},
		{thousand, 500, 500},
		{thousand, 990, 990},
		{thousand, 999, 999},
		{thousand[:999], 999, 1000}, // 2 to 1000: its rank is rounded up
	}
	for _, tt := range tests {
		if got := quantile(tt.figures, tt.perMille); got != tt.want {
			t.Errorf("%d of a thousand in %d figures: got %v, want %v", tt.perMille, len(tt.figures), got, tt.want)
		}
	}
	if thousand[0] != 1000 {
		t.Error("the figures were put into another order")
	}
}

func TestDue(t *testing.T) {
	begin := time.Now()
	s := streaming{stream: &stream{rate: 2000}, begin: begin}
	for n, want := range map[int]time.Duration{0: 0, 1: 500 * time.Microsecond, 2000: time.Second, 18_000_000: 9000 * time.Second} {
		if got := s.due(n).Sub(begin); got != want {
			t.Errorf("request %d: got it due after %v, want %v", n, got, want)
		}
	}
}

// stalling answers nothing until it is let go.
type stalling struct {
	free    chan struct{}
	arrived atomic.Int64
}

func (s *stalling) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.arrived.Add(1)
	<-s.free
	w.Header().Set("X-Jeton-Status", "200")
}

// TestStall shows that a request is timed from when it was due and not from when it was sent: of a server that stalls, the
// requests that found no connection free meanwhile are as slow as those it held.
func TestStall(t *testing.T) {
	server := &stalling{free: make(chan struct{})}
	address := listen(t, server)
	s := stream{address: address, requests: []string{askGateway(address).with("x")}, rate: 1000, connections: 2}
	const count, stall = 50, 200 * time.Millisecond
	begin := time.Now()
	time.AfterFunc(stall, func() { close(server.free) })
	answers, err := s.run(t.Context(), begin, count)
	if err != nil {
		t.Fatal(err)
	}
	if got := server.arrived.Load(); got != count {
		t.Errorf("got %d requests sent, want %d", got, count)
	}
	for n, a := range answers {
		least := stall - time.Duration(n)*time.Millisecond
		if a.took < least || a.took < a.late || a.status != "200" {
			t.Errorf("request %d: got %+v, want one that took %v at least", n, a, least)
		}
		if n >= s.connections && a.late < least {
			t.Errorf("request %d: got it sent %v late, want %v at least: no connection was free", n, a.late, least)
		}
	}
}

// TestSchedule shows that requests are sent in turn, the first after the last, and none before it is due.
func TestSchedule(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	address := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Header.Get("Authorization")]++
		w.Header().Set("X-Jeton-Status", "429")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	ask := askGateway(address)
	s := stream{address: address, requests: []string{ask.with("a"), ask.with("b"), ask.with("c")}, rate: 1000, connections: 4}
	begin := time.Now()
	answers, err := s.run(t.Context(), begin, 31)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 30*time.Millisecond {
		t.Errorf("got all sent within %v, want 30ms at least", took)
	}
	if seen["Bearer a"] != 11 || seen["Bearer b"] != 10 || seen["Bearer c"] != 10 {
		t.Errorf("got %v, want 11 of the first and 10 of the others", seen)
	}
	for n, a := range answers {
		if a.late < 0 || a.status != "429" {
			t.Errorf("request %d: got %+v", n, a)
		}
	}
}

// TestStreamEnds shows that a stream ends by its context, and by the first answer that doesn't come.
func TestStreamEnds(t *testing.T) {
	address := listen(t, &fakeGateway{})
	s := stream{address: address, requests: []string{askGateway(address).with("x")}, rate: 1, connections: 3}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := s.run(ctx, time.Now(), 100); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of its context", err)
	}
	s.address = listen(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	if _, err := s.run(t.Context(), time.Now(), 100); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that no answer came", err)
	}
}
