// Command clocked is jeton with a clock that can be set: the same program, on the wall clock off by as many seconds as the
// file says that JETON_FAULTS_CLOCK names. The monotonic clock stays right, as it does on a machine whose clock is set.
//
// A machine's clock can't be set for one process, and a network namespace has none of its own. So the harness of the faults
// runs this binary for one of its nodes, and says so in its report. It isn't shipped.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/jeton-io/jeton/internal/cli"
)

func main() {
	var off atomic.Int64 // seconds
	now := func() time.Time { return shift(time.Now(), off.Load()) }
	if err := works(); err != nil {
		fmt.Fprintln(os.Stderr, "clocked:", err)
		os.Exit(2)
	}
	go follow(os.Getenv("JETON_FAULTS_CLOCK"), &off)
	ctx, stop := signal.NotifyContext(context.Background(), cli.Endings()...)
	context.AfterFunc(ctx, stop)
	env := cli.Process()
	env.Now = now
	os.Exit(cli.Run(ctx, env))
}

// follow reads the file again and again; without one the clock is right.
func follow(path string, off *atomic.Int64) {
	for range time.Tick(20 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil {
			if seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
				off.Store(seconds)
			}
		}
	}
}

// shift returns a time whose wall clock says some seconds more, and whose monotonic clock says the same.
//
// Package time has no way to move the one without the other: Add moves both. A time that has a monotonic reading keeps its
// seconds since 1885 in bits 30 to 62 of its first word, and the reading in the second. That is no promise of the package, so
// works finds out first.
func shift(t time.Time, seconds int64) time.Time {
	*(*uint64)(unsafe.Pointer(&t)) += uint64(seconds << 30)
	return t
}

// works checks that shift does what it says with this version of Go.
func works() error {
	for _, seconds := range []int64{3600, -3600, 400 * 86400} {
		t := time.Now()
		if s := shift(t, seconds); s.Unix()-t.Unix() != seconds || s.Sub(t) != 0 || s.Nanosecond() != t.Nanosecond() {
			return fmt.Errorf("a clock can't be set with this version of Go: %v moved by %d s is %v", t, seconds, s)
		}
	}
	return nil
}
