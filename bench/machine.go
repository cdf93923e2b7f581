package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// machine is where and of what the figures were taken: without it they say nothing.
type machine struct {
	cores  []int // that this process may use
	model  string
	system string
	commit string
}

// describeMachine looks around. What it can't find out stays empty or is called unknown: that is no reason not to measure.
func describeMachine(ctx context.Context) machine {
	return machine{
		cores:  parseCores(line("/proc/self/status", "Cpus_allowed_list")),
		model:  line("/proc/cpuinfo", "model name"),
		system: strings.TrimSpace(runtime.GOOS + "/" + runtime.GOARCH + " " + output(ctx, "uname", "-r")),
		commit: commit(ctx),
	}
}

// String implements fmt.Stringer.
func (m machine) String() string {
	model := m.model
	if model == "" {
		model = "unknown processor"
	}
	return fmt.Sprintf("%d cores of %s, %s, %s, commit %s", len(m.cores), model, m.system, runtime.Version(), m.commit)
}

// commit names the commit measured, and whether the tree had anything beside it: then the name alone brings nobody back
// to what was measured. Pages aren't measured, and are where the figures go.
func commit(ctx context.Context) string {
	head := output(ctx, "git", "rev-parse", "--short", "HEAD")
	if head == "" {
		return "unknown"
	}
	if output(ctx, "git", "status", "--porcelain", "--", ":/", ":(exclude,top)docs") != "" {
		return head + " with uncommitted changes"
	}
	return head
}

// output returns what a command prints, or nothing where it fails: what it would tell is then told as unknown.
func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// line returns the value of the first line "name: value" of a file of /proc, or nothing.
func line(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for l := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// parseCores reads a list as /proc has it: 0-1,4. What can't be read is left out.
func parseCores(list string) []int {
	var cores []int
	for part := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, err := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err != nil || err2 != nil {
			continue
		}
		for c := from; c <= to; c++ {
			cores = append(cores, c)
		}
	}
	return cores
}

// pins says on which core each side runs.
type pins struct {
	on             bool
	server, client int
}

// pinsOf gives the servers one core and wrk another of those that this process may use (in a container these need not
// begin at 0), where there are two and the means to say so.
func pinsOf(cores []int) pins {
	if _, err := exec.LookPath("taskset"); err != nil || len(cores) < 2 {
		return pins{}
	}
	return pins{on: true, server: cores[0], client: cores[1]}
}

// wrap returns the command line that runs a command on a core.
func (p pins) wrap(core int, argv ...string) []string {
	if !p.on {
		return argv
	}
	return append([]string{"taskset", "-c", strconv.Itoa(core)}, argv...)
}

// wrapBoth returns the command line that runs a command on both cores.
func (p pins) wrapBoth(argv ...string) []string {
	if !p.on {
		return argv
	}
	return append([]string{"taskset", "-c", fmt.Sprintf("%d,%d", p.server, p.client)}, argv...)
}

// both says where what has both cores runs.
func (p pins) both() string {
	if !p.on {
		return "Jeton pinned to no core (that takes two cores and taskset): the promise is for two"
	}
	return fmt.Sprintf("Jeton on cores %d and %d", p.server, p.client)
}

// String implements fmt.Stringer.
func (p pins) String() string {
	if !p.on {
		return "nothing is pinned to a core (that takes two cores and taskset): servers and wrk share them, and the ratios are worth less"
	}
	return fmt.Sprintf("servers on core %d with GOMAXPROCS=1, wrk on core %d", p.server, p.client)
}
