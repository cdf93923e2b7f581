// Command jeton is the token desk of an API: it issues, verifies, lists, rotates and revokes the credentials with which
// programs call it. "jeton serve" runs it; the other commands ask a running one. See package internal/cli.
//
// SIGTERM and SIGINT end any command in good order, a second one at once, and so does SIGHUP where a terminal is; without
// one, SIGHUP has a server read its configuration anew. The exit code is 0 when all went well, 1 when the command failed, 2 when it was not understood.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/jeton-io/jeton/internal/cli"
)

func main() {
	// net/http shows the standard logger what an upstream has sent unasked, which may be anybody's. Jeton has a log of its own.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), cli.Endings()...)
	context.AfterFunc(ctx, stop) // from then on, a signal has the effect that it has on any program
	os.Exit(cli.Run(ctx, cli.Process()))
}
