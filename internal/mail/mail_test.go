package mail_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/jeton-io/jeton/internal/mail"
	"github.com/jeton-io/jeton/test/postbox"
)

// told is what a Post tells of a letter that it didn't send.
type told struct {
	err  error
	last bool
}

// desk is a Post that runs, with a clock that a test moves.
type desk struct {
	*mail.Post
	told chan told
	rest chan time.Duration // for how long it rests, as it begins to
	stop func() int         // waits for no server, and returns how many letters are lost
	end  func()             // has Run end, without the rest of stop

	mu    sync.Mutex
	now   time.Time
	later chan time.Time
}

// advance moves the clock, and ends the rest.
func (d *desk) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
	if d.later != nil {
		d.later <- d.now
		d.later = nil
	}
}

func (d *desk) after(by time.Duration) <-chan time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.later = make(chan time.Time, 1)
	d.rest <- by
	return d.later
}

// resting waits until the Post rests for so long: it may begin to twice, where it was woken for a letter that it has.
func (d *desk) resting(t *testing.T, want time.Duration) {
	t.Helper()
	for await(t, d.rest) != want {
		continue
	}
}

// open returns a Post for a server, which runs until the test ends.
func open(t *testing.T, s mail.Server, roots *x509.CertPool) *desk {
	t.Helper()
	d := &desk{told: make(chan told, 2000), rest: make(chan time.Duration, 100), now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	p, err := mail.New(mail.Config{
		Server: s, From: "Jeton <jeton@example.com>", Hello: "tokens.example.com", Roots: roots, Random: rand.Reader, After: d.after,
		Now: func() time.Time {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.now
		},
		Told: func(err error, last bool) { d.told <- told{err, last} },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Post = p
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	d.stop = sync.OnceValue(func() int {
		cancel()
		at, over := context.WithCancel(context.Background())
		over() // at once
		lost := p.Finish(at)
		running.Wait()
		return lost
	})
	d.end = cancel
	t.Cleanup(func() { d.stop() })
	return d
}

func server(b *postbox.Box) mail.Server { return mail.Server{Host: "127.0.0.1", Port: b.Port} }

func ann(body string) mail.Letter {
	return mail.Letter{To: "ann@example.com", Subject: "Héllo, Ann", Body: body}
}

// await returns what is told next.
func await[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(time.Minute):
		t.Fatal("nothing happened within a minute")
	}
	return got
}

// TestSend sends a letter over each of the ways there are, and compares what the server got.
func TestSend(t *testing.T) {
	for name, o := range map[string]postbox.Options{
		"plain":              {},
		"plain and a log-in": {User: "jeton", Password: "pass word"},
		"STARTTLS":           {TLS: true},
		"STARTTLS, a log-in": {TLS: true, User: "jeton", Password: "pass word"},
		"TLS from the start": {Implicit: true},
		"TLS and a log-in":   {Implicit: true, User: "jeton", Password: "pass word"},
	} {
		t.Run(name, func(t *testing.T) {
			b := postbox.New(t, o)
			s := server(b)
			s.Plain, s.Implicit, s.User = !o.TLS && !o.Implicit, o.Implicit, o.User
			s.Password = "pass word"
			d := open(t, s, b.Roots)
			long := "https://tokens.example.com/console/welcome/" + strings.Repeat("jtl0123456789", 10)
			body := "Grüße,\n\n" + long + "\n\n.\nFrom here\n"
			if !d.Send(ann(body)) {
				t.Fatal("there was no room")
			}
			got := b.Next(t)
			if got.From != "jeton@example.com" || got.To != "ann@example.com" || got.Subject != "Héllo, Ann" || got.Body != body || got.TLS == s.Plain || got.User != o.User {
				t.Errorf("got %+v", got)
			}
			if n := b.LogIns.Load(); (n == 1) != (o.User != "") {
				t.Errorf("logged in %d times", n)
			}
			for field, want := range map[string]string{
				"From": `"Jeton" <jeton@example.com>`, "To": "<ann@example.com>", "Auto-Submitted": "auto-generated", "Content-Type": "text/plain; charset=UTF-8",
				"Date": "Sat, 21 Nov 2026 12:00:00 +0000", "User-Agent": "", "X-Mailer": "",
			} {
				if got := got.Header.Get(field); got != want {
					t.Errorf("got %s %q, want %q", field, got, want)
				}
			}
			if id := got.Header.Get("Message-Id"); !strings.HasSuffix(id, "@example.com>") {
				t.Errorf("got the ID %s", id)
			}
		})
	}
}

// TestRefusesPlain tries servers that nobody should talk to: nothing is sent, and no password.
func TestRefusesPlain(t *testing.T) {
	plain, other := postbox.New(t, postbox.Options{User: "jeton", Password: "canary"}), postbox.New(t, postbox.Options{TLS: true, User: "jeton", Password: "canary"})
	stranger := postbox.New(t, postbox.Options{TLS: true})
	for name, tc := range map[string]struct {
		box   *postbox.Box
		roots *x509.CertPool
	}{"no STARTTLS": {plain, nil}, "another's certificate": {other, stranger.Roots}} {
		s := server(tc.box)
		s.User, s.Password = "jeton", "canary"
		d := open(t, s, tc.roots)
		d.Send(ann("canary"))
		if got := await(t, d.told); got.last || strings.Contains(got.err.Error(), "canary") || strings.Contains(got.err.Error(), "ann@") {
			t.Errorf("%s: got %+v, want another try", name, got)
		}
		if n := tc.box.LogIns.Load(); len(tc.box.Letters) > 0 || n > 0 {
			t.Errorf("%s: a letter was sent, or a password (%d)", name, n)
		}
	}
}

// TestRetries has the server fail in its ways, until it doesn't: the letter comes once, after the pauses.
func TestRetries(t *testing.T) {
	b := postbox.New(t, postbox.Options{})
	s := server(b)
	s.Plain = true
	d := open(t, s, nil)
	b.Fail.Store(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "ann@example.com: later"})
	d.Send(ann("body\n"))
	for n, want := range []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute} {
		got := await(t, d.told)
		if got.last || strings.Contains(got.err.Error(), "ann@") {
			t.Errorf("got %+v, want another try, and no address", got)
		}
		d.resting(t, want)
		if n == 1 { // now it fails in another way
			b.Fail.Store(nil)
			b.Vanish.Store(true)
		}
		if n == 2 {
			b.Vanish.Store(false)
		}
		d.advance(want)
	}
	if got := b.Next(t); got.Body != "body\n" {
		t.Errorf("got %+v", got)
	}
	d.Send(ann("another\n"))
	if got := b.Next(t); got.Body != "another\n" { // and not the first one again
		t.Errorf("got %+v", got)
	}
	if got := d.Counts(); got.Sent == 0 || got.GivenUp != 0 || got.Waiting != 0 {
		t.Errorf("got %+v", got)
	}
}

