package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
)

// options are what the flags ask for. At most one of compare, growth and profile is set; without any, the scale alone tells.
type options struct {
	scale
	compare *comparison
	growth  *growth
	profile bool
}

// quick is the scale of -quick.
func quick() scale {
	return scale{tokens: 1_000_000, presented: quickPresented, apiTokens: 20_000, rounds: 1, seconds: 1, body: 128 << 20, hurried: true}
}

// full is the scale without it.
func full() scale {
	return scale{tokens: 1_000_000, presented: 1_000_000, apiTokens: 100_000, rounds: 3, seconds: 3, body: 1 << 30}
}

// parseFlags reads the flags, and complains to standard error.
func parseFlags(args []string) (*options, error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	o, asked := &options{scale: full()}, full()
	short := fs.Bool("quick", false, "measure in short, to see that nothing fell")
	fs.IntVar(&asked.tokens, "tokens", asked.tokens, "live tokens")
	fs.IntVar(&asked.presented, "presented", asked.presented, "of these, presented before the warm paths; with -quick 100,000")
	fs.IntVar(&asked.apiTokens, "api-tokens", asked.apiTokens, "live API tokens beside them, no more than -tokens; with -quick 20,000")
	fs.IntVar(&asked.rounds, "rounds", asked.rounds, "rounds of each path; with -quick 1")
	fs.IntVar(&asked.seconds, "seconds", asked.seconds, "seconds of each measured run; with -quick 1")
	body := fs.Int64("body", asked.body>>20, "MiB of a body that passes the proxy; with -quick 128")
	plot := fs.String("plot", "", "file for the picture of the ratios, or of the growth, as SVG")
	into := fs.String("into", "", "page of docs whose tables are replaced by what is measured")
	flood := fs.Bool("flood", false, "measure only the checks beside a flood of log-ins, whose runs take twice as long")
	latency := fs.Bool("latency", false, "measure only how long a check takes at parts of the capacity")
	fs.BoolVar(&o.profile, "profile", false, "tell where the time of a warm check goes, by a CPU profile under load")
	compare, growing := compareFlags(fs), growthFlags(fs)
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if *short {
		o.scale = quick()
	}
	fs.Visit(func(f *flag.Flag) { // what was asked for by name holds all the same
		switch f.Name {
		case "tokens":
			o.tokens = asked.tokens
		case "presented":
			o.presented = asked.presented
		case "api-tokens":
			o.apiTokens = asked.apiTokens
		case "rounds":
			o.rounds = asked.rounds
		case "seconds":
			o.seconds = asked.seconds
		case "body":
			o.body = *body << 20
		}
	})
	o.plot, o.into = *plot, *into
	o.compare, o.growth = compare(), growing()
	if *flood {
		o.only = onlyFlood
	}
	if *latency {
		o.only = onlyLatency
	}
	o.presented = min(o.presented, o.tokens)
	o.apiTokens = min(o.apiTokens, o.tokens) // each is another user's
	modes := []bool{*flood, *latency, o.profile, o.compare != nil, o.growth != nil}
	if err := o.check(fs.NArg(), len(slices.DeleteFunc(modes, func(on bool) bool { return !on }))); err != nil {
		fmt.Fprintln(fs.Output(), "bench:", err)
		return nil, err
	}
	return o, nil
}

// check refuses what can't be measured.
func (o *options) check(more, modes int) error {
	switch {
	case more > 0:
		return fmt.Errorf("got %d arguments, want flags alone", more)
	case modes > 1:
		return fmt.Errorf("got %d of -flood, -latency, -profile, -compare and -growth, want one at most", modes)
	case o.apiTokens < minTokens || o.presented < minTokens || o.rounds < 1 || o.seconds < 1 || o.body < 1<<20:
		return fmt.Errorf("needs -tokens, -presented and -api-tokens of %d at least, and -rounds, -seconds and -body of 1 at least", minTokens)
	case o.into != "" && (o.only != "" || o.compare != nil):
		return errors.New("pages have no place for what -flood, -latency and -compare print: leave out -into")
	case o.growth != nil:
		return o.growth.check()
	}
	return nil
}

// compareFlags adds the flags of a comparison, and returns what reads them.
func compareFlags(fs *flag.FlagSet) func() *comparison {
	c := &comparison{}
	fs.StringVar(&c.base, "compare", "", "revision with whose Go benchmarks those of this tree are compared")
	fs.StringVar(&c.pattern, "bench", ".", "with -compare: which benchmarks, as go test takes it")
	fs.StringVar(&c.packages, "packages", "./internal/...", "with -compare: of which packages, as go list takes it")
	fs.StringVar(&c.time, "benchtime", "200ms", "with -compare: how long each run takes")
	fs.IntVar(&c.count, "count", 6, "with -compare: how many runs of each")
	return func() *comparison {
		if c.base == "" {
			return nil
		}
		return c
	}
}
