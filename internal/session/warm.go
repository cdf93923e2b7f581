package session

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Digests implements authority.Digester.
func (t *Tokens) Digests(text secret.Text) [][32]byte {
	if !secret.Valid(text.Reveal(), secret.Session) {
		return nil
	}
	return t.cfg.Keyring.Sums(text)
}

// Warm implements authority.Warmer. It passes over tokens that are stored under an older pepper: only one that is presented
// and looked up can be moved to the newest, so memory must not know it before. Whatever is over by now is left to Prove, too,
// which notes it.
func (t *Tokens) Warm(ctx context.Context, keep func(batch []authority.Warmed) error) error {
	batch := make([]authority.Warmed, 0, authority.WarmPage)
	for after := uuid.Nil; ; {
		page, err := t.cfg.Store.SessionTokensAfter(ctx, after, authority.WarmPage)
		if err != nil {
			return fmt.Errorf("reading session tokens: %w", err)
		}
		newest, now := t.cfg.Keyring.Pepper(), t.cfg.Now()
		batch = batch[:0]
		for i := range page {
			stored := &page[i]
			if stored.User == nil || stored.Pepper != newest || stored.over(now) != "" {
				continue
			}
			batch = append(batch, authority.Warmed{Digest: stored.Sum, Proof: stored.proof()})
		}
		if err := keep(batch); err != nil {
			return err
		}
		if len(page) < authority.WarmPage {
			return nil
		}
		after = page[len(page)-1].ID
	}
}
