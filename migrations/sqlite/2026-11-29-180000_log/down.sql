DROP TABLE checkpoints;
ALTER TABLE log_state DROP COLUMN epoch;
ALTER TABLE log_state DROP COLUMN published_size;
ALTER TABLE log_state DROP COLUMN frontier;
