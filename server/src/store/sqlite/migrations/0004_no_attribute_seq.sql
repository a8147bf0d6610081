-- What an interaction has in the index is computed from its document, see schema.rs.

DROP INDEX attribute_seq;
