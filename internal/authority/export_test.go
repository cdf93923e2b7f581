package authority

import (
	"os"
	"time"

	"github.com/google/uuid"
)

// MaxRates is how many credentials are counted before those that have paid are left out.
const MaxRates = maxRates

// CountRates returns how many credentials are counted after some uses.
func CountRates(uses func(take func(uuid.UUID, Rate, time.Time))) (n int) {
	var r rates
	uses(func(id uuid.UUID, rate Rate, now time.Time) { _, _ = r.take(id, rate, now) })
	r.paid.Range(func(any, any) bool { n++; return true })
	return n
}

// Rounds is n, or a twentieth of it under the race detector, which makes all of this some twenty times slower, unless
// the tests may take long.
func Rounds(n int) int {
	if raceDetector && os.Getenv("JETON_TEST_LONG") == "" {
		return n / 20
	}
	return n
}
