package authority

import "os"

// Rounds is n, or a twentieth of it under the race detector, which makes all of this some twenty times slower, unless
// the tests may take long.
func Rounds(n int) int {
	if raceDetector && os.Getenv("JETON_TEST_LONG") == "" {
		return n / 20
	}
	return n
}
