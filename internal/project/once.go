package project

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
)

// usedUp is how much longer than it counts a used token is remembered: a node whose clock is behind this one's takes it for living
// meanwhile.
const usedUp = time.Minute

// use uses up the tokens that count once, of those that have a time. It is the last step, so that what is refused for anything else can
// be presented again. Whoever asks why a token is refused uses nothing up, and is told whether it was used.
//
// A user token without a time of its own isn't among them: it is never good alone, and what it stands beside counts once.
func (e *examination) use(ctx context.Context) (fault, error) {
	var done []digest
	for _, t := range e.tokens {
		r := t.chosen
		if !r.set.OneTime || r.at.IsZero() {
			continue
		}
		d := e.digestOf(r)
		if slices.Contains(done, d) { // one token in both places
			continue
		}
		done = append(done, d)
		used, err := e.useUp(ctx, d, r.at.Add(e.project.MaxAge+usedUp))
		if err != nil {
			return fault{}, err
		}
		if used {
			return e.fault(authority.ReasonReplayed, "Seal a token anew for each call: of its fields one must differ, such as GenDT or one of your own.",
				"The %s counts once, and was used.", t.name), nil
		}
	}
	if len(done) == 0 {
		e.trace.Note("The tokens count until they expire, as often as they come.")
	} else {
		e.trace.Note("It counts once, and hasn't been used.")
	}
	return fault{}, nil
}

// useUp uses up one token, or reports that it was used before.
func (e *examination) useUp(ctx context.Context, d digest, until time.Time) (used bool, err error) {
	if e.trace != nil {
		if used, err = e.cfg.Store.AssertionUsed(ctx, d); err != nil {
			return false, fmt.Errorf("asking whether a sealed token was used: %w", err)
		}
		return used, nil
	}
	switch err := e.cfg.Store.UseAssertion(ctx, d, until); {
	case errors.Is(err, authority.ErrConflict):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("using up a sealed token: %w", err)
	default:
		return false, nil
	}
}

// digestOf is by what a token is known that counts once: the project and what the token says, whichever text says it. One token has many
// texts: Base64 has several spellings, the modes of old let blocks be added, and XML blanks. It is the same in either place, so that a
// token that was used as the one isn't good as the other.
//
// Names are in small letters, and the time is what it means: readers see no difference. Each text stands behind its length.
func (e *examination) digestOf(r *reading) digest {
	timeLower := strings.ToLower(fieldTime)
	lines := make([]string, 0, len(r.fields))
	for _, f := range r.fields {
		name, value := strings.ToLower(f.Name), f.Value // names are ASCII
		if name == timeLower {
			value = strconv.FormatInt(r.at.UnixMicro(), 10)
		}
		lines = append(lines, string(framed(nil, name, value)))
	}
	slices.Sort(lines)
	return sha256.Sum256(framed(nil, append([]string{"jeton sealed token once", e.project.ID.String()}, lines...)...))
}

// framed appends texts, each behind its length.
func framed(to []byte, texts ...string) []byte {
	for _, text := range texts {
		to = append(binary.BigEndian.AppendUint32(to, uint32(len(text))), text...) //nolint:gosec // G115: a token has a few KiB
	}
	return to
}
