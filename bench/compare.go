package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// comparison has the Go benchmarks of two trees run in turn, and their figures compared by benchstat: the machine drifts, so that
// all of one and then all of the other would compare two hours of the machine.
type comparison struct {
	base     string // a revision that git knows
	pattern  string // of the benchmarks
	packages string // that are looked through, as go list takes them
	count    int    // runs of each
	time     string // of each run, as -benchtime takes it

	tools    string // the module file that pins benchstat; empty for the tree's own
	dir      string // temporary
	progress progress
	pins     pins
}

// side is one of the trees.
type side struct {
	name string // of its file of figures
	root string // of the tree
}

// compare checks the base out into a folder of its own, runs the benchmarks that both trees have, and prints what benchstat says.
func (c *comparison) compare(ctx context.Context, out io.Writer) (err error) {
	here, err := c.git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	sides := [2]side{{"base", filepath.Join(c.dir, "tree")}, {"now", here}}
	if _, err := c.git(ctx, here, "worktree", "add", "--detach", sides[0].root, c.base); err != nil {
		return err
	}
	defer func() { // git would go on looking for it
		_, removed := c.git(context.WithoutCancel(ctx), here, "worktree", "remove", "--force", sides[0].root)
		err = errors.Join(err, removed)
	}()
	packages, err := c.build(ctx, sides)
	if err != nil {
		return err
	}
	for n := range c.count {
		c.progress.say("run %d of %d of %d packages", n+1, c.count, len(packages))
		for _, pkg := range packages {
			for _, s := range turns(sides, n) {
				if err := c.run(ctx, s, pkg); err != nil {
					return err
				}
			}
		}
	}
	return c.benchstat(ctx, here, out)
}

// turns returns the sides in the order of a run: who comes second finds the machine warmer.
func turns(sides [2]side, run int) [2]side {
	if run%2 == 1 {
		sides[0], sides[1] = sides[1], sides[0]
	}
	return sides
}

// build compiles the tests of the packages in which both trees have a benchmark.
func (c *comparison) build(ctx context.Context, sides [2]side) (packages []string, err error) {
	var found [2][]string
	for n, s := range sides {
		if found[n], err = c.withBenchmarks(ctx, s.root); err != nil {
			return nil, err
		}
	}
	for _, pkg := range found[1] {
		if !slices.Contains(found[0], pkg) {
			c.progress.say("%s has benchmarks here only", pkg)
			continue
		}
		packages = append(packages, pkg)
		for _, s := range sides {
			c.progress.say("building the benchmarks of %s, %s", pkg, s.name)
			cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", c.program(s, pkg), "./"+pkg)
			cmd.Dir = s.root
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("building the benchmarks of %s, %s: %w\n%s", pkg, s.name, err, out)
			}
		}
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("there is no package in %s in which both trees have a benchmark", c.packages)
	}
	return packages, nil
}

// program is where the tests of a package are, compiled.
func (c *comparison) program(s side, pkg string) string {
	return filepath.Join(c.dir, strings.ReplaceAll(pkg, "/", "-")+"."+s.name)
}

// withBenchmarks lists the packages of a tree that have a benchmark, by their folders.
func (c *comparison) withBenchmarks(ctx context.Context, root string) (packages []string, err error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", c.packages)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w", err)
	}
	for dir := range strings.FieldsSeq(string(out)) {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			return nil, err
		}
		has := slices.ContainsFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(text), "\nfunc Benchmark")
		})
		pkg, err := filepath.Rel(root, dir)
		if err != nil {
			return nil, err
		}
		if has {
			packages = append(packages, filepath.ToSlash(pkg))
		}
	}
	return packages, nil
}

// run runs the benchmarks of a package once, where its files are, and adds what they print to the figures of their side.
func (c *comparison) run(ctx context.Context, s side, pkg string) error {
	argv := c.pins.wrap(c.pins.server, c.program(s, pkg), "-test.run", "^$", "-test.bench", c.pattern, "-test.benchmem",
		"-test.cpu", "1", "-test.benchtime", c.time, "-test.count", "1")
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = filepath.Join(s.root, filepath.FromSlash(pkg))
	cmd.Env = append(os.Environ(), oneProcessor)
	cmd.SysProcAttr = attributes()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("running the benchmarks of %s, %s: %w\n%s", pkg, s.name, err, out)
	}
	to, err := os.OpenFile(c.figures(s.name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("writing figures: %w", err)
	}
	_, err = to.Write(out)
	return errors.Join(err, to.Close())
}

// figures is the file of a side's.
func (c *comparison) figures(name string) string { return filepath.Join(c.dir, name) }

// benchstat prints the comparison.
func (c *comparison) benchstat(ctx context.Context, here string, out io.Writer) error {
	modules := cmp.Or(c.tools, filepath.Join(here, "tools", "go.mod"))
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile="+modules, "benchstat", "base="+c.figures("base"), "now="+c.figures("now"))
	cmd.Dir = here
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running benchstat: %w", err)
	}
	fmt.Fprintf(out, "\nbase is %s; each benchmark in turn, %d times for %s, with GOMAXPROCS=1 on core %d\n", c.base, c.count, c.time, c.pins.server)
	return nil
}

func (*comparison) git(ctx context.Context, dir string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
