package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/store/postgres"
)

// TestNoDeadlocksOfSessions has platforms log everybody in, from two nodes, while sessions and platforms are ended, used, changed
// and forgotten, each by somebody who is known as of then.
func TestNoDeadlocksOfSessions(t *testing.T) {
	dsn := migrated(t)
	nodes := []*postgres.Store{open(t, dsn), open(t, dsn)}
	w := logIns{users: make([]account.Record, 4), platforms: make([]platform.Platform, 2)}
	for i := range w.users {
		w.users[i] = user(fmt.Sprint("user", i))
		must(t, nodes[0].CreateUser(t.Context(), w.users[i], "hash", did(audit.UserCreate, w.users[i].ID)))
	}
	for i := range w.platforms {
		var err error
		w.platforms[i], err = enrol(t.Context(), nodes[0], fmt.Sprint("platform", i))
		must(t, err)
	}
	begun := time.Now()
	var group sync.WaitGroup
	for worker := range 16 {
		group.Go(func() {
			for round := range 20 {
				if err := w.act(nodes[worker%2], worker, round); err != nil {
					t.Errorf("worker %d, round %d: %v", worker, round, err)
				}
			}
		})
	}
	group.Wait()
	t.Logf("320 log-ins and changes of four users and two platforms in %s", time.Since(begun))
	noDeadlocks(t, dsn, nodes)
}

// logIns are who log in, and by whose word.
type logIns struct {
	users     []account.Record
	platforms []platform.Platform
}

// act does one thing of those that touch session tokens. That somebody else was faster is no error.
func (w *logIns) act(s *postgres.Store, worker, round int) error {
	ctx := context.Background()
	n := worker*100 + round
	u, p := w.users[(worker*7+round*3)%len(w.users)], w.platforms[(worker+round)%len(w.platforms)]
	batch, err := s.ChangesAfter(ctx, 0)
	if err != nil {
		return err
	}
	by := func(action audit.Action) audit.Event {
		ev := did(action, u.ID)
		ev.Actor = audit.Actor{UserID: u.ID, CredentialKind: "assertion", CredentialID: p.ID, AsOf: headOf(batch)}
		return ev
	}
	switch (worker + round) % 10 {
	case 0:
		err = s.EndSessions(ctx, u.ID, by(audit.SessionsEnd))
	case 1:
		err = w.silence(ctx, s, p.ID, by(audit.PlatformUpdate))
	case 2:
		err = w.promote(ctx, s, u.ID, by(audit.UserUpdate))
	case 3:
		err = s.ChangePassword(ctx, u.ID, account.Rehash{Old: "hash", New: "hash"}, by(audit.UserPassword))
	case 4:
		err = w.use(ctx, s, u.ID)
	case 5:
		_, err = s.PruneSessionTokens(ctx, now().Add(2*time.Hour))
	default:
		err = take(ctx, s, u.ID, p.ID, n, by(audit.SessionTokenCreate))
	}
	if errors.Is(err, authority.ErrActorChanged) || errors.Is(err, authority.ErrStale) || errors.Is(err, authority.ErrNotFound) {
		return nil
	}
	return err
}

// silence has a platform speak for fewer, which ends what it got.
func (w *logIns) silence(ctx context.Context, s *postgres.Store, id uuid.UUID, ev audit.Event) error {
	p, err := s.Platform(ctx, id)
	if err != nil {
		return err
	}
	return s.UpdatePlatform(ctx, platform.Change{Platform: p, EndSessions: true}, p.Name, ev)
}

// promote has a user administer, or no more.
func (w *logIns) promote(ctx context.Context, s *postgres.Store, id uuid.UUID, ev audit.Event) error {
	u, err := s.User(ctx, id)
	if err != nil {
		return err
	}
	if len(u.Roles) == 0 {
		u.Roles = []string{authority.AdminRole}
	} else {
		u.Roles = nil
	}
	err = s.UpdateUser(ctx, account.Record{User: u, UsernameKey: u.Username}, ev)
	if errors.Is(err, authority.ErrLastAdmin) {
		return nil
	}
	return err
}

// use stores that all tokens of a user were used, and the platforms.
func (w *logIns) use(ctx context.Context, s *postgres.Store, userID uuid.UUID) error {
	tokens, err := s.SessionTokens(ctx, userID, now())
	if err != nil {
		return err
	}
	var used []authority.Use
	for _, token := range tokens {
		used = append(used, authority.Use{ID: token.ID, At: now().Add(time.Minute)})
	}
	if err := s.TouchSessionTokens(ctx, used); err != nil {
		return err
	}
	return s.TouchPlatforms(ctx, []authority.Use{{ID: w.platforms[1].ID, At: now()}, {ID: w.platforms[0].ID, At: now()}})
}
