DROP INDEX records_changed;
ALTER TABLE records DROP COLUMN changed;
