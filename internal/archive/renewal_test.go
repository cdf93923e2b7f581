package archive_test

import (
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/archive"
)

// TestTold has each reason for which a database is closed say what to do, and one of a newer Jeton stay as it is.
func TestTold(t *testing.T) {
	for reason, want := range map[string]string{
		archive.Loading: " (token): repeat ",
		archive.Moving:  " (token): repeat ",
		archive.Moved:   " (token): start servers with --database of the other one",
		"it rests":      " (token)",
	} {
		got := archive.Told(archive.Why(reason, "token"))
		if !strings.HasPrefix(got, reason+want) || reason == "it rests" && got != reason+want {
			t.Errorf("got %q, want it to begin with %q", got, reason+want)
		}
	}
}
