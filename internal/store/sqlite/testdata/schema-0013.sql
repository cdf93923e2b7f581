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
CREATE TABLE authenticator (
    user_id    BLOB    PRIMARY KEY REFERENCES user (id),
    wrapped    BLOB    NOT NULL CHECK (length(wrapped) > 0), -- the secret shared with the app, under the master key
    last_step  INTEGER NOT NULL,                             -- the last one of which a code has counted
    created_at INTEGER NOT NULL
, guesses_free_at INTEGER) STRICT, WITHOUT ROWID;
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
, project_id BLOB REFERENCES project (id)) STRICT, WITHOUT ROWID;
CREATE TABLE change (
    revision INTEGER PRIMARY KEY,
    epoch    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    id       BLOB    NOT NULL CHECK (length(id) = 16)
, mark INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1))) STRICT;
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
CREATE TABLE password_address (
    user_id BLOB    NOT NULL REFERENCES user (id),
    address TEXT    NOT NULL CHECK (address <> ''),
    last_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, address)
) STRICT, WITHOUT ROWID;
CREATE TABLE pepper (
    version    INTEGER PRIMARY KEY CHECK (version > 0),
    wrapped    BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
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
CREATE TABLE recovery_code (
    user_id BLOB    NOT NULL REFERENCES user (id),
    pepper  INTEGER NOT NULL,
    digest  BLOB    NOT NULL CHECK (length(digest) = 32),
    used_at INTEGER,
    PRIMARY KEY (user_id, pepper, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE revoked_access_token (
    id         BLOB    PRIMARY KEY CHECK (length(id) = 16),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE schema_migrations (version uint64,dirty bool);
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
, accept_api_tokens INTEGER NOT NULL DEFAULT 0 CHECK (accept_api_tokens IN (0, 1)), suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1)), project_id BLOB REFERENCES project (id), upstream TEXT NOT NULL DEFAULT '', profile TEXT NOT NULL DEFAULT '', forward_query_tokens INTEGER NOT NULL DEFAULT 0 CHECK (forward_query_tokens IN (0, 1)), identity_token INTEGER NOT NULL DEFAULT 0 CHECK (identity_token IN (0, 1)), rate_calls INTEGER NOT NULL DEFAULT 0 CHECK (rate_calls >= 0), rate_seconds INTEGER NOT NULL DEFAULT 0 CHECK (rate_seconds >= 0)) STRICT, WITHOUT ROWID;
CREATE TABLE service_verifier (
    service_id BLOB NOT NULL REFERENCES service (id),
    user_id    BLOB NOT NULL REFERENCES user (id),
    PRIMARY KEY (service_id, user_id)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE store (
    only         INTEGER PRIMARY KEY CHECK (only = 1),
    instance     BLOB    NOT NULL CHECK (length(instance) = 16),
    epoch        INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    master_check BLOB,
    created_at   INTEGER NOT NULL
, issuer TEXT NOT NULL DEFAULT '', mark INTEGER NOT NULL DEFAULT 0, horizon INTEGER NOT NULL DEFAULT 0, closed TEXT NOT NULL DEFAULT '', reach_epoch INTEGER NOT NULL DEFAULT 0, reach_revision INTEGER NOT NULL DEFAULT 0) STRICT;
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
CREATE TABLE told (
    name     TEXT    PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE used_assertion (
    digest     BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE "user" (
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
    deleted_at   INTEGER, external_profile TEXT NOT NULL DEFAULT '', external_id TEXT NOT NULL DEFAULT '', external_ref TEXT NOT NULL DEFAULT '', external_data TEXT NOT NULL DEFAULT '', external_flags INTEGER NOT NULL DEFAULT 0,
    CHECK (deleted_at IS NULL OR (password IS NULL AND email_key IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE user_role (
    user_id BLOB NOT NULL REFERENCES user (id),
    role    TEXT NOT NULL CHECK (role <> '' AND instr(role, ',') = 0), -- roles are read joined by commas
    PRIMARY KEY (user_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_token_by_end ON api_token (coalesce(expires_at, 9223372036854775807), id, enabled, name_key, deleted_at) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX api_token_by_name ON api_token (name_key) WHERE deleted_at IS NULL;
CREATE INDEX api_token_by_state ON api_token (enabled, name_key) WHERE deleted_at IS NULL;
CREATE INDEX api_token_by_user ON api_token (user_id, name_key);
CREATE INDEX audit_event_by_action ON audit_event (action);
CREATE INDEX audit_event_by_actor ON audit_event (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_event_by_at ON audit_event (at);
CREATE UNIQUE INDEX audit_event_by_merge_key ON audit_event (merge_key) WHERE merge_key IS NOT NULL;
CREATE INDEX audit_event_by_reason ON audit_event (reason) WHERE reason <> '';
CREATE INDEX audit_event_by_target ON audit_event (target_id) WHERE target_id IS NOT NULL;
CREATE UNIQUE INDEX browser_session_by_api_digest ON browser_session (pepper, api_digest);
CREATE UNIQUE INDEX browser_session_by_console_digest ON browser_session (pepper, console_digest);
CREATE INDEX browser_session_by_expires_at ON browser_session (expires_at);
CREATE INDEX browser_session_by_project ON browser_session (project_id) WHERE project_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX browser_session_by_user ON browser_session (user_id);
CREATE INDEX client_key_by_user ON client_key (user_id);
CREATE UNIQUE INDEX client_secret_by_digest ON client_secret (pepper, digest) WHERE digest IS NOT NULL;
CREATE INDEX client_secret_by_user ON client_secret (user_id);
CREATE UNIQUE INDEX link_by_digest ON link (pepper, digest);
CREATE INDEX link_by_expires_at ON link (expires_at);
CREATE UNIQUE INDEX link_by_id ON link (id);
CREATE UNIQUE INDEX passkey_by_credential ON passkey (credential_id);
CREATE INDEX passkey_by_user ON passkey (user_id, id);
CREATE INDEX password_address_by_last_at ON password_address (last_at);
CREATE UNIQUE INDEX personal_token_by_digest ON personal_token (pepper, digest) WHERE digest IS NOT NULL;
CREATE INDEX personal_token_by_former_digest ON personal_token (former_pepper, former_digest) WHERE former_digest IS NOT NULL;
CREATE UNIQUE INDEX platform_by_code ON platform (code);
CREATE UNIQUE INDEX platform_by_issuer ON platform (issuer) WHERE issuer <> '' AND deleted_at IS NULL;
CREATE UNIQUE INDEX platform_by_name ON platform (name_key) WHERE deleted_at IS NULL;
CREATE INDEX platform_key_by_platform ON platform_key (platform_id);
CREATE UNIQUE INDEX platform_key_by_public_key ON platform_key (public_key) WHERE public_key <> '' AND deleted_at IS NULL;
CREATE UNIQUE INDEX project_by_name ON project (name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX project_by_number ON project (number) WHERE deleted_at IS NULL;
CREATE INDEX revoked_access_token_by_expires_at ON revoked_access_token (expires_at);
CREATE UNIQUE INDEX service_by_address ON service (host, path_prefix) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX service_by_name ON service (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX session_token_by_digest ON session_token (pepper, digest);
CREATE INDEX session_token_by_expires_at ON session_token (expires_at);
CREATE INDEX session_token_by_platform ON session_token (platform_id) WHERE platform_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX session_token_by_user ON session_token (user_id, id);
CREATE UNIQUE INDEX signing_key_by_active_purpose ON signing_key (purpose) WHERE retired_at IS NULL AND revoked_at IS NULL;
CREATE UNIQUE INDEX token_set_by_name ON token_set (project_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX token_set_by_project ON token_set (project_id, id);
CREATE INDEX used_assertion_by_expires_at ON used_assertion (expires_at);
CREATE UNIQUE INDEX user_by_email ON user (email_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX user_by_username ON user (username_key) WHERE deleted_at IS NULL;
CREATE INDEX user_role_by_role ON user_role (role);
CREATE UNIQUE INDEX version_unique ON schema_migrations (version);
INSERT INTO api_token VALUES (X'01000000000070008000000000000028', X'01000000000070008000000000000004', 'Token 0', 'token 0', '0000000000000000000001', 1, 'a b', '192.0.2.0/24 2001:db8::1/128', 6, 60, 1, 1793534400000000, 1793534400000000, 1793538000000000, 1793534460000000, '192.0.2.4', NULL);
INSERT INTO api_token VALUES (X'01000000000070008000000000000029', X'01000000000070008000000000000004', 'Token 1', 'token 1', '0000000000000000000001', 1, 'a b', '192.0.2.0/24 2001:db8::1/128', 6, 60, 2, 1793534400000000, 1793534400000000, 1793538000000000, NULL, NULL, 1793534400000000);
INSERT INTO audit_event VALUES (1, X'0100000000007000800000000000000B', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000000B', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (2, X'0100000000007000800000000000000C', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000000C', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (3, X'0100000000007000800000000000000D', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000000D', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (4, X'0100000000007000800000000000000E', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000000E', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (5, X'0100000000007000800000000000000F', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000000F', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (6, X'01000000000070008000000000000010', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000010', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (7, X'01000000000070008000000000000011', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000011', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (8, X'01000000000070008000000000000016', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000016', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (9, X'01000000000070008000000000000017', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000017', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (10, X'01000000000070008000000000000018', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000018', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (11, X'01000000000070008000000000000012', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000012', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (12, X'01000000000070008000000000000013', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000013', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (13, X'01000000000070008000000000000015', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000015', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (14, X'01000000000070008000000000000014', 1793534400000000, 'refused', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000014', '', 'unknown', '', 1, 1793534400000000, 'key', '{"field":"value"}');
INSERT INTO audit_event VALUES (15, X'01000000000070008000000000000019', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000019', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (16, X'0100000000007000800000000000001A', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000001A', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (17, X'0100000000007000800000000000001B', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000001B', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (18, X'0100000000007000800000000000001C', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000001C', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (19, X'0100000000007000800000000000001D', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000001D', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (20, X'0100000000007000800000000000001E', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000001E', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (21, X'0100000000007000800000000000001F', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000001F', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (22, X'01000000000070008000000000000020', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000020', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (23, X'01000000000070008000000000000021', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000021', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (24, X'01000000000070008000000000000022', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000022', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (25, X'01000000000070008000000000000051', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000051', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (26, X'01000000000070008000000000000052', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000052', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (27, X'01000000000070008000000000000023', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000023', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (28, X'01000000000070008000000000000024', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000024', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (29, X'01000000000070008000000000000025', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000025', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (30, X'01000000000070008000000000000026', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000026', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (31, X'01000000000070008000000000000027', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000027', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (32, X'01000000000070008000000000000038', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000038', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (33, X'01000000000070008000000000000044', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000044', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (34, X'01000000000070008000000000000043', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000043', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (35, X'01000000000070008000000000000045', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000045', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (36, X'01000000000070008000000000000046', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000046', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (37, X'01000000000070008000000000000047', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000047', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (38, X'01000000000070008000000000000048', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000048', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (39, X'01000000000070008000000000000049', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000049', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (40, X'0100000000007000800000000000004A', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'0100000000007000800000000000004A', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (41, X'01000000000070008000000000000051', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000051', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (42, X'01000000000070008000000000000052', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000052', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (43, X'01000000000070008000000000000054', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000054', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO audit_event VALUES (44, X'01000000000070008000000000000055', 1793534400000000, 'user.update', X'01000000000070008000000000000001', 'root', '', NULL, '', 'user', X'01000000000070008000000000000055', '', '', '', 1, NULL, NULL, '{"field":"value"}');
INSERT INTO authenticator VALUES (X'01000000000070008000000000000050', X'756E6D697374616B61626C6520736563726574206F6620616E20617070', 59000000, 1793534400000000, 1793538000000000);
INSERT INTO browser_session VALUES (X'0100000000007000800000000000001E', X'01000000000070008000000000000002', 1, X'0100000000000000000000000000000000000000000000000000000000000002', X'0100000000000000000000000000000000000000000000000000000000000003', 1793534400000000, 1793534400000000, '192.0.2.2', 1793577600000000, 1793534400000000, NULL);
INSERT INTO browser_session VALUES (X'0100000000007000800000000000001F', X'01000000000070008000000000000002', 1, X'0200000000000000000000000000000000000000000000000000000000000002', X'0200000000000000000000000000000000000000000000000000000000000003', 1793534400000000, 1793534460000000, NULL, 1793577600000000, NULL, NULL);
INSERT INTO browser_session VALUES (X'01000000000070008000000000000042', X'0100000000007000800000000000003F', 1, X'0400000000000000000000000000000000000000000000000000000000000002', X'0400000000000000000000000000000000000000000000000000000000000003', 1793534400000000, 1793534400000000, NULL, 1793577600000000, NULL, X'0100000000007000800000000000003C');
INSERT INTO change VALUES (1, 1, 1793534400000000, 'pepper', X'00000000000000000000000000000001', 6207352401526103727, 0);
INSERT INTO change VALUES (2, 1, 1793534400000000, 'personal_token', X'01000000000070008000000000000002', 3598123706971440495, 0);
INSERT INTO change VALUES (3, 1, 1793534400000000, 'browser_session', X'0100000000007000800000000000001E', -1724608505034783467, 0);
INSERT INTO change VALUES (4, 1, 1793534400000000, 'user', X'01000000000070008000000000000003', 165526582513706057, 0);
INSERT INTO change VALUES (5, 1, 1793534400000000, 'service', X'0100000000007000800000000000000A', -5531975972633207311, 0);
INSERT INTO change VALUES (6, 1, 1793534400000000, 'service', X'0100000000007000800000000000000A', -5789578124027897785, 0);
INSERT INTO change VALUES (7, 1, 1793534400000000, 'signing_key', X'19A749B7C6C2C9EE07266FA30F6FF701', -1481774738092994445, 0);
INSERT INTO change VALUES (8, 1, 1793534400000000, 'signing_key', X'D81FB8304269DC5EFB759BF4541F947A', -4692795968737724721, 0);
INSERT INTO change VALUES (9, 1, 1793534400000000, 'revoked_key', X'D81FB8304269DC5EFB759BF4541F947A', 7464110528846988415, 0);
INSERT INTO change VALUES (10, 1, 1793534400000000, 'api_token', X'01000000000070008000000000000029', 5520370738040182773, 0);
INSERT INTO change VALUES (11, 1, 1793534400000000, 'api_token', X'01000000000070008000000000000028', 9033999005969128007, 0);
INSERT INTO change VALUES (12, 1, 1793534400000000, 'platform_key', X'01000000000070008000000000000033', 4689434064413930451, 0);
INSERT INTO change VALUES (13, 1, 1793534400000000, 'session_token', X'01000000000070008000000000000037', 4448686621869186553, 0);
INSERT INTO change VALUES (14, 1, 1793534400000000, 'project', X'0100000000007000800000000000003C', 8403442068266264485, 0);
INSERT INTO change VALUES (15, 1, 1793534400000000, 'project', X'0100000000007000800000000000003C', -8317556724301418817, 0);
INSERT INTO change VALUES (16, 1, 1793534400000000, 'project', X'0100000000007000800000000000003C', 3148712679952372297, 0);
INSERT INTO change VALUES (17, 1, 1793534400000000, 'token_set', X'01000000000070008000000000000040', -3558720449599124351, 1);
INSERT INTO change VALUES (18, 1, 1793534400000000, 'project', X'0100000000007000800000000000003C', -3293643269967419279, 0);
INSERT INTO change VALUES (19, 1, 1793534400000000, 'service', X'01000000000070008000000000000041', 3993296592895370325, 0);
INSERT INTO change VALUES (20, 1, 1793534400000000, 'user', X'01000000000070008000000000000050', -5220991546667409277, 0);
INSERT INTO client_key VALUES (X'0100000000007000800000000000002C', X'01000000000070008000000000000004', 'ES256', 'PEM', '', 1793534400000000, NULL, NULL, NULL);
INSERT INTO client_secret VALUES (X'0100000000007000800000000000002B', X'01000000000070008000000000000004', 1, X'0400000000000000000000000000000000000000000000000000000000000001', 1793534400000000, NULL, NULL, NULL);
INSERT INTO link VALUES (X'01000000000070008000000000000002', 'invitation', X'01000000000070008000000000000050', 1, X'0700000000000000000000000000000000000000000000000000000000000001', 1793534400000000, 1793538000000000, 1793534400000000, NULL);
INSERT INTO operation VALUES (X'0100000000007000800000000000000A', 0, 'GET /reports/{id}', 'read');
INSERT INTO operation_audience VALUES (X'0100000000007000800000000000000A', 0, 0, 'user', X'01000000000070008000000000000002', '');
INSERT INTO operation_audience VALUES (X'0100000000007000800000000000000A', 0, 1, 'role', NULL, 'r');
INSERT INTO operation_audience VALUES (X'0100000000007000800000000000000A', 0, 2, 'self', NULL, 'id');
INSERT INTO passkey VALUES (X'01000000000070008000000000000053', X'01000000000070008000000000000050', 'Key', X'756E6D697374616B61626C6520706173736B6579', X'756E6D697374616B61626C65206B6579206F66206120706173736B6579', 8, 1, 'internal,usb', 1793534400000000, 1793534460000000);
INSERT INTO password_address VALUES (X'01000000000070008000000000000002', '192.0.2.1', 1793534400000000);
INSERT INTO pepper VALUES (1, X'0405', 1793534400000000);
INSERT INTO personal_token VALUES (X'01000000000070008000000000000002', 1, X'0200000000000000000000000000000000000000000000000000000000000001', 1, X'0100000000000000000000000000000000000000000000000000000000000001', 1793534400000000, 1793534460000000, '192.0.2.1', NULL);
INSERT INTO personal_token VALUES (X'01000000000070008000000000000003', NULL, NULL, NULL, NULL, 1793534400000000, NULL, NULL, 1793534400000000);
INSERT INTO platform VALUES (X'01000000000070008000000000000032', 'Ab3dEf7h', 'Portal', 'portal', 'RS512', 'https://portal.example', 'urn:jeton', 'role:r,user:01000000-0000-7000-8000-000000000002', 0, 1, 'r,s', 60, 1, 1, 1, 1793534400000000, 1793534400000000, NULL, NULL, NULL);
INSERT INTO platform_key VALUES (X'01000000000070008000000000000033', X'01000000000070008000000000000032', 'RS512', '', 'PEM', '', NULL, 1793534400000000, NULL, NULL, 1793534400000000);
INSERT INTO platform_key VALUES (X'01000000000070008000000000000034', X'01000000000070008000000000000032', 'HS512', 'kid', '', '', X'756E6D697374616B61626C79207772617070656400FF', 1793534401000000, NULL, NULL, NULL);
INSERT INTO project VALUES (X'0100000000007000800000000000003C', 1000, 'Shop', 'shop', 'context', 1, 0, X'756E6D697374616B61626C6520617070206B65797300FF', 2, '192.0.2.0/24,2001:db8::1/128', 60, 1, 'r,s', X'0100000000007000800000000000003D', 1, 1793534400000000, 1793534400000000, NULL);
INSERT INTO recovery_code VALUES (X'01000000000070008000000000000050', 1, X'1500000000000000000000000000000000000000000000000000000000000001', 1793534400000000);
INSERT INTO recovery_code VALUES (X'01000000000070008000000000000050', 1, X'1600000000000000000000000000000000000000000000000000000000000001', NULL);
INSERT INTO revoked_access_token VALUES (X'0100000000007000800000000000002A', 1793534460000000);
INSERT INTO schema_migrations VALUES (13, 0);
INSERT INTO service VALUES (X'0100000000007000800000000000000A', 'reports', 'api.example.com', '/', 'deny', '', 2, 1793534400000000, 1793534400000000, NULL, 0, 0, NULL, '', '', 0, 0, 0, 0);
INSERT INTO service VALUES (X'01000000000070008000000000000041', 'orders', 'api.example.com', '/orders', 'deny', '', 1, 1793534400000000, 1793534400000000, NULL, 0, 0, X'0100000000007000800000000000003C', 'http://127.0.0.1:9000', 'xdoc', 1, 1, 100, 60);
INSERT INTO service_verifier VALUES (X'0100000000007000800000000000000A', X'01000000000070008000000000000002');
INSERT INTO session_token VALUES (X'01000000000070008000000000000036', X'01000000000070008000000000000002', X'01000000000070008000000000000032', 1, X'0500000000000000000000000000000000000000000000000000000000000001', 1793534400000000, 1793534460000000, '192.0.2.5', 1793538000000000, NULL);
INSERT INTO session_token VALUES (X'01000000000070008000000000000037', X'01000000000070008000000000000002', NULL, 1, X'0600000000000000000000000000000000000000000000000000000000000001', 1793534400000000, NULL, NULL, 1793538000000000, 1793534400000000);
INSERT INTO signing_key VALUES ('0000000000000000000001', 'api_token', 'RS256', X'0106', 1793534401000000, 1793534400000000, NULL);
INSERT INTO signing_key VALUES ('0000000000000000000002', 'api_token', 'RS256', NULL, 1793534402000000, NULL, 1793534400000000);
INSERT INTO signing_key VALUES ('0000000000000000000003', 'api_token', 'RS256', X'0306', 1793534403000000, NULL, NULL);
INSERT INTO store VALUES (1, X'5C41310081F94B5B99C2188DC4D11E13', 1, 20, X'010203', 1793534400000000, '', -5220991546667409277, 0, '', 0, 0);
INSERT INTO token_set VALUES (X'0100000000007000800000000000003E', X'0100000000007000800000000000003C', 'Set', 'set', 1, 'CBC', 256, 'PKCS7', '12345678', 'utf16le', 'pbkdf2', 'saltsalt', 'SHA256', 1000, X'756E6D697374616B61626C65206B657900FF', 1, 1, 1793534400000000, 1793534400000000, 1793534460000000, '192.0.2.6', NULL);
INSERT INTO token_set VALUES (X'01000000000070008000000000000040', X'0100000000007000800000000000003C', 'Deleted', 'deleted', 1, 'CBC', 256, 'PKCS7', '12345678', 'utf16le', 'pbkdf2', 'saltsalt', 'SHA256', 1000, NULL, 1, 2, 1793534400000000, 1793534400000000, NULL, NULL, 1793534400000000);
INSERT INTO told VALUES ('events', 7);
INSERT INTO used_assertion VALUES (X'0900000000000000000000000000000000000000000000000000000000000000', 1793534460000000);
INSERT INTO user VALUES (X'01000000000070008000000000000001', 'person', 'root', 'root', 'root@Example.com', 'root@example.com', '', 'active', '$argon2id$', 1, 1793534400000000, 1793534400000000, NULL, '', '', '', '', 0);
INSERT INTO user VALUES (X'01000000000070008000000000000002', 'person', 'alice', 'alice', 'alice@Example.com', 'alice@example.com', '', 'active', NULL, 1, 1793534400000000, 1793534400000000, NULL, '', '', '', '', 0);
INSERT INTO user VALUES (X'01000000000070008000000000000003', 'person', 'dead', 'dead', '', NULL, '', 'active', NULL, 2, 1793534400000000, 1793534400000000, 1793534400000000, '', '', '', '', 0);
INSERT INTO user VALUES (X'01000000000070008000000000000004', 'service', 'batch', 'batch', 'batch@Example.com', 'batch@example.com', '', 'active', NULL, 1, 1793534400000000, 1793534400000000, NULL, '', '', '', '', 0);
INSERT INTO user VALUES (X'0100000000007000800000000000003D', 'service', 'project-1000', 'project-1000', '', NULL, '', 'active', NULL, 1, 1793534400000000, 1793534400000000, NULL, '', '', '', '', 0);
INSERT INTO user VALUES (X'0100000000007000800000000000003F', 'person', 'comer', 'comer', '', NULL, '', 'active', NULL, 1, 1793534400000000, 1793534400000000, NULL, 'profile', 'x1', 'ref', 'data', 5);
INSERT INTO user VALUES (X'01000000000070008000000000000050', 'person', 'guarded', 'guarded', 'guarded@Example.com', 'guarded@example.com', '', 'active', 'hash', 1, 1793534400000000, 1793534400000000, NULL, '', '', '', '', 0);
INSERT INTO user_role VALUES (X'01000000000070008000000000000001', 'admin');
INSERT INTO user_role VALUES (X'01000000000070008000000000000002', 'r');
PRAGMA user_version = 13;
