package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wellFormed returns the texts of a picture, or fails the test where it is no XML.
func wellFormed(t *testing.T, picture string) (texts string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(picture))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("%v in %s", err, picture)
		}
		if text, ok := token.(xml.CharData); ok {
			texts += string(text) + "|"
		}
	}
}

func TestPlot(t *testing.T) {
	b := &bench{rows: newRows(), figures: newFigures(), machine: machine{model: "A & B", commit: "c0ffee"}}
	b.rows.hot.ratios = []float64{0.81, 0.79, 0.83}
	b.rows.issue.ratios = []float64{2.5}
	b.rows.bareFull.ratios = []float64{0.9} // without levels
	b.figures.proof.add(0.5)
	file := filepath.Join(t.TempDir(), "performance.svg")
	if err := b.writePlot(file); err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	texts := wellFormed(t, string(picture))
	for _, want := range []string{
		"|/auth-request, one personal token, warm, to bare net/http|", "|0.81 aim|", "|2.50 beyond|", "|0.50 missed|", "A & B", "c0ffee",
	} {
		if !strings.Contains(texts, want) {
			t.Errorf("the picture lacks %q: %s", want, texts)
		}
	}
	if strings.Contains(texts, b.rows.bareFull.name) || !strings.Contains(string(picture), "prefers-color-scheme: dark") {
		t.Error("the picture has what has no levels, or isn't one for dark pages")
	}
	// A bar is as long as its ratio: that of 2.5 ends further right than the level at 2.0, and the axis has room for it.
	if bars := strings.Count(string(picture), "<rect"); bars != 3 || !strings.Contains(texts, "|2.6|") {
		t.Errorf("got %d bars, want 3 on an axis to 2.6: %s", bars, texts)
	}
}

func TestCurves(t *testing.T) {
	g := &growth{stores: []string{onSQLite, onPostgres}, rows: []*grown{
		{store: onSQLite, tokens: 10_000, warmRatio: 0.8, heap: 100},
		{store: onSQLite, tokens: 10_000_000, warmRatio: 0.7, heap: 90},
		{store: onPostgres, tokens: 10_000, warmRatio: 0.6, heap: 110},
	}}
	for i := range g.rows {
		g.rows[i].warm.requests, g.rows[i].warm.took, g.rows[i].cold.took, g.rows[i].issue.took = 1, 1, 1, 1
	}
	picture := g.picture()
	texts := wellFormed(t, picture)
	for _, want := range []string{"|SQLite|", "|PostgreSQL|", "|10k|", "|10M|", "|0.8|", "|heap a token, B|", "|110|"} {
		if !strings.Contains(texts, want) {
			t.Errorf("the picture lacks %q: %s", want, texts)
		}
	}
	if n := strings.Count(picture, "<circle"); n != 6*3 {
		t.Errorf("got %d points, want 3 in each of 6 panels", n)
	}
	wellFormed(t, drawCurves("nothing", []panel{{title: "empty"}}))
	for v, want := range map[float64]string{0: "0", 0.532: "0.532", 12: "12", 2000: "2000", 12_345: "12.3k", 1e7: "10M"} {
		if got := short(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}
