package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goBenchOutput = `goos: linux
pkg: github.com/jeton-io/jeton/internal/accesstoken
BenchmarkCold/bare_signature         	   15022	     77348 ns/op
BenchmarkCold/proof                  	   13327	     89608.5 ns/op	    6920 B/op	      96 allocs/op
PASS
`

func TestParseGoBench(t *testing.T) {
	got, err := parseGoBench(goBenchOutput, "Cold")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]float64{"bare_signature": 77348, "proof": 89608.5}, got); diff != "" {
		t.Errorf("the parts differ (-want +got):\n%s", diff)
	}
	for name, out := range map[string]string{
		"nothing":               "PASS\n",
		"another benchmark":     "BenchmarkWarm/proof 1 2 ns/op\n",
		"no nanoseconds":        "BenchmarkCold/proof 1 2 MB/s\n",
		"no number":             "BenchmarkCold/proof 1 two ns/op\n",
		"cut in the middle":     "BenchmarkCold/proof 1\n",
		"its name, and no more": "BenchmarkCold/\n",
	} {
		if got, err := parseGoBench(out, "Cold"); err == nil {
			t.Errorf("%s: got %v, want an error", name, got)
		}
	}
}

// TestGoBench runs the Go benchmarks that the units come from: their names are known to both sides.
func TestGoBench(t *testing.T) {
	b := &bench{scale: scale{seconds: 1}, dir: t.TempDir()}
	if err := b.buildGoBench(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, of := range []goBench{coldAccess(), exchanged(), coldGCM(), coldCBC()} {
		if got, err := b.run(t.Context(), of); err != nil || got.bare < 100 || got.ratio <= 0 {
			t.Errorf("%s: got %+v, %v, want how often a second and a ratio to that", of.name, got, err)
		}
	}
	elsewhere := coldAccess()
	elsewhere.part = "elsewhere"
	if got, err := b.run(t.Context(), elsewhere); err == nil {
		t.Errorf("got %+v of a part that isn't there, want an error", got)
	}
}
