package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress tells a person what is being done. It goes to standard error, so that the table alone can be redirected.
type progress struct{ to io.Writer }

func (p progress) say(format string, args ...any) {
	fmt.Fprintf(p.to, "bench: "+format+"\n", args...)
}

// counter tells how far a long piece of work is: count, rate and time left. It is safe for concurrent use.
type counter struct {
	p     progress
	doing string
	total int
	began time.Time

	mu   sync.Mutex
	done int
	told time.Time
}

// tellEvery is how often a counter speaks.
const tellEvery = 5 * time.Second

func (p progress) count(doing string, total int) *counter {
	now := time.Now()
	return &counter{p: p, doing: doing, total: total, began: now, told: now}
}

// add counts n more, and speaks when it has been silent for a while.
func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	if now := time.Now(); now.Sub(c.told) >= tellEvery && c.done < c.total {
		c.told = now
		c.p.say("%s", c.state(now))
	}
}

// end tells the whole of it.
func (c *counter) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.p.say("%s in %s", c.state(now), now.Sub(c.began).Round(100*time.Millisecond))
}

// state is the line of a counter.
func (c *counter) state(now time.Time) string {
	rate := float64(c.done) / now.Sub(c.began).Seconds()
	text := fmt.Sprintf("%s: %s of %s, %s/s", c.doing, thousands(float64(c.done)), thousands(float64(c.total)), thousands(rate))
	if c.done < c.total && rate > 0 {
		left := time.Duration(float64(c.total-c.done) / rate * float64(time.Second))
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return text
}
