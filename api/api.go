// Package api holds the wire types of Jeton's native API, /v1: what programs send and receive as JSON, and the registry
// of problem codes. The server and the Go client share it.
//
// The API only grows: members and codes are added, none is renamed or given another meaning. Members that a client
// doesn't know must be ignored by it; members that the server doesn't know are refused by it. Times are RFC 3339 in UTC
// with microseconds; IDs are UUIDs (RFC 9562, version 7), but for those of signing keys. Lists are never null. A secret that
// the server sends is in a type whose name begins with Issued, once; passwords and their hashes are only ever sent to it.
//
// openapi.yaml beside this file is the whole API, with its routes, made of these types; the server has it at
// /v1/openapi.json.
package api

import "time"

// List is one page of a listing. Next is the cursor of the page after it, empty on the last. A cursor is opaque: what it
// holds may change from one version to the next.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

// User is an account of a person or a program. Its ID is for ever; its name can be changed, and given to another when the
// user is deleted.
type User struct {
	ID           string    `json:"id" format:"uuid"`
	Kind         string    `json:"kind" enum:"person,service" doc:"a person, or a service account of a program"`
	Username     string    `json:"username" doc:"unique, whatever its case"`
	Email        string    `json:"email,omitempty"`
	DisplayName  string    `json:"display_name,omitempty"`
	Roles        []string  `json:"roles"`
	State        string    `json:"state" enum:"active,blocked,suspended" doc:"no credential of a user that is blocked, or suspended by a restore, is honoured"`
	HasPassword  bool      `json:"has_password"`
	SecondFactor bool      `json:"second_factor" doc:"whether the console asks for a second factor beside the password"`
	External     *External `json:"external,omitempty" doc:"how the application describes the user that has made it by a sealed token; absent where none has"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// NewUser is the body of POST /v1/users. Password and PasswordHash exclude each other; a user with neither can't log in by
// password until an administrator sets one.
type NewUser struct {
	Kind         string   `json:"kind,omitempty" enum:"person,service" doc:"person if absent"`
	Username     string   `json:"username" doc:"1 to 128 characters; no control characters, colon or slash"`
	Email        string   `json:"email,omitempty" doc:"unique; the one name with an @ that the user may have"`
	DisplayName  string   `json:"display_name,omitempty" doc:"up to 256 characters"`
	Roles        []string `json:"roles,omitempty" doc:"free names of A-Z a-z 0-9 . _ -; admin administers Jeton"`
	State        string   `json:"state,omitempty" enum:"active,blocked" doc:"active if absent"`
	Password     string   `json:"password,omitempty" doc:"8 to 256 characters"`
	PasswordHash string   `json:"password_hash,omitempty" doc:"Argon2id, bcrypt or PBKDF2, made elsewhere"`
}

// UserPatch is the body of PATCH /v1/users/{user} (RFC 7396): absent members stay as they are, null empties one that
// may be empty.
type UserPatch struct {
	Username    Optional[string]   `json:"username,omitzero"`
	Email       Optional[string]   `json:"email,omitzero" nullable:"true"`
	DisplayName Optional[string]   `json:"display_name,omitzero" nullable:"true"`
	Roles       Optional[[]string] `json:"roles,omitzero" nullable:"true"`
	State       Optional[string]   `json:"state,omitzero" enum:"active,blocked"`
	Password    Optional[string]   `json:"password,omitzero" doc:"an administrator's reset: ends the user's personal token and browser sessions"`
}

// Invitation is the answer of POST /v1/users/{user}/invitation: a link by which a person chooses a password. It is shown this once, and good
// once. A former one is good no more.
type Invitation struct {
	URL       string    `json:"url" doc:"whoever has it can take the account over"`
	ExpiresAt time.Time `json:"expires_at"`
	Mailed    bool      `json:"mailed" doc:"it is on its way to the user's e-mail, too"`
}

// Me is the answer of GET /v1/me: who the caller is, and by which credential.
type Me struct {
	User       User       `json:"user"`
	Credential Credential `json:"credential"`
}

// Credential names a credential without giving it away. The ID of a password or a personal token is its user's, who has
// one of each at most; that of an access token is the record's by which it stands: the API token or client secret for which
// it was got.
type Credential struct {
	Kind   string   `json:"kind" doc:"password, personal_token, console_session, api_token, access_token, client_secret; more kinds will come"`
	ID     string   `json:"id" format:"uuid"`
	Scopes []string `json:"scopes,omitzero" doc:"to which it is narrowed; absent where it isn't"`
}

// PasswordChange is the body of PUT /v1/me/password, which logs every browser out. The current password is asked for whatever the caller came by.
type PasswordChange struct {
	Current string `json:"current" doc:"the password until now"`
	New     string `json:"new" doc:"8 to 256 characters"`
}

// PersonalToken tells of the caller's personal token; it doesn't hold it.
type PersonalToken struct {
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"to the minute; absent where it was never used"`
	LastUsedIP string    `json:"last_used_ip,omitempty"`
}

