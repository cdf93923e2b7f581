package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// How calls and log-ins come, each in an open loop of its own:
//
//	2,000 checks a second of remembered tokens     ─┐
//	                                                ├─▶ jeton, on two cores
//	  500 log-ins a second with wrong passwords    ─┘
//
// This program plays nginx, whose word about the client's address Jeton believes: so it may send each log-in from where it
// likes, and past the bounds on guessing.
const (
	checkRate        = 2000
	loginRate        = 500
	floodTokens      = minTokens // that are checked, in turn
	floodConnections = 64        // of each stream
	// floodLength is how many times as long a run is as those of the paths: of 1,000 checks only one is beyond p99.9.
	floodLength = 2
	// promisedTail is what p99 of the checks may be on two cores, in milliseconds.
	promisedTail = 15
	// floodLead is how long the connections have to come about before the first request is due.
	floodLead = 200 * time.Millisecond
)

// flood is one line of the table of the checks beside log-ins.
type flood struct {
	name                    string
	from                    func(round, n int) netip.Addr // where the n-th log-in of a round comes from; nil for no log-ins
	users                   int                           // whose names they try
	promised                bool                          // that the checks' p99 stays within promisedTail
	p50, p99, p999, late    []float64                     // of the checks, in milliseconds
	hashed, throttled, busy []float64                     // log-ins
	failed                  error                         // why its figures are worth nothing
}

// newFloods names the lines, that without log-ins first; those are tried at so many users. What is promised is promised
// for either flood: of that from one address all but the first guesses are refused unseen, of that from many as many are
// hashed as Jeton hashes at all.
func newFloods(users int) []*flood {
	return []*flood{
		{name: "no log-ins"},
		{name: "500 log-ins/s from one address", users: users, promised: true, from: func(round, _ int) netip.Addr {
			return netip.AddrFrom4([4]byte{203, 0, 113, byte(round)})
		}},
		{name: "500 log-ins/s, each from another address", users: users, promised: true, from: func(round, n int) netip.Addr {
			return netip.AddrFrom4([4]byte{10, byte(round), byte(n >> 8), byte(n)})
		}},
	}
}

// promise tells what is promised.
func (f *flood) promise() string {
	if !f.promised {
		return "–"
	}
	return "p99 ≤ " + milliseconds(promisedTail)
}

// verdict says whether it was kept. Where the checks were as slow without log-ins, it is the machine that is too slow, or
// busy with something else.
func (f *flood) verdict(alone *flood) string {
	switch {
	case f.failed != nil:
		return "**failed**: " + f.failed.Error()
	case len(f.p99) == 0:
		return "**not measured**"
	case !f.promised:
		return "–"
	case median(f.p99) <= promisedTail:
		return "kept"
	}
	if without := median(alone.p99); without > promisedTail {
		return "**missed**, but without log-ins p99 was " + milliseconds(without)
	}
	return "**missed**"
}

// floodRounds measures the checks without log-ins and beside them. Jeton runs on both cores, as it would on a machine that
// has two: how it shares them between checks and passwords is what is measured. This program runs on them, too, unless
// the machine has more.
func (b *bench) floodRounds(ctx context.Context) (err error) {
	j, err := b.startJetonOnBoth(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.stop()) }()
	if j.readIn, err = b.settle(ctx, j); err != nil {
		return err
	}
	checked := b.tokens.live.part(0, floodTokens)
	if err := b.warmUp(ctx, j, checked); err != nil {
		return err
	}
	presented, err := checked.read()
	if err != nil {
		return err
	}
	checks := stream{address: j.gateway, rate: checkRate, connections: floodConnections}
	for n := range checked.count {
		checks.requests = append(checks.requests, askGateway(j.gateway).with(presented.at(n)))
	}
	for round := range b.rounds {
		for _, f := range b.floods {
			b.progress.say("checks beside %s, round %d of %d", f.name, round+1, b.rounds)
			if err := b.takeFlood(ctx, f, &checks, round); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeFlood measures one line once. As of a path, an error ends the session only where that can't go on.
func (b *bench) takeFlood(ctx context.Context, f *flood, checks *stream, round int) error {
	if f.failed != nil {
		return nil
	}
	if err := b.emptyLog(); err != nil {
		return err
	}
	err := f.measure(ctx, checks, round, floodLength*b.seconds)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f.failed = err
		b.progress.say("%s: %v", f.name, err)
	}
	return nil
}

// measure sends checks and, after a second of warm-up with these alone, log-ins beside them.
func (f *flood) measure(ctx context.Context, checks *stream, round, seconds int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now().Add(floodLead)
	var answered []answer
	var running sync.WaitGroup
	if f.from != nil {
		logins := f.logins(checks.address, round, seconds*loginRate)
		running.Go(func() {
			var err error
			if answered, err = logins.run(ctx, begin.Add(time.Second), len(logins.requests)); err != nil {
				cancel(err)
			}
		})
	}
	checked, err := checks.run(ctx, begin, (1+seconds)*checkRate)
	if err != nil {
		cancel(err)
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if f.from != nil {
		if err := f.countLogins(answered); err != nil {
			return err
		}
	}
	return f.addChecks(checked[checkRate:])
}

// logins are log-ins with a wrong password, each another, at the names of users at random: the first of these have a
// password, and the others cost Jeton the same.
func (f *flood) logins(address string, round, count int) *stream {
	s := &stream{address: address, rate: loginRate, connections: floodConnections}
	random := rand.New(rand.NewPCG(orderSeed, uint64(round)))
	for n := range count {
		guess := fmt.Sprintf("%s:wrong password %d of round %d", userName(1+random.IntN(f.users)), n, round)
		s.requests = append(s.requests, askedFrom(address, f.from(round, n).String())+
			"Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(guess))+"\r\n\r\n")
	}
	return s
}

// countLogins adds up what became of a run's log-ins. Every password that was hashed was wrong, and is a 401.
func (f *flood) countLogins(answers []answer) error {
	count := map[string]float64{}
	for i := range answers {
		count[answers[i].status]++
	}
	f.hashed, f.throttled, f.busy = append(f.hashed, count["401"]), append(f.throttled, count["429"]), append(f.busy, count["503"])
	if other := float64(len(answers)) - count["401"] - count["429"] - count["503"]; other > 0 {
		return fmt.Errorf("%.0f of %d log-ins were answered neither 401 nor 429 nor 503", other, len(answers))
	}
	return nil
}

// addChecks adds a run's figures of the checks, each of which must have been admitted.
func (f *flood) addChecks(answers []answer) error {
	var took, late []float64
	refused := 0
	for i := range answers {
		a := &answers[i]
		if a.status != "200" {
			refused++
		}
		took, late = append(took, a.took.Seconds()*1000), append(late, a.late.Seconds()*1000)
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d checks of a live token were refused", refused, len(answers))
	}
	f.p50, f.p99, f.p999 = append(f.p50, quantile(took, 500)), append(f.p99, quantile(took, 990)), append(f.p999, quantile(took, 999))
	f.late = append(f.late, quantile(late, 990))
	return nil
}
