-- What an interaction has in the index is computed from its document, see SQLite's schema.rs.

DROP INDEX attribute_text_seq;
DROP INDEX attribute_instant_seq;
