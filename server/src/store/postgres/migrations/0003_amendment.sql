-- The log of what was replaced or deleted, told in schema.rs.

ALTER TABLE counter ADD COLUMN amendment BIGINT NOT NULL DEFAULT 0; -- the last amendment.number given out

CREATE TABLE amendment (
    number BIGINT PRIMARY KEY, -- in the order of commits; the last one is always kept
    seq    BIGINT NOT NULL     -- of the interaction
);
