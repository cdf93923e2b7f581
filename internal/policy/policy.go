// Package policy decides which calls of a protected API a subject may make.
//
// An administrator describes a service: its host, its path prefix and its
// operations, each a pattern in the syntax of http.ServeMux and an audience.
// [Compile] turns all services into a [Table], which answers two questions for
// each call: whose policy applies ([Table.Find]), and what it says
// ([CompiledService.Authorize]). The one operation whose pattern is the most
// specific decides alone; [Service.Default] counts only where none matches.
//
// The matcher is written anew, although net/http has one, because this package
// stands on the hot path of every call and in the Go middleware: it takes no
// lock, allocates nothing for a path without percent-escapes (and without the
// parameters and empty segments that a service may allow), and never answers by
// redirecting. A path that ServeMux would first clean, or send on with a slash
// added, gets no such help here. A fuzz test compares all other answers with
// those of ServeMux itself.
//
// What is refused, and why:
//   - A path that two programs may read differently ([CheckPath]), because the
//     API behind Jeton must not see another operation than the one that was
//     authorised.
//   - Two patterns that both match some call without one being more specific
//     ([ConflictError]), because chance would then choose the audience.
//   - A pattern that no admissible path can match ([InvalidError]), because its
//     author believes that it protects something.
//   - A subject without an ID, and an audience without members: nobody is in it.
//
// The package does not defend an API that ignores the case of paths or a slash
// at their end: /Admin and /admin/ are not /admin here. Such a service should
// keep the default deny, under which what no operation describes stays shut.
package policy

import (
	"time"

	"github.com/google/uuid"
)

// Subject is the living user who makes a call. The zero Subject is nobody, and
// no policy admits it.
type Subject struct {
	UserID uuid.UUID
	Roles  []string
}

// Operation is a set of calls that are admitted alike.
type Operation struct {
	// Pattern is "[METHOD ]/path" with the wildcards {x}, {x...} and {$}, below
	// the service's prefix and without host. GET also matches HEAD.
	Pattern string
	// Audience lists who may call the operation. Where it is empty, nobody may.
	Audience []Audience
	// Scope names the set of operations to which a token can be narrowed
	// (RFC 6749 section 3.3). It is empty for an operation outside every scope.
	// This package checks its syntax; what a token's scope permits is for the
	// caller of Authorize to compare with Verdict.Operation.
	Scope string
}

// Default says what becomes of a call that no operation matches.
type Default string

// The empty Default is DefaultDeny.
const (
	// DefaultDeny refuses the call.
	DefaultDeny Default = "deny"
	// DefaultAuthenticated admits every subject but the zero one.
	DefaultAuthenticated Default = "authenticated"
)

// Service is a protected API.
type Service struct {
	ID   uuid.UUID
	Name string
	// Host is a DNS name or an address, with a port only where calls to other
	// ports of that host are not the service's. Case and one dot at its end
	// don't count.
	Host string
	// PathPrefix is "", "/" or "/" and unreserved characters (RFC 3986), without
	// a slash at its end: "/api" covers /api and /api/x, not /apix.
	PathPrefix string
	Default    Default
	// AllowInPath lets ";", "//" or both (";//") through CheckPath.
	AllowInPath string
	// AcceptAPITokens admits an API token that wasn't exchanged for an access token. Authorize doesn't look at it: which
	// credential a subject came by is for the caller to compare.
	AcceptAPITokens bool
	// Project is that whose sealed tokens count in the service's queries; zero for none. Authorize doesn't look at it.
	Project uuid.UUID
	// Profile names the product whose clients' own paths are served on the service's host; it is empty for none. Authorize
	// doesn't look at it.
	Profile string
	// Calls bounds how many calls are let in Per period, of all callers together; 0 for any number. Authorize doesn't count.
	Calls int
	Per   time.Duration
	// Suspended shuts the service: Authorize refuses every call of it, whatever its operations and default say.
	Suspended bool
	// Verifiers are the users who may ask about the calls and tokens of the service.
	Verifiers  []uuid.UUID
	Operations []Operation
}

// Validate reports everything for which Compile would refuse s by itself: each
// fault as an InvalidError or, where there is none, the first ConflictError.
// Whether another service has the same host and prefix, only Compile can see.
func (s Service) Validate() error {
	_, err := compileService(s)
	return err
}

// Reason says why a call was refused. The set is closed, so that a reason can
// label a metric and stand in the audit log.
type Reason string

const (
	// ReasonNone stands in the verdict on an admitted call.
	ReasonNone Reason = ""
	// ReasonAmbiguousPath refuses what CheckPath refuses, and a path that means
	// another operation once its parameters and empty segments are left out.
	ReasonAmbiguousPath Reason = "ambiguous_path"
	// ReasonNoOperation refuses a call that no operation matches, where the
	// service's default is deny.
	ReasonNoOperation Reason = "no_operation"
	// ReasonServiceSuspended refuses every call of a service that is suspended.
	ReasonServiceSuspended Reason = "service_suspended"
	// ReasonNotInAudience refuses a subject for whom the operation isn't meant.
	ReasonNotInAudience Reason = "not_in_audience"
)

// Verdict is the answer to one call.
type Verdict struct {
	Allowed bool
	Reason  Reason
	// Operation is the one that decided, and nil where none matched, the path
	// was ambiguous or the service suspended. It belongs to the Table and must not be changed.
	Operation *Operation
}
