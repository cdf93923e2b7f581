package authority

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Outcome is what an edge does about a decision.
type Outcome uint8

// The outcomes, with the status of HTTP that says the same.
const (
	OutcomeAllow           Outcome = iota // 200
	OutcomeMalformed                      // 400
	OutcomeUnauthenticated                // 401
	OutcomeForbidden                      // 403
	OutcomeTooMany                        // 429
	OutcomeUnavailable                    // 503
	outcomeCount
)

// String returns the outcome's name, as it stands in metrics and logs.
func (o Outcome) String() string {
	names := [outcomeCount]string{"allow", "malformed", "unauthenticated", "forbidden", "too_many", "unavailable"}
	if o >= outcomeCount {
		return "unknown"
	}
	return names[o]
}

// Reason says why a call was refused. It is for operators: a caller learns the outcome alone, so that unknown, wrong,
// expired, revoked and blocked look alike from outside.
type Reason string

// The reasons. They are part of the API (in events and in answers to /v1/verify): new ones come, none is renamed.
const (
	ReasonNoCredential      Reason = "no_credential"       // nothing was presented
	ReasonTwoCredentials    Reason = "two_credentials"     // two explicit credentials at once
	ReasonTooLong           Reason = "too_long"            // longer than any credential is
	ReasonUnknownScheme     Reason = "unknown_scheme"      // an authentication scheme that Jeton doesn't speak
	ReasonMalformed         Reason = "malformed"           // not the form of its scheme or kind
	ReasonUnrecognized      Reason = "unrecognized"        // a bearer token of no known kind
	ReasonNotAcceptedHere   Reason = "not_accepted_here"   // a kind that this door does not take
	ReasonBadChecksum       Reason = "bad_checksum"        // mistyped or cut: no look-up was made
	ReasonUnknown           Reason = "unknown"             // well-formed, never issued or long forgotten
	ReasonSuperseded        Reason = "superseded"          // the last token before a rotation or revocation
	ReasonWrongPassword     Reason = "wrong_password"      // the user has another password
	ReasonUnknownTicket     Reason = "unknown_ticket"      // the second step of a log-in whose first nobody took here
	ReasonUserChanged       Reason = "user_changed"        // the user has changed since the first step of a log-in
	ReasonWrongCode         Reason = "wrong_code"          // a second factor's code that isn't the user's
	ReasonUsedCode          Reason = "used_code"           // a second factor's code that was right, once
	ReasonWrongPasskey      Reason = "wrong_passkey"       // an answer by none of the user's passkeys, or to another question
	ReasonClonedPasskey     Reason = "cloned_passkey"      // an answer by a passkey of which somebody has a copy
	ReasonUnknownUser       Reason = "unknown_user"        // no user of that name, or one without a password
	ReasonExpired           Reason = "expired"             // its end has come
	ReasonEnded             Reason = "ended"               // a session that was logged out, or a session or link that a change of its user or platform ended
	ReasonDisabled          Reason = "disabled"            // an administrator has disabled the token, or the platform
	ReasonDeleted           Reason = "deleted"             // the token was deleted, or the platform
	ReasonRevoked           Reason = "revoked"             // taken back by who had it, or by an administrator
	ReasonUnknownPlatform   Reason = "unknown_platform"    // an assertion of a platform that isn't enrolled
	ReasonNotSpokenFor      Reason = "not_spoken_for"      // an assertion about a user for whom its platform may not speak
	ReasonUnknownProject    Reason = "unknown_project"     // sealed tokens for a project that there isn't
	ReasonBadSeal           Reason = "bad_seal"            // a sealed token that no active token set of its project opens
	ReasonWrongFields       Reason = "wrong_fields"        // a sealed token that lacks a field, or has one that can't be
	ReasonWrongContext      Reason = "wrong_context"       // a sealed token of another security context than its project's, or the call's
	ReasonWrongAppKey       Reason = "wrong_app_key"       // a sealed token with none of its project's app keys
	ReasonReplayed          Reason = "replayed"            // good for one use, which it had
	ReasonUnknownKey        Reason = "unknown_key"         // a signed token that names no key of ours
	ReasonRevokedKey        Reason = "revoked_key"         // a signed token whose key was revoked
	ReasonWrongAlgorithm    Reason = "wrong_algorithm"     // a signed token whose algorithm is not its key's
	ReasonBadSignature      Reason = "bad_signature"       // a signed token that was made by somebody else, or changed
	ReasonWrongType         Reason = "wrong_type"          // a signed token of another kind than its key or its door is for
	ReasonWrongIssuer       Reason = "wrong_issuer"        // a signed token that another has issued
	ReasonWrongAudience     Reason = "wrong_audience"      // a signed token that is meant for others
	ReasonWrongClaims       Reason = "wrong_claims"        // a signed token that lacks a claim, or has one that can't be
	ReasonNotYet            Reason = "not_yet"             // a signed token whose time is still to come
	ReasonExchangeFirst     Reason = "exchange_first"      // an API token where an access token belongs
	ReasonBlocked           Reason = "blocked"             // the user is blocked
	ReasonSuspended         Reason = "suspended"           // the user is suspended since the database was restored
	ReasonUserDeleted       Reason = "user_deleted"        // the user was deleted
	ReasonUnknownService    Reason = "unknown_service"     // no service has this host and path prefix
	ReasonServiceSuspended  Reason = "service_suspended"   // nobody has looked at the service since the database was restored
	ReasonAmbiguousPath     Reason = "ambiguous_path"      // proxy and API might read the path differently
	ReasonNoOperation       Reason = "no_operation"        // no operation matches, and the service denies by default
	ReasonNotInAudience     Reason = "not_in_audience"     // the operation is not meant for this user
	ReasonInsufficientScope Reason = "insufficient_scope"  // the token is narrowed to other operations
	ReasonAddressNotAllowed Reason = "address_not_allowed" // the token doesn't count from there
	ReasonUntrustedPeer     Reason = "untrusted_peer"      // a proxy that is not named as trusted asked
	ReasonUnreadableCall    Reason = "unreadable_call"     // the proxy doesn't say which call it asks about, or its query holds a space or a control character
	ReasonCrossOrigin       Reason = "cross_origin"        // a browser sent it on behalf of a page from elsewhere
	ReasonNotAllowed        Reason = "not_allowed"         // the credential has no such power over Jeton itself
	ReasonNotRecent         Reason = "not_recent"          // a browser's session that began too long ago for a change
	ReasonNotVerifier       Reason = "not_verifier"        // asked about calls to a service that is none of its own
	ReasonRateLimited       Reason = "rate_limited"        // the token is used more often than it may be
	ReasonThrottled         Reason = "throttled"           // too many wrong passwords or codes, for this user or from this address
	ReasonBusy              Reason = "busy"                // too many passwords are being checked
	ReasonUnavailable       Reason = "unavailable"         // the database, or where somebody publishes keys, could not be asked

	ReasonServiceRateLimited Reason = "service_rate_limited" // the service is called more often than it may be, by all its callers together
)

