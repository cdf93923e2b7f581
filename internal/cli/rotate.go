package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// tokenRotate shows a secret, as the few commands do that make one: alone on stdout, so that it can be sent on, or in a file
// of the program's own making, which the user's umask can't open to others. All advice goes to stderr.
func (p *program) tokenRotate() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Make a new personal token; the former one dies",
		Long: `Make a new personal token and print it, alone, to stdout, or write it to the
file that --out names, which only you can read. The former token is dead at
once. Nobody can show the new one again.`,
		Example: "  jeton token rotate --out alice.token",
	}
	cmd.Flags().StringVar(&out, "out", "", "write the token to this `FILE`, in place of what it holds")
	cmd.RunE = p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
		deliver := p.printToken
		if out != "" {
			// Opened before the former token dies: a folder that can't be written to costs nothing then.
			file, err := newTokenFile(out)
			if err != nil {
				return fmt.Errorf("--out: %w", err)
			}
			defer file.abandon()
			deliver = func(t api.IssuedPersonalToken) error { return file.write(t.Token) }
		}
		token, err := c.RotatePersonalToken(ctx)
		// Repeating is safe, and the only way to a token that is known: each rotation ends whatever was there.
		switch {
		case errors.Is(err, client.ErrUnreachable) || errors.Is(err, context.Canceled):
			return &fault{err, "", "If the request had arrived, the former token is dead, and the new one is lost: rotate again."}
		case err != nil:
			return err
		}
		if err := deliver(token); err != nil {
			return &fault{outputError(err), "", "The new token is lost and the former one is dead: rotate again."}
		}
		p.rotated(out)
		return nil
	})
	return cmd
}

// rotated says what to know of a new token.
func (p *program) rotated(out string) {
	if out != "" {
		p.say("Wrote the new token to %s. A former one no longer works.", out)
		return
	}
	p.hint("This token is shown once: keep it in a safe place. A former token no longer works.")
	if p.env.Terminal { // it now stands in the terminal's scrollback, too
		p.hint("To keep it in a file that only you can read: %s token rotate --out my.token", p.env.Command)
	}
}

// printToken prints the token of an answer.
func (p *program) printToken(token api.IssuedPersonalToken) error {
	return p.reveal(token, token.Token)
}

// reveal prints the secret of an answer alone, with nothing between it and who reads it. What was printed is known to have
// been written: a secret that nobody saw would be lost.
func (p *program) reveal(answer any, secret string) error {
	err := p.show(answer, func() { _, _ = p.out.WriteString(secret + "\n") }) // Flush tells of the error
	return errors.Join(err, p.out.Flush())
}

// tokenFile is a file on its way to its place: what is there stays until the new one is whole.
type tokenFile struct {
	path string
	file *os.File // beside the path, of mode 0600
}

// newTokenFile begins a file that is to take the place of path. A link is followed; what is no file, as a device, is
// refused: it would be replaced by one.
func newTokenFile(path string) (*tokenFile, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".jeton-token-*")
	if err != nil {
		return nil, err
	}
	return &tokenFile{path, f}, nil
}

// write puts the token into the file, and the file, once it is on the disk, into its place.
func (f *tokenFile) write(token string) error {
	_, err := f.file.WriteString(token + "\n")
	if err = errors.Join(err, f.file.Sync(), f.file.Close()); err != nil {
		return err
	}
	return os.Rename(f.file.Name(), f.path)
}

// abandon removes what has not come to its place; after write, nothing is left to remove.
func (f *tokenFile) abandon() {
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
}
