package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// pollEvery is how often a starting Jeton is asked whether it is ready: the error of a start-up time.
const pollEvery = 2 * time.Millisecond

// awaitReady asks the admin listener until Jeton says that it can decide.
func (j *jeton) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		if _, err := j.fetch(ctx, "/readyz"); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for jeton to be ready: %w", ctx.Err())
		case <-j.done:
			return errors.Join(errors.New("jeton ended before it was ready"), j.err)
		case <-time.After(pollEvery):
		}
	}
}

// memory is how much a server takes, in bytes.
type memory struct {
	heap     float64 // alive in Go's heap
	resident float64 // in RAM, whoever asked for it: the heap, what was garbage, SQLite's cache, the program itself, mapped
	mapped   float64 // of these, pages of files: those of the database are mapped, and the kernel takes them back at need

	collections float64 // of garbage, so far
	remembered  float64 // proofs
}

// memory measures how much Jeton takes just now. The live heap is what the last garbage collection found alive; Go tells
// it by when the next one comes, which is when it has grown by GOGC percent. RSS jumps between that and twice that.
func (j *jeton) memory(ctx context.Context) (memory, error) {
	figures, err := j.metrics(ctx)
	if err != nil {
		return memory{}, err
	}
	next, percent := figures["go_memstats_next_gc_bytes"], figures["go_gc_gogc_percent"]
	if next == 0 || percent == 0 {
		return memory{}, errors.New("reading metrics: go_memstats_next_gc_bytes or go_gc_gogc_percent is missing")
	}
	rss, err := j.rss()
	if err != nil {
		return memory{}, err
	}
	mapped, err := j.mapped()
	return memory{
		heap: next / (1 + percent/100), resident: float64(rss), mapped: float64(mapped), collections: figures["go_gc_duration_seconds_count"],
		remembered: figures["jeton_remembered_proofs"],
	}, err
}

// remembers returns an error where Jeton has fewer proofs in memory than it was given: its bound on them could be lower,
// and then a path called warm would be half cold.
func (j *jeton) remembers(ctx context.Context, want int) error {
	figures, err := j.metrics(ctx)
	if err != nil {
		return err
	}
	if n := figures["jeton_remembered_proofs"]; n < float64(want) {
		return fmt.Errorf("jeton remembers %.0f of %d tokens: a warm path would not be warm", n, want)
	}
	return nil
}

// allocated returns how many objects Jeton has put on its heap so far.
func (j *jeton) allocated(ctx context.Context) (float64, error) {
	figures, err := j.metrics(ctx)
	if err != nil {
		return 0, err
	}
	n, ok := figures["go_memstats_mallocs_total"]
	if !ok {
		return 0, errors.New("reading metrics: go_memstats_mallocs_total is missing")
	}
	return n, nil
}

// metrics returns the figures without labels that Jeton gives of itself.
func (j *jeton) metrics(ctx context.Context) (map[string]float64, error) {
	text, err := j.fetch(ctx, "/metrics")
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	return parseMetrics(text), nil
}

// parseMetrics reads the lines "name value" of Prometheus's text format. Those with labels keep them in the name.
func parseMetrics(text string) map[string]float64 {
	values := map[string]float64{}
	for l := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(l), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = n
		}
	}
	return values
}

// fetch gets a page of the admin listener, and an error unless that is all well.
func (j *jeton) fetch(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+j.admin+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", path, answer.Status)
	}
	return string(body), err
}
