package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/test/pg"
)

func TestGrowthReport(t *testing.T) {
	took := func(requests int64, p99 time.Duration) sample {
		return sample{requests: requests, took: time.Second, p99: p99}
	}
	g := &growth{sizes: []int{10_000, 50_000}, stores: []string{onSQLite, onPostgres}, rows: []*grown{
		{
			store: onSQLite, tokens: 10_000_000, database: 4 << 30, ready: 0.5, readIn: 30, remembered: 10_000_000, heap: 120, resident: 250,
			warm: took(60_000, 2*time.Millisecond), warmRatio: 0.74, cold: took(20_000, 4*time.Millisecond), issue: took(3000, 0),
		},
		{store: onSQLite, tokens: 10_000, warm: took(70_000, time.Millisecond), warmRatio: 0.80, cold: took(1, 0), issue: took(1, 0)},
		{store: onPostgres, tokens: 10_000, warm: took(70_000, time.Millisecond), warmRatio: 0.80, cold: took(1, 0), issue: took(1, 0)},
	}}
	got := g.report(&bench{scale: quick(), began: time.Now()})
	for _, want := range []string{
		"50,000 tokens presented at most, rounds: 1 of 1 s",
		"| SQLite | 10,000,000 | 4,096 MiB | 0.50 s | 30.00 s | 10,000,000 | 120 B | 250 B | 60,000 | 0.74 | 2.0 ms | 20,000 | 4.0 ms | 3,000 |\n",
		"On SQLite, from 10,000 tokens to 10,000,000, warm checks changed by -8 % and their p99 by +100 % (levels −20 % / −10 % / flat: aim, p99 **missed**).",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "On PostgreSQL") {
		t.Errorf("the report compares one size with itself:\n%s", got)
	}
}

func TestMiddleSample(t *testing.T) {
	var all []sample
	for _, n := range []int64{90, 10, 50} {
		all = append(all, sample{requests: n, took: time.Second})
	}
	if got := middleSample(all); got.requests != 50 {
		t.Errorf("got %d requests, want those in the middle", got.requests)
	}
}

func TestRemember(t *testing.T) {
	for size, want := range map[int][]string{10_000: nil, 1_000_000: nil, 10_000_000: {"--max-remembered", "21000000"}} {
		if got := remember(size); !slices.Equal(got, want) {
			t.Errorf("%d tokens: got %v, want %v", size, got, want)
		}
	}
}

// TestKeepBack shows that the tokens of a cold round aren't in the database while Jeton starts, and are afterwards; and that the
// spare ones, and those of the warm paths, always are.
func TestKeepBack(t *testing.T) {
	for name, at := range map[string]home{
		"SQLite":     {data: t.TempDir()},
		"PostgreSQL": {data: t.TempDir(), dsn: pg.Start(t).DSN("postgres")},
	} {
		t.Run(name, func(t *testing.T) {
			const cold = 50
			at.found(t)
			live, err := makeSecrets(100+cold+spareUsers, liveSeed)
			if err != nil {
				t.Fatal(err)
			}
			as := at.fill(t, live, 0)
			b := &bench{at: at}
			for range 2 { // each round does it again
				kept, err := b.keepBack(t.Context(), cold)
				if err != nil {
					t.Fatal(err)
				}
				look := func(wantKept bool) {
					for n, want := range map[int]bool{99: true, 100: wantKept, 100 + cold - 1: wantKept, 100 + cold: true} {
						if got := kept.has(t, as.digest(live[n])); got != want {
							t.Errorf("token %d: got it there: %t, want %t", n, got, want)
						}
					}
				}
				look(false)
				if err := kept.putIn(t.Context()); err != nil {
					t.Fatal(err)
				}
				look(true)
				drop(kept)
			}
		})
	}
}

// has says whether a token is in the database.
func (k *keptBack) has(t *testing.T, d keyring.Digest) bool {
	t.Helper()
	var n int
	if err := k.db.QueryRowContext(t.Context(), `SELECT count(*) FROM personal_token WHERE digest = $1`, d.Sum[:]).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n == 1
}
