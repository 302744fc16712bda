-- Failed attempts to sign in, and from where accounts were signed in to: a restart forgets neither.
-- counted_by is what failures count by (place, name and network, name, browser), who is that address,
-- name or browser. A familiar place is a network, or the SHA-256 of what a browser keeps. Times are UTC, ISO 8601 with offset.
CREATE TABLE sign_in_failures (
    counted_by TEXT NOT NULL,
    who TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (counted_by, who)
) WITHOUT ROWID;
CREATE INDEX sign_in_failures_last_at ON sign_in_failures (last_at);
CREATE TABLE familiar_places (
    name TEXT NOT NULL,
    place TEXT NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (name, place)
) WITHOUT ROWID;
