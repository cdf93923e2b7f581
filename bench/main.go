// Command bench measures Jeton beside a bare net/http server, on this machine, in one session.
//
//	go run ./bench                three rounds of 3 s, 100,000 API tokens: within ten minutes
//	go run ./bench -quick         one round of 1 s, 20,000 API tokens: two minutes at most
//	go run ./bench -flood         only the checks beside a flood of log-ins
//	go run ./bench -latency       only how long a check takes at 25, 50 and 80 % of capacity
//	go run ./bench -profile       where the time of a warm check goes
//	go run ./bench -growth        the same checks with ten thousand tokens and up to ten million, on both stores
//	go run ./bench -compare REV   the Go benchmarks of this tree beside those of another revision
//
// It builds the program as it is shipped, fills a data folder of its own, and drives wrk against the gateway and the
// API on loopback: the servers on one core, wrk on another.
//
//	core 0: jeton serve │ bare net/http │ bare reverse proxy │ the store's own rates │ bare signatures      one at a time, GOMAXPROCS=1
//	core 1: wrk -t2 -c64 -s load.lua, and the API behind the proxies
//
// A flood of log-ins is another matter: what Jeton shares out between checks and passwords are its cores, so there it has
// both, and what is told is not how many checks it gives but how long each takes.
//
// The tables that it prints on standard output tell every rate as a ratio to what was measured seconds before it, by
// docs/performance.md's method. Progress goes to standard error.
//
// It refuses to measure errors: each path must give the answer expected of it before it is loaded, and a run in which
// another answer came is told as failed, and so is the whole benchmark by its exit code. It leaves nothing behind: its
// folder and its processes go when it ends, by Ctrl-C too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// scale is how much is measured.
type scale struct {
	tokens    int   // live at a time
	presented int   // of these, before the warm paths
	apiTokens int   // live beside them, each with an access token
	rounds    int   // of each path
	seconds   int   // of each measured run
	body      int64 // bytes of a body that passes the proxy
	hurried   bool  // no warm-up of paths that are warm anyway

	only string // what alone is measured: flood or latency; empty for everything
	plot string // file of the picture; empty for none
	into string // page into which the tables go; empty for none
}

// The names under which the pages have places for the tables.
const (
	nameBench   = "bench"
	nameProfile = "profile"
	nameGrowth  = "growth"
)

// What can be measured alone.
const (
	onlyFlood   = "flood"
	onlyLatency = "latency"
)

// minTokens is enough for every connection to have a token of its own, and few enough for a test.
const minTokens = 1000

// quickPresented is how many tokens -quick presents before the warm paths: their records are many times a processor's cache, and a
// million first presentations would take longer than all the rest.
const quickPresented = 100_000

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 4 && storeStep(os.Args[1]) != nil { // this program run again, by itself
		exit(printStoreRate(ctx, os.Args[1], os.Args[2], os.Args[3]))
	}
	if len(os.Args) == 2 && os.Args[1] == openLoopStep {
		exit(printOpenLoop(os.Stdin, os.Stdout))
	}
	o, err := parseFlags(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp): // which was asked for
		os.Exit(0)
	case err != nil:
		os.Exit(2)
	}
	exit(o.run(ctx))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run does what the flags ask for, within a temporary folder.
func (o *options) run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "jeton-bench-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	err = o.measure(ctx, dir)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

func (o *options) measure(ctx context.Context, dir string) error {
	if o.compare != nil {
		o.compare.dir, o.compare.progress, o.compare.pins = dir, progress{os.Stderr}, pinsOf(describeMachine(ctx).cores)
		return o.compare.compare(ctx, os.Stdout)
	}
	b, err := newBench(ctx, o.scale, dir)
	if err != nil {
		return err
	}
	switch {
	case o.growth != nil:
		return o.growth.measure(ctx, b)
	case o.profile:
		return b.profile(ctx)
	}
	return b.measureAndReport(ctx)
}

// measureAndReport measures, and prints what came out. Where a path failed, the table is printed all the same, and the error says so.
func (b *bench) measureAndReport(ctx context.Context) error {
	if err := b.measure(ctx); err != nil {
		return err
	}
	if err := b.publish(nameBench, b.report(), barsTitle); err != nil {
		return err
	}
	if b.plot != "" && b.only == "" {
		if err := b.writePlot(b.plot); err != nil {
			return err
		}
	}
	return b.failures()
}
