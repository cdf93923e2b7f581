-- Keys that sign tokens. The private part lies wrapped under the master key and goes when the key is revoked; the row
-- stays, so that a kid is never used again and the audit log can tell a revoked key from one that never was.

CREATE TABLE signing_key (
    kid        TEXT    PRIMARY KEY CHECK (length(kid) = 22),
    purpose    TEXT    NOT NULL CHECK (purpose <> ''),
    algorithm  TEXT    NOT NULL CHECK (algorithm <> ''),
    wrapped    BLOB,
    created_at INTEGER NOT NULL,
    retired_at INTEGER,
    revoked_at INTEGER,
    CHECK ((wrapped IS NULL) = (revoked_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
-- Two active keys of a purpose at once are impossible.
CREATE UNIQUE INDEX signing_key_by_active_purpose ON signing_key (purpose) WHERE retired_at IS NULL AND revoked_at IS NULL;

PRAGMA user_version = 4;
