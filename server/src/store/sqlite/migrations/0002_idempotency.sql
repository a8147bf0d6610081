-- Creates that are safe to repeat, see schema.rs.

CREATE TABLE idempotency (
    key      BLOB    PRIMARY KEY, -- digest of what the client's key is good for
    request  BLOB    NOT NULL,    -- digest of the request it came with
    expires  INTEGER NOT NULL,    -- seconds since 1970
    version  INTEGER NOT NULL,    -- of the interaction as it was created: its ETag
    location TEXT    NOT NULL,
    body     TEXT    NOT NULL     -- as it was answered
) STRICT;

CREATE INDEX idempotency_expires ON idempotency (expires);
