-- Second factors: what a person shows beside the password to log in to the console.

CREATE TABLE authenticator (
    user_id    BLOB    PRIMARY KEY REFERENCES user (id),
    wrapped    BLOB    NOT NULL CHECK (length(wrapped) > 0), -- the secret shared with the app, under the master key
    last_step  INTEGER NOT NULL,                             -- the last one of which a code has counted
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE passkey (
    id              BLOB    PRIMARY KEY CHECK (length(id) = 16),
    user_id         BLOB    NOT NULL REFERENCES user (id),
    name            TEXT    NOT NULL CHECK (name <> ''),
    credential_id   BLOB    NOT NULL CHECK (length(credential_id) > 0), -- by which the browser knows it
    public_key      BLOB    NOT NULL CHECK (length(public_key) > 0),    -- in COSE (RFC 9052)
    sign_count      INTEGER NOT NULL CHECK (sign_count >= 0),
    backup_eligible INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
    transports      TEXT    NOT NULL,                                   -- divided by commas
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX passkey_by_credential ON passkey (credential_id);
CREATE INDEX passkey_by_user ON passkey (user_id, id);

CREATE TABLE recovery_code (
    user_id BLOB    NOT NULL REFERENCES user (id),
    pepper  INTEGER NOT NULL,
    digest  BLOB    NOT NULL CHECK (length(digest) = 32),
    used_at INTEGER,
    PRIMARY KEY (user_id, pepper, digest)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 10;