// IssuedPersonalToken is the answer of POST /v1/me/personal-token: the only time that the token is shown.
type IssuedPersonalToken struct {
	Token     string    `json:"token"`
	CreatedAt time.Time `json:"created_at"`
}

// Service is a protected API: all calls to a host below a path prefix, but for those below a longer prefix of another
// service. Who may call what, its operations say.
type Service struct {
	ID          string   `json:"id" format:"uuid"`
	Name        string   `json:"name"`
	Host        string   `json:"host" doc:"in lower case; with a port where only that port is meant"`
	PathPrefix  string   `json:"path_prefix" doc:"/ for the whole host"`
	Default     string   `json:"default" enum:"deny,authenticated" doc:"what becomes of calls that no operation matches"`
	AllowInPath string   `json:"allow_in_path" doc:"; or // or both: what a path may hold although it is refused elsewhere"`
	Verifiers   []string `json:"verifiers" doc:"names of users who may ask /v1/verify about this service"`
	// AcceptAPITokens is for clients that can't exchange a token: the long-lived one then travels with each call.
	AcceptAPITokens bool `json:"accept_api_tokens" doc:"whether API tokens are admitted that weren't exchanged for access tokens"`
	Project         int  `json:"project,omitempty" doc:"the number of the project whose sealed tokens count in the queries of calls; absent for none"`
	// Upstream and what follows are for Jeton's own proxy alone, at --proxy-listen.
	Upstream           string     `json:"upstream,omitempty" doc:"where the proxy passes calls on to, as http://reports.internal:9000, https://… or, for gRPC without TLS, h2c://…; absent for nowhere"`
	Profile            string     `json:"profile,omitempty" doc:"the product whose clients' own paths the proxy serves on the service's host; absent for none"`
	ForwardQueryTokens bool       `json:"forward_query_tokens" doc:"whether the proxy leaves sealed tokens in the query of a call"`
	IdentityToken      bool       `json:"identity_token" doc:"whether the proxy tells the API who calls by a signed token, too, in X-Jeton-Identity"`
	RateLimit          *RateLimit `json:"rate_limit,omitempty" doc:"how many calls of the service are let in, of all callers together"`
	// Suspended services were changed after the moment that a restore went back to: their operations may allow more than they did.
	Suspended bool      `json:"suspended" doc:"nobody may call it since a restore, until an administrator changes it or its operations"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// NewService is the body of POST /v1/services.
type NewService struct {
	Name            string   `json:"name" doc:"1 to 64 of a-z 0-9 - _ . beginning with a letter or digit"`
	Host            string   `json:"host" doc:"the host name of the protected API, as its clients call it"`
	PathPrefix      string   `json:"path_prefix,omitempty" doc:"/ if absent"`
	Default         string   `json:"default,omitempty" enum:"deny,authenticated" doc:"for calls that no operation matches; deny if absent"`
	AllowInPath     string   `json:"allow_in_path,omitempty"`
	Verifiers       []string `json:"verifiers,omitempty"`
	AcceptAPITokens bool     `json:"accept_api_tokens,omitempty" doc:"false if absent: a client exchanges its API token for an access token first"`
	Project         int      `json:"project,omitempty" doc:"the number of the project whose sealed tokens count in the queries of calls; none if absent"`

	Upstream           string     `json:"upstream,omitempty" doc:"where the proxy passes calls on to, as http://reports.internal:9000, https://… or, for gRPC without TLS, h2c://…; nowhere if absent"`
	Profile            string     `json:"profile,omitempty" doc:"the product whose clients' own paths the proxy serves on the service's host; none if absent"`
	ForwardQueryTokens bool       `json:"forward_query_tokens,omitempty" doc:"false if absent: the proxy takes sealed tokens out of the query of a call"`
	IdentityToken      bool       `json:"identity_token,omitempty" doc:"false if absent: the proxy tells the API who calls by header fields alone"`
	RateLimit          *RateLimit `json:"rate_limit,omitempty" doc:"how many calls of the service are let in, of all callers together; any number if absent"`
}

// ServicePatch is the body of PATCH /v1/services/{name} (RFC 7396): absent members stay as they are, null makes of one
// what a new service has. Whatever it changes, and if that is nothing, a service that a restore has suspended is so no more.
type ServicePatch struct {
	Name            Optional[string]   `json:"name,omitzero"`
	Host            Optional[string]   `json:"host,omitzero"`
	PathPrefix      Optional[string]   `json:"path_prefix,omitzero" nullable:"true"`
	Default         Optional[string]   `json:"default,omitzero" enum:"deny,authenticated"`
	AllowInPath     Optional[string]   `json:"allow_in_path,omitzero" nullable:"true"`
	Verifiers       Optional[[]string] `json:"verifiers,omitzero" nullable:"true"`
	AcceptAPITokens Optional[bool]     `json:"accept_api_tokens,omitzero" nullable:"true"`
	Project         Optional[int]      `json:"project,omitzero" nullable:"true"`

	Upstream           Optional[string]         `json:"upstream,omitzero" nullable:"true"`
	Profile            Optional[string]         `json:"profile,omitzero" nullable:"true"`
	ForwardQueryTokens Optional[bool]           `json:"forward_query_tokens,omitzero" nullable:"true"`
	IdentityToken      Optional[bool]           `json:"identity_token,omitzero" nullable:"true"`
	RateLimit          Optional[RateLimitPatch] `json:"rate_limit,omitzero"`
	Suspended          Optional[bool]           `json:"suspended,omitzero" nullable:"true" doc:"false alone: a restore suspends services, and nobody else"`
}

// Operation is a method and path pattern of a service, and who may call it. Of all that match a call the most specific
// decides alone; two of which neither is are a conflict, and refused.
type Operation struct {
	Pattern  string   `json:"pattern" doc:"[METHOD ]/path in the syntax of Go's http.ServeMux, below the service's prefix"`
	Audience []string `json:"audience" doc:"user:NAME, role:NAME or self:{VARIABLE}; nobody if empty"`
	Scope    string   `json:"scope,omitempty" doc:"the scope (RFC 6749, section 3.3) to which the operation belongs"`
}

// SigningKey tells of one of the keys with which Jeton signs tokens. Neither half of it is here.
type SigningKey struct {
	ID        string `json:"id" doc:"the kid in the header of every token that it has signed; never used for another key"`
	Purpose   string `json:"purpose" enum:"api_token,access_token,identity" doc:"the one kind of token that it signs"`
	Algorithm string `json:"algorithm" enum:"RS256,PS256,ES256,EdDSA"`
	State     string `json:"state" enum:"active,retired,revoked" doc:"active: it signs, as one key of each purpose does; retired: it only verifies what it has signed; revoked: all that it has signed is refused"`

	CreatedAt time.Time `json:"created_at"`
	RetiredAt time.Time `json:"retired_at,omitzero" doc:"absent where it never was retired"`
	RevokedAt time.Time `json:"revoked_at,omitzero" doc:"absent where it isn't revoked"`
}

// KeyRotation is the body of POST /v1/keys: it asks for a new active key of a purpose. The former one retires, and what it
// has signed lives on.
type KeyRotation struct {
	Purpose   string `json:"purpose" enum:"api_token,access_token,identity"`
	Algorithm string `json:"algorithm,omitempty" enum:"RS256,PS256,ES256,EdDSA" doc:"that of the former key if absent; the configured one where there is none"`
}

// VerifyRequest is the body of POST /v1/verify: a call, as a service received it. The path in the URL must be the one of
// the request line, byte for byte: one that was decoded or tidied up may be another operation's.
type VerifyRequest struct {
	Authorization string `json:"authorization,omitempty" doc:"the value of the Authorization header field"`
	Cookie        string `json:"cookie,omitempty" doc:"the value of the Cookie header field: it counts where authorization is empty"`
	Query         string `json:"query,omitempty" doc:"the query of the call, without its question mark, still percent-encoded: for the sealed tokens of a service with a project; that of url where this is empty"`
	Origin        string `json:"origin,omitempty" doc:"the value of the Origin header field: without this or sec_fetch_site, a write by cookie is refused"`
	SecFetchSite  string `json:"sec_fetch_site,omitempty" doc:"the value of the Sec-Fetch-Site header field"`
	Method        string `json:"method,omitempty" doc:"of the call"`
	URL           string `json:"url,omitempty" doc:"of the call: absolute, with scheme and host"`
	Upgrade       bool   `json:"upgrade,omitempty" doc:"the call would have its connection carry a WebSocket: by cookie it is then a write, whatever its method"`
	Service       string `json:"service,omitempty" doc:"in the place of method and url: is the credential any good at the service of this name, and whose is it, whatever it calls there"`
	Full          bool   `json:"full,omitempty" doc:"for programs that decide by themselves next time: the verdict has remember or refused, too"`
	RemoteIP      string `json:"remote_ip,omitempty" doc:"the address of the caller: for the audit log, and for tokens that count from some addresses alone, which are refused without it"`
}

// Verdict is the answer of POST /v1/verify. The reason is for the service's own log and not for its caller.
type Verdict struct {
	Allow     bool       `json:"allow"`
	Reason    string     `json:"reason,omitempty" doc:"why the call may not pass"`
	Service   string     `json:"service,omitempty" doc:"the name of the service that was called, where there is one"`
	Principal *Principal `json:"principal,omitempty" doc:"whose call it is; only where it may pass"`
	Remember  *Remember  `json:"remember,omitempty" doc:"what may be known of the credential until the feed tells otherwise; only for who asks for it, and absent where each call must be asked about"`
	Refused   *Refused   `json:"refused,omitempty" doc:"how the call is to be answered that may not pass; only for who asks for it"`
	Debug     Debug      `json:"debug" doc:"as of when the verdict is"`
}

// Debug says how much a node knew of what other nodes have changed, for whoever wonders about a verdict.
type Debug struct {
	Revision       int64    `json:"revision" doc:"the change of the feed up to which the node has heard of everything"`
	FeedAgeSeconds *float64 `json:"feed_age_seconds,omitempty" doc:"how long ago it last heard, in seconds; absent where it has not, or its clock was set back since"`
	HeardAnew      bool     `json:"heard_anew" doc:"that was too long ago for what the node remembered to count, so it heard the feed anew for this verdict"`
}

// Principal is the user behind a call that may pass.
type Principal struct {
	UserID      string     `json:"user_id" format:"uuid"`
	Username    string     `json:"username"`
	Email       string     `json:"email,omitempty"`
	DisplayName string     `json:"display_name,omitempty"`
	Roles       []string   `json:"roles"`
	Credential  Credential `json:"credential"`
}

// Event is one row of the audit log: a change, or refusals merged into one row. A change and its event are stored
// together or not at all.
type Event struct {
	ID     string    `json:"id" format:"uuid"`
	At     time.Time `json:"at"`
	Action string    `json:"action" doc:"as user.create, personal_token.rotate, refused"`
	Actor  *Actor    `json:"actor,omitempty" doc:"who did it, or was refused; absent where it was Jeton itself"`
	Target *Target   `json:"target,omitempty" doc:"to which record it happened"`
	Reason string    `json:"reason,omitempty" doc:"why a call was refused"`
	Door   string    `json:"door,omitempty" doc:"where a refused call knocked: gateway, envoy, proxy, v1, verify, console, oauth_token, introspect, revoke, matrix42, bitcanuck, xdoc"`
	// Count and LastAt belong to refusals of one minute that were alike.
	Count  int64             `json:"count" doc:"how many alike this row stands for"`
	LastAt time.Time         `json:"last_at,omitzero" doc:"when the last of them came"`
	Detail map[string]string `json:"detail,omitempty" doc:"what changed; of refusals the call, where it is known: of those of one row the first's"`
}

// Actor is a user, with the credential by which it acted. The name is as it was at that time; that of a refused user is
// as it is now, and absent where the user was deleted since.
type Actor struct {
	UserID         string `json:"user_id,omitempty" format:"uuid"`
	Username       string `json:"username,omitempty"`
	CredentialKind string `json:"credential_kind,omitempty"`
	CredentialID   string `json:"credential_id,omitempty" format:"uuid"`
	CredentialName string `json:"credential_name,omitempty" doc:"of an API token, of the one that an access token rests on, or of the platform whose assertion it is, as it is now or was when it was deleted; of a sealed token, of the project and the token set that live, or of the project alone where none of its sets opens the token"`
	Address        string `json:"address,omitempty" doc:"the client's IP address"`
}

// Target is a record.
type Target struct {
	Kind string `json:"kind" doc:"user, personal_token, service and others"`
	ID   string `json:"id,omitempty" format:"uuid"`
	Name string `json:"name,omitempty"`
}

// Version says which Jeton this is: the answer of GET /version on the admin listener.
type Version struct {
	Version  string `json:"version"`
	Revision string `json:"revision" doc:"of the source, empty where it isn't known"`
	Modified bool   `json:"modified" doc:"built from a tree with uncommitted changes"`
	Go       string `json:"go"`
}
