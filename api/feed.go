package api

import "time"

// The names of the events of GET /v1/feed. More may come: who hears one that it doesn't know forgets everything.
const (
	// FeedReset is first where a cursor can't be gone on from, or none was given: what is remembered counts no more.
	FeedReset = "reset"
	// FeedResumed is first where nothing is lacking between the cursor and what follows.
	FeedResumed = "resumed"
	// FeedUser is a user whose verdicts may have changed, with all its credentials.
	FeedUser = "user"
	// FeedCredential is a credential that may have ended or been narrowed, with all access tokens that were got for it.
	FeedCredential = "credential"
	// FeedPolicy says that GET /v1/policy may have another answer.
	FeedPolicy = "policy"
	// FeedKeys says that there is a new key, by which tokens will be signed. Nothing was taken away.
	FeedKeys = "keys"
	// FeedEverything has everything forgotten: a key was revoked, a platform or a project changed, a database put back.
	FeedEverything = "everything"
	// FeedHeartbeat says that all that was committed so long ago has been told.
	FeedHeartbeat = "heartbeat"
)

// FeedEvent is the data of an event of GET /v1/feed.
type FeedEvent struct {
	ID       string `json:"id,omitempty" doc:"of the user or credential"`
	Revision int64  `json:"revision" doc:"the change of the feed up to which the listener has been told"`
	// AgeSeconds, SentSeconds and Time are those of a heartbeat.
	AgeSeconds  float64   `json:"age_seconds,omitempty" doc:"how long ago the node itself has heard of everything"`
	SentSeconds float64   `json:"sent_seconds,omitempty" doc:"how long after the request came in this was sent, by a clock that isn't set: what comes late is thereby known to"`
	Time        time.Time `json:"time,omitzero" doc:"the clock of the node, by which credentials end"`
}

// Policy is what decides about the calls of services: the answer of GET /v1/policy.
type Policy struct {
	Revision int64           `json:"revision" doc:"the change of the feed as of which it is, or a later one"`
	Issuer   string          `json:"issuer" doc:"of signed tokens: their iss"`
	Services []PolicyService `json:"services" doc:"those whose verifier the caller is; for administrators all"`
	Others   []PolicyAddress `json:"others" doc:"where on the same hosts calls belong to other services"`
}

// PolicyService is a service as calls of it are decided. Users are named by ID: a name that was deleted and made anew inherits
// nothing.
type PolicyService struct {
	ID string `json:"id" format:"uuid"`
	PolicyAddress
	Name            string            `json:"name"`
	Default         string            `json:"default" enum:"deny,authenticated"`
	AllowInPath     string            `json:"allow_in_path"`
	AcceptAPITokens bool              `json:"accept_api_tokens"`
	Suspended       bool              `json:"suspended"`
	AskAlways       bool              `json:"ask_always" doc:"calls are counted, or may hold sealed tokens: Jeton is to be asked about each"`
	Operations      []PolicyOperation `json:"operations"`
}

// PolicyAddress is where a service's calls come.
type PolicyAddress struct {
	Host       string `json:"host"`
	PathPrefix string `json:"path_prefix"`
}

// PolicyOperation is an operation with its audience: user:ID, role:NAME or self:{VARIABLE}.
type PolicyOperation struct {
	Pattern  string   `json:"pattern"`
	Audience []string `json:"audience"`
	Scope    string   `json:"scope,omitempty"`
}

// Remember says how long and for what a verifier may know the credential of a verdict again without asking, as long as it hears
// the feed. It is absent where it must ask each time.
type Remember struct {
	Until   time.Time `json:"until,omitzero" doc:"when the credential ends; absent for never"`
	At      time.Time `json:"at" doc:"the clock of the node"`
	Scopes  []string  `json:"scopes,omitzero" doc:"to which it is narrowed; absent where it isn't"`
	Service string    `json:"service,omitempty" doc:"the host and path prefix of the one service for which it is; absent for all"`
}

// Refused is how a call that may not pass is answered: as the gateway would.
type Refused struct {
	Problem           Problem `json:"problem" doc:"its body, which has the status, but for the instance"`
	Challenge         string  `json:"challenge,omitempty" doc:"its WWW-Authenticate"`
	RetryAfterSeconds int     `json:"retry_after_seconds,omitempty" doc:"its Retry-After"`
}
