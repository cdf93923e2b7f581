-- What the proxy does with the calls of a service, and how many of them it lets in. As SQLite's of the same number.

ALTER TABLE service ADD COLUMN upstream text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE service ADD COLUMN profile text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE service ADD COLUMN forward_query_tokens boolean NOT NULL DEFAULT false;
ALTER TABLE service ADD COLUMN identity_token boolean NOT NULL DEFAULT false;
ALTER TABLE service ADD COLUMN rate_calls bigint NOT NULL DEFAULT 0 CHECK (rate_calls >= 0);
ALTER TABLE service ADD COLUMN rate_seconds bigint NOT NULL DEFAULT 0 CHECK (rate_seconds >= 0);

UPDATE schema_migrations SET dirty = false;
