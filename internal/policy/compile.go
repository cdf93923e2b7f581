package policy

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Compile checks and compiles all services. Its error joins what is wrong with
// each: InvalidError, ConflictError and DuplicateServiceError.
func Compile(services []Service) (*Table, error) {
	t := &Table{
		hosts: map[string]*prefixes{}, named: map[string]*CompiledService{}, scopes: map[string]struct{}{}, verified: map[uuid.UUID][]*CompiledService{},
	}
	names := map[string]*siblings{}
	var errs []error
	for _, service := range services {
		compiled, err := compileService(service)
		if err == nil {
			err = t.add(compiled, service.Profile)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, op := range service.Operations {
			if op.Scope != "" {
				t.scopes[op.Scope] = struct{}{}
			}
		}
		for _, verifier := range service.Verifiers {
			t.verified[verifier] = append(t.verified[verifier], compiled)
		}
		name, _ := cutPort(compiled.host)
		if names[name] == nil {
			names[name] = &siblings{}
		}
		compiled.siblings = names[name]
		compiled.siblings.services = append(compiled.siblings.services, compiled)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return t, nil
}

// compileService gathers every fault of a service before it refuses.
func compileService(s Service) (*CompiledService, error) {
	faults := faults{service: s.Name}
	allowed, ok := parseAllowance(s.AllowInPath)
	if !ok {
		faults.add("", "allow_in_path", s.AllowInPath, `write "", ";", "//" or ";//"`)
	}
	if s.Default != "" && s.Default != DefaultDeny && s.Default != DefaultAuthenticated {
		faults.add("", "default", string(s.Default), `write "deny" or "authenticated"`)
	}
	faults.add("", "host", s.Host, hostProblem(s.Host))
	faults.add("", "path_prefix", s.PathPrefix, prefixProblem(s.PathPrefix))
	patterns := parseOperations(s.Operations, &faults)
	if len(faults.errs) > 0 {
		return nil, errors.Join(faults.errs...)
	}
	if err := firstConflict(s.Name, patterns); err != nil {
		return nil, err
	}
	key, _ := foldHost(nil, s.Host)
	prefix := strings.TrimSuffix(s.PathPrefix, "/")
	return &CompiledService{
		id: s.ID, name: s.Name, host: string(key), prefix: prefix, address: string(key) + prefix,
		project: s.Project, calls: s.Calls, per: s.Per,
		open: s.Default == DefaultAuthenticated, raw: s.AcceptAPITokens, shut: s.Suspended, allowed: allowed, methods: plant(s.Operations, patterns),
	}, nil
}

// parseOperations returns the operations' patterns, in their order.
func parseOperations(operations []Operation, faults *faults) []pattern {
	patterns := make([]pattern, len(operations))
	for i, op := range operations {
		p, problem := parsePattern(op.Pattern)
		if problem != "" {
			faults.add(op.Pattern, "pattern", op.Pattern, problem)
			continue
		}
		patterns[i] = p
		if op.Scope != "" && !IsScope(op.Scope) {
			faults.add(op.Pattern, "scope", op.Scope, `a scope is printable ASCII without space, " and \`)
		}
		if strings.HasPrefix(op.Scope, reservedScopes) {
			faults.add(op.Pattern, "scope", op.Scope, "scopes that begin with jeton. are Jeton's own")
		}
		for _, entry := range op.Audience {
			faults.add(op.Pattern, "audience", entry.String(), entry.problem(p))
		}
	}
	return patterns
}

// faults gathers what is wrong with one service.
type faults struct {
	service string
	errs    []error
}

// add does nothing where there is no problem.
func (f *faults) add(operation, field, value, problem string) {
	if problem != "" {
		f.errs = append(f.errs, &InvalidError{
			Service: f.service, Operation: operation, Field: field, Value: value, Problem: problem,
		})
	}
}

// plant makes one tree per method, those of the most operations first. It copies the operations, so that their
// owner may change his.
func plant(operations []Operation, patterns []pattern) []tree {
	roots := map[string]*tree{}
	for i, p := range patterns {
		source := operations[i]
		source.Audience = slices.Clone(source.Audience)
		if roots[p.method] == nil {
			roots[p.method] = &tree{method: p.method, root: &node{}}
		}
		roots[p.method].size++
		roots[p.method].root.insert(p.segments, &operation{source: &source, admission: newAdmission(source.Audience, p)})
	}
	trees := make([]tree, 0, len(roots))
	for _, t := range roots {
		trees = append(trees, *t)
	}
	slices.SortFunc(trees, func(a, b tree) int { return cmp.Or(b.size-a.size, strings.Compare(a.method, b.method)) })
	return trees
}

// reservedScopes begin the scopes that are about Jeton itself: an operation of somebody's API has none of them, or a token
// for that would have power over Jeton.
const reservedScopes = "jeton."

// IsScope holds a scope to RFC 6749 section 3.3.
func IsScope(scope string) bool {
	for i := range len(scope) {
		if c := scope[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return scope != ""
}
