-- The log of what was replaced or deleted, told in schema.rs. Triggers write it: whoever changes an
-- interaction, a process of an earlier release too, cannot leave it out.

CREATE TABLE amendment (
    number INTEGER PRIMARY KEY, -- in the order of commits; the last one is always kept
    seq    INTEGER NOT NULL     -- of the interaction
) STRICT;

CREATE TRIGGER interaction_replaced AFTER UPDATE ON interaction BEGIN
    INSERT INTO amendment (seq) VALUES (old.seq);
END;

CREATE TRIGGER interaction_deleted AFTER DELETE ON interaction BEGIN
    INSERT INTO amendment (seq) VALUES (old.seq);
END;

CREATE TRIGGER amendment_trimmed AFTER INSERT ON amendment WHEN new.number % 1024 = 0 BEGIN
    DELETE FROM amendment WHERE number <= new.number - 65536;
END;
