// Package catalog keeps the protected APIs (services), their operations and who may call each, and holds them compiled
// for the authority to ask.
//
// People name users and roles; the catalog stores users by ID, so that a name deleted and made anew inherits nothing.
// The compiled policy is replaced whole when the change feed tells of a change; a verdict under way ends on the one it
// began with.
//
// The package refuses operations whose patterns conflict, audiences that name nobody, and a change made for a version
// that is no longer the newest. A catalog that doesn't compile leaves the former policy in force and says so.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// Service is a protected API: a host and a path prefix.
type Service struct {
	ID          uuid.UUID
	Name        string
	Host        string // lower case, with a port where only that port is meant
	PathPrefix  string // "/" for the whole host
	Default     policy.Default
	AllowInPath string      // what a path may hold although it is ambiguous elsewhere: ";", "//" or both
	Verifiers   []uuid.UUID // users who may ask /v1/verify about this service
	// AcceptAPITokens admits API tokens that weren't exchanged, for clients that can't: those live long, and travel then.
	AcceptAPITokens bool
	// Project is that whose sealed tokens count in the queries of calls; zero for none. ProjectNumber is its number, of which the
	// store knows: zero where the project was deleted.
	Project       uuid.UUID
	ProjectNumber int
	Route
	// Rate bounds the calls of all callers together, on each node.
	Rate authority.Rate
	// Suspended lets nobody call the service: it was changed after the moment that the database was put back to, so that its
	// operations may allow more than they did. Each change of it or of its operations ends that.
	Suspended bool
	Version   int64 // raised by each change of the service or its operations
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Route is what the proxy does with a call of a service that may pass.
type Route struct {
	// Upstream is where calls are passed on to: http://host:port, https://… or h2c://…; empty for nowhere.
	Upstream string
	// Profile names the product whose clients' own paths the proxy serves on the service's host; empty for none.
	Profile string
	// ForwardQueryTokens leaves sealed tokens in the query.
	ForwardQueryTokens bool
	// IdentityToken has the API told by a signed token, too, who calls.
	IdentityToken bool
}

// Entry is a service with its operations, as the policy is compiled from.
type Entry struct {
	Service
	Operations []policy.Operation
}

// Store keeps the catalog. Every change is durable when its method returns without error, and writes its audit event
// and its row of the change feed in the same transaction. The event's At is the time of the change: the one stored with
// the service.
type Store interface {
	// CreateService adds a service without operations. It returns ErrConflict where its name, or its host and path
	// prefix, are another's.
	CreateService(ctx context.Context, s Service, ev audit.Event) error
	// Service returns the service of that name with its operations, or ErrNotFound.
	Service(ctx context.Context, name string) (Entry, error)
	// Services lists services whose names sort after the given one, in that order.
	Services(ctx context.Context, after string, limit int) ([]Service, error)
	// Catalog returns everything, as of one moment.
	Catalog(ctx context.Context) ([]Entry, error)
	// UpdateService writes the service if its version is still s.Version, and raises that; else it returns ErrStale,
	// ErrNotFound, or ErrConflict. The service is suspended no more, whatever s says.
	UpdateService(ctx context.Context, s Service, ev audit.Event) error
	// DeleteService removes a service and its operations; its ID is not used again. It returns ErrNotFound.
	DeleteService(ctx context.Context, id uuid.UUID, ev audit.Event) error
	// ReplaceOperations replaces all operations of a service if its version is still the given one, and raises that;
	// else it returns ErrStale or ErrNotFound. The service is suspended no more.
	ReplaceOperations(ctx context.Context, id uuid.UUID, version int64, ops []policy.Operation, ev audit.Event) error
}

// Users finds users by name and names by user.
type Users interface {
	// UserID returns the ID of the living user of that name or ID, or ErrNotFound.
	UserID(ctx context.Context, idOrName string) (uuid.UUID, error)
	// Names returns the names of those of the users that live.
	Names(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
}

// Projects finds projects by number.
type Projects interface {
	// ProjectID returns the ID of the living project of a number, or ErrNotFound.
	ProjectID(ctx context.Context, number int) (uuid.UUID, error)
}

// Config is what a Catalog needs. Every field is required but Profiles and Own.
type Config struct {
	Store    Store
	Users    Users
	Projects Projects
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	Now     func() time.Time

	// Profiles are the names that a service's profile may have; none may where there are none.
	Profiles []string
	// Own returns the addresses of Jeton's listeners, each of one machine and not of all: no service's upstream may be one of them.
	// It may be nil.
	Own func() []netip.AddrPort
}

// Catalog manages services. It is safe for concurrent use. Make one with New; it holds no policy until Reload.
type Catalog struct {
	cfg      Config
	compiled atomic.Pointer[policy.Table]
	routes   atomic.Pointer[map[uuid.UUID]Routed]
	services atomic.Pointer[[]policy.Service]
}

// New returns a Catalog, or an error where the configuration lacks something.
func New(cfg Config) (*Catalog, error) {
	if cfg.Store == nil || cfg.Users == nil || cfg.Projects == nil || cfg.Applied == nil || cfg.Now == nil {
		return nil, errors.New("catalog: Store, Users, Projects, Applied and Now are required")
	}
	c := &Catalog{cfg: cfg}
	c.compiled.Store(&policy.Table{})
	c.routes.Store(&map[uuid.UUID]Routed{})
	c.services.Store(&[]policy.Service{})
	return c, nil
}

// Profiles returns the names that a service's profile may have. It must not be changed.
func (c *Catalog) Profiles() []string { return c.cfg.Profiles }

// Policy returns the policy in force. It never blocks.
func (c *Catalog) Policy() *policy.Table { return c.compiled.Load() }

// Services returns what the policy in force, or the one after it, was compiled from. It must not be changed. It never blocks.
func (c *Catalog) Services() []policy.Service { return *c.services.Load() }

// Routed is a route, and what else whoever takes it must know of its service.
type Routed struct {
	Route

	Host    string // in lower case
	Address string // host and path prefix
	Project bool   // sealed tokens come in its queries
}

// Route returns that of the service of an ID, as of the newest policy or the one before. It never blocks.
func (c *Catalog) Route(service uuid.UUID) (Routed, bool) {
	r, ok := (*c.routes.Load())[service]
	return r, ok
}

// Reload compiles what the database holds now. On an error the former policy stays in force.
func (c *Catalog) Reload(ctx context.Context) error {
	entries, err := c.cfg.Store.Catalog(ctx)
	if err != nil {
		return fmt.Errorf("reading the catalog: %w", err)
	}
	services, routes := make([]policy.Service, len(entries)), make(map[uuid.UUID]Routed, len(entries))
	for i, e := range entries {
		services[i] = e.compilable(e.Operations)
	}
	table, err := policy.Compile(services)
	if err != nil {
		return fmt.Errorf("compiling the catalog: %w", err)
	}
	for _, e := range entries {
		compiled, _ := table.Named(e.Name) // each was compiled
		routes[e.ID] = Routed{e.Route, e.Host, compiled.Address(), e.Project != uuid.Nil}
	}
	c.routes.Store(&routes) // first: a service that a call finds has its route
	c.services.Store(&services)
	c.compiled.Store(table)
	return nil
}

// compilable returns what the policy knows of a service.
func (s *Service) compilable(ops []policy.Operation) policy.Service {
	return policy.Service{
		ID: s.ID, Name: s.Name, Host: s.Host, PathPrefix: s.PathPrefix,
		Default: s.Default, AllowInPath: s.AllowInPath, AcceptAPITokens: s.AcceptAPITokens, Suspended: s.Suspended,
		Verifiers: s.Verifiers, Project: s.Project, Profile: s.Profile, Calls: s.Rate.Calls, Per: s.Rate.Per, Operations: ops,
	}
}

// Draft is what a service is made of, in people's words.
type Draft struct {
	Name        string
	Host        string
	PathPrefix  string         // "/" where empty
	Default     policy.Default // policy.DefaultDeny where empty
	AllowInPath string
	Verifiers   []string // names or IDs of users
	// AcceptAPITokens is that of Service.
	AcceptAPITokens bool
	Project         int // the number of a project; 0 for none
	Route
	Rate authority.Rate // the zero Rate for any number of calls
}

// DraftOf returns the draft that would change nothing. Verifiers stand in it by ID; those who were deleted don't, for a
// draft that names them would be refused.
func (c *Catalog) DraftOf(ctx context.Context, s Service) (Draft, error) {
	names, err := c.cfg.Users.Names(ctx, s.Verifiers)
	d := Draft{
		Name: s.Name, Host: s.Host, PathPrefix: s.PathPrefix, Default: s.Default, AllowInPath: s.AllowInPath,
		AcceptAPITokens: s.AcceptAPITokens, Project: s.ProjectNumber, Route: s.Route, Rate: s.Rate,
	}
	for _, id := range s.Verifiers {
		if _, lives := names[id]; lives {
			d.Verifiers = append(d.Verifiers, id.String())
		}
	}
	return d, err
}

// Create makes a service without operations. Errors are a *authority.FieldError, ErrConflict or a store's.
func (c *Catalog) Create(ctx context.Context, d Draft, actor audit.Actor) (Service, error) {
	now := c.cfg.Now().UTC().Truncate(time.Microsecond)
	s := Service{ID: uuid.Must(uuid.NewV7()), Version: 1, CreatedAt: now, UpdatedAt: now}
	if err := c.fill(ctx, &s, d); err != nil {
		return Service{}, err
	}
	ev := audit.New(audit.ServiceCreate, actor, target(s), now, s.detail()...)
	if err := c.cfg.Store.CreateService(ctx, s, ev); err != nil {
		return Service{}, fmt.Errorf("creating service: %w", err)
	}
	return s, c.cfg.Applied(ctx)
}

// Update writes the draft over the service of that name, if its version is the given one (0 for any). A suspended service is
// so no more, even where the draft changes nothing: an administrator has looked at it.
func (c *Catalog) Update(ctx context.Context, name string, version int64, d Draft, actor audit.Actor) (Service, error) {
	e, err := c.cfg.Store.Service(ctx, name)
	if err != nil {
		return Service{}, err
	}
	if version != 0 && e.Version != version {
		return Service{}, authority.ErrStale
	}
	s := e.Service
	if err := c.fill(ctx, &s, d); err != nil {
		return Service{}, err
	}
	s.UpdatedAt = c.cfg.Now().UTC().Truncate(time.Microsecond)
	ev := audit.New(audit.ServiceUpdate, actor, target(s), s.UpdatedAt, append(s.detail(), s.resumed()...)...)
	s.Suspended = false
	if err := c.cfg.Store.UpdateService(ctx, s, ev); err != nil {
		return Service{}, fmt.Errorf("updating service: %w", err)
	}
	s.Version++
	return s, c.cfg.Applied(ctx)
}

// fill checks a draft and writes it into s.
func (c *Catalog) fill(ctx context.Context, s *Service, d Draft) error {
	s.Name, s.Host, s.PathPrefix = d.Name, strings.ToLower(d.Host), d.PathPrefix
	s.Default, s.AllowInPath, s.AcceptAPITokens = d.Default, d.AllowInPath, d.AcceptAPITokens
	if s.PathPrefix == "" {
		s.PathPrefix = "/"
	}
	if s.Default == "" {
		s.Default = policy.DefaultDeny
	}
	if !validName(s.Name) {
		return &authority.FieldError{Field: "name", Problem: "is not 1 to 64 of a-z 0-9 - _ . beginning with a letter or digit", Fix: "Rename the service."}
	}
	if err := s.compilable(nil).Validate(); err != nil {
		return fieldErrorOf(err)
	}
	s.Host = withoutDot(s.Host)
	if err := c.setRoute(s, d); err != nil {
		return err
	}
	if err := c.setProject(ctx, s, d.Project); err != nil {
		return err
	}
	return c.setVerifiers(ctx, s, d.Verifiers)
}

// setProject writes the project of a number into s. It is kept by ID: a project that is made anew under the number inherits nothing.
func (c *Catalog) setProject(ctx context.Context, s *Service, number int) error {
	s.Project, s.ProjectNumber = uuid.Nil, 0
	if number == 0 {
		return nil
	}
	id, err := c.cfg.Projects.ProjectID(ctx, number)
	if errors.Is(err, authority.ErrNotFound) {
		return &authority.FieldError{Field: "project", Problem: "is no project", Fix: "Make the project first."}
	}
	if err != nil {
		return err
	}
	s.Project, s.ProjectNumber = id, number
	return nil
}

// setVerifiers writes the users of names or IDs into s.
func (c *Catalog) setVerifiers(ctx context.Context, s *Service, names []string) error {
	s.Verifiers = make([]uuid.UUID, 0, len(names))
	for i, name := range names {
		id, err := c.cfg.Users.UserID(ctx, name)
		if errors.Is(err, authority.ErrNotFound) {
			return &authority.FieldError{Field: "verifiers[" + strconv.Itoa(i) + "]", Problem: "is no user", Fix: "Make the user first."}
		}
		if err != nil {
			return err
		}
		s.Verifiers = append(s.Verifiers, id)
	}
	slices.SortFunc(s.Verifiers, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	s.Verifiers = slices.Compact(s.Verifiers)
	return nil
}

// withoutDot returns a good host without the dot that may stand at the end of its name, as the policy compares hosts. By
// two spellings, two services could claim one place: the store would not see it, and the policy would refuse to compile
// them and with them all others.
func withoutDot(host string) string {
	name, port := host, ""
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		name, port = host[:colon], host[colon:]
	}
	return strings.TrimSuffix(name, ".") + port
}

// validName reports whether a service may have this name, which stands in URLs and headers.
func validName(name string) bool {
	ok := name != "" && len(name) <= 64 && name[0] != '-' && name[0] != '_' && name[0] != '.'
	return ok && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	})
}

