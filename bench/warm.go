package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How the tokens are presented: many requests on the way at a time, so that it takes no longer than the server does. wrk
// can't do it, since it ends by time and not when all is done, and can't tell whose answer a refusal was.
const (
	warmConnections = 8
	warmPipeline    = 64
	warmTimeout     = 10 * time.Minute
)

// warm presents every live token once, and returns an error unless each is admitted: so it also shows that every one of
// them was filled in right.
func warm(ctx context.Context, address string, presented lines, done *counter) error {
	ctx, cancel := context.WithTimeout(ctx, warmTimeout)
	defer cancel()
	w := warmer{request: askGateway(address), tokens: presented, count: presented.count(), done: done}
	errs := make([]error, warmConnections)
	var running sync.WaitGroup
	for i := range errs {
		running.Go(func() {
			if errs[i] = w.run(ctx, address); errs[i] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("presenting every token: %w", err)
	}
	done.end()
	return nil
}

// warmer hands out tokens to the connections that present them.
type warmer struct {
	request request
	tokens  lines
	count   int
	next    atomic.Int64
	done    *counter
}

// run presents tokens on one connection until none is left.
func (w *warmer) run(ctx context.Context, address string) error {
	conn, err := dial(ctx, address, warmTimeout)
	if err != nil {
		return err
	}
	defer drop(conn)
	// Reading knows no context: where another connection has failed, this one is closed under it.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	answers := bufio.NewReader(conn)
	for {
		first := int(w.next.Add(warmPipeline)) - warmPipeline
		n := min(warmPipeline, w.count-first)
		if n <= 0 {
			return nil
		}
		// One write and then all answers (RFC 9112, section 9.3.2): both fit into the sockets' buffers, so that neither
		// side waits for the other to read.
		var batch strings.Builder
		for i := range n {
			batch.WriteString(w.request.with(w.tokens.at(first + i)))
		}
		if _, err := io.WriteString(conn, batch.String()); err != nil {
			return fmt.Errorf("sending requests: %w", err)
		}
		for range n {
			if err := readAdmission(answers); err != nil {
				return err
			}
		}
		w.done.add(n)
	}
}

// readAdmission reads one answer of the gateway, which must be its yes.
func readAdmission(from *bufio.Reader) error {
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	if err := answer.Body.Close(); err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("a live token was answered %s", answer.Status)
	}
	return nil
}
