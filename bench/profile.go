package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// profiled is the name of the program that can be profiled: see bench/profiled.
const profiled = "profiled"

// profile tells where the time of a warm check goes, and that of an exchange: it loads Jeton as the paths do, has a CPU profile written
// meanwhile, and divides that among the parts of the way of a call.
func (b *bench) profile(ctx context.Context) (err error) {
	b.program, b.apiTokens = profiled, minTokens
	if err := b.build(ctx); err != nil {
		return err
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	j, err := b.startSettled(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.stop()) }()
	if err := b.warmUp(ctx, j, b.tokens.live.part(0, minTokens)); err != nil {
		return err
	}
	check, err := b.profilePath(ctx, "One personal token, warm", turn{
		row: b.rows.hot, server: j.process, load: b.ask(j, b.tokens.live.one(), fixed, http.StatusOK),
	})
	if err != nil {
		return err
	}
	exchange, err := b.profilePath(ctx, "One API token, warm, for an access token, by `POST /oauth/token`", turn{
		row: b.rows.exchange, server: j.process, load: b.exchange(j),
	})
	if err != nil {
		return err
	}
	return b.publish(nameProfile, check+"\n"+exchange, "")
}

// profilePath returns the table of one path.
func (b *bench) profilePath(ctx context.Context, title string, path turn) (string, error) {
	path.warmUp = path.load
	unprofiled, err := b.sample(ctx, &path)
	if err != nil {
		return "", err
	}
	file, err := b.profiled(ctx, path.server, &path.load)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", file).Output()
	if err != nil {
		return "", fmt.Errorf("reading the profile: %w", err)
	}
	all, err := parseTraces(string(out))
	if err != nil {
		return "", err
	}
	return b.reportProfile(title, all, costOf(&unprofiled)), os.Remove(file)
}

// profiled loads a server while a profile is written, and returns its file.
func (b *bench) profiled(ctx context.Context, server *process, hot *load) (file string, err error) {
	if err := b.emptyLog(); err != nil {
		return "", err
	}
	if err := server.cmd.Process.Signal(profileBegins); err != nil {
		return "", fmt.Errorf("beginning the profile: %w", err)
	}
	_, err = b.wrk(ctx, *hot, profileLength*b.seconds)
	if err := errors.Join(err, server.cmd.Process.Signal(profileEnds)); err != nil {
		return "", fmt.Errorf("loading while the profile is written: %w", err)
	}
	file = filepath.Join(b.dir, profiled+".prof")
	for end := time.Now().Add(probeTimeout); ; time.Sleep(pollEvery) {
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("there is no profile within %s; the log ends with\n%s", probeTimeout, tail(b.log()))
		}
	}
}

// profileLength is how many times as long a profile is as a run of a path: it has a hundred samples a second.
const profileLength = 3

// trace is one stack of a profile, from the innermost function outwards, and for how long it was seen.
type trace struct {
	took  time.Duration
	stack []string
}

// parseTraces reads what pprof prints for -traces:
//
//	-----------+-------------------------------------------------------
//	      20ms   internal/runtime/syscall.Syscall6
//	             syscall.RawSyscall6
func parseTraces(out string) (all []trace, err error) {
	_, out, _ = strings.Cut(out, "-----------+")
	fresh := true
	for l := range strings.Lines(out) {
		if strings.Contains(l, "-----") {
			fresh = true
			continue
		}
		fields := strings.Fields(strings.TrimSuffix(strings.TrimSpace(l), " (inline)"))
		switch {
		case len(fields) == 0:
		case fresh && len(fields) >= 2:
			took, err := time.ParseDuration(fields[0])
			if err != nil {
				continue // a label, which stands before the stack
			}
			all = append(all, trace{took, []string{strings.Join(fields[1:], " ")}})
			fresh = false
		case !fresh:
			last := &all[len(all)-1]
			last.stack = append(last.stack, strings.Join(fields, " "))
		}
	}
	if len(all) == 0 {
		return nil, errors.New("reading a profile: it has no stacks")
	}
	return all, nil
}

