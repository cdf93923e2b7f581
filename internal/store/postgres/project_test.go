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
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/postgres"
)

// TestNoDeadlocksOfProjects has tokens of projects begin sessions for everybody, from two nodes, while sessions, sets and projects are
// ended, used, changed, deleted and made anew, each by somebody who is known as of then.
func TestNoDeadlocksOfProjects(t *testing.T) {
	dsn := migrated(t)
	nodes := []*postgres.Store{open(t, dsn), open(t, dsn)}
	w := comings{users: make([]account.Record, 3)}
	for i := range w.users {
		w.users[i] = user(fmt.Sprint("user", i))
		must(t, nodes[0].CreateUser(t.Context(), w.users[i], "hash", did(audit.UserCreate, w.users[i].ID)))
	}
	for number := range 2 {
		must(t, initiate(t.Context(), nodes[0], projectOf(number+1)))
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
	t.Logf("320 comings and changes of three users and two projects in %s", time.Since(begun))
	noDeadlocks(t, dsn, nodes)
}

// projectOf returns a new project of a number.
func projectOf(number int) project.Project {
	return project.Project{
		ID: uuid.Must(uuid.NewV7()), Number: number, Name: fmt.Sprint("p", number), MaxAge: time.Minute, Version: 1, CreatedAt: now(), UpdatedAt: now(),
	}
}

// initiate adds a project with a token set.
func initiate(ctx context.Context, s *postgres.Store, p project.Project) error {
	own := user(fmt.Sprint("project-", p.Number))
	own.Kind = account.Service
	err := s.AddProject(ctx, p, p.Name, project.OwnAccount{Record: own, Event: did(audit.UserCreate, own.ID)}, did(audit.ProjectCreate, p.ID))
	if err != nil {
		return err
	}
	return s.AddTokenSet(ctx, setOf(p.ID, "first"), "first", did(audit.TokenSetCreate, p.ID))
}

// setOf returns a new token set of a project.
func setOf(projectID uuid.UUID, name string) project.TokenSet {
	return project.TokenSet{
		ID: uuid.Must(uuid.NewV7()), ProjectID: projectID, Name: name, Active: true, Key: []byte("unmistakable key of " + name), Version: 1, CreatedAt: now(), UpdatedAt: now(),
		Settings: sealed.Settings{Mode: sealed.GCM, KeySize: 256, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256},
	}
}

// comings are who comes in by tokens.
type comings struct {
	users []account.Record
}

// act does one thing of those that touch projects and the sessions that their tokens begin. That somebody else was faster is no error.
func (w *comings) act(s *postgres.Store, worker, round int) error {
	ctx := context.Background()
	n := worker*100 + round
	batch, err := s.ChangesAfter(ctx, 0)
	if err != nil {
		return err
	}
	number := (worker+round)%2 + 1
	e, err := s.Project(ctx, number)
	if errors.Is(err, authority.ErrNotFound) {
		err = initiate(ctx, s, projectOf(number))
		return overtaken(err)
	}
	if err != nil || len(e.Sets) == 0 {
		return err
	}
	userID := w.users[(worker*7+round*3)%len(w.users)].ID
	if n%4 == 0 {
		userID = e.ServiceAccount
	}
	by := func(action audit.Action) audit.Event {
		ev := did(action, userID)
		ev.Actor = audit.Actor{UserID: userID, CredentialKind: "sealed", CredentialID: e.Sets[0].ID, AsOf: headOf(batch)}
		return ev
	}
	switch (worker + round/2) % 10 {
	case 0:
		err = s.UpdateProject(ctx, e.Project, e.Name, by(audit.ProjectUpdate))
	case 1:
		err = s.DeleteProject(ctx, e.ID, did(audit.ProjectDelete, e.ID), did(audit.UserDelete, e.ServiceAccount))
	case 2:
		err = s.UpdateTokenSet(ctx, e.Sets[0], e.Sets[0].Name, by(audit.TokenSetUpdate))
	case 3:
		err = w.addSet(ctx, s, &e, fmt.Sprint("set ", n))
	case 4:
		err = s.EndSessions(ctx, userID, by(audit.SessionsEnd))
	case 5:
		err = w.use(ctx, s, userID)
	default:
		b := session.Session{
			ID: uuid.Must(uuid.NewV7()), UserID: userID, CreatedAt: now(), LastUsedAt: now(), ExpiresAt: now().Add(time.Hour), Sealed: session.SealedOrigin{Project: e.ID},
		}
		err = s.CreateBrowserSession(ctx, b, session.Digests{Console: digestOf(-2*n - 2), API: digestOf(-2*n - 3)}, uuid.Nil, by(audit.SessionBegin))
	}
	return overtaken(err)
}

// overtaken returns an error, but where somebody else was faster.
func overtaken(err error) error {
	for _, kind := range []error{authority.ErrActorChanged, authority.ErrStale, authority.ErrNotFound, authority.ErrConflict} {
		if errors.Is(err, kind) {
			return nil
		}
	}
	return err
}

// addSet adds a set to a project, and deletes the oldest.
func (w *comings) addSet(ctx context.Context, s *postgres.Store, e *project.Entry, name string) error {
	if err := s.AddTokenSet(ctx, setOf(e.ID, name), name, did(audit.TokenSetCreate, e.ID)); err != nil {
		return err
	}
	return s.DeleteTokenSet(ctx, e.ID, e.Sets[0].ID, did(audit.TokenSetDelete, e.Sets[0].ID))
}

// use stores that all sessions of a user were used, and all sets.
func (w *comings) use(ctx context.Context, s *postgres.Store, userID uuid.UUID) error {
	sessions, err := s.BrowserSessions(ctx, userID, now())
	if err != nil {
		return err
	}
	var used, sets []authority.Use
	for _, b := range sessions {
		used = append(used, authority.Use{ID: b.ID, At: now().Add(time.Minute)})
	}
	entries, err := s.AllProjects(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		for _, set := range e.Sets {
			sets = append(sets, authority.Use{ID: set.ID, At: now()})
		}
	}
	return errors.Join(s.TouchBrowserSessions(ctx, used), s.TouchTokenSets(ctx, sets))
}
