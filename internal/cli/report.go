package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

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

// problem turns an error into what is told of it, as a problem and as a sentence. The problem is Jeton's own, or one in
// the same form without a code.
//
// An answer that the credential isn't valid doesn't say why, so that nobody can find out whether a name exists. What the
// user can be told is which of the possible sources the credential came from: often that is the mistake.
func (p *program) problem(err error) (*api.Problem, string) {
	told, sentence := &api.Problem{Title: err.Error()}, err.Error()
	if e, ok := errors.AsType[*client.Error](err); ok {
		copied := *e.Problem // the error's own stays as Jeton sent it
		told, sentence = &copied, e.Doing+": "+e.Problem.Title
		if told.Code == api.CodeNotAuthenticated {
			told.Detail = strings.TrimSpace(told.Detail + " The credential came from " + p.source + ".")
		}
		if told.Detail != "" {
			sentence += ". " + told.Detail
		}
		if e.RetryAfter > 0 {
			told.Fix = fmt.Sprintf("Wait %s, then try again.", e.RetryAfter.Round(time.Second))
		}
	}
	if c, ok := errors.AsType[*configError](err); ok {
		told.Errors = c.fields()
	}
	switch {
	case errors.Is(err, context.Canceled):
		told.Title, sentence = "interrupted", "interrupted"
	case errors.Is(err, client.ErrUnreachable):
		told.Fix = "Is Jeton running at " + p.baseURL() + "? --url or JETON_URL names another place."
	case errors.Is(err, client.ErrNotJeton):
		told.Fix = "Does Jeton's public listener answer at " + p.baseURL() + "? --url or JETON_URL names another place."
	}
	if f, ok := errors.AsType[*fault](err); ok {
		if f.text != "" {
			told.Detail, sentence, told.Fix = f.text, f.text, ""
		}
		told.Fix = strings.TrimSpace(told.Fix + " " + f.fix)
	}
	return told, sentence
}

// tell writes a problem to stderr, in the form that --output says: a sentence; each field that was wrong; what to do; and
// for a fault of the server's, by what its operator finds it in the log.
func (p *program) tell(told *api.Problem, sentence string) {
	if p.output == formatJSON {
		p.tellJSON(told)
		return
	}
	p.hint("jeton: %s.", strings.TrimSuffix(sentence, ".")) // in the log of a script, it must be plain who says so
	for _, f := range told.Errors {
		p.hint("  %s", strings.TrimSpace(f.Field+": "+f.Problem+". "+f.Fix))
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
