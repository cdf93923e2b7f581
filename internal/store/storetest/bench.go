package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/keyring"
)

// benchUsers is how many users a benchmark has: enough that no two callers need the same row at once.
const benchUsers = 2000

// Bench measures what a store takes for what its callers wait for, with one caller, with sixteen and with sixty-four:
//
//	issue    an API token with its event: no revision
//	cold     what a verdict asks that memory can't give: a token by its digest, with its user
//	rotate   a personal token in place of another, with event, revision and row of the feed
//
// Each figure is the time of one, by all callers together.
func Bench(b *testing.B, open func(testing.TB) Store) {
	s := open(b)
	key := signingKey(0)
	benched(b, s.AddSigningKey(b.Context(), key, "", event(audit.SigningKeyCreate, newID(), key.CreatedAt)))
	users := make([]uuid.UUID, benchUsers)
	benched(b, errors.Join(together(16, func(caller int) (err error) {
		for i := caller; i < benchUsers && err == nil; i += 16 {
			r := person(fmt.Sprintf("user%d", i))
			users[i] = r.ID
			err = s.CreateUser(b.Context(), r, "", event(audit.UserCreate, r.ID, start()))
			if err == nil {
				err = s.PutPersonalToken(b.Context(), r.ID, digest(1, i), event(audit.PersonalTokenRotate, r.ID, start()))
			}
		}
		return err
	})...))
	var issued, rotated atomic.Int64
	steps := []struct {
		name string
		do   func(i int) error
	}{
		{"issue", func(i int) error {
			t := apitoken.Record{Token: apitoken.Token{
				ID: newID(), UserID: users[i%benchUsers], KeyID: key.ID, Enabled: true, Version: 1, CreatedAt: start(), UpdatedAt: start(),
			}}
			t.Name = fmt.Sprintf("token%d", issued.Add(1))
			t.NameKey = t.Name
			ev := event(audit.APITokenCreate, t.ID, start())
			ev.Actor.AsOf = 1 << 40
			return s.CreateAPIToken(b.Context(), t, ev)
		}},
		{"cold", func(i int) error {
			_, err := s.FindPersonalToken(b.Context(), []keyring.Digest{digest(1, i*7919%benchUsers)})
			return err
		}},
		{"rotate", func(i int) error {
			id := users[i%benchUsers]
			ev := event(audit.PersonalTokenRotate, id, start())
			ev.Actor.AsOf = 1 << 40 // known of late, as callers are: little of the feed is newer
			return s.PutPersonalToken(b.Context(), id, digest(2, int(rotated.Add(1))), ev)
		}},
	}
	for _, step := range steps {
		for _, callers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/%d", step.name, callers), func(b *testing.B) {
				var next atomic.Int64
				errs := together(callers, func(int) error {
					for {
						i := int(next.Add(1)) - 1
						if i >= b.N {
							return nil
						}
						if err := step.do(i); err != nil {
							return err
						}
					}
				})
				benched(b, errors.Join(errs...))
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
			})
		}
	}
}

// benched ends a benchmark whose step failed.
func benched(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
