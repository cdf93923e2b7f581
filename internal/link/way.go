package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Kind implements authority.Way.
func (l *Links) Kind() authority.Kind { return authority.Link }

// Recognizes implements authority.Way: what stands in a link is no bearer token.
func (l *Links) Recognizes(string) bool { return false }

// Prove implements authority.Way. The credential's Name is the purpose of the page that the link led to: an invitation logs nobody in,
// and who has a link that logs in chooses no password by it. Nothing is written, and nothing remembered.
func (l *Links) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	if !secret.Valid(c.Text.Reveal(), secret.Link) {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonBadChecksum}
	}
	found, err := l.cfg.Store.LinkByDigest(ctx, l.cfg.Keyring.Digests(c.Text))
	if errors.Is(err, authority.ErrNotFound) {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknown}
	}
	if err != nil {
		return authority.Proof{}, fmt.Errorf("looking up a link: %w", err)
	}
	if reason := found.over(l.cfg.Now()); reason != "" {
		return authority.Proof{}, &authority.Refusal{Reason: reason, ID: found.ID, UserID: found.UserID}
	}
	if string(found.Purpose) != c.Name {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonNotAcceptedHere, ID: found.ID, UserID: found.UserID}
	}
	return authority.Proof{ID: found.ID, UserID: found.UserID, NotAfter: found.ExpiresAt}, nil
}

// over returns why a link no longer counts, or nothing. One that was made in the future was made while a clock was wrong, and would be
// good for as long as that was ahead.
func (l *Link) over(now time.Time) authority.Reason {
	switch {
	case !l.UsedAt.IsZero():
		return authority.ReasonReplayed
	case !l.EndedAt.IsZero():
		return authority.ReasonEnded
	case !now.Before(l.ExpiresAt), l.CreatedAt.After(now.Add(authority.ClockSlack)):
		return authority.ReasonExpired
	}
	return ""
}
