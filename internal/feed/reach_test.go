package feed_test

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/feed"
)

// TestRestoredTo has the change that a restore is give its reach again.
func TestRestoredTo(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, want := range []feed.Position{{}, {Epoch: 1, Revision: 11}, {Epoch: 1 << 60, Revision: 1<<62 + 1}, feed.Everything()} {
		c := feed.RestoredTo(want, at)
		if got := c.Reach(); got != want || c.Kind != feed.Restored || !c.At.Equal(at) || c.Gone != (want == feed.Everything()) {
			t.Errorf("got %+v with reach %+v, want a restore with %+v", c, got, want)
		}
	}
}

// TestBeyond compares positions with a reach.
func TestBeyond(t *testing.T) {
	reach := feed.Position{Epoch: 2, Revision: 5}
	for _, tt := range []struct {
		epoch, revision int64
		want            bool
	}{
		{2, 5, false}, {2, 6, true}, {1, 9, false}, {3, 0, true}, {2, 4, false},
	} {
		if p := (feed.Position{Instance: instance, Epoch: tt.epoch, Revision: tt.revision, Mark: 1}); p.Beyond(reach) != tt.want {
			t.Errorf("epoch %d, revision %d: got it beyond %t, want %t", tt.epoch, tt.revision, !tt.want, tt.want)
		}
	}
}
