package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// latency is one line of the table of how long a check takes where checks come as they come: at a part of what a closed loop got
// out of the server a moment ago. Of the bare server it tells what Go on one core gives, whatever is asked.
type latency struct {
	bare                              bool // the bare server's, in the first round alone
	part                              float64
	rates, p50, p99, p999, most, late []float64 // a second; milliseconds
	idle                              []float64 // share of the load's core
	loadLimited                       bool      // in any round
	failed                            error
}

// latencyConnections are so many that hardly ever none is free. A server that is so far behind that all wait is told by p99 anyway.
const latencyConnections = 256

func newLatencies() []*latency {
	parts := []float64{0.25, 0.50, 0.80}
	all := make([]*latency, 0, 2*len(parts))
	for _, bare := range []bool{true, false} {
		for _, part := range parts {
			all = append(all, &latency{bare: bare, part: part})
		}
	}
	return all
}

// name says what is asked, and how much of it.
func (l *latency) name() string {
	if l.bare {
		return "bare `net/http`, " + percent(l.part) + " of its capacity"
	}
	return percent(l.part) + " of capacity"
}

// levels are those of Jeton's lines.
func (l *latency) levels() levels {
	if l.bare {
		return levels{}
	}
	return tailLevels()
}

// tailLevels are those of p99 of forward auth, in milliseconds.
func tailLevels() levels { return levels{must: 5, aim: 2.5, beyond: 1.5, atMost: true} }

// latencyRounds measures the capacity by a closed loop and then, at each part of it, an open loop: of the bare server once, and of
// Jeton in each round.
func (b *bench) latencyRounds(ctx context.Context, j *jeton) (err error) {
	hot := b.ask(j, b.tokens.live.one(), fixed, http.StatusOK)
	token, err := hot.tokens.read()
	if err != nil {
		return err
	}
	unit, err := b.startBare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unit.stop()) }()
	b.progress.say("open loop to the bare server")
	if err := b.latencyRound(ctx, nothing(unit), token.at(0), 0, true); err != nil {
		return err
	}
	for round := range b.rounds {
		b.progress.say("open loop, round %d of %d", round+1, b.rounds)
		if err := b.latencyRound(ctx, hot, token.at(0), round, false); err != nil {
			return err
		}
	}
	return nil
}

// latencyRound measures the lines of one server once, by requests of one kind.
func (b *bench) latencyRound(ctx context.Context, of load, token string, round int, bare bool) error {
	capacity, err := b.capacity(ctx, &of)
	if err != nil {
		return err
	}
	for _, l := range b.latencies {
		if l.bare != bare {
			continue
		}
		err := b.takeLatency(ctx, l, &openLoop{
			Address: of.address, Request: of.request.with(token), Rate: l.part * capacity, Connections: latencyConnections,
			WarmUp: 250 * time.Millisecond, Length: time.Duration(b.seconds) * time.Second, Seed: uint64(round + 1),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// latencyAlone measures it by a Jeton of its own.
func (b *bench) latencyAlone(ctx context.Context) (err error) {
	j, err := b.startSettled(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.stop()) }()
	if err := b.warmUp(ctx, j, b.tokens.live.part(0, minTokens)); err != nil {
		return err
	}
	return b.latencyRounds(ctx, j)
}

// capacity is what a closed loop gets out of a path, a second.
func (b *bench) capacity(ctx context.Context, of *load) (float64, error) {
	if err := b.emptyLog(); err != nil {
		return 0, err
	}
	s, err := b.wrk(ctx, *of, b.unitSeconds())
	if err == nil {
		err = s.check(of.status)
	}
	if err != nil {
		return 0, fmt.Errorf("measuring the capacity for the open loop: %w", err)
	}
	return s.rate(), nil
}

// takeLatency measures one line once. As of a path, an error ends the session only where that can't go on.
func (b *bench) takeLatency(ctx context.Context, l *latency, loop *openLoop) error {
	if l.failed != nil {
		return nil
	}
	if err := b.emptyLog(); err != nil {
		return err
	}
	o, err := b.openLoop(ctx, loop)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		l.failed = err
		b.progress.say("open loop at %s: %v", l.name(), err)
		return nil
	}
	l.add(&o)
	return nil
}

// add adds what came of a loop.
func (l *latency) add(o *outcome) {
	const milli = 1000
	l.rates, l.idle = append(l.rates, o.Rate), append(l.idle, o.Idle)
	l.p50, l.p99, l.p999 = append(l.p50, milli*o.P50), append(l.p99, milli*o.P99), append(l.p999, milli*o.P999)
	l.most, l.late = append(l.most, milli*o.Most), append(l.late, milli*o.LateP99)
	l.loadLimited = l.loadLimited || o.loadLimited()
}

// verdict says which level of p99 is reached, and whose it is.
func (l *latency) verdict() string {
	switch {
	case l.failed != nil:
		return "**failed**: " + l.failed.Error()
	case len(l.p99) == 0:
		return "**not measured**"
	}
	text := l.levels().verdict(median(l.p99))
	if l.loadLimited {
		text += ", but the load itself was the limit"
	}
	return text
}

// writeLatencies writes the table of the open loop.
func (b *bench) writeLatencies(t *strings.Builder) {
	writeLine(t, "open loop at", "checks/s", "p50", "p99", "p99.9", "max", "levels of p99", "verdict", "sent late, p99", "load idle")
	writeLine(t, "---", "--:", "--:", "--:", "--:", "--:", "---", "---", "--:", "--:")
	for _, l := range b.latencies {
		writeLine(t, l.name(), spread(l.rates, thousands), spread(l.p50, fineMilliseconds), spread(l.p99, fineMilliseconds),
			spread(l.p999, fineMilliseconds), spread(l.most, fineMilliseconds), l.levels().write(milliseconds), l.verdict(),
			spread(l.late, fineMilliseconds), middle(l.idle, percent))
	}
	fmt.Fprintf(t, "\nOne personal token, warm. Capacity is what wrk got a moment before. Requests come at random times, on %d connections, and each is timed from when it was due; sent late is by how much of that the load itself was.\n\n",
		latencyConnections)
}
