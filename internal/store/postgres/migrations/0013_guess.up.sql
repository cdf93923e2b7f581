-- How many wrong codes of an authenticator app were looked at. As SQLite's of the same number.

ALTER TABLE authenticator ADD COLUMN guesses_free_at bigint;

UPDATE schema_migrations SET dirty = false;
