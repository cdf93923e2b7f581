package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTurns(t *testing.T) {
	sides := [2]side{{name: "base"}, {name: "now"}}
	if first, second := turns(sides, 0), turns(sides, 1); first[0].name != "base" || second[0].name != "now" || second[1].name != "base" {
		t.Errorf("got %v and then %v, want each to begin once", first, second)
	}
}

// TestCompare compares two trees of a module of its own, of which one has a benchmark more.
func TestCompare(t *testing.T) {
	root := t.TempDir()
	tools, err := filepath.Abs("../tools/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", root, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const benchmark = "package a_test\n\nimport \"testing\"\n\nfunc BenchmarkAdd(b *testing.B) {\n\tfor b.Loop() {\n\t}\n}\n"
	write("go.mod", "module example.com/compared\n\ngo 1.26\n")
	write("a/a_test.go", benchmark)
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "first")
	write("b/b_test.go", benchmark)
	t.Chdir(root)
	var out, told bytes.Buffer
	c := &comparison{base: "HEAD", pattern: ".", packages: "./...", count: 2, time: "1ms", tools: tools, dir: t.TempDir(), progress: progress{&told}}
	if err := c.compare(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"base", "now", "Add", "base is HEAD; each benchmark in turn, 2 times for 1ms"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the comparison lacks %q:\n%s", want, out.String())
		}
	}
	if !strings.Contains(told.String(), "b has benchmarks here only") {
		t.Errorf("got the progress %q", told.String())
	}
	left, err := exec.CommandContext(t.Context(), "git", "-C", root, "worktree", "list").Output()
	if err != nil || strings.Count(string(left), "\n") != 1 {
		t.Errorf("got the worktrees %s, %v, want the first alone", left, err)
	}
	c.base, c.dir, c.progress = "nowhere", t.TempDir(), progress{io.Discard}
	if err := c.compare(t.Context(), io.Discard); err == nil {
		t.Error("got no error of a revision that isn't there")
	}
}
