// Package audit says what happened, to what, by whom.
//
// There are two sorts of event. A change (a user made, a token rotated) is written in the transaction of the change
// itself: there is no change without its event and no event without its change. A refusal (a call not let in) is
// merged in memory with others of its sort and written each second: see [Refusals].
//
// An event names records by their IDs and people by their names at that time. It never holds a secret. Of what a caller
// sent it holds names that passed the rules of the house, an address, and the method, host and path of a refused call,
// without what looks like a secret in it; whoever shows an event treats these as text of a stranger.
package audit

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Action is what happened, as noun.verb in lower case. Actions are part of the API: new ones come, none is renamed.
type Action string

// The actions.
const (
	Refused             Action = "refused"               // calls that were not let in: alike ones of a minute are one row
	UserCreate          Action = "user.create"           // a user was made
	UserUpdate          Action = "user.update"           // names, roles or state of a user were changed
	UserDelete          Action = "user.delete"           // a user was deleted, with its credentials
	UserPassword        Action = "user.password"         // changed by its owner
	UserPasswordReset   Action = "user.password_reset"   // set by an administrator
	PersonalTokenRotate Action = "personal_token.rotate" // a user made a personal token in place of any former
	PersonalTokenRevoke Action = "personal_token.revoke" // a user ended its personal token
	APITokenCreate      Action = "api_token.create"      // an administrator made an API token for a user
	APITokenUpdate      Action = "api_token.update"      // name, limits or state of an API token were changed
	APITokenDelete      Action = "api_token.delete"      // an API token was deleted, for good
	AccessTokenRevoke   Action = "access_token.revoke"   // an access token was taken back before its end
	ClientSecretCreate  Action = "client_secret.create"  // a service account was given a secret as a client
	ClientSecretDelete  Action = "client_secret.delete"  // a client's secret was deleted
	ClientKeyCreate     Action = "client_key.create"     // a service account was given a key as a client
	ClientKeyDelete     Action = "client_key.delete"     // a client's key was deleted
	LinkCreate          Action = "link.create"           // a user was given a link: an invitation, or one that logs in
	LinkUse             Action = "link.use"              // a link was used: a password was chosen by it, or its user logged in
	SessionBegin        Action = "session.begin"         // a person logged in to the console, or was given a new session there
	SessionEnd          Action = "session.end"           // a person logged out
	SessionTokenCreate  Action = "session_token.create"  // a program logged in with a user's password, or a platform logged a user in
	SessionTokenEnd     Action = "session_token.end"     // a session token was ended by its bearer, its owner or an administrator
	SessionsEnd         Action = "session.end_all"       // all sessions of a user were ended, by its owner or an administrator
	AuthenticatorAdd    Action = "authenticator.add"     // a user has set up an authenticator app as second factor
	AuthenticatorRemove Action = "authenticator.remove"  // a user did away with its authenticator app
	PasskeyAdd          Action = "passkey.add"           // a user was given a passkey as second factor
	PasskeyRemove       Action = "passkey.remove"        // a user did away with a passkey
	RecoveryCodesRenew  Action = "recovery_codes.renew"  // a user was given recovery codes in place of all former ones
	RecoveryCodeUse     Action = "recovery_code.use"     // somebody logged in by one of a user's recovery codes
	SecondFactorRemove  Action = "second_factor.remove"  // an administrator took away a user's second factor, whole
	PlatformCreate      Action = "platform.create"       // a platform was enrolled
	PlatformUpdate      Action = "platform.update"       // a platform was changed, enabled or disabled
	PlatformDelete      Action = "platform.delete"       // a platform was deleted, with its keys
	PlatformKeyCreate   Action = "platform_key.create"   // a platform was given a key
	PlatformKeyDelete   Action = "platform_key.delete"   // a platform's key was deleted
	ProjectCreate       Action = "project.create"        // a project was made, with its service account
	ProjectUpdate       Action = "project.update"        // a project was changed
	ProjectDelete       Action = "project.delete"        // a project was deleted, with its token sets and its service account
	TokenSetCreate      Action = "token_set.create"      // a project was given a token set
	TokenSetUpdate      Action = "token_set.update"      // a token set was changed, turned on or off
	TokenSetDelete      Action = "token_set.delete"      // a token set was deleted, with its key
	TokenSetEncrypt     Action = "token_set.encrypt"     // an administrator sealed a text by a token set
	TokenSetDecrypt     Action = "token_set.decrypt"     // an administrator opened a token by a token set
	ServiceCreate       Action = "service.create"        // a service was made
	ServiceUpdate       Action = "service.update"        // a service was changed
	ServiceDelete       Action = "service.delete"        // a service was deleted, with its operations
	OperationsReplace   Action = "operations.replace"    // the operations of a service were replaced
	PepperCreate        Action = "pepper.create"         // a pepper was made
	SigningKeyCreate    Action = "signing_key.create"    // the first signing key of its purpose was made
	SigningKeyRotate    Action = "signing_key.rotate"    // a signing key was made in place of another, which only verifies now
	SigningKeyRevoke    Action = "signing_key.revoke"    // a signing key was revoked, and another made in its place if it was active
	StoreRestore        Action = "store.restore"         // the database was put back as it had been, and what had been taken away since, taken away again
	RefusalsOverflow    Action = "refused.overflow"      // refusals counted but not kept apart: the buffer was full
)

