package platform

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

// Kind implements authority.Way.
func (p *Platforms) Kind() authority.Kind { return authority.Assertion }

// Recognizes implements authority.Way: an assertion is no bearer token. It opens the doors that ask for one, where it is named.
func (p *Platforms) Recognizes(string) bool { return false }

// Prove implements authority.Way: of an assertion that was presented beside its platform's ID or code, or alone. The proof's ID is
// the platform's. It isn't remembered: each assertion is examined, and most count once.
//
// An unknown user is made at the very end. A replayed assertion makes nobody, who may have been deleted since.
func (p *Platforms) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	e := examination{Platforms: p, beside: c.Name, text: c.Text}
	if err := e.run(ctx); err != nil {
		return authority.Proof{}, err
	}
	if e.user.ID == uuid.Nil {
		if err := e.create(ctx, c); err != nil {
			return authority.Proof{}, err
		}
	}
	p.keyUses.Note(authority.Use{ID: e.key.record.ID, At: p.cfg.Now(), From: c.From})
	return authority.Proof{ID: e.platform.ID, UserID: e.user.ID, NotAfter: e.ends}, nil
}

// Touch implements authority.Toucher. Every assertion is a use of its platform, so that it is called soon after each use of a key.
func (p *Platforms) Touch(ctx context.Context, used []authority.Use) error {
	return p.keyUses.Touch(ctx, used, p.cfg.Store.TouchPlatforms)
}

// create makes the user of a good assertion. Where another has just made it, that one is judged as if it had been there.
func (e *examination) create(ctx context.Context, c authority.Credential) error {
	actor := audit.Actor{Username: e.platform.Name, CredentialKind: authority.Assertion.String(), CredentialID: e.platform.ID}
	if c.From.IsValid() {
		actor.Address = c.From.String()
	}
	u, err := e.cfg.Users.Create(ctx, e.newUser(), actor)
	if err == nil {
		e.user = u
		return nil
	}
	if !errors.Is(err, authority.ErrConflict) {
		return fmt.Errorf("making the user of an assertion: %w", err)
	}
	for _, take := range []func(context.Context) (fault, error){e.findUser, e.judgeScope} {
		f, err := take(ctx)
		if err != nil {
			return err
		}
		if f.Reason != "" {
			return e.refusal(f.Reason)
		}
	}
	if e.user.ID == uuid.Nil { // made and deleted again meanwhile
		return fmt.Errorf("making the user of an assertion: %w", err)
	}
	return nil
}

// newUser is what a user is made of whom only the platform knows.
func (e *examination) newUser() account.Draft {
	return account.Draft{Username: e.email, Email: e.email, Roles: e.platform.NewUserRoles}
}
