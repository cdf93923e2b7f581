package api

import "time"

// External is how an application describes a user that it has made by a sealed token. Nothing in Jeton goes by it.
type External struct {
	Profile string `json:"profile,omitempty"`
	ID      string `json:"id,omitempty"`
	Ref     string `json:"ref,omitempty"`
	Data    string `json:"data,omitempty"`
	Flags   int64  `json:"flags,omitempty"`
}

// Project tells of an application, or several, that seal tokens alike. Of app keys only their number is told.
type Project struct {
	Number          int        `json:"number" doc:"by which calls name it; 1000 where they name none"`
	Name            string     `json:"name" doc:"unique, whatever its case"`
	SecurityContext string     `json:"security_context,omitempty" doc:"what a token's Context must be; absent for anything"`
	ContextRequired bool       `json:"context_required" doc:"whether a token must have a Context"`
	TokenRequired   bool       `json:"token_required" doc:"whether a user token that stands alone must be a good security token, too; else its GenDT will do"`
	AppKeyCount     int        `json:"app_key_count" doc:"how many app keys there are, one of which a token must have; with none, none is asked for"`
	AllowedIPs      []string   `json:"allowed_ips,omitempty" doc:"addresses and prefixes from which tokens count; absent for all"`
	MaxAgeSeconds   int        `json:"max_age_seconds" doc:"how long a token counts from its GenDT"`
	CreateUsers     bool       `json:"create_users" doc:"whether an unknown user name makes a user; else it is refused"`
	NewUserRoles    []string   `json:"new_user_roles,omitempty" doc:"the roles of such a user"`
	ServiceAccount  string     `json:"service_account" doc:"the name of the user who calls with a security token alone"`
	TokenSets       []TokenSet `json:"token_sets,omitempty" doc:"absent in lists"`
	CreatedAt       time.Time  `json:"created_at"`
	UpdatedAt       time.Time  `json:"updated_at"`
}

// NewProject is the body of POST /v1/projects.
type NewProject struct {
	Number          int            `json:"number" minimum:"1" maximum:"2147483647" doc:"1000 is what calls mean that name none"`
	Name            string         `json:"name" doc:"1 to 128 printable characters, unique whatever their case"`
	SecurityContext string         `json:"security_context,omitempty"`
	ContextRequired Optional[bool] `json:"context_required,omitzero" doc:"true if absent where there is a security context, else false"`
	TokenRequired   Optional[bool] `json:"token_required,omitzero" doc:"true if absent"`
	AppKeys         []string       `json:"app_keys,omitempty" doc:"16 at most; never shown again"`
	AllowedIPs      []string       `json:"allowed_ips,omitempty"`
	MaxAgeSeconds   int            `json:"max_age_seconds,omitempty" minimum:"10" maximum:"86400" doc:"900 if absent"`
	CreateUsers     bool           `json:"create_users,omitempty"`
	NewUserRoles    []string       `json:"new_user_roles,omitempty"`
}

// ProjectPatch is the body of PATCH /v1/projects/{number} (RFC 7396): absent members stay as they are. It ends the browser
// sessions that were begun by the project's tokens.
type ProjectPatch struct {
	Name            Optional[string]   `json:"name,omitzero"`
	SecurityContext Optional[string]   `json:"security_context,omitzero" nullable:"true"`
	ContextRequired Optional[bool]     `json:"context_required,omitzero"`
	TokenRequired   Optional[bool]     `json:"token_required,omitzero"`
	AppKeys         Optional[[]string] `json:"app_keys,omitzero" nullable:"true" doc:"all of them: those that are left out are gone"`
	AllowedIPs      Optional[[]string] `json:"allowed_ips,omitzero" nullable:"true"`
	MaxAgeSeconds   Optional[int]      `json:"max_age_seconds,omitzero" minimum:"10" maximum:"86400"`
	CreateUsers     Optional[bool]     `json:"create_users,omitzero"`
	NewUserRoles    Optional[[]string] `json:"new_user_roles,omitzero" nullable:"true"`
}

