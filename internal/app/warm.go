package app

import (
	"context"
	"errors"
	"time"
)

// warm has the memory filled in the background, once Jeton serves: it answers from the first moment on, from the database what the
// memory doesn't know yet. It returns how to end that. What can't be read is no reason not to serve: then each token costs one look-up,
// when it first comes.
func (n *node) warm() (stop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		began := time.Now() // and not the clock of verdicts: it is about this process
		kept, err := n.authority.Warm(ctx)
		took := time.Since(began).Round(time.Millisecond)
		switch {
		case errors.Is(err, context.Canceled):
		case err != nil:
			n.logger.WarnContext(ctx, "not every token could be read into memory; each of the others is looked up when it first comes", "count", kept, "took", took, "error", err)
		default:
			n.logger.InfoContext(ctx, "read tokens into memory", "count", kept, "took", took)
		}
	}()
	return func(context.Context) error {
		cancel()
		<-ended
		return nil
	}
}
