package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Question asks why an assertion is refused.
type Question struct {
	Platform  string // its ID or code
	Assertion secret.Text
	Grant     bool // by the rules of the jwt-bearer grant, where the assertion alone says whose it is
}

// Explanation says step by step whether an assertion is good. It holds neither the assertion nor a secret, but some of what the
// assertion says: it is for administrators.
type Explanation struct {
	Accepted bool
	Reason   authority.Reason // empty where it is accepted
	Steps    []Step           // in their order; after one that fails, none is taken
}

// Step is one step of the examination.
type Step struct {
	Name   string // form, platform, key, signature, type, issuer, audience, times, email, user, scope or replay
	Passed bool
	Found  string // what is there, and what is wanted
	Fix    string // what to do about it, where it fails
}

// Explain examines an assertion as Prove does, and tells what it finds. It is the same examination, so that what is told can't be
// other than what happens. Nothing is used up, and nobody made: that it is accepted says that it would have been at this moment, and
// that nobody else has presented it by then. A set of keys that can't be read is told as a step that fails, since that is what the
// administrator has to mend.
//
// It returns ErrNotFound where no platform of that ID or code lives, and any other error where nobody knows.
func (p *Platforms) Explain(ctx context.Context, q Question) (Explanation, error) {
	asked, err := p.Find(ctx, q.Platform)
	if err != nil {
		return Explanation{}, err
	}
	e := examination{Platforms: p, beside: q.Platform, text: q.Assertion, trace: &trace{asked: asked.ID}}
	if q.Grant {
		e.beside = ""
	}
	err = e.run(ctx)
	told := Explanation{Accepted: err == nil, Steps: e.trace.steps}
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		told.Reason, err = ref.Reason, nil
	}
	if err != nil {
		return Explanation{}, fmt.Errorf("examining an assertion: %w", err)
	}
	return told, nil
}

// trace is what an examination has found. Of a nil trace every method does nothing.
type trace struct {
	asked uuid.UUID // the platform that is asked about
	steps []Step
}

// begin opens the next step.
func (t *trace) begin(name string) {
	if t != nil {
		t.steps = append(t.steps, Step{Name: name})
	}
}

// note says what the step has found, if it passes. What is noted of an assertion goes through shown.
func (t *trace) note(format string, args ...any) {
	if t != nil {
		t.steps[len(t.steps)-1].Found = fmt.Sprintf(format, args...)
	}
}

// end closes the step: with what it noted where it passes, else with its fault.
func (t *trace) end(f fault) {
	switch {
	case t == nil:
	case f.reason == "":
		t.steps[len(t.steps)-1].Passed = true
	default:
		last := &t.steps[len(t.steps)-1]
		last.Found, last.Fix = f.found, f.fix
	}
}

// other says that the assertion is another platform's than the one that is asked about.
func (t *trace) other(id uuid.UUID) string {
	if t == nil || t.asked == id {
		return ""
	}
	return ", which isn't the one that you ask about"
}

// shown shows a value that anybody may have written: on one line, bounded, without what looks like a secret in it. A platform that puts
// a token in the wrong claim must not have it read by whoever looks for the mistake.
func shown(value string) string {
	return strconv.Quote(secret.Excerpt(value))
}

// shownJSON shows the JSON text of a claim: a number, true, false or null as it stands, a text as one, and anything else quoted.
func shownJSON(raw []byte) string {
	var text string
	switch {
	case json.Unmarshal(raw, &text) == nil && raw[0] == '"':
		return "the text " + shown(text)
	case raw[0] == '{' || raw[0] == '[':
		return shown(string(raw))
	}
	return secret.Excerpt(string(raw))
}
