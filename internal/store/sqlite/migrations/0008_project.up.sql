-- Projects, whose sealed tokens come in the query, and their token sets.

CREATE TABLE project (
    id                 BLOB    PRIMARY KEY CHECK (length(id) = 16),
    number             INTEGER NOT NULL CHECK (number BETWEEN 1 AND 2147483647),
    name               TEXT    NOT NULL,
    name_key           TEXT    NOT NULL CHECK (name_key <> ''),
    security_context   TEXT    NOT NULL,
    context_required   INTEGER NOT NULL CHECK (context_required IN (0, 1)),
    token_required     INTEGER NOT NULL CHECK (token_required IN (0, 1)),
    app_keys           BLOB,                                              -- under the master key; NULL where there are none
    app_key_count      INTEGER NOT NULL CHECK (app_key_count >= 0),
    allowed_ips        TEXT    NOT NULL,                                  -- prefixes divided by commas; empty for all
    max_age            INTEGER NOT NULL CHECK (max_age > 0),              -- of a token, in seconds
    create_users       INTEGER NOT NULL CHECK (create_users IN (0, 1)),
    new_user_roles     TEXT    NOT NULL,                                  -- divided by commas
    service_account_id BLOB    NOT NULL REFERENCES user (id),
    version            INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    deleted_at         INTEGER,
    CHECK ((app_keys IS NULL) = (app_key_count = 0))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX project_by_number ON project (number) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX project_by_name ON project (name_key) WHERE deleted_at IS NULL;

CREATE TABLE token_set (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    project_id   BLOB    NOT NULL REFERENCES project (id),
    name         TEXT    NOT NULL,
    name_key     TEXT    NOT NULL CHECK (name_key <> ''),
    active       INTEGER NOT NULL CHECK (active IN (0, 1)),
    mode         TEXT    NOT NULL CHECK (mode <> ''),
    key_size     INTEGER NOT NULL CHECK (key_size IN (128, 192, 256)),
    padding      TEXT    NOT NULL,
    iv           TEXT    NOT NULL,
    iv_expansion TEXT    NOT NULL,
    derivation   TEXT    NOT NULL CHECK (derivation <> ''),
    salt         TEXT    NOT NULL,
    hash         TEXT    NOT NULL,
    iterations   INTEGER NOT NULL CHECK (iterations >= 0),
    wrapped      BLOB,             -- the text of the key, under the master key; NULL once the set is deleted
    one_time     INTEGER NOT NULL CHECK (one_time IN (0, 1)),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    last_used_ip TEXT,
    deleted_at   INTEGER,
    CHECK ((wrapped IS NULL) = (deleted_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX token_set_by_name ON token_set (project_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX token_set_by_project ON token_set (project_id, id);

ALTER TABLE service ADD COLUMN project_id BLOB REFERENCES project (id);         -- whose sealed tokens count; NULL for none
ALTER TABLE browser_session ADD COLUMN project_id BLOB REFERENCES project (id); -- by whose tokens it was begun; NULL where a person logged in
CREATE INDEX browser_session_by_project ON browser_session (project_id) WHERE project_id IS NOT NULL AND ended_at IS NULL;

-- How an application describes a user that its tokens have made.
ALTER TABLE user ADD COLUMN external_profile TEXT NOT NULL DEFAULT '';
ALTER TABLE user ADD COLUMN external_id TEXT NOT NULL DEFAULT '';
ALTER TABLE user ADD COLUMN external_ref TEXT NOT NULL DEFAULT '';
ALTER TABLE user ADD COLUMN external_data TEXT NOT NULL DEFAULT '';
ALTER TABLE user ADD COLUMN external_flags INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 8;
