package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/invariant"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// someRun is a run of which nobody would say that it went well.
func someRun() *journal.Run {
	const s = time.Second
	return &journal.Run{
		Facts:  []journal.Fact{{Name: "command", Value: "go run <it>"}},
		Writes: []journal.Write{{Op: journal.Make, Thing: "personal/u/1", Outcome: journal.Done}, {Sent: s, Answered: 2 * s, Op: journal.End, Thing: "personal/u/1", Outcome: journal.Done}},
		Checks: []journal.Check{
			{Sent: 3 * s, Answered: 3 * s, Target: "n1", Thing: "personal/u/1", Purpose: journal.Probe, Verdict: journal.Yes, Status: 200},
			{Sent: 8 * s, Answered: 9 * s, Target: "n1", Thing: "personal/u/1", Purpose: journal.Steady, Verdict: journal.Yes, Status: 200},
			{Sent: 8 * s, Answered: 9 * s, Target: "n2", Thing: "personal/u/1", Purpose: journal.Steady, Verdict: journal.Wait, Status: 503},
			{Sent: 8 * s, Answered: 9 * s, Target: journal.Nginx, Thing: "personal/u/1", Purpose: journal.Steady, Verdict: journal.Lost},
		},
		Readies: []journal.Ready{{Sent: s, Answered: s, Node: "n1", Status: 200}, {Sent: 2 * s, Answered: 2 * s, Node: "n1", Status: 503}},
		Steps: []journal.Step{
			{At: 2 * s, Fault: 1, Kind: fault.LinkDown, Node: "n2", Phase: journal.Begun, Note: "a|note"},
			{At: 2 * s, Fault: 1, Kind: fault.LinkDown, Node: "n2", Phase: journal.InForce},
		},
	}
}

// TestWrite: a broken promise is told of by name and time, in both forms, and the page needs nothing beside it.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	var said strings.Builder
	kept, err := Write(dir, someRun(), func(format string, args ...any) { said.WriteString(format + "\n") })
	if err != nil || kept {
		t.Fatalf("got kept %t, %v, want a broken promise", kept, err)
	}
	for name, want := range map[string][]string{
		"report.md":   {"# Jeton under faults: a promise was broken", "at 8.000 s (fault 1 link-down): n1 said yes to personal/u/1 6.00 s after", "a\\|note", "![Faults"},
		"report.html": {"<h1>Jeton under faults", "prefers-color-scheme: dark", "<svg", "<code>go run &lt;it&gt;</code>", "n1 said yes to personal/u/1"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s lacks %q", name, w)
			}
		}
		for _, never := range []string{"<script", "src=", "http-equiv", "%!"} {
			if strings.Contains(string(text), never) {
				t.Errorf("%s has %q", name, never)
			}
		}
	}
}

// TestTimeline: the picture is well-formed, and has what happened.
func TestTimeline(t *testing.T) {
	run := someRun()
	result := invariant.Check(run)
	svg := Timeline(run, &result)
	elements := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("got %v", err)
		}
		if e, ok := token.(xml.StartElement); ok {
			class := ""
			for _, a := range e.Attr {
				if a.Name.Local == "class" {
					class = a.Value
				}
			}
			elements[e.Name.Local+"."+class]++
		}
	}
	for element, want := range map[string]int{"rect.cut": 1, "rect.ready": 1, "line.bound": 2, "circle.n1": 1} {
		if elements[element] != want {
			t.Errorf("got %d of %s, want %d", elements[element], element, want)
		}
	}
	if elements["rect.wait"] < 2 || elements["rect.lost"] < 1 {
		t.Errorf("got %v, want 503s and answers that never came", elements)
	}
}
