package project

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// work counts what was done to prove tokens. Nothing in Jeton goes by it: it is how a test sees that as much is done for each refusal.
type work struct{ decrypted, parsed, lookedUp atomic.Int64 }

// Kind implements authority.Way.
func (p *Projects) Kind() authority.Kind { return authority.Sealed }

// Recognizes implements authority.Way: a sealed token is no bearer token. It comes in a query or a form, by name.
func (p *Projects) Recognizes(string) bool { return false }

// Prove implements authority.Way. The proof's ID is that of the token set, so that the audit log tells which application called: the
// security token's or, where a user token stands alone, its own. It is remembered until the first of the tokens ends, unless one of
// them counts once; a change of the project has every proof forgotten.
//
// Every refusal of a project's tokens comes after the same work (see examination), and no sooner than refusedAfter. An unknown user is
// made at the very end: a replayed token makes nobody, who may have been deleted since.
func (p *Projects) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	now := p.cfg.Now()
	if !c.Sealed.Any() {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonNoCredential}
	}
	ctx, cancel := unbroken(ctx)
	defer cancel()
	e := examination{Projects: p, presented: c.Sealed, from: c.From, now: now, asOf: p.cfg.Revision()}
	if wait := p.failures.begin(c.From, now); wait == 0 {
		defer p.failures.end(c.From)
	} else if e.authenticatedOnly = true; !e.authenticated(ctx) {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonThrottled, RetryAfter: wait}
	}
	err := e.run(ctx)
	if err == nil && e.caller.ID == uuid.Nil {
		err = e.create(ctx, c)
	}
	if _, refused := errors.AsType[*authority.Refusal](err); refused {
		ended := p.cfg.Now()
		p.failures.charge(c.From, ended)
		p.cfg.Pause(ctx, refusedAfter-ended.Sub(now))
	}
	if err != nil {
		return authority.Proof{}, err
	}
	return e.proof(), nil
}

// refusedAfter is how long after a token came it is refused, at the soonest. The work is the same for each refusal, but not what a
// processor makes of it: a text that can be read takes some microseconds longer than noise, which, asked often enough, would tell whose
// text an attacker has hit. All of that goes on within this time, unless the machine is busy.
const refusedAfter = 5 * time.Millisecond

// Touch implements authority.Toucher.
func (p *Projects) Touch(ctx context.Context, used []authority.Use) error {
	return p.setUses.Touch(ctx, used, p.cfg.Store.TouchTokenSets)
}

// unbroken is a context that ends when the other would by itself, and not where the caller hangs up: what stops the examination for want of
// a caller is no failure, and who hung up each time would have bad tokens decrypted without a bound.
func unbroken(ctx context.Context) (context.Context, context.CancelFunc) {
	kept := context.WithoutCancel(ctx)
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(kept, end)
	}
	return context.WithCancel(kept)
}

// proof is what the examination has proven.
func (e *examination) proof() authority.Proof {
	p := authority.Proof{ID: e.tokens[0].chosen.set.ID, UserID: e.caller.ID, Limits: e.limits(), Remember: true}
	for _, t := range e.tokens {
		r := t.chosen
		if end := r.at.Add(e.project.MaxAge); !r.at.IsZero() && (p.NotAfter.IsZero() || end.Before(p.NotAfter)) {
			p.NotAfter = end
		}
		p.Remember = p.Remember && !r.set.OneTime
		if r.set.ID != p.ID {
			e.setUses.Note(authority.Use{ID: r.set.ID, At: e.now, From: e.from})
		}
	}
	return p
}

// limits are what the proof is limited to: the project's services and addresses; and where any of the tokens may have been made by
// somebody without the key, not to what an administrator may. With them goes what the application calls itself: it is recorded for
// whoever follows a call, and nothing is decided by it.
func (e *examination) limits() *authority.Limits {
	name, _ := e.tokens[0].chosen.fields.Get(fieldApp)
	forgeable := slices.ContainsFunc(e.tokens, func(t *token) bool { return t.chosen.set.Forgeable() })
	return e.project.limitsOf(forgeable, secret.Excerpt(name))
}

// create makes the user of good tokens, unless the project or a set of it has changed since it was read: a node hears of that within a
// second, and whom it makes meanwhile, with roles that the project may give no more, would stay. Where another has just made it, that one is judged as if it had been there.
func (e *examination) create(ctx context.Context, c authority.Credential) error {
	actor := audit.Actor{Username: e.project.Name, CredentialKind: authority.Sealed.String(), CredentialID: e.tokens[0].chosen.set.ID, AsOf: e.asOf}
	if c.From.IsValid() {
		actor.Address = c.From.String()
	}
	draft, err := e.newUser()
	if err != nil {
		return err
	}
	u, err := e.cfg.Users.Create(ctx, draft, actor)
	if err == nil {
		e.caller.User = u
		return nil
	}
	if !errors.Is(err, authority.ErrConflict) {
		return fmt.Errorf("making the user of a sealed token: %w", err)
	}
	if err := e.lookUp(ctx); err != nil {
		return err
	}
	if e.caller.ID == uuid.Nil { // the e-mail is another's; or it was made and deleted again meanwhile
		return e.refusal(authority.ReasonUnknownUser)
	}
	f, err := e.judgeUser(ctx)
	if err != nil {
		return err
	}
	if f.Reason != "" {
		return e.refusal(f.Reason)
	}
	return nil
}

// stamp shows a time to the microsecond.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z") }
