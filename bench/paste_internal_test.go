package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPaste(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	const whole = "# A page\n<!-- begin: bench -->\nold\n<!-- end: bench -->\nthe rest\n"
	if err := os.WriteFile(page, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first\n\n", "\n| new |\n"} { // the second in the place of the first
		if err := paste(page, "bench", text); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if want := "# A page\n<!-- begin: bench -->\n\n| new |\n\n<!-- end: bench -->\nthe rest\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, bad := range []string{"", "<!-- end: bench -->\n<!-- begin: bench -->\n", "<!-- begin: bench -->\n", whole + whole, "<!-- begin: growth -->\n<!-- end: growth -->\n"} {
		if got, err := pasteText(bad, "bench", "text"); err == nil {
			t.Errorf("%q: got %q, want an error", bad, got)
		}
	}
}

// TestPublish shows that the picture stands beside the tables under the way to it from the page.
func TestPublish(t *testing.T) {
	dir := t.TempDir()
	b := &bench{scale: scale{into: filepath.Join(dir, "page.md"), plot: filepath.Join(dir, "pictures", "a.svg")}}
	if err := os.WriteFile(b.into, []byte("<!-- begin: bench -->\n<!-- end: bench -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.publish("bench", "| a |\n", "curves"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(b.into)
	if want := "<!-- begin: bench -->\n\n| a |\n\n![curves](pictures/a.svg)\n\n<!-- end: bench -->\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	b.into = ""
	if err := b.publish("bench", "\n", "curves"); err != nil {
		t.Errorf("got %v without a page", err)
	}
}

// TestPages shows that the pages have the places into which the figures go.
func TestPages(t *testing.T) {
	for name, page := range map[string]string{nameBench: "performance.md", nameProfile: "performance.md", nameGrowth: "scale.md"} {
		text, err := os.ReadFile(filepath.Join("..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pasteText(string(text), name, ""); err != nil {
			t.Errorf("%s: %v", page, err)
		}
	}
}
