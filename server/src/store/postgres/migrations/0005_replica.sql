-- What tells how far a replica has got, and whether it is one of this database.

ALTER TABLE counter ADD COLUMN commits BIGINT NOT NULL DEFAULT 0; -- how many transactions have written
ALTER TABLE counter ADD COLUMN identity TEXT; -- drawn by the first who opens it
