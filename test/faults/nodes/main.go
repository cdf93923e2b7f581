// Command nodes breaks three Jeton nodes on one PostgreSQL in every way that Jeton promises to withstand, while clients change
// and check credentials, and holds what they heard against the promises. "make faults" runs it.
//
//	go run ./test/faults/nodes -for 10m            a run; its report and journals lie in build/faults/SEED
//	go run ./test/faults/nodes check DIR           the checker alone, on the journals of a run
//
// It needs Linux, root or a system that lets users make namespaces, and ip, nsenter, nginx and PostgreSQL from Debian's
// packages, which test/deps.sh installs. The exit code is 0 when all promises were kept, 1 when one was broken, 2 when the run
// itself failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/jeton-io/jeton/test/faults/lab"
)

// The exit codes.
const (
	exitKept   = 0
	exitBroken = 1
	exitFailed = 2
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "check" {
		os.Exit(finish(check(os.Args[2])))
	}
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(exitKept)
	case err != nil:
		os.Exit(finish(false, err))
	case !lab.Inside():
		os.Exit(enter(&o))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(finish(o.run(ctx)))
}

// finish tells of what failed and returns the exit code.
func finish(kept bool, err error) int {
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "faults:", err)
		return exitFailed
	case !kept:
		return exitBroken
	}
	return exitKept
}
