-- Sessions of browsers: one record for the two cookies of a log-in. One that has ended keeps its digests, for the audit log
-- to know a late cookie by, until the record is deleted some time after expires_at.

CREATE TABLE browser_session (
    id             BLOB    PRIMARY KEY CHECK (length(id) = 16),
    user_id        BLOB    NOT NULL REFERENCES user (id),
    pepper         INTEGER NOT NULL,
    console_digest BLOB    NOT NULL CHECK (length(console_digest) = 32),
    api_digest     BLOB    NOT NULL CHECK (length(api_digest) = 32),
    created_at     INTEGER NOT NULL,
    last_used_at   INTEGER NOT NULL,
    last_used_ip   TEXT,
    expires_at     INTEGER NOT NULL,
    ended_at       INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX browser_session_by_console_digest ON browser_session (pepper, console_digest);
CREATE UNIQUE INDEX browser_session_by_api_digest ON browser_session (pepper, api_digest);
CREATE INDEX browser_session_by_user ON browser_session (user_id);
CREATE INDEX browser_session_by_expires_at ON browser_session (expires_at);

PRAGMA user_version = 2;