// Reasons returns all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonNoCredential, ReasonTwoCredentials, ReasonTooLong, ReasonUnknownScheme, ReasonMalformed, ReasonUnrecognized,
		ReasonNotAcceptedHere, ReasonBadChecksum, ReasonUnknown, ReasonSuperseded, ReasonWrongPassword, ReasonUnknownTicket, ReasonUserChanged,
		ReasonWrongCode, ReasonUsedCode, ReasonWrongPasskey, ReasonClonedPasskey, ReasonUnknownUser,
		ReasonExpired, ReasonEnded, ReasonDisabled, ReasonDeleted, ReasonRevoked, ReasonUnknownPlatform, ReasonNotSpokenFor, ReasonUnknownProject,
		ReasonBadSeal, ReasonWrongFields, ReasonWrongContext, ReasonWrongAppKey, ReasonReplayed, ReasonUnknownKey,
		ReasonRevokedKey, ReasonWrongAlgorithm, ReasonBadSignature, ReasonWrongType, ReasonWrongIssuer, ReasonWrongAudience,
		ReasonWrongClaims, ReasonNotYet, ReasonExchangeFirst, ReasonBlocked, ReasonSuspended, ReasonUserDeleted, ReasonUnknownService,
		ReasonServiceSuspended, ReasonAmbiguousPath, ReasonNoOperation, ReasonNotInAudience, ReasonInsufficientScope, ReasonAddressNotAllowed,
		ReasonUntrustedPeer, ReasonUnreadableCall, ReasonCrossOrigin, ReasonNotAllowed, ReasonNotRecent, ReasonNotVerifier, ReasonRateLimited,
		ReasonThrottled, ReasonBusy, ReasonUnavailable, ReasonServiceRateLimited,
	}
}

// Outcome returns what the reason comes to for the caller.
func (r Reason) Outcome() Outcome {
	switch r {
	case ReasonTwoCredentials, ReasonTooLong, ReasonUnreadableCall:
		return OutcomeMalformed
	case ReasonUnknownService, ReasonServiceSuspended, ReasonAmbiguousPath, ReasonNoOperation, ReasonNotInAudience, ReasonInsufficientScope,
		ReasonUntrustedPeer, ReasonCrossOrigin, ReasonNotAllowed, ReasonNotRecent, ReasonNotVerifier:
		return OutcomeForbidden
	case ReasonThrottled, ReasonRateLimited, ReasonServiceRateLimited:
		return OutcomeTooMany
	case ReasonBusy, ReasonUnavailable:
		return OutcomeUnavailable
	default:
		return OutcomeUnauthenticated
	}
}

// Refusal is the error of a call that is not let in.
type Refusal struct {
	Reason Reason
	ID     uuid.UUID // the credential's record, where it is known
	UserID uuid.UUID // its user, where it is known
	Cause  error     // what failed, where the reason is "unavailable": for the operator's log
	// RetryAfter is how long to wait before the same may be asked again with success; 0 where there is no telling.
	RetryAfter time.Duration
}

// Error implements error. It names the reason, which is not for callers.
func (r *Refusal) Error() string {
	if r.Cause != nil {
		return "refused: " + string(r.Reason) + ": " + r.Cause.Error()
	}
	return "refused: " + string(r.Reason)
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// Faults of the parts around the authority. Whoever is their cause, the call doesn't pass.
var (
	errNilRefusal = errors.New("a way in returned a nil refusal")
	errWrongUser  = errors.New("another user was loaded than the one asked for")
)

// refusalOf turns what a way in or a store returned into a refusal: what is not known to be a refusal means that
// the question could not be answered, and then nothing passes.
func refusalOf(err error) *Refusal {
	if ref, ok := errors.AsType[*Refusal](err); ok {
		if ref == nil { // an interface around a nil pointer: an error, and no leave to pass
			return &Refusal{Reason: ReasonUnavailable, Cause: errNilRefusal}
		}
		return ref
	}
	if errors.Is(err, ErrBusy) {
		return &Refusal{Reason: ReasonBusy, Cause: err}
	}
	if errors.Is(err, context.Canceled) {
		return &Refusal{Reason: ReasonUnavailable} // the caller has gone: no fault of anyone's
	}
	return &Refusal{Reason: ReasonUnavailable, Cause: err}
}
