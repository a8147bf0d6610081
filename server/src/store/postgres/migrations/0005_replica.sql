-- What tells whether a replica is one of this database.

ALTER TABLE counter ADD COLUMN identity TEXT; -- drawn by the first who opens it
