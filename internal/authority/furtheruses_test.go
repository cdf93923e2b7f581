package authority_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// TestFurtherUses: the latest of each record is stored, once, beside what the authority knows; or later, where it can't be.
func TestFurtherUses(t *testing.T) {
	at := func(id byte, minute int) authority.Use {
		return authority.Use{ID: uuid.UUID{id}, At: time.Date(2026, 11, 21, 12, minute, 0, 0, time.UTC), From: netip.MustParseAddr("192.0.2.7")}
	}
	var further authority.FurtherUses
	touch := func(fail error, used ...authority.Use) (stored []authority.Use) {
		t.Helper()
		err := further.Touch(t.Context(), used, func(_ context.Context, all []authority.Use) error {
			stored = all
			return fail
		})
		if !errors.Is(err, fail) {
			t.Errorf("got error %v, want that of the store, %v", err, fail)
		}
		return stored
	}
	further.Note(at(1, 1))
	further.Note(at(2, 3))
	full := errors.New("no room")
	for _, want := range []struct {
		name   string
		fail   error
		note   []authority.Use // before it
		used   []authority.Use
		stored []authority.Use
	}{
		{"that fail", full, nil, []authority.Use{at(3, 3)}, []authority.Use{at(1, 1), at(2, 3), at(3, 3)}},
		{"kept", nil, []authority.Use{at(1, 4), at(2, 2)}, nil, []authority.Use{at(1, 4), at(2, 3)}},
		{"forgotten", nil, nil, nil, nil},
	} {
		for _, use := range want.note {
			further.Note(use)
		}
		byID := cmpopts.SortSlices(func(a, b authority.Use) bool { return a.ID[0] < b.ID[0] })
		got := touch(want.fail, want.used...)
		if diff := cmp.Diff(want.stored, got, byID, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.name, diff)
		}
	}
}
