package feed

import (
	"cmp"
	"math"
)

// Everything is the reach of a restore that left nothing to be known, since it suspended everybody: no position is beyond it.
func Everything() Position { return Position{Epoch: math.MaxInt64, Revision: math.MaxInt64} }

// beyond reports whether p is later than a restore knew that reached so far.
func (p *Position) beyond(reach Position) bool {
	return cmp.Or(cmp.Compare(p.Epoch, reach.Epoch), cmp.Compare(p.Revision, reach.Revision)) > 0
}
