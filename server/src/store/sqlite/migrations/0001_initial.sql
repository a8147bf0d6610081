-- The first schema. What each table is for is told in schema.rs; the columns explain themselves
-- here. Never edit a released file of this folder: add the next number.

CREATE TABLE interaction (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- creation order; never given out twice
    id           TEXT    NOT NULL UNIQUE,
    version      INTEGER NOT NULL,
    foreign_href TEXT,                              -- NULL: our own, href is made for the reader
    document     TEXT    NOT NULL                   -- canonical JSON without id and href
) STRICT;

CREATE INDEX interaction_foreign_href ON interaction (foreign_href)
    WHERE foreign_href IS NOT NULL;

CREATE TABLE attribute (
    path  INTEGER NOT NULL,                         -- number from domain::index
    value ANY     NOT NULL,                         -- TEXT, or INTEGER microseconds
    seq   INTEGER NOT NULL,                         -- the interaction that has it
    PRIMARY KEY (path, value, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX attribute_seq ON attribute (seq);      -- what one interaction has, to take it out

CREATE TABLE extension_path (
    path TEXT PRIMARY KEY                           -- dotted
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT, -- commit order
    event_id       TEXT NOT NULL UNIQUE,
    kind           TEXT NOT NULL,                     -- eventType on the wire
    interaction_id TEXT NOT NULL,
    time           TEXT NOT NULL,                     -- RFC 3339, UTC
    correlation_id TEXT,
    document       TEXT NOT NULL                      -- the interaction as it was then
) STRICT;

CREATE TABLE subscription (
    id          TEXT PRIMARY KEY,
    api_version TEXT NOT NULL,
    callback    TEXT NOT NULL,
    query       TEXT,
    created_at  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- NULLs are distinct in a UNIQUE index, and no query is the same as no query: hence coalesce.
CREATE UNIQUE INDEX subscription_once
    ON subscription (api_version, callback, coalesce(query, ''));

CREATE TABLE heartbeat (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    beat INTEGER NOT NULL
) STRICT;

INSERT INTO heartbeat (one, beat) VALUES (1, 0);
