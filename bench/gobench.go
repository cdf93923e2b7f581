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

// What signatures cost and what is added to them, in process and without HTTP, as the Go benchmarks of
// internal/accesstoken measure it: those give the units of the paths that sign or check one. Like the store's own rates
// they are taken on Jeton's core, while Jeton is idle.
const (
	coldBench, coldPart         = "Cold", "proof"
	exchangeBench, exchangePart = "Exchange", "exchange"
	// bareSignature is the part that is crypto/ecdsa and nothing else.
	bareSignature = "bare_signature"
)

// goBenchTest is the program of those benchmarks in the temporary folder.
const goBenchTest = "accesstoken.test"

// pair is what one Go benchmark tells.
type pair struct {
	bare  float64 // of the signature alone: how often a second
	ratio float64 // the whole rate as a part of it
}

// goBench runs a Go benchmark whose parts are bareSignature and the one that is named: each for as long as a unit is measured.
func (b *bench) goBench(ctx context.Context, name, part string) (pair, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Duration(b.unitSeconds())*time.Second+wrkGrace)
	defer cancel()
	argv := b.pins.wrap(b.pins.server, filepath.Join(b.dir, goBenchTest), "-test.run", "^$", "-test.bench", "^Benchmark"+name+"$",
		"-test.cpu", "1", "-test.benchtime", strconv.Itoa(b.unitSeconds())+"s")
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = attributes()
	cmd.Dir = b.dir
	cmd.Env = append(bareEnvironment(), oneProcessor)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return pair{}, fmt.Errorf("running the Go benchmark %s: %w: %s%s", name, err, out, complaints.Bytes())
	}
	nanoseconds, err := parseGoBench(string(out), name)
	if err != nil {
		return pair{}, err
	}
	bare, whole := nanoseconds[bareSignature], nanoseconds[part]
	if bare <= 0 || whole <= 0 {
		return pair{}, fmt.Errorf("reading the Go benchmark %s: it lacks %s or %s: %q", name, bareSignature, part, out)
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

// buildGoBench compiles the benchmarks.
func (b *bench) buildGoBench(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", filepath.Join(b.dir, goBenchTest), "github.com/jeton-io/jeton/internal/accesstoken")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the Go benchmarks of internal/accesstoken: %w\n%s", err, out)
	}
	return nil
}
