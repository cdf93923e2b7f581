package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// proxiedHost is the host of the service that Jeton's own proxy passes on, and proxiedCall what is called of it.
const (
	proxiedHost = "proxied.example.com"
	proxiedCall = "/reports/7"
)

// call is a call of the service behind the proxies, by a personal token. Both proxies get these very bytes.
func call() request {
	return request{
		head: "GET " + proxiedCall + " HTTP/1.1\r\nHost: " + proxiedHost + "\r\nUser-Agent: wrk\r\nAccept: */*\r\nAuthorization: Bearer ",
		tail: "\r\n\r\n",
	}
}

// proxyRounds measures Jeton's proxy beside a bare reverse proxy before the same API. The API shares a core with the load: on the
// proxies' it would be part of the ratio, and there it has enough room for either.
func (b *bench) proxyRounds(ctx context.Context, j *jeton) (err error) {
	api, err := b.startBareOn(ctx, b.pins.client, "api", b.upstream)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	unit, err := b.startBareOn(ctx, b.pins.server, "proxy", "http://"+b.upstream)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unit.stop()) }()
	asked := load{request: call(), order: fixed, tokens: b.tokens.live.one(), status: http.StatusOK}
	for round := range b.rounds {
		b.progress.say("proxy, round %d of %d", round+1, b.rounds)
		to := asked
		to.address, to.says, to.brief = unit.address, `"caller":""`, true
		if err := b.take(ctx, turn{row: b.rows.bareProxy, server: unit.process, warmUp: to, load: to}); err != nil {
			return err
		}
		if b.rows.bareProxy.failed != nil {
			return fmt.Errorf("measuring the bare reverse proxy: %w", b.rows.bareProxy.failed)
		}
		by := asked
		by.address, by.says = j.proxy, `"caller":"User`
		rate := b.rows.bareProxy.samples[len(b.rows.bareProxy.samples)-1].rate()
		if err := b.take(ctx, turn{b.rows.proxy, j.process, by, by, rate}); err != nil {
			return err
		}
	}
	return nil
}

// bodies has bodies as large as -body says pass Jeton's proxy, up and down, and tells by how much its memory grew at the most: a proxy
// that kept them would grow by as much as they are. It is done by a Jeton that has seen nothing yet, since after a million tokens
// nobody would see some MiB more or less.
func (b *bench) bodies(ctx context.Context, j *jeton) (err error) {
	api, err := b.startBareOn(ctx, b.pins.client, "api", b.upstream)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	token, err := b.tokens.live.one().read()
	if err != nil {
		return err
	}
	p := &passing{address: j.proxy, token: token.at(0)}
	for round := range b.rounds {
		b.progress.say("bodies, round %d of %d", round+1, b.rounds)
		if err := b.pass(ctx, j, p.upload, &b.figures.up); err != nil {
			return err
		}
		if err := b.pass(ctx, j, p.download, &b.figures.down); err != nil {
			return err
		}
	}
	return nil
}

// pass has one body pass. A short one goes before, for what every first call takes.
func (b *bench) pass(ctx context.Context, j *jeton, send func(context.Context, int64) error, to *bodyFigures) error {
	if err := send(ctx, 1<<20); err != nil {
		return err
	}
	before, err := j.rss()
	if err != nil {
		return err
	}
	if err := j.forgetPeak(); err != nil {
		return err
	}
	began := time.Now()
	if err := send(ctx, b.body); err != nil {
		return err
	}
	took := time.Since(began)
	peak, err := j.peak()
	to.grown.add(max(0, float64(peak)-float64(before)))
	to.rate.add(float64(b.body) / took.Seconds())
	return err
}

// passing sends bodies through the proxy.
type passing struct{ address, token string }

// upload sends so many bytes, and asks the API whether they came.
func (p *passing) upload(ctx context.Context, size int64) error {
	r, err := p.request(ctx, http.MethodPut, "", io.LimitReader(nulls{}, size))
	if err != nil {
		return err
	}
	r.ContentLength = size
	return p.send(r, func(body io.Reader) error {
		said, err := io.ReadAll(io.LimitReader(body, 4<<10))
		if want := fmt.Sprintf(`"sent":%d}`, size); err == nil && !strings.Contains(string(said), want) {
			err = fmt.Errorf("the API says %s, want %s", said, want)
		}
		return err
	})
}

// download has so many bytes sent.
func (p *passing) download(ctx context.Context, size int64) error {
	r, err := p.request(ctx, http.MethodGet, fmt.Sprintf("?bytes=%d", size), nil)
	if err != nil {
		return err
	}
	return p.send(r, func(body io.Reader) error {
		got, err := io.Copy(io.Discard, body)
		if err == nil && got != size {
			err = fmt.Errorf("got %d bytes, want %d", got, size)
		}
		return err
	})
}

func (p *passing) request(ctx context.Context, method, query string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+p.address+proxiedCall+query, body)
	if err != nil {
		return nil, fmt.Errorf("making a call: %w", err)
	}
	r.Host = proxiedHost
	r.Header.Set("Authorization", "Bearer "+p.token)
	return r, nil
}

func (p *passing) send(r *http.Request, read func(io.Reader) error) error {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("passing a body: %w", err)
	}
	defer drop(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("passing a body: %s was answered %s", r.Method, answer.Status)
	}
	if err := read(answer.Body); err != nil {
		return fmt.Errorf("passing a body: %w", err)
	}
	return nil
}

// nulls is a body without end.
type nulls struct{}

func (nulls) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// peak returns the most memory that the process had in RAM since it was forgotten, in bytes.
func (p *process) peak() (uint64, error) { return p.status("VmHWM") }

// forgetPeak has the kernel take the memory of now for the most (proc(5), clear_refs).
func (p *process) forgetPeak() error {
	if err := os.WriteFile(p.proc("clear_refs"), []byte("5"), 0); err != nil {
		return fmt.Errorf("forgetting the peak of %s: %w", p.name, err)
	}
	return nil
}
