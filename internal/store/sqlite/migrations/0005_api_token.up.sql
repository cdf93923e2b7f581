-- Signed API tokens: the fact that each was issued, not its text. Scopes are divided by spaces; NULL is a token that isn't
-- narrowed, and an empty text one that is narrowed to none. Addresses are networks, divided by spaces; none for all.

CREATE TABLE api_token (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    user_id      BLOB    NOT NULL REFERENCES user (id),
    name         TEXT    NOT NULL,
    name_key     TEXT    NOT NULL CHECK (name_key <> ''),
    kid          TEXT    NOT NULL REFERENCES signing_key (kid),
    enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    scopes       TEXT,
    allowed_ips  TEXT    NOT NULL,
    rate_calls   INTEGER NOT NULL CHECK (rate_calls >= 0),
    rate_seconds INTEGER NOT NULL CHECK ((rate_seconds > 0) = (rate_calls > 0)),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    last_used_ip TEXT,
    deleted_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX api_token_by_name ON api_token (name_key) WHERE deleted_at IS NULL;
CREATE INDEX api_token_by_user ON api_token (user_id);
CREATE INDEX api_token_by_expires_at ON api_token (expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;

-- Access tokens have no record. Those that were taken back before their end have this one until some time after it.
CREATE TABLE revoked_access_token (
    id         BLOB    PRIMARY KEY CHECK (length(id) = 16),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_access_token_by_expires_at ON revoked_access_token (expires_at);

-- By what service accounts prove themselves as OAuth clients. A deleted secret keeps its digest, for the audit log to know
-- a late use by; a deleted user's keeps nothing.
CREATE TABLE client_secret (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    user_id      BLOB    NOT NULL REFERENCES user (id),
    pepper       INTEGER,
    digest       BLOB    CHECK (length(digest) = 32),
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    last_used_ip TEXT,
    deleted_at   INTEGER,
    CHECK ((digest IS NULL) = (pepper IS NULL)),
    CHECK (digest IS NOT NULL OR deleted_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX client_secret_by_digest ON client_secret (pepper, digest) WHERE digest IS NOT NULL;
CREATE INDEX client_secret_by_user ON client_secret (user_id);

CREATE TABLE client_key (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    user_id      BLOB    NOT NULL REFERENCES user (id),
    algorithm    TEXT    NOT NULL,
    public_key   TEXT    NOT NULL, -- PEM, or empty
    jwks_uri     TEXT    NOT NULL, -- where the keys are, or empty
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    last_used_ip TEXT,
    deleted_at   INTEGER,
    CHECK ((public_key = '') <> (jwks_uri = '')),
    CHECK ((public_key = '') = (algorithm = ''))
) STRICT, WITHOUT ROWID;
CREATE INDEX client_key_by_user ON client_key (user_id);

-- Signed assertions that were used, by what they are known by, until some time after their end.
CREATE TABLE used_assertion (
    digest     BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_assertion_by_expires_at ON used_assertion (expires_at);

-- The public URL under which tokens were signed last: under another they are refused, and the operator is to hear of it.
ALTER TABLE store ADD COLUMN issuer TEXT NOT NULL DEFAULT '';

ALTER TABLE service ADD COLUMN accept_api_tokens INTEGER NOT NULL DEFAULT 0 CHECK (accept_api_tokens IN (0, 1));

PRAGMA user_version = 5;
