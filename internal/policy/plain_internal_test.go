package policy

import (
	"strings"
	"testing"
)

// TestPlain compares what is told of paths at a glance with what is found by looking: whatever is taken for plain is nothing that
// inspect, which looks at the same path behind a segment that isn't plain, would refuse or remark on.
func TestPlain(t *testing.T) {
	characters := []string{"/", ".", "a", "%", ";", "-", "_", "~", "\\", "\x00", "\xc0", "Z", "0", "@", "[", "`", "{", "?", "#", ":", "%2e", "%2f", "é"}
	plain := 0
	var walk func(path string, depth int)
	walk = func(path string, depth int) {
		if isPlain(path) {
			plain++
			if found, problem := inspect("/("+path, 0); found != 0 || problem != "" {
				t.Errorf("%q is taken for plain, and holds %d, %q", path, found, problem)
			}
			if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") {
				t.Errorf("%q is taken for plain", path)
			}
		}
		for _, c := range characters {
			if depth > 0 {
				walk(path+c, depth-1)
			}
		}
	}
	walk("", 4)
	if plain < 300 {
		t.Errorf("got %d plain paths, want those that are", plain)
	}
	for _, path := range []string{"/", "/v2/reports/7", "/a.b/c-d_e~f/", "/azAZ09"} {
		if !isPlain(path) {
			t.Errorf("%q isn't taken for plain", path)
		}
	}
	for c := range 256 {
		path := "/a" + string([]byte{byte(c)}) + "b"
		if found, problem := inspect("/("+path, 0); isPlain(path) && (found != 0 || problem != "") {
			t.Errorf("%q is taken for plain, and holds %d, %q", path, found, problem)
		}
	}
}
