// Package mail sends letters to people by e-mail, through the one server that an operator names.
//
//	Send(letter) ─▶ queue, of 1,000 at most ─▶ one after the other ─▶ the server (SMTP, RFC 5321)
//	                   ▲                                  │ not now
//	                   └── after 10 s, 1, 5, 15, 60 min ──┘
//
// Send returns at once: nobody who asks for something waits for a mail server, and nobody learns from the time that passes whether a mail
// was sent. What can't be sent in time is dropped, and told of by its number and not by whom it was for. Notices, of which somebody may
// bring about many, find room in three quarters of the queue: the rest is kept for what people wait for.
//
// The package refuses to speak, and so to log in, without TLS but on this machine itself, and letters whose address could be read as another
// or holds a line break. It keeps nothing over a restart: what waits at a stop is tried once more, and a link that wasn't mailed is asked
// for again.
package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	netmail "net/mail"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/jeton-io/jeton/internal/secret"
)

// Letter is what somebody is told.
type Letter struct {
	To      string // an e-mail address
	Subject string
	Body    string    // lines of text, divided by \n
	Until   time.Time // after which it is of no use any more; zero for none
	Notice  bool      // nobody waits for it
	Lost    func()    // is called where it is given up after it was taken, if it isn't nil
}

// Server is the server through which letters go.
type Server struct {
	Host string
	Port int
	// Implicit has TLS begin with the connection (smtps); else the server must offer STARTTLS.
	Implicit bool
	// Plain has no TLS at all. It is for a server on this very machine: Host must be "localhost" or an address of loopback.
	Plain    bool
	User     string // empty where there is nothing to log in with
	Password secret.Text
}

// Config is what a Post needs. Every field is required but Roots.
type Config struct {
	Server Server
	// From is who the letters are from: an address, with or without a name.
	From string
	// Hello is the name by which Jeton introduces itself to the server.
	Hello string
	// Roots are the certificate authorities that are believed of the server; nil means the system's.
	Roots  *x509.CertPool
	Now    func() time.Time
	Random io.Reader // of the letters' own IDs
	// After returns a channel that delivers when a time has passed.
	After func(time.Duration) <-chan time.Time
	// Told hears of each letter that was not sent: when it is tried again, in which case last is false, or that it was given up. Of those
	// for which there is no room it hears once a minute at most: ErrNoRoom. The error holds no address and nothing of the letter.
	Told func(err error, last bool)
}

const (
	// maxWaiting is how many letters wait for which there was room. That which is being sent meanwhile comes back to them where it has to
	// be tried again: it is one more at most.
	maxWaiting = 1000
	maxNotices = maxWaiting * 3 / 4 // how many letters may wait where a notice still finds room
	patience   = 20 * time.Second   // for a connection, and for each answer of the server
)

// pauses are how long a letter waits before it is tried again.
var pauses = []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// waiting is a letter in the queue.
type waiting struct {
	Letter
	due   time.Time
	tries int
}

// Counts is what became of letters since the start.
type Counts struct {
	Sent, GivenUp uint64 // GivenUp are those, too, for which there was no room
	Waiting       int
}

// Post sends letters. It is safe for concurrent use. Make one with New, and have it Run.
type Post struct {
	cfg  Config
	from *netmail.Address
	wake chan struct{} // has room for one

	ended chan struct{} // is closed when Run has returned
	abort chan struct{} // is closed when no server is waited for any more

	mu     sync.Mutex
	queue  []waiting
	counts Counts
	full   time.Time // when it was told last that there is no room
}

// New returns a Post, or an error where the configuration lacks something.
func New(cfg Config) (*Post, error) {
	if cfg.Server.Host == "" || cfg.Server.Port <= 0 || cfg.Hello == "" || cfg.Now == nil || cfg.Random == nil || cfg.After == nil || cfg.Told == nil {
		return nil, errors.New("mail: every field of Config but Roots is required")
	}
	if cfg.Server.Plain && !here(cfg.Server.Host) {
		return nil, errors.New("mail: without TLS a server must be on this machine")
	}
	from, err := netmail.ParseAddress(cfg.From)
	if err != nil {
		return nil, fmt.Errorf("mail: the sender's address: %w", err)
	}
	return &Post{cfg: cfg, from: from, wake: make(chan struct{}, 1), ended: make(chan struct{}), abort: make(chan struct{})}, nil
}

