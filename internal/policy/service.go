package policy

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// CompiledService is a service of a Table. It never changes, and any number of
// goroutines may use it.
type CompiledService struct {
	id       uuid.UUID
	name     string
	host     string // as the table's key: lower case, with the port if it has one
	prefix   string // without a slash at its end
	address  string // host and prefix
	project  uuid.UUID
	calls    int // let in per period; 0 for any number
	per      time.Duration
	open     bool // the default is authenticated
	raw      bool // API tokens are accepted as they are
	shut     bool // it is suspended
	allowed  traits
	methods  []tree // the patterns without method under ""
	siblings *siblings
}

// ID returns the service's ID.
func (s *CompiledService) ID() uuid.UUID { return s.id }

// Name returns the service's name.
func (s *CompiledService) Name() string { return s.name }

// Address returns the host, in lower case, and the prefix, without a slash at its end: by which a token can be narrowed to
// the service (RFC 8707), for no other service of a Table has it.
func (s *CompiledService) Address() string { return s.address }

// AcceptsAPITokens reports whether an API token need not be exchanged first.
func (s *CompiledService) AcceptsAPITokens() bool { return s.raw }

// Rate returns how many calls are let in per period, of all callers together; 0 for any number.
func (s *CompiledService) Rate() (calls int, per time.Duration) { return s.calls, s.per }

// Project returns the project whose sealed tokens count in the service's queries, or the zero ID.
func (s *CompiledService) Project() uuid.UUID { return s.project }

// Suspended reports whether every call is refused.
func (s *CompiledService) Suspended() bool { return s.shut }

// Authorize judges a call by its method, its whole path as the request spells
// it (percent-encoded, with the service's prefix, without query) and its
// subject. A path that isn't below the prefix matches no operation, and no
// default admits it. A suspended service isn't looked into: what its operations
// say is in doubt.
func (s *CompiledService) Authorize(method, rawPath string, sub Subject) Verdict {
	if s.shut {
		return Verdict{Reason: ReasonServiceSuspended}
	}
	found, problem := inspect(rawPath, s.allowed)
	if problem != "" {
		return Verdict{Reason: ReasonAmbiguousPath}
	}
	if !s.covers(rawPath) {
		return Verdict{Reason: ReasonNoOperation}
	}
	path := rawPath[len(s.prefix):]
	op := s.match(method, path)
	if found != 0 && !s.agrees(method, rawPath, op) {
		return Verdict{Reason: ReasonAmbiguousPath}
	}
	known := sub.UserID != uuid.Nil
	switch {
	case op == nil && !s.open:
		return Verdict{Reason: ReasonNoOperation}
	case op == nil && known:
		return Verdict{Allowed: true}
	case op == nil:
		return Verdict{Reason: ReasonNotInAudience}
	case known && op.includes(&sub, path):
		return Verdict{Allowed: true, Operation: op.source}
	default:
		return Verdict{Reason: ReasonNotInAudience, Operation: op.source}
	}
}

// match chooses among the operations of the method before those of any method,
// which are more general by the rules that firstConflict has enforced.
func (s *CompiledService) match(method, path string) *operation {
	if op := s.tree(method).match(path); op != nil {
		return op
	}
	if method == "HEAD" {
		if op := s.tree("GET").match(path); op != nil {
			return op
		}
	}
	return s.tree("").match(path)
}

// tree returns the patterns of a method, or nil. There are few methods, whatever the operations.
func (s *CompiledService) tree(method string) *node {
	for i := range s.methods {
		if s.methods[i].method == method {
			return s.methods[i].root
		}
	}
	return nil
}

// covers reports whether the path is the prefix, or goes on from it with a
// slash.
func (s *CompiledService) covers(rawPath string) bool {
	rest, ok := strings.CutPrefix(rawPath, s.prefix)
	return ok && (rest == "" || rest[0] == '/')
}
