package demo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// line is a call as a person reads it.
type line struct {
	at           time.Time
	who, style   string
	method, path string
	status       int // 0 where there was no answer
	refused      bool
	said         string // what came of it
}

// line returns a visit of the reader's, whose program the demo isn't.
func (v *visit) line() line {
	l := line{who: v.caller, style: strings.ReplaceAll(v.credential, "_", " "), method: v.method, path: v.path, status: v.status}
	l.said = "the API saw " + v.caller + ", by " + v.credential
	if len(v.leaked) > 0 {
		l.said = "UNEXPECTED: the API saw credentials: " + strings.Join(v.leaked, ", ")
	}
	return l
}

// unread is how many lines wait for a terminal that has been stopped, or for a pipe that nobody reads.
const unread = 4096

// screen is what a person sees. It is safe for concurrent use, and nobody waits for it: neither a call, which would be answered late,
// nor the end of the demo, whose folder has to go. What doesn't fit is left out and counted.
type screen struct {
	now    func() time.Time
	quiet  bool
	colour bool

	mu      sync.Mutex
	closed  bool
	lost    int // lines left out
	waiting chan string
	written chan struct{} // closed when all is
}

// newScreen begins to write. Where that fails, it calls stop: a demo that nobody sees has no use.
func newScreen(cfg *Config, stop context.CancelCauseFunc) *screen {
	s := &screen{now: cfg.Now, quiet: cfg.Quiet, colour: cfg.Colour, waiting: make(chan string, unread), written: make(chan struct{})}
	go func() {
		defer close(s.written)
		for text := range s.waiting {
			if _, err := fmt.Fprintln(cfg.Out, text); err != nil {
				stop(fmt.Errorf("writing the output: %w", err))
			}
		}
	}()
	return s
}

// say has a line of text written, unless it comes too late.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.lost > 0 && len(s.waiting) < unread-1 {
		s.waiting <- fmt.Sprintf("(%d lines left out)", s.lost)
		s.lost = 0
	}
	select {
	case s.waiting <- fmt.Sprintf(format, args...):
	default:
		s.lost++
	}
}

// close waits until everything is written.
func (s *screen) close() {
	s.mu.Lock()
	s.closed = true
	close(s.waiting)
	s.mu.Unlock()
	<-s.written
}

// line prints a call. What came over the wire is shown without what a terminal would obey.
func (s *screen) line(l line) {
	if s.quiet {
		return
	}
	if l.at.IsZero() {
		l.at = s.now()
	}
	s.say("%s  %-11s  %-14s  %-4s  %-33s  %s  %s", l.at.Local().Format(time.TimeOnly), l.who, l.style, l.method,
		printable(shorten(l.path)), s.mark(&l), printable(l.said))
}

// mark is the status, in a colour where colours are wanted.
func (s *screen) mark(l *line) string {
	status := fmt.Sprintf("%3d", l.status)
	switch {
	case l.status == 0:
		status = "  -"
	case !s.colour:
	case l.refused:
		return "\x1b[31m" + status + "\x1b[0m"
	default:
		return "\x1b[32m" + status + "\x1b[0m"
	}
	return status
}

// shorten leaves out of a path what would break the columns.
func shorten(path string) string {
	path = strings.Replace(path, "/api/ApiToken/GenerateAccessTokenFrom", "/…From", 1)
	if head, _, ok := strings.Cut(path, "&XSC="); ok {
		return head + "&…"
	}
	if head, tail, ok := strings.Cut(path, "/users/"); ok && head == "" && len(tail) > 8 {
		id, rest, _ := strings.Cut(tail, "/")
		return "/users/…" + id[max(0, len(id)-6):] + "/" + rest
	}
	return path
}

// printable replaces control characters.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}

// introduce says what runs, and what to try.
func (s *screen) introduce(cfg *Config, d *desk, p *paste, folder string) {
	s.say("Jeton runs here for show, with a sample API behind its proxy and four integrators who call it.")
	s.say("Everything, its log too, lies in %s%s.", folder, map[bool]string{true: "", false: " and is removed at the end"}[cfg.Keep])
	s.say("What is secret in it was made for this run and opens nothing else.")
	s.say("\n  base URL  %s   all that an integrator knows", d.base)
	s.say("  console   %s/console/   user admin, password %s", d.public, d.admin.Reveal())
	s.say("\nTo call it as %q, in another terminal; what the API sees of that appears below:", visitor)
	s.say("%s", p.text())
	s.say("To ask Jeton what it has refused, as its administrator:\n\n  %s events --url %s", p.asAdmin(folder, cfg.Command), d.public)
	end := "Ctrl-C ends the demo."
	switch {
	case cfg.Calls > 0:
		end = fmt.Sprintf("The demo ends when each integrator has made %d calls, or by Ctrl-C.", cfg.Calls)
	case cfg.For > 0:
		end = fmt.Sprintf("The demo ends after %s, or by Ctrl-C.", cfg.For)
	}
	s.say("\n%s\n", end)
	if !s.quiet {
		s.say("%-8s  %-11s  %-14s  %-39s  %s  %s", "time", "who", "style", "call", "answer", "what came of it")
	}
}

// summary tells how often each was let in.
func (s *screen) summary(all []*integrator) {
	s.say("\n%-11s  %-24s  %8s  %7s", "who", "style", "admitted", "refused")
	for _, it := range all {
		s.say("%-11s  %-24s  %8d  %7d", it.name, it.style, it.admitted, it.refused)
	}
}
