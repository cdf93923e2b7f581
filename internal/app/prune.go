package app

import (
	"context"
	"time"
)

// pruner deletes what is older than it is kept for.
//
// It doesn't take the clock's word for what is old: one that jumps ahead by ten years would delete the whole audit log, and
// what keeps a used assertion from being used again. There is a horizon, kept in the database, that stands for now where
// something is deleted for its age. It follows the clock, but each node moves it forward at most twice as fast as time passes
// by the monotonic clock. So it never runs ahead by much: where the clocks of all of three nodes have jumped, by five hours
// for each one that passes. After a time in which no server ran it is behind, for as long again with one node.
type pruner struct {
	*node
	last time.Time // when it ran last, by a clock that isn't set
}

// maxPace is how many times faster than time a node may move the horizon, to catch up with the clock.
const maxPace = 2

func newPruner(n *node) *pruner { return &pruner{n, time.Now()} }

// run moves the horizon and deletes what lies beyond.
func (p *pruner) run(ctx context.Context) {
	passed := time.Since(p.last)
	p.last = p.last.Add(passed)
	horizon, err := p.advance(ctx, passed)
	if err != nil {
		p.logger.WarnContext(ctx, "nothing was deleted for its age, because it isn't known up to when that may be", "error", err)
		return
	}
	p.delete(ctx, horizon)
}

// advance moves the horizon as far as the time that passed allows, and returns it. The first one is the clock's.
func (p *pruner) advance(ctx context.Context, passed time.Duration) (time.Time, error) {
	now := p.now()
	horizon, err := p.store.Horizon(ctx)
	if err != nil {
		return horizon, err
	}
	next := now
	if most := horizon.Add(maxPace * passed); !horizon.IsZero() && most.Before(now) {
		next = most
	}
	if now.Sub(next) > untoldLag {
		p.logger.WarnContext(ctx, "little is deleted for its age: the clock is far ahead of where it was when something was deleted last", "clock", now, "taken_for_now", next)
	}
	return next, p.store.KeepHorizon(ctx, next)
}

// untoldLag is how far behind the clock the horizon may be without a word.
const untoldLag = 30 * 24 * time.Hour

// delete deletes what is older than it is kept for at some time.
func (p *pruner) delete(ctx context.Context, now time.Time) {
	count, err := p.store.PruneEvents(ctx, now.Add(-time.Duration(p.retention.Load())))
	if err != nil {
		p.logger.WarnContext(ctx, "old events were not deleted", "error", err)
	} else if count > 0 {
		p.logger.InfoContext(ctx, "deleted events older than the retention", "count", count)
	}
	if _, err := p.browsers.Prune(ctx, now); err != nil {
		p.logger.WarnContext(ctx, "old browser sessions were not deleted", "error", err)
	}
	if _, err := p.sessions.Prune(ctx, now); err != nil {
		p.logger.WarnContext(ctx, "old session tokens were not deleted", "error", err)
	}
	if _, err := p.links.Prune(ctx, now); err != nil {
		p.logger.WarnContext(ctx, "old links were not deleted", "error", err)
	}
	if _, err := p.accounts.PruneAddresses(ctx, now); err != nil {
		p.logger.WarnContext(ctx, "old addresses of passwords were not deleted", "error", err)
	}
	if _, err := p.accessTokens.Prune(ctx, now); err != nil {
		p.logger.WarnContext(ctx, "old revocations of access tokens were not deleted", "error", err)
	}
	if _, err := p.clients.Prune(ctx, now); err != nil {
		p.logger.WarnContext(ctx, "old assertions of clients and platforms were not deleted", "error", err)
	}
	if _, err := p.store.PruneChanges(ctx, now.Add(-changesKept)); err != nil {
		p.logger.WarnContext(ctx, "old rows of the change feed were not deleted", "error", err)
	}
}
