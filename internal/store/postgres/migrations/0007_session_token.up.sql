-- Session tokens, and the platforms whose assertions get them.

CREATE TABLE platform (
    id             uuid    PRIMARY KEY,
    code           text    COLLATE "C" NOT NULL CHECK (length(code) = 8),
    name           text    COLLATE "C" NOT NULL,
    name_key       text    COLLATE "C" NOT NULL CHECK (name_key <> ''),
    algorithm      text    COLLATE "C" NOT NULL CHECK (algorithm <> ''),
    issuer         text    COLLATE "C" NOT NULL,
    audience       text    COLLATE "C" NOT NULL,
    speaks_for     text    COLLATE "C" NOT NULL,
    administrators boolean NOT NULL,
    create_users   boolean NOT NULL,
    new_user_roles text    COLLATE "C" NOT NULL,
    max_life       bigint  NOT NULL CHECK (max_life > 0),
    one_time       boolean NOT NULL,
    enabled        boolean NOT NULL,
    version        bigint  NOT NULL,
    created_at     bigint  NOT NULL,
    updated_at     bigint  NOT NULL,
    last_used_at   bigint,
    last_used_ip   text    COLLATE "C",
    deleted_at     bigint
);
CREATE UNIQUE INDEX platform_by_code ON platform (code);
CREATE UNIQUE INDEX platform_by_name ON platform (name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX platform_by_issuer ON platform (issuer) WHERE issuer <> '' AND deleted_at IS NULL;

CREATE TABLE platform_key (
    id           uuid   PRIMARY KEY,
    platform_id  uuid   NOT NULL REFERENCES platform (id),
    algorithm    text   COLLATE "C" NOT NULL CHECK (algorithm <> ''),
    kid          text   COLLATE "C" NOT NULL,
    public_key   text   COLLATE "C" NOT NULL,
    jwks_uri     text   COLLATE "C" NOT NULL,
    wrapped      bytea,
    created_at   bigint NOT NULL,
    last_used_at bigint,
    last_used_ip text   COLLATE "C",
    deleted_at   bigint,
    CHECK ((public_key <> '')::int + (jwks_uri <> '')::int + (wrapped IS NOT NULL)::int = 1 OR (deleted_at IS NOT NULL AND public_key = '' AND jwks_uri = '' AND wrapped IS NULL))
);
CREATE INDEX platform_key_by_platform ON platform_key (platform_id);
CREATE UNIQUE INDEX platform_key_by_public_key ON platform_key (public_key) WHERE public_key <> '' AND deleted_at IS NULL;

CREATE TABLE session_token (
    id           uuid   PRIMARY KEY,
    user_id      uuid   NOT NULL REFERENCES "user" (id),
    platform_id  uuid   REFERENCES platform (id),
    pepper       bigint NOT NULL,
    digest       bytea  NOT NULL CHECK (octet_length(digest) = 32),
    created_at   bigint NOT NULL,
    last_used_at bigint,
    last_used_ip text   COLLATE "C",
    expires_at   bigint NOT NULL,
    ended_at     bigint
);
CREATE UNIQUE INDEX session_token_by_digest ON session_token (pepper, digest);
CREATE INDEX session_token_by_user ON session_token (user_id, id);
CREATE INDEX session_token_by_platform ON session_token (platform_id) WHERE platform_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX session_token_by_expires_at ON session_token (expires_at);

UPDATE schema_migrations SET dirty = false;
