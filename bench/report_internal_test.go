package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestStatistics(t *testing.T) {
	tests := []struct {
		values []float64
		want   string
	}{
		{nil, "–"},
		{[]float64{7}, "7"},
		{[]float64{3, 1}, "2 (1–3)"},
		{[]float64{90_000, 1, 12_345.6}, "12,346 (1–90,000)"},
		{[]float64{4, 1, 3, 2}, "3 (1–4)"}, // 2.5, rounded up
	}
	for _, tt := range tests {
		if got := spread(tt.values, thousands); got != tt.want {
			t.Errorf("spread of %v: got %s, want %s", tt.values, got, tt.want)
		}
	}
	values := []float64{3, 1, 2}
	if got := median(values); got != 2 || values[0] != 3 {
		t.Errorf("got the median %v of what is now %v, want 2 and the order kept", got, values)
	}
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -123456: "-123,456"} {
		if got := thousands(v); got != want {
			t.Errorf("thousands of %v: got %s, want %s", v, got, want)
		}
	}
}

func TestLevels(t *testing.T) {
	more := levels{must: 0.6, aim: 0.8, beyond: 1.2}
	less := levels{must: 5, aim: 2.5, beyond: 1.5, atMost: true}
	tests := []struct {
		levels levels
		value  float64
		want   string
	}{
		{more, 0.59, "**missed**"},
		{more, 0.6, "must"},
		{more, 0.8, "aim"},
		{more, 1.3, "beyond"},
		{less, 5.1, "**missed**"},
		{less, 5, "must"},
		{less, 2.5, "aim"},
		{less, 1, "beyond"},
		{levels{}, 1, "–"},
	}
	for _, tt := range tests {
		if got := tt.levels.verdict(tt.value); got != tt.want {
			t.Errorf("%v against %+v: got %s, want %s", tt.value, tt.levels, got, tt.want)
		}
	}
	if got := less.write(milliseconds); got != "≤ 5.0 ms / 2.5 ms / 1.5 ms" {
		t.Errorf("got %s", got)
	}
}

func TestSealedToAES(t *testing.T) {
	f, r := newSealedFigures("GCM"), new(row)
	r.samples = []sample{{requests: 80_000, took: time.Second}, {requests: 40_000, took: time.Second}, {requests: 60_000, took: time.Second}}
	if f.compare(r); len(f.warm.values) != 0 {
		t.Errorf("got %v beside no AES", f.warm.values)
	}
	f.opened.add(4_000_000)
	if f.compare(r); spread(f.warm.values, f.warm.format) != "0.0150 (0.0100–0.0200)" {
		t.Errorf("got %s", spread(f.warm.values, f.warm.format))
	}
	r.failed = errors.New("stopped")
	if f.compare(r); f.warm.failed == nil {
		t.Error("got a figure of a row that failed")
	}
}

func TestReport(t *testing.T) {
	b := &bench{scale: scale{tokens: 1_000_000, presented: 1_000_000, apiTokens: 100_000, rounds: 3, seconds: 4, body: 1 << 30}, rows: newRows(), figures: newFigures(), floods: newFloods(minTokens), latencies: newLatencies(), began: time.Now()}
	b.rows.hot.samples = []sample{
		{requests: 300_000, took: 4 * time.Second, p50: time.Millisecond, p99: 2 * time.Millisecond, busy: 0.99},
		{requests: 280_000, took: 4 * time.Second, p50: time.Millisecond, p99: 3 * time.Millisecond, busy: 0.97},
		{requests: 320_000, took: 4 * time.Second, p50: time.Millisecond, p99: 2 * time.Millisecond, busy: 0.98},
	}
	b.rows.hot.ratios = []float64{0.81, 0.79, 0.83}
	b.rows.hot.rss = []float64{512 << 20}
	b.rows.hot.allocs = []float64{3.1, 2.9}
	b.rows.bare.samples = []sample{{requests: 1000, took: time.Second, p50: 2 * time.Millisecond, p99: 2 * time.Millisecond, busy: 0.5}}
	b.rows.cold.failed = errors.New("a | b\nc")
	b.figures.ready.add(0.5)
	got := b.report()
	for _, want := range []string{
		"| `/auth-request`, one personal token, warm | 75,000 (70,000–80,000) | 0.81 (0.79–0.83) | bare net/http | ≥ 0.60 / 0.80 / 1.20 |" +
			" 1.0 ms | 2.0 ms (2.0 ms–3.0 ms) | ≤ 5.0 ms / 2.5 ms / 1.5 ms | aim, p99 aim | 98 % | 13.2 µs | 512 MiB | 3 |\n",
		`| **failed**: a \| b c |`,
		"| 1,000 | – | – | – | 2.0 ms | 2.0 ms | – | –, but the server had only 50 % of its core | 50 % | 500.0 µs | – | – |\n",
		"| start to ready | 0.50 s | ≤ 2.00 s / 1.00 s / 0.20 s | aim |\n",
		"1,000,000 live tokens, of which 1,000,000 were presented, 100,000 API tokens, large bodies of 1,024 MiB, rounds: 3 of 4 s",
		"bench/load.lua",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
	columns := 0
	for l := range strings.Lines(got) {
		if strings.HasPrefix(l, "| path") {
			columns = strings.Count(l, "|")
		}
		if strings.HasPrefix(l, "| `") && strings.Count(l, "|")-strings.Count(l, `\|`) != columns {
			t.Errorf("a line of other columns than the head's: %s", l)
		}
	}
}

func TestTokenBesideBasic(t *testing.T) {
	r := newRows()
	if got := r.tokenBesideBasic(); got != "" {
		t.Errorf("got %q before anything was measured", got)
	}
	for row, requests := range map[*row]int64{r.hot: 33_000, r.password: 30_000, r.cold: 8000, r.coldPassword: 40} {
		row.samples = []sample{{requests: requests, took: time.Second}}
	}
	want := " A personal token admits 1.10 times as many calls as HTTP Basic where both are remembered (33,000/s against 30,000/s)," +
		" and 200 times as many where neither is (8,000/s against 40/s)."
	if got := r.tokenBesideBasic(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFailures shows that a table with a hole in it doesn't end the program as one without does.
func TestFailures(t *testing.T) {
	b := &bench{rows: newRows(), figures: newFigures(), latencies: newLatencies()}
	for _, r := range b.rows.all() {
		r.samples = []sample{{requests: 1}}
	}
	for _, f := range b.figures.all() {
		f.add(1)
	}
	for _, l := range b.latencies {
		l.add(&outcome{P99: 1})
	}
	if err := b.failures(); err != nil {
		t.Errorf("got %v, want none: every path was measured", err)
	}
	b.rows.bare.samples, b.rows.hot.failed, b.figures.jwt.failed, b.latencies[5].p99 = nil, errors.New("it broke"), errors.New("no figure"), nil
	err := b.failures()
	if err == nil || !strings.Contains(err.Error(), "it broke") || !strings.Contains(err.Error(), "without headers: not measured") ||
		!strings.Contains(err.Error(), "no figure") || !strings.Contains(err.Error(), "open loop at 80 % of capacity: not measured") {
		t.Errorf("got %v, want what failed and what was not measured", err)
	}
}