// Actions returns all actions.
func Actions() []Action {
	return []Action{
		Refused, UserCreate, UserUpdate, UserDelete, UserPassword, UserPasswordReset,
		PersonalTokenRotate, PersonalTokenRevoke, APITokenCreate, APITokenUpdate, APITokenDelete, AccessTokenRevoke,
		ClientSecretCreate, ClientSecretDelete, ClientKeyCreate, ClientKeyDelete, LinkCreate, LinkUse, SessionBegin, SessionEnd,
		SessionTokenCreate, SessionTokenEnd, SessionsEnd, AuthenticatorAdd, AuthenticatorRemove, PasskeyAdd, PasskeyRemove,
		RecoveryCodesRenew, RecoveryCodeUse, SecondFactorRemove, PlatformCreate, PlatformUpdate, PlatformDelete, PlatformKeyCreate, PlatformKeyDelete,
		ProjectCreate, ProjectUpdate, ProjectDelete, TokenSetCreate, TokenSetUpdate, TokenSetDelete, TokenSetEncrypt, TokenSetDecrypt,
		ServiceCreate, ServiceUpdate, ServiceDelete, OperationsReplace, PepperCreate,
		SigningKeyCreate, SigningKeyRotate, SigningKeyRevoke, StoreRestore, RefusalsOverflow,
	}
}

// Ends reports whether the record that the event's row of the change feed names is gone for good with it, so that a backup
// made before must not bring it back. That of an access token names what it was got for, which stays, and that of a token set its
// project, which stays, too: the set has a row besides.
func (a Action) Ends() bool {
	switch a {
	case UserDelete, APITokenDelete, ClientSecretDelete, ClientKeyDelete, SessionEnd, SessionTokenEnd,
		PlatformDelete, PlatformKeyDelete, ProjectDelete, ServiceDelete, SigningKeyRevoke:
		return true
	default:
		return false
	}
}

// maxDetailLength bounds one value of an event's detail, in bytes.
const maxDetailLength = 512

// Actor is who did it. The zero Actor is Jeton itself.
type Actor struct {
	UserID         uuid.UUID
	Username       string // as it was at that time
	CredentialKind string // how the actor had proved who it was
	CredentialID   uuid.UUID
	Address        string // the client's address, without port
	// AsOf is the revision of the change feed as of which the actor was known to be who it is; it is not stored. A store
	// refuses a change whose actor, or the credential by which it came, has changed since; of Jeton itself it asks nothing.
	AsOf int64
}

// Dated reports whether it is known as of when the actor was who it is: of a user always, and of an application that acts by itself
// where that says so.
func (a *Actor) Dated() bool { return a.UserID != uuid.Nil || a.AsOf != 0 }

