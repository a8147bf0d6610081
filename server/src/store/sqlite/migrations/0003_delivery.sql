-- Delivery of events, see schema.rs. Times are milliseconds since 1970.

ALTER TABLE outbox ADD COLUMN foreign_href TEXT; -- as in interaction
ALTER TABLE outbox ADD COLUMN changed TEXT;      -- JSON array of member names; NULL: none

ALTER TABLE subscription ADD COLUMN base_url TEXT NOT NULL DEFAULT ''; -- '': from before this was kept
ALTER TABLE subscription ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
    CHECK (state IN ('active', 'paused', 'ended'));
ALTER TABLE subscription ADD COLUMN owner TEXT;                        -- see delivery_lease
ALTER TABLE subscription ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;  -- raised by administration
ALTER TABLE subscription ADD COLUMN cursor INTEGER NOT NULL DEFAULT 0; -- outbox.seq: settled up to here
ALTER TABLE subscription ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscription ADD COLUMN next_attempt INTEGER;
ALTER TABLE subscription ADD COLUMN last_success INTEGER;
ALTER TABLE subscription ADD COLUMN last_error TEXT;
ALTER TABLE subscription ADD COLUMN last_error_at INTEGER;
ALTER TABLE subscription ADD COLUMN lost_events INTEGER;

-- What happened since a subscription was made was promised to it.
UPDATE subscription
SET cursor = coalesce((SELECT max(seq) FROM outbox WHERE time < created_at), 0);

-- One that has ended does not stand in the way of a new one.
DROP INDEX subscription_once;
CREATE UNIQUE INDEX subscription_once
    ON subscription (api_version, callback, coalesce(query, '')) WHERE state <> 'ended';

CREATE INDEX subscription_owner ON subscription (owner);

CREATE TABLE delivery_lease (
    owner TEXT    PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_delivery (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription_id TEXT    NOT NULL,
    seq             INTEGER NOT NULL, -- of the outbox
    attempts        INTEGER NOT NULL,
    error           TEXT    NOT NULL,
    died_at         INTEGER NOT NULL,
    queued          INTEGER NOT NULL DEFAULT 0,
    UNIQUE (subscription_id, seq)
) STRICT;

CREATE INDEX dead_delivery_seq ON dead_delivery (seq);