// detail is what the audit log tells of a service. Verifiers are told by ID: a name can be another's later.
func (s *Service) detail() []string {
	verifiers := make([]string, len(s.Verifiers))
	for i, id := range s.Verifiers {
		verifiers[i] = id.String()
	}
	return []string{
		"host", s.Host, "path_prefix", s.PathPrefix, "default", string(s.Default), "allow_in_path", s.AllowInPath,
		"verifiers", strings.Join(verifiers, ","), "accept_api_tokens", strconv.FormatBool(s.AcceptAPITokens),
		"project", projectText(s.ProjectNumber), "upstream", s.Upstream, "profile", s.Profile,
		"forward_query_tokens", strconv.FormatBool(s.ForwardQueryTokens), "identity_token", strconv.FormatBool(s.IdentityToken),
		"rate_limit", rateText(s.Rate),
	}
}

// projectText is a project's number, or nothing where there is none.
func projectText(number int) string {
	if number == 0 {
		return ""
	}
	return strconv.Itoa(number)
}

// resumed is what the audit log tells of the change of a suspended service, beside what is changed: who has let callers in
// again.
func (s *Service) resumed() []string {
	if !s.Suspended {
		return nil
	}
	return []string{"suspended", "false"}
}

func target(s Service) audit.Target { return audit.Target{Kind: "service", ID: s.ID, Name: s.Name} }

