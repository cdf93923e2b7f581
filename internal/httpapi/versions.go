package httpapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
)

// Two administrators who read the same record and both change it must not undo each other's work unseen. Records have
// versions, answers show them as entity tags, and a change can be made for one. Operations are replaced whole, and must.

// versioned is an answer with the state of a record.
type versioned[T any] struct {
	ETag string `header:"ETag" doc:"The version of what was changed or read, for If-Match."`
	Body T
}

// created is the answer of a request that made a record: 201.
type created[T any] struct {
	Location string `header:"Location" doc:"Where the new resource is."`
	ETag     string `header:"ETag" doc:"Its version, for If-Match."`
	Body     T
}

// made is the answer of a request that made a record without versions: 201.
type made[T any] struct {
	Location string `header:"Location" doc:"Where it can be taken back."`
	Body     T
}

// etag returns the entity tag of a version of a record (RFC 9110, section 8.8.3). The ID is in it because a service that
// is deleted and made anew begins at version 1 again.
func etag(id uuid.UUID, version int64) string {
	return `"` + id.String() + "." + strconv.FormatInt(version, 10) + `"`
}

// precondition is what a request says in If-Match (RFC 9110, section 13.1.1).
type precondition struct {
	sent bool
	any  bool // whatever version there is will do: nothing was said, or *
	tags []string
}

// preconditionOf reads If-Match. What isn't of its form is refused and not passed over: who sends it wants a condition.
func preconditionOf(h http.Header) (precondition, error) {
	values := h.Values("If-Match")
	p := precondition{sent: len(values) > 0, any: len(values) == 0}
	for tag := range strings.SplitSeq(strings.Join(values, ","), ",") {
		tag = strings.TrimSpace(tag)
		opaque := strings.TrimPrefix(tag, "W/")
		switch {
		case tag == "*" && len(p.tags) == 0:
			p.any = true
		case len(opaque) > 2 && opaque[0] == '"' && strings.IndexByte(opaque[1:], '"') == len(opaque)-2:
			p.tags = append(p.tags, tag) // a weak one is never equal to ours, as it should be
		case p.sent:
			return p, api.NewProblem(api.CodeMalformedRequest, "If-Match is neither * nor a list of entity tags in quotation marks.")
		}
	}
	if p.sent && p.any && len(p.tags) > 0 {
		return p, api.NewProblem(api.CodeMalformedRequest, "If-Match has a * beside other entity tags.")
	}
	return p, nil
}

// check returns ErrStale where the record is at another version than the request is for. It is asked first, so that the
// answer is no while nothing has been done; that the version is still the newest when the change is stored, the store
// sees to.
func (p precondition) check(id uuid.UUID, version int64) error {
	if p.any {
		return nil
	}
	current := etag(id, version)
	for _, tag := range p.tags {
		if tag == current {
			return nil
		}
	}
	return authority.ErrStale
}

// maxTries is how often a change is tried that is for whatever version there is. Who still comes too late then is told
// that the record changes all the time.
const maxTries = 5

// try makes a change that reads a version and is stored only if that is still the newest. Where the request didn't name
// a version, it is made anew when another change came between.
func (p precondition) try(change func() error) error {
	for range maxTries - 1 {
		if err := change(); !p.any || !errors.Is(err, authority.ErrStale) {
			return err
		}
	}
	return change()
}
