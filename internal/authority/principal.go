package authority

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// AdminRole is the one role that means anything to Jeton: its bearers administer it.
const AdminRole = "admin"

// User is what the authority knows of a user.
type User struct {
	ID          uuid.UUID
	Username    string
	DisplayName string   // may be empty
	Email       string   // may be empty
	Roles       []string // sorted; must not be changed
	Active      bool     // not blocked, not suspended, not deleted
	Suspended   bool     // not active since the database was restored
}

// Admin reports whether the user administers Jeton.
func (u *User) Admin() bool { return slices.Contains(u.Roles, AdminRole) }

// Shut returns why nobody is let in as the user, or nothing: ReasonSuspended or ReasonBlocked.
func (u *User) Shut() Reason {
	switch {
	case u.Suspended:
		return ReasonSuspended
	case !u.Active:
		return ReasonBlocked
	}
	return ""
}

// Proof is what a way in has established from one credential.
type Proof struct {
	ID     uuid.UUID // of the credential's record
	UserID uuid.UUID // whose it is
	// User is the user as the very statement found it that found the record; nil where the heart is to load it. Only the heart
	// judges it.
	User     *User
	NotAfter time.Time // when it ends: dead when now ≥ NotAfter; zero for never
	Limits   *Limits   // nil where it is good for all that its user may
	// Remember says that the proof may be kept in memory: whatever would make it untrue enters the change feed under
	// its ID or its user's.
	Remember bool
}

// Principal is a living user behind a proof.
type Principal struct {
	User
	CredentialKind Kind
	CredentialID   uuid.UUID
	Limits         *Limits // nil where the credential is good for all that the user may
}

// Quota is what a bound on calls leaves, after the call that it is told with. The zero Quota is of no bound.
type Quota struct {
	Limit     int // so many calls in a Window, of which all may come at once
	Window    time.Duration
	Remaining int           // so many may come at once now
	Reset     time.Duration // until one more than that may
}

// Quotas are those of one call: of its credential, and of the service that was called, which all callers share.
type Quotas struct{ Credential, Service Quota }

// Decision is the answer about one call.
type Decision struct {
	Outcome   Outcome
	Reason    Reason    // empty where the call may pass
	Kind      Kind      // of the credential presented, KindNone where there was none
	Principal Principal // only where the call may pass
	Refusal   *Refusal  // only where it may not: for the edge's log
	Service   string    // the service's name, where one was found
	ServiceID uuid.UUID
	// Quotas are what is left to whose call may pass, and to whoever has to wait. To nobody else it is told: of a credential that
	// is refused, nobody is to learn that it has limits.
	Quotas Quotas
}

// Allowed reports whether the call may pass.
func (d *Decision) Allowed() bool { return d.Outcome == OutcomeAllow }
