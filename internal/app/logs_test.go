package app_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jeton-io/jeton/internal/app"
)

// written is where a log goes.
type written struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	return w.text.Write(b)
}

// take returns what was written since it was last called.
func (w *written) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.text.Reset()
	return w.text.String()
}

// handed returns how often something was written.
func (w *written) handed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes
}

const (
	info    = `{"time":"2026-11-21T12:00:00Z","level":"INFO","msg":"request","path":"/level=ERROR "}` + "\n"
	warning = `{"time":"2026-11-21T12:00:00Z","level":"WARN","msg":"a warning"}` + "\n"
	fault   = "time=2026-11-21T12:00:00.000Z level=ERROR msg=request\n"
)

// TestLogIsGathered lets time pass after a line, which is handed on when it must be and not before.
func TestLogIsGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := new(written)
		w := app.NewLogWriter(to)
		want := func(when, text string) {
			t.Helper()
			synctest.Wait()
			if got := to.take(); got != text {
				t.Errorf("%s: got %q, want %q", when, got, text)
			}
		}
		for round := range 2 {
			_, _ = w.Write([]byte(info))
			time.Sleep(99 * time.Millisecond)
			w.Gather([]byte(info), time.Now(), false)
			want(fmt.Sprint("before a tenth of a second, ", round), "")
			time.Sleep(time.Millisecond)
			want(fmt.Sprint("after it, ", round), info+info)
		}
		for _, trouble := range []string{warning, fault} {
			_, _ = w.Write([]byte(info))
			time.Sleep(time.Nanosecond)
			_, _ = w.Write([]byte(trouble))
			want("trouble", info+trouble)
		}
		w.Gather([]byte(info), time.Now(), true)
		want("trouble by word", info)
		_, _ = w.Write([]byte(info))
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		want("at the end", info)
		_, _ = w.Write([]byte(info))
		want("after the end", info)
		time.Sleep(time.Second)
		want("long after", "")
	})
}

// TestLogLosesNothing has many write at once, more than is gathered, while time hands on, too.
func TestLogLosesNothing(t *testing.T) {
	const workers, each = 8, 3000
	to := new(written)
	w := app.NewLogWriter(to)
	var want []string
	var writing sync.WaitGroup
	for i := range workers {
		for n := range each {
			want = append(want, fmt.Sprintf("%d %d %s", i, n, info))
		}
	}
	for mine := range slices.Chunk(slices.Clone(want), each) {
		writing.Go(func() {
			for _, line := range mine {
				w.Gather([]byte(line), time.Now(), false)
			}
		})
	}
	writing.Wait()
	if most, got := 2*workers*each*len(info)/(64<<10), to.handed(); got > 8*most || got == 0 {
		t.Errorf("got %d writes, want about %d", got, most)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	got := slices.Sorted(strings.Lines(to.take()))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %d lines, want all %d and each whole", len(got), len(want))
	}
}

// TestLogIsInOrder has many write at once what is handed on at once: it is in the order of its times, whoever wrote it.
func TestLogIsInOrder(t *testing.T) {
	to := new(written)
	w := app.NewLogWriter(to)
	var at atomic.Int64
	var writing sync.WaitGroup
	for range 4 {
		writing.Go(func() {
			for range 20 {
				now := at.Add(1)
				w.Gather(fmt.Appendf(nil, "%09d\n", now), time.Unix(0, now), false)
			}
		})
	}
	writing.Wait()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	lines := slices.Collect(strings.Lines(to.take()))
	if len(lines) != 80 {
		t.Errorf("got %d lines, want 80 in one piece", len(lines))
	}
	if to.handed() == 1 && !slices.IsSorted(lines) {
		t.Errorf("got them out of order: %q", lines)
	}
}

// TestLateLine gathers a line that was made before those that are there, as by one who had to wait for the core: it stands where its
// time is, and one of the same time behind it. All are of one place: between places, lines of one time have no order.
func TestLateLine(t *testing.T) {
	to := new(written)
	cores := runtime.GOMAXPROCS(1)
	w := app.NewLogWriter(to)
	runtime.GOMAXPROCS(cores)
	for _, line := range []struct {
		text string
		at   int64
	}{{"3\n", 3}, {"5\n", 5}, {"1\n", 1}, {"4\n", 4}, {"1, too\n", 1}, {"6\n", 6}} {
		w.Gather([]byte(line.text), time.Unix(0, line.at), false)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if got, want := to.take(), "1\n1, too\n3\n4\n5\n6\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLogIsInOrderAcrossHandings has lines gathered one after another, by whoever has the turn, while others have them handed on: none
// that came earlier is handed on later.
func TestLogIsInOrderAcrossHandings(t *testing.T) {
	to := new(written)
	w := app.NewLogWriter(to)
	var turn sync.Mutex
	var at atomic.Int64
	var writing, handing sync.WaitGroup
	var written atomic.Bool
	for range 4 {
		writing.Go(func() {
			for range 1000 {
				turn.Lock()
				now := at.Add(1)
				w.Gather(fmt.Appendf(nil, "%09d\n", now), time.Unix(0, now), false)
				turn.Unlock()
			}
		})
	}
	handing.Go(func() {
		for !written.Load() {
			w.Gather(nil, time.Unix(0, at.Load()), true)
		}
	})
	writing.Wait()
	written.Store(true)
	handing.Wait()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	lines := slices.Collect(strings.Lines(to.take()))
	if len(lines) != 4000 {
		t.Errorf("got %d lines, want 4000", len(lines))
	}
	for i, line := range lines[1:] {
		if line < lines[i] {
			t.Fatalf("got line %q behind %q", line, lines[i])
		}
	}
}

// BenchmarkLogWriter gathers lines from all cores, for nobody.
func BenchmarkLogWriter(b *testing.B) {
	w := app.NewLogWriter(io.Discard)
	line, at := []byte(strings.Repeat("x", 419)+"\n"), time.Now()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w.Gather(line, at, false)
		}
	})
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}
