-- Projects, whose sealed tokens come in the query, and their token sets.

CREATE TABLE project (
    id                 uuid    PRIMARY KEY,
    number             bigint  NOT NULL CHECK (number BETWEEN 1 AND 2147483647),
    name               text    COLLATE "C" NOT NULL,
    name_key           text    COLLATE "C" NOT NULL CHECK (name_key <> ''),
    security_context   text    COLLATE "C" NOT NULL,
    context_required   boolean NOT NULL,
    token_required     boolean NOT NULL,
    app_keys           bytea,
    app_key_count      bigint  NOT NULL CHECK (app_key_count >= 0),
    allowed_ips        text    COLLATE "C" NOT NULL,
    max_age            bigint  NOT NULL CHECK (max_age > 0),
    create_users       boolean NOT NULL,
    new_user_roles     text    COLLATE "C" NOT NULL,
    service_account_id uuid    NOT NULL REFERENCES "user" (id),
    version            bigint  NOT NULL,
    created_at         bigint  NOT NULL,
    updated_at         bigint  NOT NULL,
    deleted_at         bigint,
    CHECK ((app_keys IS NULL) = (app_key_count = 0))
);
CREATE UNIQUE INDEX project_by_number ON project (number) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX project_by_name ON project (name_key) WHERE deleted_at IS NULL;

CREATE TABLE token_set (
    id           uuid    PRIMARY KEY,
    project_id   uuid    NOT NULL REFERENCES project (id),
    name         text    COLLATE "C" NOT NULL,
    name_key     text    COLLATE "C" NOT NULL CHECK (name_key <> ''),
    active       boolean NOT NULL,
    mode         text    COLLATE "C" NOT NULL CHECK (mode <> ''),
    key_size     bigint  NOT NULL CHECK (key_size IN (128, 192, 256)),
    padding      text    COLLATE "C" NOT NULL,
    iv           text    COLLATE "C" NOT NULL,
    iv_expansion text    COLLATE "C" NOT NULL,
    derivation   text    COLLATE "C" NOT NULL CHECK (derivation <> ''),
    salt         text    COLLATE "C" NOT NULL,
    hash         text    COLLATE "C" NOT NULL,
    iterations   bigint  NOT NULL CHECK (iterations >= 0),
    wrapped      bytea,
    one_time     boolean NOT NULL,
    version      bigint  NOT NULL,
    created_at   bigint  NOT NULL,
    updated_at   bigint  NOT NULL,
    last_used_at bigint,
    last_used_ip text    COLLATE "C",
    deleted_at   bigint,
    CHECK ((wrapped IS NULL) = (deleted_at IS NOT NULL))
);
CREATE UNIQUE INDEX token_set_by_name ON token_set (project_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX token_set_by_project ON token_set (project_id, id);

ALTER TABLE service ADD COLUMN project_id uuid REFERENCES project (id);
ALTER TABLE browser_session ADD COLUMN project_id uuid REFERENCES project (id);
CREATE INDEX browser_session_by_project ON browser_session (project_id) WHERE project_id IS NOT NULL AND ended_at IS NULL;

ALTER TABLE "user" ADD COLUMN external_profile text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE "user" ADD COLUMN external_id text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE "user" ADD COLUMN external_ref text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE "user" ADD COLUMN external_data text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE "user" ADD COLUMN external_flags bigint NOT NULL DEFAULT 0;

UPDATE schema_migrations SET dirty = false;
