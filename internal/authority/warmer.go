package authority

import (
	"context"

	"github.com/jeton-io/jeton/internal/secret"
)

// Digester is a Way whose credentials are stored as digests, by which alone they can be known before they are presented.
type Digester interface {
	Way
	// Digests returns the digests under which a text that was presented may be stored: what Prove would look for, at most a few.
	// It returns none for a text that Prove would refuse without looking for it. It is pure, and asks nothing of the database.
	Digests(text secret.Text) [][32]byte
}

// Warmer is a Way that can tell of all its credentials at once, so that the memory is warm before they are presented.
type Warmer interface {
	Digester
	// Warm hands over every live credential whose proof may be remembered, batch by batch, and returns nil after the last, or keep's
	// error. It holds no lock and no transaction of the database while keep runs, which takes its time; the batch is the caller's
	// again once keep has returned. What is stored under another pepper than the newest is left out: only the look-up of such a token
	// has it stored anew. Each batch is read anew after the former was handed over: a change that was committed before
	// that shows in it. What is issued meanwhile may be left out.
	Warm(ctx context.Context, keep func(batch []Warmed) error) error
}

// WarmPage is how many credentials a Warmer reads at a time: some milliseconds' work, for which SQLite's log can't be checkpointed and
// PostgreSQL's old rows can't be swept out.
const WarmPage = 256

// Warmed is a live credential as it stands in the database.
type Warmed struct {
	Digest [32]byte // under which it is stored
	Proof  Proof    // with its User: one without is passed over
}