// TestGivesUp gives up what the server refuses for good, what it never takes, and what comes too late.
func TestGivesUp(t *testing.T) {
	b := postbox.New(t, postbox.Options{})
	s := server(b)
	s.Plain = true
	d := open(t, s, nil)
	b.Fail.Store(&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "ann@example.com: nobody"})
	d.Send(ann("body\n"))
	if got := await(t, d.told); !got.last || strings.Contains(got.err.Error(), "ann@") || !strings.Contains(got.err.Error(), "550") {
		t.Errorf("got %+v, want it given up", got)
	}
	b.Fail.Store(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"})
	d.Send(ann("body\n"))
	for _, pause := range []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour} {
		if got := await(t, d.told); got.last {
			t.Errorf("got %+v, want another try", got)
		}
		d.resting(t, pause)
		d.advance(pause)
	}
	if got := await(t, d.told); !got.last {
		t.Errorf("got %+v, want it given up", got)
	}
	l := ann("body\n")
	l.Until = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) // which is long past by this clock
	d.Send(l)
	if got := await(t, d.told); !got.last {
		t.Errorf("got %+v, want it given up", got)
	}
	if got := d.Counts(); got.GivenUp != 3 || got.Sent != 0 || got.Waiting != 0 || len(b.Letters) > 0 {
		t.Errorf("got %+v", got)
	}
}