// Service returns the service of that name with its operations, or ErrNotFound.
func (c *Catalog) Service(ctx context.Context, name string) (Entry, error) {
	return c.cfg.Store.Service(ctx, name)
}

// List returns services in the order of their names, from the one after the given name.
func (c *Catalog) List(ctx context.Context, after string, limit int) ([]Service, error) {
	return c.cfg.Store.Services(ctx, after, limit)
}

// Delete removes a service: calls to it are refused from then on. It returns ErrNotFound.
func (c *Catalog) Delete(ctx context.Context, name string, actor audit.Actor) error {
	e, err := c.cfg.Store.Service(ctx, name)
	if err != nil {
		return err
	}
	ev := audit.New(audit.ServiceDelete, actor, target(e.Service), c.cfg.Now())
	if err := c.cfg.Store.DeleteService(ctx, e.ID, ev); err != nil {
		return fmt.Errorf("deleting service: %w", err)
	}
	return c.cfg.Applied(ctx)
}

// Verifies reports whether a user may ask about the service that answers for a host and path: administrators may ask
// about every one.
func (c *Catalog) Verifies(user *authority.Principal, host, path string) bool {
	if user.Admin() {
		return true
	}
	table := c.Policy()
	service, ok := table.Find(host, path)
	return ok && slices.Contains(table.VerifiedBy(user.ID), service)
}