// TokenSet is how an application seals its tokens. Of its key nothing is told.
type TokenSet struct {
	ID            string    `json:"id" format:"uuid"`
	Name          string    `json:"name" doc:"unique in its project, whatever its case"`
	Active        bool      `json:"active" doc:"whether tokens of it are honoured"`
	Mode          string    `json:"mode" enum:"GCM,CBC,ECB"`
	KeySize       int       `json:"key_size" enum:"128,192,256" doc:"in bits"`
	Padding       string    `json:"padding,omitempty" doc:"PKCS7, ANSIX923, ISO10126, Zeros or None; absent for GCM, which has none"`
	IV            string    `json:"iv,omitempty"`
	IVExpansion   string    `json:"iv_expansion,omitempty" doc:"utf16le, zero, double, full or random; absent for ECB, which has no IV"`
	KeyDerivation string    `json:"key_derivation" doc:"raw, sha256, md5, pbkdf2 or passwordderivebytes"`
	Salt          string    `json:"salt,omitempty"`
	Hash          string    `json:"hash,omitempty"`
	Iterations    int       `json:"iterations,omitempty"`
	OneTime       bool      `json:"one_time" doc:"whether each token counts once, by what it says"`
	Forgeable     bool      `json:"forgeable" doc:"whether tokens can be made of others by who doesn't have the key"`
	Warning       string    `json:"warning,omitempty" doc:"what follows from that"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	LastUsedAt    time.Time `json:"last_used_at,omitzero" doc:"when a token of it was last honoured, to the minute; absent where none was"`
	LastUsedIP    string    `json:"last_used_ip,omitempty"`
}

// NewTokenSet is the body of POST /v1/projects/{number}/token-sets. A member that is left out takes the default of today. One
// that is there and empty is XDOC's blank: 256, CBC, PKCS7.
type NewTokenSet struct {
	Name          string           `json:"name" doc:"1 to 128 printable characters, unique in the project whatever their case"`
	Active        Optional[bool]   `json:"active,omitzero" doc:"true if absent"`
	Key           string           `json:"key,omitempty" doc:"the text of the key, never shown again; one is made, and shown once, if it is absent"`
	KeySize       KeySize          `json:"key_size,omitzero" doc:"128, 192 (or 196, as XDOC spells it) or 256; 256 if absent or empty"`
	Mode          Optional[string] `json:"mode,omitzero" doc:"GCM, CBC or ECB; GCM if absent, CBC if empty"`
	Padding       Optional[string] `json:"padding,omitzero" doc:"PKCS7, ANSIX923, ISO10126, Zeros or None; PKCS7 if absent or empty; GCM has none"`
	IV            string           `json:"iv,omitempty" doc:"for CBC: eight characters, or sixteen where iv_expansion is full; @1B2c3D4 if absent"`
	IVExpansion   string           `json:"iv_expansion,omitempty" doc:"utf16le, zero, double, full or random; utf16le if absent, and random for GCM"`
	KeyDerivation string           `json:"key_derivation,omitempty" doc:"raw, sha256, md5, pbkdf2 or passwordderivebytes; sha256 if absent"`
	Salt          string           `json:"salt,omitempty" doc:"for pbkdf2 and passwordderivebytes"`
	Hash          string           `json:"hash,omitempty" doc:"for pbkdf2 and passwordderivebytes: SHA1, SHA256, SHA384 or SHA512; for the latter also MD5; SHA256 if absent, and SHA1 for the latter"`
	Iterations    int              `json:"iterations,omitempty" doc:"for pbkdf2 and passwordderivebytes; 600000 if absent, and 100 for the latter"`
	OneTime       bool             `json:"one_time,omitempty" doc:"false if absent: a token counts as often as it comes in its time"`
}

// IssuedTokenSet is the answer of POST /v1/projects/{number}/token-sets: the only time that a key that was made here is shown.
type IssuedTokenSet struct {
	TokenSet
	Key string `json:"key,omitempty" doc:"nobody can show it again"`
}

// TokenSetPatch is the body of PATCH /v1/projects/{number}/token-sets/{id} (RFC 7396): absent members stay as they are. It ends
// the browser sessions that were begun by the project's tokens.
type TokenSetPatch struct {
	Name          Optional[string] `json:"name,omitzero"`
	Active        Optional[bool]   `json:"active,omitzero"`
	Key           Optional[string] `json:"key,omitzero" doc:"never shown again"`
	KeySize       KeySize          `json:"key_size,omitzero"`
	Mode          Optional[string] `json:"mode,omitzero"`
	Padding       Optional[string] `json:"padding,omitzero" nullable:"true"`
	IV            Optional[string] `json:"iv,omitzero" nullable:"true"`
	IVExpansion   Optional[string] `json:"iv_expansion,omitzero" nullable:"true"`
	KeyDerivation Optional[string] `json:"key_derivation,omitzero"`
	Salt          Optional[string] `json:"salt,omitzero" nullable:"true"`
	Hash          Optional[string] `json:"hash,omitzero" nullable:"true"`
	Iterations    Optional[int]    `json:"iterations,omitzero" nullable:"true"`
	OneTime       Optional[bool]   `json:"one_time,omitzero"`
}

// SealRequest is the body of POST …/token-sets/{id}/encrypt: XDOC's String Encryptor.
type SealRequest struct {
	Plaintext string `json:"plaintext" doc:"XML, JSON or form-url; it is sealed as it is, good or not"`
	Parameter string `json:"parameter,omitempty" doc:"XST or XUT: for which it is, which GCM binds it to; XST if absent"`
}

// SealedText is a token in the three steps of its making. It is the answer of encrypt and of decrypt.
type SealedText struct {
	Plaintext string       `json:"plaintext"`
	Base64    string       `json:"base64" doc:"encrypted and Base64 encoded"`
	URL       string       `json:"url" doc:"that, URL encoded: what stands in a URL"`
	Fields    []TokenField `json:"fields,omitempty" doc:"what the plaintext says, where it is XML, JSON or form-url"`
	Problem   string       `json:"problem,omitempty" doc:"what is wrong with the plaintext, so that it would be refused"`
}

// TokenField is a field of a token.
type TokenField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// UnsealRequest is the body of POST …/token-sets/{id}/decrypt: XDOC's String Decryptor.
type UnsealRequest struct {
	Token     string `json:"token" doc:"as it stands in a URL, or before it was URL encoded"`
	Parameter string `json:"parameter,omitempty" doc:"XST or XUT: as which it was sealed; XST if absent"`
}

// SealedQuestion is the body of POST /v1/projects/{number}/explain: a call, or the tokens of it.
type SealedQuestion struct {
	Query         string `json:"query,omitempty" doc:"of a call, still percent-encoded; instead of the three members below"`
	SecurityToken string `json:"security_token,omitempty" doc:"as it stands in a URL, or before it was URL encoded"`
	UserToken     string `json:"user_token,omitempty"`
	Context       string `json:"context,omitempty" doc:"the security context that the call names"`
	RemoteIP      string `json:"remote_ip,omitempty" doc:"the address of the caller: without it, addresses aren't judged"`
}

// SealedExplanation says step by step whether sealed tokens are good, and why not. Nothing is used up, and nobody made.
type SealedExplanation struct {
	Accepted bool            `json:"accepted"`
	Reason   string          `json:"reason,omitempty" doc:"of the refusal, as in the audit log"`
	Steps    []ExplainedStep `json:"steps" doc:"project, address, seal, times, context, app_key, user, replay, in this order; after one that fails, none is taken"`
}
