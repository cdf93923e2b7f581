-- Session tokens, and the platforms whose assertions get them.

CREATE TABLE platform (
    id             BLOB    PRIMARY KEY CHECK (length(id) = 16),
    code           TEXT    NOT NULL CHECK (length(code) = 8),
    name           TEXT    NOT NULL,
    name_key       TEXT    NOT NULL CHECK (name_key <> ''),
    algorithm      TEXT    NOT NULL CHECK (algorithm <> ''),             -- of keys to come
    issuer         TEXT    NOT NULL,                                     -- what it calls itself beside ID and code, or empty
    audience       TEXT    NOT NULL,                                     -- what it calls Jeton beside Jeton's own URLs, or empty
    speaks_for     TEXT    NOT NULL,                                     -- "all", or "role:NAME" and "user:ID" divided by commas
    administrators INTEGER NOT NULL CHECK (administrators IN (0, 1)),    -- whether for these, too
    create_users   INTEGER NOT NULL CHECK (create_users IN (0, 1)),
    new_user_roles TEXT    NOT NULL,                                     -- divided by commas
    max_life       INTEGER NOT NULL CHECK (max_life > 0),                -- of an assertion, in seconds
    one_time       INTEGER NOT NULL CHECK (one_time IN (0, 1)),
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    version        INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    last_used_at   INTEGER,
    last_used_ip   TEXT,
    deleted_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX platform_by_code ON platform (code); -- also of deleted ones: a code is never another's
CREATE UNIQUE INDEX platform_by_name ON platform (name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX platform_by_issuer ON platform (issuer) WHERE issuer <> '' AND deleted_at IS NULL;

CREATE TABLE platform_key (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    platform_id  BLOB    NOT NULL REFERENCES platform (id),
    algorithm    TEXT    NOT NULL CHECK (algorithm <> ''),
    kid          TEXT    NOT NULL,  -- by which its owner names it, or empty
    public_key   TEXT    NOT NULL,  -- PEM, or empty
    jwks_uri     TEXT    NOT NULL,  -- where the keys are, or empty
    wrapped      BLOB,              -- a shared secret, under the master key; NULL once the key is deleted
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    last_used_ip TEXT,
    deleted_at   INTEGER,
    CHECK ((public_key <> '') + (jwks_uri <> '') + (wrapped IS NOT NULL) = 1 OR (deleted_at IS NOT NULL AND public_key = '' AND jwks_uri = '' AND wrapped IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX platform_key_by_platform ON platform_key (platform_id);
CREATE UNIQUE INDEX platform_key_by_public_key ON platform_key (public_key) WHERE public_key <> '' AND deleted_at IS NULL;

CREATE TABLE session_token (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    user_id      BLOB    NOT NULL REFERENCES user (id),
    platform_id  BLOB    REFERENCES platform (id), -- whose assertion it was got for; NULL for a password
    pepper       INTEGER NOT NULL,
    digest       BLOB    NOT NULL CHECK (length(digest) = 32),
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    last_used_ip TEXT,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX session_token_by_digest ON session_token (pepper, digest);
CREATE INDEX session_token_by_user ON session_token (user_id, id);
CREATE INDEX session_token_by_platform ON session_token (platform_id) WHERE platform_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX session_token_by_expires_at ON session_token (expires_at);

PRAGMA user_version = 7;
