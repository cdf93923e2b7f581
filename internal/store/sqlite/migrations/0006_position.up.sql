-- How a node sees that the database has gone back: each revision has a mark, drawn at random, which another history doesn't
-- share. A change says whether its record is gone for good, so that a backup from before doesn't bring it back.

ALTER TABLE store ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;          -- of the revision; 0 where it isn't known
ALTER TABLE store ADD COLUMN horizon INTEGER NOT NULL DEFAULT 0;       -- up to when records may be deleted for their age
ALTER TABLE store ADD COLUMN closed TEXT NOT NULL DEFAULT '';          -- why nobody may use the database any more
ALTER TABLE store ADD COLUMN reach_epoch INTEGER NOT NULL DEFAULT 0;   -- up to where the last restore knew what was taken away
ALTER TABLE store ADD COLUMN reach_revision INTEGER NOT NULL DEFAULT 0; -- the largest number there is where it suspended everybody
ALTER TABLE change ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
ALTER TABLE change ADD COLUMN gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1));

-- So may a service: it was changed since, and who may call what is as before.
ALTER TABLE service ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1));

-- A user may also be suspended: after a restore, until somebody has looked. SQLite changes a CHECK by making the table anew.
CREATE TABLE user_anew (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    kind         TEXT    NOT NULL CHECK (kind IN ('person', 'service')),
    username     TEXT    NOT NULL,
    username_key TEXT    NOT NULL CHECK (username_key <> ''),
    email        TEXT    NOT NULL,
    email_key    TEXT    CHECK (email_key <> ''),
    display_name TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('active', 'blocked', 'suspended')),
    password     TEXT    CHECK (password <> ''),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    deleted_at   INTEGER,
    CHECK (deleted_at IS NULL OR (password IS NULL AND email_key IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO user_anew (id, kind, username, username_key, email, email_key, display_name, state, password, version, created_at, updated_at, deleted_at)
SELECT id, kind, username, username_key, email, email_key, display_name, state, password, version, created_at, updated_at, deleted_at FROM user;
DROP TABLE user;
ALTER TABLE user_anew RENAME TO user;
CREATE UNIQUE INDEX user_by_username ON user (username_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX user_by_email ON user (email_key) WHERE deleted_at IS NULL;

PRAGMA user_version = 6;
