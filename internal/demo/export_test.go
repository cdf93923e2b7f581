package demo

import (
	"context"
	"testing"
	"time"
)

// StartAPI starts the sample API until the end of the test, and returns its URL and how many calls of a program it has seen.
func StartAPI(t *testing.T) (url string, calls func(agent string) int) {
	t.Helper()
	a, err := startAPI(context.Background(), time.Millisecond, func(visit) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.stop(); err != nil {
			t.Error(err)
		}
	})
	return a.url, a.calls
}

// What is tested by itself.
var (
	Saw       = saw
	Printable = printable
	Quoted    = quoted
)

// StartDesk starts Jeton with its data in the folder, and returns why it couldn't.
func StartDesk(ctx context.Context, folder string) error {
	d, err := startDesk(ctx, folder, "jeton")
	if err != nil {
		return err
	}
	return d.stop()
}
