package policy

import (
	"slices"

	"github.com/google/uuid"
)

// Table holds the compiled services. It never changes: a new catalog is
// compiled into a new Table, and readers are switched over to it. The zero
// Table finds nothing.
type Table struct {
	hosts  map[string]*prefixes // by lower-case host, and by host:port for the services that name one
	named  map[string]*CompiledService
	scopes map[string]struct{}
	// verified are the services by the IDs of their verifiers.
	verified map[uuid.UUID][]*CompiledService
	raw      bool // some service accepts API tokens
	size     int
}

// prefixes are the services of one host.
type prefixes struct {
	services map[string]*CompiledService // by prefix, "" for the whole host
	whole    *CompiledService            // that of the whole host, or nil
	few      []*CompiledService          // those with a prefix, the longest first; one more than fewAtMost where they are more
	longest  int                         // the length of the longest prefix
	profiles []string                    // named by the services
}

// fewAtMost is up to how many things are compared one by one: that is quicker than to hash what is looked for.
const fewAtMost = 8

// siblings are the services of one host name, whatever their ports.
type siblings struct{ services []*CompiledService }

func (t *Table) add(s *CompiledService, profile string) error {
	at := t.hosts[s.host]
	if at == nil {
		at = &prefixes{services: map[string]*CompiledService{}}
		t.hosts[s.host] = at
	}
	if first := at.services[s.prefix]; first != nil {
		return &DuplicateServiceError{A: first.name, B: s.name, Host: s.host, PathPrefix: s.prefix}
	}
	at.services[s.prefix] = s
	if s.prefix == "" {
		at.whole = s
	} else if len(at.few) <= fewAtMost {
		at.few = append(at.few, s)
		slices.SortStableFunc(at.few, func(a, b *CompiledService) int { return len(b.prefix) - len(a.prefix) })
	}
	at.longest = max(at.longest, len(s.prefix))
	if profile != "" {
		at.profiles = append(at.profiles, profile)
	}
	t.named[s.name] = s
	t.raw = t.raw || s.raw
	t.size++
	return nil
}

// Len returns the number of services.
func (t *Table) Len() int { return t.size }

// Named returns the service of exactly that name.
func (t *Table) Named(name string) (*CompiledService, bool) {
	s, ok := t.named[name]
	return s, ok
}

// VerifiedBy returns the services whose verifier a user is. It must not be changed.
func (t *Table) VerifiedBy(userID uuid.UUID) []*CompiledService { return t.verified[userID] }

// AcceptsAPITokens reports whether some service does.
func (t *Table) AcceptsAPITokens() bool { return t.raw }

// HasScope reports whether an operation of some service has that scope.
func (t *Table) HasScope(scope string) bool {
	_, ok := t.scopes[scope]
	return ok
}

// Find returns the service to which a call belongs: of those on its host, the
// one with the longest prefix of its raw path. A service that names the port of
// the call goes before those that name none, however long their prefixes. The
// case of the host and one dot at its end don't count. Find judges nothing: a
// path that is spelt to escape a prefix ("/%61pi") is found under a shorter one,
// or not at all, and refused by Authorize.
func (t *Table) Find(host, rawPath string) (*CompiledService, bool) {
	if s := t.hosts[host].find(rawPath); s != nil { // spelt as a key, as it nearly always is: then it is its own folded form
		return s, true
	}
	var buffer [maxHost]byte
	key, name := foldHost(buffer[:0], host)
	if len(key) > len(name) {
		if s := t.hosts[string(key)].find(rawPath); s != nil {
			return s, true
		}
	}
	s := t.hosts[string(name)].find(rawPath)
	return s, s != nil
}

// HasProfile reports whether a service on the host of a call names that profile.
func (t *Table) HasProfile(host, profile string) bool {
	var buffer [maxHost]byte
	key, name := foldHost(buffer[:0], host)
	return t.hosts[string(key)].names(profile) || t.hosts[string(name)].names(profile)
}

func (p *prefixes) names(profile string) bool {
	return p != nil && slices.Contains(p.profiles, profile)
}

// find tries the path's beginnings up to the length of the longest prefix, so that a long path costs no more than a short one.
func (p *prefixes) find(rawPath string) *CompiledService {
	if p == nil {
		return nil
	}
	if len(p.few) <= fewAtMost {
		for _, s := range p.few {
			if s.covers(rawPath) {
				return s
			}
		}
		return p.whole
	}
	best := p.whole
	for end := 1; end <= len(rawPath) && end <= p.longest; end++ {
		if end < len(rawPath) && rawPath[end] != '/' {
			continue
		}
		if s := p.services[rawPath[:end]]; s != nil {
			best = s
		}
	}
	return best
}
