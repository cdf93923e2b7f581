package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// Errors about which everything has been said: they only set the exit code.
var (
	errShown  = errors.New("the help was shown")    // 2
	errDenied = errors.New("the call may not pass") // 1
)

// fault is an error with what a user is told of it: a sentence of our own, where Jeton's is too general, and the next
// step.
type fault struct {
	err       error
	text, fix string // text may be empty
}

// Error implements error.
func (f *fault) Error() string { return f.err.Error() }

// Unwrap returns the error itself.
func (f *fault) Unwrap() error { return f.err }

// named says which thing is not found; other errors stay as they are.
func named(err error, text, fix string) error {
	if errors.Is(err, client.ErrNotFound) {
		return &fault{err, text, fix}
	}
	return err
}

// outputError is the error of stdout: a full disk, a pipe whose reader has gone.
func outputError(err error) error { return fmt.Errorf("writing the output: %w", err) }

// exit tells of an error, if there is one that hasn't been told, and returns the exit code.
func (p *program) exit(cmd *cobra.Command, err error) int {
	usage, misused := errors.AsType[*usageError](err)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errDenied): // the verdict was the output
		return exitFailed
	case errors.Is(err, errShown):
		return exitUsage
	case !misused && !p.began: // cobra's own, which might repeat an argument
		usage, misused = &usageError{text: "the command line can't be followed"}, true
	}
	if misused { // nobody was asked anything, so there is no problem of Jeton's to tell of
		fix := strings.TrimSpace(usage.fix + " See " + cmd.CommandPath() + " --help.")
		p.tell(&api.Problem{Title: usage.text, Fix: fix}, usage.text)
		return exitUsage
	}
	p.tell(p.problem(err))
	return exitFailed
}

// tell writes a problem to stderr, in the form that --output says: a sentence; each field that was wrong; what to do; and
// for a fault of the server's, by what its operator finds it in the log.
func (p *program) tell(told *api.Problem, sentence string) {
	if p.output == formatJSON {
		p.tellJSON(told)
		return
	}
	end := "."
	if len(told.Errors) > 0 {
		end = ":"
	}
	p.hint("jeton: %s%s", strings.TrimSuffix(sentence, "."), end) // in the log of a script, it must be plain who says so
	for _, f := range told.Errors {
		p.hint("  %s", strings.TrimSpace(f.Field+": "+strings.TrimSuffix(f.Problem, ".")+". "+f.Fix))
	}
	if told.Fix != "" {
		p.hint("  %s", told.Fix)
	}
	if told.Instance != "" && told.Status >= 500 {
		p.hint("  The request's ID in the server's log is %s.", told.Instance)
	}
}

// tellJSON writes a problem as the API would have sent it; an error of this program's own has neither type, status nor
// code, as those are Jeton's.
func (p *program) tellJSON(told *api.Problem) {
	var shape any = told
	if told.Code == "" {
		own := map[string]any{"title": told.Title}
		if told.Detail != "" {
			own["detail"] = told.Detail
		}
		if told.Fix != "" {
			own["fix"] = told.Fix
		}
		if told.Errors != nil {
			own["errors"] = told.Errors
		}
		shape = own
	}
	if b, err := json.Marshal(shape); err == nil {
		_, _ = fmt.Fprintf(p.env.Stderr, "%s\n", b)
	}
}

// plainWord is a word that a shell takes as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:%+@=-]+$`)

// shellWord returns a word as a shell takes it, for a command that is to be copied.
func shellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
