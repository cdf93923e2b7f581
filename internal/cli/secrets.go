package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
)

// maxSecret bounds a secret that is read, in bytes: no password or token is that long.
const maxSecret = 64 << 10

// readSecret reads a secret to the end of where it comes from, less one line break at its end, as an editor or echo
// writes it. More than one line is refused: it would hardly be the secret that was meant.
func readSecret(from io.Reader, name string) (client.Secret, error) {
	b, err := io.ReadAll(io.LimitReader(from, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	// One break and no more: a password may end in a space, and must then be typed with it everywhere.
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	problem := ""
	switch {
	case len(b) > maxSecret:
		problem = "is far longer than any secret"
	case text == "":
		problem = "is empty"
	case strings.ContainsAny(text, "\r\n"):
		problem = "has more than one line"
	case !utf8.ValidString(text): // JSON could not carry it
		problem = "is not UTF-8"
	}
	if problem != "" {
		return "", fmt.Errorf("%s %s", name, problem)
	}
	return client.Secret(text), nil
}

// newPassword is where a command gets a password that it sets. There is no flag for the password itself: see secretFix.
type newPassword struct {
	stdin bool
	file  string
}

// flags defines the flags that say where the password is.
func (n *newPassword) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&n.stdin, "password-stdin", false, "read the new password from standard input")
	cmd.Flags().StringVar(&n.file, "password-file", "", "read the new password from this `FILE`")
}

// given reports whether a flag says where the password is.
func (n *newPassword) given() bool { return n.stdin || n.file != "" }

// read returns the new password of somebody, or one's own where whose is empty: from where the flags say, else from the terminal. Where stdin is a terminal,
// --password-stdin asks, too: reading it as a file would show what is typed.
func (n *newPassword) read(ctx context.Context, p *program, whose string) (client.Secret, error) {
	switch {
	case n.stdin && n.file != "":
		return "", &usageError{text: "--password-stdin and --password-file exclude each other"}
	case n.file != "":
		return p.secretFrom(n.file, "--password-file")
	case p.env.Hidden != nil:
		return p.askTwice(ctx, whose)
	case n.stdin:
		return p.secretFromStdin(ctx)
	}
	return "", &usageError{text: "no new password is given", fix: "Give it with --password-stdin or --password-file."}
}

// secretFromStdin reads a secret from stdin, to its end.
func (p *program) secretFromStdin(ctx context.Context) (client.Secret, error) {
	return await(ctx, func() (client.Secret, error) { return readSecret(p.stdin, "standard input") })
}

// askTwice asks the terminal for a new password, and for the same again: what isn't shown may be mistyped, and then
// nobody would know it.
func (p *program) askTwice(ctx context.Context, whose string) (client.Secret, error) {
	if whose != "" {
		whose = " of " + whose
	}
	first, err := p.askHidden(ctx, "New password"+whose+": ")
	if err != nil {
		return "", err
	}
	second, err := p.askHidden(ctx, "The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords typed differ")
	}
	return first, nil
}

// askHidden asks the terminal for a secret, without showing it. The question goes to stderr, as stdout may be a file.
func (p *program) askHidden(ctx context.Context, question string) (client.Secret, error) {
	_, _ = fmt.Fprint(p.env.Stderr, clean(question))
	text, err := p.env.Hidden(ctx)
	p.hint("") // the line break that was not shown
	if err != nil {
		return "", fmt.Errorf("asking for a password: %w", err)
	}
	return text, nil
}

// askLine asks the terminal for something that may be seen.
func (p *program) askLine(ctx context.Context, question string) (string, error) {
	_, _ = fmt.Fprint(p.env.Stderr, question)
	line, err := await(ctx, func() (string, error) { return p.stdin.ReadString('\n') })
	if err != nil {
		return "", fmt.Errorf("asking for a name: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// await returns what f does, or gives up when the context ends: reading from a terminal or a pipe heeds no context. The
// abandoned reading ends with the process.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