// TestNobodyWaits sends more than there is room for to a server that accepts and says nothing, and one that isn't there.
func TestNobodyWaits(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var held []net.Conn
	accepted := make(chan struct{})
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				close(accepted)
				return
			}
			held = append(held, c)
		}
	}()
	_, port, _ := net.SplitHostPort(silent.Addr().String())
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, mail.Server{Host: "127.0.0.1", Port: number, Plain: true}, nil)
	defer func() { // the Post ends after that all the same: see the last lines
		_ = silent.Close()
		<-accepted
		for _, c := range held {
			_ = c.Close()
		}
	}()
	notices := 0
	for range 900 {
		l := ann("body\n")
		l.Notice = true
		if d.Send(l) {
			notices++
		}
	}
	if notices < 750 || notices > 751 {
		t.Errorf("got %d notices taken, want room kept for what people wait for", notices)
	}
	begun, taken := time.Now(), notices
	for range 1100 - notices {
		if d.Send(ann("body\n")) {
			taken++
		}
	}
	if took := time.Since(begun); taken < 1000 || taken > 1001 || took > 10*time.Second {
		t.Errorf("got %d taken within %s, want a thousand at once", taken, took)
	}
	if got := d.Counts(); got.GivenUp != uint64(900-notices+1100-taken) {
		t.Errorf("got %+v", got)
	}
	d.advance(time.Minute - time.Second)
	d.Send(ann("body\n"))
	d.advance(time.Second)
	d.Send(ann("body\n"))
	for range 2 { // once a minute
		if got := await(t, d.told); !got.last || !errors.Is(got.err, mail.ErrNoRoom) {
			t.Fatalf("got %+v, want it told that there was no room", got)
		}
	}
	if len(d.told) > 0 {
		t.Errorf("got told %d times more that there was no room", len(d.told))
	}
	begun = time.Now()
	d.stop()
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %s to stop, beside a server that says nothing", took)
	}
}

// TestFinish sends at the end what waits, due or not, to a server that takes it; beside one that doesn't, it tries one letter, and says how
// many are lost.
func TestFinish(t *testing.T) {
	for _, tt := range []struct {
		name string
		then func(*postbox.Box)
		lost int
	}{
		{"the server is back", func(b *postbox.Box) { b.Fail.Store(nil) }, 0},
		{"it still isn't", func(*postbox.Box) {}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := postbox.New(t, postbox.Options{})
			s := server(b)
			s.Plain = true
			d := open(t, s, nil)
			b.Fail.Store(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"})
			for _, body := range []string{"one\n", "two\n", "three\n"} {
				d.Send(ann(body))
				await(t, d.told)
			}
			d.end()
			tt.then(b)
			if got := d.Finish(t.Context()); got != tt.lost {
				t.Errorf("got %d lost, want %d", got, tt.lost)
			}
			if got := d.Counts(); got.Sent != uint64(3-tt.lost) || len(b.Letters) != 3-tt.lost {
				t.Errorf("got %+v, and %d letters", got, len(b.Letters))
			}
		})
	}
}

