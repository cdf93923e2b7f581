package account_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// meanwhile is a store to which something happens after a password was checked and before it is changed.
type meanwhile struct {
	account.Store
	happens func()
}

func (m *meanwhile) ChangePassword(ctx context.Context, id uuid.UUID, r account.Rehash, ev audit.Event) error {
	m.happens()
	return m.Store.ChangePassword(ctx, id, r, ev)
}

// second returns Accounts beside those of the desk, as another node has them.
func (d *desk) second(t *testing.T, store account.Store, changed func(uuid.UUID)) *account.Accounts {
	t.Helper()
	a, err := account.New(account.Config{
		Store: store, Applied: nothing, Now: func() time.Time { return d.now }, Random: d.random, PasswordChanged: changed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestChangedMeanwhile changes ann's password and lets something happen just before the store does it.
func TestChangedMeanwhile(t *testing.T) {
	const replacement, reset = secret.Text("another password"), secret.Text("by administrator")
	resetTo := func(password secret.Text) func(*testing.T, *desk, account.User) {
		return func(t *testing.T, d *desk, ann account.User) {
			t.Helper()
			d.update(t, ann.ID, account.Patch{Password: &password})
		}
	}
	tests := []struct {
		what    string
		happens func(*testing.T, *desk, account.User)
		again   bool // happens before the second try, too
		field   string
		want    error
		inForce secret.Text // empty where ann is gone
	}{
		{"nothing", func(*testing.T, *desk, account.User) {}, true, "", nil, replacement},
		{"a log-in that betters the hash", func(t *testing.T, d *desk, _ account.User) {
			t.Helper()
			if why := d.why(t, "ann", horse); why != "" {
				t.Errorf("got the log-in refused: %s", why)
			}
		}, true, "", nil, replacement},
		{"a reset", resetTo(reset), false, "current", nil, reset},
		{"a reset to the same password", resetTo(horse), false, "", authority.ErrActorChanged, horse},
		{"resets without end", resetTo(horse), true, "", authority.ErrStale, horse},
		{"a deletion", func(t *testing.T, d *desk, ann account.User) {
			t.Helper()
			if err := d.Delete(t.Context(), ann.ID, root); err != nil {
				t.Error(err)
			}
		}, false, "", authority.ErrNotFound, ""},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			d := newDesk(t)
			ann := d.create(t, account.Draft{Username: "ann", PasswordHash: bcryptHash})
			times := 0
			store := &meanwhile{d.store, func() {
				if times++; times == 1 || tt.again {
					tt.happens(t, d, ann)
				}
			}}
			var told []uuid.UUID
			a := d.second(t, store, func(id uuid.UUID) { told = append(told, id) })
			err := a.ChangePassword(t.Context(), ann.ID, horse, replacement, audit.Actor{UserID: ann.ID})
			done := tt.field == "" && tt.want == nil
			if (err == nil) != done || fieldOf(err) != tt.field || !errors.Is(err, tt.want) && tt.want != nil {
				t.Errorf("got %v, want %v and a complaint of %q", err, tt.want, tt.field)
			}
			if slices.Contains(told, ann.ID) != done {
				t.Errorf("got %v told, want somebody told: %t", told, done)
			}
			changes := slices.DeleteFunc(d.events(t), func(e audit.Event) bool { return e.Action != audit.UserPassword })
			if (len(changes) == 1) != done {
				t.Errorf("got %d events of a change, want one where it was done", len(changes))
			}
			if tt.inForce != "" && d.why(t, "ann", tt.inForce) != "" {
				t.Error("got another password in force than wanted")
			}
		})
	}
}

// TestChangeRacesReset has whoever knows the former password change it while an administrator resets it: the reset is
// what stands.
func TestChangeRacesReset(t *testing.T) {
	d := newDesk(t)
	a := d.second(t, d.store, nil)
	for _, name := range []string{"ann", "bob", "eve"} {
		u := d.create(t, account.Draft{Username: name, Password: password})
		changed := make(chan error)
		go func() { changed <- a.ChangePassword(t.Context(), u.ID, password, "another password", audit.Actor{}) }()
		reset := secret.Text("by administrator")
		d.update(t, u.ID, account.Patch{Password: &reset})
		if err := <-changed; err != nil && fieldOf(err) != "current" {
			t.Errorf("got %v for the change, want it done or a complaint of current", err)
		}
		if why := d.why(t, name, reset); why != "" {
			t.Errorf("got the reset password refused: %s", why)
		}
	}
}
