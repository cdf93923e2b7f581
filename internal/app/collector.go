package app

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// paceCollector has the garbage collector begin when the heap has grown by a bounded part of what lives in it, and returns how to end
// that. By default Go lets the heap double, which at a million tokens is more than a hundred megabytes of nothing. What lives in it
// then is nearly all the memory of proofs, which holds hardly any pointers: to go over it sooner costs next to nothing. Of a small heap
// it is the other way round: where it may grow by more than its own size, it is collected more rarely, and calls are answered faster.
//
// Whoever sets GOGC or GOMEMLIMIT knows better, and is left alone.
func paceCollector() (stop func(context.Context) error) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func(context.Context) error { return nil }
	}
	p := new(pacer)
	p.former = debug.SetGCPercent(gcPercent(liveHeap()))
	p.watch()
	return func(context.Context) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stopped = true
		debug.SetGCPercent(p.former)
		return nil
	}
}

// pacer sets the pace after each collection.
type pacer struct {
	mu      sync.Mutex
	former  int // to be set in the end
	current int
	stopped bool
}

// watch has the pace set after the next collection, and after each one from then on: what nobody holds tells of it by being collected.
func (p *pacer) watch() {
	runtime.AddCleanup(new([2]uintptr), (*pacer).collected, p)
}

func (p *pacer) collected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	// To set it stops the world for a moment: a little more or less isn't worth that.
	if percent := gcPercent(liveHeap()); percent > p.current+p.current/16 || percent < p.current-p.current/16 {
		p.current = percent
		debug.SetGCPercent(percent)
	}
	p.watch()
}

// liveHeap returns how many bytes lived at the last collection.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

const (
	// leastRoom is by how much a heap may grow at least, in bytes.
	leastRoom = 64 << 20
	// leastPercent is by how much a large one may.
	leastPercent = 25
	// mostPercent is by how much a small one may: below some 4 MB, nothing is to be had by more.
	mostPercent = 1600
)

// gcPercent returns by how many percent a heap of so many live bytes may grow.
func gcPercent(live uint64) int {
	return int(min(max(leastRoom*100/max(live, 1), leastPercent), mostPercent))
}
