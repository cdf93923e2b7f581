package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// metric is the name of a figure of Jeton's own.
var metric = regexp.MustCompile(`\bjeton_[a-z_]+\b`)

// TestMetrics holds the page about monitoring to the figures that there are: none is told of that isn't, and none is left out.
func TestMetrics(t *testing.T) {
	names := func(pattern string, quoted *regexp.Regexp) (all []string) {
		t.Helper()
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("got %q, %v, want files", paths, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range quoted.FindAllString(string(text), -1) {
				all = append(all, metric.FindString(name))
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	made := names("../../internal/app/*.go", regexp.MustCompile(`"jeton_[a-z_]+", "`))
	told := names(filepath.Join("../../docs/how-to", "monitor.md"), metric)
	if len(made) == 0 || !slices.Equal(told, made) {
		t.Errorf("docs/how-to/monitor.md tells of %q, want the figures that there are: %q", told, made)
	}
}
