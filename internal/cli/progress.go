package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/jeton-io/jeton/internal/app"
)

// How often progress is told: on a terminal in the place of what was told before, elsewhere on a line of its own.
const (
	drawEvery = 100 * time.Millisecond
	tellEvery = 5 * time.Second
)

// progress tells whoever waits how far long work has come, on stderr. Work that is short is done before there is anything to
// tell.
type progress struct {
	p     *program
	doing string
	began time.Time // of what is being done now
	from  int64     // rows that were done when it began
	told  time.Time
	drawn bool // a line stands there without its break
}

func (p *program) progress() *progress { return &progress{p: p} }

// tell takes note of where the work is.
func (m *progress) tell(now app.Progress) {
	at := m.p.env.Now()
	if now.Doing != m.doing {
		m.doing, m.began, m.from, m.told = now.Doing, at, now.Done, at
	}
	every := tellEvery
	if m.p.env.LogTerminal {
		every = drawEvery
	}
	if at.Sub(m.told) < every {
		return
	}
	m.told = at
	line := m.line(now, at)
	if !m.p.env.LogTerminal {
		m.p.hint("jeton: %s", line)
		return
	}
	width := m.p.env.Width
	if width == 0 {
		width = 80
	}
	_, _ = fmt.Fprint(m.p.env.Stderr, "\r\x1b[K"+cut(clean(line), width-1))
	m.drawn = true
}

// line says what is being done, in which table, how far it is, and how fast.
func (m *progress) line(now app.Progress, at time.Time) string {
	line := fmt.Sprintf("%s: %s of %s rows", now.Doing, thousands(now.Done), thousands(now.Total))
	if passed := at.Sub(m.began); passed > 0 {
		line += fmt.Sprintf(", %s/s", thousands(int64(float64(now.Done-m.from)/passed.Seconds())))
	}
	if now.Table != "" {
		line += " (" + now.Table + ")"
	}
	return line
}

// end leaves the terminal as if nothing had been told.
func (m *progress) end() {
	if m.drawn {
		_, _ = fmt.Fprint(m.p.env.Stderr, "\r\x1b[K")
		m.drawn = false
	}
}

// thousands writes a number so that its length can be seen.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// size writes a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", bytes)
}