// Target is the record to which it happened.
type Target struct {
	Kind string // "user", "personal_token", "service", …
	ID   uuid.UUID
	Name string
}

// Event is one row of the audit log.
type Event struct {
	// Seq orders events as they were written; it is the cursor of a listing and is given by the store.
	Seq    int64
	ID     uuid.UUID
	At     time.Time
	Action Action
	Actor  Actor
	Target Target
	// Reason says why a call was refused: one of the authority's reasons.
	Reason string
	// Door is where a refused call knocked, as "gateway" or "v1": one of the authority's doors.
	Door string
	// Count is how many alike a merged refusal stands for, and LastAt when the last of them came.
	Count  int64
	LastAt time.Time
	// MergeKey is the same for refusals that are one row of the log, and empty for changes.
	MergeKey string
	// Detail is what changed, by the name of the field: never a secret.
	Detail map[string]string
}

// New returns the event of a change made by actor at the given time. The detail is pairs of name and value; an empty
// value tells of a field that was emptied, and one above 512 bytes is cut, so that a long list can't swell the log.
func New(action Action, actor Actor, target Target, at time.Time, detail ...string) Event {
	e := Event{ID: uuid.Must(uuid.NewV7()), At: at.UTC().Truncate(time.Microsecond), Action: action, Actor: actor, Target: target, Count: 1}
	for i := 0; i+1 < len(detail); i += 2 {
		e.tell(detail[i], detail[i+1])
	}
	return e
}

// Differences returns the pairs of a detail, as New takes it, whose values were others before. Both tell of the same names, in the same
// order.
func Differences(before, after []string) (changed []string) {
	for i := 0; i+1 < len(after); i += 2 {
		if before[i+1] != after[i+1] {
			changed = append(changed, after[i], after[i+1])
		}
	}
	return changed
}

// tell adds to the detail. What isn't UTF-8 is made so: a caller may have written it.
func (e *Event) tell(name, value string) {
	if e.Detail == nil {
		e.Detail = make(map[string]string)
	}
	e.Detail[name] = clip(strings.ToValidUTF8(value, "\uFFFD"))
}

// clip cuts a value that is above its bound before the character that stands across it, and shows that by an ellipsis.
func clip(value string) string {
	if len(value) <= maxDetailLength {
		return value
	}
	const cut = "…"
	end := maxDetailLength - len(cut)
	for end > 0 && !utf8.RuneStart(value[end]) {
		end--
	}
	return value[:end] + cut
}

// Query selects events, newest first. Zero fields select everything.
type Query struct {
	Before int64     // only events with a smaller Seq: the cursor
	After  int64     // only events with a larger Seq
	Limit  int       // at most so many
	Action Action    // exactly this action
	Reason string    // exactly this reason
	Actor  uuid.UUID // done by this user, or refused for this user
	Target uuid.UUID // done to this record
	Since  time.Time // at this time or later
	Until  time.Time // before this time
}

// Count is how much of one kind happened in an hour.
type Count struct {
	Hour   int // after the time since which is counted
	Action Action
	Reason string
	Events int64
	Times  int64 // of calls, of which an event of refusals has several
}

// Store keeps the audit log. The events of changes come to it with the changes themselves.
type Store interface {
	// Events returns events, newest first.
	Events(ctx context.Context, q Query) ([]Event, error)
	// CountEvents counts the newest events, so many at most, as far as they are of a time or later, by the hour after that time. Back is
	// the time of the oldest that was counted where that many were, and zero where there are no more.
	CountEvents(ctx context.Context, since time.Time, most int) (counts []Count, back time.Time, err error)
	// AppendRefusals adds refusals. One whose MergeKey is in the log already adds its count to that row and moves its
	// LastAt on; the row keeps its Seq.
	AppendRefusals(ctx context.Context, events []Event) error
	// PruneEvents deletes the events before a time and returns how many they were.
	PruneEvents(ctx context.Context, before time.Time) (int64, error)
}
