package storetest

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

func keyTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"check value": testMasterCheck,
		"peppers":     testPeppers,
		"position":    testPosition,
		"horizon":     testHorizon,
		"issuer":      testIssuer,

		"create a signing key":            testCreateSigningKey,
		"rotate a signing key":            testRotateSigningKey,
		"rotate none that isn't active":   testRotateStale,
		"add none twice":                  testSigningKeyConflicts,
		"revoke an active signing key":    testRevokeActive,
		"revoke a retired signing key":    testRevokeRetired,
		"revoke none":                     testRevokeNone,
		"signing keys by a changed actor": testSigningKeyActor,
	}
}

func testMasterCheck(t *testing.T, s Store) {
	none, err := s.MasterCheck(t.Context())
	must(t, err)
	if len(none) != 0 {
		t.Errorf("got check value %x on a new database, want none", none)
	}
	first := []byte{0, 1, 2, 255}
	quietly(t, s, func() error {
		got, err := s.SetMasterCheck(t.Context(), first)
		same(t, got, first)
		return err
	})
	got, err := s.SetMasterCheck(t.Context(), []byte{9}) // another node was faster
	must(t, err)
	same(t, got, first)
	got, err = s.MasterCheck(t.Context())
	must(t, err)
	same(t, got, first)
}

func testPeppers(t *testing.T, s Store) {
	peppers, err := s.Peppers(t.Context())
	must(t, err)
	same(t, peppers, nil)
	add := func(p keyring.WrappedPepper, ev audit.Event) func() error {
		return func() error { return s.AddPepper(t.Context(), p, ev) }
	}
	one := keyring.WrappedPepper{Version: 1, Wrapped: []byte{0, 255, 1}, CreatedAt: start()}
	two := keyring.WrappedPepper{Version: 2, Wrapped: []byte{2}, CreatedAt: start().Add(time.Hour)}
	for _, p := range []keyring.WrappedPepper{one, two} {
		head := readLog(t, s).head
		must(t, add(p, event(audit.PepperCreate, newID(), p.CreatedAt))())
		after := readLog(t, s)
		last := after.changes[len(after.changes)-1]
		// Zero would mean every record; which ID stands for a pepper is the store's affair.
		if after.head != head+1 || last.Kind != feed.Pepper || last.ID == [16]byte{} {
			t.Errorf("got change %+v at revision %d, want a pepper's at %d", last, after.head, head+1)
		}
		if ev := after.events[len(after.events)-1]; ev.Action != audit.PepperCreate {
			t.Errorf("got event %q last, want %q", ev.Action, audit.PepperCreate)
		}
	}
	refuses(t, s, authority.ErrConflict, add(keyring.WrappedPepper{Version: 2, Wrapped: []byte{3}, CreatedAt: start()}, event(audit.PepperCreate, newID(), start())))
	peppers, err = s.Peppers(t.Context())
	must(t, err)
	same(t, peppers, []keyring.WrappedPepper{two, one})
}

// testIssuer has each start tell the URL that the one before had.
func testIssuer(t *testing.T, s Store) {
	for _, step := range []struct{ url, former string }{{"http://a", ""}, {"http://a", "http://a"}, {"http://b", "http://a"}, {"http://a", "http://b"}} {
		quietly(t, s, func() error {
			former, err := s.NoteIssuer(t.Context(), step.url)
			if former != step.former {
				t.Errorf("before %s: got %q, want %q", step.url, former, step.former)
			}
			return err
		})
	}
}

func testPosition(t *testing.T, s Store) {
	first, err := s.Position(t.Context())
	must(t, err)
	same(t, first, feed.Position{Instance: first.Instance, Epoch: 1})
	c := block(t, s, "a", start())
	again, err := s.Position(t.Context())
	must(t, err)
	if first.Instance == [16]byte{} || again.Mark == 0 {
		t.Errorf("got position %+v, want an instance, and a mark after a change", again)
	}
	same(t, again, feed.Position{Instance: first.Instance, Epoch: 1, Revision: c.Revision, Mark: again.Mark})
}

func testHorizon(t *testing.T, s Store) {
	for _, step := range []struct{ keep, want time.Time }{
		{time.Time{}, time.Time{}}, {start(), start()}, {start().Add(-time.Hour), start()}, {start().Add(time.Microsecond), start().Add(time.Microsecond)},
	} {
		if !step.keep.IsZero() {
			quietly(t, s, func() error { return s.KeepHorizon(t.Context(), step.keep) })
		}
		got, err := s.Horizon(t.Context())
		must(t, err)
		same(t, got, step.want)
	}
}
