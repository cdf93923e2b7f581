package platform

import (
	"context"
	"encoding/json"
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

// Explain examines an assertion as Prove does, and tells what it finds. It is the same examination, so that what is told can't be
// other than what happens. Nothing is used up, and nobody made: that it is accepted says that it would have been at this moment, and
// that nobody else has presented it by then. A set of keys that can't be read is told as a step that fails, since that is what the
// administrator has to mend.
//
// It returns ErrNotFound where no platform of that ID or code lives, and any other error where nobody knows.
func (p *Platforms) Explain(ctx context.Context, q Question) (authority.Explanation, error) {
	asked, err := p.Find(ctx, q.Platform)
	if err != nil {
		return authority.Explanation{}, err
	}
	e := examination{Platforms: p, beside: q.Platform, text: q.Assertion, trace: &authority.Trace{}, asked: asked.ID}
	if q.Grant {
		e.beside = ""
	}
	told, err := e.trace.Explanation(e.run(ctx))
	if err != nil {
		return told, fmt.Errorf("examining an assertion: %w", err)
	}
	return told, nil
}

// other says that the assertion is another platform's than the one that is asked about.
func (e *examination) other(id uuid.UUID) string {
	if e.trace == nil || e.asked == id {
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
