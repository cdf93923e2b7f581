package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// stream is requests that are sent each at its time, whether or not those before it were answered: an open loop, as the
// calls of many clients are.
//
// wrk's connections each wait for their answer, so a server that stalls is asked less, and what would have come meanwhile
// is missing among the figures (coordinated omission). Here a request that is due is due. Its answer is timed from then,
// so that whatever held it up counts: the server, a lack of free connections, this program itself.
type stream struct {
	address     string
	requests    []string // as they go over the wire: sent in turn, and then again
	rate        int      // a second
	connections int      // enough that hardly ever none is free
}

// answer is what came of one request.
type answer struct {
	took   time.Duration // from when the request was due
	late   time.Duration // of these, until it was sent
	status string        // X-Jeton-Status, which tells apart what nginx can't; empty where the answer wasn't Jeton's
}

// streamGrace is how long the last answers may take.
const streamGrace = 30 * time.Second

// run sends so many requests, the first of them at begin, and returns their answers in the order in which they were due.
// One that isn't answered ends it with an error.
func (s *stream) run(ctx context.Context, begin time.Time, count int) ([]answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := streaming{stream: s, begin: begin, answers: make([]answer, count)}
	var running sync.WaitGroup
	for range s.connections {
		running.Go(func() {
			if err := r.connection(ctx); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	return r.answers, context.Cause(ctx)
}

// streaming is a stream under way: its connections take the requests one by one, each waits until its own is due.
type streaming struct {
	*stream
	begin   time.Time
	next    atomic.Int64
	answers []answer // each is written by whoever took its request
}

// due is when the n-th request is.
func (s *streaming) due(n int) time.Time {
	return s.begin.Add(time.Duration(n) * time.Second / time.Duration(s.rate))
}

// connection sends requests on one connection until none is left.
func (s *streaming) connection(ctx context.Context) error {
	conn, err := dial(ctx, s.address, time.Until(s.due(len(s.answers)))+streamGrace)
	if err != nil {
		return err
	}
	defer drop(conn)
	// Reading knows no context: where another connection has failed, this one is closed under it.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	from := bufio.NewReader(conn)
	for {
		n := int(s.next.Add(1)) - 1
		if n >= len(s.answers) {
			return nil
		}
		due := s.due(n)
		if err := sleepUntil(ctx, due); err != nil {
			return err
		}
		a := &s.answers[n]
		a.late = time.Since(due)
		if a.status, err = ask(conn, from, s.requests[n%len(s.requests)]); err != nil {
			return err
		}
		a.took = time.Since(due)
	}
}

// ask sends a request to the gateway and returns the status that its answer has for callers.
func ask(conn net.Conn, from *bufio.Reader, text string) (status string, err error) {
	if _, err := io.WriteString(conn, text); err != nil {
		return "", fmt.Errorf("sending a request: %w", err)
	}
	got, err := http.ReadResponse(from, nil)
	if err != nil {
		return "", fmt.Errorf("reading an answer: %w", err)
	}
	_, err = io.Copy(io.Discard, got.Body)
	if err = errors.Join(err, got.Body.Close()); err != nil {
		return "", fmt.Errorf("reading an answer: %w", err)
	}
	return got.Header.Get("X-Jeton-Status"), nil
}

// sleepUntil returns at a time, or with an error where ctx ends before.
func sleepUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quantile returns which of the figures so many in a thousand of them don't exceed (the nearest rank); 0 for none.
func quantile(figures []float64, perMille int) float64 {
	if len(figures) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[max(0, (len(sorted)*perMille+999)/1000-1)]
}
