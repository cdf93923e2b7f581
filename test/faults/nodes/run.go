package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/invariant"
	"github.com/jeton-io/jeton/test/faults/journal"
	"github.com/jeton-io/jeton/test/faults/lab"
	"github.com/jeton-io/jeton/test/faults/plan"
	"github.com/jeton-io/jeton/test/faults/report"
	"github.com/jeton-io/jeton/test/faults/traffic"
)

// What a run needs beside the faults: time in which all is well at the beginning, and to read back and to judge in the end.
const (
	baseline = 10 * time.Second
	reading  = 5 * time.Second  // and a tenth of the time that is read back
	recent   = 15 * time.Second // what was changed so long before a crash is read back after it
)

// run is one run of the harness.
type run struct {
	*options
	journal *journal.Journal
	lab     *lab.Lab
	traffic *traffic.Traffic
}

// say tells a person how far things are.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "faults: "+format+"\n", args...) }

// run makes a run and reports on it. It reports whether all promises were kept.
func (o *options) run(ctx context.Context) (bool, error) {
	say("seed %d, for %s: %s", o.seed, o.length, o.command())
	if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
		return false, err
	}
	if err := os.Mkdir(o.out, 0o755); err != nil {
		return false, fmt.Errorf("each run has a folder of its own; move that one away, or name another with -out: %w", err)
	}
	j, err := journal.Create(o.out)
	if err != nil {
		return false, err
	}
	r := &run{options: o, journal: j}
	err = r.all(ctx)
	if r.lab != nil {
		r.lab.Stop()
	}
	if err = errors.Join(err, j.Close()); ctx.Err() != nil {
		return false, errors.New("ended before its time; the journals are in " + o.out)
	}
	if err != nil {
		return false, fmt.Errorf("%w (the logs are in %s)", err, filepath.Join(o.out, "logs"))
	}
	return check(o.out)
}

// all sets up, breaks, and reads back.
func (r *run) all(ctx context.Context) error {
	var err error
	if r.lab, err = lab.New(ctx, lab.Config{Source: r.source, Out: r.out, Say: say}); err != nil {
		return fmt.Errorf("making the machines: %w", err)
	}
	if err := r.lab.Start(ctx); err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	if r.traffic, err = traffic.New(ctx, traffic.Config{Lab: r.lab, Journal: r.journal, Seed: r.seed}); err != nil {
		return fmt.Errorf("making the clients: %w", err)
	}
	if err := r.facts(ctx); err != nil {
		return err
	}
	left := r.length - time.Since(r.began)
	faults, err := plan.Make(plan.Options{
		Seed: r.seed, Length: left - baseline - reading - left/10, Kinds: r.kinds, Pairs: r.pairs,
	})
	if err != nil {
		return err
	}
	say("three nodes, PostgreSQL and nginx run; %d faults are planned", len(faults))
	if err := r.breakAll(ctx, faults); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	say("reading everything back")
	r.traffic.ReadAll(ctx)
	for _, n := range r.lab.Nodes {
		r.journal.Add(journal.Fact{Name: "restarts of " + n.Name + " without being told", Value: strconv.Itoa(n.Restarts())})
	}
	return ctx.Err()
}

// breakAll has the clients work while one fault after another comes.
func (r *run) breakAll(ctx context.Context, faults []plan.Fault) error {
	working, rest := context.WithCancel(ctx)
	defer rest()
	var clients, breaking sync.WaitGroup
	clients.Go(func() { r.traffic.Run(working) })
	sleep(ctx, baseline)
	began := time.Now()
	errs := make([]error, len(faults))
	last := time.Duration(0)
	for i, f := range faults {
		last = max(last, f.Start+f.Length)
		breaking.Go(func() {
			if sleep(ctx, f.Start-time.Since(began)); ctx.Err() == nil {
				errs[i] = r.breakOne(ctx, f)
			}
		})
	}
	breaking.Wait()
	sleep(ctx, 2*invariant.Recovery+invariant.Stale)
	rest()
	clients.Wait()
	return errors.Join(errs...)
}

// breakOne breaks one thing and mends it, and writes down when.
func (r *run) breakOne(ctx context.Context, f plan.Fault) error {
	say("%3.0f s  %d of the plan: %s", r.journal.Now().Seconds(), f.Number, f)
	step := func(p journal.Phase, note string) {
		r.journal.Add(journal.Step{At: r.journal.Now(), Fault: f.Number, Kind: f.Kind, Node: f.Node, Phase: p, Note: note})
	}
	step(journal.Begun, "")
	began := time.Now()
	mend, note, err := r.lab.Break(ctx, f)
	step(journal.InForce, note)
	if err != nil {
		return fmt.Errorf("breaking %s: %w", f, err)
	}
	if f.Kind == fault.Rolling {
		f.Length = 0
	}
	sleep(ctx, f.Length-time.Since(began))
	step(journal.Mending, "")
	err = mend(ctx)
	step(journal.Mended, "")
	if err != nil {
		return fmt.Errorf("mending %s: %w", f, err)
	}
	if fault.Of(f.Kind).Kills {
		since := r.journal.Now() - time.Since(began) - recent
		sleep(ctx, invariant.Recovery)
		r.traffic.ReadRecent(ctx, since)
	}
	return nil
}

// sleep waits for some time, or until the context ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// facts writes down what is run, where and how.
func (r *run) facts(ctx context.Context) error {
	jeton, err := r.lab.Version(ctx)
	if err != nil {
		return err
	}
	postgres, err := r.lab.Postgres.Version(ctx)
	if err != nil {
		return err
	}
	nginx, err := lab.NginxVersion(ctx)
	if err != nil {
		return err
	}
	commit, _ := exec.CommandContext(ctx, "git", "-C", r.source, "describe", "--always", "--dirty").Output() // a source without git has none
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")                                                   // for people only
	for _, f := range []journal.Fact{
		{Name: "began", Value: r.journal.Began().UTC().Format(time.RFC3339Nano)},
		{Name: "command", Value: r.command()},
		{Name: "seed", Value: strconv.FormatUint(r.seed, 10)},
		{Name: "slack", Value: r.slack.String()},
		{Name: "jeton", Value: jeton},
		{Name: "commit", Value: strings.TrimSpace(string(commit))},
		{Name: "postgresql", Value: postgres},
		{Name: "nginx", Value: nginx},
		{Name: "kernel", Value: strings.TrimSpace(string(kernel))},
		{Name: "cores", Value: strconv.Itoa(runtime.NumCPU())},
		{Name: "go", Value: runtime.Version()},
		{Name: "node with a clock that can be set", Value: plan.Clocked},
	} {
		r.journal.Add(f)
	}
	return nil
}

// check judges the journals of a folder, and writes the report beside them.
func check(dir string) (bool, error) {
	run, err := journal.Read(dir)
	if err != nil {
		return false, err
	}
	say("judging %d checks, %d writes, %d readings", len(run.Checks), len(run.Writes), len(run.Readings))
	return report.Write(dir, run, say)
}
