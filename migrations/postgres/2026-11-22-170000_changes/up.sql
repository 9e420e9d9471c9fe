-- The number of the last change to what a record makes searchable: put, replaced, deleted, its statement withdrawn.
-- Numbers grow in the order of commits, so that every server's index can follow, and catch up after a restart.
ALTER TABLE records ADD COLUMN changed BIGINT NOT NULL DEFAULT 0 CHECK (changed >= 0);
UPDATE records SET changed = idx + 1;
ALTER TABLE records ADD CONSTRAINT "records.changed" UNIQUE (changed);
