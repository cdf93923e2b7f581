package main

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goBenchOutput = `goos: linux
pkg: github.com/jeton-io/jeton/internal/accesstoken
BenchmarkCold/bare_signature         	   15022	     77348 ns/op
BenchmarkCold/proof                  	   13327	     89608.5 ns/op	    6920 B/op	      96 allocs/op
BenchmarkCold/proof-2                	   26000	     45000 ns/op	    6920 B/op	      96 allocs/op
PASS
`

func TestParseGoBench(t *testing.T) {
	got, err := parseGoBench(goBenchOutput, "Cold")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]measures{
		"bare_signature": {"ns/op": 77348},
		"proof":          {"ns/op": 89608.5, "B/op": 6920, "allocs/op": 96},
		"proof-2":        {"ns/op": 45000, "B/op": 6920, "allocs/op": 96},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the parts differ (-want +got):\n%s", diff)
	}
	of, err := pairOf(got, "bare_signature", "proof")
	if err != nil || of.bare != 1e9/77348 || of.ratio != 77348/89608.5 {
		t.Errorf("got %+v, %v", of, err)
	}
	if of, err := pairOf(got, "bare_signature", "elsewhere"); err == nil {
		t.Errorf("got %+v of a part that isn't there, want an error", of)
	}
	got, err = parseGoBench("BenchmarkWarm-2   \t 100\t 700 ns/op\nBenchmarkWarm   \t 100\t 900 ns/op\t 0 allocs/op\nBenchmarkWarmer 1 2 ns/op\n", "Warm")
	if diff := cmp.Diff(map[string]measures{"-2": {"ns/op": 700}, "": {"ns/op": 900, "allocs/op": 0}}, got); err != nil || diff != "" {
		t.Errorf("a benchmark without parts differs (-want +got), %v:\n%s", err, diff)
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

// TestGoBench runs the Go benchmarks that the figures in process come from: their names are known to both sides.
func TestGoBench(t *testing.T) {
	b := &bench{scale: scale{seconds: 1, hurried: true}, dir: t.TempDir(), progress: progress{io.Discard}, figures: newFigures()}
	if err := b.buildGoBench(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct {
		bench goBench
		bare  string
		part  string
	}{
		{coldAccess(), bareSignature, "proof"}, {exchanged(), bareSignature, "exchange"}, {coldPersonal(), bareSelect, "proof"},
	} {
		if got, err := b.runPair(t.Context(), of.bench, of.bare, of.part); err != nil || got.bare < 100 || got.ratio <= 0 {
			t.Errorf("%s: got %+v, %v, want how often a second and a ratio to that", of.bench.name, got, err)
		}
	}
	if err := b.inProcess(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := &b.figures
	for _, one := range []*figure{f.opaque, f.opaqueRandom, f.jwt, f.cores, f.coresRandom, f.gcm.part, f.cbc.part, f.personalProof} {
		if one.failed != nil || len(one.values) != 1 || one.values[0] <= 0 {
			t.Errorf("%s: got %v, %v", one.name, one.values, one.failed)
		}
	}
}
