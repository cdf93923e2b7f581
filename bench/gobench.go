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

// goBench is a Go benchmark of a package of internal/: what something bare costs and what is added to that, or what a warm check does,
// in process and without HTTP. Like the store's own rates they are taken on Jeton's core, while Jeton is idle.
type goBench struct {
	folder, name string
	cpus         string // as -test.cpu takes it; empty for one core
}

// What is measured in process.
func coldAccess() goBench   { return goBench{folder: "accesstoken", name: "Cold"} }
func exchanged() goBench    { return goBench{folder: "accesstoken", name: "Exchange"} }
func warmAccess() goBench   { return goBench{folder: "accesstoken", name: "Warm"} }
func coldPersonal() goBench { return goBench{folder: "personal", name: "Cold"} }
func coldGCM() goBench      { return goBench{folder: "project", name: "ColdGCM"} }
func coldCBC() goBench      { return goBench{folder: "project", name: "ColdCBC"} }
func warmOpaque() goBench   { return goBench{folder: "authority", name: "DecideWarm", cpus: "1,2"} }

// The parts that are bare: the standard library's cryptography, or the driver of SQLite, and nothing else.
const (
	bareSignature = "bare_signature"
	bareSelect    = "bare_select"
	bareAES       = "bare_AES"
)

// program is where the benchmarks of a folder are, compiled.
func (g *goBench) program(dir string) string { return filepath.Join(dir, g.folder+".test") }

// measures are what one part of a Go benchmark tells, by its units: ns/op, allocs/op.
type measures map[string]float64

// pair is what two parts of a Go benchmark tell.
type pair struct {
	bare  float64 // of the bare part: how often a second
	ratio float64 // the whole rate as a part of it
}

// goBenchGrace is how long a benchmark may take beside its parts: some fill a database, or a memory.
const goBenchGrace = 2 * time.Minute

// benchTime is how long each part of a Go benchmark is measured: as go test counts it, which is about half of what it takes.
func (b *bench) benchTime() string {
	if b.hurried {
		return "300ms"
	}
	return "500ms"
}

// run runs a Go benchmark.
func (b *bench) run(ctx context.Context, of goBench) (map[string]measures, error) {
	ctx, cancel := context.WithTimeout(ctx, goBenchGrace)
	defer cancel()
	cpus, wrap, env := "1", func(argv ...string) []string { return b.pins.wrap(b.pins.server, argv...) }, oneProcessor
	if of.cpus != "" {
		cpus, wrap, env = of.cpus, b.pins.wrapBoth, "GOMAXPROCS=2"
	}
	argv := wrap(of.program(b.dir), "-test.run", "^$", "-test.bench", "^Benchmark"+of.name+"$",
		"-test.cpu", cpus, "-test.benchmem", "-test.benchtime", b.benchTime())
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = attributes()
	cmd.Dir = b.dir
	cmd.Env = append(bareEnvironment(), env)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running the Go benchmark %s: %w: %s%s", of.name, err, out, complaints.Bytes())
	}
	return parseGoBench(string(out), of.name)
}

// pairOf compares a part of a Go benchmark with its bare one.
func pairOf(parts map[string]measures, bare, part string) (pair, error) {
	few, whole := parts[bare]["ns/op"], parts[part]["ns/op"]
	if few <= 0 || whole <= 0 {
		return pair{}, fmt.Errorf("reading a Go benchmark: it lacks %s or %s: %v", bare, part, parts)
	}
	return pair{bare: 1e9 / few, ratio: few / whole}, nil
}

// runPair runs a Go benchmark of two parts.
func (b *bench) runPair(ctx context.Context, of goBench, bare, part string) (pair, error) {
	parts, err := b.run(ctx, of)
	if err != nil {
		return pair{}, err
	}
	return pairOf(parts, bare, part)
}

// parseGoBench reads what each part of a benchmark tells, from lines as
//
//	BenchmarkCold/bare_signature-2   	   10000	    95000 ns/op	    1000 B/op
//
// A benchmark without parts has one whose name is empty. How many cores it had stays with the name: there is no telling it
// from the name's own digits.
func parseGoBench(out, name string) (map[string]measures, error) {
	parts := map[string]measures{}
	for l := range strings.Lines(out) {
		rest, ok := strings.CutPrefix(l, "Benchmark"+name)
		if !ok || !strings.ContainsAny(rest[:1], "/- \t") {
			continue
		}
		fields := strings.Fields(rest)
		if !strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, "-") {
			fields = append([]string{""}, fields...)
		}
		if len(fields) < 4 || len(fields)%2 != 0 {
			return nil, fmt.Errorf("reading a Go benchmark: %q", l)
		}
		found := measures{}
		for n := 2; n < len(fields); n += 2 {
			v, err := strconv.ParseFloat(fields[n], 64)
			if err != nil {
				return nil, fmt.Errorf("reading a Go benchmark: %w", err)
			}
			found[fields[n+1]] = v
		}
		if _, ok := found["ns/op"]; !ok {
			return nil, fmt.Errorf("reading a Go benchmark: %q", l)
		}
		parts[strings.TrimPrefix(fields[0], "/")] = found
	}
	if len(parts) == 0 {
		return nil, errors.New("reading a Go benchmark: it measured nothing")
	}
	return parts, nil
}

// buildGoBench compiles the benchmarks, those of a folder together.
func (b *bench) buildGoBench(ctx context.Context) error {
	b.progress.say("building what is measured in process")
	for _, of := range []goBench{coldAccess(), coldPersonal(), coldGCM(), warmOpaque()} {
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", of.program(b.dir), "github.com/jeton-io/jeton/internal/"+of.folder)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building the Go benchmarks of internal/%s: %w\n%s", of.folder, err, out)
		}
	}
	return nil
}
