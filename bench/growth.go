package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/pg"
)

// growth is the same instance with ever more tokens, on both stores: what grows with them, and what doesn't.
type growth struct {
	sizes  []int
	stores []string

	rows []*grown
}

// The stores.
const (
	onSQLite   = "SQLite"
	onPostgres = "PostgreSQL"
)

// grown is one line of its table.
type grown struct {
	store  string
	tokens int

	database        float64 // bytes
	filled          float64 // seconds
	ready, readIn   float64 // seconds: from the start, and from then until it had read by itself what it reads
	remembered      float64 // proofs, in the end
	heap, resident  float64 // bytes for each of these
	cold, warm      sample
	issue           sample
	unit, warmRatio float64
}

// growthFlags adds the flags of the growth, and returns what reads them.
func growthFlags(fs *flag.FlagSet) func() *growth {
	on := fs.Bool("growth", false, "measure the same with ever more tokens, on both stores")
	sizes := fs.String("sizes", "10000,100000,1000000,10000000", "with -growth: numbers of tokens, divided by commas")
	stores := fs.String("stores", "sqlite,postgres", "with -growth: sqlite, postgres or both, divided by a comma")
	return func() *growth {
		if !*on {
			return nil
		}
		g := &growth{}
		for size := range strings.SplitSeq(*sizes, ",") {
			n, err := strconv.Atoi(size)
			if err != nil {
				n = 0 // check refuses it
			}
			g.sizes = append(g.sizes, n)
		}
		for store := range strings.SplitSeq(*stores, ",") {
			g.stores = append(g.stores, map[string]string{"sqlite": onSQLite, "postgres": onPostgres}[store])
		}
		return g
	}
}

// check refuses what can't be measured.
func (g *growth) check() error {
	for _, size := range g.sizes {
		if size < minTokens {
			return fmt.Errorf("needs -sizes of %d at least", minTokens)
		}
	}
	for _, store := range g.stores {
		if store == "" {
			return errors.New("needs -stores of sqlite and postgres")
		}
	}
	return nil
}

// measure measures one size after the other. What one of them left is removed before the next begins: ten million tokens take some 8 GB.
// What was measured is printed even where the last of it failed.
func (g *growth) measure(ctx context.Context, b *bench) error {
	err := b.build(ctx)
	for _, store := range g.stores {
		for _, size := range g.sizes {
			if err != nil {
				break
			}
			b.progress.say("%s tokens on %s", thousands(float64(size)), store)
			if err = g.one(ctx, b, store, size); err != nil {
				err = fmt.Errorf("%s tokens on %s: %w", thousands(float64(size)), store, err)
			}
		}
	}
	if len(g.rows) > 0 {
		err = errors.Join(err, b.publish(nameGrowth, g.report(b), curvesTitle))
		if b.plot != "" {
			err = errors.Join(err, os.WriteFile(b.plot, []byte(g.picture()), 0o644))
		}
	}
	return err
}

// one measures one size on one store.
func (g *growth) one(ctx context.Context, b *bench, store string, size int) (err error) {
	dir, err := os.MkdirTemp(b.dir, "growth-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b.at = home{data: filepath.Join(dir, "data")}
	if store == onPostgres {
		server, err := startPostgres()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Destroy()) }()
		b.at.dsn = server.DSN("postgres")
	}
	b.rows, b.figures, b.tokens = newRows(), newFigures(), tokens{}
	b.scale.tokens, b.apiTokens = size, 0
	b.flags = remember(size)
	row := &grown{store: store, tokens: size}
	if err := g.fill(ctx, b, dir, row); err != nil {
		return err
	}
	if err := g.load(ctx, b, row); err != nil {
		return err
	}
	g.rows = append(g.rows, row)
	return nil
}

// startPostgres starts a PostgreSQL of its own, on all cores: it is the database's machine. Of its settings those differ from
// its own defaults that a machine with the room for ten million rows would have, and it waits for its disk.
func startPostgres() (*pg.Server, error) {
	free, err := freeAddresses(1)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(free[0])
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	server, err := pg.Launch("127.0.0.1", n, "shared_buffers = 1GB", "max_wal_size = 1GB", "checkpoint_timeout = 30min", "wal_level = minimal", "max_wal_senders = 0")
	if err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	return server, nil
}

