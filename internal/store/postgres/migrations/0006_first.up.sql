-- The first schema here is the sixth of SQLite, with the same tables and columns: see ../../sqlite/migrations for what they
-- are for. Times are microseconds since 1970 in UTC. Texts are compared byte by byte, whatever the database's locale, so
-- that lists and their cursors have one order in both stores.

CREATE TABLE store (
    "only"         bigint PRIMARY KEY CHECK ("only" = 1),
    instance       uuid   NOT NULL,
    epoch          bigint NOT NULL,
    revision       bigint NOT NULL,
    master_check   bytea,
    created_at     bigint NOT NULL,
    issuer         text   COLLATE "C" NOT NULL DEFAULT '',
    mark           bigint NOT NULL DEFAULT 0,
    horizon        bigint NOT NULL DEFAULT 0,
    closed         text   COLLATE "C" NOT NULL DEFAULT '',
    reach_epoch    bigint NOT NULL DEFAULT 0,
    reach_revision bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50); -- its row is written with every change: room for versions of it in its one page

-- Revisions follow each other without a gap, so that a node sees from the oldest row kept whether it missed one.
CREATE TABLE change (
    revision bigint  PRIMARY KEY,
    epoch    bigint  NOT NULL,
    at       bigint  NOT NULL,
    kind     text    COLLATE "C" NOT NULL,
    id       uuid    NOT NULL,
    mark     bigint  NOT NULL DEFAULT 0,
    gone     boolean NOT NULL DEFAULT false
);

