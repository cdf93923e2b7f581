package cli_test

import (
	"os"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/cli"
)

// TestMeanings shows that every reason that verify explains is one of Jeton's.
func TestMeanings(t *testing.T) {
	codes, err := os.ReadFile("../../docs/reference/codes.md")
	if err != nil {
		t.Fatal(err)
	}
	for reason := range cli.Meanings {
		if !strings.Contains(string(codes), "| `"+reason+"` |") {
			t.Errorf("%s is no reason of the reference", reason)
		}
	}
}

// TestMeant shows which name a mistyped one is taken for, and that a far one, or a mere letter, is taken for none.
func TestMeant(t *testing.T) {
	names := []string{"list", "show", "rotate", "o"}
	for word, want := range map[string]string{
		"lst": "Did you mean list?", "shoe": "Did you mean show?", "rotated": "Did you mean rotate?",
		"create": "", "x": "", "": "", "rotation": "",
	} {
		if got := cli.Meant(word, "", names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