// TestAborted has nobody wait for the server at the last try of a letter: it is lost as those are that wait, and not given up.
func TestAborted(t *testing.T) {
	b := postbox.New(t, postbox.Options{})
	s := server(b)
	s.Plain = true
	d := open(t, s, nil)
	b.Fail.Store(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"})
	l := ann("body\n")
	l.Lost = func() { t.Error("it was said to be given up") }
	d.Send(l)
	for _, pause := range []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour} {
		await(t, d.told)
		d.resting(t, pause)
		if pause == time.Hour { // now it says nothing, for it has no more room
			b.Fail.Store(nil)
			for range cap(b.Letters) {
				b.Letters <- postbox.Letter{}
			}
		}
		d.advance(pause)
	}
	for d.Counts().Waiting > 0 {
		runtime.Gosched()
	}
	if got := d.stop(); got != 1 || d.Counts().GivenUp > 0 || len(d.told) > 0 {
		t.Errorf("got %d lost, and %+v", got, d.Counts())
	}
	for len(b.Letters) > 0 {
		<-b.Letters
	}
}

// TestLost tells who has a letter sent that nobody got it, as soon as it is given up and not before.
func TestLost(t *testing.T) {
	b := postbox.New(t, postbox.Options{})
	s := server(b)
	s.Plain = true
	d := open(t, s, nil)
	lost := make(chan string, 10)
	send := func(body string) {
		l := ann(body)
		l.Lost = func() { lost <- body }
		d.Send(l)
	}
	send("sent\n")
	b.Next(t)
	b.Fail.Store(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"})
	send("later\n")
	await(t, d.told)
	b.Fail.Store(&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody"})
	send("never\n")
	if got := await(t, lost); got != "never\n" || len(lost) > 0 {
		t.Errorf("got %q first, want what is refused for good", got)
	}
}

// TestAddresses sends nothing to what isn't one address, and keeps the header whole.
func TestAddresses(t *testing.T) {
	b := postbox.New(t, postbox.Options{})
	s := server(b)
	s.Plain = true
	d := open(t, s, nil)
	for _, to := range []string{
		"", "ann", "ann@example.com, bob@example.com", "Ann <ann@example.com>", "<ann@example.com>", " ann@example.com",
		"ann@example.com\r\nBcc: bob@example.com", "ann@example.com\nRCPT TO:<bob@example.com>", "\"ann\r\nBcc: bob@example.com\"@example.com",
	} {
		d.Send(mail.Letter{To: to, Subject: "s", Body: "b"})
		if got := await(t, d.told); !got.last {
			t.Errorf("%q: got %v, want it given up", to, got.err)
		}
	}
	d.Send(mail.Letter{To: "ann@example.com", Subject: "one\r\nBcc: bob@example.com\r\n\r\nbody\u2028x", Body: "b\r\n.\r\nQUIT\n"})
	got := b.Next(t)
	if got.To != "ann@example.com" || got.Header.Get("Bcc") != "" || strings.ContainsAny(got.Subject, "\r\n") || !strings.HasPrefix(got.Body, "b\n.\nQUIT") {
		t.Errorf("got %+v", got)
	}
}

func TestNew(t *testing.T) {
	if _, err := mail.New(mail.Config{}); err == nil {
		t.Error("a Post without a server was made")
	}
	made := func(from string, s mail.Server) error {
		s.Port = 1
		_, err := mail.New(mail.Config{Server: s, From: from, Hello: "h", Now: time.Now, Random: rand.Reader, After: time.After, Told: func(error, bool) {}})
		return err
	}
	if err := made("nobody", mail.Server{Host: "h"}); err == nil || errors.Unwrap(err) == nil {
		t.Errorf("got %v, want what is wrong with the sender", err)
	}
	for host, here := range map[string]bool{
		"127.0.0.1": true, "127.1.2.3": true, "::1": true, "localhost": true, "mail.example.com": false, "192.0.2.1": false, "127.0.0.1.example.com": false, "::": false,
	} {
		if err := made("jeton@example.com", mail.Server{Host: host, Plain: true}); (err == nil) != here {
			t.Errorf("without TLS to %s: got %v", host, err)
		}
		if err := made("jeton@example.com", mail.Server{Host: host}); err != nil {
			t.Errorf("to %s: got %v", host, err)
		}
	}
}
