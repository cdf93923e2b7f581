package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// loadScript tells wrk what to send and prints what came of it.
//
//go:embed load.lua
var loadScript []byte

// How wrk is run: as for every figure in docs/performance.md.
const (
	wrkThreads     = 2
	wrkConnections = 64
	// fewConnections are for what is hashed: Jeton lets 21 passwords wait on one core, and refuses further ones as busy.
	fewConnections = 8
	wrkTimeout     = "5s" // of one answer
	// wrkGrace is how long wrk may take beyond its run before it is killed.
	wrkGrace = 30 * time.Second
)

// order is in which order a load presents its tokens: see load.lua.
type order string

const (
	fixed    order = "fixed"
	random   order = "random"
	once     order = "once"
	rotating order = "rotate"
)

// load is what is sent to a server during a run.
type load struct {
	address string
	request request
	order   order
	tokens  span
	status  int    // expected of every answer
	named   bool   // the answer must say whose call it is
	says    string // the answer's body must have it
	few     bool   // by fewConnections
	brief   bool   // for a unit's seconds and not a path's
}

// connections is how many requests are on their way at a time.
func (l *load) connections() int {
	if l.few {
		return fewConnections
	}
	return wrkConnections
}

// sample is what one run gave.
type sample struct {
	requests  int64
	took      time.Duration
	refused   int64 // answers of status 400 and above
	broken    int64 // connections that failed, and answers that didn't come
	p50, p99  time.Duration
	exhausted int     // threads that ran out of tokens
	busy      float64 // of the server's core

	allocations float64 // of the server's heap
}

// rate is the requests, refused ones too, answered in a second.
func (s *sample) rate() float64 { return float64(s.requests) / s.took.Seconds() }

// check returns an error where a run measured something else than it was meant to. That success was 200 and not 204,
// wrk doesn't count: for that the path is probed before and after.
func (s *sample) check(status int) error {
	wanted := int64(0)
	if status >= 400 {
		wanted = s.requests
	}
	switch {
	case s.requests == 0:
		return errors.New("nothing was answered")
	case s.exhausted > 0:
		return errors.New("ran out of tokens not yet presented: give more -tokens and -api-tokens, or fewer -seconds")
	case s.refused != wanted:
		return fmt.Errorf("%d of %d answers were refusals, want %d", s.refused, s.requests, wanted)
	case s.broken > 0:
		return fmt.Errorf("%d requests got no answer", s.broken)
	}
	return nil
}

// findWrk says what to type where wrk is missing.
func findWrk() error {
	if _, err := exec.LookPath("wrk"); err != nil {
		return errors.New("wrk, which makes the load, is missing; as root:  apt-get install -y --no-install-recommends wrk")
	}
	return nil
}

// wrkCommand is the command line of a run.
func (b *bench) wrkCommand(address string, connections, seconds int) []string {
	return b.pins.wrap(b.pins.client, "wrk", "-t"+strconv.Itoa(wrkThreads), "-c"+strconv.Itoa(connections),
		"-d"+strconv.Itoa(seconds)+"s", "--timeout", wrkTimeout, "-s", b.script(), "http://"+address)
}

// wrk runs one load and returns what came of it, good or bad.
func (b *bench) wrk(ctx context.Context, l load, seconds int) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+wrkGrace)
	defer cancel()
	argv := b.wrkCommand(l.address, l.connections(), seconds)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = attributes()
	b.runs++
	cmd.Env = append(os.Environ(),
		"BENCH_HEAD="+l.request.head, "BENCH_TAIL="+l.request.tail, "BENCH_ORDER="+string(l.order),
		"BENCH_TOKENS="+l.tokens.file, "BENCH_WIDTH="+strconv.Itoa(l.tokens.width),
		"BENCH_FIRST="+strconv.Itoa(l.tokens.first), "BENCH_COUNT="+strconv.Itoa(l.tokens.count),
		"BENCH_THREADS="+strconv.Itoa(wrkThreads), "BENCH_SEED="+strconv.Itoa(b.runs))
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("running wrk: %w: %s", err, complaints.Bytes())
	}
	return parseSample(out.String())
}

// parseSample reads the line of load.lua from what wrk printed.
func parseSample(out string) (sample, error) {
	_, rest, found := strings.Cut(out, "bench: ")
	if !found {
		return sample{}, fmt.Errorf("reading wrk's output: it lacks the line of load.lua: %q", out)
	}
	text, _, _ := strings.Cut(rest, "\n")
	values := map[string]int64{}
	for field := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return sample{}, fmt.Errorf("reading wrk's output: %q: %w", field, err)
		}
		values[name] = n
	}
	for _, name := range []string{"requests", "duration_us", "refused", "broken", "p50_us", "p99_us", "exhausted"} {
		if _, ok := values[name]; !ok {
			return sample{}, fmt.Errorf("reading wrk's output: %q lacks %s", text, name)
		}
	}
	return sample{
		requests: values["requests"], took: time.Duration(values["duration_us"]) * time.Microsecond,
		refused: values["refused"], broken: values["broken"], exhausted: int(values["exhausted"]),
		p50: time.Duration(values["p50_us"]) * time.Microsecond, p99: time.Duration(values["p99_us"]) * time.Microsecond,
	}, nil
}
