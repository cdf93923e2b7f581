package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"
)

// openLoopStep is the name under which this program runs again, by itself on the load's core, to send an open loop.
const openLoopStep = "open-loop"

// openLoop is an open loop for rates that wrk reaches, which the stream beside the flood doesn't: its goroutines and timers take
// some 20 µs a request. Here one thread does everything, and never sleeps.
//
// Requests are due as those of many clients that know nothing of each other, at random times (a Poisson process), and are sent
// then whether or not those before them were answered; each is timed from when it was due. At even intervals a server that takes
// as long for each request would never have a queue, which no real one can count on.
type openLoop struct {
	Address     string
	Request     string // the bytes of each; its answer has no body
	Rate        float64
	WarmUp      time.Duration // whose answers aren't counted
	Length      time.Duration // of what is counted
	Connections int
	Seed        uint64
}

// outcome is what came of one, in seconds.
type outcome struct {
	Rate                 float64 // answered a second
	P50, P99, P999, Most float64
	LateP99, LateMost    float64 // by how much of the above the load itself was late
	Idle                 float64 // the share of its time in which the load had nothing to do
}

// loadLimited says whether the figures are those of the load itself. That fewer were answered than were due isn't enough: a server
// that falls behind has that effect, too.
func (o *outcome) loadLimited() bool { return o.Idle < 0.02 || o.LateP99 > o.P99/2 }

// timing is when a request was due, when it could be sent, was sent and answered, from the begin. It can't be sent before a connection
// is free, for which the server is to blame.
type timing struct{ due, could, sent, answered time.Duration }

// arrivals draws when requests are due: exponentially distributed gaps.
type arrivals struct {
	random *rand.Rand
	rate   float64
	next   time.Duration
}

func newArrivals(rate float64, seed uint64) *arrivals {
	a := &arrivals{random: rand.New(rand.NewPCG(seed, orderSeed)), rate: rate}
	a.step()
	return a
}

func (a *arrivals) step() {
	a.next += time.Duration(a.random.ExpFloat64() / a.rate * float64(time.Second))
}

// summarize tells what came of the requests that were due after the warm-up.
func summarize(all []timing, warmUp time.Duration) (outcome, error) {
	var took, late []float64
	var last time.Duration
	for _, t := range all {
		if t.due < warmUp {
			continue
		}
		took, late = append(took, (t.answered-t.due).Seconds()), append(late, (t.sent-t.could).Seconds())
		last = max(last, t.answered)
	}
	if len(took) == 0 {
		return outcome{}, errors.New("an open loop had no requests")
	}
	return outcome{
		Rate: float64(len(took)) / (last - warmUp).Seconds(),
		P50:  quantile(took, 500), P99: quantile(took, 990), P999: quantile(took, 999), Most: quantile(took, 1000),
		LateP99: quantile(late, 990), LateMost: quantile(late, 1000),
	}, nil
}

// yes is what every answer of an open loop must begin with; anything else ends it.
const yes = "HTTP/1.1 200 "

// complete says whether an answer without a body has come, or returns an error where it is no yes.
func complete(answer []byte) (bool, error) {
	if len(answer) < len(yes) {
		return false, nil
	}
	if !strings.HasPrefix(string(answer[:len(yes)]), yes) {
		status, _, _ := bytes.Cut(answer, []byte("\r\n"))
		return false, fmt.Errorf("an open loop was answered %q", status)
	}
	return bytes.HasSuffix(answer, []byte("\r\n\r\n")), nil
}

// openLoop has this program run again, on the load's core, to send an open loop. What it sends goes by standard input, where
// other users of the machine can't read it.
func (b *bench) openLoop(ctx context.Context, l *openLoop) (outcome, error) {
	self, err := os.Executable()
	if err != nil {
		return outcome{}, fmt.Errorf("finding this program: %w", err)
	}
	spec, err := json.Marshal(l)
	if err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.WarmUp+l.Length+wrkGrace)
	defer cancel()
	argv := b.pins.wrap(b.pins.client, self, openLoopStep)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = attributes()
	cmd.Env = append(bareEnvironment(), oneProcessor)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(spec), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return outcome{}, fmt.Errorf("running an open loop: %w", err)
	}
	var o outcome
	if err := json.Unmarshal(out, &o); err != nil {
		return outcome{}, fmt.Errorf("reading what came of an open loop: %w", err)
	}
	return o, nil
}

// printOpenLoop is that program. It collects no garbage: all that it keeps is some figures for each request.
func printOpenLoop(from io.Reader, to io.Writer) error {
	var l openLoop
	if err := json.NewDecoder(from).Decode(&l); err != nil {
		return fmt.Errorf("reading what to send: %w", err)
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(1 << 30)
	o, err := l.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(to).Encode(o)
}
