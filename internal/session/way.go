package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// way proves one of the two cookies of a session.
type way struct {
	*Browsers
	kind authority.Kind
}

// Kind implements authority.Way.
func (w way) Kind() authority.Kind { return w.kind }

// Recognizes implements authority.Way: what comes in a cookie is no bearer token.
func (w way) Recognizes(string) bool { return false }

// Prove implements authority.Way. What is no cookie of this kind is refused without a look-up, be it the other kind's.
//
// The proof ends when the session would if it weren't used again, and is then looked up anew: the record tells of the uses
// since.
func (w way) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	if !w.takes(c.Text.Reveal()) {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonBadChecksum}
	}
	s, err := w.cfg.Store.BrowserSessionByDigest(ctx, w.kind, w.cfg.Keyring.Digests(c.Text))
	if errors.Is(err, authority.ErrNotFound) {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknown}
	}
	if err != nil {
		return authority.Proof{}, fmt.Errorf("looking up a browser session: %w", err)
	}
	now := w.cfg.Now()
	if reason := w.over(&s.Session, now); reason != "" {
		if s.EndedAt.IsZero() {
			// Noted, so that a clock that is set back doesn't revive it. Where that fails, the next time will do.
			_ = w.cfg.Store.ExpireBrowserSession(ctx, s.ID, now)
		}
		return authority.Proof{}, &authority.Refusal{Reason: reason, ID: s.ID, UserID: s.UserID}
	}
	if s.Sealed.Project != uuid.Nil && w.kind == authority.ConsoleSession { // nobody was given its secret
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonNotAcceptedHere, ID: s.ID, UserID: s.UserID}
	}
	return authority.Proof{
		ID: s.ID, UserID: s.UserID, User: s.User, NotAfter: earlier(s.ExpiresAt, now.Add(w.cfg.Idle)), Limits: s.Sealed.limits(), Remember: true,
	}, nil
}

// takes reports whether a text has the form of this way's secrets.
func (w way) takes(text string) bool {
	if w.kind == authority.ConsoleSession {
		return secret.Valid(text, secret.Console)
	}
	return secret.Valid(text, secret.API) || secret.Valid(text, secret.SealedAPI)
}

// tag is that of the secret by which a session opens the protected APIs. Where it has limits, that is one of its own: a Jeton of before,
// which knows of no limits, runs beside this one while nodes are upgraded, and would let it in everywhere.
func (o *SealedOrigin) tag() secret.Tag {
	if o.Project == uuid.Nil {
		return secret.API
	}
	return secret.SealedAPI
}

// limits are those of a session that sealed tokens began: its project's services and addresses, and never what an administrator may.
// The tokens may have been forgeable, and a session outlasts them; who administers logs in.
func (o *SealedOrigin) limits() *authority.Limits {
	if o.Project == uuid.Nil {
		return nil
	}
	return &authority.Limits{Project: o.Project, WithoutAdmin: true, From: o.From}
}

// over returns why a session no longer counts, or nothing. One whose times lie ahead was made or used while the clock was
// wrong: by such times it would last for as long as that was ahead, so it is over, too.
func (b *Browsers) over(s *Session, now time.Time) authority.Reason {
	end := earlier(s.ExpiresAt, s.LastUsedAt.Add(b.cfg.Idle+idleSlack))
	ahead := now.Add(idleSlack)
	switch {
	case !s.EndedAt.IsZero() && s.EndedAt.Before(end) && !s.EndedAt.Before(s.LastUsedAt): // not by its times, then
		return authority.ReasonEnded
	case !s.EndedAt.IsZero(), !now.Before(end), s.CreatedAt.After(ahead), s.LastUsedAt.After(ahead):
		return authority.ReasonExpired
	}
	return ""
}

// Touch implements authority.Toucher.
func (w way) Touch(ctx context.Context, used []authority.Use) error {
	return w.cfg.Store.TouchBrowserSessions(ctx, used)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
