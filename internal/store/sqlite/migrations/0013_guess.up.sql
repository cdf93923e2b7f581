-- How many wrong codes of an authenticator app were looked at.

ALTER TABLE authenticator ADD COLUMN guesses_free_at INTEGER; -- when as many may be as at first; NULL where none ever was

PRAGMA user_version = 13;
