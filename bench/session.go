package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// bench is one session: what it measures with, and what it has measured so far.
type bench struct {
	scale
	dir       string   // temporary
	at        home     // of the instance that is measured
	flags     []string // that the instance is started with, beside those that every one has
	program   string   // that is started as Jeton
	machine   machine
	pins      pins
	progress  progress
	tokens    tokens
	upstream  string // address of the API behind the proxies
	verifier  string // name and secret of the client that asks about tokens, as HTTP Basic has them
	rows      rows
	figures   figures
	floods    []*flood
	latencies []*latency
	empty     memory // of a Jeton without users
	runs      int    // of wrk so far
	began     time.Time
}

// Where things are in the temporary folder.
func (b *bench) log() string    { return filepath.Join(b.dir, "jeton.log") }
func (b *bench) script() string { return filepath.Join(b.dir, "load.lua") }

// spareUsers have a token that is never presented: the store's own insert rate is measured on them, and no live token
// dies of it.
const spareUsers = 4096

// passwordsPerSecond is how many users have a password for each second that a path measures of passwords not yet seen: many
// times what a core hashes.
const passwordsPerSecond = 250

// newBench makes a session in a folder, or an error where what it needs is missing.
func newBench(ctx context.Context, s scale, dir string) (*bench, error) {
	if err := findWrk(); err != nil && s.only != onlyFlood {
		return nil, err
	}
	b := &bench{
		scale: s, dir: dir, at: home{data: filepath.Join(dir, "data")}, program: shipped, machine: describeMachine(ctx), progress: progress{os.Stderr},
		rows: newRows(), figures: newFigures(), floods: newFloods(s.tokens), latencies: newLatencies(), began: time.Now(),
	}
	b.pins = pinsOf(b.machine.cores)
	b.progress.say("%s; %s", b.machine, b.pins)
	if err := os.WriteFile(b.script(), loadScript, 0o600); err != nil {
		return nil, fmt.Errorf("writing the script for wrk: %w", err)
	}
	return b, nil
}

// measure does everything. What fails for one path stands in its row; what fails for all is the error.
//
// The order matters: a token is cold only once after a start, so each cold round has a start of its own, and start-up is
// measured by the way. Issuing kills tokens and comes last; the flood, which has a start of its own, comes first.
func (b *bench) measure(ctx context.Context) (err error) {
	if err := b.build(ctx); err != nil {
		return err
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	switch b.only {
	case onlyFlood:
		return b.floodRounds(ctx)
	case onlyLatency:
		return b.latencyAlone(ctx)
	}
	if err := b.floodRounds(ctx); err != nil {
		return err
	}
	if err := b.buildGoBench(ctx); err != nil {
		return err
	}
	for round := range b.rounds {
		b.progress.say("in process, and cold, round %d of %d", round+1, b.rounds)
		if err := b.inProcess(ctx); err != nil {
			return err
		}
		if err := b.coldRound(ctx); err != nil {
			return err
		}
	}
	if err := b.accessRound(ctx); err != nil {
		return err
	}
	j, err := b.startSettled(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.stop()) }()
	if err := b.warmRounds(ctx, j); err != nil {
		return err
	}
	if err := b.proxyRounds(ctx, j); err != nil {
		return err
	}
	if err := b.latencyRounds(ctx, j); err != nil {
		return err
	}
	if err := b.exchangeRounds(ctx, j); err != nil {
		return err
	}
	return b.issueRounds(ctx, j)
}

// firstStart has Jeton make its data folder, and measures how much memory it takes without users.
func (b *bench) firstStart(ctx context.Context) (err error) {
	j, err := b.startJeton(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.stop()) }()
	if b.only == "" {
		b.empty, err = b.memory(ctx, j)
	}
	return err
}

// reserve is how many users come after those whose tokens are presented.
func (b *bench) reserve() int {
	if b.only != "" {
		return spareUsers
	}
	return b.coldUsers() + spareUsers
}

// prepare has Jeton make its data folder by a first start, and fills it: master key, pepper and administrator are as every
// instance has them. It is stopped meanwhile, since it may believe that nobody else writes to its database.
func (b *bench) prepare(ctx context.Context) error {
	if err := b.firstStart(ctx); err != nil {
		return err
	}
	live := b.scale.tokens
	all, err := makeSecrets(live+b.reserve(), liveSeed)
	if err != nil {
		return err
	}
	apiTokens := b.apiTokens
	if b.only != "" {
		apiTokens = 0
	}
	free, err := freeAddresses(1)
	if err != nil {
		return err
	}
	b.upstream = free[0]
	as, err := prepareInstance(ctx, b.at, "http://"+b.upstream, min(passwordsPerSecond*b.seconds, b.scale.tokens), apiTokens)
	if err != nil {
		return err
	}
	into, err := b.at.writer(ctx)
	if err != nil {
		return err
	}
	if err := fill(ctx, into, as, all, b.progress.count("filling in users and tokens", len(all))); err != nil {
		return err
	}
	b.verifier = as.verifier
	if b.tokens, err = writeTokens(b.dir, all[:live], all[live:len(all)-spareUsers], &as.caller, as.passwords); err != nil {
		return err
	}
	size, err := b.at.size(ctx)
	if err != nil {
		return err
	}
	b.figures.file.add(float64(size))
	if b.only != "" {
		return nil
	}
	if err := b.tokens.writeSealed(b.dir, as.queries); err != nil {
		return err
	}
	access, err := issueAccess(ctx, b.at, as.parents, b.progress.count("issuing access tokens", len(as.parents)))
	if err != nil {
		return err
	}
	return b.tokens.writeSigned(b.dir, access, as.caller.apiToken)
}
