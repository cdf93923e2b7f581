// Command bench measures Jeton beside a bare net/http server, on this machine, in one session.
//
//	go run ./bench          1,000,000 live tokens, 100,000 API tokens, three rounds of 3 s: within ten minutes
//	go run ./bench -quick   100,000 live tokens, 20,000 API tokens, one round of 1 s: about one minute
//	go run ./bench -flood   only the checks beside a flood of log-ins
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
	apiTokens int   // live beside them, each with an access token
	rounds    int   // of each path
	seconds   int   // of each measured run
	body      int64 // bytes of a body that passes the proxy

	floodOnly bool // leave out the paths
}

// minTokens is enough for every connection to have a token of its own, and few enough for a test.
const minTokens = 1000

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 4 && storeStep(os.Args[1]) != nil { // this program run again, by itself
		exit(printStoreRate(ctx, os.Args[1], os.Args[2], os.Args[3]))
	}
	s, err := parseFlags(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	exit(run(ctx, s))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parseFlags(args []string) (scale, error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	short := fs.Bool("quick", false, "measure in short, to see that nothing fell")
	tokens := fs.Int("tokens", 1_000_000, "live tokens; with -quick 100,000")
	apiTokens := fs.Int("api-tokens", 100_000, "live API tokens beside them, no more than -tokens; with -quick 20,000")
	rounds := fs.Int("rounds", 3, "rounds of each path; with -quick 1")
	seconds := fs.Int("seconds", 3, "seconds of each measured run; with -quick 1")
	body := fs.Int64("body", 1024, "MiB of a body that passes the proxy; with -quick 128")
	flood := fs.Bool("flood", false, "measure only the checks beside a flood of log-ins, whose runs take twice as long")
	if err := fs.Parse(args); err != nil {
		return scale{}, err
	}
	s := scale{*tokens, *apiTokens, *rounds, *seconds, *body << 20, *flood}
	if *short {
		s = scale{tokens: 100_000, apiTokens: 20_000, rounds: 1, seconds: 1, body: 128 << 20, floodOnly: *flood}
		fs.Visit(func(f *flag.Flag) { // what was asked for by name holds all the same
			switch f.Name {
			case "tokens":
				s.tokens = *tokens
			case "api-tokens":
				s.apiTokens = *apiTokens
			case "rounds":
				s.rounds = *rounds
			case "seconds":
				s.seconds = *seconds
			case "body":
				s.body = *body << 20
			}
		})
	}
	s.apiTokens = min(s.apiTokens, s.tokens) // each is another user's
	if s.apiTokens < minTokens || s.rounds < 1 || s.seconds < 1 || s.body < 1<<20 || fs.NArg() > 0 {
		err := fmt.Errorf("needs -tokens and -api-tokens of %d at least, -rounds, -seconds and -body of 1 at least, and nothing else", minTokens)
		fmt.Fprintln(fs.Output(), "bench:", err)
		return scale{}, err
	}
	return s, nil
}

// run measures within a temporary folder and prints what came out. Where a path failed, the table is printed all the
// same, and the error says so.
func run(ctx context.Context, s scale) (err error) {
	dir, err := os.MkdirTemp("", "jeton-bench-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := newBench(ctx, s, dir)
	if err != nil {
		return err
	}
	if err := b.measure(ctx); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return err
	}
	fmt.Print(b.report())
	return b.failures()
}
