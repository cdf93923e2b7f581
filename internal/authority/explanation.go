package authority

import (
	"context"
	"errors"
	"fmt"
)

// Explanation says step by step whether what was presented is good. It comes of the one examination that the door makes, too, so that
// what is told can't be other than what happens. It holds no secret, but some of what was presented says: it is for administrators.
type Explanation struct {
	Accepted bool
	Reason   Reason // empty where it is accepted
	Steps    []Step // in their order; after one that fails, none is taken
}

// Step is what one step of an examination has found.
type Step struct {
	Name   string
	Passed bool
	Found  string // what is there, and what is wanted
	Fix    string // what to do about it, where it fails
}

// Fault is why a step fails; the zero Fault is none. It is no error: those say that nobody knows, and a verdict that nobody knows
// must never look like one that was given.
type Fault struct {
	Reason Reason
	Found  string // what is there, and what is wanted: for administrators
	Fix    string // what to do about it
}

// Check is one step of an examination, to be taken.
type Check struct {
	Name string
	Take func(context.Context) (Fault, error)
}

// Trace is what an examination has found, for who asks why. Of a nil Trace, which is the door's, where nobody asks, every method does
// the same and keeps nothing.
type Trace struct{ steps []Step }

// Examine takes the checks in their order, up to the first that fails, whose reason it returns. An error says that nobody knows.
func (t *Trace) Examine(ctx context.Context, checks []Check) (Reason, error) {
	for _, c := range checks {
		t.begin(c.Name)
		f, err := c.Take(ctx)
		if err != nil {
			return "", err
		}
		t.end(f)
		if f.Reason != "" {
			return f.Reason, nil
		}
	}
	return "", nil
}

// begin opens the next step.
func (t *Trace) begin(name string) {
	if t != nil {
		t.steps = append(t.steps, Step{Name: name})
	}
}

// Note says what the step has found, if it passes. What anybody may have written must be made fit to be shown before.
func (t *Trace) Note(format string, args ...any) {
	if t != nil {
		t.steps[len(t.steps)-1].Found = fmt.Sprintf(format, args...)
	}
}

// end closes the step: with what it noted where it passes, else with its fault.
func (t *Trace) end(f Fault) {
	switch {
	case t == nil:
	case f.Reason == "":
		t.steps[len(t.steps)-1].Passed = true
	default:
		last := &t.steps[len(t.steps)-1]
		last.Found, last.Fix = f.Found, f.Fix
	}
}

// Explanation tells what an examination has come to: nil where it accepts, a *Refusal, or another error where nobody knows, which it
// returns.
func (t *Trace) Explanation(err error) (Explanation, error) {
	ref, refused := errors.AsType[*Refusal](err)
	switch {
	case refused && t != nil:
		return Explanation{Reason: ref.Reason, Steps: t.steps}, nil
	case err != nil || t == nil:
		return Explanation{}, err
	}
	return Explanation{Accepted: true, Steps: t.steps}, nil
}
