package app

import (
	"context"
	"sync"
	"time"
)

// How often what is done in the background is done.
const (
	feedEvery = time.Second
	// feedTrusted is how long what was heard from the feed counts: see package feed.
	feedTrusted = 5 * time.Second
	auditEvery  = time.Second
	clockEvery  = time.Second
	usesEvery   = 10 * time.Second
	pruneEvery  = time.Hour
	// certificateEvery is how often the certificate's files are looked at: they are renewed weeks before the old one ends.
	certificateEvery = time.Minute
	keysEvery        = time.Hour
	// changesKept is how long rows of the change feed are kept; a node that was away for longer forgets everything.
	changesKept = 24 * time.Hour
)

// maintain starts what is done in the background, and returns how to end it: everything is done once more then, so
// that nothing gathered is lost.
func (n *node) maintain() (stop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	every := func(period time.Duration, do func(context.Context)) {
		running.Go(func() {
			tick := time.NewTicker(period)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					do(ctx)
				}
			}
		})
	}
	n.follow(ctx, running.Go)
	running.Go(func() { n.links.Serve(ctx, n.tellOfLinks(ctx)) })
	every(auditEvery, n.events.flush)
	every(auditEvery, n.tellOfJournal())
	every(clockEvery, func(context.Context) { n.accessTokens.See(n.now()) })
	every(usesEvery, n.storeUses)
	every(pruneEvery, newPruner(n).run)
	every(keysEvery, n.rotateKeys)
	if n.post != nil {
		go n.post.Run(ctx) // for whose end finishPost waits
		told := &notices{node: n}
		told.run(ctx) // of what is done from now on, also before the first tick
		every(noticesEvery, told.run)
		every(guessedEvery, (&guessed{node: n}).run)
		every(endingEvery, n.tellOfEnding)
	}
	if n.certificate != nil {
		every(certificateEvery, n.watchCertificate)
	}
	return func(last context.Context) error {
		cancel()
		running.Wait()
		n.events.flush(last)
		n.storeUses(last)
		n.finishPost(last)
		return nil
	}
}

func (n *node) storeUses(ctx context.Context) {
	if err := n.authority.StoreUses(ctx); err != nil {
		n.logger.WarnContext(ctx, "times of last use were not stored", "error", err)
	}
}

// rotateKeys rotates the signing keys that have grown old.
func (n *node) rotateKeys(ctx context.Context) {
	count, err := n.keys.RotateAged(ctx, n.cfg.KeyAge)
	if err != nil {
		n.logger.WarnContext(ctx, "old signing keys were not rotated", "error", err)
	}
	if count > 0 {
		n.logger.InfoContext(ctx, "rotated old signing keys", "count", count)
	}
}

// conformKeys rotates the signing keys that have another algorithm than is configured. Where it can't, the former go on
// signing: what they sign is as good as before.
func (n *node) conformKeys(ctx context.Context) {
	rotated, err := n.keys.Conform(ctx)
	if err != nil {
		n.logger.WarnContext(ctx, "signing keys of another algorithm than is configured were not rotated", "error", err)
	}
	if len(rotated) > 0 {
		n.logger.InfoContext(ctx, "rotated signing keys of another algorithm than is configured", "purposes", rotated)
	}
}
