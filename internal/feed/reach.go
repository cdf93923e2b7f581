package feed

import (
	"cmp"
	"encoding/binary"
	"math"
	"time"
)

// Everything is the reach of a restore that left nothing to be known, since it suspended everybody: no position is beyond it.
func Everything() Position { return Position{Epoch: math.MaxInt64, Revision: math.MaxInt64} }

// Beyond reports whether p is later, by epoch and revision, than a restore knew that reached so far.
func (p *Position) Beyond(reach Position) bool {
	return cmp.Or(cmp.Compare(p.Epoch, reach.Epoch), cmp.Compare(p.Revision, reach.Revision)) > 0
}

// RestoredTo is the change that a restore is, before it has a revision. Its ID is no record's: it is the reach, the epoch and then
// the revision. Gone says that everybody was suspended.
func RestoredTo(reach Position, at time.Time) Change {
	c := Change{At: at, Kind: Restored, Gone: reach == Everything()}
	binary.BigEndian.PutUint64(c.ID[:8], uint64(reach.Epoch))    //nolint:gosec // G115: the same bits
	binary.BigEndian.PutUint64(c.ID[8:], uint64(reach.Revision)) //nolint:gosec // G115: the same bits
	return c
}

// Reach returns the reach of a restore from the change that it is.
func (c *Change) Reach() Position {
	return Position{
		Epoch:    int64(binary.BigEndian.Uint64(c.ID[:8])), //nolint:gosec // G115: the same bits
		Revision: int64(binary.BigEndian.Uint64(c.ID[8:])), //nolint:gosec // G115: the same bits
	}
}