CREATE TABLE pepper (
    version    bigint PRIMARY KEY CHECK (version > 0),
    wrapped    bytea  NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE "user" (
    id           uuid   PRIMARY KEY,
    kind         text   COLLATE "C" NOT NULL CHECK (kind IN ('person', 'service')),
    username     text   COLLATE "C" NOT NULL,
    username_key text   COLLATE "C" NOT NULL CHECK (username_key <> ''),
    email        text   COLLATE "C" NOT NULL,
    email_key    text   COLLATE "C" CHECK (email_key <> ''),
    display_name text   COLLATE "C" NOT NULL,
    state        text   COLLATE "C" NOT NULL CHECK (state IN ('active', 'blocked', 'suspended')),
    password     text   COLLATE "C" CHECK (password <> ''),
    version      bigint NOT NULL,
    created_at   bigint NOT NULL,
    updated_at   bigint NOT NULL,
    deleted_at   bigint,
    CHECK (deleted_at IS NULL OR (password IS NULL AND email_key IS NULL))
);
CREATE UNIQUE INDEX user_by_username ON "user" (username_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX user_by_email ON "user" (email_key) WHERE deleted_at IS NULL;

CREATE TABLE user_role (
    user_id uuid NOT NULL REFERENCES "user" (id),
    role    text COLLATE "C" NOT NULL CHECK (role <> '' AND strpos(role, ',') = 0),
    PRIMARY KEY (user_id, role)
);
CREATE INDEX user_role_by_role ON user_role (role);

-- Its primary key is its user: two tokens at once are impossible.
CREATE TABLE personal_token (
    user_id       uuid   PRIMARY KEY REFERENCES "user" (id),
    pepper        bigint,
    digest        bytea  CHECK (octet_length(digest) = 32),
    former_pepper bigint,
    former_digest bytea  CHECK (octet_length(former_digest) = 32),
    created_at    bigint NOT NULL,
    last_used_at  bigint,
    last_used_ip  text   COLLATE "C",
    revoked_at    bigint,
    CHECK ((digest IS NULL) = (pepper IS NULL)),
    CHECK ((digest IS NULL) = (revoked_at IS NOT NULL)),
    CHECK ((former_digest IS NULL) = (former_pepper IS NULL))
);
CREATE UNIQUE INDEX personal_token_by_digest ON personal_token (pepper, digest) WHERE digest IS NOT NULL;
CREATE INDEX personal_token_by_former_digest ON personal_token (former_pepper, former_digest) WHERE former_digest IS NOT NULL;

-- From where a user's right password came.
CREATE TABLE password_address (
    user_id uuid   NOT NULL REFERENCES "user" (id),
    address text   COLLATE "C" NOT NULL CHECK (address <> ''),
    last_at bigint NOT NULL,
    PRIMARY KEY (user_id, address)
);
CREATE INDEX password_address_by_last_at ON password_address (last_at);

CREATE TABLE browser_session (
    id             uuid   PRIMARY KEY,
    user_id        uuid   NOT NULL REFERENCES "user" (id),
    pepper         bigint NOT NULL,
    console_digest bytea  NOT NULL CHECK (octet_length(console_digest) = 32),
    api_digest     bytea  NOT NULL CHECK (octet_length(api_digest) = 32),
    created_at     bigint NOT NULL,
    last_used_at   bigint NOT NULL,
    last_used_ip   text   COLLATE "C",
    expires_at     bigint NOT NULL,
    ended_at       bigint
);
CREATE UNIQUE INDEX browser_session_by_console_digest ON browser_session (pepper, console_digest);
CREATE UNIQUE INDEX browser_session_by_api_digest ON browser_session (pepper, api_digest);
CREATE INDEX browser_session_by_user ON browser_session (user_id);
CREATE INDEX browser_session_by_expires_at ON browser_session (expires_at);

-- The private part goes when the key is revoked; the row stays, so that a kid is never used again.
CREATE TABLE signing_key (
    kid        text   COLLATE "C" PRIMARY KEY CHECK (octet_length(kid) = 22),
    purpose    text   COLLATE "C" NOT NULL CHECK (purpose <> ''),
    algorithm  text   COLLATE "C" NOT NULL CHECK (algorithm <> ''),
    wrapped    bytea,
    created_at bigint NOT NULL,
    retired_at bigint,
    revoked_at bigint,
    CHECK ((wrapped IS NULL) = (revoked_at IS NOT NULL))
);
-- Two active keys of a purpose at once are impossible.
CREATE UNIQUE INDEX signing_key_by_active_purpose ON signing_key (purpose) WHERE retired_at IS NULL AND revoked_at IS NULL;

-- Scopes are divided by spaces; NULL is a token that isn't narrowed, and an empty text one that is narrowed to none.
-- Addresses are networks, divided by spaces; none for all.
CREATE TABLE api_token (
    id           uuid    PRIMARY KEY,
    user_id      uuid    NOT NULL REFERENCES "user" (id),
    name         text    COLLATE "C" NOT NULL,
    name_key     text    COLLATE "C" NOT NULL CHECK (name_key <> ''),
    kid          text    COLLATE "C" NOT NULL REFERENCES signing_key (kid),
    enabled      boolean NOT NULL,
    scopes       text    COLLATE "C",
    allowed_ips  text    COLLATE "C" NOT NULL,
    rate_calls   bigint  NOT NULL CHECK (rate_calls >= 0),
    rate_seconds bigint  NOT NULL CHECK ((rate_seconds > 0) = (rate_calls > 0)),
    version      bigint  NOT NULL,
    created_at   bigint  NOT NULL,
    updated_at   bigint  NOT NULL,
    expires_at   bigint,
    last_used_at bigint,
    last_used_ip text    COLLATE "C",
    deleted_at   bigint
);
CREATE UNIQUE INDEX api_token_by_name ON api_token (name_key) WHERE deleted_at IS NULL;
CREATE INDEX api_token_by_user ON api_token (user_id);
CREATE INDEX api_token_by_expires_at ON api_token (expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;

-- Access tokens have no record. Those that were taken back before their end have this one until some time after it.
CREATE TABLE revoked_access_token (
    id         uuid   PRIMARY KEY,
    expires_at bigint NOT NULL
);
CREATE INDEX revoked_access_token_by_expires_at ON revoked_access_token (expires_at);

-- A deleted secret keeps its digest, for the audit log to know a late use by; a deleted user's keeps nothing.
CREATE TABLE client_secret (
    id           uuid   PRIMARY KEY,
    user_id      uuid   NOT NULL REFERENCES "user" (id),
    pepper       bigint,
    digest       bytea  CHECK (octet_length(digest) = 32),
    created_at   bigint NOT NULL,
    last_used_at bigint,
    last_used_ip text   COLLATE "C",
    deleted_at   bigint,
    CHECK ((digest IS NULL) = (pepper IS NULL)),
    CHECK (digest IS NOT NULL OR deleted_at IS NOT NULL)
);
CREATE UNIQUE INDEX client_secret_by_digest ON client_secret (pepper, digest) WHERE digest IS NOT NULL;
CREATE INDEX client_secret_by_user ON client_secret (user_id);

CREATE TABLE client_key (
    id           uuid   PRIMARY KEY,
    user_id      uuid   NOT NULL REFERENCES "user" (id),
    algorithm    text   COLLATE "C" NOT NULL,
    public_key   text   COLLATE "C" NOT NULL, -- PEM, or empty
    jwks_uri     text   COLLATE "C" NOT NULL, -- where the keys are, or empty
    created_at   bigint NOT NULL,
    last_used_at bigint,
    last_used_ip text   COLLATE "C",
    deleted_at   bigint,
    CHECK ((public_key = '') <> (jwks_uri = '')),
    CHECK ((public_key = '') = (algorithm = ''))
);
CREATE INDEX client_key_by_user ON client_key (user_id);

CREATE TABLE used_assertion (
    digest     bytea  PRIMARY KEY CHECK (octet_length(digest) = 32),
    expires_at bigint NOT NULL
);
CREATE INDEX used_assertion_by_expires_at ON used_assertion (expires_at);

CREATE TABLE service (
    id                uuid    PRIMARY KEY,
    name              text    COLLATE "C" NOT NULL CHECK (name <> ''),
    host              text    COLLATE "C" NOT NULL,
    path_prefix       text    COLLATE "C" NOT NULL,
    default_verdict   text    COLLATE "C" NOT NULL CHECK (default_verdict IN ('deny', 'authenticated')),
    allow_in_path     text    COLLATE "C" NOT NULL,
    version           bigint  NOT NULL,
    created_at        bigint  NOT NULL,
    updated_at        bigint  NOT NULL,
    deleted_at        bigint,
    accept_api_tokens boolean NOT NULL DEFAULT false,
    suspended         boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX service_by_name ON service (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX service_by_address ON service (host, path_prefix) WHERE deleted_at IS NULL;

CREATE TABLE service_verifier (
    service_id uuid NOT NULL REFERENCES service (id),
    user_id    uuid NOT NULL REFERENCES "user" (id),
    PRIMARY KEY (service_id, user_id)
);

CREATE TABLE operation (
    service_id uuid   NOT NULL REFERENCES service (id),
    position   bigint NOT NULL, -- in the list as it was given
    pattern    text   COLLATE "C" NOT NULL,
    scope      text   COLLATE "C" NOT NULL,
    PRIMARY KEY (service_id, position)
);

CREATE TABLE operation_audience (
    service_id uuid   NOT NULL,
    operation  bigint NOT NULL,
    position   bigint NOT NULL,
    kind       text   COLLATE "C" NOT NULL CHECK (kind IN ('user', 'role', 'self')),
    user_id    uuid   REFERENCES "user" (id),
    name       text   COLLATE "C" NOT NULL,
    PRIMARY KEY (service_id, operation, position),
    FOREIGN KEY (service_id, operation) REFERENCES operation (service_id, position) ON DELETE CASCADE,
    CHECK ((kind = 'user') = (user_id IS NOT NULL))
);

-- Numbers are drawn and never given back: a cursor never meets a new event under the number of one that was pruned.
CREATE TABLE audit_event (
    seq                   bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    id                    uuid   NOT NULL,
    at                    bigint NOT NULL,
    action                text   COLLATE "C" NOT NULL,
    actor_id              uuid,
    actor_name            text   COLLATE "C" NOT NULL,
    actor_credential_kind text   COLLATE "C" NOT NULL,
    actor_credential_id   uuid,
    actor_address         text   COLLATE "C" NOT NULL,
    target_kind           text   COLLATE "C" NOT NULL,
    target_id             uuid,
    target_name           text   COLLATE "C" NOT NULL,
    reason                text   COLLATE "C" NOT NULL,
    door                  text   COLLATE "C" NOT NULL,
    count                 bigint NOT NULL,
    last_at               bigint,
    merge_key             text   COLLATE "C",
    detail                text   COLLATE "C" -- a JSON object of strings
);
-- Each of these ends in seq, which is the order in which events are listed.
CREATE INDEX audit_event_by_at ON audit_event (at, seq);
CREATE INDEX audit_event_by_action ON audit_event (action, seq);
CREATE INDEX audit_event_by_reason ON audit_event (reason, seq) WHERE reason <> '';
CREATE INDEX audit_event_by_actor ON audit_event (actor_id, seq) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_event_by_target ON audit_event (target_id, seq) WHERE target_id IS NOT NULL;
CREATE UNIQUE INDEX audit_event_by_merge_key ON audit_event (merge_key) WHERE merge_key IS NOT NULL;

-- Room that is kept free for revoking while the disk is full. It isn't among SQLite's tables, which has a file for it. Its
-- columns are of fixed length, so that there is neither a TOAST table nor an index: an empty index has a page, for which there
-- would be no room when the table is to be emptied.
CREATE UNLOGGED TABLE reserve (
    a name NOT NULL, b name NOT NULL, c name NOT NULL, d name NOT NULL,
    e name NOT NULL, f name NOT NULL, g name NOT NULL, h name NOT NULL
);

UPDATE schema_migrations SET dirty = false; -- in the same transaction: says after a crash whether this migration was done
