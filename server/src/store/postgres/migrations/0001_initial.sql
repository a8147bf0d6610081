-- The first schema. What each table is for is told in schema.rs; the columns explain themselves
-- here. Never edit a released file of this folder: add the next number.

CREATE TABLE counter (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    interaction     BIGINT NOT NULL, -- the last interaction.seq given out
    interactions    BIGINT NOT NULL, -- how many there are
    event           BIGINT NOT NULL, -- the last outbox.seq given out
    subscriptions   BIGINT NOT NULL, -- how often they were changed by others than their workers
    extension_paths BIGINT NOT NULL, -- how many there are
    dead_delivery   BIGINT NOT NULL  -- the last dead_delivery.id given out
);

INSERT INTO counter VALUES (1, 0, 0, 0, 0, 0, 0);

CREATE TABLE interaction (
    id           TEXT PRIMARY KEY,
    seq          BIGINT NOT NULL, -- creation order; never given out twice
    version      BIGINT NOT NULL,
    foreign_href TEXT,            -- NULL: our own, href is made for the reader
    href_digest  BYTEA,           -- SHA-256 of foreign_href: long ones fit no index
    document     TEXT NOT NULL    -- canonical JSON without id and href
);

CREATE INDEX interaction_seq ON interaction (seq);
CREATE INDEX interaction_href_digest ON interaction (href_digest);

CREATE TABLE attribute_text (
    path  SMALLINT NOT NULL,      -- number from domain::index
    value BYTEA    NOT NULL,      -- UTF-8: no collation, and U+0000 is a character like others
    seq   BIGINT   NOT NULL,      -- the interaction that has it
    PRIMARY KEY (path, value, seq)
);

CREATE INDEX attribute_text_seq ON attribute_text (seq);

CREATE TABLE attribute_instant (
    path  SMALLINT NOT NULL,
    value BIGINT   NOT NULL,      -- microseconds since 1970
    seq   BIGINT   NOT NULL,
    PRIMARY KEY (path, value, seq)
);

CREATE INDEX attribute_instant_seq ON attribute_instant (seq);

CREATE TABLE extension_path (
    number BIGINT PRIMARY KEY,
    path   BYTEA  NOT NULL        -- dotted; UTF-8
);

CREATE TABLE outbox (
    seq            BIGINT PRIMARY KEY, -- commit order
    event_id       TEXT NOT NULL UNIQUE,
    kind           TEXT NOT NULL,      -- eventType on the wire
    interaction_id TEXT NOT NULL,
    foreign_href   TEXT,
    time           TEXT NOT NULL,      -- RFC 3339, UTC
    correlation_id TEXT,
    document       TEXT NOT NULL,      -- the interaction as it was then
    changed        TEXT                -- JSON array of member names; NULL: none
);

-- Times of delivery are milliseconds since 1970.
CREATE TABLE subscription (
    id            TEXT PRIMARY KEY,
    api_version   TEXT   NOT NULL,
    registered    TEXT   NOT NULL,     -- JSON: callback, query, base_url, created_at
    digest        BYTEA  NOT NULL,     -- SHA-256 of what may be registered once
    state         TEXT   NOT NULL DEFAULT 'active'
        CHECK (state IN ('active', 'paused', 'ended')),
    owner         TEXT,                -- see delivery_lease
    epoch         BIGINT NOT NULL DEFAULT 0, -- raised by administration
    cursor_seq    BIGINT NOT NULL,     -- outbox.seq: settled up to here
    attempts      BIGINT NOT NULL DEFAULT 0,
    next_attempt  BIGINT,
    last_success  BIGINT,
    last_error    TEXT,
    last_error_at BIGINT,
    lost_events   BIGINT
);

CREATE INDEX subscription_digest ON subscription (digest);
CREATE INDEX subscription_owner ON subscription (owner);

CREATE TABLE delivery_lease (
    owner TEXT   PRIMARY KEY,
    until BIGINT NOT NULL
);

CREATE TABLE dead_delivery (
    id              BIGINT  PRIMARY KEY,
    subscription_id TEXT    NOT NULL,
    seq             BIGINT  NOT NULL,  -- of the outbox
    attempts        BIGINT  NOT NULL,
    error           TEXT    NOT NULL,
    died_at         BIGINT  NOT NULL,
    queued          BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (subscription_id, seq)
);

CREATE INDEX dead_delivery_seq ON dead_delivery (seq);

CREATE TABLE idempotency (
    key      BYTEA  PRIMARY KEY,  -- digest of what the client's key is good for
    request  BYTEA  NOT NULL,     -- digest of the request it came with
    expires  BIGINT NOT NULL,     -- seconds since 1970
    version  BIGINT NOT NULL,     -- of the interaction as it was created: its ETag
    location TEXT   NOT NULL,     -- '': several were created
    body     TEXT   NOT NULL      -- as it was answered
);

CREATE INDEX idempotency_expires ON idempotency (expires);

CREATE TABLE heartbeat (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    beat BIGINT NOT NULL
);

INSERT INTO heartbeat VALUES (1, 0);
