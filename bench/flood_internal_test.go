package main

import (
	"bufio"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLogins shows that no two log-ins of a run are the same: Jeton checks those but once.
func TestLogins(t *testing.T) {
	const count = 2000
	for _, f := range newFloods(minTokens) {
		if f.from == nil {
			continue
		}
		guesses, addresses := map[string]bool{}, map[netip.Addr]bool{}
		for round := range 2 {
			for _, text := range f.logins("127.0.0.1:1", round, count).requests {
				r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
				if err != nil {
					t.Fatal(err)
				}
				name, password, ok := r.BasicAuth()
				if !ok || len(name) != len(userName(1)) || password == everyonesPassword || r.Header.Get("X-Original-Url") == "" {
					t.Fatalf("%s: got %q", f.name, text)
				}
				guesses[name+password], addresses[netip.MustParseAddr(r.Header.Get("X-Real-Ip"))] = true, true
			}
		}
		want := 2 // one for each round, whose bounds are whole then
		if strings.Contains(f.name, "another") {
			want = 2 * count
		}
		if len(guesses) != 2*count || len(addresses) != want {
			t.Errorf("%s: got %d guesses from %d addresses, want %d from %d", f.name, len(guesses), len(addresses), 2*count, want)
		}
	}
}

func TestFloodCounts(t *testing.T) {
	f := &flood{}
	if err := f.countLogins([]answer{{status: "401"}, {status: "503"}, {status: "429"}, {status: "429"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]float64{{1}, {2}, {1}}, [][]float64{f.hashed, f.throttled, f.busy}); diff != "" {
		t.Errorf("log-ins differ (-want +got):\n%s", diff)
	}
	if err := f.countLogins([]answer{{status: "401"}, {status: "200"}}); err == nil || !strings.Contains(err.Error(), "1 of 2") {
		t.Errorf("got %v, want the wrong password that was admitted told", err)
	}
	var checks []answer
	for n := range 1000 {
		checks = append(checks, answer{took: time.Duration(n+1) * time.Millisecond, late: time.Millisecond, status: "200"})
	}
	if err := f.addChecks(checks); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]float64{{500}, {990}, {999}, {1}}, [][]float64{f.p50, f.p99, f.p999, f.late}); diff != "" {
		t.Errorf("checks differ (-want +got):\n%s", diff)
	}
	checks[3].status = "401"
	if err := f.addChecks(checks); err == nil || !strings.Contains(err.Error(), "1 of 1000") || len(f.p99) != 1 {
		t.Errorf("got %v, want the refused check told and its run not counted", err)
	}
}

func TestFloodVerdict(t *testing.T) {
	quiet, busy := &flood{p99: []float64{1}}, &flood{p99: []float64{40}}
	tests := []struct {
		flood, alone *flood
		want         string
	}{
		{quiet, quiet, "–"},
		{&flood{promised: true}, quiet, "**not measured**"},
		{&flood{promised: true, p99: []float64{15}}, quiet, "kept"},
		{&flood{promised: true, p99: []float64{15.1}}, quiet, "**missed**"},
		{&flood{promised: true, p99: []float64{3, 90, 4}}, quiet, "kept"}, // one round of three
		{&flood{promised: true, p99: []float64{90}}, busy, "**missed**, but without log-ins p99 was 40.0 ms"},
		{&flood{promised: true, p99: []float64{90}, failed: errors.New("it broke")}, quiet, "**failed**: it broke"},
	}
	for _, tt := range tests {
		if got := tt.flood.verdict(tt.alone); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestFloodReport(t *testing.T) {
	b := &bench{scale: scale{tokens: 1000, rounds: 1, seconds: 4, only: onlyFlood}, floods: newFloods(minTokens), began: time.Now(), pins: pins{on: true, server: 2, client: 3}}
	if err := b.failures(); err == nil || !strings.Contains(err.Error(), "no log-ins: not measured") {
		t.Errorf("got %v, want what was not measured told", err)
	}
	for _, f := range b.floods {
		f.p50, f.p99, f.p999, f.late = []float64{0.5}, []float64{5}, []float64{9}, []float64{1}
		f.hashed, f.throttled, f.busy = []float64{300}, []float64{0}, []float64{3700}
	}
	if err := b.failures(); err != nil {
		t.Errorf("got %v, want none: the paths weren't asked for", err)
	}
	got := b.report()
	for _, want := range []string{
		"| no log-ins | 0.5 ms | 5.0 ms | 9.0 ms | – | – | 1.0 ms |",
		"| 500 log-ins/s, each from another address | 0.5 ms | 5.0 ms | 9.0 ms | p99 ≤ 15.0 ms | kept | 1.0 ms | 300 | 0 | 3,700 |\n",
		"An open loop for 8 s", "Jeton on cores 2 and 3",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "bare net/http") {
		t.Errorf("the report has paths that weren't asked for:\n%s", got)
	}
}
