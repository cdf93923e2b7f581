package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// paste puts what was measured into a page, in the place of what stood there: between two comments of a name, which the page has
// once.
func paste(page, name, text string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("pasting into a page: %w", err)
	}
	pasted, err := pasteText(string(old), name, text)
	if err != nil {
		return fmt.Errorf("pasting into %s: %w", page, err)
	}
	if err := os.WriteFile(page, []byte(pasted), 0o644); err != nil {
		return fmt.Errorf("pasting into a page: %w", err)
	}
	return nil
}

func pasteText(page, name, text string) (string, error) {
	begin, end := "<!-- begin: "+name+" -->\n", "<!-- end: "+name+" -->\n"
	before, rest, begun := strings.Cut(page, begin)
	_, behind, ended := strings.Cut(rest, end)
	if !begun || !ended || strings.Contains(behind, begin) {
		return "", fmt.Errorf("it has not one %q with one %q behind it", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + "\n" + strings.TrimSpace(text) + "\n\n" + end + behind, nil
}

// publish prints what was measured, and pastes it where a page was asked for: with the picture, where that is drawn beside the page.
func (b *bench) publish(name, text, picture string) error {
	fmt.Print(text)
	if b.into == "" {
		return nil
	}
	if b.plot != "" && picture != "" {
		beside, err := filepath.Rel(filepath.Dir(b.into), b.plot)
		if err != nil {
			return fmt.Errorf("pasting into a page: %w", err)
		}
		text += "\n![" + picture + "](" + filepath.ToSlash(beside) + ")\n"
	}
	return paste(b.into, name, text)
}
