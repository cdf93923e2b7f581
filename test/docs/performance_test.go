package docs_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// figures are the lines of a page's tables that have a verdict, by what stands in their first cells.
func figures(page string) map[string]string {
	verdicts := make(map[string]string)
	column := -1
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			column = -1
			continue
		}
		cells := strings.Split(strings.Trim(strings.ReplaceAll(line, `\|`, "¦"), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case column < 0:
			column = slices.Index(cells, "verdict")
			if column < 0 {
				column = len(cells) // a table without verdicts
			}
		case column < len(cells) && !strings.HasPrefix(cells[0], "---"):
			verdicts[cells[0]] = cells[column]
		}
	}
	return verdicts
}

// TestPerformance holds docs/performance.md to its levels: every path was measured with a million tokens, and stands at must; what is seen in
// the graph of every call stands at aim; and of whatever doesn't, the page tells under its name what stands in the way.
func TestPerformance(t *testing.T) {
	text, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	_, missed, ok := strings.Cut(page, "\n### What is missed, and why\n")
	if !ok {
		t.Fatal("the page has no section \"What is missed, and why\"")
	}
	missed, _, _ = strings.Cut(missed, "\n#")
	if !strings.Contains(page, "\n1,000,000 live tokens") {
		t.Error("the page has no figures of 1,000,000 live tokens")
	}
	verdicts := figures(page)
	for _, tc := range []struct {
		holds string // what the line's name holds
		aim   bool   // must isn't enough
	}{
		{"one personal token, warm", true},
		{"personal tokens at random among all, warm", true},
		{"one access token, warm", true},
		{"one session token, warm", true},
		{"Basic, one user, warm", false},
		{"browser session by cookie, warm", true},
		{"in the query, GCM, warm", false},
		{"the same in CBC, warm", false},
		{"POST /oauth/introspect", false},
		{"the same call, warm", false}, // of the proxy
		{"POST /oauth/token", false},
		{"GenerateAccessTokenFromApiToken", false},
		{"POST /v1/me/personal-token", false},
		{"in process: an opaque token, warm", true},
		{"in process: a JWT, warm", true},
		{"in process: two cores to one", false},
		{"an access token not yet seen is proven", false},
		{"a personal token not yet seen is admitted", false},
		{"start to ready", true},
		{"memory per live token: live heap", true},
		{"memory per live token: RSS", false},
	} {
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(verdicts)), func(name string) bool { return !strings.Contains(name, tc.holds) })
		if len(names) == 0 {
			t.Errorf("no table has the figure %q", tc.holds)
		}
		for _, name := range names {
			verdict := verdicts[name]
			reached := strings.Contains(verdict, "must") || strings.Contains(verdict, "aim") || strings.Contains(verdict, "beyond")
			if tc.aim {
				reached = reached && !strings.Contains(verdict, "must")
			}
			if reached = reached && !strings.Contains(verdict, "**"); !reached && !strings.Contains(missed, "**"+name+"**") {
				t.Errorf("%s: %s, and %q doesn't tell what stands in the way", name, verdict, "What is missed, and why")
			}
		}
	}
	for name, verdict := range verdicts { // what the list above doesn't name
		if strings.Contains(verdict, "**") && !strings.Contains(missed, "**"+name+"**") {
			t.Errorf("%s: %s, and %q doesn't tell what stands in the way", name, verdict, "What is missed, and why")
		}
	}
}
