-- Links that are sent to people, and up to where people were told of what concerns them.

CREATE TABLE link (
    user_id    BLOB    NOT NULL REFERENCES user (id),
    purpose    TEXT    NOT NULL CHECK (purpose IN ('invitation', 'login')),
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    pepper     INTEGER NOT NULL,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    ended_at   INTEGER,           -- by a change of its user
    PRIMARY KEY (user_id, purpose)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX link_by_id ON link (id);
CREATE UNIQUE INDEX link_by_digest ON link (pepper, digest);
CREATE INDEX link_by_expires_at ON link (expires_at);

CREATE TABLE told (
    name     TEXT    PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 12;
