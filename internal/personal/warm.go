package personal

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// warmPage is how many tokens are read at a time: some milliseconds' work, for which SQLite's log can't be checkpointed and
// PostgreSQL's old rows can't be swept out.
const warmPage = 2000

// Digests implements authority.Digester.
func (t *Tokens) Digests(text secret.Text) [][32]byte {
	if !secret.Valid(text.Reveal(), secret.Personal) {
		return nil
	}
	digests := t.cfg.Keyring.Digests(text)
	sums := make([][32]byte, len(digests))
	for i := range digests {
		sums[i] = digests[i].Sum
	}
	return sums
}

// Warm implements authority.Warmer. It passes over tokens that are stored under an older pepper: only one that is presented
// and looked up can be moved to the newest, so memory must not know it before.
func (t *Tokens) Warm(ctx context.Context, keep func(batch []authority.Warmed) error) error {
	batch := make([]authority.Warmed, 0, warmPage)
	for after := uuid.Nil; ; {
		page, err := t.cfg.Store.PersonalTokensAfter(ctx, after, warmPage)
		if err != nil {
			return fmt.Errorf("reading personal tokens: %w", err)
		}
		newest := t.cfg.Keyring.Pepper()
		batch = batch[:0]
		for i := range page {
			if stored := &page[i]; stored.User != nil && stored.Pepper == newest {
				batch = append(batch, authority.Warmed{Digest: stored.Sum, Proof: stored.proof()})
			}
		}
		if err := keep(batch); err != nil {
			return err
		}
		if len(page) < warmPage {
			return nil
		}
		after = page[len(page)-1].UserID
	}
}
