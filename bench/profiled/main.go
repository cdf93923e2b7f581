//go:build linux

// Command profiled is Jeton with one thing more: on SIGUSR1 it begins to write a CPU profile, beside its own file and under that name
// with .prof behind it, and on SIGUSR2 it ends that. The program that is shipped can't be asked for one, by anybody: a profile tells
// who calls what.
//
// Only bench runs it, with -profile.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/jeton-io/jeton/internal/cli"
)

func main() {
	log.SetOutput(io.Discard) // as cmd/jeton does
	ctx, stop := signal.NotifyContext(context.Background(), cli.Endings()...)
	context.AfterFunc(ctx, stop)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for sig := range asked {
			if err := heed(sig); err != nil {
				panic(err) // bench then finds no profile, and shows why
			}
		}
	}()
	os.Exit(cli.Run(ctx, cli.Process()))
}

// heed begins the profile, or ends it and gives the whole of it its name.
func heed(sig os.Signal) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if sig == syscall.SIGUSR2 {
		pprof.StopCPUProfile()
		return os.Rename(self+".part", self+".prof")
	}
	to, err := os.Create(self + ".part")
	if err != nil {
		return err
	}
	return pprof.StartCPUProfile(to) // the file is open for as long as the program runs
}
