-- Links that are sent to people, and up to where people were told of what concerns them. As SQLite's of the same number.

CREATE TABLE link (
    user_id    uuid   NOT NULL REFERENCES "user" (id),
    purpose    text   COLLATE "C" NOT NULL CHECK (purpose IN ('invitation', 'login')),
    id         uuid   NOT NULL,
    pepper     bigint NOT NULL,
    digest     bytea  NOT NULL CHECK (octet_length(digest) = 32),
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at    bigint,
    ended_at   bigint,
    PRIMARY KEY (user_id, purpose)
);
CREATE UNIQUE INDEX link_by_id ON link (id);
CREATE UNIQUE INDEX link_by_digest ON link (pepper, digest);
CREATE INDEX link_by_expires_at ON link (expires_at);

CREATE TABLE told (
    name     text   COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL
);

UPDATE schema_migrations SET dirty = false;