// part is a part of the way of a call, known by functions on the stack.
type part struct {
	name string
	has  []string // begins of names
}

// house is how the names of Jeton's own functions begin, and sqliteHouse those of its embedded store.
const (
	house       = "github.com/jeton-io/jeton/internal/"
	sqliteHouse = house + "store/sqlite."
)

// wholes are parts that take all that is below them, whatever calls them.
func wholes() []part {
	return []part{
		{"the signature", []string{"crypto/ecdsa."}},
		{"the select of the credential's record", []string{sqliteHouse}},
		{"the garbage collector", []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart"}},
		{"allocating", []string{"runtime.mallocgc", "runtime.newobject", "runtime.makeslice", "runtime.growslice"}},
		{"writing the request log to its file", []string{"os.(*File).Write"}},
		{"system calls: reading the request", []string{"internal/poll.(*FD).Read"}},
		{"system calls: writing the answer", []string{"internal/poll.(*FD).Write"}},
		{"deadlines of the connection", []string{"internal/poll.setDeadlineImpl", "net/http.(*connReader).startBackgroundRead", "net/http.(*connReader).abortPendingRead"}},
		{"the scheduler: waiting for what comes, and changing goroutines", []string{"runtime.schedule", "runtime.mcall", "runtime.findRunnable", "runtime.mstart", "runtime.sysmon", "runtime.goready"}},
	}
}

// houses are parts that take what is in them, and what that calls outside of any of them.
func houses() []part {
	return []part{
		{"the request log: a line", []string{"log/slog.", house + "web.(*Line)", house + "web.Log", house + "web.(*lineBuffer)", house + "web.(*LogHandler)", house + "web.(*oneByOne)", house + "app.(*logWriter)", house + "app.(*logStripe)"}},
		{"the policy", []string{house + "policy."}},
		{"the memory of proofs", []string{house + "authority.", house + "secret.", house + "personal.", house + "keyring."}},
		{"the gateway: the call, the thirteen fields of the answer", []string{house + "gateway.", house + "web."}},
		{"parsing the request and formatting the answer", []string{house + "h1."}},
		{"the form, the claims and the answer", []string{house + "oauth.", house + "accesstoken.", house + "jose."}},
		{"net/http: parsing the request, formatting the answer", []string{"net/http.", "net/textproto.", "bufio.", "net/url."}},
	}
}

// elsewhere is what no part has.
const elsewhere = "all the rest"

// classify returns the part to which a stack belongs.
func classify(stack []string) string {
	in := func(p part, function string) bool {
		return slices.ContainsFunc(p.has, func(begin string) bool { return strings.HasPrefix(function, begin) })
	}
	for _, p := range wholes() {
		if slices.ContainsFunc(stack, func(function string) bool { return in(p, function) }) {
			return p.name
		}
	}
	for _, function := range stack {
		for _, p := range houses() {
			if in(p, function) {
				return p.name
			}
		}
	}
	return elsewhere
}

// reportProfile writes the table of the parts, the dearest first, as it stands in docs/performance.md. A request takes so many
// microseconds when nobody looks.
func (b *bench) reportProfile(title string, all []trace, microsecondsEach float64) string {
	sums := map[string]time.Duration{}
	var whole time.Duration
	for _, t := range all {
		sums[classify(t.stack)] += t.took
		whole += t.took
	}
	names := make([]string, 0, len(sums))
	for name := range sums {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), strings.Compare(a, b))
	})
	var t strings.Builder
	fmt.Fprintf(&t, "%s: %s of the core a request, by %s samples of a hundred a second, %s, %s\n\n", title, microseconds(microsecondsEach),
		thousands(whole.Seconds()*100), b.machine, time.Now().UTC().Format(time.DateOnly))
	writeLine(&t, "part", "share", "a request")
	writeLine(&t, "---", "--:", "--:")
	for _, name := range names {
		share := sums[name].Seconds() / whole.Seconds()
		writeLine(&t, name, percent(share), microseconds(share*microsecondsEach))
	}
	return t.String()
}
