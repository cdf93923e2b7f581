package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
)

// turn is one measuring of one row.
type turn struct {
	row    *row
	server *process
	warmUp load // empty where the server is warm
	load   load
	unit   float64 // what the ratio is to, measured a moment ago; 0 for the unit itself
}

// unitSeconds is how long a unit is measured, each time that something is measured beside it: half as long as that.
func (b *bench) unitSeconds() int { return (b.seconds + 1) / 2 }

// take probes the path, warms the server up for a second, and measures. It returns an error only where the session
// can't go on: a path that fails once is failed for good, and the others go on, since a session takes minutes.
func (b *bench) take(ctx context.Context, t turn) error {
	if t.row.failed != nil {
		return nil
	}
	s, err := b.sample(ctx, &t)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		err = s.check(t.load.status)
	}
	if err != nil {
		t.row.failed = err
		b.progress.say("%s: %v", t.row.name, err)
		return nil
	}
	t.row.samples = append(t.row.samples, s)
	if t.unit > 0 {
		t.row.ratios = append(t.row.ratios, s.rate()/t.unit)
	}
	rss, err := t.server.rss()
	t.row.rss = append(t.row.rss, float64(rss))
	if t.server.allocations != nil {
		t.row.allocs = append(t.row.allocs, s.allocations/float64(s.requests))
	}
	return err
}

// sample is the measuring itself. The second of warm-up fills what only load fills: connections, buffers, the
// processor's branch predictor.
func (b *bench) sample(ctx context.Context, t *turn) (sample, error) {
	if err := b.emptyLog(); err != nil {
		return sample{}, err
	}
	if err := b.probe(ctx, &t.load); err != nil {
		return sample{}, err
	}
	if t.warmUp.address != "" {
		if _, err := b.wrk(ctx, t.warmUp, 1); err != nil {
			return sample{}, err
		}
	}
	before, err := t.server.spent(ctx)
	if err != nil {
		return sample{}, err
	}
	seconds := b.seconds
	if t.load.brief {
		seconds = b.unitSeconds()
	}
	s, err := b.wrk(ctx, t.load, seconds)
	if err != nil {
		return sample{}, err
	}
	after, err := t.server.spent(ctx)
	s.busy, s.allocations = float64(after.busy-before.busy)/float64(s.took), after.allocations-before.allocations
	return s, err
}

// emptyLog has the request log begin anew. At some 25 MB a second it would fill the disk, and a file of gigabytes being
// written out by the kernel would be measured with it. Within a run it is written as it always is.
func (b *bench) emptyLog() error {
	if err := os.Truncate(b.log(), 0); err != nil {
		return fmt.Errorf("emptying the log: %w", err)
	}
	return nil
}

// probe asks once, with the last of a load's tokens, which is then taken out of a load that presents each only once.
// wrk tells success from refusal and no more; here every byte of the answer can be looked at.
func (b *bench) probe(ctx context.Context, l *load) error {
	token := ""
	if l.tokens.count > 0 {
		last, err := l.tokens.part(l.tokens.count-1, 1).read()
		if err != nil {
			return err
		}
		token = last.at(0)
	}
	if l.order == once || l.order == rotating {
		l.tokens.count--
	}
	return l.probe(ctx, token)
}

// ask is a load on the gateway. A yes must say whose call it is; a no must not, and has nobody to name.
func (b *bench) ask(j *jeton, tokens span, o order, status int) load {
	return load{
		address: j.gateway, request: askGateway(j.gateway), order: o, tokens: tokens, status: status, named: status == http.StatusOK,
	}
}

// askForwardAuth is the same load as Caddy and others bring it about.
func (b *bench) askForwardAuth(j *jeton, tokens span) load {
	l := b.ask(j, tokens, fixed, http.StatusOK)
	l.request = askForwardAuth(j.gateway)
	return l
}

// askByCookie is a load of one browser that is logged in.
func (b *bench) askByCookie(j *jeton) load {
	l := b.ask(j, b.tokens.cookie, fixed, http.StatusOK)
	l.request = askByCookie(j.gateway)
	return l
}

// askByPassword is a load of users with their passwords, by HTTP Basic.
func (b *bench) askByPassword(j *jeton, passwords span, o order) load {
	l := b.ask(j, passwords, o, http.StatusOK)
	l.request = askByPassword(j.gateway)
	return l
}

// introspect is a load of one service that asks about one access token.
func (b *bench) introspect(j *jeton) load {
	about := b.tokens.access.one()
	return load{
		address: j.public, request: introspection(j.public, b.verifier, about.width-1), order: fixed, tokens: about,
		status: http.StatusOK, says: `"active":true`,
	}
}

// mistyped is the load that leaves nothing behind in Jeton's memory: it warms up all the rest, from the connections to
// the buffers of the log.
func (b *bench) mistyped(j *jeton) load {
	return b.ask(j, b.tokens.bad, fixed, http.StatusUnauthorized)
}