// remember has Jeton remember all of so many tokens where by default it wouldn't: it reads in half of what it may remember.
func remember(size int) []string {
	const byDefault = 4_000_000
	if 2*size <= byDefault-1_000_000 {
		return nil
	}
	return []string{"--max-remembered", strconv.Itoa(2*size + 1_000_000)}
}

// fill makes an instance with so many tokens.
func (g *growth) fill(ctx context.Context, b *bench, dir string, row *grown) error {
	if err := b.firstStart(ctx); err != nil {
		return err
	}
	as, err := prepareInstance(ctx, b.at, "http://127.0.0.1:1", 0, 0)
	if err != nil {
		return err
	}
	all, err := makeSecrets(row.tokens+b.reserve(), liveSeed)
	if err != nil {
		return err
	}
	into, err := b.at.writer(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := fill(ctx, into, as, all, b.progress.count("filling in users and tokens", len(all))); err != nil {
		return err
	}
	row.filled = time.Since(began).Seconds()
	size, err := b.at.size(ctx)
	if err != nil {
		return err
	}
	row.database = float64(size)
	b.tokens, err = writeTokens(dir, all[:row.tokens], all[row.tokens:len(all)-spareUsers], &as.caller, 0)
	return err
}

// load measures what an instance does.
func (g *growth) load(ctx context.Context, b *bench, row *grown) (err error) {
	kept, err := b.keepBack(ctx, b.coldUsers())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	j, err := b.startSettled(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.stop()) }()
	row.ready, row.readIn = j.took.Seconds(), j.readIn.Seconds()
	if err := kept.putIn(ctx); err != nil {
		return err
	}
	if row.cold, err = g.sample(ctx, b, turn{b.rows.cold, j.process, b.mistyped(j), b.ask(j, b.tokens.cold, once, http.StatusOK), 0}); err != nil {
		return err
	}
	if err := g.warm(ctx, b, j, row); err != nil {
		return err
	}
	size := min(issueTokens, row.tokens/2)
	of := func(n int) load {
		return load{address: j.public, request: rotation(j.public), order: rotating, tokens: b.tokens.live.part(n*size, size), status: http.StatusCreated}
	}
	row.issue, err = g.sample(ctx, b, turn{b.rows.issue, j.process, of(0), of(1), 0})
	return err
}

// warm presents tokens, measures what they take, and then how fast they are checked at random.
func (g *growth) warm(ctx context.Context, b *bench, j *jeton, row *grown) (err error) {
	presented := b.tokens.live.part(0, min(b.presented, row.tokens))
	if err := b.warmUp(ctx, j, presented); err != nil {
		return err
	}
	after, err := b.memory(ctx, j)
	if err != nil {
		return err
	}
	b.figures.personal.grown(b.empty, after, after.remembered)
	row.remembered, row.heap, row.resident = after.remembered, median(b.figures.personal.heap.values), median(b.figures.personal.resident.values)
	unit, err := b.startBare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unit.stop()) }()
	if _, err := b.wrk(ctx, nothing(unit), 1); err != nil {
		return err
	}
	for range b.rounds {
		if err := b.beside(ctx, unit, turn{row: b.rows.random, server: j.process, load: b.ask(j, presented, random, http.StatusOK)}); err != nil {
			return err
		}
	}
	if b.rows.random.failed != nil {
		return b.rows.random.failed
	}
	row.warm, row.unit, row.warmRatio = middleSample(b.rows.random.samples), median(b.rows.bare.each(rateOf)), median(b.rows.random.ratios)
	return nil
}

// middleSample returns the sample whose rate is in the middle.
func middleSample(all []sample) sample {
	best := all[0]
	rates := make([]float64, len(all))
	for n := range all {
		rates[n] = all[n].rate()
	}
	for n := range all {
		if difference(all[n].rate(), median(rates)) < difference(best.rate(), median(rates)) {
			best = all[n]
		}
	}
	return best
}

func difference(a, b float64) float64 { return max(a-b, b-a) }

