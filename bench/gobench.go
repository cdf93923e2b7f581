package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// goBench is a Go benchmark of a package of internal/: what cryptography costs and what is added to that, in process and without
// HTTP. Like the store's own rates they are taken on Jeton's core, while Jeton is idle.
type goBench struct {
	folder, name string
	bare         string // the part that is the standard library's cryptography and nothing else
	part         string // the part that has all the rest, too
}

// coldAccess gives the unit of a path that checks an access token which it sees for the first time.
func coldAccess() goBench { return goBench{"accesstoken", "Cold", "bare_signature", "proof"} }

// exchanged gives the unit of an exchange.
func exchanged() goBench { return goBench{"accesstoken", "Exchange", "bare_signature", "exchange"} }

// coldGCM and coldCBC are figures of their own: sealed tokens that were never seen.
func coldGCM() goBench { return goBench{"project", "ColdGCM", "bare_AES", "proof"} }
func coldCBC() goBench { return goBench{"project", "ColdCBC", "bare_AES", "proof"} }

// program is where the benchmarks of a folder are, compiled.
func (g *goBench) program(dir string) string { return filepath.Join(dir, g.folder+".test") }

// pair is what one Go benchmark tells.
type pair struct {
	bare  float64 // of cryptography alone: how often a second
	ratio float64 // the whole rate as a part of it
}

// run runs a Go benchmark, each of its parts for as long as a unit is measured.
func (b *bench) run(ctx context.Context, of goBench) (pair, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Duration(b.unitSeconds())*time.Second+wrkGrace)
	defer cancel()
	argv := b.pins.wrap(b.pins.server, of.program(b.dir), "-test.run", "^$", "-test.bench", "^Benchmark"+of.name+"$",
		"-test.cpu", "1", "-test.benchtime", strconv.Itoa(b.unitSeconds())+"s")
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = attributes()
	cmd.Dir = b.dir
	cmd.Env = append(bareEnvironment(), oneProcessor)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return pair{}, fmt.Errorf("running the Go benchmark %s: %w: %s%s", of.name, err, out, complaints.Bytes())
	}
	nanoseconds, err := parseGoBench(string(out), of.name)
	if err != nil {
		return pair{}, err
	}
	bare, whole := nanoseconds[of.bare], nanoseconds[of.part]
	if bare <= 0 || whole <= 0 {
		return pair{}, fmt.Errorf("reading the Go benchmark %s: it lacks %s or %s: %q", of.name, of.bare, of.part, out)
	}
	return pair{bare: 1e9 / bare, ratio: bare / whole}, nil
}

// parseGoBench reads how many nanoseconds each part of a benchmark took, from lines as
//
//	BenchmarkCold/bare_signature   	   10000	    95000 ns/op	    1000 B/op
func parseGoBench(out, name string) (map[string]float64, error) {
	parts := map[string]float64{}
	for l := range strings.Lines(out) {
		part, ok := strings.CutPrefix(l, "Benchmark"+name+"/")
		if !ok {
			continue
		}
		fields := strings.Fields(part)
		if len(fields) < 4 || fields[3] != "ns/op" {
			return nil, fmt.Errorf("reading a Go benchmark: %q", l)
		}
		n, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return nil, fmt.Errorf("reading a Go benchmark: %w", err)
		}
		parts[fields[0]] = n
	}
	if len(parts) == 0 {
		return nil, errors.New("reading a Go benchmark: it measured nothing")
	}
	return parts, nil
}

// buildGoBench compiles the benchmarks, those of a folder together.
func (b *bench) buildGoBench(ctx context.Context) error {
	for _, of := range []goBench{coldAccess(), coldGCM()} {
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", of.program(b.dir), "github.com/jeton-io/jeton/internal/"+of.folder)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building the Go benchmarks of internal/%s: %w\n%s", of.folder, err, out)
		}
	}
	return nil
}
