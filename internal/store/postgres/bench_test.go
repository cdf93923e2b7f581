package postgres_test

import (
	"testing"

	"github.com/jeton-io/jeton/internal/store/storetest"
)

// BenchmarkStore is the same for each store.
func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(t testing.TB) storetest.Store { return fresh(t) })
}
