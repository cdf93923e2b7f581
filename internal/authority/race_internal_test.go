//go:build race

package authority

// raceDetector tells that the tests run under the race detector.
const raceDetector = true
