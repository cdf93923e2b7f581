package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/archive"
)

// restoring begins the token of a load that is a restore's: what one that was killed has left, the next one deletes.
const restoring = "restore-"

// restorePostgres loads a backup into an empty database. It is closed from the first row on, and opened by the transaction that
// takes away what was taken away since: until then no node uses it. What goes wrong before leaves it as empty as it was.
//
// The rows are committed in batches rather than in one transaction, so that what is read back is what is on the disk.
func restorePostgres(ctx context.Context, d database, b *backup, r *archive.Renewal) (done archive.Outcome, err error) {
	random := make([]byte, 8)
	if _, err := io.ReadFull(b.random, random); err != nil {
		return done, fmt.Errorf("reading randomness for a restore: %w", err)
	}
	token := restoring + hex.EncodeToString(random)
	to, err := d.target(ctx, b.header.Schema, token)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := clearKilled(ctx, to); err != nil {
		return done, err
	}
	if done, err = b.put(ctx, d, to, r); err == nil {
		return done, nil
	}
	return done, fmt.Errorf("loading the records into %s: %w", d.name, errors.Join(err, giveUp(ctx, to, token)))
}

// giveUpWithin is how long a restore that failed tries to delete what it has loaded.
const giveUpWithin = 20 * time.Second

// giveUp deletes what a restore has loaded, although its context may have ended: who gave up waiting shall not find half of the
// records. What was never begun, or was finished, isn't given up.
func giveUp(ctx context.Context, to loading, token string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpWithin)
	defer cancel()
	if err := to.GiveUp(ctx, token); err != nil && !errors.Is(err, archive.ErrGivenUp) {
		return fmt.Errorf("%w: %w", ErrRowsLeft, err)
	}
	return nil
}

// clearKilled deletes what a restore has left that was killed.
func clearKilled(ctx context.Context, to loading) error {
	state, err := to.State(ctx)
	if err != nil {
		return err
	}
	if token, ok := archive.Token(state.Closed, archive.Loading); ok && strings.HasPrefix(token, restoring) {
		return to.GiveUp(ctx, token)
	}
	return nil
}
