package factor

import (
	"testing"
	"time"
)

// TestRFC6238 takes the vectors of RFC 6238, appendix B, for SHA-1. They have eight digits, of which apps show the last six: the code is
// the remainder of one number.
func TestRFC6238(t *testing.T) {
	shared := base32Text.EncodeToString([]byte("12345678901234567890"))
	for second, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		at := time.Unix(second, 0)
		if got, err := codeAt(shared, stepAt(at)); err != nil || got != want[2:] {
			t.Errorf("%d: got %s and error %v, want %s", second, got, err, want[2:])
		}
		if step, found, err := stepOf(shared, want[2:], at, 0); err != nil || !found || step != stepAt(at) {
			t.Errorf("%d: got the step %d, found %v, error %v", second, step, found, err)
		}
	}
}

// TestStepOfTwo has one code be that of two steps, which is so for some step of any secret: the later one counts once the earlier has.
func TestStepOfTwo(t *testing.T) {
	shared := base32Text.EncodeToString([]byte("12345678901234567890"))
	const step = 910737
	code, err := codeAt(shared, step)
	if other, otherErr := codeAt(shared, step+1); err != nil || otherErr != nil || other != code {
		t.Fatalf("got the codes %s and %s of two steps, want one; errors %v and %v", code, other, err, otherErr)
	}
	now := time.Unix((step+1)*period, 0)
	for last, want := range map[int64]int64{0: step, step - 1: step, step: step + 1, step + 1: step + 1} {
		if got, found, err := stepOf(shared, code, now, last); err != nil || !found || got != want {
			t.Errorf("after %d: got the step %d, found %v, error %v; want %d", last, got, found, err, want)
		}
	}
}
