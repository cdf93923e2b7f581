-- What lists of API tokens are read by. As SQLite's of the same number.

DROP INDEX api_token_by_user;
DROP INDEX api_token_by_expires_at;
CREATE INDEX api_token_by_user ON api_token (user_id, name_key);
CREATE INDEX api_token_by_state ON api_token (enabled, name_key) WHERE deleted_at IS NULL;
CREATE INDEX api_token_by_end ON api_token (coalesce(expires_at, 9223372036854775807), id)
    INCLUDE (enabled, name_key, expires_at) WHERE deleted_at IS NULL;

UPDATE schema_migrations SET dirty = false;
