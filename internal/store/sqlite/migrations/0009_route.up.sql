-- What the proxy does with the calls of a service, and how many of them it lets in.

ALTER TABLE service ADD COLUMN upstream TEXT NOT NULL DEFAULT '';              -- http://host:port and the like; empty for nowhere
ALTER TABLE service ADD COLUMN profile TEXT NOT NULL DEFAULT '';               -- a product's; empty for none
ALTER TABLE service ADD COLUMN forward_query_tokens INTEGER NOT NULL DEFAULT 0 CHECK (forward_query_tokens IN (0, 1));
ALTER TABLE service ADD COLUMN identity_token INTEGER NOT NULL DEFAULT 0 CHECK (identity_token IN (0, 1));
ALTER TABLE service ADD COLUMN rate_calls INTEGER NOT NULL DEFAULT 0 CHECK (rate_calls >= 0);     -- 0 for any number
ALTER TABLE service ADD COLUMN rate_seconds INTEGER NOT NULL DEFAULT 0 CHECK (rate_seconds >= 0);

PRAGMA user_version = 9;
