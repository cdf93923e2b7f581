package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/lab"
)

// options are what a run is told.
type options struct {
	seed   uint64
	length time.Duration
	kinds  []fault.Kind
	pairs  bool
	slack  time.Duration
	out    string
	source string
	began  time.Time
}

// Variables by which the first process tells the second, inside the namespaces, what it drew and when it began.
const (
	seedVar  = "JETON_FAULTS_SEED"
	beganVar = "JETON_FAULTS_BEGAN"
)

func parse(args []string) (options, error) {
	o := options{began: time.Now()}
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(io.Writer(os.Stderr))
	flags.Uint64Var(&o.seed, "seed", 0, "what everything random comes from; drawn, and printed, where it is 0")
	flags.DurationVar(&o.length, "for", 10*time.Minute, "how long the run may take, with all that it needs before and after")
	flags.BoolVar(&o.pairs, "pairs", true, "two faults at a time, in what time is left when each has come by itself")
	flags.DurationVar(&o.slack, "slack", 250*time.Millisecond, "how late an answer of 503 may be for want of cores")
	flags.StringVar(&o.out, "out", "", "folder for the report and the journals (default build/faults/SEED)")
	kinds := flags.String("faults", "", "only these, by name, with commas between; all where empty")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not understood: there are flags, and “check DIR”", flags.Arg(0))
	}
	for name := range strings.SplitSeq(*kinds, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		kind, err := fault.Parse(name)
		if err != nil {
			return o, err
		}
		o.kinds = append(o.kinds, kind)
	}
	return o, o.settle()
}

// settle fills in what wasn't said.
func (o *options) settle() error {
	if drawn, err := strconv.ParseUint(os.Getenv(seedVar), 10, 64); err == nil {
		o.seed = drawn
	}
	if began, err := strconv.ParseInt(os.Getenv(beganVar), 10, 64); err == nil {
		o.began = time.UnixMicro(began)
	}
	if o.seed == 0 {
		o.seed = 1 + rand.Uint64N(1e9)
	}
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil || filepath.Base(strings.TrimSpace(string(mod))) != "go.mod" {
		return errors.Join(err, errors.New("run it in Jeton's source: it builds what it breaks"))
	}
	o.source = filepath.Dir(strings.TrimSpace(string(mod)))
	if o.out == "" {
		o.out = filepath.Join(o.source, "build", "faults", strconv.FormatUint(o.seed, 10))
	}
	o.out, err = filepath.Abs(o.out)
	return err
}

// enter runs this program inside namespaces, and returns its exit code.
func enter(o *options) int {
	_ = os.Setenv(seedVar, strconv.FormatUint(o.seed, 10)) // fails for names that no environment can hold
	_ = os.Setenv(beganVar, strconv.FormatInt(o.began.UnixMicro(), 10))
	code, err := lab.Enter()
	if err != nil {
		return finish(false, err)
	}
	return code
}

// command is what to type for the same run.
func (o *options) command() string {
	c := fmt.Sprintf("go run ./test/faults/nodes -seed %d -for %s", o.seed, o.length)
	if len(o.kinds) > 0 {
		var names []string
		for _, k := range o.kinds {
			names = append(names, string(k))
		}
		c += " -faults " + strings.Join(names, ",")
	}
	if !o.pairs {
		c += " -pairs=false"
	}
	return c
}
