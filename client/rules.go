package client

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/policy"
)

// rules hold the policy of the services whose verifier we are, compiled as Jeton compiles it. They are there while they are known to
// be those in force.
type rules struct {
	current atomic.Pointer[ruleSet] // nil while they aren't known

	mu     sync.Mutex
	needed int64 // the revision that a policy must have heard of
	wake   chan struct{}
}

// ruleSet is one policy. It never changes.
type ruleSet struct {
	issuer string
	table  *policy.Table
	ask    map[string]bool // the names of services whose calls Jeton is to be asked about each time
	others map[string]bool // likewise: those that aren't ours, by a name that no service has
}

// outdated says that a policy from before a revision may be another than that in force.
func (r *rules) outdated(revision int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current.Store(nil)
	r.needed = revision
	select {
	case r.wake <- struct{}{}:
	default: // it is about to be asked for anyway
	}
}

// install puts a policy in force, unless it is older than what the feed has told meanwhile.
func (r *rules) install(set *ruleSet, revision int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if revision < r.needed {
		return false
	}
	r.current.Store(set)
	return true
}

// keepRules asks for the policy each time that it may have changed, until ctx ends.
func (v *Verifier) keepRules(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.rules.wake:
		}
		for wait := feedFirstTry; ctx.Err() == nil; wait = min(2*wait, feedLastTry) {
			installed, err := v.fetchRules(ctx)
			if installed {
				break
			}
			if err != nil && ctx.Err() == nil {
				v.report(err)
			}
			pause(ctx, wait)
		}
	}
}

// fetchRules asks for the policy once.
func (v *Verifier) fetchRules(ctx context.Context) (installed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	p, _, err := send[api.Policy](ctx, v.c, request{doing: "reading the policy", method: http.MethodGet, path: []string{"policy"}})
	if err != nil {
		return false, err
	}
	set, err := compile(&p)
	if err != nil {
		return false, fmt.Errorf("reading the policy: %w: %w", ErrNotJeton, err)
	}
	return v.rules.install(set, p.Revision), nil
}

// compile compiles a policy. Other services stand in the table with no operation, to be found where they are.
func compile(p *api.Policy) (*ruleSet, error) {
	set := &ruleSet{issuer: p.Issuer, ask: map[string]bool{}, others: map[string]bool{}}
	all := make([]policy.Service, 0, len(p.Services)+len(p.Others))
	for _, s := range p.Services {
		id, ok := parseID(s.ID)
		if !ok {
			return nil, fmt.Errorf("the service %q has no ID", s.Name)
		}
		service := policy.Service{
			ID: [16]byte(id), Name: s.Name, Host: s.Host, PathPrefix: s.PathPrefix, Default: policy.Default(s.Default),
			AllowInPath: s.AllowInPath, AcceptAPITokens: s.AcceptAPITokens, Suspended: s.Suspended,
		}
		for _, o := range s.Operations {
			operation := policy.Operation{Pattern: o.Pattern, Scope: o.Scope}
			for _, text := range o.Audience {
				a, err := policy.ParseAudience(text)
				if err != nil {
					return nil, err
				}
				operation.Audience = append(operation.Audience, a)
			}
			service.Operations = append(service.Operations, operation)
		}
		if s.AskAlways {
			set.ask[s.Name] = true
		}
		all = append(all, service)
	}
	for i, other := range p.Others {
		name := fmt.Sprintf("another service, %d", i)
		set.others[name] = true
		all = append(all, policy.Service{Name: name, Host: other.Host, PathPrefix: other.PathPrefix})
	}
	table, err := policy.Compile(all)
	set.table = table
	return set, err
}

// admits reports whether a call may pass by what is known of its credential. Where it doesn't, it isn't said that the call may not
// pass: that is for Jeton to say, which enters it for the audit log.
func (set *ruleSet) admits(k *known, method, host, path string) (service string, ok bool) {
	s, found := set.table.Find(host, path)
	if !found || set.ask[s.Name()] || set.others[s.Name()] || k.raw && !s.AcceptsAPITokens() || k.service != "" && k.service != s.Address() {
		return "", false
	}
	verdict := s.Authorize(method, path, k.subject)
	return s.Name(), verdict.Allowed && k.permits(verdict.Operation)
}

// permits reports whether a credential's scopes cover an operation.
func (k *known) permits(o *policy.Operation) bool {
	return !k.narrowed || o != nil && o.Scope != "" && k.hasScope(o.Scope)
}

func (k *known) hasScope(scope string) bool {
	return slices.Contains(k.principal.Credential.Scopes, scope)
}

// serviceOf returns the service of a name that is ours.
func (set *ruleSet) serviceOf(name string) (*policy.CompiledService, bool) {
	s, ok := set.table.Named(name)
	return s, ok && !set.others[name]
}

// bearer returns the token of an Authorization header field as this package's programs and most others write it; what is written
// otherwise, Jeton reads.
func bearer(authorization string) (token string, ok bool) {
	token, ok = strings.CutPrefix(authorization, "Bearer ")
	return token, ok && token != "" && len(token) <= maxBearer && token[0] != ' ' && token[len(token)-1] != ' '
}

// maxBearer bounds a token that is looked at here, in bytes.
const maxBearer = 8 << 10
