-- One database beyond what one table holds well: docs/SCALING.md tells when. To be run once, by psql, with all
-- servers stopped, or on the empty tables the first server has made. A test runs it as it stands.
--
-- Interactions go by a hash of their id, so that no table, index or vacuum has all of them. What is in the order of time (index entries, events) goes by ranges of numbers, so that
-- what is old is dropped as a table. The last range takes whatever is beyond the others: add others in time.

\set ON_ERROR_STOP on
BEGIN;

ALTER TABLE interaction RENAME TO interaction_whole;
CREATE TABLE interaction (LIKE interaction_whole INCLUDING ALL) PARTITION BY HASH (id);
SELECT format('CREATE TABLE interaction_%s PARTITION OF interaction
    FOR VALUES WITH (MODULUS 16, REMAINDER %s)', n, n) FROM generate_series(0, 15) AS n \gexec
INSERT INTO interaction SELECT * FROM interaction_whole;
DROP TABLE interaction_whole;

ALTER TABLE attribute_text RENAME TO attribute_text_whole;
CREATE TABLE attribute_text (LIKE attribute_text_whole INCLUDING ALL) PARTITION BY RANGE (seq);
ALTER TABLE attribute_instant RENAME TO attribute_instant_whole;
CREATE TABLE attribute_instant (LIKE attribute_instant_whole INCLUDING ALL) PARTITION BY RANGE (seq);
-- A key has to have the column that partitions it. Ids of events are unique by the way they are drawn.
ALTER TABLE outbox RENAME TO outbox_whole;
CREATE TABLE outbox (LIKE outbox_whole INCLUDING DEFAULTS, PRIMARY KEY (seq)) PARTITION BY RANGE (seq);
CREATE INDEX ON outbox (event_id);

SELECT format('CREATE TABLE %1$s_%2$s PARTITION OF %1$s FOR VALUES FROM (%3$s) TO (%4$s)',
        name, n, n * 50000000::BIGINT, (n + 1) * 50000000::BIGINT)
    FROM unnest(ARRAY['attribute_text', 'attribute_instant', 'outbox']) AS name, generate_series(0, 3) AS n \gexec
SELECT format('CREATE TABLE %1$s_beyond PARTITION OF %1$s DEFAULT', name)
    FROM unnest(ARRAY['attribute_text', 'attribute_instant', 'outbox']) AS name \gexec

INSERT INTO attribute_text SELECT * FROM attribute_text_whole;
INSERT INTO attribute_instant SELECT * FROM attribute_instant_whole;
INSERT INTO outbox SELECT * FROM outbox_whole;
DROP TABLE attribute_text_whole, attribute_instant_whole, outbox_whole;

COMMIT;
ANALYZE;
