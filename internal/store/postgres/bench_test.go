package postgres_test

import (
	"testing"

	"github.com/jeton-io/jeton/internal/store/storetest"
	"github.com/jeton-io/jeton/test/pg"
)

// BenchmarkStore is the same for each store. The server is one that waits for its disk, as those of the other tests don't.
func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(t testing.TB) storetest.Store { return open(t, pg.Start(t).DSN("postgres")) })
}
