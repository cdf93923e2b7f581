-- Second factors: what a person shows beside the password to log in to the console. As SQLite's of the same number.

CREATE TABLE authenticator (
    user_id    uuid   PRIMARY KEY REFERENCES "user" (id),
    wrapped    bytea  NOT NULL CHECK (octet_length(wrapped) > 0),
    last_step  bigint NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE passkey (
    id              uuid    PRIMARY KEY,
    user_id         uuid    NOT NULL REFERENCES "user" (id),
    name            text    COLLATE "C" NOT NULL CHECK (name <> ''),
    credential_id   bytea   NOT NULL CHECK (octet_length(credential_id) > 0),
    public_key      bytea   NOT NULL CHECK (octet_length(public_key) > 0),
    sign_count      bigint  NOT NULL CHECK (sign_count >= 0),
    backup_eligible boolean NOT NULL,
    transports      text    COLLATE "C" NOT NULL,
    created_at      bigint  NOT NULL,
    last_used_at    bigint
);
CREATE UNIQUE INDEX passkey_by_credential ON passkey (credential_id);
CREATE INDEX passkey_by_user ON passkey (user_id, id);

CREATE TABLE recovery_code (
    user_id uuid   NOT NULL REFERENCES "user" (id),
    pepper  bigint NOT NULL,
    digest  bytea  NOT NULL CHECK (octet_length(digest) = 32),
    used_at bigint,
    PRIMARY KEY (user_id, pepper, digest)
);

UPDATE schema_migrations SET dirty = false;
