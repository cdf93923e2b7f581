-- The first schema. Times are microseconds since 1970 in UTC, IDs the 16 bytes of a UUID.
-- Names that take part in a unique index are free again once their row is a tombstone (deleted_at).

CREATE TABLE store (
    only         INTEGER PRIMARY KEY CHECK (only = 1),
    instance     BLOB    NOT NULL CHECK (length(instance) = 16),
    epoch        INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    master_check BLOB,
    created_at   INTEGER NOT NULL
) STRICT;

-- Revisions follow each other without a gap, so that a node sees from the oldest row kept whether it missed one.
CREATE TABLE change (
    revision INTEGER PRIMARY KEY,
    epoch    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    id       BLOB    NOT NULL CHECK (length(id) = 16)
) STRICT;

CREATE TABLE pepper (
    version    INTEGER PRIMARY KEY CHECK (version > 0),
    wrapped    BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE user (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    kind         TEXT    NOT NULL CHECK (kind IN ('person', 'service')),
    username     TEXT    NOT NULL,
    username_key TEXT    NOT NULL CHECK (username_key <> ''),
    email        TEXT    NOT NULL,
    email_key    TEXT    CHECK (email_key <> ''),
    display_name TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('active', 'blocked')),
    password     TEXT    CHECK (password <> ''),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    deleted_at   INTEGER,
    CHECK (deleted_at IS NULL OR (password IS NULL AND email_key IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_by_username ON user (username_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX user_by_email ON user (email_key) WHERE deleted_at IS NULL;

CREATE TABLE user_role (
    user_id BLOB NOT NULL REFERENCES user (id),
    role    TEXT NOT NULL CHECK (role <> '' AND instr(role, ',') = 0), -- roles are read joined by commas
    PRIMARY KEY (user_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_role_by_role ON user_role (role);

-- Its primary key is its user: two tokens at once are impossible.
CREATE TABLE personal_token (
    user_id       BLOB    PRIMARY KEY REFERENCES user (id),
    pepper        INTEGER,
    digest        BLOB    CHECK (length(digest) = 32),
    former_pepper INTEGER,
    former_digest BLOB    CHECK (length(former_digest) = 32),
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER,
    last_used_ip  TEXT,
    revoked_at    INTEGER,
    CHECK ((digest IS NULL) = (pepper IS NULL)),
    CHECK ((digest IS NULL) = (revoked_at IS NOT NULL)),
    CHECK ((former_digest IS NULL) = (former_pepper IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX personal_token_by_digest ON personal_token (pepper, digest) WHERE digest IS NOT NULL;
CREATE INDEX personal_token_by_former_digest ON personal_token (former_pepper, former_digest) WHERE former_digest IS NOT NULL;

CREATE TABLE service (
    id              BLOB    PRIMARY KEY CHECK (length(id) = 16),
    name            TEXT    NOT NULL CHECK (name <> ''),
    host            TEXT    NOT NULL,
    path_prefix     TEXT    NOT NULL,
    default_verdict TEXT    NOT NULL CHECK (default_verdict IN ('deny', 'authenticated')),
    allow_in_path   TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX service_by_name ON service (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX service_by_address ON service (host, path_prefix) WHERE deleted_at IS NULL;

CREATE TABLE service_verifier (
    service_id BLOB NOT NULL REFERENCES service (id),
    user_id    BLOB NOT NULL REFERENCES user (id),
    PRIMARY KEY (service_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
    service_id BLOB    NOT NULL REFERENCES service (id),
    position   INTEGER NOT NULL, -- in the list as it was given
    pattern    TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    PRIMARY KEY (service_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE operation_audience (
    service_id BLOB    NOT NULL,
    operation  INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('user', 'role', 'self')),
    user_id    BLOB    REFERENCES user (id),
    name       TEXT    NOT NULL,
    PRIMARY KEY (service_id, operation, position),
    FOREIGN KEY (service_id, operation) REFERENCES operation (service_id, position) ON DELETE CASCADE,
    CHECK ((kind = 'user') = (user_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a cursor never meets a new event under the number of one that was pruned.
CREATE TABLE audit_event (
    seq                   INTEGER PRIMARY KEY AUTOINCREMENT,
    id                    BLOB    NOT NULL CHECK (length(id) = 16),
    at                    INTEGER NOT NULL,
    action                TEXT    NOT NULL,
    actor_id              BLOB,
    actor_name            TEXT    NOT NULL,
    actor_credential_kind TEXT    NOT NULL,
    actor_credential_id   BLOB,
    actor_address         TEXT    NOT NULL,
    target_kind           TEXT    NOT NULL,
    target_id             BLOB,
    target_name           TEXT    NOT NULL,
    reason                TEXT    NOT NULL,
    door                  TEXT    NOT NULL,
    count                 INTEGER NOT NULL,
    last_at               INTEGER,
    merge_key             TEXT,
    detail                TEXT    -- a JSON object of strings
) STRICT;
-- Each of these ends in seq, which is the order in which events are listed.
CREATE INDEX audit_event_by_at ON audit_event (at);
CREATE INDEX audit_event_by_action ON audit_event (action);
CREATE INDEX audit_event_by_reason ON audit_event (reason) WHERE reason <> '';
CREATE INDEX audit_event_by_actor ON audit_event (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_event_by_target ON audit_event (target_id) WHERE target_id IS NOT NULL;
CREATE UNIQUE INDEX audit_event_by_merge_key ON audit_event (merge_key) WHERE merge_key IS NOT NULL;

PRAGMA user_version = 1; -- in the same transaction: says after a crash whether this migration was done
