package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/jeton-io/jeton/client"
)

// outlet is where a secret goes, for the few commands that show one: alone to stdout, so that it can be sent on, or into the
// file of --out, which is of the program's own making, so that the user's umask can't open it to others. All advice goes to
// stderr.
type outlet struct {
	p    *program
	path string
	file *privateFile // nil for stdout
}

// outlet opens the way to a file, or to stdout where path is empty. It is opened before the secret is made, and a former one
// dies: a folder that can't be written to costs nothing then. Close it.
func (p *program) outlet(path string) (*outlet, error) {
	if path == "" {
		return &outlet{p: p}, nil
	}
	file, err := newPrivateFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the system's words name a file of the program's own making
		return nil, &fault{err, "--out: there is no folder " + filepath.Dir(path), ""}
	case err != nil:
		return nil, fmt.Errorf("--out: %w", err)
	}
	return &outlet{p, path, file}, nil
}

// close leaves nothing behind of what was not delivered.
func (o *outlet) close() {
	if o.file != nil {
		o.file.abandon()
	}
}

// deliver hands the secret of an answer over; to stdout, JSON output hands over the answer. Once it returns, the secret is
// known to have been written: one that nobody saw would be lost. Otherwise otherwise says what to do.
func (o *outlet) deliver(answer any, secret, otherwise string) error {
	var err error
	if o.file != nil {
		err = o.file.write(secret + "\n")
	} else {
		err = o.p.show(answer, func() { _, _ = o.p.out.WriteString(secret + "\n") }) // Flush tells of the error
		err = errors.Join(err, o.p.out.Flush())
	}
	if err != nil {
		return &fault{outputError(err), "", otherwise}
	}
	return nil
}

// tell says, once a secret is delivered, what went into which file, or what to do with a secret that was printed; and a
// remark, where there is one, on either.
func (o *outlet) tell(what, printed, remark string) {
	if o.file != nil {
		o.p.say("%s", strings.TrimSpace("Wrote "+what+" to "+o.path+". "+remark))
		return
	}
	o.p.hint("%s", strings.TrimSpace(printed+" "+remark))
	if o.p.env.Terminal { // it now stands in the terminal's scrollback, too
		o.p.hint("To keep one in a file that only you can read, give --out FILE.")
	}
}

// lost is what to do where no answer came, and the request may have arrived all the same. Other errors stay as they are.
func lost(err error, fix string) error {
	if errors.Is(err, client.ErrUnreachable) || errors.Is(err, context.Canceled) {
		return &fault{err, "", "If the request had arrived, " + fix}
	}
	return err
}