// sample measures a path once, and returns an error where it failed.
func (g *growth) sample(ctx context.Context, b *bench, t turn) (sample, error) {
	if err := b.take(ctx, t); err != nil {
		return sample{}, err
	}
	if t.row.failed != nil {
		return sample{}, t.row.failed
	}
	return t.row.samples[len(t.row.samples)-1], nil
}

// report writes the table as it stands in docs/scale.md.
func (g *growth) report(b *bench) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s tokens presented at most, rounds: %d of %d s, %s, %s, in %s\n\n", thousands(float64(min(b.presented, slices.Max(g.sizes)))), b.rounds, b.seconds,
		b.machine, time.Now().UTC().Format(time.DateOnly), time.Since(b.began).Round(time.Second))
	writeLine(&t, "store", "tokens", "database", "start to ready", "read in by itself", "remembered", "heap a token", "RSS a token",
		"warm checks/s", "ratio to bare net/http", "p99", "cold checks/s", "p99 cold", "issued/s")
	writeLine(&t, "---", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:")
	for _, r := range g.rows {
		writeLine(&t, r.store, thousands(float64(r.tokens)), mebibytes(r.database), seconds(r.ready), seconds(r.readIn), thousands(r.remembered),
			octets(r.heap), octets(r.resident), thousands(r.warm.rate()), ratio(r.warmRatio), milliseconds(p99Of(&r.warm)),
			thousands(r.cold.rate()), milliseconds(p99Of(&r.cold)), thousands(r.issue.rate()))
	}
	fmt.Fprintf(&t, "\nThe databases have %s users more, for the cold checks and the rates of the store.\n", thousands(float64(b.reserve())))
	for _, store := range g.stores {
		if few, many := g.ends(store); few != many {
			fmt.Fprintf(&t, "\nOn %s, from %s tokens to %s, warm checks changed by %s and their p99 by %s (levels −20 %% / −10 %% / flat: %s, p99 %s).\n", store,
				thousands(float64(few.tokens)), thousands(float64(many.tokens)), change(few.warmRatio, many.warmRatio), change(p99Of(&few.warm), p99Of(&many.warm)),
				growthLevels().verdict(many.warmRatio/few.warmRatio), tailGrowthLevels().verdict(p99Of(&many.warm)/p99Of(&few.warm)))
		}
	}
	return t.String()
}

// growthLevels are what is to be left of the throughput with a thousand times as many tokens. Flat is what two runs differ by.
func growthLevels() levels { return levels{must: 0.8, aim: 0.9, beyond: 0.98} }

// tailGrowthLevels are the same of p99, which grows.
func tailGrowthLevels() levels { return levels{must: 1.2, aim: 1.1, beyond: 1.02, atMost: true} }

// ends returns the lines of the fewest and of the most tokens of a store; the same twice where there is one, or none.
func (g *growth) ends(store string) (few, many *grown) {
	for _, r := range g.rows {
		if r.store != store {
			continue
		}
		if few == nil || r.tokens < few.tokens {
			few = r
		}
		if many == nil || r.tokens > many.tokens {
			many = r
		}
	}
	return few, many
}

// change writes by how much something grew, in percent.
func change(from, to float64) string {
	return fmt.Sprintf("%+.0f %%", 100*(to/from-1))
}

// picture draws the curves as they stand in docs/scale.md.
func (g *growth) picture() string {
	of := func(title, unit string, pick func(*grown) float64) panel {
		p := panel{title: title, unit: unit}
		for _, store := range g.stores {
			line := curve{name: store}
			for _, r := range g.rows {
				if r.store == store {
					line.points = append(line.points, point{float64(r.tokens), pick(r)})
				}
			}
			p.curves = append(p.curves, line)
		}
		return p
	}
	return drawCurves(curvesTitle, []panel{
		of("warm checks, to bare net/http", "", func(r *grown) float64 { return r.warmRatio }),
		of("p99 of warm checks", "ms", func(r *grown) float64 { return p99Of(&r.warm) }),
		of("cold checks a second", "", func(r *grown) float64 { return r.cold.rate() }),
		of("issued a second", "", func(r *grown) float64 { return r.issue.rate() }),
		of("heap a token", "B", func(r *grown) float64 { return r.heap }),
		of("start to ready", "s", func(r *grown) float64 { return r.ready }),
	})
}
