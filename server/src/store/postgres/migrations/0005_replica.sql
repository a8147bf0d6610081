-- What tells how far a replica has got, and whether it is one of this database.

ALTER TABLE counter ADD COLUMN changes BIGINT NOT NULL DEFAULT 0; -- how often interactions were
ALTER TABLE counter ADD COLUMN identity TEXT; -- drawn by the first who opens it
