-- Removes the interactions created first, up to a number: psql -v up_to=50000000 -f docs/retention.sql. With all
-- servers stopped; no events are told. A test runs it as it stands. The number of the last one created before a
-- date, where dates are those of creation:
--
--     SELECT max(seq) FROM interaction WHERE document::JSON ->> 'creationDate' < '2024-01-01';
--
-- Where tables are partitioned, index entries below a range go faster by DROP TABLE attribute_text_0.

\set ON_ERROR_STOP on
BEGIN;
SELECT 1 FROM counter WHERE one = 1 FOR UPDATE;
DELETE FROM attribute_text WHERE seq <= :up_to;
DELETE FROM attribute_instant WHERE seq <= :up_to;
WITH gone AS (DELETE FROM interaction WHERE seq <= :up_to RETURNING 1)
UPDATE counter SET interactions = interactions - (SELECT count(*) FROM gone), amendment = amendment + 1 WHERE one = 1;
COMMIT;
