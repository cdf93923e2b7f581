package faults_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shortFaults are those that the tests have time for: one of each sort. "make faults" has all of them, and two at a time.
const shortFaults = "link-down,db-killed,rolling"

// TestHarness runs the harness of "make faults" in short: three nodes on one PostgreSQL behind nginx, in namespaces of their
// own, must keep every promise. Other tests may run beside it: hence the slack, and more time than the faults take, of which the
// start may need its share. It fails where no namespaces can be made.
func TestHarness(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "nodes")
	if out, err := exec.Command("go", "build", "-o", binary, "./nodes").CombinedOutput(); err != nil {
		t.Fatalf("building the harness: %v\n%s", err, out)
	}
	out := filepath.Join(dir, "out")
	cmd := exec.Command(binary, "-for", "2m", "-seed", "1", "-faults", shortFaults, "-pairs=false", "-slack", "1s", "-out", out)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	t.Logf("%s", strings.TrimSpace(said.String()))
	if err != nil {
		t.Fatalf("got %v, want every promise kept", err)
	}
	// The checker alone must come to the same, and must not where a journal was touched.
	check := func() error { return exec.Command(binary, "check", out).Run() }
	if err := check(); err != nil {
		t.Errorf("checking the journals again: got %v", err)
	}
	if text, err := exec.Command("sed", "-i", `0,/\tsteady\tyes\t200/s//\tsteady\tno\t401/`, filepath.Join(out, "checks.tsv")).CombinedOutput(); err != nil {
		t.Fatalf("touching a journal: %v\n%s", err, text)
	}
	if exit, ok := errors.AsType[*exec.ExitError](check()); !ok || exit.ExitCode() != 1 {
		t.Errorf("checking a journal in which a good credential was refused: got %v, want exit code 1", exit)
	}
}
