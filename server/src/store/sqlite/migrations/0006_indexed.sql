-- How far the index goes, told in schema.rs.

CREATE TABLE indexed (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    up_to INTEGER NOT NULL                     -- the entries of interactions above are not all there
) STRICT;

INSERT INTO indexed (one, up_to) VALUES (1, (SELECT coalesce(max(seq), 0) FROM interaction));