// here reports whether a host is this machine itself.
func here(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Send takes a letter, and reports whether there was room for it.
func (p *Post) Send(l Letter) bool {
	taken, tell := p.enqueue(l)
	if tell {
		p.cfg.Told(ErrNoRoom, true)
	}
	return taken
}

// enqueue takes a letter, or reports whether it is to be told that there is no room.
func (p *Post) enqueue(l Letter) (taken, tell bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, room := p.cfg.Now(), maxWaiting
	if l.Notice {
		room = maxNotices
	}
	if len(p.queue) >= room {
		p.counts.GivenUp++
		if tell = now.Sub(p.full).Abs() >= time.Minute; tell {
			p.full = now
		}
		return false, tell
	}
	p.queue = append(p.queue, waiting{Letter: l, due: now})
	select {
	case p.wake <- struct{}{}:
	default: // it will look
	}
	return true, false
}

// Counts returns what became of letters since the start.
func (p *Post) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.counts
	c.Waiting = len(p.queue)
	return c
}

// Run sends letters until ctx ends and the one that it is sending then is sent. It is to be called once, and then Finish.
func (p *Post) Run(ctx context.Context) {
	defer close(p.ended)
	for ctx.Err() == nil {
		next, wait, ok := p.take(false)
		if ok {
			p.deliver(&next)
			continue
		}
		var later <-chan time.Time
		if wait > 0 {
			later = p.cfg.After(wait)
		}
		select {
		case <-ctx.Done():
		case <-p.wake:
		case <-later:
		}
	}
}

// Finish ends a Post whose Run was told to end: it tries what waits once more, due or not, until ctx ends or the server takes no more. It
// returns how many letters are lost.
func (p *Post) Finish(ctx context.Context) (lost int) {
	defer context.AfterFunc(ctx, func() { close(p.abort) })()
	<-p.ended
	for ctx.Err() == nil {
		next, _, ok := p.take(true)
		if !ok || !p.deliver(&next) {
			break
		}
	}
	return p.Counts().Waiting
}

// take takes the next letter out of the queue, if it is due or is to be sent early. Else it returns for how long none is due, 0 where none
// waits.
func (p *Post) take(early bool) (next waiting, wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return next, 0, false
	}
	first := 0
	for i := range p.queue {
		if p.queue[i].due.Before(p.queue[first].due) {
			first = i
		}
	}
	if wait = p.queue[first].due.Sub(p.cfg.Now()); wait > 0 && !early {
		return next, wait, false
	}
	next = p.queue[first]
	p.queue = append(p.queue[:first], p.queue[first+1:]...)
	return next, 0, true
}

// deliver sends a letter or gives it up, and is done with it; or has it wait for the next time.
func (p *Post) deliver(w *waiting) (done bool) {
	err := errTooLate
	if now := p.cfg.Now(); w.Until.IsZero() || now.Before(w.Until) {
		err = p.hand(w.Letter)
	}
	done = p.settle(w, err)
	if err == nil || errors.Is(err, errAborted) {
		return done
	}
	p.cfg.Told(err, done)
	if done && w.Lost != nil {
		w.Lost()
	}
	return done
}

// settle notes what became of a letter, and reports whether that was the last of it. One that is refused for good isn't tried again: see
// plain. One of which nobody knows waits, and so is lost with those that wait at the end.
func (p *Post) settle(w *waiting, err error) (done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.counts.Sent++
		return true
	case errors.Is(err, errAborted):
	case w.tries >= len(pauses), errors.Is(err, errRefused), errors.Is(err, errTooLate):
		p.counts.GivenUp++
		return true
	default:
		w.due = p.cfg.Now().Add(pauses[w.tries])
		w.tries++
	}
	p.queue = append(p.queue, *w)
	return false
}

// hand hands a letter to the server. It returns when nobody waits for that any more, also where the server is in the middle of saying
// nothing: the connection then ends by its own time limit.
func (p *Post) hand(l Letter) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.submit(ctx, &l) }()
	select {
	case err := <-done:
		return err
	case <-p.abort:
		return errAborted
	}
}

var (
	// errAborted is that of a letter of which it isn't known whether the server has it.
	errAborted = errors.New("it was not waited for")
	// errRefused is that of a letter that is not to be tried again: its address is none, or the server answers that it never will.
	errRefused = errors.New("it is refused for good")
	// ErrNoRoom is that of letters that were never taken.
	ErrNoRoom = errors.New("no room for mails: too many wait for the mail server")
	// errTooLate is that of a letter that is of no use any more.
	errTooLate = errors.New("it couldn't be sent in time")
)

// recipient reads an address to which a letter goes. It must be one, as it stands: what could be read as two, or has a name beside it that
// nobody gave, goes nowhere.
func recipient(to string) (*netmail.Address, error) {
	address, err := netmail.ParseAddress(to)
	if err != nil || address.Address != to || address.Name != "" {
		return nil, fmt.Errorf("the address can't be written to: %w", errRefused)
	}
	return address, nil
}

// oneLine returns a subject without what could begin another line of the header.
func oneLine(subject string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, subject)
}

// domain returns the sender's, for the letters' IDs.
func (p *Post) domain() string {
	return p.from.Address[strings.LastIndexByte(p.from.Address, '@')+1:]
}
