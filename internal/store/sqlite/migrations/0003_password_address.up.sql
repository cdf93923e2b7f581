-- From where a user's right password came: guesses from elsewhere don't keep it out there. An address is the whole in IPv4
-- and the first 64 bits in IPv6.

CREATE TABLE password_address (
    user_id BLOB    NOT NULL REFERENCES user (id),
    address TEXT    NOT NULL CHECK (address <> ''),
    last_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX password_address_by_last_at ON password_address (last_at);

PRAGMA user_version = 3;
