-- What lists of API tokens are read by: a user's, the disabled or the enabled ones, and all by their end, those without one last.

DROP INDEX api_token_by_user;
DROP INDEX api_token_by_expires_at;
CREATE INDEX api_token_by_user ON api_token (user_id, name_key);
CREATE INDEX api_token_by_state ON api_token (enabled, name_key) WHERE deleted_at IS NULL;
CREATE INDEX api_token_by_end ON api_token (coalesce(expires_at, 9223372036854775807), id, enabled, name_key, deleted_at) WHERE deleted_at IS NULL; -- with what is filtered by

PRAGMA user_version = 11;
