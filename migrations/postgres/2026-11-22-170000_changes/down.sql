ALTER TABLE records DROP CONSTRAINT "records.changed";
ALTER TABLE records DROP COLUMN changed;
