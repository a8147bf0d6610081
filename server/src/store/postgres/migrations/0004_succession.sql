-- Which store this one is being made the successor of, see successor/mark.rs. No row: it is a store
-- like any other.

CREATE TABLE succession (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    original TEXT NOT NULL,
    run      TEXT NOT NULL   -- who writes: an older run stops
);
